"""Where agents may start."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from jaxtyping import Int

from megastep.mapgen.finishing.survey import Survey
from megastep.mapgen.geometry.symmetry import SYMMETRIES, images
from megastep.mapgen.plan import Point
from megastep.mapgen.rng import Rng

SPACING = 500
"""Spawns keep this many millimetres from one another."""

MOST = 64
"""No map has more spawns than this, unless it has more rooms."""

DRAWS = 12
"""How many points are tried for a room's first spawn before the one furthest from other rooms' is taken."""

TOUCHING = 220
"""Even those keep this many millimetres from one another: two agents fit."""

TRIES = 6 * MOST
"""How many points are tried after each room has one."""


def place_spawns(survey: Survey, rng: Rng, *, most: int = MOST, symmetry: str = 'none') -> Int[np.ndarray, 'spawn 2']:
    """Throws points onto the floor, evenly by area, and keeps those that aren't too near to another (Poisson disc).

    Args:
        survey: The rooms, and where they are clear of walls.
        rng: Drawn from.
        most: How many there are at most, but for one a room.
        symmetry: What the plan has of `orbits.SYMMETRIES`: a point is kept with all its images, or not at all.

    Returns:
        Points in millimetres, in random order, at least one in each room.

    Raises:
        ValueError: if a room has no place for a spawn that is far enough from those of other rooms.
    """
    points = survey.points
    bounds = np.searchsorted(survey.rooms, np.arange(len(survey.outlines) + 1)).tolist()
    crowd: dict[Point, list[Point]] = {}
    for room, (low, high) in enumerate(pairwise(bounds)):
        _keep(_first(points[low:high], room, crowd, rng, symmetry), crowd)
    left = most - sum(map(len, crowd.values()))
    for _ in range(TRIES):
        if left <= 0:
            break
        group = images(_at(points, rng.below(len(points))), symmetry)
        if len(group) <= left and not _crowded(group, crowd):
            _keep(group, crowd)
            left -= len(group)
    return np.array(rng.shuffled(sorted(point for bucket in crowd.values() for point in bucket)))


def _first(
    points: Int[np.ndarray, 'point 2'], room: int, crowd: dict[Point, list[Point]], rng: Rng, symmetry: str
) -> list[Point]:
    """A room's first spawn, and its images: drawn, or after a few that are too near to others, the furthest of all."""
    for _ in range(DRAWS):
        group = images(_at(points, rng.below(len(points))), symmetry)
        if not _crowded(group, crowd):
            return group
    gaps = _gaps(points, [other for bucket in crowd.values() for other in bucket], symmetry)
    if gaps.max() < TOUCHING**2:
        raise ValueError(f'room {room} has no place for a spawn that is {TOUCHING} mm from those of other rooms.')
    return images(_at(points, int(gaps.argmax())), symmetry)


def _gaps(points: Int[np.ndarray, 'point 2'], others: Sequence[Point], symmetry: str) -> Int[np.ndarray, ' point']:
    """The squares of how far each point is from the nearest of others, and of its own images elsewhere."""
    x, y = points.T
    squares = [(x - u) ** 2 + (y - v) ** 2 for u, v in others]
    for a, b, c, d in SYMMETRIES[symmetry]:
        own = (x - (a * x + b * y)) ** 2 + (y - (c * x + d * y)) ** 2
        squares.append(np.where(own > 0, own, np.iinfo(np.int64).max))
    return np.min(squares, axis=0)


def _at(points: Int[np.ndarray, 'point 2'], i: int) -> Point:
    x, y = points[i].tolist()
    return x, y


def _keep(group: Sequence[Point], crowd: dict[Point, list[Point]]) -> None:
    for point in group:
        crowd.setdefault(_bucket(point), []).append(point)


def _bucket(point: Point) -> Point:
    """The square of a coarse grid that a point lies in. Its neighbours' points are all that can be too near."""
    return point[0] // SPACING, point[1] // SPACING


def _crowded(group: Sequence[Point], crowd: dict[Point, list[Point]]) -> bool:
    """Whether the first of a group is too near to another point: then each of its images is."""
    (x, y), (column, row) = group[0], _bucket(group[0])
    for i in (column - 1, column, column + 1):
        for j in (row - 1, row, row + 1):
            for other_x, other_y in crowd.get((i, j), ()):
                if (x - other_x) ** 2 + (y - other_y) ** 2 < SPACING**2:
                    return True
    return any((x - u) ** 2 + (y - v) ** 2 < SPACING**2 for u, v in group[1:])
