"""Small changes to a plan: a door along its wall, a wall between two rooms, a piece of furniture."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

from megastep.mapgen.geometry.outlines import Outlines
from megastep.mapgen.geometry.polygons import along, rounded, unit
from megastep.mapgen.plan import Plan, PlannedRoom, Point
from megastep.mapgen.rng import Rng
from megastep.mapgen.variations.furniture import put_at_wall
from megastep.mapgen.variations.furniture_catalogue import Piece
from megastep.mapgen.variations.placement import Floor

FINE = 50
"""Things move by whole multiples of so many millimetres."""

LEAST = 100
"""They move by at least so many millimetres, and no wall that gets shorter gets shorter than this."""

MOST = 600
"""Walls move by at most so many millimetres."""

THICK = 400
"""Walls are at most so many millimetres thick."""

REACH = 1000
"""Openings are at most twice this wide, in millimetres."""

OFF = 20
"""Rooms' corners may be so many millimetres off their walls' in maps that were imported."""

SIDES = (400, 1400)
"""How long the sides of furniture are that is added, in millimetres."""

LARGE = 3000
"""What stands in a room and has four corners is furniture if no side is longer than so many millimetres."""

Frame = Callable[[Point], tuple[float, float]]
"""Gives how far along a line a point is, and how far to its left."""

Extent = tuple[float, float]
"""From where to where something goes, along a line."""

Part = tuple[Extent, tuple[Point, ...]]
"""A part of a wall: its extent, and its corners."""


def move_door(plan: Plan, rng: Rng) -> Plan | None:
    """Moves one of the doors along its wall, if it has somewhere to go."""
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
        FINE * k
        for k in range(-(back - LEAST) // FINE, (ahead - LEAST) // FINE + 1)
        if LEAST <= FINE * abs(k) <= 2 * MOST
    ]
    if not steps:
        return None
    step = rng.pick(steps)
    moved = {corner: rounded(along(corner, direction, step)) for jamb in jambs for corner in jamb}
    doors = list(plan.doors)
    doors[number] = (rounded(along(one, direction, step)), rounded(along(other, direction, step)))
    return plan._replace(rings=_mapped(plan.rings, moved), doors=doors)


def _jamb(outlines: Outlines, end: Point, direction: tuple[float, float]) -> tuple[Point, ...]:
    """The corners of the side of a door: of the wall's end that its middle line ends at."""
    near = outlines.edges.near((end[0] - THICK, end[1] - THICK), (end[0] + THICK, end[1] + THICK))
    for start, stop in near:
        (sx, sy), (ex, ey) = (_frame(end, direction)(corner) for corner in (start, stop))
        if max(abs(sx), abs(ex)) <= 3 and min(sy, ey) <= 3 and max(sy, ey) >= -3 and abs(sy - ey) <= THICK:
            return start, stop
    return ()


def _run(outlines: Outlines, corner: Point, direction: tuple[float, float], sign: int) -> int:
    """How far the wall goes on from a door's corner, along its face; 0 if it turns."""
    runs = [0]
    for end in (outlines.before[corner], outlines.after[corner]):
        x, y = _frame(corner, direction)(end)
        if abs(y) <= 3 and sign * x > 0:
            runs.append(int(sign * x))
    return max(runs)


def _frame(origin: Point, direction: tuple[float, float]) -> Frame:
    (ox, oy), (ux, uy) = origin, direction
    return lambda point: (
        ux * (point[0] - ox) + uy * (point[1] - oy),
        ux * (point[1] - oy) - uy * (point[0] - ox),
    )


def _mapped(rings: Sequence[Sequence[Point]], moved: dict[Point, Point]) -> list[list[Point]]:
    return [[moved.get(corner, corner) for corner in ring] for ring in rings]


