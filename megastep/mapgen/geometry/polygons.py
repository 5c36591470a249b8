"""Polygons with corners on whole millimetres, and vectors between them, for walls at any angle.

Where lengths at an angle are needed, they come from IEEE addition, multiplication, division and square roots in a fixed
order, and are rounded at once: so they are the same on every machine.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeVar

from megastep.mapgen.plan import Point

Item = TypeVar('Item')
Corner = TypeVar('Corner', Point, int)

Vector = tuple[float, float]
"""A point or a direction: x and y in millimetres, not yet rounded."""


def rounded(vector: Vector) -> Point:
    """The point on whole millimetres nearest to a vector."""
    return round(vector[0]), round(vector[1])


def unit(start: Vector, end: Vector) -> tuple[Vector, float]:
    """The unit vector from one point to another; and their distance, in millimetres."""
    x, y = end[0] - start[0], end[1] - start[1]
    length = math.sqrt(x * x + y * y)
    return (x / length, y / length), length


def distance(one: Vector, other: Vector) -> float:
    """The Euclidean distance of two points, in millimetres."""
    return math.sqrt(squared_distance(one, other))


def squared_distance(one: Vector, other: Vector) -> float:
    """The square of the distance of two points, in square millimetres: a whole number if theirs are."""
    x, y = other[0] - one[0], other[1] - one[1]
    return x * x + y * y


def interpolated(start: Vector, end: Vector, part: float) -> Vector:
    """Linear interpolation: the point a part of the way from one to another."""
    return start[0] + part * (end[0] - start[0]), start[1] + part * (end[1] - start[1])


def along(start: Vector, direction: Vector, distance: float) -> Vector:
    """The point at a distance in a direction, from another."""
    return start[0] + distance * direction[0], start[1] + distance * direction[1]


def left_of(direction: Vector) -> Vector:
    """The left normal of a direction: turned by a quarter, anticlockwise."""
    return -direction[1], direction[0]


def orientation(before: Point, corner: Point, after: Point) -> int:
    """The orientation of a corner, as a cross product: above zero for a left turn, below it for a right one."""
    return (corner[0] - before[0]) * (after[1] - corner[1]) - (corner[1] - before[1]) * (after[0] - corner[0])


def ring_edges(ring: Sequence[Item]) -> list[tuple[Item, Item]]:
    """The edges of a ring: each item of a closed line and the one after it."""
    return list(zip(ring, [*ring[1:], *ring[:1]], strict=True))


def ring_triples(ring: Sequence[Item]) -> list[tuple[Item, Item, Item]]:
    """The corners of a ring: each item of a closed line between those before and after it."""
    return list(zip([*ring[-1:], *ring[:-1]], ring, [*ring[1:], *ring[:1]], strict=True))


def doubled_area(ring: Sequence[Point]) -> int:
    """Twice the signed area of a ring, in square millimetres; below zero if it runs clockwise (shoelace formula)."""
    return sum(x * v - u * y for (x, y), (u, v) in ring_edges(ring))


def straightened(ring: Iterable[Point]) -> list[Point]:
    """A ring simplified: without corners that are there twice in a row, or lie between their neighbours on a line."""
    kept: list[Point] = []
    for point in ring:
        while kept and (point == kept[-1] or (len(kept) > 1 and orientation(kept[-2], kept[-1], point) == 0)):
            kept.pop()
        kept.append(point)
    while len(kept) > 2 and orientation(kept[-2], kept[-1], kept[0]) == 0:
        kept.pop()
    while len(kept) > 2 and orientation(kept[-1], kept[0], kept[1]) == 0:
        kept.pop(0)
    return kept


def followed(after: Mapping[Corner, Corner]) -> list[list[Corner]]:
    """The cycles of a permutation of corners: the rings that they form, given by the one after each.

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
    """Corner cutting: a ring with each corner replaced by two, a quarter of the way to its neighbours (Chaikin, "An
    algorithm for high-speed curve generation", 1974).
    """
    smooth = []
    for (x, y), (u, v) in ring_edges(ring):
        smooth += [((3 * x + u + 2) // 4, (3 * y + v + 2) // 4), ((x + 3 * u + 2) // 4, (y + 3 * v + 2) // 4)]
    return straightened(smooth)
