"""How far apart things are that stand in a plan.

It is plain Python: of a few corners and edges, NumPy would take longer to be called than to work.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import inf, sqrt

from megastep.mapgen.geometry.outlines import Neighbourhood
from megastep.mapgen.geometry.polygons import Place
from megastep.mapgen.plan import Point

TOUCHING = 2.0
"""What is no further than this many millimetres in front of a line counts as lying on it: corners are rounded."""

Line = tuple[Place, Place]
"""Two points that a line runs through; what is to its left is in front of it."""


def keeps_away(shape: Sequence[Point], edges: Neighbourhood, least: int, lines: Sequence[Line] = ()) -> bool:
    """Whether a convex shape is at least so far from what some edges have in front of lines.

    Args:
        shape: The corners in millimetres, anticlockwise.
        edges: From point to point, in millimetres.
        least: How far, in millimetres.
        lines: What is behind one of these, or on it, doesn't count.
    """
    low, high = bounds(shape, least)
    (left, bottom), (right, top) = low, high
    for edge in edges.near(low, high):
        (ax, ay), (bx, by) = edge
        if (ax < left and bx < left) or (ax > right and bx > right):
            continue
        if (ay < bottom and by < bottom) or (ay > top and by > top):
            continue
        part = in_front(edge, lines)
        if part and gap(shape, part) < least:
            return False
    return True


def bounds(shape: Sequence[Point], by: int = 0) -> tuple[Point, Point]:
    """The least and the greatest corner of the box around a shape, grown by so much on all sides."""
    xs, ys = zip(*shape, strict=True)
    return (min(xs) - by, min(ys) - by), (max(xs) + by, max(ys) + by)


def gap(shape: Sequence[Place], edge: Line) -> float:
    """The distance from a convex shape to an edge.

    Args:
        shape: The corners in millimetres, anticlockwise.
        edge: From point to point, in millimetres.
    """
    start, end = edge
    sides = list(zip(shape, [*shape[1:], shape[0]], strict=True))
    if _meet(sides, edge):
        return 0.0
    nearest = inf
    for corner, after in sides:
        side = corner, after
        nearest = min(nearest, _square(corner, edge), _square(start, side), _square(end, side))
    return sqrt(nearest)


def _meet(sides: Sequence[Line], edge: Line) -> bool:
    """Whether an edge has a point inside a convex shape: no side of it and no line along the edge parts them."""
    if any(ahead(edge[0], side) <= 0 and ahead(edge[1], side) <= 0 for side in sides):
        return False
    depths = [ahead(start, edge) for start, _ in sides]
    return min(depths) < 0 < max(depths)


def ahead(place: Place, line: Line) -> float:
    """How far a place is to the left of a line, in millimetres times the distance of the line's points."""
    (ax, ay), (bx, by) = line
    return (bx - ax) * (place[1] - ay) - (by - ay) * (place[0] - ax)


def _square(place: Place, edge: Line) -> float:
    """The square of the distance from a place to an edge."""
    (ax, ay), (bx, by) = edge
    vx, vy, ox, oy = bx - ax, by - ay, place[0] - ax, place[1] - ay
    along = (ox * vx + oy * vy) / (vx * vx + vy * vy)
    along = 0.0 if along < 0 else 1.0 if along > 1 else along
    dx, dy = ox - along * vx, oy - along * vy
    return dx * dx + dy * dy


def in_front(edge: Line, lines: Sequence[Line]) -> Line | None:
    """The part of an edge that lies to the left of every line, and not on one, if there is one."""
    for line in lines:
        start, end = edge
        length = sqrt((line[1][0] - line[0][0]) ** 2 + (line[1][1] - line[0][1]) ** 2)
        near, far = ahead(start, line) / length, ahead(end, line) / length
        if near <= TOUCHING and far <= TOUCHING:
            return None
        if near < 0:
            start = _between(start, end, near / (near - far))
        elif far < 0:
            end = _between(end, start, far / (far - near))
        edge = start, end
    return edge


def _between(one: Place, other: Place, part: float) -> Place:
    return one[0] + part * (other[0] - one[0]), one[1] + part * (other[1] - one[1])
