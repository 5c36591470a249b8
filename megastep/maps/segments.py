"""Oriented segments: clearances, winding numbers, and the planar graph, rings and thin walls that they form."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Complex128, Float, Int
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

PAIRS_AT_ONCE = 1 << 15
"""So many pairs of a point and a wall are worked on at once: their arrays fit a processor's cache."""


def clearances(
    points: Float[np.ndarray, 'point 2'], walls: Float[np.ndarray, 'wall 2 2']
) -> Float[np.ndarray, ' point']:
    """The clearance of each point: its distance from the nearest wall, in metres."""
    (ax, ay), (bx, by) = walls[:, 0].T, walls[:, 1].T
    vx, vy = bx - ax, by - ay
    squares = vx * vx + vy * vy
    nearest = [np.empty(0)]
    for x, y in _batches(points, len(walls)):
        ox, oy = x - ax, y - ay
        along = ((ox * vx + oy * vy) / squares).clip(0, 1)
        nearest.append(np.sqrt(((ox - along * vx) ** 2 + (oy - along * vy) ** 2).min(1)))
    return np.concatenate(nearest)


def windings(points: Float[np.ndarray, 'point 2'], walls: Float[np.ndarray, 'wall 2 2']) -> Int[np.ndarray, ' point']:
    """Winding numbers: how often walls wind anticlockwise around each point. 1 in free space to their left, 0 outside.

    Counts the walls that cross the ray from the point towards +x, upwards less downwards. A wall owns its lower end
    but not its upper one, so that a ray through a corner is counted once.
    """
    (ax, ay), (bx, by) = walls[:, 0].T, walls[:, 1].T
    counts = [np.empty(0, np.int64)]
    for x, y in _batches(points, len(walls)):
        left = (bx - ax) * (y - ay) - (by - ay) * (x - ax)
        up, down = (ay <= y) & (y < by) & (left > 0), (by <= y) & (y < ay) & (left < 0)
        counts.append(up.sum(1) - down.sum(1))
    return np.concatenate(counts)


def _batches(points: Float[np.ndarray, 'point 2'], width: int) -> Iterator[Float[np.ndarray, '2 point 1']]:
    """The points' x and y, to set against ``width`` walls, few enough at a time to bound the memory."""
    step = max(1, PAIRS_AT_ONCE // max(width, 1))
    return (points[i : i + step].T[:, :, None] for i in range(0, len(points), step))


class PlanarGraph(NamedTuple):
    """The planar graph of walls: the points that they meet at, and which of these each goes from and to."""

    points: Complex128[np.ndarray, ' point']
    """Each point once, as x + iy, sorted by x and then by y."""
    starts: Int[np.ndarray, ' wall']
    """The point at which each wall begins."""
    ends: Int[np.ndarray, ' wall']
    """The point at which it ends."""


def planar_graph(walls: Float[np.ndarray, 'wall 2 2']) -> PlanarGraph:
    """Finds the points that walls have in common: those with the very same coordinates."""
    corners = np.ascontiguousarray(walls).view(np.complex128).reshape(-1)  # a number a point, which NumPy sorts fast
    points, numbers = np.unique(corners, return_inverse=True)
    starts, ends = numbers.reshape(-1, 2).astype(np.int64).T
    return PlanarGraph(points, starts, ends)


def thin(walls: Float[np.ndarray, 'wall 2 2']) -> Bool[np.ndarray, ' wall']:
    """A mask of the thin walls: those that are there in both directions."""
    points, starts, ends = planar_graph(walls)
    return np.isin(starts * len(points) + ends, ends * len(points) + starts)


def backwards(segments: Float[np.ndarray, 'segment 2 2']) -> Bool[np.ndarray, ' segment']:
    """A mask of the segments that go to a lesser x, or to a lesser y where x stays: of each two opposite ones, one."""
    (ax, ay), (bx, by) = segments[:, 0].T, segments[:, 1].T
    return (ax > bx) | ((ax == bx) & (ay > by))


def area(walls: Float[np.ndarray, 'wall 2 2']) -> float:
    """The area to the left of closed walls, by the shoelace formula."""
    (ax, ay), (bx, by) = walls[:, 0].T, walls[:, 1].T
    return float((ax * by - ay * bx).sum() / 2)


def rings(walls: Float[np.ndarray, 'wall 2 2']) -> list[Float[np.ndarray, 'corner 2']]:
    """The linear rings that closed walls form: follows them from start to end, each wall once.

    Returns:
        Each ring's corners in order: the last joins the first. Where several walls begin at a point, a ring goes on
        along the last of those that are left, and may pass there again.
    """
    points, starts, ends = planar_graph(walls)
    leaving: list[list[int]] = [[] for _ in points]
    for wall, start in enumerate(starts.tolist()):
        leaving[start].append(wall)
    followers, found = ends.tolist(), []
    for start in starts.tolist():
        while leaving[start]:
            path, at = [], start
            while leaving[at]:
                path.append(leaving[at].pop())
                at = followers[path[-1]]
            found.append(walls[path, 0])
    return found


def polylines(walls: Float[np.ndarray, 'wall 2 2']) -> list[Float[np.ndarray, 'corner 2']]:
    """The polylines that walls form in the order they are in: the corners of each run that goes from end to start."""
    parts = np.split(walls, np.flatnonzero((walls[:-1, 1] != walls[1:, 0]).any(-1)) + 1)
    return [np.concatenate([part[:1, 0], part[:, 1]]) for part in parts]


def join(walls: Float[np.ndarray, 'wall 2 2'], within: float) -> Float[np.ndarray, 'wall 2 2']:
    """Moves ends that are no further apart than ``within`` metres to the same point, so that no gap is left."""
    ends = walls.reshape(-1, 2)
    pairs = cKDTree(ends).query_pairs(within, output_type='ndarray')
    if (ends[pairs[:, 0]] == ends[pairs[:, 1]]).all():
        return walls
    graph = coo_array((np.ones(len(pairs)), pairs.T), shape=(len(ends), len(ends)))
    _, firsts, groups = np.unique(connected_components(graph)[1], return_index=True, return_inverse=True)
    return ends[firsts[groups]].reshape(-1, 2, 2)
