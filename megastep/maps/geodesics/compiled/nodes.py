"""Nodes of the visibility graph: points around reflex corners, at which shortest paths may bend."""

from typing import NamedTuple

import numpy as np
from numba import njit

from megastep.maps.geodesics.compiled.walls import KERNEL, PART, WallGrid, clearance

LEAST_TURN = 1e-9
"""Where a wall turns by no more to the next, in radians, there is no corner."""


class Nodes(NamedTuple):
    """The nodes of the visibility graph: points around reflex corners where paths may bend, see `place_nodes`."""

    points: np.ndarray  # (node, 2)
    back: np.ndarray  # (node, 2): the way back along the obstacle, a unit vector
    ahead: np.ndarray  # (node, 2): the way on along it
    corners: np.ndarray  # (corner, 2): the reflex corners, whether there is room for nodes around them or not


@njit(**PART)
def turn_after(walls, ends, order, firsts, w):
    """The turn, clockwise in radians, from wall w to the wall that bounds the same free space after it.

    Of the walls that begin where w ends that is the first to be met on turning clockwise, through free space, from w.
    """
    ux, uy = walls[w, 2] - walls[w, 0], walls[w, 3] - walls[w, 1]
    least = np.inf
    for k in range(firsts[ends[w]], firsts[ends[w] + 1]):
        v = order[k]
        vx, vy = walls[v, 2] - walls[v, 0], walls[v, 3] - walls[v, 1]
        turn = np.arctan2(uy * vx - ux * vy, ux * vx + uy * vy)
        if turn <= -np.pi + 1e-9:
            turn = np.pi  # back along a thin wall: around its end
        least = min(turn, least)
    return least


def place_nodes(grid: WallGrid, meetings: tuple[np.ndarray, ...], radius: float, step: float) -> Nodes:
    """Finds nodes around every reflex corner, one that sticks out into free space, where a disc's centre can be there.

    A disc rolls around a corner along an arc. The nodes are those of the polygon around the arc that touches it at
    both its ends and at most ``step`` radians apart, so that a path along them is free.

    Args:
        grid: The walls.
        meetings: For each wall the number of the point it ends at; the walls sorted by the point they begin at; and
            where in these each point's begin.
        radius: The disc's radius, in metres.
        step: The most a path turns at a node, in radians.
    """
    turns, parts = np.empty(len(grid.walls)), np.empty(len(grid.walls), np.int64)
    found = np.empty((3, find_corners(grid.walls, *meetings, step, turns, parts), 2))
    points, back, ahead = found[:, : write_nodes(grid, turns, parts, radius, found)]
    return Nodes(points, back, ahead, grid.walls[turns > LEAST_TURN, 2:])


@njit(**KERNEL)
def find_corners(walls, ends, order, firsts, step, turns, parts):
    """Writes each wall's turn, see `turn_after`, and how many nodes are around the corner; returns how many in all.

    The corner is a reflex one if the turn is more than `LEAST_TURN`, and there are nodes around no other.
    """
    most = 0
    for w in range(len(walls)):
        turns[w] = turn_after(walls, ends, order, firsts, w)
        parts[w] = max(1, int(np.ceil(turns[w] / step - 1e-6))) if turns[w] > LEAST_TURN else 0
        most += parts[w]
    return most


@njit(**KERNEL)
def write_nodes(grid, turns, parts, radius, found):
    """Writes the nodes around corners that are free, and the ways back and ahead from them; returns how many are."""
    points, back, ahead, walls, count = found[0], found[1], found[2], grid.walls, 0
    for w in range(len(walls)):
        ax, ay, bx, by = walls[w, 0], walls[w, 1], walls[w, 2], walls[w, 3]
        part = turns[w] / max(parts[w], 1)
        heading = np.arctan2(by - ay, bx - ax)
        for k in range(parts[w]):
            middle = heading + np.pi / 2 - (k + 0.5) * part
            x = bx + radius / np.cos(part / 2) * np.cos(middle)
            y = by + radius / np.cos(part / 2) * np.sin(middle)
            if clearance(grid, x, y) < grid.radius:
                continue
            before, after = heading - k * part, heading - (k + 1) * part
            points[count, 0], points[count, 1] = x, y
            back[count, 0], back[count, 1] = -np.cos(before), -np.sin(before)
            ahead[count, 0], ahead[count, 1] = np.cos(after), np.sin(after)
            count += 1
    return count
