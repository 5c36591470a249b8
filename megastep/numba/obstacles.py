"""Obstacles: which walls agents may reach, the broad phase, and what they touch and how far is safe, the narrow phase.

The twin is `megastep.triton.obstacles`.
"""

from typing import NamedTuple

import numpy as np
from numba import njit

from megastep.numba.constants import HALF, KERNEL, ONE, TWO, ZERO
from megastep.numba.impacts import NEVER, away, chord_clearance, clearance_at, impact

SKIN = np.float32(1e-4)
"""Discs stop this far, in metres, before they touch."""
HALVINGS = 3
MORE = np.float32(1 + 1e-4)
"""Rounding and nudges make a slide no longer than this, compared with its move, but for a skin."""


class Obstacles(NamedTuple):
    """Obstacles: what an env's agents may touch."""

    walls: np.ndarray  # all maps', in the order of their boxes
    numbers: np.ndarray  # each one's among its map's walls
    sides: int  # how many lines an agent's outline has
    others: np.ndarray  # all the agents' positions
    radius: np.float32  # an agent's
    discs: np.ndarray  # its solid markers, see `place_discs`
    first_marker_line: int


@njit(**KERNEL)
def place_discs(discs, markers, e):
    """Writes env e's solid markers: the x, y and radius of each; the radius of one that isn't there is 0."""
    for k in range(len(discs)):
        x, y, radius = markers.positions[e, k, 0], markers.positions[e, k, 1], markers.radii[e, k]
        is_there = markers.visible[e, k] and np.isfinite(x) and np.isfinite(y) and ZERO < radius < np.inf
        discs[k, 0], discs[k, 1], discs[k, 2] = x, y, radius if is_there else ZERO


@njit(**KERNEL)
def around(px, py, dx, dy, margin):
    """The box around the move d from p: the least x and y, and the greatest, a margin further out."""
    left, bottom = min(px, px + dx) - margin, min(py, py + dy) - margin
    return left, bottom, max(px, px + dx) + margin, max(py, py + dy) + margin


@njit(**KERNEL)
def apart(box, left, bottom, right, top):
    """True if two boxes don't meet."""
    return right < box[0] or top < box[1] or left > box[2] or bottom > box[3]


@njit(**KERNEL)
def wall_apart(box, walls, k):
    """True if a box doesn't meet the one around the k-th wall."""
    ax, ay, bx, by = walls[k, 0, 0], walls[k, 0, 1], walls[k, 1, 0], walls[k, 1, 1]
    return box[2] < min(ax, bx) or box[3] < min(ay, by) or box[0] > max(ax, bx) or box[1] > max(ay, by)


@njit(**KERNEL)
def disc_apart(box, x, y, radius):
    """True if a box doesn't meet the one around a disc."""
    return box[2] < x - radius or box[3] < y - radius or box[0] > x + radius or box[1] > y + radius


@njit(**KERNEL)
def cell_at(maps, m, x, y):
    """The number of the cell of map m that a point is in; -1 if it is outside the grid."""
    left, bottom, cells_a_metre = maps.grids[m, 0], maps.grids[m, 1], maps.grids[m, 2]
    column, row = (x - left) * cells_a_metre, (y - bottom) * cells_a_metre
    if ZERO <= column < maps.shapes[m, 0] and ZERO <= row < maps.shapes[m, 1]:
        return np.int64(row) * maps.shapes[m, 0] + np.int64(column)
    return -1


@njit(**KERNEL)
def nearby(maps, m, radius, px, py, dx, dy, scratch):
    """The broad phase: the walls that a move by d from p may lead to, however it slides: it ends within d's length.

    They are looked for among those that p's cell lists, or for a long move in the boxes that it may meet.

    Returns:
        How many there are. Their numbers among all maps' walls, in the order of their boxes, are in the scratch.
    """
    reach = np.sqrt(dx * dx + dy * dy) * MORE + np.float32(4) * SKIN
    around_all = around(px, py, ZERO, ZERO, reach + radius)
    first, end, count = maps.wall_starts[m], maps.wall_starts[m] + maps.wall_widths[m], 0
    cell = cell_at(maps, m, px, py) if reach <= maps.furthest else -1
    if cell >= 0:
        at, start = maps.first_starts[m] + cell, maps.number_starts[m]
        for i in range(start + maps.firsts[at], start + maps.firsts[at + 1]):
            k = first + maps.near_numbers[i]
            if not wall_apart(around_all, maps.boxed_walls, k):
                scratch[count] = k
                count += 1
        return count
    for i in range(maps.box_widths[m]):
        box, start = maps.box_starts[m] + i, first + i * maps.walls_per_box
        left, bottom, right, top = maps.boxes[box, 0], maps.boxes[box, 1], maps.boxes[box, 2], maps.boxes[box, 3]
        if not apart(around_all, left, bottom, right, top):
            for k in range(start, min(start + maps.walls_per_box, end)):
                if not wall_apart(around_all, maps.boxed_walls, k):
                    scratch[count] = k
                    count += 1
    return count


