"""Where agents may start."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from jaxtyping import Int

from megastep.mapgen.plan import Point
from megastep.mapgen.survey import Survey
from megastep.mapgen.words import Words

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


def place_spawns(survey: Survey, words: Words, *, most: int = MOST) -> Int[np.ndarray, 'spawn 2']:
    """Throws points onto the floor, evenly by area, and keeps those that aren't too near to another (Poisson disc).

    Args:
        survey: The rooms, and where they are clear of walls.
        words: Drawn from.
        most: How many there are at most, but for one a room.

    Returns:
        Points in millimetres, in random order, at least one in each room.

    Raises:
        ValueError: if a room has no place for a spawn that is far enough from those of other rooms.
    """
    points = survey.points
    bounds = np.searchsorted(survey.rooms, np.arange(len(survey.outlines) + 1)).tolist()
    crowd: dict[Point, list[Point]] = {}
    for room, (low, high) in enumerate(pairwise(bounds)):
        _keep(_first(points[low:high], room, crowd, words), crowd)
    left = max(0, most - len(survey.outlines))
    for _ in range(TRIES):
        if not left:
            break
        point = _at(points, words.below(len(points)))
        if not _crowded(point, crowd):
            _keep(point, crowd)
            left -= 1
    return np.array(words.shuffled(sorted(point for bucket in crowd.values() for point in bucket)))


def _first(points: Int[np.ndarray, 'point 2'], room: int, crowd: dict[Point, list[Point]], words: Words) -> Point:
    """A room's first spawn: drawn, or after a few that are too near to others', the furthest from any of those."""
    for _ in range(DRAWS):
        point = _at(points, words.below(len(points)))
        if not _crowded(point, crowd):
            return point
    others = np.array([other for bucket in crowd.values() for other in bucket])
    gaps = ((points[:, None] - others) ** 2).sum(axis=2).min(axis=1)
    if gaps.max() < TOUCHING**2:
        raise ValueError(f'room {room} has no place for a spawn that is {TOUCHING} mm from those of other rooms.')
    return _at(points, int(gaps.argmax()))


def _at(points: Int[np.ndarray, 'point 2'], i: int) -> Point:
    x, y = points[i].tolist()
    return x, y


def _keep(point: Point, crowd: dict[Point, list[Point]]) -> None:
    crowd.setdefault(_bucket(point), []).append(point)


def _bucket(point: Point) -> Point:
    """The square of a coarse grid that a point lies in. Its neighbours' points are all that can be too near."""
    return point[0] // SPACING, point[1] // SPACING


def _crowded(point: Point, crowd: dict[Point, list[Point]]) -> bool:
    (x, y), (column, row) = point, _bucket(point)
    for i in (column - 1, column, column + 1):
        for j in (row - 1, row, row + 1):
            for other_x, other_y in crowd.get((i, j), ()):
                if (x - other_x) ** 2 + (y - other_y) ** 2 < SPACING**2:
                    return True
    return False
