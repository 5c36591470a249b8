"""The outlines of free space while they are changed: which corner follows which, and what is near."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

import numpy as np
from jaxtyping import Int

from megastep.mapgen.plan import Point

CELL = 2000
"""Edges are looked up by the squares of this many millimetres that they may touch."""


class Outlines:
    """Closed rings, free space to the left of each, of which no two corners are at the same point.

    Args:
        rings: The rings' corners, in millimetres.
    """

    def __init__(self, rings: Iterable[Sequence[Point]]) -> None:
        self.after: dict[Point, Point] = {}
        """The corner that follows each."""
        self.before: dict[Point, Point] = {}
        """The corner that each follows."""
        self._cells: dict[tuple[int, int], dict[Point, None]] = {}
        for ring in rings:
            self.add(ring)

    def add(self, ring: Sequence[Point]) -> None:
        """Adds a ring."""
        for start, end in pairwise([*ring, ring[0]]):
            self._link(start, end)

    def splice(self, first: Point, last: Point, between: Sequence[Point]) -> None:
        """Puts other corners between two of the same ring, instead of those there are."""
        corner = first
        while True:
            follower = self.after.pop(corner)
            del self.before[follower]
            for cell in _cells(corner, follower):
                del self._cells[cell][corner]
            if follower == last:
                break
            corner = follower
        for start, end in pairwise([first, *between, last]):
            self._link(start, end)

    def _link(self, start: Point, end: Point) -> None:
        self.after[start], self.before[end] = end, start
        for cell in _cells(start, end):
            self._cells.setdefault(cell, {})[start] = None

    def near(self, low: Point, high: Point) -> Int[np.ndarray, 'edge 2 2']:
        """The edges that may touch a box, and perhaps some more, in the order of their corners."""
        starts = sorted({start for cell in _cells(low, high) for start in self._cells.get(cell, ())})
        return np.array([(start, self.after[start]) for start in starts], dtype=np.int64).reshape(-1, 2, 2)

    def rings(self) -> list[list[Point]]:
        """The rings, the outer one first. Each begins at its least corner, and the rings are in order of these."""
        after = dict(self.after)
        found = []
        for start in sorted(after):
            if start in after:
                ring = [start]
                while (corner := after.pop(ring[-1])) != start:
                    ring.append(corner)
                found.append(ring)
        return found


def _cells(one: Point, other: Point) -> Iterator[tuple[int, int]]:
    """The squares that a box between two corners touches."""
    (left, right), (bottom, top) = (sorted((one[axis] // CELL, other[axis] // CELL)) for axis in (0, 1))
    return ((x, y) for x in range(left, right + 1) for y in range(bottom, top + 1))
