"""Episodes' scores: as a step's info has them, as they are recorded when episodes end, and as statistics."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from jaxtyping import Bool, Float, Int, Shaped
from torch import Tensor

STARTS = ('start_x', 'start_y')
"""The names of the place where an episode began, in metres, among its measures."""


def scores(info: dict[str, Any], names: Sequence[str]) -> dict[str, Shaped[Tensor, ' row']]:
    """Every row's scores in its episode up to now, by name.

    Args:
        info: A step's.
        names: The scores that its env has beside the return and the length: see `Env.scores`.

    Raises:
        ValueError: if the info lacks one.
    """
    if missing := [name for name in names if name not in info]:
        raise ValueError(f"the env's info must have all of its scores, got none called {', '.join(missing)}.")
    always = {name: values for name, values in info['episode'].items() if name in ('return', 'length')}
    return {**always, **{name: info[name] for name in names}}


@dataclass(frozen=True)
class Evaluation:
    """Scores of episodes: as many in each row.

    Args:
        scores: By name: ``'return'``, ``'length'`` in steps, and those that the env has of its own.
        map_ids: The map that each episode was in.
        measures: What else is known of each episode, by name: where it began (`STARTS`), and `Env.measures`.
    """

    scores: dict[str, Float[Tensor, 'row episode']]
    map_ids: Int[Tensor, 'row episode']
    measures: dict[str, Float[Tensor, 'row episode']] = field(default_factory=dict)

    def __repr__(self) -> str:
        means = ', '.join(f'{name}={mean:.4g}' for name, mean in self.means().items())
        return f'Evaluation({self.map_ids.numel()} episodes in {len(self.map_ids.unique())} maps; means: {means})'

    def means(self) -> dict[str, float]:
        """Each score's mean over all episodes that have it."""
        return {name: float(values.nanmean()) for name, values in self.scores.items()}

    def spreads(self) -> dict[str, float]:
        """Each score's standard deviation among all episodes that have it; 0 if there is only one."""
        return {
            name: float((values - values.nanmean()).square().nanmean().sqrt()) for name, values in self.scores.items()
        }

    def by_map(self, name: str) -> dict[int, float]:
        """A score's mean in each map there were episodes in."""
        values, ids = self.scores[name].flatten(), self.map_ids.flatten()
        return {number: float(values[ids == number].nanmean()) for number in ids.unique().tolist()}


class EpisodeRecorder:
    """Record of the first few episodes that end in each row, made without waiting for the device.

    Args:
        positions: Where each row's agent is, as the first episodes begin, in metres.
        episodes: How many episodes of each are recorded.
        names: The scores that the env has beside the return and the length: see `Env.scores`.
        measures: What else is recorded: see `Env.measures`.
    """

    def __init__(
        self,
        positions: Float[Tensor, 'row 2'],
        episodes: int,
        names: Sequence[str] = (),
        measures: Sequence[str] = (),
    ) -> None:
        rows, device = len(positions), positions.device
        self._counts = torch.zeros(rows, dtype=torch.int64, device=device)
        self._shape, self._episodes, self._names, self._measures = (rows, episodes), episodes, names, measures
        self._recorded: dict[str, Tensor] = {}
        self._starts, self._over = positions.clone(), torch.zeros(rows, dtype=torch.bool, device=device)

    def record(self, info: dict[str, Any], positions: Float[Tensor, 'row 2']) -> None:
        """Records the scores of the episodes that a step ended, and where those begin that follow in the next step.

        Args:
            info: The step's.
            positions: Where each row's agent is after it, in metres.
        """
        torch.where(self._over[:, None], positions, self._starts, out=self._starts)
        self._over.copy_(info['_episode'])
        wanted = info['_episode'] & (self._counts < self._episodes)
        place = self._counts.clamp(max=self._episodes - 1)[:, None]
        found = scores(info, (*self._names, *self._measures))
        starts = dict(zip(STARTS, self._starts.unbind(-1), strict=True))
        for name, values in {**found, **starts, 'map_ids': info['episode']['map_ids']}.items():
            empty = torch.zeros(self._shape, dtype=values.dtype, device=values.device)
            recorded = self._recorded.setdefault(name, empty)
            recorded.scatter_(1, place, torch.where(wanted[:, None], values[:, None], recorded.gather(1, place)))
        self._counts += wanted

    def is_full(self) -> bool:
        """True if all rows have had their episodes. Waits for the device."""
        return bool((self._counts == self._episodes).all())

    def num_ended(self) -> int:
        """The number of episodes that have been recorded. Waits for the device."""
        return int(self._counts.sum())

    def evaluation(self, rows: Bool[Tensor, ' row'] | None = None) -> Evaluation:
        """The scores that have been recorded, of all rows or of some."""
        chosen = slice(None) if rows is None else rows
        recorded = {name: values[chosen].cpu() for name, values in self._recorded.items()}
        ids = recorded.pop('map_ids')
        measures = {name: recorded.pop(name).double() for name in (*STARTS, *self._measures)}
        return Evaluation({name: values.double() for name, values in recorded.items()}, ids, measures)
