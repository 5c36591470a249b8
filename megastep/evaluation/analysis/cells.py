"""Cells of a table of episodes: mean scores by run and map, which is what statistics are computed from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from megastep.evaluation.episode_table import Columns, codes, joint_codes, picked


class Cells(NamedTuple):
    """Mean scores by run and map, NaN where there are no episodes."""

    means: Float[np.ndarray, 'run map']
    halves: Float[np.ndarray, 'half run map']
    """Means of every other episode of each map, and of the others: the same episodes for all runs."""

    @property
    def runs(self) -> int:
        """The number of runs."""
        return self.means.shape[0]

    @property
    def maps(self) -> int:
        """The number of maps."""
        return self.means.shape[1]


def cells(table: Columns, score: str) -> Cells:
    """Mean scores of one agent's episodes by run and map. Maps are the same if their sets and numbers are."""
    runs, maps = codes(table['run']), map_codes(table)
    halves = _halves(table, maps)
    parts = [_means(table[score], runs, maps, chosen) for chosen in (halves >= 0, halves == 0, halves == 1)]
    return Cells(parts[0], np.stack(parts[1:]))


def map_codes(table: Columns) -> Int[np.ndarray, ' episode']:
    """Numbers of the maps that episodes are in, from 0, in the order of their sets' names."""
    return joint_codes(table, 'set', 'map')


def _halves(table: Columns, maps: Int[np.ndarray, ' episode']) -> Int[np.ndarray, ' episode']:
    """The half of its map's episodes that each is in, 0 or 1 in turn."""
    episodes = joint_codes(table, 'set', 'map', 'episode')
    firsts = np.full(maps.max() + 1, len(episodes))
    np.minimum.at(firsts, maps, episodes)
    return (episodes - firsts[maps]) % 2


def _means(
    values: Float[np.ndarray, ' episode'],
    runs: Int[np.ndarray, ' episode'],
    maps: Int[np.ndarray, ' episode'],
    chosen: Bool[np.ndarray, ' episode'],
) -> Float[np.ndarray, 'run map']:
    """Means of those that are chosen and not NaN, by run and map."""
    chosen = chosen & np.isfinite(values)
    shape = runs.max() + 1, maps.max() + 1
    places = np.ravel_multi_index((runs[chosen], maps[chosen]), shape)
    counts = np.bincount(places, minlength=shape[0] * shape[1])
    sums = np.bincount(places, values[chosen], minlength=len(counts))
    return np.divide(sums, counts, out=np.full(len(counts), np.nan), where=counts > 0).reshape(shape)


def score_range(values: Float[np.ndarray, ' episode']) -> tuple[float, float]:
    """The range that a score's intervals stay in: 0 to 1 if it never leaves that, as a share does; else what it had."""
    known = values[np.isfinite(values)]
    low, high = (float(known.min()), float(known.max())) if len(known) else (0.0, 1.0)
    return (0.0, 1.0) if low >= 0 and high <= 1 else (low, high)


def difference_range(*values: Float[np.ndarray, ' episode']) -> tuple[float, float]:
    """The range that differences of a score stay in: see `score_range`."""
    low, high = score_range(np.concatenate(values))
    return low - high, high - low


def check_score(table: Columns, scores: Sequence[str], score: str) -> None:
    """Raises a `ValueError` unless a score is known, and of some episode."""
    known = dict.fromkeys((*scores, 'metres_walked', 'seconds'))
    if score not in known:
        raise ValueError(f'score must be one of {", ".join(known)}, got {score!r}.')
    if not np.isfinite(table[score]).any():
        raise ValueError(f'some episode must have the score {score!r}, got none that has.')


def columns_named(table: Columns, by: str | Sequence[str], *, called: str = 'by') -> tuple[str, ...]:
    """Columns to group by, without the agent; errors call them as is said.

    Raises:
        ValueError: if there is no such column.
    """
    names = (by,) if isinstance(by, str) or not isinstance(by, Iterable) else tuple(by)
    if unknown := [name for name in names if not isinstance(name, str) or name not in table]:
        raise ValueError(f'{called} must be columns among {", ".join(table)}, got {unknown[0]!r}.')
    return tuple(name for name in names if name != 'agent')


def groups(table: Columns, by: Sequence[str]) -> Iterator[tuple[dict[str, Any], Columns]]:
    """The parts of a table that share values in columns: those values and the rows, in the order of the table."""
    numbers = joint_codes(table, *by)
    _, firsts = np.unique(numbers, return_index=True)
    for first in np.sort(firsts).tolist():
        yield {name: table[name][first].item() for name in by}, picked(table, numbers == numbers[first])


def unvaried(table: Columns) -> Columns:
    """The episodes in the env as it is, if there are any: those in its variations are told apart by their column."""
    chosen = table['variation'] == ''
    return picked(table, chosen) if chosen.any() else table
