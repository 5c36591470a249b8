"""From clear floor on the lattice to a plan in millimetres."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from megastep.mapgen.geometry.lattice import Point, Rect, Stretch, opening, rings
from megastep.mapgen.plan import FINE, Plan, PlannedRoom


class Space(NamedTuple):
    """A room: what it is for, and the rectangles its clear floor is made of."""

    kind: str
    floor: tuple[Rect, ...]


def assemble(spaces: Sequence[Space], *, doors: Sequence[Stretch] = (), wall: int = 0) -> Plan:
    """Makes a plan of rooms, and of the doors that join them through the walls.

    Args:
        spaces: The rooms, in lattice units. They don't overlap.
        doors: The stretches of wall to take out.
        wall: How thick the walls are, in lattice units.

    Raises:
        ValueError: if the free space touches itself at a corner.
    """
    floors = [space.floor for space in spaces]
    outlines = rings([*(rect for floor in floors for rect in floor), *(opening(door, wall) for door in doors)])
    return Plan(
        rings=[_scaled(ring) for ring in outlines],
        rooms=[PlannedRoom(space.kind, _scaled(_outline(space.floor))) for space in spaces],
        doors=[_centre_line(door, wall) for door in doors],
    )


def _scaled(corners: Sequence[Point]) -> list[Point]:
    return [(FINE * x, FINE * y) for x, y in corners]


def _outline(floor: tuple[Rect, ...]) -> list[Point]:
    """A room's outer corners."""
    if len(floor) > 1:
        return rings(floor)[0]
    left, bottom, right, top = floor[0]
    return [(left, bottom), (right, bottom), (right, top), (left, top)]


def _centre_line(door: Stretch, wall: int) -> tuple[Point, Point]:
    """From jamb to jamb, along the middle of the wall."""
    middle, low, high = FINE * door.at + FINE * wall // 2, FINE * door.low, FINE * door.high
    return ((middle, low), (middle, high)) if door.upright else ((low, middle), (high, middle))
