"""Spawns, the points where agents may start: a Poisson disk sample of the floor."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from jaxtyping import Int

from megastep.mapgen.finishing.survey import Survey
from megastep.mapgen.geometry.polygons import squared_distance
from megastep.mapgen.geometry.symmetry import SYMMETRIES, images
from megastep.mapgen.plan import Point
from megastep.mapgen.rng import Rng

SPAWN_DISTANCE = 500
"""The least distance of spawns from one another, in millimetres, but for the first of some rooms."""

MOST_SPAWNS = 64
"""The greatest number of spawns of a map, unless it has more rooms."""

FIRST_SPAWN_DRAWS = 12
"""The number of points tried for a room's first spawn before the one furthest from other rooms' is taken."""

CLOSEST_SPAWN_DISTANCE = 220
"""The least distance even of those from one another, in millimetres: two agents fit."""

MORE_SPAWN_DRAWS = 6 * MOST_SPAWNS
"""The number of points tried after each room has one."""


def place_spawns(
    survey: Survey, rng: Rng, *, most: int = MOST_SPAWNS, symmetry: str = 'none'
) -> Int[np.ndarray, 'spawn 2']:
    """A Poisson disk sample of the floor by dart throwing: points evenly by area, of which none is too near to another.

    Args:
        survey: The rooms, and the points of them that are clear of walls.
        rng: The random number generator.
        most: The greatest number of spawns, but for one a room.
        symmetry: The symmetry of the plan, of `symmetry.SYMMETRIES`: a point is kept with all its images, or not at
            all.

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
    for _ in range(MORE_SPAWN_DRAWS):
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
    for _ in range(FIRST_SPAWN_DRAWS):
        group = images(_at(points, rng.below(len(points))), symmetry)
        if not _crowded(group, crowd):
            return group
    clearances = _squared_clearances(points, [other for bucket in crowd.values() for other in bucket], symmetry)
    if clearances.max() < CLOSEST_SPAWN_DISTANCE**2:
        raise ValueError(
            f'room {room} has no place for a spawn that is {CLOSEST_SPAWN_DISTANCE} mm from those of other rooms.'
        )
    return images(_at(points, int(clearances.argmax())), symmetry)


def _squared_clearances(
    points: Int[np.ndarray, 'point 2'], others: Sequence[Point], symmetry: str
) -> Int[np.ndarray, ' point']:
    """The squared distance of each point to the nearest of others, and of its own images elsewhere."""
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
    """The cell of a spatial hash that a point lies in. Its neighbours' points are all that can be too near."""
    return point[0] // SPAWN_DISTANCE, point[1] // SPAWN_DISTANCE


def _crowded(group: Sequence[Point], crowd: dict[Point, list[Point]]) -> bool:
    """True if the first of a group is too near to another point: then each of its images is."""
    point, (i, j) = group[0], _bucket(group[0])
    near = [other for k in (i - 1, i, i + 1) for m in (j - 1, j, j + 1) for other in crowd.get((k, m), ())]
    return any(squared_distance(point, other) < SPAWN_DISTANCE**2 for other in (*near, *group[1:]))
