"""Furnishing of rooms: what stands at walls becomes part of their outline, what stands free a hole in it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from megastep.mapgen.geometry.clearance import LEAST_PASSAGE, Line, bounds
from megastep.mapgen.geometry.outlines import Edge
from megastep.mapgen.geometry.polygons import along, left_of, ring_edges, rounded, unit
from megastep.mapgen.plan import LATTICE_STEP, PlannedRoom, Point
from megastep.mapgen.rng import Rng
from megastep.mapgen.variations.furniture_catalogue import Piece, pieces
from megastep.mapgen.variations.placement import Placement

FITTED_GAP = 400
"""The greatest length of a wall beside a piece, in millimetres, that the piece is made wider by to fill."""

PLACES_TRIED = 12
"""The number of slots at which a piece is tried before the room goes without it."""


class WallSlot(NamedTuple):
    """A slot along a wall where a piece might stand."""

    wall: Edge
    offset: int
    """Its distance from the wall's start, in millimetres."""
    width: int
    """Its length along the wall, in millimetres."""
    at_start: bool
    """True if it touches the wall before."""
    at_end: bool
    """True if it touches the wall after."""


class Attachment(NamedTuple):
    """The change of an outline by a piece at a wall."""

    shape: list[Point]
    """Its corners, anticlockwise: the first two are at the wall."""
    lines: list[Line]
    """The walls that it touches."""
    first: Point
    """The corner before what it changes of the outline."""
    last: Point
    """The corner after that."""
    between: list[Point]
    """The corners that come between."""
    sides: list[Point]
    """The corners at which its own sides begin."""


