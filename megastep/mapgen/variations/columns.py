"""Columns that stand free in large rooms."""

from __future__ import annotations

from collections.abc import Sequence
from math import isqrt

from megastep.mapgen.geometry.polygons import doubled_area
from megastep.mapgen.plan import PlannedRoom, Point
from megastep.mapgen.rng import Rng
from megastep.mapgen.variations.placement import Floor

SIDES = (300, 600)
"""How thick a map's columns are, in millimetres."""

LARGE = 40_000_000
"""Only rooms of more than half so many square millimetres have columns: 20 square metres."""

HUNDRED = 200_000_000
"""Twice 100 square metres, in square millimetres."""


def put_columns(floor: Floor, rooms: Sequence[PlannedRoom], rng: Rng, *, density: float) -> None:
    """Puts columns into rooms, in even rows, but for those that would be in the way.

    Args:
        floor: Where to.
        rooms: Its rooms.
        rng: Drawn from.
        density: About how many columns there are on 100 square metres.
    """
    side, octagonal = 50 * rng.between(*(side // 50 for side in SIDES)), rng.chance(1, 2)
    for room in rooms:
        area = doubled_area(room.outline)
        wanted = round(1000 * density) * area if area > LARGE else 0
        count = (wanted + rng.below(1000 * HUNDRED)) // (1000 * HUNDRED)
        for middle in _grid(room.outline, count):
            shape = _column(middle, side, octagonal)
            if floor.clear(shape, room):
                floor.stand(shape)


def _grid(outline: Sequence[Point], count: int) -> list[Point]:
    """About so many points evenly spread over the box around a room."""
    if not count:
        return []
    xs, ys = zip(*outline, strict=True)
    left, bottom, width, height = min(xs), min(ys), max(xs) - min(xs), max(ys) - min(ys)
    across = max(1, min(count, (isqrt(4 * count * width // height) + 1) // 2))
    up = max(1, (2 * count + across) // (2 * across))
    return [
        (left + (2 * i + 1) * width // (2 * across), bottom + (2 * j + 1) * height // (2 * up))
        for j in range(up)
        for i in range(across)
    ]


def _column(middle: Point, side: int, octagonal: bool) -> list[Point]:
    (x, y), half = middle, side // 2
    if not octagonal:
        return [(x - half, y - half), (x + half, y - half), (x + half, y + half), (x - half, y + half)]
    part = half * 5 // 12
    quarter = [(half, -part), (half, part)]
    turns = ((1, 0, 0, 1), (0, -1, 1, 0), (-1, 0, 0, -1), (0, 1, -1, 0))
    return [(x + a * px + b * py, y + c * px + d * py) for a, b, c, d in turns for px, py in quarter]
