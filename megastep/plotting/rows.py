"""Floorplans of several sets, a row each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure

from megastep.checks import check_counts
from megastep.maps.geometry import Geometry
from megastep.maps.mapset import MapSet, listed
from megastep.plotting.figures import FADED, INK, Picture
from megastep.plotting.floorplans import (
    LINE,
    MARGIN,
    bounds,
    draw_legend,
    draw_plan,
    draw_scale_bar,
    frame,
    legend_of,
    size,
)

CELL, TALLEST, GUTTER, TITLE, GAP = 2.6, 2.0, 0.25, 0.34, 0.3
"""Measures in inches: a cell's width, a row's height at the most, what parts cells, a title, and what parts rows."""


def rows(
    sets: Mapping[str, MapSet | Sequence[Geometry]], notes: Mapping[str, str] | None = None, columns: int = 5
) -> Figure:
    """Draws a row of floorplans of each set, every row to a scale of its own, under the set's name.

    Args:
        sets: By name, the floorplans; of each the first are drawn.
        notes: What to write beside some of the names.
        columns: How many to draw of each at the most.

    Raises:
        ValueError: if there are no sets, one has no maps, or columns is below 1.
    """
    check_counts(columns=columns)
    if not isinstance(sets, Mapping):
        raise ValueError(f'sets must be map sets by their names, got {type(sets).__name__}.')  # noqa: TRY004
    if not sets:
        raise ValueError('the number of sets must be at least 1, got 0.')
    sets = {str(name): listed(maps, f'set {name!r}') for name, maps in sets.items()}
    if empty := [name for name, maps in sets.items() if not len(maps)]:
        raise ValueError(f'{empty[0]} has no maps to draw.')
    shown = {name: [maps[i] for i in range(min(columns, len(maps)))] for name, maps in sets.items()}
    scales = {name: _scale(plans) for name, plans in shown.items()}
    heights = {name: scales[name] * max(size(plan)[1] for plan in plans) for name, plans in shown.items()}
    across = max(map(len, shown.values()))
    width = 2 * MARGIN + across * (CELL + GUTTER) - GUTTER
    kinds = {room.kind for plans in shown.values() for plan in plans for room in plan.rooms}
    legend = legend_of(kinds, width - 2 * MARGIN)
    footer = MARGIN + LINE * (1 + max((line for _, _, line in legend), default=0))
    height = MARGIN + sum(heights.values()) + len(shown) * (TITLE + GAP) + footer
    figure = Picture(width=width, height=height, dpi=150)
    top = height - MARGIN
    for name, plans in shown.items():
        middle = top - TITLE / 3
        heading = figure.write(MARGIN, middle, name, va='center', color=INK, fontsize=11, fontweight='bold')
        left = heading.get_window_extent().x1 / figure.dpi + 0.15
        figure.write(left, middle, (notes or {}).get(name, ''), va='center', color=FADED, fontsize=9)
        draw_scale_bar(figure, right=width - MARGIN, top=middle, scale=scales[name], most=CELL / 3)
        top -= TITLE
        for column, plan in enumerate(plans):
            axes = figure.axes_at(MARGIN + column * (CELL + GUTTER), top - heights[name], CELL, heights[name])
            frame(axes, bounds(plan), width=CELL / scales[name], height=heights[name] / scales[name])
            draw_plan(axes, plan, scales[name])
        top -= heights[name] + GAP
    draw_legend(figure, legend, top=footer - LINE / 2)
    return figure


def _scale(plans: Sequence[Geometry]) -> float:
    """Inches to a metre, so that all fit."""
    return min(min(CELL / wide, TALLEST / high) for wide, high in map(size, plans))
