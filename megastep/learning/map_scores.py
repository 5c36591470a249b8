"""Scores by map: running means over the last episodes in each, kept on the device without waiting for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

ALWAYS = ('return', 'length')
"""The scores that every env has."""

EPISODES = 16
"""The running means are over about so many of the last episodes in each map."""

LANES = 256
"""Episodes are added up in so many places at least, several of them a map's if there are few: threads of a GPU that
add to one place wait for each other."""

RECENT = 'recent '
"""The names of scores by map begin so, where they stand beside sums over episodes."""


class MapScores:
    """Scores by map: an exponential moving average over the last episodes in each map, and its mean over all maps.

    So all maps count alike, as they do where each is played as often; in a mean over the episodes that end within some
    steps, short ones count more than long ones. An average forgets by the number of episodes in its map, not by time:
    each episode takes a sixteenth of their weight from those that ended in earlier rollouts.

    Args:
        num_rows: How many rows the env has.
        num_maps: How many maps there are.
        names: The scores.
        device: Where they are.

    Attributes:
        totals: Each map's weight, then its weighted sum of each score: written in place.
    """

    def __init__(self, num_rows: int, num_maps: int, names: Sequence[str], device: torch.device) -> None:
        self.names = ('episodes', *names)
        self.totals = torch.zeros((num_maps, len(self.names)), device=device)
        self._lanes = -(-LANES // num_maps)
        self._lane = torch.arange(num_rows, device=device) % self._lanes
        self._ended = torch.zeros((num_maps * self._lanes, len(self.names)), device=device)

    def begin(self) -> None:
        """Begins to add up the episodes of another rollout."""
        self._ended.zero_()

    def add(
        self, ended: Bool[Tensor, ' row'], map_ids: Int[Tensor, ' row'], scores: Mapping[str, Float[Tensor, ' row']]
    ) -> None:
        """Adds the episodes that a step ended.

        Args:
            ended: In which rows.
            map_ids: The map that each row's episode is in.
            scores: The scores of these, by name; others aren't looked at.
        """
        columns = [torch.ones_like(ended).float(), *(scores[name].float() for name in self.names[1:])]
        values = torch.where(ended[:, None], torch.stack(columns, dim=-1), 0)  # all at once, which a GPU is faster at
        self._ended.index_add_(0, torch.add(self._lane, map_ids, alpha=self._lanes), values)

    def finish(self) -> dict[str, Tensor]:
        """Brings the averages up to date, once a rollout has been made.

        Returns:
            Sums over the episodes that ended in it: ``'episodes'``, how many they were, and each score. Then, as
            ``'recent episodes'``, the number of maps in which an episode has ever ended, and as ``'recent return'`` and
            the like the sums over these of their averages.
        """
        ended = self._ended.view(-1, self._lanes, len(self.names)).sum(dim=1)
        self.totals.mul_((1 - 1 / EPISODES) ** ended[:, :1]).add_(ended)
        played = self.totals[:, :1] > 0
        means = torch.where(played, self.totals / self.totals[:, :1], 0)
        sums = torch.cat([ended.sum(dim=0), means.sum(dim=0)])  # a map's weight over itself is 1
        names = [*self.names, *(f'{RECENT}{name}' for name in self.names)]
        return dict(zip(names, sums.unbind(), strict=True))

    def by_map(self) -> dict[str, Float[Tensor, ' map']]:
        """The averages of each map by name, NaN where no episode has ended; ``'episodes'`` has their weights."""
        means = (self.totals / self.totals[:, :1]).cpu()
        return {'episodes': self.totals[:, 0].cpu(), **dict(zip(self.names[1:], means[:, 1:].unbind(1), strict=True))}
