"""The adjacency graph of a map's rooms: which open onto one another, by doors and where no wall parts them."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from numba import njit

from megastep.maps.geometry import DOOR_REACH
from megastep.maps.ragged import Ragged

TOUCH = 5e-3
"""Rooms touch, and walls lie between them, where their sides are this near, in metres."""

SAMPLE = 0.1
"""Sides that touch are looked at every so often, in metres, for walls between them."""

OPEN = 3
"""Two rooms are open to one another where at least so many samples in all are free of walls."""


class Connections(NamedTuple):
    """Measures of the rooms' adjacency graph. NaN where rooms have no openings.

    All but ``connected`` are of the largest connected component: the largest group of rooms that hang together.
    """

    diameter: float
    """The graph's diameter: how many doors apart the two rooms are that are furthest apart."""
    loops: float
    """The cyclomatic number: how many pairs that open onto one another could be parted, all rooms still reached."""
    mean_degree: float
    """The mean degree: onto how many others a room opens."""
    connected: float
    """The share of the rooms that are in that component."""


def connections(
    outlines: Ragged[np.ndarray], doors: Float[np.ndarray, 'door 2 2'], walls: Float[np.ndarray, 'wall 2 2']
) -> Connections:
    """Measures the adjacency graph of a map's rooms.

    Args:
        outlines: The rooms, a row of (corner, 2) each, in metres.
        doors: The openings, from jamb to jamb, in metres.
        walls: The map's walls, in metres.
    """
    if not len(outlines):
        return Connections(*[math.nan] * 4)
    joined = np.zeros((len(outlines), len(outlines)), np.bool_)
    _join_by_doors(joined, doors.mean(axis=1), outlines.vals, outlines.starts, outlines.widths)
    _join_by_sides(joined, walls, outlines.vals, outlines.starts, outlines.widths)
    if len(joined) > 1 and not joined.any():
        return Connections(*[math.nan] * 4)
    steps = _steps(joined)
    group = np.isfinite(steps[np.isfinite(steps).sum(1).argmax()])
    pairs = joined[group][:, group].sum() / 2
    rooms = group.sum()
    diameter = steps[group][:, group].max()
    return Connections(float(diameter), float(pairs - rooms + 1), float(2 * pairs / rooms), float(rooms / len(joined)))


@njit(cache=True, nogil=True, error_model='numpy')
def _join_by_doors(joined, middles, corners, starts, widths):
    """Joins the two rooms nearest to the middle of each door."""
    for door in range(len(middles)):
        x, y = middles[door]
        first, second, nearest, next_nearest = -1, -1, DOOR_REACH, DOOR_REACH
        for room in range(len(starts)):
            distance = _distance(x, y, corners[starts[room] : starts[room] + widths[room]])
            if distance < nearest:
                first, second, nearest, next_nearest = room, first, distance, nearest
            elif distance < next_nearest:
                second, next_nearest = room, distance
        if second >= 0:
            joined[first, second] = joined[second, first] = True


@njit(cache=True, nogil=True, error_model='numpy')
def _distance(x, y, outline):
    """The distance of a point from the inside of an outline."""
    nearest, inside = np.inf, False
    for i in range(len(outline)):
        (ax, ay), (bx, by) = outline[i - 1], outline[i]
        if (ay <= y) != (by <= y) and x < ax + (y - ay) * (bx - ax) / (by - ay):
            inside = not inside
        nearest = min(nearest, _from_side(x, y, ax, ay, bx, by))
    return 0.0 if inside else nearest


@njit(cache=True, nogil=True, error_model='numpy')
def _from_side(x, y, ax, ay, bx, by):
    """The distance of a point from a segment."""
    vx, vy = bx - ax, by - ay
    square = vx * vx + vy * vy
    along = min(max(((x - ax) * vx + (y - ay) * vy) / square, 0.0), 1.0) if square > 0 else 0.0
    return math.hypot(x - ax - along * vx, y - ay - along * vy)


@njit(cache=True, nogil=True, error_model='numpy')
def _join_by_sides(joined, walls, corners, starts, widths):
    """Joins rooms whose outlines run along one another with no wall between."""
    rooms = len(starts)
    lows, highs = np.empty((rooms, 2)), np.empty((rooms, 2))
    for room in range(rooms):
        for axis in range(2):
            along = corners[starts[room] : starts[room] + widths[room], axis]
            lows[room, axis], highs[room, axis] = along.min() - TOUCH, along.max() + TOUCH
    for one in range(rooms):
        outline = corners[starts[one] : starts[one] + widths[one]]
        for other in range(rooms):
            apart = (lows[one] > highs[other]).any() or (lows[other] > highs[one]).any()
            if one == other or apart or joined[one, other]:
                continue
            neighbour = corners[starts[other] : starts[other] + widths[other]]
            joined[one, other] = joined[other, one] = _open_samples(outline, neighbour, walls) >= OPEN


@njit(cache=True, nogil=True, error_model='numpy')
def _open_samples(outline, other, walls):
    """The number of samples along an outline that lie on another and on no wall."""
    count = 0
    for i in range(len(outline)):
        (ax, ay), (bx, by) = outline[i - 1], outline[i]
        pieces = int(math.hypot(bx - ax, by - ay) / SAMPLE)
        for piece in range(pieces):
            x, y = ax + (piece + 0.5) / pieces * (bx - ax), ay + (piece + 0.5) / pieces * (by - ay)
            count += _near(x, y, other) and not _on_wall(x, y, walls)
    return count


@njit(cache=True, nogil=True, error_model='numpy')
def _near(x, y, outline):
    for i in range(len(outline)):
        if _from_side(x, y, outline[i - 1, 0], outline[i - 1, 1], outline[i, 0], outline[i, 1]) < TOUCH:
            return True
    return False


@njit(cache=True, nogil=True, error_model='numpy')
def _on_wall(x, y, walls):
    for wall in range(len(walls)):
        if _from_side(x, y, walls[wall, 0, 0], walls[wall, 0, 1], walls[wall, 1, 0], walls[wall, 1, 1]) < TOUCH:
            return True
    return False


@njit(cache=True, nogil=True, error_model='numpy')
def _steps(joined):
    """Breadth-first search from each room: how many doors apart each two are, infinite where there is no way."""
    rooms = len(joined)
    steps = np.full((rooms, rooms), np.inf)
    queue = np.empty(rooms, np.int64)
    for source in range(rooms):
        steps[source, source] = 0
        queue[0], first, last = source, 0, 1
        while first < last:
            room = queue[first]
            first += 1
            for other in range(rooms):
                if joined[room, other] and steps[source, other] == np.inf:
                    steps[source, other] = steps[source, room] + 1
                    queue[last] = other
                    last += 1
    return steps
