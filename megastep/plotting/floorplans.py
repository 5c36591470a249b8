"""A gallery of floorplans, drawn in ink on paper."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np
import shapely
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from megastep.geometry import Geometry
from megastep.mapset import MapSet
from megastep.plotting.figures import DEEP, Picture, free_space, patch

PAPER, FLOOR, INK, FADED, LAMP = '#ffffff', '#f7f3ec', '#2d323d', '#868c97', '#f2b134'

FURNITURE = '#c9a883'
"""What stands in a room is filled with this,"""

ROCKY = frozenset({'arena', 'cave', 'maze', 'track'})
"""but for these, where it isn't furniture."""

TINTS = {
    'balcony': '#d5e8c8',
    'bathroom': '#bfe1e4',
    'bedroom': '#c8d7f1',
    'closet': '#dfd3ec',
    'corridor': '#efe7d8',
    'dining_room': '#fbdcb0',
    'entrance': '#f1dcc6',
    'hall': '#efe7d8',
    'kitchen': '#f7cdb4',
    'living_room': '#fbe5ab',
    'restroom': '#bfe1e4',
    'room': '#f2e8d6',
    'stairs': '#dedbd4',
    'storage': '#d9d6e0',
    'study': '#dde5ba',
    'washing_room': '#c6e5d6',
}
"""What a room of each kind is filled with; a room of any other kind is filled as a plain room is."""

CELL, GUTTER, MARGIN, CAPTION, LINE = 2.8, 0.3, 0.35, 0.34, 0.24
"""The gallery's measures in inches: a cell's width, what parts two, the edge, a caption's and a text line's height."""


def gallery(maps: MapSet | Sequence[Geometry], count: int = 12, columns: int = 4) -> Figure:
    """Draws the first floorplans of a set side by side, all to one scale, with their numbers and areas.

    Args:
        maps: The floorplans.
        count: How many to draw at the most.
        columns: How many to a row at the most.

    Raises:
        ValueError: if there are no maps, or count or columns is below 1.
    """
    for name, value in {'count': count, 'columns': columns, 'the number of maps': len(maps)}.items():
        if value < 1:
            raise ValueError(f'{name} must be at least 1, got {value}.')
    shown = [maps[i] for i in range(min(count, len(maps)))]
    rows = [list(enumerate(shown))[first : first + columns] for first in range(0, len(shown), columns)]
    sizes = np.array([_size(geometry) for geometry in shown])
    scale = CELL / max(sizes[:, 0].max(), sizes[:, 1].max() / 1.2)  # inches a metre
    heights = [scale * max(_size(geometry)[1] for _, geometry in row) for row in rows]
    width = 2 * MARGIN + len(rows[0]) * (CELL + GUTTER) - GUTTER
    legend = _legend({room.kind for geometry in shown for room in geometry.rooms}, width - 2 * MARGIN - CELL / 2)
    footer = MARGIN + LINE * (1 + max((line for _, _, line in legend), default=0))
    height = MARGIN + sum(heights) + len(rows) * (CAPTION + GUTTER) + footer
    figure = Picture(width=width, height=height, colour=PAPER, dpi=150)
    top = height - MARGIN
    for row, tall in zip(rows, heights, strict=True):
        _draw_row(figure, row, top=top, height=tall, scale=scale)
        top -= tall + CAPTION + GUTTER
    _draw_legend(figure, legend, top=footer - LINE / 2)
    _draw_scale_bar(figure, right=width - MARGIN, top=footer - LINE / 2, scale=scale)
    return figure


def _draw_row(figure: Picture, row: Sequence[tuple[int, Geometry]], *, top: float, height: float, scale: float) -> None:
    """Draws numbered floorplans side by side, ``height`` inches high, each with its caption below."""
    for column, (number, geometry) in enumerate(row):
        left = MARGIN + column * (CELL + GUTTER)
        axes = figure.axes_at(left, top - height, CELL, height)
        _frame(axes, geometry.bounds, width=CELL / scale, height=height / scale)
        _draw_plan(axes, geometry)
        _write_caption(figure, left + CELL / 2, top - height - CAPTION / 2, number, geometry.area)


