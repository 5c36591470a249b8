"""A plan: a floorplan in whole millimetres, as a family draws it, before lights, spawns and options."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

Point = tuple[int, int]
"""A point: x and y in millimetres."""

MILLIMETRES_PER_METRE = 1000
"""The number of millimetres in a metre."""

LATTICE_STEP = 50
"""The step of the lattice that most plans are drawn on, in millimetres: a lattice unit."""


class PlannedRoom(NamedTuple):
    """A room by its kind and its corners, anticlockwise, in millimetres."""

    kind: str
    outline: Sequence[Point]


class Plan(NamedTuple):
    """A floorplan: free space, the rooms in it and the doors between them. The origin may be anywhere."""

    rings: Sequence[Sequence[Point]]
    """The walls: the outlines of the free space, which lies to the left of each: one outer ring, anticlockwise, and a
    clockwise ring around each hole. No corner is there twice, and none lies on a straight line between its neighbours.
    """
    rooms: Sequence[PlannedRoom]
    """The rooms. They don't overlap, and lie in the free space but for what stands in them (columns, furniture)."""
    doors: Sequence[tuple[Point, Point]] = ()
    """The openings between two rooms each, from jamb to jamb."""
    symmetry: str = 'none'
    """The symmetry of the walls about the origin, of `symmetry.SYMMETRIES`, for spawns and lights to have it too, so
    that a map is fair to all who start in it. Only plans of one room have any.
    """
