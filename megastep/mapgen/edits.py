"""Edits of a plan: a door or a wall moved, a piece of furniture added, removed or moved."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

from megastep.mapgen.geometry.clearance import bounds
from megastep.mapgen.geometry.outlines import Outlines
from megastep.mapgen.geometry.polygons import Vector, along, ring_edges, rounded, unit
from megastep.mapgen.plan import LATTICE_STEP, Plan, PlannedRoom, Point
from megastep.mapgen.rng import Rng
from megastep.mapgen.variations.furniture import put_at_wall
from megastep.mapgen.variations.furniture_catalogue import Piece
from megastep.mapgen.variations.placement import Placement

LEAST_SHIFT = 100
"""The least distance that doors and walls move by, in millimetres."""

MOST_DOOR_SHIFT = 1200
"""The greatest distance that doors move by, in millimetres."""

MOST_WALL_SHIFT = 600
"""The greatest distance that walls move by, in millimetres."""

SHORTEST_MOVED_FACE = 1200
"""The least length of the face of a wall that moves, in millimetres."""

SHORTEST_WALL_LEFT = 100
"""The least length of a wall that gets shorter, in millimetres."""

THICKEST_WALL = 400
"""The greatest thickness of walls, in millimetres."""

OPENING_REACH = 1000
"""Half of the greatest width of openings, in millimetres."""

ROOM_CORNER_TOLERANCE = 20
"""The distance that rooms' corners may be off their walls' in maps that were imported, in millimetres."""

ADDED_FURNITURE_SIDES = (400, 1400)
"""The range of the length of the sides of furniture that is added, in millimetres."""

LONGEST_FURNITURE_SIDE = 3000
"""The greatest length of a side of furniture, in millimetres: else what stands in a room is none."""

Frame = Callable[[Point], Vector]
"""A local coordinate frame: gives the distance of a point along a line, and to its left."""

Interval = tuple[float, float]
"""An interval along a line: from where to where something goes."""

WallPart = tuple[Interval, tuple[Point, ...]]
"""A part of a wall: its interval, and its corners."""


def move_door(plan: Plan, rng: Rng) -> Plan | None:
    """The plan with a random door moved along its wall, if it has somewhere to go."""
    if not plan.doors:
        return None
    outlines = Outlines(plan.rings)
    number = rng.below(len(plan.doors))
    one, other = plan.doors[number]
    direction, _ = unit(one, other)
    jambs = [_jamb(outlines, end, direction) for end in (one, other)]
    if not all(jambs):
        return None
    back = min(_run(outlines, corner, direction, -1) for corner in jambs[0])
    ahead = min(_run(outlines, corner, direction, 1) for corner in jambs[1])
    steps = [
        LATTICE_STEP * k
        for k in range(-(back - SHORTEST_WALL_LEFT) // LATTICE_STEP, (ahead - SHORTEST_WALL_LEFT) // LATTICE_STEP + 1)
        if LEAST_SHIFT <= LATTICE_STEP * abs(k) <= MOST_DOOR_SHIFT
    ]
    if not steps:
        return None
    step = rng.pick(steps)
    moved = {corner: rounded(along(corner, direction, step)) for jamb in jambs for corner in jamb}
    doors = list(plan.doors)
    doors[number] = (rounded(along(one, direction, step)), rounded(along(other, direction, step)))
    return plan._replace(rings=_mapped(plan.rings, moved), doors=doors)


def _jamb(outlines: Outlines, end: Point, direction: Vector) -> tuple[Point, ...]:
    """The corners of the side of a door: of the wall's end that its middle line ends at."""
    near = outlines.edges.near(
        (end[0] - THICKEST_WALL, end[1] - THICKEST_WALL), (end[0] + THICKEST_WALL, end[1] + THICKEST_WALL)
    )
    for start, stop in near:
        (sx, sy), (ex, ey) = (_frame(end, direction)(corner) for corner in (start, stop))
        if max(abs(sx), abs(ex)) <= 3 and min(sy, ey) <= 3 and max(sy, ey) >= -3 and abs(sy - ey) <= THICKEST_WALL:
            return start, stop
    return ()


def _run(outlines: Outlines, corner: Point, direction: Vector, sign: int) -> int:
    """The length of the wall from a door's corner on, along its face; 0 if it turns."""
    runs = [0]
    for end in (outlines.before[corner], outlines.after[corner]):
        x, y = _frame(corner, direction)(end)
        if abs(y) <= 3 and sign * x > 0:
            runs.append(int(sign * x))
    return max(runs)


