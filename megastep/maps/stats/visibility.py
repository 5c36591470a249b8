"""Visibility: isovists, by casting rays at the walls from places in a map."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

ROUNDING = 1e-9
"""Rounding may move a ray by this, in parts of the angle between two: a wall's end on a ray belongs to both walls."""


@njit(cache=True, nogil=True, error_model='numpy')
def sweep(x: float, y: float, walls: np.ndarray, distances: np.ndarray) -> None:
    """Casts rays all around, evenly spaced from +x anticlockwise, at the walls that face a point.

    Args:
        x: The point, in metres.
        y: Likewise.
        walls: (wall, 2, 2) endpoints in metres, free space on the left.
        distances: Written to: (ray,) metres to the nearest wall, infinite where there is none.
    """
    num_rays = len(distances)
    between = 2 * math.pi / num_rays
    distances[:] = np.inf
    for wall in range(len(walls)):
        ax, ay = walls[wall, 0, 0] - x, walls[wall, 0, 1] - y
        bx, by = walls[wall, 1, 0] - x, walls[wall, 1, 1] - y
        cross = ax * by - ay * bx
        if cross <= 0:
            continue
        vx, vy = bx - ax, by - ay
        nearest, furthest = _range(ax, ay, bx, by)
        first = math.atan2(ay, ax)
        last = math.ceil((first + math.atan2(cross, ax * bx + ay * by)) / between + ROUNDING)
        for ray in range(math.ceil(first / between - ROUNDING), last):
            angle = ray * between
            facing = math.cos(angle) * vy - math.sin(angle) * vx
            distance = min(max(cross / facing, nearest), furthest) if facing > 0 else furthest
            distances[ray % num_rays] = min(distances[ray % num_rays], distance)


@njit(cache=True, nogil=True, error_model='numpy')
def _range(ax, ay, bx, by):
    """The distances of a segment's nearest and furthest point: where it is seen edge-on a ray can't tell."""
    vx, vy = bx - ax, by - ay
    square = vx * vx + vy * vy
    along = min(max(-(ax * vx + ay * vy) / square, 0.0), 1.0)
    return math.hypot(ax + along * vx, ay + along * vy), math.sqrt(max(ax * ax + ay * ay, bx * bx + by * by))


@njit(cache=True, nogil=True, error_model='numpy')
def visible_areas(points: np.ndarray, walls: np.ndarray, num_rays: int) -> np.ndarray:
    """The area of each point's isovist, what can be seen from it (Benedikt 1979), as a fan of ``num_rays`` sectors."""
    areas = np.empty(len(points))
    distances = np.empty(num_rays)
    for point in range(len(points)):
        sweep(points[point, 0], points[point, 1], walls, distances)
        areas[point] = math.pi / num_rays * (distances * distances).sum()
    return areas


@njit(cache=True, nogil=True, error_model='numpy')
def fans(points: np.ndarray, walls: np.ndarray, num_rays: int) -> np.ndarray:
    """Range scans: how far one sees from each point in directions evenly spaced, in metres: (point, ray)."""
    distances = np.empty((len(points), num_rays))
    for point in range(len(points)):
        sweep(points[point, 0], points[point, 1], walls, distances[point])
    return distances
