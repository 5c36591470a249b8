"""Walls in a uniform grid, clearances, and the test whether a disc can go straight from one point to another.

A disc's centre is free where no wall is nearer than the disc's radius. The way from one free point to another is clear
if no wall's end comes nearer to it and no wall crosses it: the wall's inside can't be nearer than either unless it is
nearer to one of the two points too. Of ends only those of reflex corners matter, those that stick out into free space.

Nothing here or in the other modules is divided by 0, so Numba's checks for that are left out.
"""

from typing import Any, NamedTuple

import numpy as np
from numba import njit

from megastep.numba.jit.linking import LAUNCHED
from megastep.numba.jit.linking import PART as LINKED

WITHOUT_REFERENCES: dict[str, Any] = {'nogil': True, '_nrt': False}

KERNEL: dict[str, Any] = LAUNCHED | WITHOUT_REFERENCES
"""How Numba compiles what is here: no function allocates or returns an array, so none has to count references to one.

Counting them would take a quarter of the time: each use of an array of a tuple counts, atomically."""

PART: dict[str, Any] = LINKED | WITHOUT_REFERENCES
"""How it compiles what kernels alone call."""

INLINED: dict[str, Any] = PART | {'forceinline': True}
"""How it compiles what they call so often that to pass arrays, number by number, would take as long as what is done."""

TOUCHING = 1e-7
"""A way may leave a corner this far, in metres, to the wrong side, which is rounding."""


class WallGrid(NamedTuple):
    """A uniform grid over walls: for each square those that a disc may touch while its centre is in the square."""

    walls: np.ndarray  # (wall, 4): ax, ay, bx, by
    firsts: np.ndarray  # (square + 1,): where each square's walls begin in members
    members: np.ndarray  # (entry,): numbers of walls
    left: float
    bottom: float
    side: float  # of a square, in metres
    columns: int
    rows: int
    radius: float  # a wall nearer than this blocks


@njit(**PART)
def distance(walls, w, x, y):
    """The distance of a point from a wall, in metres."""
    ax, ay, bx, by = walls[w, 0], walls[w, 1], walls[w, 2], walls[w, 3]
    vx, vy = bx - ax, by - ay
    along = ((x - ax) * vx + (y - ay) * vy) / (vx * vx + vy * vy)
    along = min(max(along, 0.0), 1.0)
    dx, dy = x - ax - along * vx, y - ay - along * vy
    return np.sqrt(dx * dx + dy * dy)


@njit(**PART)
def square(at, low, side, count):
    """The number of the square of a row or column that a coordinate is in; of the nearest if it is in none."""
    return min(max(int((at - low) / side), 0), count - 1)


@njit(**KERNEL)
def enter_walls(grid, counting):
    """Enters each wall in the squares it can be touched from: first call to count them, and then to write them."""
    firsts, side = grid.firsts, grid.side
    reach = grid.radius + side * np.sqrt(0.5) + TOUCHING
    for w in range(len(grid.walls)):
        ax, ay, bx, by = grid.walls[w]
        i_low = square(min(ax, bx) - grid.radius, grid.left, side, grid.columns)
        i_high = square(max(ax, bx) + grid.radius, grid.left, side, grid.columns)
        j_low = square(min(ay, by) - grid.radius, grid.bottom, side, grid.rows)
        j_high = square(max(ay, by) + grid.radius, grid.bottom, side, grid.rows)
        for j in range(j_low, j_high + 1):
            for i in range(i_low, i_high + 1):
                x, y = grid.left + (i + 0.5) * side, grid.bottom + (j + 0.5) * side
                if distance(grid.walls, w, x, y) <= reach:
                    at = j * grid.columns + i
                    if not counting:
                        grid.members[firsts[at]] = w
                    firsts[at] += 1


@njit(**PART)
def clearance(grid, x, y):
    """The distance of a point from the walls of its square. It is exact where it is less than the radius."""
    i = square(x, grid.left, grid.side, grid.columns)
    j = square(y, grid.bottom, grid.side, grid.rows)
    at, nearest = j * grid.columns + i, np.inf
    walls, members, firsts = grid.walls, grid.members, grid.firsts
    for k in range(firsts[at], firsts[at + 1]):
        nearest = min(nearest, distance(walls, np.int64(members[k]), x, y))
    return nearest


