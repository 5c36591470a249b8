"""Rooms of random sizes, each beside the next: in a chain or branching, with short cuts."""

from __future__ import annotations

from types import MappingProxyType

from megastep.mapgen.families import rooms_grid
from megastep.mapgen.family import Choice, Family, Parameter
from megastep.mapgen.geometry.extent import check_extent
from megastep.mapgen.geometry.lattice import Rect, Stretch, clear, shared, units
from megastep.mapgen.layout.assembly import Space, assemble
from megastep.mapgen.layout.doors import LEAST_DOOR_WALL, place_door
from megastep.mapgen.parameters import FloatRange, IntRange
from megastep.mapgen.plan import Plan
from megastep.mapgen.rng import Rng

LAYOUTS = MappingProxyType({'chain': rooms_grid.chain, 'tree': rooms_grid.tree})
"""The functions that say which slots are taken and joined, by name."""


def build(
    rng: Rng,
    *,
    rooms: IntRange,
    size: FloatRange,
    wall: FloatRange,
    layout: str,
    loops: IntRange,
    spare: float,
    wide: float,
) -> Plan:
    """The plan of rooms in some of a coarse grid's slots. `FAMILY` says what the parameters mean.

    Raises:
        ValueError: if the largest map that may be drawn is too large.
    """
    least, most = map(units, size)
    across = max(max(shape) for count in range(rooms[0], rooms[1] + 1) for shape in _shapes(count, spare))
    check_extent('rooms', 'the places that rooms are put in', (across + 1) * ((least + most) // 2 + units(wall[1])))

    sizes = rng.fork('sizes')
    thickness, count, extra = sizes.between(*map(units, wall)), sizes.between(*rooms), sizes.between(*loops)
    join = LAYOUTS[sizes.pick(sorted(LAYOUTS)) if layout == 'any' else layout]
    edges = join(rng.fork('layout'), sizes.pick(_shapes(count, spare)), count)
    edges += rooms_grid.loops(rng.fork('loops'), edges, extra)
    core = (LEAST_DOOR_WALL + thickness + 1) // 2
    tiles = rooms_grid.tiles(rng.fork('tiles'), edges, least + thickness, most + thickness, core)
    doors = _doors(rng.fork('doors'), [(tiles[one], tiles[other]) for one, other in edges], thickness, wide)
    return assemble([Space('room', (clear(tile, thickness),)) for tile in tiles.values()], doors=doors, wall=thickness)


def _shapes(count: int, spare: float) -> list[rooms_grid.Slot]:
    """The shapes of grids that so many rooms may be drawn in."""
    return rooms_grid.shapes(count * (100 + round(100 * spare)) // 100)


def _doors(rng: Rng, pairs: list[tuple[Rect, Rect]], wall: int, wide: float) -> list[Stretch]:
    stretches = [stretch for one, other in pairs if (stretch := shared(one, other, wall))]
    return [place_door(rng, stretch, ('room', 'room'), wide=round(100 * wide)) for stretch in stretches]


FAMILY = Family(
    name='rooms',
    version=1,
    about='Rectangular rooms of random sizes, each beside the next, in a chain or branching.',
    parameters=MappingProxyType(
        {
            'rooms': Parameter((4, 12), 2, 64, '', 'The number of rooms.'),
            'size': Parameter((2.0, 6.0), 1.5, 12.0, 'm', 'The length and the width of each.'),
            'wall': Parameter((0.1, 0.2), 0.05, 0.4, 'm', 'The thickness of walls.'),
            'layout': Choice(
                'any', ('any', *sorted(LAYOUTS)), 'The layout: rooms in a chain, or branching like a tree.'
            ),
            'loops': Parameter(
                (0, 2), 0, 16, '', 'The number of doors more than it takes, if as many rooms lie side by side.'
            ),
            'spare': Parameter(
                0.5, 0.0, 2.0, '', 'The number of places for rooms that stay empty, for each that has one.'
            ),
            'wide': Parameter(0.2, 0.0, 1.0, '', 'The share of wide doors, where they fit.'),
        }
    ),
    build=build,
)
