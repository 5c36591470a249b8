"""The sections of a report: what is computed from a table of episodes, with its tables and charts."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape

import numpy as np

from megastep.evaluation.analysis import comparisons, gaps, summaries
from megastep.evaluation.analysis.cells import score_range, unvaried
from megastep.evaluation.analysis.tables import Table, heading
from megastep.evaluation.analysis.worst import Way, worst
from megastep.evaluation.episode_table import Columns, distinct, picked
from megastep.evaluation.report import charts
from megastep.evaluation.statistics import Interval
from megastep.maps.mapset import MapSet

AGAINST: Mapping[str, str] = {
    'shortest_path': 'shortest path, m',
    'rooms': 'rooms',
    'detour': 'shortest path over straight line',
}
"""What curves are drawn against."""

EPISODES = 6
"""So many of an agent's worst episodes are drawn."""

PLAYERS = 3
"""And those of so many agents at the most."""


@dataclass(frozen=True)
class Section:
    """A section of a report.

    Args:
        title: Its heading.
        body: What is seen before its tables, in HTML.
        tables: Its tables, by name: their files are called so, as far as files can be.
        shown: Whether the page shows the tables; otherwise they are in files alone.
    """

    title: str
    body: str = ''
    tables: Mapping[str, Table] = field(default_factory=dict)
    shown: bool = True


def sections(
    table: Columns,
    scores: Sequence[str],
    maps: Mapping[str, MapSet],
    ways: Mapping[int, Way],
    lower_is_better: Collection[str] = (),
) -> list[Section]:
    """All sections that results have something for."""
    lower = scores[0] in lower_is_better
    parts = [
        *(_scored(table, score, score in lower_is_better) for score in scores),
        *_gaps(table, scores, lower_is_better),
        *_curves(table, scores[0]),
        *_compared(table, scores[0], lower),
        *_varied(table, scores),
        *_failures(table, scores[0], maps, ways, lower),
    ]
    return list(parts)


def _scored(table: Columns, score: str, lower: bool) -> Section:
    """A score's statistics, and its means side by side."""
    found = summaries.summary(table, score, lower_is_better=lower)
    agents = distinct(table['agent'])
    known = {(row['set'], row['agent']): row['mean'] for row in found.rows}
    rows = {name: [known.get((name, agent)) for agent in agents] for name in distinct(found.columns['set'])}
    body = charts.legend(agents) + charts.forest(rows, _span(table, score))
    return Section(_capital(heading(score)), body, {score: found})


def _span(table: Columns, score: str) -> tuple[float, float]:
    """The least range of an axis: all from 0 to 1 of what never leaves it, and otherwise nothing but the data."""
    span = score_range(table[score])
    return span if span == (0, 1) else (np.inf, -np.inf)


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]


def _gaps(table: Columns, scores: Sequence[str], lower: Collection[str]) -> Iterator[Section]:
    """The gap between the set of maps that were learnt in and the first that no run has."""
    plain = unvaried(table)
    learnt = distinct(plain['set'][plain['trained_on']])
    first = [*learnt, *(name for name in distinct(plain['set']) if name == 'train')][:1]
    others = [name for name in distinct(plain['set']) if name not in (*learnt, *first)]
    second = [*(name for name in others if name == 'test'), *others][:1]
    if first and second:
        ends = first[0], second[0]
        tables = {f'gap_{score}': gaps.gap(table, *ends, score, lower_is_better=score in lower) for score in scores}
        yield Section('Generalisation gap', '', tables)


def _curves(table: Columns, score: str) -> Iterator[Section]:
    """The section of curves, against what makes episodes hard."""
    plain, agents, figures, tables = unvaried(table), distinct(table['agent']), [], {}
    for name, label in AGAINST.items():
        known = plain[name][np.isfinite(plain[name])]
        if not len(known) or known.min() == known.max():
            continue
        found = tables[f'{score}_against_{name}'] = summaries.curve(table, score, name)
        points = [[(row[name], row['mean']) for row in found.rows if row['agent'] == agent] for agent in agents]
        figures.append(f'<figure>{charts.lines(points, across=label, up=score, span=_span(table, score))}</figure>')
    if figures:
        body = charts.legend(agents) + f'<div class="charts">{"".join(figures)}</div>'
        yield Section(f'{_capital(heading(score))} against what makes episodes hard', body, tables, shown=False)


def _compared(table: Columns, score: str, lower: bool) -> Iterator[Section]:
    """The first agent against each of the others, and all against all sets."""
    agents, tables = distinct(table['agent']), {}
    if len(agents) < 2:
        return
    ours, *others = ([picked(table, table['agent'] == agent), agent] for agent in agents)
    for theirs, name in others:
        if _share_episodes(ours[0], theirs, score):
            found = comparisons.compare(ours[0], theirs, score, lower_is_better=lower)
            tables[f'{ours[1]}_against_{name}'] = found
    if len(distinct(table['set'])) > 1:
        tables[f'{score}_matrix'] = summaries.matrix(table, score)
    yield Section('Agents side by side', '', tables)


def _share_episodes(ours: Columns, theirs: Columns, score: str) -> bool:
    """True if there is an episode of which both have the score."""
    scored = (picked(each, np.isfinite(each[score])) for each in map(unvaried, (ours, theirs)))
    keys = [set(zip(each['set'].tolist(), each['episode'].tolist(), strict=True)) for each in scored]
    return bool(keys[0] & keys[1])


def _varied(table: Columns, scores: Sequence[str]) -> Iterator[Section]:
    """Scores in variations of the env."""
    if not (table['variation'] != '').any():
        return
    agents = distinct(table['agent'])
    tables = {f'variations_{score}': summaries.variations(table, score) for score in scores}
    known = {(row['variation'], row['agent']): row['mean'] for row in tables[f'variations_{scores[0]}'].rows}
    names = dict.fromkeys(name for name, _ in known)
    rows: dict[str, list[Interval | None]] = {name: [known.get((name, agent)) for agent in agents] for name in names}
    body = charts.legend(agents) + charts.forest(rows, _span(table, scores[0]))
    yield Section('Variations', f'<p class="note">{_capital(heading(scores[0]))} in each.</p>{body}', tables)


def _failures(
    table: Columns, score: str, maps: Mapping[str, MapSet], ways: Mapping[int, Way], lower: bool
) -> Iterator[Section]:
    """The worst episodes of the first agents whose maps are known."""
    figures = []
    for agent in distinct(table['agent'])[:PLAYERS]:
        rows = np.flatnonzero((table['agent'] == agent) & np.isin(table['set'], list(maps)))
        if len(rows):
            own = {place: ways[row] for place, row in enumerate(rows.tolist()) if row in ways}
            drawn = worst(picked(table, rows), score, EPISODES, maps, own, lower_is_better=lower).figures()
            figures.append(f'<h3>{escape(agent)}</h3><div class="gallery">{drawn}</div>')
    if figures:
        key = (
            '<p class="note">Red: the way walked, from the ring on. Blue, dashed: the shortest path. Green: the goal. '
            f'Each map once, the {"highest" if lower else "lowest"} {heading(score)} first.</p>'
        )
        yield Section('The worst episodes', key + ''.join(figures))
