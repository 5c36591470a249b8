"""A storey of an apartment block: flats around a landing or along corridors, with stairs."""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType
from typing import NamedTuple

from megastep.mapgen.family import Choice, Family, Parameter
from megastep.mapgen.geometry.lattice import Rect, Stretch, opening, subtract, units
from megastep.mapgen.geometry.symmetry import SquareSymmetry, draw_square_symmetry
from megastep.mapgen.layout import dwelling
from megastep.mapgen.layout.assembly import Space, assemble
from megastep.mapgen.layout.corridor_lots import allot_lots, fitted, lot_capacity, sliced
from megastep.mapgen.layout.drafting import Draft, Link, clear_space, linked, nearest, transformed_drafts
from megastep.mapgen.layout.flats import LEAST_FLAT_LAND, Lot, draw_flat, narrowest, room_sizes
from megastep.mapgen.layout.footprint import Band, Footprint, draw_footprint
from megastep.mapgen.layout.room_kinds import assign_room_kinds
from megastep.mapgen.parameters import FloatRange, IntRange
from megastep.mapgen.plan import Plan
from megastep.mapgen.rng import Rng

FEWEST_FLATS = {'tower': 2, 'bar': 2, 'ell': 5, 'tee': 5, 'zed': 8, 'cup': 8, 'cross': 8, 'ring': 12, 'aitch': 14}
"""The least number of flats of each shape of building."""

MOST_TOWER_FLATS = 4
"""The greatest number of flats of a tower."""

APARTMENTS_PLOT_SIDE = units(80)
"""The greatest length and width of a block where that can be had, in lattice units."""

STAIR_WIDTHS = (units(2.6), units(3))
"""The range of the width of a staircase, with its wall, in lattice units."""

TOWER_STAIR_LENGTHS = (units(3.6), units(4.2))
"""The range of the length of a staircase in a tower, in lattice units."""

STAIR_LENGTH = units(6)
"""The length of a staircase elsewhere, if there is space for a storage room behind it; if not, it is as deep as the
flats. In lattice units."""

LEAST_STORAGE_DEPTH = units(2)
"""The least depth of a storage room, with its wall, in lattice units."""

FLATS_PER_STAIRCASE = 8
"""The greatest number of flats to a staircase."""


class Programme(NamedTuple):
    """The programme of a flat: what is to be in it."""

    sizes: list[int]
    """The areas of its rooms, with their walls, in square lattice units."""
    open_plan: bool
    """True if two of these are to be one room."""
    closets: int
    """The number of its closets."""


class Block(NamedTuple):
    """The layout of a building: what is common to all, with its doors, and the lots of flats."""

    commons: list[Draft]
    links: list[Link]
    lots: list[Lot]


class BlockMeasures(NamedTuple):
    """Lengths that hold for a whole building, in lattice units, with a wall each but for the wall's own."""

    wall: int
    landing: int
    hall: int
    depth: int


class FlatParameters(NamedTuple):
    """The parameters of the inside of flats, the last two in hundredths: see `FAMILY`."""

    loops: IntRange
    wide: int
    shafts: int


def build(
    rng: Rng,
    *,
    flats: IntRange,
    shape: str,
    rooms: IntRange,
    closets: IntRange,
    loops: IntRange,
    depth: FloatRange,
    landing: FloatRange,
    hall: FloatRange,
    wall: FloatRange,
    wide: float,
    shafts: float,
) -> Plan:
    """The plan of a storey of an apartment block. `FAMILY` says what the parameters mean.

    Raises:
        ValueError: if there may be fewer or more flats than a building of the shape asked for has.
    """
    _check_flats(shape, flats)
    sizes = rng.fork('sizes')
    thickness = sizes.between(*map(units, wall))
    measures = BlockMeasures(
        thickness, *(sizes.between(*map(units, pair)) + thickness for pair in (landing, hall, depth))
    )
    programmes = [_programme(rng.fork(f'home {i}'), rooms, closets) for i in range(sizes.between(*flats))]
    tower = shape == 'tower' or (shape == 'any' and len(programmes) <= MOST_TOWER_FLATS and sizes.chance(1, 2))
    draw = _tower if tower else _winged
    block = draw(rng.fork('block'), programmes, shape, measures)
    symmetry = draw_square_symmetry(rng.fork('turn'))
    block = block._replace(commons=transformed_drafts(block.commons, symmetry))
    spaces = [clear_space(draft, thickness) for draft in block.commons]
    doors = linked(rng.fork('doors'), block.commons, block.links, thickness)
    inside_parameters = FlatParameters(loops, round(100 * wide), round(100 * shafts))
    for i, (lot, programme) in enumerate(zip(block.lots, programmes, strict=True)):
        flat, inner_doors = _flat(
            rng.fork(f'flat {i}'), lot, programme, block.commons, symmetry, measures, inside_parameters
        )
        spaces += flat
        doors += inner_doors
    return assemble(spaces, doors=doors, wall=thickness)


