"""Comparison of two agents: paired differences on the same episodes, and the probability of improvement."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from itertools import combinations, product
from math import comb
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from megastep.evaluation import statistics
from megastep.evaluation.analysis.cells import cells, columns_named, difference_range, groups, unvaried
from megastep.evaluation.analysis.summaries import LESS, as_table, few_runs
from megastep.evaluation.analysis.tables import Table, heading
from megastep.evaluation.episode_table import Columns, distinct, joint_codes, picked
from megastep.evaluation.statistics import Draws, Weights

WAYS = 10_000
"""So many ways to exchange runs are tried at the most; where there are more, as many at random."""

ROUNDING = 1e-9
"""Differences that differ by less are equal."""

SAME = 0.01
"""Shortest paths that differ by more, in metres, are of different episodes."""


def compare(
    ours: Columns, theirs: Columns, score: str, by: str | Sequence[str] = 'set', *, lower_is_better: bool = False
) -> Table:
    """Paired differences of two agents on the same episodes. See `Results.compare`."""
    names = columns_named(ours, by)
    ours, theirs = (each if 'variation' in names else unvaried(each) for each in (ours, theirs))
    (us,), (them,) = (distinct(each['agent']) for each in (ours, theirs))
    first, second, left_out = _same_episodes(*(picked(each, np.isfinite(each[score])) for each in (ours, theirs)))
    rows = [
        {**values, **_compared(part, other, score, lower_is_better)}
        for values, part, other in _paired_groups(first, second, names)
    ]
    notes = [
        f'difference: {us} less {them}, on the same episodes. improvement: the probability that a run of {us} is '
        f'better in a map than one of {them}.',
        LESS if lower_is_better else '',
        'p-values are by flips of the signs of differences between pairs of runs, or by dealing runs to agents where '
        'one has more. Five runs each give 0.0625 at the least.',
        f'{left_out} episodes that only one of the two has a score of are left out.' if left_out else '',
        few_runs(ours, theirs),
    ]
    return as_table(f'{heading(score)}: {us} against {them}', rows, *notes)


def _same_episodes(ours: Columns, theirs: Columns) -> tuple[Columns, Columns, int]:
    """The rows of either whose episodes both have, and how many episodes only one has.

    Raises:
        ValueError: if there are none, or the same numbers stand for other episodes.
    """
    count = len(ours['agent'])
    both = {name: np.concatenate([ours[name], theirs[name]]) for name in ours if name in theirs}
    keys = joint_codes(both, 'set', 'episode', 'variation')
    shared = np.intersect1d(keys[:count], keys[count:])
    if not len(shared):
        raise ValueError('results must have episodes in common to be compared, got none.')
    for name in ('map', 'shortest_path'):
        values = np.full((2, keys.max() + 1), np.nan)
        values[0, keys[:count]], values[1, keys[count:]] = both[name][:count], both[name][count:]
        if (np.abs(values[0] - values[1]) > SAME).any():
            raise ValueError(f'results must be of the same episodes to be compared, got others: their {name} differs.')
    chosen = np.isin(keys, shared)
    left_out = len(np.unique(keys)) - len(shared)
    return picked(ours, chosen[:count]), picked(theirs, chosen[count:]), left_out


def _paired_groups(
    ours: Columns, theirs: Columns, by: Sequence[str]
) -> Iterator[tuple[dict[str, Any], Columns, Columns]]:
    """The parts of both that share values in columns: those values, and the rows of either.

    Raises:
        ValueError: if the same episodes have other values in one than in the other.
    """
    count = len(ours['agent'])
    both = {name: np.concatenate([ours[name], theirs[name]]) for name in ('agent', 'set', 'episode', 'variation', *by)}
    keys, numbers = joint_codes(both, 'set', 'episode', 'variation', *by), joint_codes(both, *by)
    if len(np.setxor1d(keys[:count], keys[count:])):
        raise ValueError(f'by must be columns that say the same of an episode for both agents, got {", ".join(by)}.')
    for values, part in groups({**ours, 'group': numbers[:count]}, ['group', *by]):
        group = values.pop('group')
        yield values, part, picked(theirs, numbers[count:] == group)


def _compared(ours: Columns, theirs: Columns, score: str, lower_is_better: bool) -> dict[str, Any]:
    """A row of a comparison, from the same episodes of both."""
    first, second = cells(ours, score).means, cells(theirs, score).means

    def difference(our_runs: Weights, their_runs: Weights, maps: Weights) -> Draws:
        return statistics.mean(first, our_runs, maps) - statistics.mean(second, their_runs, maps)

    size = [len(first), len(second)], [first.shape[1]]
    better = (-first, -second) if lower_is_better else (first, second)
    means = [np.nanmean(each, axis=1) for each in (first, second)]
    return {
        'runs': f'{len(first)} and {len(second)}',
        'maps': first.shape[1],
        'episodes': len(distinct(joint_codes(ours, 'set', 'episode'))),
        'ours': float(np.nanmean(first)),
        'theirs': float(np.nanmean(second)),
        'difference': statistics.bootstrap(difference, *size, within=difference_range(ours[score], theirs[score])),
        'improvement': statistics.bootstrap(partial(statistics.improvement, *better), *size, within=(0, 1)),
        'p': p_value(*means),
    }


def p_value(ours: Float[np.ndarray, ' run'], theirs: Float[np.ndarray, ' run'], *, seed: int = 0) -> float:
    """Two-sided p-value of a randomisation test that runs of two agents have the same mean.

    As many of each are compared in pairs, and the signs of their differences flipped in all ways; otherwise runs are
    dealt to the agents in all ways (Fisher 1935; Pitman 1937).

    Args:
        ours: A score of each run.
        theirs: Likewise.
        seed: Seeds the draws where there are too many ways.

    Returns:
        The share of ways in which the means differ as much, NaN where either has one run.
    """
    if min(len(ours), len(theirs)) < 2:
        return float('nan')
    random = np.random.default_rng(seed)
    if len(ours) == len(theirs):
        found = _flips(random, len(ours)) @ (ours - theirs) / len(ours)
    else:
        every, dealt = np.concatenate([ours, theirs]), _deals(random, len(ours), len(theirs))
        sums = every[dealt].sum(1)
        found = sums / len(ours) - (every.sum() - sums) / len(theirs)
    return float((np.abs(found) >= abs(found[0]) - ROUNDING).mean())


def _flips(random: np.random.Generator, pairs: int) -> Float[np.ndarray, 'way pair']:
    """The ways to flip the signs of so many differences, or many of them; the first leaves all as they are."""
    if 2**pairs <= WAYS:
        return np.array(list(product((1.0, -1.0), repeat=pairs)))
    return np.concatenate([np.ones((1, pairs)), random.choice([1.0, -1.0], (WAYS - 1, pairs))])


def _deals(random: np.random.Generator, ours: int, theirs: int) -> Int[np.ndarray, 'way run']:
    """The ways to deal all runs to the agents, or many of them: which are ours. The first leaves all as they are."""
    count = ours + theirs
    if comb(count, ours) <= WAYS:
        return np.array(list(combinations(range(count), ours)))
    drawn = random.random((WAYS - 1, count)).argsort(axis=1)[:, :ours]
    return np.concatenate([np.arange(ours)[None], drawn])
