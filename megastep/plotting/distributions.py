"""Distributions of statistics of maps: those of several sets, and of real homes, in one picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Shaped
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from megastep.checks import check_counts
from megastep.plotting.figures import INK
from megastep.plotting.panels import Measures, draw_legend, small_multiples

COLOURS = ('#2f6fb7', '#d9542b', '#3d8b5a', '#8a5fb0', '#b8860b', '#4a9aa8')
"""The colours of the first, the second and further sets; the seventh has the first's again."""

MEASURES = Measures(width=2.3, height=1.35, across=0.35, up=0.75, margin=0.4, legend=0.35, below=0.2)

SHOWN = (0.005, 0.98)
"""Panels show values from one of these shares of the sets to the other: a few outliers mustn't squeeze the rest."""

Points = Sequence[tuple[float, float]]


def distributions(
    sets: Mapping[str, Mapping[str, Shaped[np.ndarray, ' map']]],
    real: Mapping[str, Points] | None = None,
    columns: int = 5,
) -> Figure:
    """Cumulative distributions: draws a panel a statistic, with the share of each set's maps that have at most a value.

    Args:
        sets: By the name of a set, what `megastep.MapSet.stats` gives of it: the same statistics of each. Those that
            are NaN for all maps of all sets are left out, and so are hashes.
        real: By statistic, values of real homes and the share of them that have at most each. Drawn in black.
        columns: How many panels to a row.

    Raises:
        ValueError: if there are no sets, none of them has a statistic to draw, or columns is below 1.
    """
    check_counts(columns=columns)
    _check_statistics(sets)
    names = [name for name in next(iter(sets.values()), {}) if _can_be_drawn([each[name] for each in sets.values()])]
    if not names:
        raise ValueError(f'sets must have a statistic to draw, got {len(sets)} sets without any.')
    figure, axes = small_multiples(names, columns, MEASURES, dpi=150)
    for name in names:
        _draw(axes[name], [each[name] for each in sets.values()], (real or {}).get(name, ()))
    entries = [(name, COLOURS[i % len(COLOURS)]) for i, name in enumerate(sets)]
    draw_legend(figure, [*entries, *([('real apartments', INK)] if real else [])], MEASURES.margin)
    return figure


def _check_statistics(sets: Any) -> None:
    """Raises unless sets have the same statistics, an array of numbers each."""
    if not isinstance(sets, Mapping) or not all(isinstance(each, Mapping) for each in sets.values()):
        odd = sets if not isinstance(sets, Mapping) else next(v for v in sets.values() if not isinstance(v, Mapping))
        raise ValueError(f'sets must be what MapSet.stats gives, by the names of sets, got {type(odd).__name__}.')
    names: set[str] = {*next(iter(sets.values()), {})}
    for name, statistics in sets.items():
        if odd := sorted(names ^ set(statistics)):
            raise ValueError(f'sets must have the same statistics, got {odd[0]} of some alone: {name!r} differs.')
        for statistic, values in statistics.items():
            if not isinstance(values, np.ndarray) or values.dtype.kind not in 'biuf':
                raise ValueError(f'{statistic} of {name!r} must be an array of numbers, got {values!r}.')


def _can_be_drawn(values: Sequence[Shaped[np.ndarray, ' map']]) -> bool:
    return all(each.dtype != np.uint64 for each in values) and any(np.isfinite(each).any() for each in values)


def _draw(axes: Axes, sets: Sequence[Shaped[np.ndarray, ' map']], real: Points) -> None:
    axes.set(ylim=(0, 1.02), yticks=(0, 0.5, 1))
    bounds = [value for value, share in real if SHOWN[0] <= share <= SHOWN[1]]
    for number, values in enumerate(sets):
        finite = np.sort(values[np.isfinite(values)])
        if len(finite):
            axes.ecdf(finite, color=COLOURS[number % len(COLOURS)], linewidth=1.4)
            bounds += np.quantile(finite, SHOWN).tolist()
    if real:
        axes.plot(*zip(*real, strict=True), color=INK, linewidth=1.1, linestyle=(0, (3, 1.5)), zorder=3)
    spare = (max(bounds) - min(bounds)) * 0.04 or 0.5
    axes.set_xlim(min(bounds) - spare, max(bounds) + spare)
