"""Distances between convex shapes and walls, for the clearance of what stands in a plan.

It is plain Python: of a few corners and edges, NumPy would take longer to be called than to work.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import inf, sqrt
from typing import TypeVar

from megastep.mapgen.geometry.outlines import EdgeIndex
from megastep.mapgen.geometry.polygons import Vector, interpolated, ring_edges
from megastep.mapgen.plan import Point

ROUNDING_TOLERANCE = 2.0
"""The greatest distance of a point in front of a line at which it counts as on it, in millimetres: corners are
rounded."""

LEAST_PASSAGE = 750
"""The least width of a passage that variations of a plan leave, in millimetres: between anything that is put into it or
fills its corners and all that it doesn't touch."""

AnyPoint = TypeVar('AnyPoint', Point, Vector)

Line = tuple[Vector, Vector]
"""A directed line, by two points that it runs through; what is to its left is in front of it."""


def keeps_away(shape: Sequence[Point], edges: EdgeIndex, least: int, lines: Sequence[Line] = ()) -> bool:
    """Clearance test: true if a convex shape keeps a distance from what some edges have in front of lines.

    Args:
        shape: The corners in millimetres, anticlockwise.
        edges: From point to point, in millimetres.
        least: The distance to keep, in millimetres.
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
        if part and distance_to_edge(shape, part) < least:
            return False
    return True


def bounds(shape: Sequence[AnyPoint], by: int = 0) -> tuple[AnyPoint, AnyPoint]:
    """The bounding box of a shape, grown on all sides, in millimetres: its least and its greatest corner."""
    xs, ys = zip(*shape, strict=True)
    return (min(xs) - by, min(ys) - by), (max(xs) + by, max(ys) + by)


def distance_to_edge(shape: Sequence[Vector], edge: Line) -> float:
    """The Euclidean distance from a convex shape to an edge, in millimetres.

    Args:
        shape: The corners in millimetres, anticlockwise.
        edge: From point to point, in millimetres.
    """
    start, end = edge
    sides = ring_edges(shape)
    if _meet(sides, edge):
        return 0.0
    nearest = inf
    for corner, after in sides:
        side = corner, after
        nearest = min(
            nearest,
            _squared_distance_to_edge(corner, edge),
            _squared_distance_to_edge(start, side),
            _squared_distance_to_edge(end, side),
        )
    return sqrt(nearest)


def _meet(sides: Sequence[Line], edge: Line) -> bool:
    """Separating axis test: true if an edge has a point inside a convex shape.

    It has if no side of the shape and no line along the edge parts them.
    """
    if any(ahead(edge[0], side) <= 0 and ahead(edge[1], side) <= 0 for side in sides):
        return False
    depths = [ahead(start, edge) for start, _ in sides]
    return min(depths) < 0 < max(depths)


def ahead(point: Vector, line: Line) -> float:
    """The signed distance of a point to the left of a line, in millimetres times the distance of the line's points."""
    (ax, ay), (bx, by) = line
    return (bx - ax) * (point[1] - ay) - (by - ay) * (point[0] - ax)


def _squared_distance_to_edge(point: Vector, edge: Line) -> float:
    """The square of the distance from a point to an edge, in square millimetres."""
    (ax, ay), (bx, by) = edge
    vx, vy, ox, oy = bx - ax, by - ay, point[0] - ax, point[1] - ay
    along = (ox * vx + oy * vy) / (vx * vx + vy * vy)
    along = 0.0 if along < 0 else 1.0 if along > 1 else along
    dx, dy = ox - along * vx, oy - along * vy
    return dx * dx + dy * dy


def in_front(edge: Line, lines: Sequence[Line]) -> Line | None:
    """The edge clipped by lines: the part that lies to the left of every one, and not on one, if there is any."""
    for line in lines:
        start, end = edge
        length = sqrt((line[1][0] - line[0][0]) ** 2 + (line[1][1] - line[0][1]) ** 2)
        near, far = ahead(start, line) / length, ahead(end, line) / length
        if near <= ROUNDING_TOLERANCE and far <= ROUNDING_TOLERANCE:
            return None
        if near < 0:
            start = interpolated(start, end, near / (near - far))
        elif far < 0:
            end = interpolated(end, start, far / (far - near))
        edge = start, end
    return edge
