"""A storey of an apartment block: flats around a landing or along corridors, with stairs."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from types import MappingProxyType
from typing import NamedTuple

from megastep.mapgen.family import Choice, Family, Parameter
from megastep.mapgen.geometry.lattice import PER_METRE, Rect, Stretch, opening, subtract, units
from megastep.mapgen.geometry.symmetry import SquareSymmetry, draw_square_symmetry
from megastep.mapgen.layout import dwelling
from megastep.mapgen.layout.assembly import Space, assemble
from megastep.mapgen.layout.corridor_lots import allot, capacity, fitted, sliced
from megastep.mapgen.layout.drafting import Draft, Link, linked, nearest, space
from megastep.mapgen.layout.flats import Lot, draw_flat, narrowest
from megastep.mapgen.layout.footprint import Band, Wings, footprint
from megastep.mapgen.layout.room_kinds import assign
from megastep.mapgen.layout.skeleton import SHALLOW
from megastep.mapgen.plan import Plan
from megastep.mapgen.rng import Rng

FEWEST = {'tower': 2, 'bar': 2, 'ell': 5, 'tee': 5, 'zed': 8, 'cup': 8, 'cross': 8, 'ring': 12, 'aitch': 14}
"""How many flats each shape of building has at least."""

TOWER = 4
"""A tower has at most so many flats."""

PLOT = 80 * PER_METRE
"""Buildings are no longer and no wider where they can help it."""

STAIRS = (13 * PER_METRE // 5, 3 * PER_METRE)
"""How wide a staircase is, with its wall."""

FLIGHT = (18 * PER_METRE // 5, 21 * PER_METRE // 5)
"""How long one is in a tower, and"""

LOBBY = 6 * PER_METRE
"""elsewhere, if behind it there is space for a storage room; if not, it is as deep as the flats."""

STORE = 2 * PER_METRE
"""How deep a storage room is at least, with its wall."""

SERVED = 8
"""A staircase is for at most so many flats."""

Pair = tuple[int, int]
Range = tuple[float, float]


class Home(NamedTuple):
    """What a flat is to be: how large its rooms are with their walls, whether two are one, how many closets it has."""

    sizes: list[int]
    open_plan: bool
    closets: int


class Block(NamedTuple):
    """Where everything is in a building: what is common to all, with its doors, and the lots of flats."""

    commons: list[Draft]
    links: list[Link]
    lots: list[Lot]


class Measures(NamedTuple):
    """Lengths that hold for a whole building, in lattice units, with a wall each but for the wall's own."""

    wall: int
    landing: int
    hall: int
    depth: int


class Habits(NamedTuple):
    """What furnishing flats takes: see `FAMILY`."""

    loops: Pair
    wide: int
    shafts: int


def build(
    rng: Rng,
    *,
    flats: Pair,
    shape: str,
    rooms: Pair,
    closets: Pair,
    loops: Pair,
    depth: Range,
    landing: Range,
    hall: Range,
    wall: Range,
    wide: float,
    shafts: float,
) -> Plan:
    """Makes a storey of an apartment block. See `FAMILY` for what the parameters mean.

    Raises:
        ValueError: if there may be fewer or more flats than a building of the shape asked for has.
    """
    _check_flats(shape, flats)
    sizes = rng.fork('sizes')
    thickness = sizes.between(*map(units, wall))
    others = [sizes.between(*map(units, pair)) + thickness for pair in (landing, hall, depth)]
    measures = Measures(thickness, *others)
    homes = [_home(rng.fork(f'home {i}'), rooms, closets) for i in range(sizes.between(*flats))]
    tower = shape == 'tower' or (shape == 'any' and len(homes) <= TOWER and sizes.chance(1, 2))
    draw = _tower if tower else _winged
    block = draw(rng.fork('block'), homes, shape, measures)
    symmetry = draw_square_symmetry(rng.fork('turn'))
    block = block._replace(
        commons=[Draft(room.kind, [symmetry(tile) for tile in room.tiles]) for room in block.commons]
    )
    spaces = [space(draft, thickness) for draft in block.commons]
    doors = linked(rng.fork('doors'), block.commons, block.links, thickness)
    habits = Habits(loops, round(100 * wide), round(100 * shafts))
    for i, (lot, home) in enumerate(zip(block.lots, homes, strict=True)):
        flat, inside = _flat(rng.fork(f'flat {i}'), lot, home, block.commons, symmetry, measures, habits)
        spaces += flat
        doors += inside
    return assemble(spaces, doors=doors, wall=thickness)


