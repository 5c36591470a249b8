"""Summaries of a table of episodes: statistics of scores, each with an interval over runs and maps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from types import MappingProxyType
from typing import Any

import numpy as np
from jaxtyping import Bool, Float

from megastep.checks import check_counts
from megastep.evaluation import statistics
from megastep.evaluation.analysis.cells import (
    Cells,
    cells,
    columns_named,
    difference_range,
    groups,
    map_codes,
    score_range,
    unvaried,
)  # fmt: skip
from megastep.evaluation.analysis.tables import Table, heading
from megastep.evaluation.episode_table import Columns, distinct, joint_codes, picked
from megastep.evaluation.statistics import Interval

FEW_RUNS = 5
"""Fewer runs than this say little of the next: a table says so."""

FEW = f'Fewer than {FEW_RUNS} runs: '
"""What a note that says so begins with."""

STATISTICS: Mapping[str, str] = MappingProxyType(
    {
        'mean': 'over runs and maps',
        'median': "of maps, of the runs' mean in each",
        'iqm': 'interquartile mean: the middle half of all means by run and map',
        'optimality_gap': 'by how much means by run and map fall short of 1',
        'cvar': f'mean in the worst {100 * statistics.TAIL:g} % of maps, picked and scored by different episodes',
    }
)
"""The statistics of a summary, and what each says."""

NONE = Interval(np.nan, np.nan, np.nan)
"""The interval of what there isn't."""

LESS = 'Less is better.'
"""The note on a score of which it is."""

INTERVALS = 'Intervals are of 95 % confidence, from a bootstrap over runs and maps together.'


def summary(table: Columns, score: str, by: str | Sequence[str] = 'set', *, lower_is_better: bool = False) -> Table:
    """A score's statistics for each agent and group of episodes, each with an interval. See `Results.summary`."""
    names = columns_named(table, by)
    table = table if 'variation' in names else unvaried(table)
    within, rows = score_range(table[score]), []
    for values, part in groups(table, ('agent', *names)):
        found = cells(part, score)
        size = {'runs': found.runs, 'maps': found.maps, 'episodes': len(part['agent'])}
        rows.append({**values, **size, **_statistics(found, within, lower_is_better)})
    explained = '; '.join(f'{heading(name)}: {what}' for name, what in STATISTICS.items() if name in rows[0])
    notes = LESS if lower_is_better else '', f'{explained}.', few_runs(table)
    return as_table(f'{heading(score)} by {" and ".join(names or ["agent"])}', rows, *notes)


def _statistics(found: Cells, within: tuple[float, float], lower_is_better: bool) -> dict[str, Interval]:
    """The statistics of means by run and map. Of a score of which less is better the worst is turned around."""
    functions = {
        'mean': partial(statistics.mean, found.means),
        'median': partial(statistics.median, found.means),
        'iqm': partial(statistics.iqm, found.means),
        'optimality_gap': partial(statistics.optimality_gap, found.means),
        'cvar': partial(statistics.cvar, -found.halves if lower_is_better else found.halves),
    }
    if within != (0, 1) or lower_is_better:
        del functions['optimality_gap']  # the best that there can be isn't known
    size = [found.runs], [found.maps]
    shares = {'median': 0.5, 'iqm': 0.5, 'cvar': statistics.TAIL}
    ranges = {'cvar': (-within[1], -within[0])} if lower_is_better else {}
    intervals = {
        name: statistics.bootstrap(each, *size, within=ranges.get(name, within), share=shares.get(name, 1.0))
        for name, each in functions.items()
    }
    return intervals | {name: _mirrored(intervals[name]) for name in ranges}


def _mirrored(of: Interval) -> Interval:
    """The interval of the negative of a statistic."""
    return Interval(-of.value, -of.high, -of.low)


def mean_interval(table: Columns, score: str, within: tuple[float, float]) -> Interval:
    """The mean of one agent's score over runs and maps, with its interval."""
    found = cells(table, score)
    return statistics.bootstrap(partial(statistics.mean, found.means), [found.runs], [found.maps], within=within)


def overview(table: Columns, scores: Sequence[str]) -> Table:
    """The means of several scores, a row an agent and a set."""
    table, rows = unvaried(table), []
    ranges = {score: score_range(table[score]) for score in scores}
    for values, part in groups(table, ('agent', 'set')):
        size = {'runs': len(distinct(part['run'])), 'maps': len(distinct(part['map'])), 'episodes': len(part['agent'])}
        means = {score: mean_interval(part, score, within) for score, within in ranges.items()}
        rows.append({**values, **size, **means})
    return as_table('Mean scores', rows, few_runs(table))


def matrix(table: Columns, score: str, down: str = 'set') -> Table:
    """A score's means, a row a set and a column an agent. See `Results.matrix`."""
    columns_named(table, down, called='down')
    table = table if down == 'variation' else unvaried(table)
    within = score_range(table[score])
    known = {
        (values[down], values['agent']): mean_interval(part, score, within)
        for values, part in groups(table, ('agent', down))
    }
    agents = distinct(table['agent'])
    rows = [
        {down: value, **{agent: known.get((value, agent), NONE) for agent in agents}} for value in distinct(table[down])
    ]
    return as_table(f'{heading(score)}: {down}s against agents', rows, few_runs(table))


