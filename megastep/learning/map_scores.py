"""Scores by map: running means over the last episodes in each, kept on the device without waiting for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import ModuleType

import torch
from jaxtyping import Bool, Float, Int, Shaped
from torch import Tensor

ALWAYS = ('return', 'length')
"""The scores that every env has."""

EPISODES = 16
"""The running means are over about so many of the last episodes in each map."""

LANES = 256
"""Episodes are added up in so many places at least, several of them a map's if there are few: threads of a GPU that
add to one place wait for each other."""

RECENT, KNOWN = 'recent ', 'known '
"""The names of scores by map begin so, where they stand beside sums over episodes, and of how many maps have them."""


class MapScores:
    """Scores by map: an exponential moving average over the last episodes in each map, and its mean over all maps.

    So all maps count alike, as they do where each is played as often; in a mean over the episodes that end within some
    steps, short ones count more than long ones. An average forgets by the number of episodes in its map, not by time:
    each episode takes a sixteenth of their weight from those that ended in earlier rollouts. A score that is NaN is
    left out of its average, and counts as one that was never known.

    Args:
        excluded: The rows whose episodes don't count.
        num_maps: How many maps there are.
        names: The scores.

    Attributes:
        totals: Each map's weight, then that times the average of each score, NaN where none is known: written in
            place.
    """

    def __init__(self, excluded: Bool[Tensor, ' row'], num_maps: int, names: Sequence[str]) -> None:
        self.names = ('episodes', *names)
        self.totals = torch.zeros((num_maps, len(self.names)), device=excluded.device)
        self._excluded, self._lanes = excluded, -(-LANES // num_maps)
        self._ended = self.totals.new_zeros((num_maps * self._lanes, 2 * len(self.names) - 1))

    def begin(self) -> None:
        """Begins to add up the episodes of another rollout."""
        self._ended.zero_()

    def add(
        self, ended: Bool[Tensor, ' row'], map_ids: Int[Tensor, ' row'], scores: Mapping[str, Shaped[Tensor, ' row']]
    ) -> None:
        """Adds the episodes that a step ended.

        Args:
            ended: In which rows.
            map_ids: The map that each row's episode is in.
            scores: The scores of these, by name; others aren't looked at.
        """
        found = [scores[name] for name in self.names[1:]]
        _kernels(ended).add(ended, self._excluded, map_ids, found, self._ended, self._lanes)

    def finish(self) -> dict[str, Tensor]:
        """Brings the averages up to date, once a rollout has been made.

        Returns:
            Sums over the episodes that ended in it: ``'episodes'``, how many they were, and each score. Then, as
            ``'recent episodes'``, the number of maps in which an episode has ever ended, and as ``'recent return'`` and
            the like the sums over these of their averages, where these are known: in as many maps as ``'known return'``
            says.
        """
        ended = self._ended.view(-1, self._lanes, self._ended.shape[1]).sum(dim=1)
        sums, counts = ended[:, : len(self.names)], ended[:, len(self.names) :]
        self._take_in(sums, counts)
        means = self._means()
        known = ~means.isnan()
        packed = [sums.sum(dim=0), (self.totals[:, :1] > 0).sum(dim=0), means.nan_to_num(0.0).sum(dim=0)]
        recent, names = [f'{RECENT}{name}' for name in self.names], [f'{KNOWN}{name}' for name in self.names[1:]]
        found = torch.cat([*packed, known.sum(dim=0)])
        return dict(zip([*self.names, *recent, *names], found.unbind(), strict=True))

    def _take_in(self, sums: Float[Tensor, 'map column'], counts: Float[Tensor, 'map score']) -> None:
        """Takes the episodes of a rollout into the averages: their number and scores, and how many had each score."""
        kept = self.totals * (1 - 1 / EPISODES) ** sums[:, :1]
        weights = torch.where(kept.isnan(), 0, kept[:, :1])[:, 1:] + counts
        means = (kept[:, 1:].nan_to_num(0.0) + sums[:, 1:]) / weights
        self.totals[:, :1] = kept[:, :1] + sums[:, :1]
        self.totals[:, 1:] = means * self.totals[:, :1]

    def _means(self) -> Float[Tensor, 'map score']:
        """Each map's averages, NaN where none is known."""
        return self.totals[:, 1:] / self.totals[:, :1]

    def by_map(self) -> dict[str, Float[Tensor, ' map']]:
        """The averages of each map by name, NaN where no episode has ended; ``'episodes'`` has their weights."""
        means = self._means().cpu()
        return {'episodes': self.totals[:, 0].cpu(), **dict(zip(self.names[1:], means.unbind(1), strict=True))}


def _kernels(tensor: Tensor) -> ModuleType:
    """The module that adds up scores: a kernel's on a GPU. Imported on use, so a CPU needs no Triton."""
    if tensor.is_cuda:
        from megastep.triton.network import score_sums as kernels
    else:
        from megastep.learning import score_sums as kernels  # type: ignore[no-redef]
    return kernels
