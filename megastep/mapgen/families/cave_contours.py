"""Marching squares: walls at any angle around the free points of a lattice (Lorensen and Cline, 1987)."""

from __future__ import annotations

from types import MappingProxyType

import numpy as np
from jaxtyping import Bool, Int

from megastep.mapgen.geometry.polygons import chained
from megastep.mapgen.plan import Point

Mask = Bool[np.ndarray, 'y x']
"""True for the points of a lattice that are free. The outermost never are."""

Node = tuple[int, int]
"""A lattice point by its y and its x index."""

NEAREST_WALL, FURTHEST_WALL = 8, 14
"""The least and the greatest distance of walls from free points along the lattice, in sixteenths of the spacing."""

MARCHING_SQUARES_CASES = MappingProxyType(
    {1: (0, 3), 2: (1, 0), 3: (1, 3), 4: (2, 1), 6: (2, 0), 7: (2, 3)}
    | {8: (3, 2), 9: (0, 2), 11: (1, 2), 12: (3, 1), 13: (0, 1), 14: (3, 0)}
)
"""The case table: the sides at which a wall enters and leaves a square of the lattice, free space on its left. The key
has a bit for each free corner, anticlockwise from the lower left; sides are numbered so too, from the lower one."""


def without_touching(free: Mask) -> Mask:
    """The points without saddles: one more is free wherever two would touch across a square and at no side of it."""
    free = free.copy()
    while True:
        low, right, left, high = free[:-1, :-1], free[:-1, 1:], free[1:, :-1], free[1:, 1:]
        rising, falling = low & high & ~right & ~left, right & left & ~low & ~high
        if not (rising.any() or falling.any()):
            return free
        free[:-1, 1:] |= rising
        free[:-1, :-1] |= falling


def contours(free: Mask, density: Int[np.ndarray, 'y x'], *, level: int, spacing: int) -> list[list[Point]]:
    """The isolines of a density at a level, between free points and others: rings of walls.

    Along the sides of the lattice, walls keep at least half the spacing away from free points. So on a straight way
    from one free point to the next, a wall is never nearer than half the spacing over the square root of two.

    Args:
        free: The free points, none of which touch across a square alone.
        density: At each point; more where it is free.
        level: The density that walls follow where that keeps them in their bounds.
        spacing: The distance from one point of the lattice to the next, in millimetres.

    Returns:
        Rings with the free space on their left, outer ones first. Some corners may lie between their neighbours on a
        line: `polygons.smoothed` needs them all to keep as far away.
    """
    corners = free[:-1, :-1] + 2 * free[:-1, 1:] + 4 * free[1:, 1:] + 8 * free[1:, :-1]
    excess, ends = density - level, {}
    for i, j in np.argwhere((corners > 0) & (corners < 15)).tolist():
        nodes = [(i, j), (i, j + 1), (i + 1, j + 1), (i + 1, j)]
        start, end = (
            _crossing(free, excess, nodes[side], nodes[(side + 1) % 4], spacing)
            for side in MARCHING_SQUARES_CASES[int(corners[i, j])]
        )
        ends[start] = end
    return chained(ends)


def _crossing(free: Mask, excess: Int[np.ndarray, 'y x'], one: Node, other: Node, spacing: int) -> Point:
    """The point where the wall between a free point and another crosses the line that joins them."""
    here, there = (one, other) if free[one] else (other, one)
    slope = int(excess[here]) - int(excess[there])
    nearest, furthest = spacing * NEAREST_WALL // 16, spacing * FURTHEST_WALL // 16
    away = min(max(spacing * int(excess[here]) // slope, nearest), furthest) if slope > 0 else nearest
    return spacing * here[1] + away * (there[1] - here[1]), spacing * here[0] + away * (there[0] - here[0])