def _size(geometry: Geometry) -> tuple[float, float]:
    left, bottom, right, top = geometry.bounds
    return right - left + 2 * DEEP, top - bottom + 2 * DEEP


def _frame(axes: Axes, bounds: Sequence[float], *, width: float, height: float) -> None:
    """Shows ``width`` by ``height`` metres around the middle of some bounds."""
    x, y = (bounds[0] + bounds[2]) / 2, (bounds[1] + bounds[3]) / 2
    axes.set(xlim=(x - width / 2, x + width / 2), ylim=(y - height / 2, y + height / 2))


def _draw_plan(axes: Axes, geometry: Geometry) -> None:
    free = free_space(geometry.walls)
    rooms = [shapely.Polygon(room.outline).buffer(0) for room in geometry.rooms if room.kind not in ROCKY]
    whole = shapely.union_all([free, *rooms])
    axes.add_patch(patch(whole.buffer(DEEP, join_style='mitre'), facecolor=INK))
    for room in rooms:
        axes.add_patch(patch(room, facecolor=FURNITURE))
    axes.add_patch(patch(free, facecolor=FLOOR))
    for room in geometry.rooms:
        tint = TINTS.get(room.kind, TINTS['room'])
        axes.add_patch(patch(shapely.Polygon(room.outline).buffer(0).intersection(free), facecolor=tint))
    axes.add_collection(LineCollection(list(geometry.walls), colors=INK, linewidths=0.7, capstyle='round'))
    x, y = geometry.lights[:, 0], geometry.lights[:, 1]
    axes.scatter(x, y, s=34, color=LAMP, alpha=0.22, linewidths=0, zorder=3)
    axes.scatter(x, y, s=7, color=LAMP, linewidths=0, zorder=3)


def _write_caption(figure: Picture, x: float, y: float, number: int, area: float) -> None:
    figure.write(x - 0.06, y, f'{number}', ha='right', va='center', color=INK, fontsize=9, fontweight='bold')
    figure.write(x + 0.06, y, f'{area:.1f} m²', ha='left', va='center', color=FADED, fontsize=9)


def _legend(kinds: Iterable[str], width: float) -> list[tuple[str, float, int]]:
    """Sets kinds of room in lines no wider than ``width`` inches: each kind, where in its line, and which line."""
    places, x, line = [], 0.0, 0
    for kind in sorted(kinds):
        needed = 0.45 + 0.072 * len(kind)
        if x and x + needed > width:
            x, line = 0.0, line + 1
        places.append((kind, x, line))
        x += needed
    return places


def _draw_legend(figure: Picture, legend: Sequence[tuple[str, float, int]], *, top: float) -> None:
    across, up = figure.get_size_inches()
    for kind, x, line in legend:
        left, y = MARGIN + x, top - LINE * line
        tint, size = TINTS.get(kind, TINTS['room']), 0.12
        corner = (left / across, (y - size / 2) / up)
        figure.add_artist(Rectangle(corner, size / across, size / up, facecolor=tint, edgecolor=FADED, linewidth=0.4))
        figure.write(left + 0.19, y, kind.replace('_', ' '), va='center', color=FADED, fontsize=8)


def _draw_scale_bar(figure: Picture, *, right: float, top: float, scale: float) -> None:
    """Draws a bar as long as the roundest number of metres that fits half a cell."""
    power = 10 ** math.floor(math.log10(CELL / 2 / scale))
    metres = max(step * power for step in (1, 2, 5) if step * power * scale <= CELL / 2)
    length = metres * scale
    axes = figure.axes_at(right - length, top - 0.05, length, 0.1)
    axes.plot([0, 0, 1, 1], [1, 0, 0, 1], color=INK, linewidth=1, solid_joinstyle='miter', clip_on=False)
    axes.set(xlim=(0, 1), ylim=(0, 1))
    figure.write(right - length - 0.1, top, f'{metres:g} m', ha='right', va='center', color=FADED, fontsize=8)
