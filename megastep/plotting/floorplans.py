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

from megastep.checks import check_counts
from megastep.maps.geometry import Geometry
from megastep.maps.mapset import MapSet, listed
from megastep.maps.picture import FURNITURE, ROCKY, tint
from megastep.plotting.figures import DEEP, FADED, INK, Picture, free_space, patch

FLOOR, WALL, LAMP = '#f7f3ec', '#2d323d', '#f2b134'

HEWN = frozenset({'maze'})
"""Between the corridors of these all is wall."""

USUAL = 0.15
"""The scale, in inches a metre, from which on lines and lights are as thick as they get."""

CELL, GUTTER, MARGIN, CAPTION, LINE = 2.8, 0.3, 0.35, 0.34, 0.24
"""The gallery's measures in inches: a cell's width, what parts two, the edge, a caption's and a text line's height."""


def gallery(
    maps: MapSet | Geometry | Sequence[Geometry],
    count: int = 12,
    columns: int = 4,
    captions: Sequence[str] | None = None,
) -> Figure:
    """Draws the first floorplans of a set side by side, all to one scale, with their numbers and areas.

    Args:
        maps: The floorplans.
        count: How many to draw at the most.
        columns: How many to a row at the most.
        captions: What to write beneath each, instead of its number.

    Raises:
        ValueError: if there are no maps or something else among them, not as many captions as maps, one that is no
            text, or count or columns is no integer of at least 1.
    """
    maps = listed(maps)
    check_counts(count=count, columns=columns)
    if not len(maps):
        raise ValueError('the number of maps must be at least 1, got 0.')
    if captions is not None:
        _check_captions(captions, len(maps))
    shown = [maps[i] for i in range(min(count, len(maps)))]
    named = list(zip(captions or map(str, range(len(shown))), shown, strict=False))
    rows = [named[first : first + columns] for first in range(0, len(shown), columns)]
    sizes = np.array([size(geometry) for geometry in shown])
    scale = CELL / max(sizes[:, 0].max(), sizes[:, 1].max() / 1.2)  # inches a metre
    heights = [scale * max(size(geometry)[1] for _, geometry in row) for row in rows]
    width = 2 * MARGIN + len(rows[0]) * (CELL + GUTTER) - GUTTER
    legend = legend_of({room.kind for geometry in shown for room in geometry.rooms}, width - 2 * MARGIN - CELL / 2)
    footer = MARGIN + LINE * (1 + max((line for _, _, line in legend), default=0))
    height = MARGIN + sum(heights) + len(rows) * (CAPTION + GUTTER) + footer
    figure = Picture(width=width, height=height, dpi=150)
    top = height - MARGIN
    for row, tall in zip(rows, heights, strict=True):
        _draw_row(figure, row, top=top, height=tall, scale=scale)
        top -= tall + CAPTION + GUTTER
    draw_legend(figure, legend, top=footer - LINE / 2)
    draw_scale_bar(figure, right=width - MARGIN, top=footer - LINE / 2, scale=scale)
    return figure


def _check_captions(captions: Sequence[str], count: int) -> None:
    """Raises unless captions are as many texts as there are maps."""
    if (
        isinstance(captions, str)
        or not isinstance(captions, Sequence)
        or not all(isinstance(each, str) for each in captions)
    ):
        raise ValueError(f'captions must be a list of texts, got {captions!r}.')
    if len(captions) != count:
        raise ValueError(f'captions must be as many as maps, got {len(captions)} for {count}.')


def _draw_row(figure: Picture, row: Sequence[tuple[str, Geometry]], *, top: float, height: float, scale: float) -> None:
    """Draws floorplans side by side, ``height`` inches high, each with its caption below."""
    for column, (caption, geometry) in enumerate(row):
        left = MARGIN + column * (CELL + GUTTER)
        axes = figure.axes_at(left, top - height, CELL, height)
        frame(axes, bounds(geometry), width=CELL / scale, height=height / scale)
        draw_plan(axes, geometry, scale)
        _write_caption(figure, left + CELL / 2, top - height - CAPTION / 2, caption, geometry.area)


def bounds(geometry: Geometry) -> tuple[float, float, float, float]:
    """Bounding box of a floorplan and its rooms, whose corners may be behind furniture: left, bottom, right and top."""
    corners = np.concatenate([geometry.walls.reshape(-1, 2), *(room.outline for room in geometry.rooms)])
    (left, bottom), (right, top) = corners.min(axis=0).tolist(), corners.max(axis=0).tolist()
    return left, bottom, right, top