def _check_flats(shape: str, flats: Pair) -> None:
    if shape == 'any':
        return
    if flats[0] < FEWEST[shape]:
        raise ValueError(f'apartments: flats must be at least {FEWEST[shape]} for the shape {shape!r}, got {flats}.')
    if shape == 'tower' and flats[1] > TOWER:
        raise ValueError(f'apartments: flats must be at most {TOWER} for the shape {shape!r}, got {flats}.')


def _home(rng: Rng, rooms: Pair, closets: Pair) -> Home:
    count, open_plan = rng.between(*rooms), rng.chance(1, 2)
    cupboards = min(rng.between(*closets), count // 4, count - 4)
    return Home(dwelling.room_sizes(rng, count - 1 - cupboards + open_plan), open_plan, cupboards)


def _width(home: Home, measures: Measures) -> int:
    """How wide a flat should be: its rooms and half a corridor, over its depth."""
    area = sum(home.sizes) * 17 // 16 + measures.hall * measures.depth // 2
    return max(area // measures.depth, narrowest(measures.hall))


def _tower(rng: Rng, homes: Sequence[Home], shape: str, measures: Measures) -> Block:
    """Draws flats like the vanes of a pinwheel around a landing, of which stairs take one corner."""
    arm = max(measures.landing, measures.hall)
    width, flight = rng.between(*STAIRS), rng.between(*FLIGHT)
    right, top = (length + arm + rng.below(PER_METRE) for length in (width, flight))
    stairs = Rect(0, top - flight, width, top)
    landing = Draft('landing', subtract(Rect(0, 0, right, top), stairs))
    sides = sorted(rng.shuffled(range(4))[: len(homes)])
    lots = []
    for side, home in zip(sides, homes, strict=True):
        length, deep = max(_width(home, measures), max(right, top) + SHALLOW), measures.depth
        lots.append(
            (
                Lot(Band(Rect(right - length, -deep, right, 0), 'top'), length - right, length),
                Lot(Band(Rect(right, top - length, right + deep, top), 'left'), length - flight, length),
                Lot(Band(Rect(0, top, length, top + deep), 'bottom'), width, right),
                Lot(Band(Rect(-deep, 0, 0, length), 'right'), 0, top - flight),
            )[side]
        )
    return Block([landing, Draft('stairs', [stairs])], [Link(0, 1)], lots)


def _winged(rng: Rng, homes: Sequence[Home], shape: str, measures: Measures) -> Block:
    """Draws flats along corridors, and a staircase between some."""
    least, stair = narrowest(measures.hall), rng.between(*STAIRS)
    widths = [_width(home, measures) for home in homes]
    flights = 1 + (len(homes) - 1) // SERVED

    def enough(wings: Wings, quarters: int = 4) -> bool:
        lengths = _lengths(wings, stair, flights)
        fits = min(lengths) >= least and capacity(lengths, least) >= len(homes)
        return fits and 4 * sum(lengths) >= quarters * sum(widths)

    wings = footprint(
        rng,
        enough,
        partial(enough, quarters=5),
        shapes=[name for name in FEWEST if name != 'tower'] if shape == 'any' else [shape],
        depth=measures.depth,
        corridor=measures.landing,
        most=len(homes),
        plot=PLOT,
    )
    lengths = _lengths(wings, stair, flights)
    places: list[Lot | None] = [None] * len(homes)
    staircases: list[Band] = []
    for band, free, share in zip(wings.bands, lengths, allot(widths, lengths, least), strict=True):
        row = rng.shuffled([*share, *[None] * ((band.length - free) // stair)])
        leasts = [stair if home is None else least for home in row]
        wished = [stair if home is None else widths[home] for home in row]
        for home, part in zip(row, sliced(band, fitted(wished, band.length, leasts)), strict=True):
            if home is None:
                staircases.append(part)
            else:
                places[home] = Lot(part, 0, part.length)
    commons, links = _commons(wings.corridors, staircases, measures.wall)
    return Block(commons, links, [lot for lot in places if lot])


def _lengths(wings: Wings, stair: int, flights: int) -> list[int]:
    """How much of each band is for flats: the longest have staircases."""
    lengths = [band.length for band in wings.bands]
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
        deep = LOBBY if part.depth >= LOBBY + STORE else part.depth
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
    home: Home,
    commons: Sequence[Draft],
    symmetry: SquareSymmetry,
    measures: Measures,
    habits: Habits,
) -> tuple[list[Space], list[Stretch]]:
    """Draws a flat; gives its rooms and its doors, the entrance among them."""
    wall = measures.wall
    tiling = draw_flat(
        rng.fork('plan'),
        lot,
        home.sizes,
        open_plan=home.open_plan,
        closets=home.closets,
        hall=measures.hall,
        wall=wall,
    )
    tiling = tiling._replace(rooms=[tuple(symmetry(tile) for tile in tiles) for tiles in tiling.rooms])
    graph = dwelling.adjacency(tiling, wall)
    closets = len(tiling.hosts)
    kinds = assign(rng.fork('kinds'), graph, dwelling.areas(tiling, wall), closets=closets, hub=False)
    doors = dwelling.inner_doors(rng.fork('doors'), graph, kinds, rng.between(*habits.loops), habits.wide)
    doors.append(_entrance(rng.fork('entrance'), tiling.rooms[0][0], commons, wall))
    gaps = [opening(door, wall) for door in doors]
    floors = dwelling.floors(rng.fork('shafts'), tiling, gaps, wall, habits.shafts)
    return [Space(kind, rects) for kind, rects in zip(kinds, floors, strict=True)], doors


def _entrance(rng: Rng, front: Rect, commons: Sequence[Draft], wall: int) -> Stretch:
    """A flat's front door, from the first part of its corridor to a landing."""
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
            'flats': Parameter((3, 8), 2, 24, '', 'How many flats.'),
            'shape': Choice('any', ('any', *FEWEST), 'How its wings lie; a tower has a landing in the middle.'),
            'rooms': Parameter(
                (5, 9), 4, 12, '', 'How many rooms a flat has, closets and all; fewer where space is short.'
            ),
            'closets': Parameter((0, 2), 0, 3, '', "How many of a flat's rooms are closets, at most a quarter."),
            'loops': Parameter((0, 1), 0, 4, '', 'How many doors more than it takes to reach every room of a flat.'),
            'depth': Parameter((7.5, 9.5), 6.5, 12.0, 'm', 'How deep flats are, from the landing to the facade.'),
            'landing': Parameter((1.5, 2.2), 1.2, 4.0, 'm', 'How wide landings and corridors are.'),
            'hall': Parameter((1.0, 1.3), 1.0, 2.0, 'm', "How wide a flat's corridor is."),
            'wall': Parameter((0.1, 0.2), 0.1, 0.3, 'm', 'How thick walls are.'),
            'wide': Parameter(0.4, 0.0, 1.0, '', 'The share of wide doors in flats, where they fit and suit.'),
            'shafts': Parameter(0.3, 0.0, 1.0, '', 'The share of rectangular rooms with a solid corner.'),
        }
    ),
    build=build,
)
