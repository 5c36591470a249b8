"""Where agents may start."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate

from megastep.mapgen.lattice import PER_METRE, Point, Rect
from megastep.mapgen.words import Words

CLEARANCE = PER_METRE // 4
"""Spawns keep this far from the walls."""

SPACING = PER_METRE // 2
"""Spawns keep this far from one another."""

MOST = 64
"""No map has more spawns than this."""

TRIES = 6 * MOST
"""How many points are tried after each room has one."""


def place_spawns(floors: Sequence[tuple[Rect, ...]], words: Words) -> list[Point]:
    """Throws points onto the floor, evenly by area, and keeps those that aren't too near to another (Poisson disc).

    Args:
        floors: The rectangles each room's clear floor is made of, in lattice units. One of each room's is at least
            twice the clearance wide.
        words: Drawn from.

    Returns:
        Points in lattice units, in random order, at least one in each room.
    """
    rooms = [[part.grown(-CLEARANCE) for part in floor if part.shorter >= 2 * CLEARANCE] for floor in floors]
    kept = [_throw(max(parts, key=_count), words) for parts in rooms]
    crowd = {_bucket(point): [point] for point in kept}
    targets = [part for parts in rooms for part in parts]
    bounds = list(accumulate(map(_count, targets)))
    for _ in range(TRIES):
        if len(kept) == MOST:
            break
        point = _throw(targets[bisect_right(bounds, words.below(bounds[-1]))], words)
        if not _crowded(point, crowd):
            kept.append(point)
            crowd.setdefault(_bucket(point), []).append(point)
    return words.shuffled(kept)


def _count(part: Rect) -> int:
    """How many lattice points lie in a rectangle or on its sides."""
    return (part.width + 1) * (part.height + 1)


def _throw(part: Rect, words: Words) -> Point:
    return words.between(part.left, part.right), words.between(part.bottom, part.top)


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
