"""Free points of cells whose middle isn't free: it is pushed away from walls."""

import numpy as np
from numba import njit

from megastep.maps.geodesics.compiled.cells import middle
from megastep.maps.geodesics.compiled.walls import PART, clearance, nearest_wall

ROOM = 1.02
"""Points are pushed so many radii away from walls: from nearer to a corner every way may be to the wrong side of it."""

STEPS = 4
"""A point is pushed away from walls so often before it is given up."""


@njit(**PART)
def free_point(grid, cells, cell, w):
    """A free point of a cell on the inner side of its nearest wall, and true; or one as free as may be, and false.

    The middle's `nearest_wall` is w.
    """
    left, bottom = middle(cells, cell)
    x, y, half, pushed, steps = left, bottom, cells.side / 2, w >= 0, 0
    while pushed:
        x, y, pushed = push(grid, x, y, w)
        steps += 1
        pushed = pushed and steps < STEPS
        w = nearest_wall(grid, x, y) if pushed else np.int64(-1)
        pushed = w >= 0
    inside = abs(x - left) <= half and abs(y - bottom) <= half
    x, y = min(max(x, left - half), left + half), min(max(y, bottom - half), bottom + half)
    return x, y, inside and clearance(grid, x, y) >= grid.radius


@njit(**PART)
def push(grid, x, y, w):
    """Moves a point away from its nearest wall, to its left, until a disc just touches it; false if it is free."""
    walls = grid.walls
    ax, ay, bx, by = walls[w, 0], walls[w, 1], walls[w, 2], walls[w, 3]
    vx, vy = bx - ax, by - ay
    length = np.sqrt(vx * vx + vy * vy)
    along = ((x - ax) * vx + (y - ay) * vy) / length
    off = (vx * (y - ay) - vy * (x - ax)) / length
    if 0 <= along <= length:
        if off >= grid.radius:
            return x, y, False
        room = ROOM * grid.radius - off
        return x - vy / length * room, y + vx / length * room, True
    dx, dy = (x - ax, y - ay) if along < 0 else (x - bx, y - by)
    away = np.sqrt(dx * dx + dy * dy)
    if away >= grid.radius or away == 0:
        return x, y, False
    room = ROOM * grid.radius - away
    return x + dx / away * room, y + dy / away * room, True