def move_wall(plan: Plan, rng: Rng) -> Plan | None:
    """Moves a straight wall between rooms and its doors to one side, if the walls that meet it are at right angles."""
    outlines = Outlines(plan.rings)
    walls = sorted((a, b) for a, b in outlines.after.items() if unit(a, b)[1] >= 2 * MOST)
    if not walls:
        return None
    start, end = rng.pick(walls)
    direction, _ = unit(start, end)
    frame = _frame(start, direction)
    corners = _faces(plan, outlines, frame, start)
    rooms = {room for corner in corners for room in _rooms_at(plan.rooms, corner)}
    step = FINE * rng.between(LEAST // FINE, MOST // FINE) * (1 if rng.chance(1, 2) else -1)
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
        plan: Where it is. If it knows of no doors, any opening up to twice `REACH` wide is taken for one.
        outlines: Its walls.
        frame: Along one of the wall's faces, free space to the left.
        start: Where that face begins.
    """
    flat = [
        (a, b) for a, b in outlines.after.items() if -THICK <= frame(a)[1] <= 1 and abs(frame(a)[1] - frame(b)[1]) <= 1
    ]
    face = _extent(frame, (start, outlines.after[start]))
    backs = [frame(b)[1] for a, b in flat if frame(b)[0] < frame(a)[0] and _overlap(face, _extent(frame, (a, b)))]
    if not backs:
        return set()
    back, reach = max(backs), 0 if plan.doors else REACH
    parts: list[Part] = [
        (_extent(frame, wall, reach), wall)
        for wall in flat
        if frame(wall[0])[1] >= -1 or abs(frame(wall[0])[1] - back) <= 1
    ]
    parts += [
        (_extent(frame, door, OFF), ()) for door in plan.doors if all(back - 1 <= frame(end)[1] <= 1 for end in door)
    ]
    return {corner for _, wall in _connected(parts, face) for corner in wall}


def _connected(parts: list[Part], face: Extent) -> list[Part]:
    """The parts that overlap one another from a face on."""
    found, frontier = [], [face]
    while frontier:
        extent = frontier.pop()
        joined = [part for part in parts if _overlap(extent, part[0])]
        parts = [part for part in parts if part not in joined]
        found += joined
        frontier += [part[0] for part in joined]
    return found


def _extent(frame: Frame, wall: Sequence[Point], reach: int = 0) -> Extent:
    """From where to where a wall goes, along a line, and so much further."""
    low, high = sorted(frame(corner)[0] for corner in wall)
    return low - reach, high + reach


def _overlap(one: Extent, other: Extent) -> bool:
    return one[0] < other[1] - 1 and other[0] < one[1] - 1


def _rooms_at(rooms: Sequence[PlannedRoom], corner: Point) -> list[int]:
    """The rooms that have a corner there."""
    return [
        i
        for i, room in enumerate(rooms)
        if any(abs(x - corner[0]) <= OFF and abs(y - corner[1]) <= OFF for x, y in room.outline)
    ]


def _can_shift(frame: Frame, corner: Point, end: Point, step: int) -> bool:
    """Whether the wall from a corner that moves to one that doesn't is at a right angle and stays long enough."""
    (x, y), (ex, ey) = frame(corner), frame(end)
    return abs(x - ex) <= 1 and (ey - y) * (ey - y - step) > 0 and abs(ey - y - step) >= LEAST


def _shifted(plan: Plan, frame: Frame, corners: set[Point], by: tuple[float, float]) -> Plan | None:
    """The plan with some corners moved, and with them rooms' and doors' corners there, unless that skews a room."""
    xs, ys = zip(*map(frame, corners), strict=True)
    box = ((min(xs) - OFF, max(xs) + OFF), (min(ys) - OFF, max(ys) + OFF))

    def shifted(points: Sequence[Point]) -> list[Point]:
        return [rounded((x + by[0], y + by[1])) if _within(frame((x, y)), box) else (x, y) for x, y in points]

    rooms = [PlannedRoom(room.kind, shifted(room.outline)) for room in plan.rooms]
    if any(_skewed(frame, old.outline, new.outline) for old, new in zip(plan.rooms, rooms, strict=True)):
        return None
    moved = dict(zip(sorted(corners), shifted(sorted(corners)), strict=True))
    doors = [(a, b) for a, b in map(shifted, plan.doors)]
    return Plan(_mapped(plan.rings, moved), rooms, doors)


def _within(place: tuple[float, float], box: tuple[tuple[float, float], tuple[float, float]]) -> bool:
    return all(low <= value <= high for value, (low, high) in zip(place, box, strict=True))


def _skewed(frame: Frame, old: Sequence[Point], new: Sequence[Point]) -> bool:
    """Whether a side of a room that ran along the line no longer does."""
    (before, after) = ([frame(corner)[1] for corner in outline] for outline in (old, new))
    return any(abs(before[i] - before[i - 1]) <= OFF < abs(after[i] - after[i - 1]) for i in range(len(old)))


def change_furniture(plan: Plan, rng: Rng) -> Plan | None:
    """Takes a piece of furniture away that stands free, or puts one in, or both: so one is moved."""
    pieces = [i for i, ring in enumerate(plan.rings) if i and _is_piece(ring)]
    if pieces and rng.chance(2, 3):
        taken = rng.pick(pieces)
        left = plan._replace(rings=[ring for i, ring in enumerate(plan.rings) if i != taken])
        if rng.chance(1, 2):
            return left
        x, y = plan.rings[taken][0]
        return _with_piece(left, rng, [(px - x, py - y) for px, py in reversed(plan.rings[taken])])
    width, depth = (FINE * rng.between(SIDES[0] // FINE, SIDES[1] // FINE) for _ in range(2))
    if plan.rooms and rng.chance(1, 2):
        floor, piece = Floor(plan), Piece('any', (width, width), (depth, depth))
        return floor.plan() if put_at_wall(floor, rng.pick(plan.rooms), rng, piece, width, depth) else None
    return _with_piece(plan, rng, [(0, 0), (width, 0), (width, depth), (0, depth)])


def _is_piece(ring: Sequence[Point]) -> bool:
    """Whether a hole is a rectangle of the size of furniture."""
    if len(ring) != 4:
        return False
    sides = [(b[0] - a[0], b[1] - a[1]) for a, b in zip(ring, [*ring[1:], ring[0]], strict=True)]
    lengths = [(x * x + y * y) ** 0.5 for x, y in sides]
    slack = 2 * (lengths[0] + lengths[1])  # what rounding corners may do
    square = all(abs(ax * bx + ay * by) <= slack for (ax, ay), (bx, by) in pairwise(sides))
    return max(lengths) <= LARGE and square


def _with_piece(plan: Plan, rng: Rng, shape: Sequence[Point]) -> Plan | None:
    """Puts a piece somewhere in a room where there is a passage all around it, if the place drawn is one."""
    floor = Floor(plan)
    if not plan.rooms:
        return None
    room = rng.pick(plan.rooms)
    xs, ys = zip(*room.outline, strict=True)
    x, y = rng.between(min(xs), max(xs)), rng.between(min(ys), max(ys))
    placed = [(x + px, y + py) for px, py in shape]
    if not floor.clear(placed, room):
        return None
    floor.stand(placed)
    return floor.plan()
