"""`python -m benchmarks.learnt_curves` draws how agents learnt, from what `benchmarks.learnt` has written."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import tyro
from jaxtyping import Float

from benchmarks.curves import COLOURS, FADED, FOOTER, IMAGES, INK, PAPER, make_plain
from benchmarks.report import RESULTS
from megastep.plotting.figures import Picture

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WIDTH, HEIGHT, LEFT, RIGHT, BELOW, ABOVE = 3.3, 2.4, 0.55, 0.35, 0.65, 0.7
"""A panel's measures in inches: its plot's width and height, and what is left free around it."""


class Score(NamedTuple):
    """A score: its name in tests, and what it is in training: a column, the ratio of two, or nothing."""

    test: str
    training: tuple[str, ...]
    label: str

    def trained(self, curve: Sequence[Mapping[str, Any]]) -> Float[np.ndarray, ' point']:
        """The score at each point of the curve of training, NaN where that doesn't say it."""
        columns = [np.array([point.get(name) for point in curve], dtype=float) for name in self.training]
        with np.errstate(divide='ignore', invalid='ignore'):  # nobody may have died yet
            return np.divide(*columns) if len(columns) > 1 else columns[0]


class Panel(NamedTuple):
    """Panel of a task: scores over steps, and how high a score is that nobody has had to learn for."""

    title: str
    scores: tuple[Score, ...]
    base: str | None = None


PANELS = {
    'pointgoal': Panel('PointGoal', (Score('success', ('success',), 'success'), Score('spl', ('spl',), 'SPL'))),
    'explorer': Panel('Explorer', (Score('coverage', ('coverage',), 'share of the house seen'),), 'random coverage'),
    'deathmatch': Panel(
        'Deathmatch',
        (
            Score('ratio', ('kills', 'deaths'), 'kills for a death, in duels'),
            Score('ratio among four', (), 'to theirs, two against two'),
        ),
    ),
}


def main(*, results: Path = RESULTS, images: Path = IMAGES) -> None:
    """Draw how agents learnt.

    Args:
        results: Where the reports are: of those on a task the newest is taken.
        images: Where the picture goes.
    """
    reports = newest(results)
    images.mkdir(parents=True, exist_ok=True)
    path = images / 'learnt.png'
    draw(reports).savefig(path, dpi=150)
    print(f'Drawn: {path}')


def newest(results: Path) -> dict[str, Mapping[str, Any]]:
    """The last report on each task, from the JSON files in a folder.

    Raises:
        ValueError: if there are none.
    """
    found = {}
    for task in PANELS:
        reports = [json.loads(path.read_text()) for path in results.glob(f'learnt-{task}-*.json')]
        if reports:
            found[task] = max(reports, key=lambda report: report['date'])
    if not found:
        raise ValueError(f'{results} must hold a report on what was learnt; it holds none.')
    return found


def draw(reports: Mapping[str, Mapping[str, Any]]) -> Picture:
    """Draws a panel a task: its scores in training as lines, and in tests on maps not seen before as points."""
    across = LEFT + WIDTH + RIGHT
    picture = Picture(width=across * len(reports), height=FOOTER + BELOW + HEIGHT + ABOVE, colour=PAPER)
    for number, (task, report) in enumerate(reports.items()):
        axes = picture.axes_at(number * across + LEFT, FOOTER + BELOW, WIDTH, HEIGHT)
        axes.set_axis_on()
        _draw_panel(axes, PANELS[task], report['rows'])
    sources = {f'{report["device"]}, {report["commit"]} of {report["date"][:10]}' for report in reports.values()}
    told = 'Points: tests in maps not seen before. Lines: training, one a seed.    '
    picture.write(0.15, 0.12, told + '    '.join(sorted(sources)), color=FADED, fontsize=7)
    return picture


def _draw_panel(axes: Axes, panel: Panel, rows: Sequence[Mapping[str, Any]]) -> None:
    axes.set_title(panel.title, loc='left', color=INK, fontsize=10, pad=22)
    axes.set_xlabel('million steps', color=INK, fontsize=9)
    for score, colour, left in zip(panel.scores, COLOURS, (0.0, 0.5), strict=False):
        for seed in sorted({row['seed'] for row in rows}):
            _draw_seed(axes, score, [row for row in rows if row['seed'] == seed], colour)
        axes.text(left, 1.04, score.label, color=colour, fontsize=8, transform=axes.transAxes)
    if panel.base is not None:
        level = float(np.mean([row[panel.base] for row in rows]))
        axes.axhline(level, color=FADED, linewidth=1, linestyle='--')
        axes.text(
            0.98,
            level,
            'at random',
            color=FADED,
            fontsize=8,
            ha='right',
            va='bottom',
            transform=axes.get_yaxis_transform(),
        )
    axes.set_ylim(bottom=0)
    axes.set_xlim(left=0)
    make_plain(axes)


def _draw_seed(axes: Axes, score: Score, rows: Sequence[Mapping[str, Any]], colour: str) -> None:
    """One agent: rows are the tests of its checkpoints, the last of which has the curve of its training."""
    steps = [row['steps'] / 1e6 for row in rows]
    style: dict[str, Any] = {'color': colour, 'linewidth': 1}
    joined = 'none' if score.training else '-'  # by the curve of training, where there is one
    points: dict[str, Any] = {'marker': 'o', 'markersize': 3, 'clip_on': False, 'linestyle': joined}
    axes.plot(steps, [row[score.test] for row in rows], **points, **style)
    curve = rows[-1]['curve']
    if score.training:
        axes.plot([point['steps'] / 1e6 for point in curve], score.trained(curve), alpha=0.6, **style)


if __name__ == '__main__':
    tyro.cli(main, prog='python -m benchmarks.learnt_curves')
