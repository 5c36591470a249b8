"""Furnishes rooms: what stands at walls becomes part of their outline, what stands free a hole in it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from megastep.mapgen.geometry.clearance import Line, bounds
from megastep.mapgen.geometry.outlines import Edge
from megastep.mapgen.geometry.polygons import along, left_of, rounded, unit
from megastep.mapgen.plan import PlannedRoom, Point
from megastep.mapgen.rng import Rng
from megastep.mapgen.variations.furniture_catalogue import Piece, pieces
from megastep.mapgen.variations.placement import PASSAGE, Floor

FINE = 50
"""Sizes are whole multiples of so many millimetres, and so are most distances."""

FITTED = 400
"""A piece that leaves less than this of its wall, in millimetres, is made as wide as the wall."""

TRIES = 12
"""At how many places a piece is tried before the room goes without it."""


class Place(NamedTuple):
    """Where a piece might stand along a wall."""

    wall: Edge
    offset: int
    """How far from the wall's start it begins, in millimetres."""
    width: int
    at_start: bool
    """Whether it touches the wall before,"""
    at_end: bool
    """and the wall after."""


class Spot(NamedTuple):
    """What a piece at a wall would change."""

    shape: list[Point]
    """Its corners, anticlockwise: the first two are at the wall."""
    lines: list[Line]
    """The walls that it touches."""
    first: Point
    """The corner before what it changes of the outline,"""
    last: Point
    """the corner after,"""
    between: list[Point]
    """and those that come between."""
    sides: list[Point]
    """Where its own sides begin."""


def furnish(floor: Floor, rooms: Sequence[PlannedRoom], rng: Rng, *, count: tuple[int, int]) -> None:
    """Puts furniture into rooms, as each is used, where it is in nobody's way.

    Args:
        floor: Where to.
        rooms: Its rooms.
        rng: Drawn from.
        count: The least and the greatest number of pieces to try to put into a room.
    """
    for i, room in enumerate(rooms):
        choice, drawn = pieces(room.kind), rng.fork(f'room {i}')
        wanted = drawn.between(*count) if choice else 0
        for k in range(wanted):
            piece = choice[k] if k < len(choice) else drawn.pick(choice)
            width, depth = (FINE * drawn.between(low // FINE, high // FINE) for low, high in (piece.width, piece.depth))
            if piece.free:
                _put_free(floor, room, drawn, width, depth)
            else:
                put_at_wall(floor, room, drawn, piece, width, depth)


def _put_free(floor: Floor, room: PlannedRoom, rng: Rng, width: int, depth: int) -> None:
    """Puts a piece into the middle of a room, or after that somewhere else in it."""
    (left, bottom), (right, top) = bounds(room.outline)
    ring = list(room.outline)
    direction, _ = max((unit(a, b) for a, b in zip(ring, ring[1:] + ring[:1], strict=True)), key=lambda found: found[1])
    direction = left_of(direction) if rng.chance(1, 4) else direction
    middles = [((left + right) // 2, (bottom + top) // 2)]
    middles += [(rng.between(left, right), rng.between(bottom, top)) for _ in range(TRIES)]
    for middle in middles:
        start = along(along(middle, direction, -width / 2), left_of(direction), -depth / 2)
        shape = _rectangle(start, direction, width, depth)
        if floor.clear(shape, room):
            floor.stand(shape)
            return


def _rectangle(start: tuple[float, float], direction: tuple[float, float], width: int, depth: int) -> list[Point]:
    """The corners of a rectangle, anticlockwise from one of them."""
    end, up = along(start, direction, width), left_of(direction)
    return [rounded(start), rounded(end), rounded(along(end, up, depth)), rounded(along(start, up, depth))]


def put_at_wall(floor: Floor, room: PlannedRoom, rng: Rng, piece: Piece, width: int, depth: int) -> bool:
    """Puts a piece at a wall of a room, at the first of a few places drawn where it is in nobody's way.

    Args:
        floor: Where to.
        room: Which of its rooms.
        rng: Drawn from.
        piece: What it is.
        width: How wide it should be along the wall, in millimetres: wider if it then fits from corner to corner.
        depth: How deep it should be.

    Returns:
        Whether there was a place.
    """
    places = [place for wall in floor.walls(room) for place in _places(floor, wall, rng, piece, width, depth)]
    for place in rng.shuffled(places)[:TRIES]:
        spot = _spot(floor, place, depth)
        if floor.clear(spot.shape, room, spot.lines):
            floor.attach(spot.first, spot.last, spot.between, spot.sides)
            return True
    return False


def _places(floor: Floor, wall: Edge, rng: Rng, piece: Piece, width: int, depth: int) -> Iterator[Place]:
    """Where along a wall a piece might stand: in its corners, between them, or from one to the other."""
    start, end = wall
    _, length = unit(start, end)
    if length < min(width, piece.width[0]):
        return
    at_start = _can_touch(floor, floor.outlines.before[start], start, end, depth)
    at_end = _can_touch(floor, floor.outlines.after[end], end, start, depth)
    if at_start and at_end and piece.width[0] <= length <= width + FITTED:
        yield Place(wall, 0, round(length), True, True)
    if at_start and length >= width + PASSAGE:
        yield Place(wall, 0, width, True, False)
    if at_end and length >= width + PASSAGE:
        yield Place(wall, round(length) - width, width, False, True)
    if (spare := int(length) - width - 2 * PASSAGE) >= 0:
        yield Place(wall, PASSAGE + FINE * rng.below(spare // FINE + 1), width, False, False)
        yield Place(wall, PASSAGE + spare // 2, width, False, False)


def _can_touch(floor: Floor, beyond: Point, corner: Point, other: Point, depth: int) -> bool:
    """Whether what stands at a wall may touch the next: one at a right angle that leaves a passage beside it.

    Args:
        floor: Where they are.
        beyond: The far end of the next wall.
        corner: Where both meet.
        other: The far end of the first wall.
        depth: How much of the next wall is covered.
    """
    (x, y), after = corner, floor.outlines.after[corner] == other
    (ax, ay), (bx, by) = (other, beyond) if after else (beyond, other)
    ax, ay, bx, by = ax - x, ay - y, bx - x, by - y
    if ax * bx + ay * by != 0 or ax * by - ay * bx <= 0:
        return False
    _, length = unit(corner, beyond)
    flush = length == depth and floor.is_side(beyond if after else corner)
    return flush or length - depth >= PASSAGE


def _spot(floor: Floor, place: Place, depth: int) -> Spot:
    (start, end), offset, width, at_start, at_end = place
    direction, _ = unit(start, end)
    shape = _rectangle(along(start, direction, offset), direction, width, depth)
    lines: list[Line] = [(start, end)]
    sides = [shape[3], *([] if at_start else shape[:1]), *([] if at_end else shape[2:3])]
    first, last, between = start, end, [shape[0], shape[3], shape[2], shape[1]]
    if at_start:
        first = floor.outlines.before[start]
        lines.append((first, start))
        between = between[1:]
        if first == between[0]:  # flush with what stands there
            first, between = floor.outlines.before[first], between[1:]
    if at_end:
        last = floor.outlines.after[end]
        lines.append((end, last))
        between = between[:-1]
        if last == between[-1]:
            last, between = floor.outlines.after[last], between[:-1]
    return Spot(shape, lines, first, last, between, sides)