def _check_flats(shape: str, flats: IntRange) -> None:
    if shape == 'any':
        return
    if flats[0] < FEWEST_FLATS[shape]:
        raise ValueError(
            f'apartments: flats must be at least {FEWEST_FLATS[shape]} for the shape {shape!r}, got {flats}.'
        )
    if shape == 'tower' and flats[1] > MOST_TOWER_FLATS:
        raise ValueError(f'apartments: flats must be at most {MOST_TOWER_FLATS} for the shape {shape!r}, got {flats}.')


def _programme(rng: Rng, rooms: IntRange, closets: IntRange) -> Programme:
    count, open_plan = rng.between(*rooms), rng.chance(1, 2)
    cupboards = min(rng.between(*closets), count // 4, count - 4)
    return Programme(room_sizes(rng, count - 1 - cupboards + open_plan), open_plan, cupboards)


def _width(programme: Programme, measures: BlockMeasures) -> int:
    """The width that a flat should have: its rooms and half a corridor, over its depth."""
    area = sum(programme.sizes) * 17 // 16 + measures.hall * measures.depth // 2
    return max(area // measures.depth, narrowest(measures.hall))


def _tower(rng: Rng, programmes: Sequence[Programme], shape: str, measures: BlockMeasures) -> Block:
    """A random tower: flats like the vanes of a pinwheel around a landing, of which stairs take one corner."""
    arm = max(measures.landing, measures.hall)
    width, flight = rng.between(*STAIR_WIDTHS), rng.between(*TOWER_STAIR_LENGTHS)
    right, top = (length + arm + rng.below(units(1)) for length in (width, flight))
    stairs = Rect(0, top - flight, width, top)
    landing = Draft('landing', subtract(Rect(0, 0, right, top), stairs))
    sides = sorted(rng.shuffled(range(4))[: len(programmes)])
    lots = []
    for side, programme in zip(sides, programmes, strict=True):
        length, deep = max(_width(programme, measures), max(right, top) + LEAST_FLAT_LAND), measures.depth
        lots.append(
            (
                Lot(Band(Rect(right - length, -deep, right, 0), 'top'), length - right, length),
                Lot(Band(Rect(right, top - length, right + deep, top), 'left'), length - flight, length),
                Lot(Band(Rect(0, top, length, top + deep), 'bottom'), width, right),
                Lot(Band(Rect(-deep, 0, 0, length), 'right'), 0, top - flight),
            )[side]
        )
    return Block([landing, Draft('stairs', [stairs])], [Link(0, 1)], lots)


def _winged(rng: Rng, programmes: Sequence[Programme], shape: str, measures: BlockMeasures) -> Block:
    """A random block with wings: flats along corridors, and a staircase between some."""
    least, stair = narrowest(measures.hall), rng.between(*STAIR_WIDTHS)
    widths = [_width(programme, measures) for programme in programmes]
    flights = 1 + (len(programmes) - 1) // FLATS_PER_STAIRCASE
    footprint = _footprint(rng, shape, widths, least, stair, flights, measures)
    lengths = _lengths(footprint, stair, flights)
    places: list[Lot | None] = [None] * len(programmes)
    staircases: list[Band] = []
    for band, free, share in zip(footprint.bands, lengths, allot_lots(widths, lengths, least), strict=True):
        row = rng.shuffled([*share, *[None] * ((band.length - free) // stair)])
        leasts = [stair if flat is None else least for flat in row]
        wished = [stair if flat is None else widths[flat] for flat in row]
        for flat, part in zip(row, sliced(band, fitted(wished, band.length, leasts)), strict=True):
            if flat is None:
                staircases.append(part)
            else:
                places[flat] = Lot(part, 0, part.length)
    commons, links = _commons(footprint.corridors, staircases, measures.wall)
    return Block(commons, links, [lot for lot in places if lot])


def _footprint(
    rng: Rng, shape: str, widths: Sequence[int], least: int, stair: int, flights: int, measures: BlockMeasures
) -> Footprint:
    """The footprint of a random building with land for flats of these widths, and for so many staircases."""

    def enough(footprint: Footprint, quarters: int) -> bool:
        lengths = _lengths(footprint, stair, flights)
        fits = min(lengths) >= least and lot_capacity(lengths, least) >= len(widths)
        return fits and 4 * sum(lengths) >= quarters * sum(widths)

    return draw_footprint(
        rng,
        enough,
        shapes=[name for name in FEWEST_FLATS if name != 'tower'] if shape == 'any' else [shape],
        depth=measures.depth,
        corridor=measures.landing,
        most=len(widths),
        plot=APARTMENTS_PLOT_SIDE,
    )


def _lengths(footprint: Footprint, stair: int, flights: int) -> list[int]:
    """The length of each band that is for flats: the longest have staircases."""
    lengths = [band.length for band in footprint.bands]
    for _ in range(flights):
        lengths[lengths.index(max(lengths))] -= stair
    return lengths


def _commons(
    corridors: Sequence[Sequence[Rect]], staircases: Sequence[Band], wall: int
) -> tuple[list[Draft], list[Link]]:
    """The landings, the stairs and what is behind them; and the doors between them."""
    commons = [Draft('landing', tiles) for tiles in corridors]
    links = [Link(0, 1, open=True)] if len(corridors) == 2 else []
    for part in staircases:
        deep = STAIR_LENGTH if part.depth >= STAIR_LENGTH + LEAST_STORAGE_DEPTH else part.depth
        stairs = Draft('stairs', [part.part(Rect(0, 0, part.length, deep))])
        links.append(Link(nearest(commons[: len(corridors)], stairs, wall), len(commons)))
        commons.append(stairs)
        if deep < part.depth:
            links.append(Link(len(commons) - 1, len(commons)))
            commons.append(Draft('storage', [part.part(Rect(0, deep, part.length, part.depth))]))
    return commons, links


def _flat(
    rng: Rng,
    lot: Lot,
    programme: Programme,
    commons: Sequence[Draft],
    symmetry: SquareSymmetry,
    measures: BlockMeasures,
    inside_parameters: FlatParameters,
) -> tuple[list[Space], list[Stretch]]:
    """The rooms of a random flat, and its doors, the entrance among them."""
    wall = measures.wall
    tiling = draw_flat(
        rng.fork('plan'),
        lot,
        programme.sizes,
        open_plan=programme.open_plan,
        closets=programme.closets,
        hall=measures.hall,
        wall=wall,
    )
    tiling = tiling.transformed(symmetry)
    graph = dwelling.adjacency(tiling, wall)
    closets = len(tiling.hosts)
    room_kinds = assign_room_kinds(rng.fork('kinds'), graph, dwelling.areas(tiling, wall), closets=closets, hub=False)
    doors = dwelling.inner_doors(
        rng.fork('doors'), graph, room_kinds, rng.between(*inside_parameters.loops), inside_parameters.wide
    )
    doors.append(_entrance(rng.fork('entrance'), tiling.rooms[0][0], commons, wall))
    openings = [opening(door, wall) for door in doors]
    floors = dwelling.floors(rng.fork('shafts'), tiling, openings, wall, inside_parameters.shafts)
    return [Space(kind, rects) for kind, rects in zip(room_kinds, floors, strict=True)], doors


def _entrance(rng: Rng, front: Rect, commons: Sequence[Draft], wall: int) -> Stretch:
    """The front door of a flat, from the first part of its corridor to a landing."""
    landings = [room for room in commons if room.kind == 'landing']
    flat = Draft('corridor', [front])
    (door,) = linked(rng, [*landings, flat], [Link(nearest(landings, flat, wall), len(landings))], wall)
    return door


FAMILY = Family(
    name='apartments',
    version=1,
    about='A storey of an apartment block: flats of several rooms around a landing or along corridors.',
    parameters=MappingProxyType(
        {
            'flats': Parameter((3, 8), 2, 24, '', 'The number of flats.'),
            'shape': Choice(
                'any', ('any', *FEWEST_FLATS), 'The shape of its footprint; a tower has a landing in the middle.'
            ),
            'rooms': Parameter(
                (5, 9), 4, 12, '', 'The number of rooms of a flat, closets and all; fewer where space is short.'
            ),
            'closets': Parameter((0, 2), 0, 3, '', "The number of a flat's rooms that are closets, at most a quarter."),
            'loops': Parameter(
                (0, 1), 0, 4, '', 'The number of doors more than it takes to reach every room of a flat.'
            ),
            'depth': Parameter((7.5, 9.5), 6.5, 12.0, 'm', 'The depth of flats, from the landing to the facade.'),
            'landing': Parameter((1.5, 2.2), 1.2, 4.0, 'm', 'The width of landings and corridors.'),
            'hall': Parameter((1.0, 1.3), 1.0, 2.0, 'm', "The width of a flat's corridor."),
            'wall': Parameter((0.1, 0.2), 0.1, 0.3, 'm', 'The thickness of walls.'),
            'wide': Parameter(0.4, 0.0, 1.0, '', 'The share of wide doors in flats, where they fit and suit.'),
            'shafts': Parameter(0.3, 0.0, 1.0, '', 'The share of rectangular rooms with a solid corner.'),
        }
    ),
    build=build,
)
