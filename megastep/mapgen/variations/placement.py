"""Puts things into a plan that stand in it: columns free of all walls, furniture at walls or free of them."""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt

import numpy as np

from megastep.mapgen.geometry.clearance import Line, bounds, keeps_away
from megastep.mapgen.geometry.outlines import Edge, Neighbourhood, Outlines
from megastep.mapgen.geometry.polygons import Place
from megastep.mapgen.geometry.raster import edges
from megastep.mapgen.plan import Plan, PlannedRoom, Point
from megastep.maps.segments import windings

PASSAGE = 750
"""How many millimetres are left free between anything that is put into a plan and what it doesn't touch."""

DOORSTEP = 900
"""How many millimetres of it before doors."""

SHORTEST = 800
"""Nothing is put at a wall of fewer millimetres."""

BEFORE = 60
"""A wall is a room's if the point so many millimetres before its middle is in the room."""

FEW = 48
"""Whether places are inside an outline of more corners is found by NumPy: of fewer, that would take longer."""


class Floor:
    """A plan that things are put into, so that around each there is a passage: none parts or narrows the free space.

    Args:
        plan: The plan.
    """

    def __init__(self, plan: Plan) -> None:
        self.outlines = Outlines(plan.rings)
        self._taken: set[Point] = set()
        """Where edges of furniture begin: there is no wall for other furniture to stand at."""
        self._plan = plan
        self._walls = edges(plan.rings).astype(np.float64)
        self._doors = Neighbourhood()
        for one, other in plan.doors:
            self._doors.add((one, other))
        self._found: tuple[PlannedRoom, list[Edge]] | None = None

    def plan(self) -> Plan:
        """The plan, with all that was put into it."""
        return self._plan._replace(rings=self.outlines.rings())

    def clear(self, shape: Sequence[Point], room: PlannedRoom, lines: Sequence[Line] = ()) -> bool:
        """Whether a thing can stand somewhere.

        Args:
            shape: Its corners, anticlockwise; convex.
            room: The room that it should be in.
            lines: The walls that it touches. What is behind them is in nobody's way.
        """
        middle = _middle(shape)
        if not inside([(0.9 * x + 0.1 * middle[0], 0.9 * y + 0.1 * middle[1]) for x, y in shape], room.outline):
            return False
        if not keeps_away(shape, self.outlines.edges, PASSAGE, lines):
            return False
        if not keeps_away(shape, self._doors, DOORSTEP, lines):
            return False
        return bool(lines) or bool(windings(np.array([middle]), self._walls)[0] > 0)

    def stand(self, shape: Sequence[Point]) -> None:
        """Puts a thing where it touches nothing: a hole in the free space."""
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
            sides: Where its own sides begin.
        """
        self.outlines.splice(first, last, between)
        self._taken.update(sides)
        self._found = None

    def is_side(self, corner: Point) -> bool:
        """Whether a thing's side begins at a corner, rather than a wall."""
        return corner in self._taken

    def walls(self, room: PlannedRoom) -> list[Edge]:
        """The walls around a room that things may be put at."""
        if self._found is None or self._found[0] is not room:
            near = self.outlines.edges.near(*bounds(room.outline))
            self._found = room, [edge for edge in near if edge[0] not in self._taken and _is_before(edge, room)]
        return self._found[1]


def _is_before(edge: Edge, room: PlannedRoom) -> bool:
    """Whether a wall is long enough for things to be put at, and what lies before its middle is in a room."""
    (ax, ay), (bx, by) = edge
    x, y = bx - ax, by - ay
    square = x * x + y * y
    if square < SHORTEST * SHORTEST:
        return False
    length = sqrt(square)
    return inside([((ax + bx) / 2 + BEFORE * -y / length, (ay + by) / 2 + BEFORE * x / length)], room.outline)


def _middle(shape: Sequence[Point]) -> Place:
    """The mean of the corners."""
    xs, ys = zip(*shape, strict=True)
    return sum(xs) / len(xs), sum(ys) / len(ys)


def inside(places: Sequence[Place], outline: Sequence[Point]) -> bool:
    """Whether an outline winds around all of some places, by the rule of `megastep.maps.segments.windings`."""
    if len(outline) > FEW:
        walls = edges([outline]).astype(np.float64)
        return bool((windings(np.array(places), walls) > 0).all())
    return all(_winds_around(outline, x, y) for x, y in places)


def _winds_around(outline: Sequence[Point], x: float, y: float) -> bool:
    count, (ax, ay) = 0, outline[-1]
    for bx, by in outline:
        if ay <= y < by:
            count += (bx - ax) * (y - ay) > (by - ay) * (x - ax)
        elif by <= y < ay:
            count -= (bx - ax) * (y - ay) < (by - ay) * (x - ax)
        ax, ay = bx, by
    return count > 0
