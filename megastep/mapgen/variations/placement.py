"""Placement of things that stand in a plan: columns free of all walls, furniture at walls or free of them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from megastep.mapgen.geometry.clearance import LEAST_PASSAGE, Line, bounds, keeps_away
from megastep.mapgen.geometry.outlines import Edge, EdgeIndex, Outlines
from megastep.mapgen.geometry.polygons import Vector, distance
from megastep.mapgen.geometry.raster import edges
from megastep.mapgen.plan import Plan, PlannedRoom, Point
from megastep.maps.segments import windings

DOOR_CLEARANCE = 900
"""The least distance of what is put into a plan from doors, in millimetres."""

SHORTEST_FURNISHED_WALL = 800
"""The least length of a wall that something is put at, in millimetres."""

PROBE_DISTANCE = 60
"""The distance before the middle of a wall of the point whose room is the wall's, in millimetres."""

FEW_CORNERS = 48
"""The number of corners above which an outline is looked at by NumPy: of fewer, that would take longer."""


class Placement:
    """A plan that things are put into, so that around each there is a passage: none parts or narrows the free space.

    Args:
        plan: The plan.
    """

    def __init__(self, plan: Plan) -> None:
        self.outlines = Outlines(plan.rings)
        self._taken: set[Point] = set()
        """The corners at which edges of furniture begin: there is no wall for other furniture to stand at."""
        self._plan = plan
        self._walls = edges(plan.rings).astype(np.float64)
        self._doors = EdgeIndex()
        for one, other in plan.doors:
            self._doors.add((one, other))
        self._found: tuple[PlannedRoom, list[Edge]] | None = None

    def plan(self) -> Plan:
        """The plan, with all that was put into it."""
        return self._plan._replace(rings=self.outlines.rings())

    def is_clear(self, shape: Sequence[Point], room: PlannedRoom, lines: Sequence[Line] = ()) -> bool:
        """Collision test: true if a thing can stand somewhere.

        Args:
            shape: Its corners in millimetres, anticlockwise; convex.
            room: The room that it should be in.
            lines: The walls that it touches. What is behind them is in nobody's way.
        """
        middle = _middle(shape)
        if not inside([(0.9 * x + 0.1 * middle[0], 0.9 * y + 0.1 * middle[1]) for x, y in shape], room.outline):
            return False
        if not keeps_away(shape, self.outlines.edges, LEAST_PASSAGE, lines):
            return False
        if not keeps_away(shape, self._doors, DOOR_CLEARANCE, lines):
            return False
        return bool(lines) or bool(windings(np.array([middle]), self._walls)[0] > 0)

    def stand(self, shape: Sequence[Point]) -> None:
        """Puts a thing where it touches nothing: a hole in the free space.

        Args:
            shape: Its corners in millimetres, anticlockwise.
        """
        ring = list(shape)[::-1]
        self.outlines.add(ring)
        self._taken.update(ring)
        self._found = None

    def attach(self, first: Point, last: Point, between: Sequence[Point], sides: Sequence[Point]) -> None:
        """Puts a thing at walls.

        Args:
            first: The corner before what it changes of the outline.
            last: The corner after.
            between: Those that come between.
            sides: The corners at which its own sides begin.
        """
        self.outlines.splice(first, last, between)
        self._taken.update(sides)
        self._found = None

    def is_side(self, corner: Point) -> bool:
        """True if a thing's side begins at a corner, rather than a wall."""
        return corner in self._taken

    def walls(self, room: PlannedRoom) -> list[Edge]:
        """The walls around a room that things may be put at."""
        if self._found is None or self._found[0] is not room:
            near = self.outlines.edges.near(*bounds(room.outline))
            self._found = room, [edge for edge in near if edge[0] not in self._taken and _is_before(edge, room)]
        return self._found[1]


def _is_before(edge: Edge, room: PlannedRoom) -> bool:
    """True if a wall is long enough for things to be put at, and what lies before its middle is in a room."""
    (ax, ay), (bx, by) = edge
    x, y = bx - ax, by - ay
    length = distance(*edge)
    if length < SHORTEST_FURNISHED_WALL:
        return False
    return inside(
        [((ax + bx) / 2 + PROBE_DISTANCE * -y / length, (ay + by) / 2 + PROBE_DISTANCE * x / length)], room.outline
    )


def _middle(shape: Sequence[Point]) -> Vector:
    """The mean of the corners."""
    xs, ys = zip(*shape, strict=True)
    return sum(xs) / len(xs), sum(ys) / len(ys)


def inside(points: Sequence[Vector], outline: Sequence[Point]) -> bool:
    """Point-in-polygon test: true if an outline winds around all of some points, as `segments.windings` counts.

    Args:
        points: The points in millimetres.
        outline: A ring's corners in millimetres.
    """
    if len(outline) > FEW_CORNERS:
        walls = edges([outline]).astype(np.float64)
        return bool((windings(np.array(points), walls) > 0).all())
    return all(_winds_around(outline, x, y) for x, y in points)


def _winds_around(outline: Sequence[Point], x: float, y: float) -> bool:
    """The winding number test of one point."""
    count, (ax, ay) = 0, outline[-1]
    for bx, by in outline:
        if ay <= y < by:
            count += (bx - ax) * (y - ay) > (by - ay) * (x - ax)
        elif by <= y < ay:
            count -= (bx - ax) * (y - ay) < (by - ay) * (x - ax)
        ax, ay = bx, by
    return count > 0
