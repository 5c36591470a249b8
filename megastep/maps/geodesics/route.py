"""A shortest path as a polyline: the places that it bends at, to be drawn."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from megastep.maps.geodesics import distances, shortest_paths

ROUNDING = 1e-4
"""Lengths of paths that differ by less, in metres, are the same."""


def route(
    walls: Float[np.ndarray, 'wall 2 2'],
    start: Float[np.ndarray, ' 2'],
    goal: Float[np.ndarray, ' 2'],
    radius: float,
) -> Float[np.ndarray, 'point 2']:
    """Shortest path of a disc as a polyline, from the start over the nodes where it bends to the goal.

    A node is on a shortest path if the ways to it from both ends are together as long as that path.

    Args:
        walls: Closed walls, free space to the left of each, in metres.
        start: Where the disc's centre begins: no nearer to a wall than the radius.
        goal: Where it ends.
        radius: The disc's radius, in metres.

    Returns:
        The points, in metres; none if there is no path.
    """
    ends = np.array([start, goal], float)
    length = distances(walls, ends, radius)[0, 1]
    if not np.isfinite(length):
        return np.empty((0, 2))
    found = shortest_paths(walls, ends, radius)
    before, after = found.lengths
    on = np.flatnonzero(before + after <= length + ROUNDING)
    return np.concatenate([ends[:1], found.nodes.points[on[np.argsort(before[on])]], ends[1:]])
