"""The centre line of a track: a smooth closed curve that keeps away from itself and turns nowhere sharply.

It first runs around a shape of hexagons, from the middle of one side to the middle of the next. So it goes straight on
or turns by 60 degrees, in an arc of at least three quarters of a side; and where it comes back, it is at least one and
a half sides away. Then its corners are moved at random, as far as it keeps away from itself.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from jaxtyping import Int
from scipy.spatial import cKDTree

from megastep.mapgen.geometry.polygons import Vector, along, left_of, ring_triples, rounded, unit
from megastep.mapgen.plan import Point
from megastep.mapgen.rng import Rng

Hexagon = tuple[int, int]
"""A hexagon by axial coordinates: steps along two axes, the second 60 degrees anticlockwise from the first."""

HEXAGON_NEIGHBOURS: tuple[Hexagon, ...] = ((1, 0), (0, 1), (-1, 1), (-1, 0), (0, -1), (1, -1))
"""The steps from a hexagon to its neighbours, anticlockwise."""

SQRT_3 = math.sqrt(3)
"""The height of a hexagon, in sides."""

LOOSENING_ROUNDS = 3
"""The number of times that each corner is tried to be moved."""

MOST_ARC_TURN = 0.06
"""One less the cosine of the greatest angle by which walls along an arc turn: 20 degrees."""

MOST_SAGITTA = 60
"""The greatest sagitta of walls along an arc, in millimetres: the distance of their middles from it."""

LARGEST_RADIUS = 1e6
"""The largest radius of an arc, in millimetres."""

HALF_PI = 1.571
"""Half of pi, the length in widths of a half circle as wide as the track, from one side to the other."""

SAMPLED_DISTANCE = 1.05
"""The distance, in widths, within which two points lie of those half a width apart on two stretches, if the stretches
are less than a width apart."""


class Corner(NamedTuple):
    """A control point: where the line would turn if it weren't smooth."""

    place: Point
    reach: int
    """The greatest distance from here at which its arc begins and ends, in millimetres."""


class Bend(NamedTuple):
    """An arc of the line."""

    centre: Vector
    radius: float
    left: bool
    """True if it turns left."""
    rays: list[Vector]
    """Directions from the centre to points of the arc, in the order of the line."""

    def points(self, offset: float) -> list[Point]:
        """The offset curve: the arc, moved to the left by so many millimetres."""
        radius = self.radius - offset if self.left else self.radius + offset
        return [rounded(along(self.centre, ray, radius)) for ray in self.rays]


def circuit(rng: Rng, *, size: int, side: float, width: float, winding: float) -> list[Bend]:
    """The random centre line of a track that is anticlockwise on the whole.

    Its arcs have a radius of at least half the width, and stretches that don't follow on one another are at least the
    width apart.

    Args:
        rng: The random number generator.
        size: The number of hexagons it runs around.
        side: The length of their sides, in millimetres: more than two thirds of the width.
        width: The width of the track, with the wall between two stretches of it, in millimetres.
        winding: The share of hexagons that are added where they touch the fewest.

    Returns:
        Its arcs in order. It goes straight from each to the next.
    """
    corners = _around(_grown(rng.fork('shape'), size, round(100 * winding)), side)
    return _loosened(rng.fork('corners'), corners, side, width)


def _grown(rng: Rng, size: int, winding: int) -> set[Hexagon]:
    """A random polyhex: a shape of so many hexagons without a hole."""
    shape = {(0, 0)}
    while len(shape) < size:
        around = {(q + dq, r + dr) for q, r in shape for dq, dr in HEXAGON_NEIGHBOURS} - shape
        places = [place for place in sorted(around) if _runs(shape, place) == 1]
        if rng.chance(winding, 100):
            fewest = min(_touching(shape, place) for place in places)
            places = [place for place in places if _touching(shape, place) == fewest]
        shape.add(rng.pick(places))
    return shape


def _neighbours(shape: set[Hexagon], place: Hexagon) -> list[bool]:
    return [(place[0] + q, place[1] + r) in shape for q, r in HEXAGON_NEIGHBOURS]


def _touching(shape: set[Hexagon], place: Hexagon) -> int:
    return sum(_neighbours(shape, place))


def _runs(shape: set[Hexagon], place: Hexagon) -> int:
    """The number of times that the shape begins on the way around a hexagon. If once, adding it leaves no hole."""
    inside = _neighbours(shape, place)
    return sum(now and not before for before, now in zip([inside[-1], *inside], inside))  # noqa: B905


def _around(shape: set[Hexagon], side: float) -> list[Corner]:
    """The corners of a line around a shape, anticlockwise."""
    start = max(shape), 0
    here, facing = start
    middles: list[Hexagon] = []
    while not middles or (here, facing) != start:
        middles.append((2 * here[0] + HEXAGON_NEIGHBOURS[facing][0], 2 * here[1] + HEXAGON_NEIGHBOURS[facing][1]))
        ahead = (facing + 1) % 6
        beyond = here[0] + HEXAGON_NEIGHBOURS[ahead][0], here[1] + HEXAGON_NEIGHBOURS[ahead][1]
        here, facing = (beyond, (facing - 1) % 6) if beyond in shape else (here, ahead)
    return [
        Corner(rounded((SQRT_3 * side * (2 * q + r) / 4, 3 * side * r / 4)), int(SQRT_3 * side / 4))
        for before, (q, r), after in ring_triples(middles)
        if (q - before[0], r - before[1]) != (after[0] - q, after[1] - r)
    ]


def _loosened(rng: Rng, corners: list[Corner], side: float, width: float) -> list[Bend]:
    """Hill climbing at random: corners moved and arcs widened wherever the line still keeps away from itself."""
    most = int(side) // 2
    bends = [bend for triple in ring_triples(corners) if (bend := _bend(*triple, width))]
    for _ in range(LOOSENING_ROUNDS):
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
    """Self-intersection test: true if stretches that don't follow on one another are at least a width apart."""
    points, closest, local = _sampled(bends, width / 2), SAMPLED_DISTANCE * width, round(HALF_PI * width)
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
    if LARGEST_RADIUS * abs(turning) <= reach * opening:
        return None
    radius = reach * opening / abs(turning)
    sign = 1 if turning > 0 else -1
    centre = along(along(corner.place, ahead, -reach), left_of(ahead), sign * radius)
    (u, v), (s, t) = left_of(ahead), left_of(onwards)
    step = min(MOST_ARC_TURN, 4 * MOST_SAGITTA / (radius + width / 2))
    return Bend(centre, radius, turning > 0, _fan((-sign * u, -sign * v), (-sign * s, -sign * t), step))


def _fan(first: Vector, last: Vector, step: float) -> list[Vector]:
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
