"""Hand-made hold-outs: twenty maps of the kinds that agents are traditionally tested in, drawn for megastep.

They are labyrinths, mazes, corridors, halls with one way through, and buildings of four and of sixteen rooms. The
layouts are ours, though the kinds are those of MiniGrid, of animal psychology and of work on generalisation. Walls are
on the generator's lattice of 5 cm, lights and spawns are placed as in generated maps, and so are the certificates.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import numpy as np
from scipy import ndimage

from megastep.evaluation.standard.drawings import PASSAGES
from megastep.mapgen.finishing.certificate import certify
from megastep.mapgen.finishing.finish import finish
from megastep.mapgen.geometry.lattice import Rect, Stretch, in_millimetres, trace
from megastep.mapgen.layout.assembly import Space, assemble
from megastep.mapgen.plan import Plan, PlannedRoom
from megastep.mapgen.rng import Rng
from megastep.maps.geometry import Geometry
from megastep.maps.mapset import MapSet

VERSION = 1
"""The version of the hold-outs: another has other maps."""

CELL, WALL = 20, 4
"""The width of a cell of a drawing, and the thickness of a wall, in lattice units of 5 cm."""

DOOR = 18
"""The width of a door between rooms, in lattice units."""

Join = tuple[tuple[int, int], str]
"""A door of a room, by its column and row from the lower left: to the room on its right or to the one above it."""

FOUR_ROOMS: Sequence[Join] = (((0, 0), 'right'), ((0, 0), 'above'), ((1, 0), 'above'), ((0, 1), 'right'))

SIXTEEN_ROOMS: Sequence[Join] = tuple(
    [((i, j), 'right') for j in range(4) for i in range(3)] + [((i, j), 'above') for i in range(4) for j in range(3)]
)

SIXTEEN_ROOMS_TREE: Sequence[Join] = (
    ((0, 0), 'right'), ((1, 0), 'above'), ((1, 1), 'right'), ((2, 1), 'right'), ((3, 0), 'above'),
    ((2, 0), 'right'), ((0, 1), 'right'), ((0, 1), 'above'), ((0, 2), 'above'), ((0, 3), 'right'),
    ((1, 2), 'above'), ((1, 2), 'right'), ((2, 2), 'above'), ((2, 3), 'right'), ((3, 2), 'above'),
)  # fmt: skip

ROOMS: Mapping[str, tuple[int, int, Sequence[Join]]] = MappingProxyType(
    {
        'four rooms': (2, 90, FOUR_ROOMS),
        'sixteen rooms': (4, 48, SIXTEEN_ROOMS),
        'sixteen rooms, one way': (4, 48, SIXTEEN_ROOMS_TREE),
    }
)
"""Buildings of square rooms by name: how many rooms along each side, how wide one is in lattice units, and doors."""


def holdouts() -> MapSet:
    """Hand-made hold-outs: twenty maps, whose recipe's ``names`` say what they are.

    They are the same on every machine.
    """
    plans = {name: passages(drawing) for name, drawing in PASSAGES.items()}
    plans |= {name: building(*sizes) for name, sizes in ROOMS.items()}
    recipe = {'family': 'hold-outs', 'version': VERSION, 'seed': None, 'parameters': {}, 'names': list(plans)}
    return MapSet([_finished(name, plan) for name, plan in plans.items()], recipe=recipe)


def passages(drawing: str, *, cell: int = CELL, wall: int = WALL) -> Plan:
    """The plan of a drawing: cells, walls between them where the drawing is solid, and passages where it isn't.

    Args:
        drawing: Lines of ``#`` and spaces, the uppermost first. Those of even numbers, and so columns, are as thick as
            walls, and those of odd numbers are as wide as cells.
        cell: The width of a cell, in lattice units.
        wall: The thickness of a wall, likewise.

    Raises:
        ValueError: if it encloses nothing, or its free space touches itself at a corner.
    """
    lines = drawing.strip('\n').split('\n')
    width = max(map(len, lines))
    free = np.array([list(line.ljust(width)) for line in reversed(lines)]) == ' '
    free &= ~_outside(free)
    if not free.any():
        raise ValueError(f'drawing must enclose something, got {len(lines)} lines that do not.')
    ys, xs = ([0, *np.cumsum([wall if k % 2 == 0 else cell for k in range(count)]).tolist()] for count in free.shape)
    rings = [in_millimetres(ring) for ring in trace(free.astype(np.int8), xs[1:-1], ys[1:-1])]
    return Plan(rings, [PlannedRoom('maze', rings[0])])


def building(count: int, side: int, doors: Sequence[Join]) -> Plan:
    """The plan of a square building of square rooms, whose doors are off the middle, one way or the other."""
    pitch = side + WALL
    rooms = [
        Space('room', (Rect(i * pitch, j * pitch, i * pitch + side, j * pitch + side),))
        for j in range(count)
        for i in range(count)
    ]
    return assemble(rooms, doors=[_door(i, j, way, side) for (i, j), way in doors], wall=WALL)


def _door(i: int, j: int, way: str, side: int) -> Stretch:
    """The door of the room in column i and row j."""
    upright, pitch = way == 'right', side + WALL
    share = (2, 5, 3, 6)[(i + 2 * j + upright) % 4]  # eighths of where it can be
    low = (j if upright else i) * pitch + (side - DOOR) * share // 8
    return Stretch(upright, (i if upright else j) * pitch + side, low, low + DOOR)


def _outside(free: np.ndarray) -> np.ndarray:
    """True of the squares that hang together with the drawing's edge."""
    padded, edge = np.pad(free, 1, constant_values=True), np.zeros(np.add(free.shape, 2), bool)
    edge[0, 0] = True
    return ndimage.binary_propagation(edge, mask=padded)[1:-1, 1:-1]


def _finished(name: str, plan: Plan) -> Geometry:
    origin = f'hold-outs/{VERSION}/{name}'
    geometry = finish(plan, Rng(origin))
    certify(geometry, origin)
    return geometry
