"""Results of an evaluation: a row an episode, and what is made of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType

import numpy as np
from jaxtyping import Float

from megastep.evaluation import episode_table
from megastep.evaluation.episode_table import Table, distinct
from megastep.maps.mapset import MapSet

Way = Float[np.ndarray, 'step 2']
"""The places that an agent was at after each step of an episode, from its start on, in metres."""


@dataclass(frozen=True, eq=False)
class Results:
    """Results of an evaluation: a tidy table with a row an episode.

    The table's columns are the agent, the run (its number among those of the agent, each of another seed of training),
    the set of episodes, the map and the episode by their numbers in the set, the variation of the env ('' for none),
    whether the run has learnt in that map (``trained_on``), the scores, and what is known of the episode beside them:
    see `megastep.evaluation.episode_table`. Of all scores more is better, where it matters.

    Args:
        table: The columns by name: sequences or arrays of one length. What isn't given is filled in.
        scores: The columns that are scores, the most important first: those that the env has of its own, then
            ``'return'`` and ``'length'`` in steps.
        suite_sha256: The hash of the suite that was played, in hexadecimal; '' if there was none.
        maps: The maps of each set, so that episodes can be drawn. Sets that have none here aren't.
        ways: The ways walked in some episodes, by the number of the row, so that they can be drawn.

    Raises:
        ValueError: if a column is missing, unknown, of a wrong shape, type or range; there are no episodes, or two rows
            are the same one; a map isn't among those of its set; or a way is of no row or isn't (step, 2).
    """

    table: Table
    scores: Sequence[str]
    suite_sha256: str = ''
    maps: Mapping[str, MapSet] = field(default_factory=dict)
    ways: Mapping[int, Way] = field(default_factory=dict)

    def __post_init__(self) -> None:
        put = lambda name, value: object.__setattr__(self, name, value)  # noqa: E731, the class is frozen
        put('table', episode_table.episode_table(self.table, self.scores))
        put('scores', tuple(self.scores))
        put('maps', MappingProxyType(dict(self.maps)))
        put('ways', MappingProxyType({int(row): np.asarray(way, np.float32) for row, way in self.ways.items()}))
        _check_maps(self.table, self.maps)
        _check_ways(self.ways, len(self))

    def __len__(self) -> int:
        """The number of episodes."""
        return len(self.table['agent'])

    @property
    def agents(self) -> list[str]:
        """The agents, in the order of the table."""
        return distinct(self.table['agent'])

    @property
    def sets(self) -> list[str]:
        """The sets of episodes, in the order of the table."""
        return distinct(self.table['set'])

    def select(self, **values: object) -> Results:
        """The episodes that have the given values in columns, or one of several: ``results.select(set='houses')``.

        Raises:
            ValueError: if there is no such column, or no episode with the value.
        """
        rows = np.flatnonzero(episode_table.where(self.table, **values))
        ways = {place: self.ways[row] for place, row in enumerate(rows.tolist()) if row in self.ways}
        return replace(self, table=episode_table.picked(self.table, rows), ways=ways)

    def __repr__(self) -> str:
        runs = len({*zip(self.table['agent'].tolist(), self.table['run'].tolist(), strict=True)})
        return (
            f'Results({len(self)} episodes: {", ".join(self.agents)} ({runs} runs) '
            f'in {", ".join(self.sets)}; scores {", ".join(self.scores)})'
        )


def _check_maps(table: Table, maps: Mapping[str, MapSet]) -> None:
    for name, known in maps.items():
        numbers = table['map'][table['set'] == name]
        if len(numbers) and numbers.max() >= len(known):
            raise ValueError(f'maps of set {name!r} must be below {len(known)}, its number, got {numbers.max()}.')


def _check_ways(ways: Mapping[int, Way], length: int) -> None:
    for row, way in ways.items():
        if not 0 <= row < length:
            raise ValueError(f'ways must be of rows from 0 to {length - 1}, got {row}.')
        if way.ndim != 2 or way.shape[1] != 2 or not np.isfinite(way).all():
            raise ValueError(f'the way of row {row} must be finite places of shape (step, 2), got {way.shape}.')
