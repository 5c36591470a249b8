"""Chamfers and fillets: corners cut off, and corners rounded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

from megastep.mapgen.geometry.clearance import LEAST_PASSAGE, ROUNDING_TOLERANCE, keeps_away
from megastep.mapgen.geometry.outlines import Outlines
from megastep.mapgen.geometry.polygons import distance, ring_triples
from megastep.mapgen.plan import Plan, PlannedRoom, Point
from megastep.mapgen.rng import Rng

LEAST_WALL_THICKNESS = 60
"""The least thickness of a wall whose corner is cut off, in millimetres."""

LEAST_WALL_LEFT = 400
"""The least length that two cuts leave of the wall between them, in millimetres; and they leave a third of it."""

CUT_LENGTHS = (100, 1200)
"""The range of the length that a cut takes of both walls, in millimetres: as much as fits of what is drawn."""

LEAST_TURN_SINE = 0.35
"""The sine of the least angle by which a wall turns at a corner that is cut: about 20 degrees."""

ARC_SEGMENT_LENGTH = 250
"""The length of the straight pieces of a curve, about, in millimetres."""

ARC_SEGMENT_COUNTS = (3, 10)
"""The range of the number of straight pieces of a curve."""


def cut_corners(plan: Plan, rng: Rng, *, chamfers: float, curves: float) -> Plan:
    """Takes corners off rooms and walls, where that narrows no passage and opens no wall.

    Args:
        plan: What to take them off.
        rng: The random number generator.
        chamfers: The share of corners to cut straight, of those that allow it.
        curves: The share of the others to round.
    """
    outlines, rooms = Outlines(plan.rings), _rooms_at_corners(plan.rooms)
    cuts: dict[Point, list[Point]] = {}
    for corner in rng.shuffled(sorted(outlines.after)):
        straight, size = rng.below(1000) < round(1000 * chamfers), rng.between(*CUT_LENGTHS)
        if not straight and rng.below(1000) >= round(1000 * curves):
            continue
        before, after = outlines.before[corner], outlines.after[corner]
        length = min(size, _longest_cut(corner, before, after, rooms.get(corner, ())))
        if length >= CUT_LENGTHS[0] and _fits(outlines, before, corner, after, length):
            cuts[corner] = _cut(before, corner, after, length, straight)
            outlines.splice(before, after, cuts[corner])
    return plan._replace(rings=outlines.rings(), rooms=[_without_corners(room, cuts) for room in plan.rooms])


def _rooms_at_corners(rooms: Sequence[PlannedRoom]) -> dict[Point, list[tuple[Point, Point]]]:
    """The corners before and after each corner of a room."""
    found: dict[Point, list[tuple[Point, Point]]] = {}
    for room in rooms:
        for before, corner, after in ring_triples(room.outline):
            found.setdefault(corner, []).append((before, after))
    return found


def _longest_cut(corner: Point, before: Point, after: Point, rooms: Sequence[tuple[Point, Point]]) -> int:
    """The greatest length that a cut may take of the walls at a corner: the plan's, and a room's that has it, too."""
    sides = [_whole_distance(corner, end) for end in (before, after)]
    for ends in rooms:
        sides += [_whole_distance(corner, end) for end in ends]
    shortest = min(sides)
    return min((shortest - LEAST_WALL_LEFT) // 2, shortest // 3)


def _whole_distance(one: Point, other: Point) -> int:
    """The distance of two points in whole millimetres, rounded down."""
    return int(distance(one, other))


def _fits(outlines: Outlines, before: Point, corner: Point, after: Point, length: int) -> bool:
    """True if a cut leaves a passage beside what fills a corner of a room, or enough of a wall."""
    start, end = _along(corner, before, length), _along(corner, after, length)
    area = (corner[0] - start[0]) * (end[1] - start[1]) - (corner[1] - start[1]) * (end[0] - start[0])
    if abs(area) < LEAST_TURN_SINE * length * length:
        return False
    lines = [(before, corner), (corner, after)] if area > 0 else [(corner, before), (after, corner)]
    shape = [start, corner, end] if area > 0 else [end, corner, start]
    return keeps_away(shape, outlines.edges, LEAST_PASSAGE if area > 0 else LEAST_WALL_THICKNESS, lines)


def _along(corner: Point, end: Point, length: int) -> Point:
    """The point at a length from a corner."""
    x, y = end[0] - corner[0], end[1] - corner[1]
    whole = distance(corner, end)
    return corner[0] + round(x * length / whole), corner[1] + round(y * length / whole)


def _cut(before: Point, corner: Point, after: Point, length: int, straight: bool) -> list[Point]:
    """The corners that take a corner's place: two, or those of an arc."""
    start, end = _along(corner, before, length), _along(corner, after, length)
    if straight:
        return [start, end]
    (ax, ay), (px, py), (bx, by) = start, corner, end
    chord = distance(start, end)
    weight = float(chord / (2 * length))  # of the corner, for an arc of a circle: the cosine of half of what it turns
    count = min(max(round(1.2 * chord / ARC_SEGMENT_LENGTH), ARC_SEGMENT_COUNTS[0]), ARC_SEGMENT_COUNTS[1])
    points = []
    for i in range(count + 1):
        shares = ((count - i) * (count - i), 2 * weight * i * (count - i), i * i)
        whole = shares[0] + shares[1] + shares[2]
        x, y = (shares[0] * a + shares[1] * p + shares[2] * b for a, p, b in ((ax, px, bx), (ay, py, by)))
        points.append((round(x / whole), round(y / whole)))
    return [point for point, following in pairwise([*points, corner]) if point != following]


def _without_corners(room: PlannedRoom, cuts: Mapping[Point, list[Point]]) -> PlannedRoom:
    """The room, its own corners cut as its walls' are: where it and the wall turn the same way."""
    outline: list[Point] = []
    for before, corner, after in ring_triples(room.outline):
        cut = cuts.get(corner, [corner])
        length = _whole_distance(corner, cut[0])
        same = len(cut) > 1 and all(
            _near(_along(corner, end, length), point) for end, point in ((before, cut[0]), (after, cut[-1]))
        )
        outline += cut if same else [corner]
    return PlannedRoom(room.kind, outline)


def _near(one: Point, other: Point) -> bool:
    """Equality of two points but for rounding."""
    return max(abs(one[0] - other[0]), abs(one[1] - other[1])) <= ROUNDING_TOLERANCE
