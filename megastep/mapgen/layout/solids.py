"""Solids in rectangular rooms: columns in rows, and shafts in corners."""

from __future__ import annotations

from collections.abc import Sequence

from megastep.mapgen.geometry.lattice import Rect, units
from megastep.mapgen.rng import Rng

COLUMN_SIDE = units(0.4)
"""The length of the sides of columns in rows, in lattice units."""

COLUMN_CLEARANCE = units(1.2)
"""The least distance of columns from walls and from each other, in lattice units. A room with less space has none."""

SHAFT_SIDES = (units(0.3), units(0.6))
"""The range of the lengths of a shaft's sides, in lattice units."""

SHAFT_CLEARANCE = units(0.9)
"""The least width that a shaft leaves of its room, in lattice units."""

SHAFT_DOOR_CLEARANCE = units(0.3)
"""The least distance of shafts from doors, in lattice units."""


def column_grid(room: Rect, pitch: int, side: int = COLUMN_SIDE) -> list[Rect]:
    """Square columns on a grid that fills a rectangular room evenly.

    Args:
        room: The clear part of the room, in lattice units.
        pitch: The least distance of columns, from middle to middle, in lattice units.
        side: The length of their sides, in lattice units.

    Returns:
        The columns; none if the room is so narrow that one would be in the way.
    """
    if room.shorter < side + 2 * COLUMN_CLEARANCE:
        return []
    xs, ys = _column_starts(room.left, room.right, pitch, side), _column_starts(room.bottom, room.top, pitch, side)
    return [Rect(x, y, x + side, y + side) for y in ys for x in xs]


def _column_starts(low: int, high: int, pitch: int, side: int) -> list[int]:
    """The low sides of columns in a row: half as far from the ends as from each other."""
    count = max(1, (high - low) // max(pitch, side + 2 * COLUMN_CLEARANCE + 2))
    return [low + (high - low) * (2 * i + 1) // (2 * count) - side // 2 for i in range(count)]


def corner_shaft(rng: Rng, room: Rect, openings: Sequence[Rect]) -> Rect | None:
    """A random shaft in a corner of a rectangular room: solid, as chimneys and shafts for pipes are.

    Args:
        rng: The random number generator.
        room: The clear part of the room, in lattice units.
        openings: The openings of doors, anywhere, in lattice units.

    Returns:
        The shaft, if one fits that is in no door's way.
    """
    width, height = rng.between(*SHAFT_SIDES), rng.between(*SHAFT_SIDES)
    if min(room.width - width, room.height - height) < SHAFT_CLEARANCE:
        return None
    corners = [
        (left, bottom) for left in (room.left, room.right - width) for bottom in (room.bottom, room.top - height)
    ]
    for left, bottom in rng.shuffled(corners):
        shaft = Rect(left, bottom, left + width, bottom + height)
        if not any(shaft.grown(SHAFT_DOOR_CLEARANCE).overlaps(opening) for opening in openings):
            return shaft
    return None
