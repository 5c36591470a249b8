"""Puts things into a plan that stand in it: columns free of all walls, furniture at walls or free of them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from megastep.mapgen.gaps import Line, gap, in_front
from megastep.mapgen.outlines import Outlines
from megastep.mapgen.plan import Plan, PlannedRoom, Point
from megastep.mapgen.raster import edges
from megastep.segments import windings

PASSAGE = 750
"""How many millimetres are left free between anything that is put into a plan and what it doesn't touch."""

DOORSTEP = 900
"""How many millimetres of it before doors."""


class Floor:
    """A plan that things are put into, so that around each there is a passage: none parts or narrows the free space.

    Args:
        plan: The plan.
    """

    def __init__(self, plan: Plan) -> None:
        self.outlines = Outlines(plan.rings)
        self.taken: set[Point] = set()
        """Where edges of furniture begin: there is no wall for other furniture to stand at."""
        self._plan = plan
        self._walls = edges(plan.rings).astype(np.float64)
        self._doors = np.array(plan.doors, dtype=np.int64).reshape(-1, 2, 2)

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
        corners = np.array(shape, dtype=np.float64)
        if not inside(0.9 * corners + 0.1 * corners.mean(axis=0), room.outline).all():
            return False
        low, high = corners.min(axis=0) - DOORSTEP, corners.max(axis=0) + DOORSTEP
        near = self.outlines.near((int(low[0]), int(low[1])), (int(high[0]), int(high[1])))
        if gap(corners, in_front(near, lines)) < PASSAGE or gap(corners, in_front(self._doors, lines)) < DOORSTEP:
            return False
        return bool(lines) or bool(windings(corners.mean(axis=0)[None], self._walls)[0] > 0)

    def stand(self, shape: Sequence[Point]) -> None:
        """Puts a thing where it touches nothing: a hole in the free space."""
        ring = list(shape)[::-1]
        self.outlines.add(ring)
        self.taken.update(ring)


def inside(points: np.ndarray, outline: Sequence[Point]) -> np.ndarray:
    """Which points lie in an outline."""
    ring = np.array(outline, dtype=np.float64)
    return windings(points, np.stack([ring, np.roll(ring, -1, axis=0)], axis=1)) > 0
