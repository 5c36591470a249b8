"""How far apart things are that stand in a plan."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float

from megastep.mapgen.raster import squares

TOUCHING = 2.0
"""What is no further than this many millimetres in front of a line counts as lying on it: corners are rounded."""

Line = tuple[tuple[float, float], tuple[float, float]]
"""Two points that a line runs through; what is to its left is in front of it."""


def gap(shape: Float[np.ndarray, 'corner 2'], edges: Float[np.ndarray, 'edge 2 2']) -> float:
    """The distance from a convex shape to the nearest of some edges; infinite if there are none.

    Args:
        shape: The corners in millimetres, anticlockwise.
        edges: From point to point, in millimetres.
    """
    if not len(edges):
        return np.inf
    sides = np.stack([shape, np.roll(shape, -1, axis=0)], axis=1)
    if _meet(sides, edges).any():
        return 0.0
    corners_to_edges = squares(shape[:, None], edges[None])
    ends_to_sides = squares(edges[:, :, None], sides[None, None])
    return float(np.sqrt(min(corners_to_edges.min(), ends_to_sides.min())))


def _meet(sides: Float[np.ndarray, 'side 2 2'], edges: Float[np.ndarray, 'edge 2 2']) -> Bool[np.ndarray, ' edge']:
    """Which edges have a point inside a convex shape: those that no side of it and no line along the edge parts."""
    beyond = ahead(edges[:, :, None], sides[None, None]).max(axis=1) <= 0
    corners = ahead(sides[None, :, 0], edges[:, None])
    aside = (corners.min(axis=1) >= 0) | (corners.max(axis=1) <= 0)
    return ~(beyond.any(axis=1) | aside)


def ahead(points: np.ndarray, lines: np.ndarray) -> Float[np.ndarray, '*pair']:
    """How far points are to the left of the lines along edges, pair by pair, in millimetres times the edge's length."""
    start, step = lines[..., 0, :], lines[..., 1, :] - lines[..., 0, :]
    off = points - start
    return step[..., 0] * off[..., 1] - step[..., 1] * off[..., 0]


def in_front(edges: np.ndarray, lines: Sequence[Line]) -> Float[np.ndarray, 'part 2 2']:
    """The parts of edges that lie to the left of every line, and not on one."""
    parts = edges.astype(np.float64)
    for line in lines:
        (ax, ay), (bx, by) = line
        length = np.sqrt(np.float64((bx - ax) * (bx - ax) + (by - ay) * (by - ay)))
        depth = ((bx - ax) * (parts[..., 1] - ay) - (by - ay) * (parts[..., 0] - ax)) / length
        kept = depth.max(axis=1) > TOUCHING
        parts, depth = parts[kept], depth[kept]
        share = np.where(depth < 0, depth / (depth - depth[:, ::-1] + (depth == depth[:, ::-1])), 0.0)
        parts = parts + share[..., None] * (parts[:, ::-1] - parts)
    return parts
