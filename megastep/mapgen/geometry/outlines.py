"""Linked rings of free space that can be edited, and a spatial hash of their edges."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise, product

from megastep.mapgen.geometry.polygons import followed, ring_edges
from megastep.mapgen.plan import Point

CELL_SIZE = 2000
"""The side of the spatial hash's square cells, in millimetres."""

Edge = tuple[Point, Point]
"""A directed edge, from point to point, in millimetres."""


class EdgeIndex:
    """A spatial hash of edges: they are found by the cells of a grid that they may touch."""

    def __init__(self) -> None:
        self._cells: dict[tuple[int, int], dict[Edge, None]] = {}

    def add(self, edge: Edge) -> None:
        """Inserts an edge."""
        for cell in _cells(*edge):
            self._cells.setdefault(cell, {})[edge] = None

    def remove(self, edge: Edge) -> None:
        """Deletes an edge that was added."""
        for cell in _cells(*edge):
            del self._cells[cell][edge]

    def near(self, low: Point, high: Point) -> list[Edge]:
        """A range query: the edges that may touch a box, and perhaps some more, in the order of their corners."""
        found: dict[Edge, None] = {}
        for x in range(low[0] // CELL_SIZE, high[0] // CELL_SIZE + 1):
            for y in range(low[1] // CELL_SIZE, high[1] // CELL_SIZE + 1):
                if cell := self._cells.get((x, y)):
                    found.update(cell)
        return sorted(found)


class Outlines:
    """Closed rings as doubly linked lists, free space to the left of each. No two corners are at the same point.

    Args:
        rings: The rings' corners, in millimetres.
    """

    def __init__(self, rings: Iterable[Sequence[Point]]) -> None:
        self.after: dict[Point, Point] = {}
        """The corner that follows each."""
        self.before: dict[Point, Point] = {}
        """The corner that each follows."""
        self.edges = EdgeIndex()
        for ring in rings:
            self.add(ring)

    def add(self, ring: Sequence[Point]) -> None:
        """Inserts a ring."""
        for start, end in ring_edges(ring):
            self._link(start, end)

    def splice(self, first: Point, last: Point, between: Sequence[Point]) -> None:
        """Replaces the corners between two of the same ring by others."""
        corner = first
        while True:
            follower = self.after.pop(corner)
            del self.before[follower]
            self.edges.remove((corner, follower))
            if follower == last:
                break
            corner = follower
        for start, end in pairwise([first, *between, last]):
            self._link(start, end)

    def _link(self, start: Point, end: Point) -> None:
        self.after[start], self.before[end] = end, start
        self.edges.add((start, end))

    def rings(self) -> list[list[Point]]:
        """The rings, the outer one first. Each begins at its least corner, and the rings are in order of these."""
        return followed(self.after)


def _cells(one: Point, other: Point) -> Iterable[tuple[int, int]]:
    """The cells that a box between two corners touches."""
    left, right = one[0] // CELL_SIZE, other[0] // CELL_SIZE
    bottom, top = one[1] // CELL_SIZE, other[1] // CELL_SIZE
    if left == right and bottom == top:
        return ((left, bottom),)
    across, up = range(min(left, right), max(left, right) + 1), range(min(bottom, top), max(bottom, top) + 1)
    return product(across, up)
