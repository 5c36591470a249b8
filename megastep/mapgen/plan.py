"""A floorplan in whole millimetres: what a family draws, before lights, spawns and options."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

Point = tuple[int, int]
"""x and y in millimetres."""

MILLIMETRES = 1000
"""To a metre."""

FINE = 50
"""Millimetres to a lattice unit."""


class PlannedRoom(NamedTuple):
    """A room: what it is for, and its corners, anticlockwise, in millimetres."""

    kind: str
    outline: Sequence[Point]


class Plan(NamedTuple):
    """Free space, the rooms in it and the doors between them, in whole millimetres. The origin may be anywhere."""

    rings: Sequence[Sequence[Point]]
    """The walls: the outlines of the free space, which lies to the left of each: one outer ring, anticlockwise, and a
    clockwise ring around each hole. No corner is there twice, and none lies on a straight line between its neighbours.
    """
    rooms: Sequence[PlannedRoom]
    """They don't overlap, and lie in the free space but for what stands in them (columns, furniture)."""
    doors: Sequence[tuple[Point, Point]] = ()
    """Each opening between two rooms, from jamb to jamb."""
    symmetry: str = 'none'
    """Which of `orbits.SYMMETRIES` the walls have about the origin, for spawns and lights to have it too, so that a map
    is fair to all who start in it. Only plans of one room have any.
    """