def _frame(origin: Point, direction: Vector) -> Frame:
    (ox, oy), (ux, uy) = origin, direction
    return lambda point: (
        ux * (point[0] - ox) + uy * (point[1] - oy),
        ux * (point[1] - oy) - uy * (point[0] - ox),
    )


def _mapped(rings: Sequence[Sequence[Point]], moved: dict[Point, Point]) -> list[list[Point]]:
    return [[moved.get(corner, corner) for corner in ring] for ring in rings]


def move_wall(plan: Plan, rng: Rng) -> Plan | None:
    """The plan with a random straight wall between rooms moved aside, with its doors, if walls meet it at right
    angles.
    """
    outlines = Outlines(plan.rings)
    walls = sorted((a, b) for a, b in outlines.after.items() if unit(a, b)[1] >= SHORTEST_MOVED_FACE)
    if not walls:
        return None
    start, end = rng.pick(walls)
    direction, _ = unit(start, end)
    frame = _frame(start, direction)
    corners = _faces(plan, outlines, frame, start)
    rooms = {room for corner in corners for room in _rooms_at(plan.rooms, corner)}
    step = (
        LATTICE_STEP
        * rng.between(LEAST_SHIFT // LATTICE_STEP, MOST_WALL_SHIFT // LATTICE_STEP)
        * (1 if rng.chance(1, 2) else -1)
    )
    sides = [
        (corner, beyond)
        for corner in corners
        for beyond in (outlines.before[corner], outlines.after[corner])
        if beyond not in corners
    ]
    if len(rooms) < 2 or not all(_can_shift(frame, corner, beyond, step) for corner, beyond in sides):
        return None
    return _shifted(plan, frame, corners, (-direction[1] * step, direction[0] * step))


def _faces(plan: Plan, outlines: Outlines, frame: Frame, start: Point) -> set[Point]:
    """The corners of a straight wall: of both its faces, from end to end, on both sides of its doors.

    Args:
        plan: The plan that it is in. If it knows of no doors, any opening up to twice `OPENING_REACH` wide is taken for
            one.
        outlines: Its walls.
        frame: Along one of the wall's faces, free space to the left.
        start: The corner that the face begins at.
    """
    flat = [
        (a, b)
        for a, b in outlines.after.items()
        if -THICKEST_WALL <= frame(a)[1] <= 1 and abs(frame(a)[1] - frame(b)[1]) <= 1
    ]
    face = _interval(frame, (start, outlines.after[start]))
    backs = [frame(b)[1] for a, b in flat if frame(b)[0] < frame(a)[0] and _overlap(face, _interval(frame, (a, b)))]
    if not backs:
        return set()
    back, reach = max(backs), 0 if plan.doors else OPENING_REACH
    parts: list[WallPart] = [
        (_interval(frame, wall, reach), wall)
        for wall in flat
        if frame(wall[0])[1] >= -1 or abs(frame(wall[0])[1] - back) <= 1
    ]
    parts += [
        (_interval(frame, door, ROOM_CORNER_TOLERANCE), ())
        for door in plan.doors
        if all(back - 1 <= frame(end)[1] <= 1 for end in door)
    ]
    return {corner for _, wall in _connected_parts(parts, face) for corner in wall}


def _connected_parts(parts: list[WallPart], face: Interval) -> list[WallPart]:
    """The connected component of a face: the parts that overlap one another from it on."""
    found, frontier = [], [face]
    while frontier:
        interval = frontier.pop()
        joined = [part for part in parts if _overlap(interval, part[0])]
        parts = [part for part in parts if part not in joined]
        found += joined
        frontier += [part[0] for part in joined]
    return found


def _interval(frame: Frame, wall: Sequence[Point], reach: int = 0) -> Interval:
    """The interval of a wall along a line, grown by a reach at both ends."""
    low, high = sorted(frame(corner)[0] for corner in wall)
    return low - reach, high + reach


def _overlap(one: Interval, other: Interval) -> bool:
    """Intersection test of two intervals, by more than a millimetre."""
    return one[0] < other[1] - 1 and other[0] < one[1] - 1


def _rooms_at(rooms: Sequence[PlannedRoom], corner: Point) -> list[int]:
    """The rooms that have a corner there."""
    return [
        i
        for i, room in enumerate(rooms)
        if any(
            abs(x - corner[0]) <= ROOM_CORNER_TOLERANCE and abs(y - corner[1]) <= ROOM_CORNER_TOLERANCE
            for x, y in room.outline
        )
    ]


def _can_shift(frame: Frame, corner: Point, end: Point, step: int) -> bool:
    """True if the wall from a corner that moves to one that doesn't is at a right angle and stays long enough."""
    (x, y), (ex, ey) = frame(corner), frame(end)
    return abs(x - ex) <= 1 and (ey - y) * (ey - y - step) > 0 and abs(ey - y - step) >= SHORTEST_WALL_LEFT


def _shifted(plan: Plan, frame: Frame, corners: set[Point], by: Vector) -> Plan | None:
    """The plan with some corners moved, and with them rooms' and doors' corners there, unless that skews a room."""
    box = bounds([frame(corner) for corner in corners], ROOM_CORNER_TOLERANCE)

    def shifted(points: Sequence[Point]) -> list[Point]:
        return [rounded((x + by[0], y + by[1])) if _within(frame((x, y)), box) else (x, y) for x, y in points]

    rooms = [PlannedRoom(room.kind, shifted(room.outline)) for room in plan.rooms]
    if any(_skewed(frame, old.outline, new.outline) for old, new in zip(plan.rooms, rooms, strict=True)):
        return None
    moved = dict(zip(sorted(corners), shifted(sorted(corners)), strict=True))
    doors = [(a, b) for a, b in map(shifted, plan.doors)]
    return Plan(_mapped(plan.rings, moved), rooms, doors)


def _within(point: Vector, box: tuple[Vector, Vector]) -> bool:
    return all(low <= value <= high for value, low, high in zip(point, *box, strict=True))


def _skewed(frame: Frame, old: Sequence[Point], new: Sequence[Point]) -> bool:
    """True if a side of a room that ran along the line no longer does."""
    (before, after) = ([frame(corner)[1] for corner in outline] for outline in (old, new))
    return any(
        abs(before[i] - before[i - 1]) <= ROOM_CORNER_TOLERANCE < abs(after[i] - after[i - 1]) for i in range(len(old))
    )


def change_furniture(plan: Plan, rng: Rng) -> Plan | None:
    """The plan with a free-standing piece of furniture taken away, or one put in, or both: so one is moved."""
    pieces = [i for i, ring in enumerate(plan.rings) if i and _is_piece(ring)]
    if pieces and rng.chance(2, 3):
        taken = rng.pick(pieces)
        left = plan._replace(rings=[ring for i, ring in enumerate(plan.rings) if i != taken])
        if rng.chance(1, 2):
            return left
        x, y = plan.rings[taken][0]
        return _with_piece(left, rng, [(px - x, py - y) for px, py in reversed(plan.rings[taken])])
    width, depth = (
        LATTICE_STEP * rng.between(ADDED_FURNITURE_SIDES[0] // LATTICE_STEP, ADDED_FURNITURE_SIDES[1] // LATTICE_STEP)
        for _ in range(2)
    )
    if plan.rooms and rng.chance(1, 2):
        placement, piece = Placement(plan), Piece('any', (width, width), (depth, depth))
        found = put_at_wall(placement, rng.pick(plan.rooms), rng, piece, width, depth)
        return placement.plan() if found else None
    return _with_piece(plan, rng, [(0, 0), (width, 0), (width, depth), (0, depth)])


def _is_piece(ring: Sequence[Point]) -> bool:
    """True if a hole is a rectangle of the size of furniture."""
    if len(ring) != 4:
        return False
    sides = [(b[0] - a[0], b[1] - a[1]) for a, b in ring_edges(ring)]
    lengths = [(x * x + y * y) ** 0.5 for x, y in sides]
    slack = 2 * (lengths[0] + lengths[1])  # what rounding corners may do
    square = all(abs(ax * bx + ay * by) <= slack for (ax, ay), (bx, by) in pairwise(sides))
    return max(lengths) <= LONGEST_FURNITURE_SIDE and square


def _with_piece(plan: Plan, rng: Rng, shape: Sequence[Point]) -> Plan | None:
    """The plan with a piece at a random place in a room, if there is a passage all around it."""
    if not plan.rooms:
        return None
    placement, room = Placement(plan), rng.pick(plan.rooms)
    (left, bottom), (right, top) = bounds(room.outline)
    x, y = rng.between(left, right), rng.between(bottom, top)
    placed = [(x + px, y + py) for px, py in shape]
    if not placement.is_clear(placed, room):
        return None
    placement.stand(placed)
    return placement.plan()
