"""Columns that stand free in large rooms."""

from __future__ import annotations

from collections.abc import Sequence
from math import isqrt

from megastep.mapgen.geometry.clearance import bounds
from megastep.mapgen.geometry.polygons import doubled_area
from megastep.mapgen.plan import LATTICE_STEP, PlannedRoom, Point
from megastep.mapgen.rng import Rng
from megastep.mapgen.variations.placement import Placement

COLUMN_SIDES = (300, 600)
"""The range of the length of the sides of a map's columns, in millimetres."""

LEAST_COLUMNED_AREA = 20_000_000
"""The area above which rooms have columns, in square millimetres: 20 square metres."""

DENSITY_AREA = 100_000_000
"""The area that columns are counted on, in square millimetres: 100 square metres."""


def put_columns(placement: Placement, rooms: Sequence[PlannedRoom], rng: Rng, *, density: float) -> None:
    """Puts columns into rooms, in even rows, but for those that would be in the way.

    Args:
        placement: What to put them into.
        rooms: Its rooms.
        rng: The random number generator.
        density: The number of columns on 100 square metres, about.
    """
    low, high = (side // LATTICE_STEP for side in COLUMN_SIDES)
    side, octagonal = LATTICE_STEP * rng.between(low, high), rng.chance(1, 2)
    whole = 2 * 1000 * DENSITY_AREA  # of twice an area and a thousand times a density
    for room in rooms:
        area = doubled_area(room.outline)
        wanted = round(1000 * density) * area if area > 2 * LEAST_COLUMNED_AREA else 0
        count = (wanted + rng.below(whole)) // whole
        for middle in _grid(room.outline, count):
            shape = _column(middle, side, octagonal)
            if placement.is_clear(shape, room):
                placement.stand(shape)


def _grid(outline: Sequence[Point], count: int) -> list[Point]:
    """A grid of about so many points, evenly spread over the bounding box of a room."""
    if not count:
        return []
    (left, bottom), (right, top) = bounds(outline)
    width, height = right - left, top - bottom
    across = max(1, min(count, (isqrt(4 * count * width // height) + 1) // 2))
    up = max(1, (2 * count + across) // (2 * across))
    return [
        (left + (2 * i + 1) * width // (2 * across), bottom + (2 * j + 1) * height // (2 * up))
        for j in range(up)
        for i in range(across)
    ]


def _column(middle: Point, side: int, octagonal: bool) -> list[Point]:
    """The corners of a column, anticlockwise: a square or an octagon around its middle."""
    (x, y), half = middle, side // 2
    if not octagonal:
        return [(x - half, y - half), (x + half, y - half), (x + half, y + half), (x - half, y + half)]
    part = half * 5 // 12
    quarter = [(half, -part), (half, part)]
    turns = ((1, 0, 0, 1), (0, -1, 1, 0), (-1, 0, 0, -1), (0, 1, -1, 0))
    return [(x + a * px + b * py, y + c * px + d * py) for a, b, c, d in turns for px, py in quarter]