@njit(**PART)
def nearest_wall(grid, x, y):
    """The nearest wall of a point's square, of two as near one to the left of which it is; -1 if none is in reach."""
    i = square(x, grid.left, grid.side, grid.columns)
    j = square(y, grid.bottom, grid.side, grid.rows)
    at, nearest, best, best_off = j * grid.columns + i, grid.radius, np.int64(-1), -np.inf
    walls, members, firsts = grid.walls, grid.members, grid.firsts
    for k in range(firsts[at], firsts[at + 1]):
        w = np.int64(members[k])
        away = distance(walls, w, x, y)
        if away > nearest + TOUCHING:
            continue
        ax, ay, bx, by = walls[w, 0], walls[w, 1], walls[w, 2], walls[w, 3]
        off = (bx - ax) * (y - ay) - (by - ay) * (x - ax)
        if away < nearest - TOUCHING or off > best_off:
            nearest, best, best_off = min(away, nearest), w, off
    return best


@njit(**PART)
def is_outside(walls, w, x, y):
    """True if a point is in reach of a wall, its `nearest_wall`, and on the other side of it, to its right."""
    if w < 0:
        return False
    ax, ay, bx, by = walls[w, 0], walls[w, 1], walls[w, 2], walls[w, 3]
    return (bx - ax) * (y - ay) < (by - ay) * (x - ax)


@njit(**PART)
def blocks(walls, w, px, py, ux, uy, length, radius):
    """True if a disc can't move from the free point p in direction u for a length without overlapping wall w."""
    ax, ay, bx, by = walls[w, 0], walls[w, 1], walls[w, 2], walls[w, 3]
    side_a, side_b = ux * (ay - py) - uy * (ax - px), ux * (by - py) - uy * (bx - px)
    if min(side_a, side_b) >= radius or max(side_a, side_b) <= -radius:
        return False
    along_a, along_b = ux * (ax - px) + uy * (ay - py), ux * (bx - px) + uy * (by - py)
    if (abs(side_a) < radius and 0 < along_a < length) or (abs(side_b) < radius and 0 < along_b < length):
        return True
    if side_a * side_b >= 0:
        return False
    crossing = along_a + (along_b - along_a) * side_a / (side_a - side_b)
    return 0 < crossing < length


@njit(**PART)
def is_between(walls, w, px, py, qx, qy, radius):
    """True if wall w, if it isn't -1, keeps a disc from going straight from one free point to another."""
    length = np.sqrt((qx - px) * (qx - px) + (qy - py) * (qy - py))
    if w < 0 or length == 0:
        return False
    return blocks(walls, w, px, py, (qx - px) / length, (qy - py) / length, length, radius)


@njit(**KERNEL)
def is_clear(grid, px, py, qx, qy):
    """Visibility test: true if a disc can go straight from one free point to another."""
    return obstacle(grid, px, py, qx, qy) < 0


@njit(**PART)
def obstacle(grid, px, py, qx, qy):
    """The first wall found that keeps a disc from going straight from one free point to another, -1 if none does.

    Walks the squares of the grid on the way, as Amanatides & Woo (1987) do.
    """
    length = np.sqrt((qx - px) * (qx - px) + (qy - py) * (qy - py))
    if length == 0:
        return -1
    ux, uy = (qx - px) / length, (qy - py) / length
    side, walls, members, firsts = grid.side, grid.walls, grid.members, grid.firsts
    i, j = square(px, grid.left, side, grid.columns), square(py, grid.bottom, side, grid.rows)
    step_i, step_j = (1 if ux > 0 else -1), (1 if uy > 0 else -1)
    pace_i, pace_j = (side / abs(ux) if ux != 0 else np.inf), (side / abs(uy) if uy != 0 else np.inf)
    next_i = (grid.left + (i + (ux > 0)) * side - px) / ux if ux != 0 else np.inf
    next_j = (grid.bottom + (j + (uy > 0)) * side - py) / uy if uy != 0 else np.inf
    while True:
        at = j * grid.columns + i
        for k in range(firsts[at], firsts[at + 1]):
            if blocks(walls, np.int64(members[k]), px, py, ux, uy, length, grid.radius):
                return np.int64(members[k])
        if min(next_i, next_j) >= length:
            return -1
        if next_i < next_j:
            i, next_i = i + step_i, next_i + pace_i
        else:
            j, next_j = j + step_j, next_j + pace_j
        if not (0 <= i < grid.columns and 0 <= j < grid.rows):
            return -1
