"""Cuts corners off, and rounds them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from math import sqrt

from megastep.mapgen.geometry.clearance import TOUCHING, keeps_away
from megastep.mapgen.geometry.outlines import Outlines
from megastep.mapgen.plan import Plan, PlannedRoom, Point
from megastep.mapgen.rng import Rng

PASSAGE = 750
"""What fills a corner of a room keeps this many millimetres from other walls."""

SOLID = 60
"""Where a wall's corner is cut off, it stays at least this many millimetres thick."""

LEFT = 400
"""Two cuts leave this many millimetres of the wall between them, and a third of it."""

SIZES = (100, 1200)
"""How much of both walls a cut takes: as much as fits of a length drawn from these, in millimetres."""

SHARP = 0.35
"""Only corners are cut at which the wall turns by at least about 20 degrees: the sine of that."""

SEGMENT = 250
"""Curves are of straight pieces of about this many millimetres,"""

SEGMENTS = (3, 10)
"""but at least and at most of so many."""


def cut_corners(plan: Plan, rng: Rng, *, chamfers: float, curves: float) -> Plan:
    """Takes corners off rooms and walls, where that narrows no passage and opens no wall.

    Args:
        plan: Where to.
        rng: Drawn from.
        chamfers: The share of corners to cut straight, of those that allow it.
        curves: The share of the others to round.
    """
    outlines, rooms = Outlines(plan.rings), _rooms_at_corners(plan.rooms)
    cuts: dict[Point, list[Point]] = {}
    for corner in rng.shuffled(sorted(outlines.after)):
        straight, size = rng.below(1000) < round(1000 * chamfers), rng.between(*SIZES)
        if not straight and rng.below(1000) >= round(1000 * curves):
            continue
        before, after = outlines.before[corner], outlines.after[corner]
        length = min(size, _room_for_cut(corner, before, after, rooms.get(corner, ())))
        if length >= SIZES[0] and _fits(outlines, before, corner, after, length):
            cuts[corner] = _cut(before, corner, after, length, straight)
            outlines.splice(before, after, cuts[corner])
    return plan._replace(rings=outlines.rings(), rooms=[_without_corners(room, cuts) for room in plan.rooms])


def _rooms_at_corners(rooms: Sequence[PlannedRoom]) -> dict[Point, list[tuple[Point, Point]]]:
    """At each corner of a room, the corners before and after it."""
    found: dict[Point, list[tuple[Point, Point]]] = {}
    for room in rooms:
        ring = list(room.outline)
        for before, corner, after in zip(ring[-1:] + ring[:-1], ring, ring[1:] + ring[:1], strict=True):
            found.setdefault(corner, []).append((before, after))
    return found


def _room_for_cut(corner: Point, before: Point, after: Point, rooms: Sequence[tuple[Point, Point]]) -> int:
    """How much of the walls at a corner may be taken: of a room's, where it has the same corner, and of the plan's."""
    sides = [_length(corner, end) for end in (before, after)]
    for ends in rooms:
        sides += [_length(corner, end) for end in ends]
    shortest = min(sides)
    return min((shortest - LEFT) // 2, shortest // 3)


def _length(one: Point, other: Point) -> int:
    x, y = other[0] - one[0], other[1] - one[1]
    return int(sqrt(x * x + y * y))


def _fits(outlines: Outlines, before: Point, corner: Point, after: Point, length: int) -> bool:
    """Whether a cut leaves a passage beside what fills a corner of a room, or enough of a wall."""
    start, end = _along(corner, before, length), _along(corner, after, length)
    area = (corner[0] - start[0]) * (end[1] - start[1]) - (corner[1] - start[1]) * (end[0] - start[0])
    if abs(area) < SHARP * length * length:
        return False
    lines = [(before, corner), (corner, after)] if area > 0 else [(corner, before), (after, corner)]
    shape = [start, corner, end] if area > 0 else [end, corner, start]
    return keeps_away(shape, outlines.edges, PASSAGE if area > 0 else SOLID, lines)


def _along(corner: Point, end: Point, length: int) -> Point:
    """The point at a length from a corner."""
    x, y = end[0] - corner[0], end[1] - corner[1]
    whole = sqrt(x * x + y * y)
    return corner[0] + round(x * length / whole), corner[1] + round(y * length / whole)


def _cut(before: Point, corner: Point, after: Point, length: int, straight: bool) -> list[Point]:
    """The corners that take a corner's place: two, or those of an arc."""
    start, end = _along(corner, before, length), _along(corner, after, length)
    if straight:
        return [start, end]
    (ax, ay), (px, py), (bx, by) = start, corner, end
    chord = sqrt((bx - ax) ** 2 + (by - ay) ** 2)
    weight = float(chord / (2 * length))  # of the corner, for an arc of a circle: the cosine of half of what it turns
    count = min(max(round(1.2 * chord / SEGMENT), SEGMENTS[0]), SEGMENTS[1])
    points = []
    for i in range(count + 1):
        shares = ((count - i) * (count - i), 2 * weight * i * (count - i), i * i)
        whole = shares[0] + shares[1] + shares[2]
        x, y = (shares[0] * a + shares[1] * p + shares[2] * b for a, p, b in ((ax, px, bx), (ay, py, by)))
        points.append((round(x / whole), round(y / whole)))
    return [point for point, following in pairwise([*points, corner]) if point != following]


def _without_corners(room: PlannedRoom, cuts: Mapping[Point, list[Point]]) -> PlannedRoom:
    """The room, its own corners cut as its walls' are: where it and the wall turn the same way."""
    ring = list(room.outline)
    outline: list[Point] = []
    for before, corner, after in zip(ring[-1:] + ring[:-1], ring, ring[1:] + ring[:1], strict=True):
        cut = cuts.get(corner, [corner])
        length = _length(corner, cut[0])
        same = len(cut) > 1 and all(
            _near(_along(corner, end, length), point) for end, point in ((before, cut[0]), (after, cut[-1]))
        )
        outline += cut if same else [corner]
    return PlannedRoom(room.kind, outline)


def _near(one: Point, other: Point) -> bool:
    """Whether two points are the same but for rounding."""
    return max(abs(one[0] - other[0]), abs(one[1] - other[1])) <= TOUCHING
