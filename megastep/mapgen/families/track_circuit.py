"""The middle of a track: a smooth closed line that keeps away from itself and turns nowhere sharply.

It first runs around a shape of hexagons, from the middle of one side to the middle of the next. So it goes straight on
or turns by 60 degrees, in an arc of at least three quarters of a side; and where it comes back, it is at least one and
a half sides away. Then its corners are moved at random, as far as it keeps away from itself.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple, TypeVar

import numpy as np
from jaxtyping import Int
from scipy.spatial import cKDTree

from megastep.mapgen.geometry.polygons import Place, along, left_of, rounded, unit
from megastep.mapgen.plan import Point
from megastep.mapgen.rng import Rng

Item = TypeVar('Item')

Hexagon = tuple[int, int]
"""Steps along two axes, the second 60 degrees anticlockwise from the first."""

SIDES: tuple[Hexagon, ...] = ((1, 0), (0, 1), (-1, 1), (-1, 0), (0, -1), (1, -1))
"""From a hexagon to its neighbours, anticlockwise."""

ROOT = math.sqrt(3)

ROUNDS = 3
"""How often each corner is tried to be moved."""

TURN = 0.06
"""One less the cosine of 20 degrees: walls along an arc turn by less than that."""

SAG = 60
"""Walls along an arc are at most this many millimetres off it in their middles."""

STRAIGHTEST = 1e6
"""No arc has a larger radius than this many millimetres."""

HALF_TURN = 1.571
"""Half of pi: along a half circle as wide as the track, it is this many widths from one side to the other."""

SAMPLED = 1.05
"""Points half the width apart on two stretches are nearer to each other than this, in widths, if the stretches
are less than a width apart."""


class Corner(NamedTuple):
    """Where the line would turn if it weren't smooth."""

    place: Point
    reach: int
    """At most how far from here, in millimetres, its arc begins and ends."""


class Bend(NamedTuple):
    """An arc of the line."""

    centre: Place
    radius: float
    left: bool
    """Whether it turns left."""
    rays: list[Place]
    """Directions from the centre to points of the arc, in the order of the line."""

    def points(self, offset: float) -> list[Point]:
        """The arc, moved to the left by so many millimetres."""
        radius = self.radius - offset if self.left else self.radius + offset
        return [rounded(along(self.centre, ray, radius)) for ray in self.rays]


def circuit(rng: Rng, *, size: int, side: float, width: float, winding: float) -> list[Bend]:
    """Draws the middle of a track that is anticlockwise on the whole.

    Its arcs have a radius of at least half the width, and stretches that don't follow on one another are at least the
    width apart.

    Args:
        rng: Drawn from.
        size: How many hexagons it runs around.
        side: How long their sides are, in millimetres: more than two thirds of the width.
        width: How wide the track is, with the wall between two stretches of it, in millimetres.
        winding: The share of hexagons that are added where they touch the fewest.

    Returns:
        Its arcs in order. It goes straight from each to the next.
    """
    corners = _around(_grown(rng.fork('shape'), size, round(100 * winding)), side)
    return _loosened(rng.fork('corners'), corners, side, width)


def _grown(rng: Rng, size: int, winding: int) -> set[Hexagon]:
    """A shape of so many hexagons without a hole."""
    shape = {(0, 0)}
    while len(shape) < size:
        around = {(q + dq, r + dr) for q, r in shape for dq, dr in SIDES} - shape
        places = [place for place in sorted(around) if _runs(shape, place) == 1]
        if rng.chance(winding, 100):
            fewest = min(_touching(shape, place) for place in places)
            places = [place for place in places if _touching(shape, place) == fewest]
        shape.add(rng.pick(places))
    return shape


def _neighbours(shape: set[Hexagon], place: Hexagon) -> list[bool]:
    return [(place[0] + q, place[1] + r) in shape for q, r in SIDES]


def _touching(shape: set[Hexagon], place: Hexagon) -> int:
    return sum(_neighbours(shape, place))


def _runs(shape: set[Hexagon], place: Hexagon) -> int:
    """How often the shape begins on the way around a hexagon. If once, adding it leaves no hole."""
    inside = _neighbours(shape, place)
    return sum(now and not before for before, now in zip([inside[-1], *inside], inside))  # noqa: B905


def _around(shape: set[Hexagon], side: float) -> list[Corner]:
    """The corners of a line around a shape, anticlockwise."""
    start = max(shape), 0
    here, facing = start
    middles: list[Hexagon] = []
    while not middles or (here, facing) != start:
        middles.append((2 * here[0] + SIDES[facing][0], 2 * here[1] + SIDES[facing][1]))
        ahead = (facing + 1) % 6
        beyond = here[0] + SIDES[ahead][0], here[1] + SIDES[ahead][1]
        here, facing = (beyond, (facing - 1) % 6) if beyond in shape else (here, ahead)
    return [
        Corner(rounded((ROOT * side * (2 * q + r) / 4, 3 * side * r / 4)), int(ROOT * side / 4))
        for before, (q, r), after in _triples(middles)
        if (q - before[0], r - before[1]) != (after[0] - q, after[1] - r)
    ]


