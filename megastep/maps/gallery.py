"""HTML of floorplans side by side, all to one scale, with numbers, areas and a legend: for notebooks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from megastep.maps import picture
from megastep.maps.geometry import Geometry

FADED = 'opacity: 0.65; font-size: 12px'
"""The style of what is written small, on light pages and on dark ones."""

ROW = f'display: flex; flex-wrap: wrap; gap: 4px 14px; margin: 8px 0; {FADED}'
"""The style of the line of a scale bar and a legend."""


def draw(maps: Sequence[Geometry]) -> str:
    """Floorplans side by side in HTML: each with its number and area, one scale, a bar for it, and a legend.

    Args:
        maps: At least one.
    """
    scale = common_scale(maps)
    return (
        f'<div style="display: flex; flex-wrap: wrap; gap: 16px; align-items: flex-end">{plans(maps, scale)}</div>'
        f'<div style="{ROW}"><span>{scale_bar(scale)}</span>{legend(maps)}</div>'
    )


def common_scale(maps: Iterable[Geometry]) -> float:
    """The metres to a pixel, so that the largest of some maps is of the size of a picture of its own."""
    return max(picture.scale(geometry.walls) for geometry in maps)


def plans(maps: Sequence[Geometry], scale: float) -> str:
    """Floorplans with their numbers and areas in HTML, to a scale in metres a pixel."""
    return ''.join(
        f'<figure style="margin: 0; text-align: center">{plan(geometry, scale, f"map {number}")}'
        f'<figcaption style="font-size: 13px">'
        f'<b>{number}</b> <span style="{FADED}">{geometry.area:.1f} m²</span></figcaption></figure>'
        for number, geometry in enumerate(maps)
    )


def plan(geometry: Geometry, scale: float, name: str) -> str:
    """One floorplan as an image, to a scale in metres a pixel."""
    rooms = [(room.outline, room.kind) for room in geometry.rooms]
    drawn = picture.draw(
        walls=geometry.walls, spawns=geometry.spawns, lights=geometry.lights, doors=geometry.doors, rooms=rooms,
        metres_per_pixel=scale,
    )  # fmt: skip
    return picture.image(drawn, name)


def scale_bar(scale: float) -> str:
    """A scale bar in HTML, for a scale in metres a pixel."""
    length = picture.round_length(7, scale)
    style = f'display: inline-block; width: {length / scale:.0f}px; height: 4px; vertical-align: middle'
    return f'<span style="{style}; border: solid currentColor; border-width: 0 1px 1px 1px"></span> {length} m'


def legend(maps: Iterable[Geometry]) -> str:
    """A legend of the kinds of room in HTML, and of furniture."""
    kinds = sorted({room.kind for geometry in maps for room in geometry.rooms})
    colours = {kind.replace('_', ' '): picture.tint(kind) for kind in kinds}
    if set(kinds) - picture.ROCKY:
        colours['furniture and columns'] = picture.FURNITURE
    return ''.join(f'<span>{_swatch(colour)} {escape(name)}</span>' for name, colour in colours.items())


def _swatch(colour: str) -> str:
    style = f'display: inline-block; width: 10px; height: 10px; border: 1px solid #868c97; background: {colour}'
    return f'<span style="{style}"></span>'