def size(geometry: Geometry) -> tuple[float, float]:
    """Width and height of a floorplan as it is drawn, in metres."""
    left, bottom, right, top = bounds(geometry)
    return right - left + 3 * DEEP, top - bottom + 3 * DEEP  # walls' corners stick out of where they are turned


def frame(axes: Axes, bounds: Sequence[float], *, width: float, height: float) -> None:
    """Shows ``width`` by ``height`` metres around the middle of some bounds."""
    x, y = (bounds[0] + bounds[2]) / 2, (bounds[1] + bounds[3]) / 2
    axes.set(xlim=(x - width / 2, x + width / 2), ylim=(y - height / 2, y + height / 2))


def draw_plan(axes: Axes, geometry: Geometry, scale: float) -> None:
    """Draws a floorplan: walls, rooms tinted by what they are for, lights.

    Args:
        axes: Where to.
        geometry: The floorplan.
        scale: How many inches a metre has. Below `USUAL`, lines and lights are finer.
    """
    fine = min(1.0, scale / USUAL)
    free = free_space(geometry.walls)
    rooms = [shapely.Polygon(room.outline).buffer(0) for room in geometry.rooms if room.kind not in ROCKY]
    hewn = [shapely.Polygon(room.outline).convex_hull for room in geometry.rooms if room.kind in HEWN]
    whole = shapely.union_all([free, *rooms, *hewn])
    axes.add_patch(patch(whole.buffer(DEEP, join_style='mitre'), facecolor=WALL))
    for room in rooms:
        axes.add_patch(patch(room, facecolor=FURNITURE))
    axes.add_patch(patch(free, facecolor=FLOOR))
    for room in geometry.rooms:
        floor = shapely.Polygon(room.outline).buffer(0).intersection(free)
        axes.add_patch(patch(floor, facecolor=tint(room.kind)))
    thin = 0.7 * max(fine, 0.5)
    axes.add_collection(
        LineCollection(list(geometry.walls), colors=WALL, linewidths=thin, capstyle='round', snap=False)
    )
    x, y = geometry.lights[:, 0], geometry.lights[:, 1]
    axes.scatter(x, y, s=34 * fine * fine, color=LAMP, alpha=0.22, linewidths=0, zorder=3)
    axes.scatter(x, y, s=7 * fine * fine, color=LAMP, linewidths=0, zorder=3)


def _write_caption(figure: Picture, x: float, y: float, caption: str, area: float) -> None:
    shift = 0.04 * (len(caption) - 1)
    figure.write(x - 0.06 + shift, y, caption, ha='right', va='center', color=INK, fontsize=9, fontweight='bold')
    figure.write(x + 0.06 + shift, y, f'{area:.1f} m²', ha='left', va='center', color=FADED, fontsize=9)


def legend_of(kinds: Iterable[str], width: float) -> list[tuple[str, float, int]]:
    """Sets kinds of room in lines no wider than ``width`` inches: each kind, where in its line, and which line."""
    places, x, line = [], 0.0, 0
    for kind in sorted(kinds):
        needed = 0.45 + 0.072 * len(kind)
        if x and x + needed > width:
            x, line = 0.0, line + 1
        places.append((kind, x, line))
        x += needed
    return places


def draw_legend(figure: Picture, legend: Sequence[tuple[str, float, int]], *, top: float) -> None:
    """Draws what `legend_of` set, from the left margin."""
    across, up = figure.get_size_inches()
    for kind, x, line in legend:
        left, y = MARGIN + x, top - LINE * line
        side, corner = 0.12, (left / across, (y - 0.06) / up)
        box = Rectangle(corner, side / across, side / up, facecolor=tint(kind), edgecolor=FADED, linewidth=0.4)
        figure.add_artist(box)
        figure.write(left + 0.19, y, kind.replace('_', ' '), va='center', color=FADED, fontsize=8)


def draw_scale_bar(figure: Picture, *, right: float, top: float, scale: float, most: float = CELL / 2) -> None:
    """Draws a bar as long as the roundest number of metres that ``most`` inches hold, at ``scale`` inches a metre."""
    power = 10 ** math.floor(math.log10(most / scale))
    metres = max(step * power for step in (1, 2, 5) if step * power * scale <= most)
    length = metres * scale
    axes = figure.axes_at(right - length, top - 0.05, length, 0.1)
    axes.plot([0, 0, 1, 1], [1, 0, 0, 1], color=INK, linewidth=1, solid_joinstyle='miter', clip_on=False)
    axes.set(xlim=(0, 1), ylim=(0, 1))
    figure.write(right - length - 0.1, top, f'{metres:g} m', ha='right', va='center', color=FADED, fontsize=8)