def variations(table: Columns, score: str) -> Table:
    """A score's means in each variation of the env, and its change on the same episodes. See `Results.variations`."""
    varied = distinct(table['set'][table['variation'] != ''])
    table = picked(table, np.isin(table['set'], varied)) if varied else table
    within, rows = score_range(table[score]), []
    for values, part in groups(table, ('agent', 'variation')):
        row = {**values, 'variation': values['variation'] or 'none', 'mean': mean_interval(part, score, within)}
        plain = picked(table, (table['agent'] == values['agent']) & (table['variation'] == ''))
        rows.append({**row, 'change': _change(part, plain, score) if values['variation'] else NONE})
    note = 'change: on the same episodes, against none. Only sets that were played with variations count.'
    return as_table(f'{heading(score)} by variation', rows, note, few_runs(table))


def _change(varied: Columns, plain: Columns, score: str) -> Interval:
    """The mean paired difference between a variation and none, over the runs and episodes that have both.

    Episodes are the same if they begin and lead to the same places: where some have been left out, as larger agents
    have no room for them, numbers are others.
    """
    both = {name: np.concatenate([varied[name], plain[name]]) for name in varied}
    first = np.arange(len(both['agent'])) < len(varied['agent'])
    keys = joint_codes(both, 'run', 'set', 'map', 'start_x', 'start_y', 'goal_x', 'goal_y')
    shared = np.isin(keys, np.intersect1d(keys[first], keys[~first]))
    if not shared.any():
        return NONE
    both, first = picked(both, shared), first[shared]
    one, other = (cells({**both, score: np.where(of, both[score], np.nan)}, score) for of in (first, ~first))
    within = difference_range(both[score])
    return statistics.bootstrap(
        partial(statistics.mean, one.means - other.means), [one.runs], [one.maps], within=within
    )


def curve(table: Columns, score: str, against: str, bins: int | Sequence[float] = 8) -> Table:
    """A score's means against a variable. See `Results.curve`."""
    columns_named(table, against, called='against')
    if table[against].dtype.kind not in 'if':
        raise ValueError(f'against must be a column of numbers, got {against!r}.')
    table = unvaried(table)
    edges = _edges(table[against], bins)
    within, rows = score_range(table[score]), []
    for agent, own in groups(table, ['agent']):
        for low, high, chosen in _bins(own[against], edges):
            part = picked(own, chosen)
            size = {'maps': int(map_codes(part).max()) + 1, 'episodes': len(part['agent'])}
            place = {'from': low, 'to': high, against: float(part[against].mean())}
            rows.append({**agent, **place, **size, 'mean': mean_interval(part, score, within)})
    if not rows:
        raise ValueError(f'bins must have episodes in them, got none from {edges[0]:g} to {edges[-1]:g}.')
    return as_table(f'{heading(score)} against {heading(against)}', rows, few_runs(table))


def _edges(values: Float[np.ndarray, ' episode'], bins: int | Sequence[float]) -> Float[np.ndarray, ' edge']:
    """The bounds of bins: those given, or such that all have about as many episodes."""
    if not isinstance(bins, int | np.integer):
        try:
            edges = np.asarray(bins, float)
        except (TypeError, ValueError):
            edges = np.zeros(0)
        if edges.ndim != 1 or len(edges) < 2 or not (np.diff(edges) > 0).all():
            raise ValueError(f'bins must be a number or at least 2 bounds in ascending order, got {bins!r}.')
        return edges
    check_counts(bins=bins)
    known = values[np.isfinite(values)]
    if not len(known):
        raise ValueError('some episode must have the variable that a score is drawn against, got none that has.')
    edges = np.unique(np.quantile(known, np.linspace(0, 1, bins + 1)))
    return edges if len(edges) > 1 else np.append(edges, edges + 1)


def _bins(
    values: Float[np.ndarray, ' episode'], edges: Float[np.ndarray, ' edge']
) -> Iterator[tuple[float, float, Bool[np.ndarray, ' episode']]]:
    """The bins that have values in them: their bounds, and which values. The last has its upper bound too."""
    ends = [*edges[1:-1].tolist(), np.nextafter(edges[-1], np.inf)]
    for low, high, end in zip(edges[:-1].tolist(), edges[1:].tolist(), ends, strict=True):
        chosen = (values >= low) & (values < end)
        if chosen.any():
            yield low, high, chosen


def as_table(title: str, rows: Sequence[Mapping[str, Any]], *notes: str) -> Table:
    """A table of such rows, with notes, and one on its intervals."""
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    return Table(title, columns, tuple(filter(None, [INTERVALS, *notes])))


def few_runs(*tables: Columns) -> str:
    """A sentence on the agents of fewer than five runs in some tables, '' if there are none."""
    counts = {
        agent: len(np.unique(table['run'][table['agent'] == agent]))
        for table in tables
        for agent in distinct(table['agent'])
    }
    few = {agent: count for agent, count in counts.items() if count < FEW_RUNS}
    if not few:
        return ''
    listed = ', '.join(f'{agent} has {count}' for agent, count in few.items())
    rest = ' The interval of 1 run is over maps alone, and says nothing of another run.' if 1 in few.values() else ''
    return f'{FEW}{listed}.{rest}'


def without_few_runs(table: Table) -> Table:
    """A table without the sentence that `few_runs` is, where that is said of all tables at once."""
    return replace(table, notes=tuple(note for note in table.notes if not note.startswith(FEW)))
