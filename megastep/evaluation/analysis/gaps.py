"""The generalisation gap: how much better agents are in the maps that they learnt in, by cross-evaluation if possible.

An agent's mean in its training maps less that in others is confounded by how hard either happen to be. Where each run
has learnt in maps of its own and is tested in those of all runs, the difficulty cancels out: in each run's own maps its
score is compared with the other runs'.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from jaxtyping import Bool, Float

from megastep.evaluation import statistics
from megastep.evaluation.analysis.cells import cells, difference_range, groups, map_codes, unvaried
from megastep.evaluation.analysis.summaries import LESS, as_table, few_runs
from megastep.evaluation.analysis.tables import Table, heading
from megastep.evaluation.episode_table import Columns, codes, picked, where
from megastep.evaluation.statistics import Draws, Weights

CROSSED = 'cross-evaluation'
SIMPLE = 'difference of sets'

EXPLAINED = {
    CROSSED: 'Cross-evaluation: own is the mean of runs in the maps that they have learnt in, others that of the other '
    'runs in the same maps, so that how hard those are cancels out.',
    SIMPLE: 'Difference of sets: own is the mean in the first set, others that in the second. How hard the maps of '
    'either are is a part of it.',
}


def gap(table: Columns, first: str, second: str, score: str, *, lower_is_better: bool = False) -> Table:
    """The generalisation gap of each agent. See `Results.gap`."""
    table = unvaried(table)
    if first == second:
        raise ValueError(f'a gap must be between two sets, got {first!r} twice.')
    for name in (first, second):
        where(table, set=name)
    if (table['trained_on'] & (table['set'] == second)).any():
        raise ValueError(f'set {second!r} must hold no maps that a run has learnt in, got some.')
    rows = []
    for values, part in groups(table, ['agent']):
        own, others = (picked(part, part['set'] == name) for name in (first, second))
        within = difference_range(own[score], others[score])
        found = _cross_evaluation(own, score, within) or _difference(own, others, score, within)
        rows.append({**values, **found}) if found else None
    if not rows:
        raise ValueError(f'some run must have episodes in both {first!r} and {second!r}, got none that has.')
    explained = [EXPLAINED[kind] for kind in dict.fromkeys(row['kind'] for row in rows)]
    explained += [f'{LESS} A gap below 0 is what is lost.'] if lower_is_better else []
    return as_table(f'{heading(score)}: generalisation gap from {first} to {second}', rows, *explained, few_runs(table))


def _cross_evaluation(table: Columns, score: str, within: tuple[float, float]) -> dict[str, Any] | None:
    """Scores of runs in their own maps less others' there, None where no run has learnt in maps that another has not.

    Every run is as often the one as the other, so how good runs are cancels out too.
    """
    if not table['trained_on'].any():
        return None
    means, maps = cells(table, score).means, map_codes(table)
    learnt = np.zeros(means.shape, bool)
    learnt[codes(table['run'])[table['trained_on']], maps[table['trained_on']]] = True
    pairs = (learnt & np.isfinite(means))[:, None] & (~learnt & np.isfinite(means))[None]
    if not pairs.any():
        return None
    own, others = (partial(_mean_of_pairs, np.where(pairs, each, 0), pairs) for each in (means[:, None], means[None]))
    ones = [np.ones((count, 1)) for count in means.shape]
    difference = lambda *weights: own(*weights) - others(*weights)  # noqa: E731
    interval = statistics.nested_bootstrap(difference, *means.shape, within=within)
    size = {'kind': CROSSED, 'runs': len(means), 'maps': int(pairs.any((0, 1)).sum())}
    return {**size, 'own': float(own(*ones)[0]), 'others': float(others(*ones)[0]), 'gap': interval}


def _mean_of_pairs(
    values: Float[np.ndarray, 'run run map'], pairs: Bool[np.ndarray, 'run run map'], runs: Weights, maps: Weights
) -> Draws:
    """The mean over pairs of runs of the means over the maps in which they are compared."""
    shape = (*values.shape[:2], -1)
    sums, counts = ((each.reshape(-1, values.shape[2]) @ maps).reshape(shape) for each in (values, pairs))
    weights = runs[:, None] * runs[None] * (counts > 0)
    means = np.divide(sums, counts, out=np.zeros_like(sums), where=counts > 0)
    total = weights.sum((0, 1))
    return np.divide((weights * means).sum((0, 1)), total, out=np.full_like(total, np.nan), where=total > 0)


def _difference(own: Columns, others: Columns, score: str, within: tuple[float, float]) -> dict[str, Any] | None:
    """The mean in one set less that in another, of the runs that have played both; None if none has."""
    shared = np.intersect1d(own['run'], others['run'])
    if not len(shared):
        return None
    first, second = (cells(picked(each, np.isin(each['run'], shared)), score) for each in (own, others))

    def difference(runs: Weights, ours: Weights, theirs: Weights) -> Draws:
        return statistics.mean(first.means, runs, ours) - statistics.mean(second.means, runs, theirs)

    size = {'kind': SIMPLE, 'runs': len(shared), 'maps': first.maps + second.maps}
    means = [
        statistics.mean(each.means, np.ones((each.runs, 1)), np.ones((each.maps, 1))).item() for each in (first, second)
    ]
    return {
        **size,
        'own': means[0],
        'others': means[1],
        'gap': statistics.bootstrap(difference, [len(shared)], [first.maps, second.maps], within=within),
    }
