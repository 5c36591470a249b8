"""Where a floorplan's lights hang."""

from __future__ import annotations

from collections.abc import Sequence

from megastep.mapgen.lattice import PER_METRE, Point, Rect

REACH = 4 * PER_METRE
"""Lights along the same part of a room are about this far apart."""

ALCOVE = 2 * PER_METRE
"""A part of a room at least this long, and half as wide, has lights of its own."""


def place_lights(floors: Sequence[tuple[Rect, ...]]) -> list[Point]:
    """Hangs lights in each room, along the middle of its widest part and of any other large one.

    Args:
        floors: The rectangles each room's clear floor is made of, in lattice units.

    Returns:
        At least one point a room, in lattice units, as far from the walls as its part of the floor allows.
    """
    return [light for floor in floors for light in _room_lights(floor)]


def _room_lights(floor: tuple[Rect, ...]) -> list[Point]:
    widest = max(floor, key=lambda part: (part.shorter, part.area))
    others = [part for part in floor if part is not widest and 2 * part.shorter >= ALCOVE and _length(part) >= ALCOVE]
    return [light for part in (widest, *others) for light in _row(part)]


def _length(part: Rect) -> int:
    return max(part.width, part.height)


def _row(part: Rect) -> list[Point]:
    """Lights evenly spread along a rectangle's longer axis."""
    count = max(1, (_length(part) + REACH // 2) // REACH)
    steps = [(2 * i + 1, 2 * count) for i in range(count)]
    if part.width >= part.height:
        return [(part.left + part.width * i // n, (part.bottom + part.top) // 2) for i, n in steps]
    return [((part.left + part.right) // 2, part.bottom + part.height * i // n) for i, n in steps]
