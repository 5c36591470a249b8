"""Learning curves: each statistic over the steps made, with what came of evaluations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.ticker import EngFormatter, FuncFormatter, MaxNLocator

from megastep.checks import check_counts
from megastep.plotting.distributions import COLOURS
from megastep.plotting.figures import FADED, Picture
from megastep.plotting.panels import Measures, draw_legend, small_multiples

MEASURES = Measures(width=2.6, height=1.5, across=0.55, up=0.75, margin=0.5, legend=0.4, below=0.3)

LEFT_OUT = ('updates', 'frames', 'seconds', 'episodes')
"""The numbers in a line of a log that get no panel."""

WINDOW = 1 / 40
"""Curves are means over this share of the lines, so that their course can be seen; the lines themselves are faint."""

SHOWN = (0.01, 0.99)
"""Panels show what lies between these quantiles: a few outliers mustn't squeeze the rest."""

FLAT = 0.02
"""Curves that vary by no more than this share of their values are flat: a finer axis would make hills of nothing."""

Points = Float[np.ndarray, 'point 2']


def curves(lines: Sequence[Mapping[str, Any]], scores: Sequence[str] = (), columns: int = 4) -> Picture:
    """Learning curves: a panel a statistic, over the steps made.

    Args:
        lines: Those of a run's ``log.jsonl``: an update's have numbers by name, an evaluation's have such under
            ``'evaluation'``.
        scores: The env's scores, the most telling first: see `Env.scores`. They come before all but the return.
        columns: How many panels to a row.

    Raises:
        ValueError: if no line has a number to draw, or columns is below 1.
    """
    check_counts(columns=columns)
    _check_lines(lines)
    trained = points([line for line in lines if 'evaluation' not in line])
    tested = points([{'frames': line['frames'], **line['evaluation']} for line in lines if 'evaluation' in line])
    names = ordered([*trained, *tested], scores)
    if not names:
        raise ValueError(f'lines must have a number to draw, got {len(lines)} lines without any.')
    figure, axes = small_multiples(names, columns, MEASURES, dpi=110)
    for name in names:
        _draw(axes[name], trained.get(name), tested.get(name))
    entries = [('training', COLOURS[0])] + ([('evaluation on other maps', COLOURS[1])] if tested else [])
    left, top = draw_legend(figure, entries, MEASURES.margin)
    figure.write(left, top, 'over agent steps', va='center', color=FADED, fontsize=9)
    return figure


def _check_lines(lines: Any) -> None:
    """Raises unless lines are those of a log, each of which says after how many steps it was."""
    if isinstance(lines, str | Mapping) or not isinstance(lines, Sequence):
        raise ValueError(f'lines must be a list of the lines of a log, got {type(lines).__name__}.')  # noqa: TRY004
    for line in lines:
        if not isinstance(line, Mapping) or not isinstance(line.get('frames'), int | float):
            raise ValueError(f'a line must have names and numbers, frames among them, got {line!r}.')  # noqa: TRY004


def points(lines: Sequence[Mapping[str, Any]]) -> dict[str, Points]:
    """Steps and values of each statistic, where lines have a number for it."""
    found: dict[str, list[tuple[float, float]]] = {}
    for line in lines:
        for name, value in line.items():
            if name not in LEFT_OUT and isinstance(value, (int, float)):
                found.setdefault(name, []).append((line['frames'], value))
    return {name: np.array(pairs, dtype=float) for name, pairs in found.items()}


def ordered(names: Sequence[str], scores: Sequence[str]) -> list[str]:
    """The statistics' names, each once, those that matter most first."""
    first = [name for name in ('return', *scores, 'length') if name in names]
    return list(dict.fromkeys([*first, *names]))


def _draw(axes: Axes, trained: Points | None, tested: Points | None) -> None:
    axes.xaxis.set_major_formatter(FuncFormatter(written))
    axes.yaxis.set_major_formatter(FuncFormatter(written))
    axes.xaxis.set_major_locator(MaxNLocator(5))
    axes.yaxis.set_major_locator(MaxNLocator(4))
    if trained is not None:
        axes.plot(*trained.T, color=COLOURS[0], linewidth=0.6, alpha=0.3)
        axes.plot(*smoothed(trained).T, color=COLOURS[0], linewidth=1.5)
    if tested is not None:
        axes.plot(*tested.T, color=COLOURS[1], linewidth=1, marker='o', markersize=3)
    _fit(axes, [each for each in (trained, tested) if each is not None])


def written(value: float, position: int) -> str:
    """A number beside an axis: 1.5M rather than 1500000, but 0.015 rather than 15m."""
    return EngFormatter(sep='')(value) if abs(value) >= 1000 else f'{value:g}'


def smoothed(values: Points) -> Points:
    """Moving averages: means over windows of neighbouring points, as wide at the ends as there is room for."""
    half = int(len(values) * WINDOW / 2)
    sums = np.concatenate([[0.0], np.cumsum(values[:, 1])])
    here = np.arange(len(values))
    reach = np.minimum(half, np.minimum(here, len(values) - 1 - here))
    means = (sums[here + reach + 1] - sums[here - reach]) / (2 * reach + 1)
    return np.stack([values[:, 0], means], axis=1)


def _fit(axes: Axes, drawn: Sequence[Points]) -> None:
    """Shows what has been drawn, but for outliers."""
    last = max(each[:, 0].max() for each in drawn)
    ends = axis_range([each[:, 1] for each in drawn])
    axes.set(xlim=(0, 1.03 * last), ylim=ends)  # where the last evaluation's point has room


def axis_range(curves: Sequence[Float[np.ndarray, ' point']]) -> tuple[float, float]:
    """The ends of an axis for some curves, but for their outliers. Beside flat ones it begins at 0, or ends there."""
    extremes = np.concatenate([np.quantile(values, SHOWN) for values in curves])
    low, high = float(extremes.min()), float(extremes.max())
    if high - low <= FLAT * max(abs(low), abs(high)):
        low, high = min(low, 0.0), max(high, 0.0)
    spare = 0.08 * ((high - low) or 1.0)
    return low - spare, high + spare
