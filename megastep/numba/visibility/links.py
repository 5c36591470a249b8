"""Links of walls: which goes on where another ends, and which cross. The twin is `megastep.triton.visibility.links`."""

import numpy as np
from numba import njit

from megastep.numba.constants import LAUNCHED, PART
from megastep.numba.jit.parallel import in_blocks
from megastep.numba.visibility.walls import walls_of

CROSSING = 1e-4
"""Walls cross if either has ends on both sides of the other by more than this, in metres."""


@njit(**PART)
def turn_left(ax, ay, bx, by):
    """A number that grows with the angle to the left from one direction to another; least for straight back."""
    cross, dot = ax * by - ay * bx, ax * bx + ay * by
    straight = dot / (abs(cross) + abs(dot))
    return 1 - straight if cross > 0 or (cross == 0 and dot > 0) else straight - 1


@njit(**PART)
def cross(walls, one, other):
    """True if two walls have ends on both sides of each other."""
    for first, second in ((one, other), (other, one)):
        ax, ay = walls[first, 0, 0], walls[first, 0, 1]
        dx, dy = walls[first, 1, 0] - ax, walls[first, 1, 1] - ay
        least = CROSSING * np.sqrt(dx * dx + dy * dy)
        start = dx * (walls[second, 0, 1] - ay) - dy * (walls[second, 0, 0] - ax)
        end = dx * (walls[second, 1, 1] - ay) - dy * (walls[second, 1, 0] - ax)
        if min(start, end) >= -least or max(start, end) <= least:
            return False
    return True


@njit(**PART)
def link(walls, w):
    """The wall that begins where a wall ends, the one that ends where it begins, -1 for none, and if any crosses it.

    Of several it is the one that turns most to the left: it has the same free space before it.
    """
    dx, dy = walls[w, 1, 0] - walls[w, 0, 0], walls[w, 1, 1] - walls[w, 0, 1]
    following, preceding, crosses = -1, -1, False
    most_after, most_before = -np.inf, -np.inf
    for k in range(len(walls)):
        ex, ey = walls[k, 1, 0] - walls[k, 0, 0], walls[k, 1, 1] - walls[k, 0, 1]
        if walls[k, 0, 0] == walls[w, 1, 0] and walls[k, 0, 1] == walls[w, 1, 1]:
            turn = turn_left(dx, dy, ex, ey)
            if turn > most_after:
                following, most_after = k, turn
        if walls[k, 1, 0] == walls[w, 0, 0] and walls[k, 1, 1] == walls[w, 0, 1]:
            turn = turn_left(ex, ey, dx, dy)
            if turn > most_before:
                preceding, most_before = k, turn
        crosses |= cross(walls, w, k)
    return following, preceding, crosses


@njit(**PART)
def link_some(walls, map_of_wall, nexts, previous, crosses, first, last):
    """Writes what goes on from some walls."""
    for w in range(first, last):
        start, width = walls.starts[map_of_wall[w]], walls.widths[map_of_wall[w]]
        nexts[w], previous[w], crosses[w] = link(walls.ends[start : start + width], w - start)


@njit(**LAUNCHED)
def _link(walls, map_of_wall, nexts, previous, crosses):
    in_blocks(link_some, (walls, map_of_wall, nexts, previous, crosses), len(map_of_wall), 1)


def link_walls(map_of_wall, walls, nexts, previous, crosses):
    """Writes the walls that go on from each wall: see `megastep.world.visible_walls`."""
    _link(walls_of(walls), *(tensor.numpy() for tensor in (map_of_wall, nexts, previous, crosses)))