def _triples(items: Sequence[Item]) -> list[tuple[Item, Item, Item]]:
    """Each item of a closed line between those before and after it."""
    return list(zip([items[-1], *items[:-1]], items, [*items[1:], items[0]], strict=True))


def _loosened(rng: Rng, corners: list[Corner], side: float, width: float) -> list[Bend]:
    """Moves corners and widens arcs at random, wherever the line still keeps away from itself."""
    most = int(side) // 2
    bends = [bend for triple in _triples(corners) if (bend := _bend(*triple, width))]
    for _ in range(ROUNDS):
        for i, (place, reach) in enumerate(corners):
            moved = place[0] + rng.between(-most, most), place[1] + rng.between(-most, most)
            tried = [*corners[:i], Corner(moved, reach + rng.below(2 * most)), *corners[i + 1 :]]
            bent = _bent(tried, bends, i, width)
            if bent and _keeps_away(bent, width):
                corners, bends = tried, bent
    return bends


def _bent(corners: list[Corner], bends: list[Bend], i: int, width: float) -> list[Bend] | None:
    """All arcs after the ``i``-th corner was moved, unless one is too sharp."""
    bends, count = list(bends), len(corners)
    for j in (i - 1, i, (i + 1) % count):
        bend = _bend(corners[j - 1], corners[j], corners[(j + 1) % count], width)
        if bend is None or bend.radius < width / 2:
            return None
        bends[j] = bend
    return bends


def _keeps_away(bends: list[Bend], width: float) -> bool:
    """Whether stretches of a line that don't follow on one another are at least a width apart."""
    points, closest, local = _sampled(bends, width / 2), SAMPLED * width, round(HALF_TURN * width)
    steps = np.sqrt(np.square(points - np.roll(points, 1, axis=0)).sum(axis=1))
    ahead = np.cumsum(np.rint(steps).astype(np.int64))
    one, other = cKDTree(points).query_pairs(closest + 1, output_type='ndarray').T  # and some a little further apart
    between = np.abs(ahead[one] - ahead[other])
    apart = (between <= local) | (between >= ahead[-1] - local)
    return bool((apart | (np.square(points[one] - points[other]).sum(axis=1) >= closest * closest)).all())


def _bend(before: Corner, corner: Corner, after: Corner, width: float) -> Bend | None:
    """The arc at a corner: as wide as its reach and its neighbours let it be. None where the line hardly turns."""
    if corner.place in (before.place, after.place):
        return None
    (ahead, length), (onwards, next_length) = unit(before.place, corner.place), unit(corner.place, after.place)
    turning = ahead[0] * onwards[1] - ahead[1] * onwards[0]
    reach = min(float(corner.reach), length / 2, next_length / 2)
    opening = 1 + ahead[0] * onwards[0] + ahead[1] * onwards[1]
    if STRAIGHTEST * abs(turning) <= reach * opening:
        return None
    radius = reach * opening / abs(turning)
    sign = 1 if turning > 0 else -1
    centre = along(along(corner.place, ahead, -reach), left_of(ahead), sign * radius)
    (u, v), (s, t) = left_of(ahead), left_of(onwards)
    step = min(TURN, 4 * SAG / (radius + width / 2))
    return Bend(centre, radius, turning > 0, _fan((-sign * u, -sign * v), (-sign * s, -sign * t), step))


def _fan(first: Place, last: Place, step: float) -> list[Place]:
    """Directions from one to another, so many that one less the cosine of the angle between two is below a step."""
    if 1 - first[0] * last[0] - first[1] * last[1] < step:
        return [first, last]
    middle, _ = unit((0, 0), (first[0] + last[0], first[1] + last[1]))
    return _fan(first, middle, step)[:-1] + _fan(middle, last, step)


def _sampled(bends: list[Bend], step: float) -> Int[np.ndarray, 'point 2']:
    """Points of the line, no further apart than a step."""
    corners = np.array([point for bend in bends for point in bend.points(0)])
    ways = np.roll(corners, -1, axis=0) - corners
    counts = np.ceil(np.sqrt(np.square(ways).sum(axis=1)) / step).astype(np.int64)
    parts = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)  # from 0 to each count less 1
    starts, ways, counts = (np.repeat(each, counts, axis=0) for each in (corners, ways, counts[:, None]))
    return starts + ways * parts[:, None] // counts
