"""Whole-number geometry of walls at any angle, for plans in millimetres.

Where lengths at an angle are needed, they come from IEEE addition, multiplication, division and square roots in a fixed
order, and are rounded at once: so they are the same on every machine.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeVar

from megastep.mapgen.plan import Point

Corner = TypeVar('Corner', Point, int)

Place = tuple[float, float]
"""x and y in millimetres, not yet rounded."""


def rounded(place: Place) -> Point:
    """The whole point nearest to a place."""
    return round(place[0]), round(place[1])


def unit(start: Place, end: Place) -> tuple[Place, float]:
    """The direction from one place to another, of length 1; and how far it is."""
    x, y = end[0] - start[0], end[1] - start[1]
    length = math.sqrt(x * x + y * y)
    return (x / length, y / length), length


def distance(one: Place, other: Place) -> float:
    """How far it is from one place to another."""
    x, y = other[0] - one[0], other[1] - one[1]
    return math.sqrt(x * x + y * y)


def along(start: Place, direction: Place, distance: float) -> Place:
    """The place at a distance in a direction."""
    return start[0] + distance * direction[0], start[1] + distance * direction[1]


def left_of(direction: Place) -> Place:
    """A direction turned by a quarter, anticlockwise."""
    return -direction[1], direction[0]


def turn(before: Point, corner: Point, after: Point) -> int:
    """Above zero where a path turns left at a corner, below it where it turns right, zero where it goes straight."""
    return (corner[0] - before[0]) * (after[1] - corner[1]) - (corner[1] - before[1]) * (after[0] - corner[0])


def doubled_area(ring: Sequence[Point]) -> int:
    """Twice the area inside a ring, in square millimetres; below zero if it runs clockwise."""
    return sum(x * v - u * y for (x, y), (u, v) in zip(ring, [*ring[1:], ring[0]], strict=True))


def straightened(ring: Iterable[Point]) -> list[Point]:
    """A ring without the corners that are there twice in a row, or that lie between their neighbours on a line."""
    kept: list[Point] = []
    for point in ring:
        while kept and (point == kept[-1] or (len(kept) > 1 and turn(kept[-2], kept[-1], point) == 0)):
            kept.pop()
        kept.append(point)
    while len(kept) > 2 and turn(kept[-2], kept[-1], kept[0]) == 0:
        kept.pop()
    while len(kept) > 2 and turn(kept[-1], kept[0], kept[1]) == 0:
        kept.pop(0)
    return kept


def followed(after: Mapping[Corner, Corner]) -> list[list[Corner]]:
    """The rings that corners form, given by the one after each.

    Each ring begins at its least corner, and they are in the order of these.
    """
    left, rings = dict(after), []
    for start in sorted(after):
        if start in left:
            ring = [start]
            while (corner := left.pop(ring[-1])) != start:
                ring.append(corner)
            rings.append(ring)
    return rings


def chained(ends: Mapping[Point, Point]) -> list[list[Point]]:
    """The rings that walls form, given by the end of each wall by its start: as `followed`, but outer rings first."""
    return sorted(followed(ends), key=lambda ring: doubled_area(ring) < 0)


def smoothed(ring: Sequence[Point]) -> list[Point]:
    """A ring with each corner replaced by two, a quarter of the way to its neighbours (Chaikin, "An algorithm for
    high-speed curve generation", 1974).
    """
    smooth = []
    for (x, y), (u, v) in zip(ring, [*ring[1:], ring[0]], strict=True):
        smooth += [((3 * x + u + 2) // 4, (3 * y + v + 2) // 4), ((x + 3 * u + 2) // 4, (y + 3 * v + 2) // 4)]
    return straightened(smooth)