@njit(**KERNEL)
def first_impact(obstacles, near, a, px, py, dx, dy):
    """The first thing agent a touches on its move d: when, as a share of d; its normal; and its line, -1 for none.

    Of things touched at the same time it is the one that the move leads into the most. ``near`` are the walls that are
    tried.
    """
    time, nx, ny, line, into = NEVER, ZERO, ZERO, -1, ZERO
    walls, numbers, sides, others, radius, discs, first_marker_line = obstacles
    swept = around(px, py, dx, dy, radius + TWO * SKIN)
    for k in near:
        if not wall_apart(swept, walls, k):
            ax, ay, bx, by = walls[k, 0, 0], walls[k, 0, 1], walls[k, 1, 0], walls[k, 1, 1]
            t, x, y = impact(px, py, dx, dy, ax, ay, bx, by, radius + SKIN)
            if t < time or (t == time and dx * x + dy * y < into):
                time, nx, ny, line, into = t, x, y, len(others) * sides + numbers[k], dx * x + dy * y
    for b in range(len(others)):
        x, y = others[b, 0], others[b, 1]
        if b != a and not disc_apart(swept, x, y, radius):
            t, x, y = impact(px, py, dx, dy, x, y, x, y, TWO * radius + SKIN)
            if t < time or (t == time and dx * x + dy * y < into):
                time, nx, ny, line, into = t, x, y, b * sides, dx * x + dy * y
    for k in range(len(discs)):
        x, y, reach = discs[k, 0], discs[k, 1], discs[k, 2] + radius + SKIN
        if discs[k, 2] > ZERO and not disc_apart(swept, x, y, discs[k, 2]):
            t, x, y = impact(px, py, dx, dy, x, y, x, y, reach)
            if t < time or (t == time and dx * x + dy * y < into):
                time, nx, ny, line, into = t, x, y, first_marker_line + k, dx * x + dy * y
    return (time, nx, ny, line) if time <= ONE else (ONE, ZERO, ZERO, -1)


@njit(**KERNEL)
def keeps_from_disc(px, py, qx, qy, x, y, reach):
    """True if the way from p to q keeps so far from a disc's middle, or as far as p is if that is less."""
    clearance = away(x, y, px, py, qx, qy)[2]
    return clearance >= reach or clearance >= away(x, y, px, py, px, py)[2]


@njit(**KERNEL)
def safe(obstacles, near, a, px, py, qx, qy):
    """True if the way from p to q keeps clear of everything by the radius, or as clear as p is if that is less."""
    walls, others, radius, discs = obstacles.walls, obstacles.others, obstacles.radius, obstacles.discs
    swept = around(px, py, qx - px, qy - py, radius + TWO * SKIN)
    for k in near:
        if not wall_apart(swept, walls, k):
            ax, ay, bx, by = walls[k, 0, 0], walls[k, 0, 1], walls[k, 1, 0], walls[k, 1, 1]
            clearance = chord_clearance(px, py, qx, qy, ax, ay, bx, by)
            if clearance < radius + HALF * SKIN and clearance < clearance_at(px, py, ax, ay, bx, by):
                return False
    for b in range(len(others)):
        x, y = others[b, 0], others[b, 1]
        is_near = b != a and not disc_apart(swept, x, y, radius)
        if is_near and not keeps_from_disc(px, py, qx, qy, x, y, TWO * radius + HALF * SKIN):
            return False
    for k in range(len(discs)):
        x, y, reach = discs[k, 0], discs[k, 1], discs[k, 2] + radius + HALF * SKIN
        is_near = discs[k, 2] > ZERO and not disc_apart(swept, x, y, discs[k, 2])
        if is_near and not keeps_from_disc(px, py, qx, qy, x, y, reach):
            return False
    return True


@njit(**KERNEL)
def committed(obstacles, near, a, px, py, dx, dy):
    """The share of the move d that is safe to make: all of it, else a half, a quarter or an eighth, else nothing.

    Returns:
        The share of d, and the position it leads to.
    """
    share = ONE
    for _ in range(HALVINGS + 1):
        qx, qy = px + share * dx, py + share * dy
        if safe(obstacles, near, a, px, py, qx, qy):
            return share, qx, qy
        share *= HALF
    return ZERO, px, py
