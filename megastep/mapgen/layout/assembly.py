"""Assembly of a plan in millimetres from the clear floors of rooms on the lattice."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from megastep.mapgen.geometry.lattice import LatticePoint, Rect, Stretch, in_millimetres, opening, rings
from megastep.mapgen.plan import LATTICE_STEP, Plan, PlannedRoom, Point


class Space(NamedTuple):
    """A room by its kind and the rectangles that its clear floor is made of, in lattice units."""

    kind: str
    floor: tuple[Rect, ...]


def assemble(spaces: Sequence[Space], *, doors: Sequence[Stretch] = (), wall: int = 0) -> Plan:
    """The plan of some rooms, and of the doors that join them through the walls.

    Args:
        spaces: The rooms, in lattice units. They don't overlap.
        doors: The stretches of wall to take out.
        wall: The thickness of the walls, in lattice units.

    Raises:
        ValueError: if the free space touches itself at a corner.
    """
    floors = [space.floor for space in spaces]
    outlines = rings([*(rect for floor in floors for rect in floor), *(opening(door, wall) for door in doors)])
    return Plan(
        rings=[in_millimetres(ring) for ring in outlines],
        rooms=[PlannedRoom(space.kind, in_millimetres(_outline(space.floor))) for space in spaces],
        doors=[_centre_line(door, wall) for door in doors],
    )


def _outline(floor: tuple[Rect, ...]) -> list[LatticePoint]:
    """The outer ring of a room."""
    if len(floor) > 1:
        return rings(floor)[0]
    left, bottom, right, top = floor[0]
    return [(left, bottom), (right, bottom), (right, top), (left, top)]


def _centre_line(door: Stretch, wall: int) -> tuple[Point, Point]:
    """The centre line of a door: from jamb to jamb, along the middle of the wall, in millimetres."""
    middle, low, high = (
        LATTICE_STEP * door.at + LATTICE_STEP * wall // 2,
        LATTICE_STEP * door.low,
        LATTICE_STEP * door.high,
    )
    return ((middle, low), (middle, high)) if door.upright else ((low, middle), (high, middle))