def furnish(placement: Placement, rooms: Sequence[PlannedRoom], rng: Rng, *, count: tuple[int, int]) -> None:
    """Puts furniture into rooms, as each is used, where it is in nobody's way.

    Args:
        placement: What to put it into.
        rooms: Its rooms.
        rng: The random number generator.
        count: The least and the greatest number of pieces to try to put into a room.
    """
    for i, room in enumerate(rooms):
        choice, drawn = pieces(room.kind), rng.fork(f'room {i}')
        wanted = drawn.between(*count) if choice else 0
        for k in range(wanted):
            piece = choice[k] if k < len(choice) else drawn.pick(choice)
            width, depth = (
                LATTICE_STEP * drawn.between(low // LATTICE_STEP, high // LATTICE_STEP)
                for low, high in (piece.width, piece.depth)
            )
            if piece.free:
                _put_free(placement, room, drawn, width, depth)
            else:
                put_at_wall(placement, room, drawn, piece, width, depth)


def _put_free(placement: Placement, room: PlannedRoom, rng: Rng, width: int, depth: int) -> None:
    """Puts a piece into the middle of a room, or after that somewhere else in it."""
    (left, bottom), (right, top) = bounds(room.outline)
    direction, _ = max((unit(*edge) for edge in ring_edges(room.outline)), key=lambda found: found[1])
    direction = left_of(direction) if rng.chance(1, 4) else direction
    middles = [((left + right) // 2, (bottom + top) // 2)]
    middles += [(rng.between(left, right), rng.between(bottom, top)) for _ in range(PLACES_TRIED)]
    for middle in middles:
        start = along(along(middle, direction, -width / 2), left_of(direction), -depth / 2)
        shape = _rectangle(start, direction, width, depth)
        if placement.is_clear(shape, room):
            placement.stand(shape)
            return


def _rectangle(start: tuple[float, float], direction: tuple[float, float], width: int, depth: int) -> list[Point]:
    """The corners of a rectangle, anticlockwise from one of them."""
    end, up = along(start, direction, width), left_of(direction)
    return [rounded(start), rounded(end), rounded(along(end, up, depth)), rounded(along(start, up, depth))]


def put_at_wall(placement: Placement, room: PlannedRoom, rng: Rng, piece: Piece, width: int, depth: int) -> bool:
    """Puts a piece at a wall of a room, at the first of a few places drawn where it is in nobody's way.

    Args:
        placement: What to put it into.
        room: The room of it to put it into.
        rng: The random number generator.
        piece: The piece.
        width: Its length along the wall, in millimetres: more if it then fits from corner to corner.
        depth: Its depth, in millimetres.

    Returns:
        True if there was a slot.
    """
    slots = [slot for wall in placement.walls(room) for slot in _slots(placement, wall, rng, piece, width, depth)]
    for slot in rng.shuffled(slots)[:PLACES_TRIED]:
        attachment = _attachment(placement, slot, depth)
        if placement.is_clear(attachment.shape, room, attachment.lines):
            placement.attach(attachment.first, attachment.last, attachment.between, attachment.sides)
            return True
    return False


def _slots(placement: Placement, wall: Edge, rng: Rng, piece: Piece, width: int, depth: int) -> Iterator[WallSlot]:
    """The places along a wall for a piece: in its corners, between them, or from one to the other."""
    start, end = wall
    _, length = unit(start, end)
    if length < min(width, piece.width[0]):
        return
    at_start = _can_touch(placement, placement.outlines.before[start], start, end, depth)
    at_end = _can_touch(placement, placement.outlines.after[end], end, start, depth)
    if at_start and at_end and piece.width[0] <= length <= width + FITTED_GAP:
        yield WallSlot(wall, 0, round(length), True, True)
    if at_start and length >= width + LEAST_PASSAGE:
        yield WallSlot(wall, 0, width, True, False)
    if at_end and length >= width + LEAST_PASSAGE:
        yield WallSlot(wall, round(length) - width, width, False, True)
    if (spare := int(length) - width - 2 * LEAST_PASSAGE) >= 0:
        yield WallSlot(wall, LEAST_PASSAGE + LATTICE_STEP * rng.below(spare // LATTICE_STEP + 1), width, False, False)
        yield WallSlot(wall, LEAST_PASSAGE + spare // 2, width, False, False)


def _can_touch(placement: Placement, beyond: Point, corner: Point, other: Point, depth: int) -> bool:
    """True if what stands at a wall may touch the next: one at a right angle that leaves a passage beside it.

    Args:
        placement: The plan that they are in.
        beyond: The far end of the next wall.
        corner: The corner where both meet.
        other: The far end of the first wall.
        depth: The length of the next wall that is covered, in millimetres.
    """
    (x, y), after = corner, placement.outlines.after[corner] == other
    (ax, ay), (bx, by) = (other, beyond) if after else (beyond, other)
    ax, ay, bx, by = ax - x, ay - y, bx - x, by - y
    if ax * bx + ay * by != 0 or ax * by - ay * bx <= 0:
        return False
    _, length = unit(corner, beyond)
    flush = length == depth and placement.is_side(beyond if after else corner)
    return flush or length - depth >= LEAST_PASSAGE


def _attachment(placement: Placement, slot: WallSlot, depth: int) -> Attachment:
    (start, end), offset, width, at_start, at_end = slot
    direction, _ = unit(start, end)
    shape = _rectangle(along(start, direction, offset), direction, width, depth)
    lines: list[Line] = [(start, end)]
    sides = [shape[3], *([] if at_start else shape[:1]), *([] if at_end else shape[2:3])]
    first, last, between = start, end, [shape[0], shape[3], shape[2], shape[1]]
    if at_start:
        first = placement.outlines.before[start]
        lines.append((first, start))
        between = between[1:]
        if first == between[0]:  # flush with what stands there
            first, between = placement.outlines.before[first], between[1:]
    if at_end:
        last = placement.outlines.after[end]
        lines.append((end, last))
        between = between[:-1]
        if last == between[-1]:
            last, between = placement.outlines.after[last], between[:-1]
    return Attachment(shape, lines, first, last, between, sides)
