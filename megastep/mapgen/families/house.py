"""A house: rooms around a living room, a hub or a corridor, walls with thickness, doors."""

from __future__ import annotations

from types import MappingProxyType
from typing import NamedTuple

from megastep.mapgen.family import Family, Parameter
from megastep.mapgen.geometry.lattice import Rect, opening, square_units, units
from megastep.mapgen.geometry.symmetry import draw_square_symmetry
from megastep.mapgen.layout import dwelling
from megastep.mapgen.layout.assembly import Space, assemble
from megastep.mapgen.layout.dwelling import Tiling
from megastep.mapgen.layout.partition import allot_areas, best_alcove, can_merge, cut_land, land_capacity, merged_pair
from megastep.mapgen.layout.room_kinds import assign_room_kinds
from megastep.mapgen.layout.skeleton import LEAST_HOUSE_LAND, Skeleton, around_corridor, around_hub, notched
from megastep.mapgen.parameters import FloatRange, IntRange
from megastep.mapgen.plan import Plan
from megastep.mapgen.rng import Rng

LEAST_HOUSE_ROOM_WIDTH = units(0.95)
"""The least width of a house's rooms, but for corridors and closets, in lattice units."""

HOUSE_LIVING_AREAS = (square_units(10.5), square_units(16.5))
HOUSE_ORDINARY_AREAS = (square_units(5), square_units(9.25))
HOUSE_SERVICE_AREAS = (square_units(1), square_units(2))
"""The ranges of the areas of rooms, with their walls, before they are fitted to their house, in square lattice units:
what gives houses and their rooms the areas of 1,365 real floors and theirs. Half of the real rooms have less than 2.6
m², walls included up to the middle (annotations of art-programmer/FloorplanTransformation)."""

HUB_ROOMS = (5, 12)
"""The least number of rooms besides the living room for it to be a hub, and the greatest for it to lie between them at
all."""

LOUNGE_WIDTHS = (units(2.6), units(3.9))
"""The range of the width of a living room that runs through the house as a corridor would, in lattice units."""


class HouseMeasures(NamedTuple):
    """HouseMeasures that are drawn before any room, in lattice units."""

    notches: int
    """The number of corners to take off the outline, if there are as many that can go."""
    corridor: int
    """The width of a corridor's tiles."""
    wall: int


def build(
    rng: Rng,
    *,
    rooms: IntRange,
    closets: IntRange,
    loops: IntRange,
    notches: IntRange,
    corridor: FloatRange,
    wall: FloatRange,
    wide: float,
    shafts: float,
) -> Plan:
    """The plan of a house. `FAMILY` says what the parameters mean."""
    sizes = rng.fork('sizes')
    thickness = sizes.between(*map(units, wall))
    width = sizes.between(*map(units, corridor)) + thickness
    count, cupboards, corners, extra = (sizes.between(*pair) for pair in (rooms, closets, notches, loops))
    measures = HouseMeasures(corners, width, thickness)
    tiling = _with_closets(rng.fork('plan'), count, min(cupboards, count // 3), measures)
    symmetry = draw_square_symmetry(rng.fork('turn'))
    tiling = tiling.transformed(symmetry)

    graph, areas = dwelling.adjacency(tiling, thickness), dwelling.areas(tiling, thickness)
    room_kinds = assign_room_kinds(rng.fork('kinds'), graph, areas, closets=len(tiling.hosts), hub=tiling.hub)
    doors = dwelling.inner_doors(rng.fork('doors'), graph, room_kinds, extra, round(100 * wide))
    openings = [opening(door, thickness) for door in doors]
    floors = dwelling.floors(rng.fork('shafts'), tiling, openings, thickness, round(100 * shafts))
    spaces = [Space(kind, rects) for kind, rects in zip(room_kinds, floors, strict=True)]
    return assemble(spaces, doors=doors, wall=thickness)


def _with_closets(rng: Rng, count: int, closets: int, measures: HouseMeasures) -> Tiling:
    """Random rooms and closets. Where there is no place for all of these, the next have one less and one more room."""
    for wanted in range(closets, -1, -1):
        tiling = _tiling(rng, count - 1 - wanted, measures)
        tiling = dwelling.with_closets(rng, tiling, wanted, measures.wall)
        if len(tiling.hosts) == wanted:
            break
    return tiling


def _tiling(rng: Rng, rooms: int, measures: HouseMeasures) -> Tiling:
    """A random circulation and the rooms around it, without some walls where that makes rooms wider.

    Where there is no such wall, another house is drawn in which none is taken out.
    """
    hub = rooms <= HUB_ROOMS[1] and rng.chance(7, 8)
    alcove, merged = hub and rng.chance(2, 3), rng.chance(1, 4)
    skeleton, tiles = _tiles(rng, rooms, alcove + merged, hub, measures)
    nook = best_alcove(skeleton.circulation[0], tiles, measures.wall) if alcove else None
    rest = [tile for tile in tiles if tile != nook]
    if (alcove and not nook) or (merged and not can_merge(rest, measures.wall)):
        skeleton, rest = _tiles(rng, rooms, 0, hub, measures)
        nook, merged = None, False
    circulation = (*skeleton.circulation, nook) if nook else skeleton.circulation
    others = merged_pair(rest, measures.wall) if merged else [(tile,) for tile in rest]
    return Tiling([circulation, *((cap,) for cap in skeleton.caps), *others], [], hub)


def _tiles(rng: Rng, rooms: int, spare: int, hub: bool, measures: HouseMeasures) -> tuple[Skeleton, list[Rect]]:
    """A random circulation, and the land around it cut into tiles: with the caps one a room, and some to spare.

    Where the land has no place for them all, the house is drawn anew, a quarter larger.
    """
    sizes, least = _sizes(rng, rooms, spare, living=not hub), LEAST_HOUSE_ROOM_WIDTH + measures.wall
    area = sum(sizes) * 17 // 16
    skeleton = _skeleton(rng, area, rooms, hub, measures)
    while sum(land_capacity(land, least) for land in skeleton.lands) < len(sizes) - len(skeleton.caps):
        area = area * 5 // 4
        skeleton = _skeleton(rng, area, rooms, hub, measures)
    shares = allot_areas(sizes[: len(sizes) - len(skeleton.caps)], skeleton.lands, least)
    cuts = [
        cut_land(rng, land, share, least=least, near=skeleton.circulation)
        for land, share in zip(skeleton.lands, shares, strict=True)
    ]
    return skeleton, [tile for land in cuts for tile in land]


def _sizes(rng: Rng, rooms: int, spare: int, *, living: bool) -> list[int]:
    """The areas that rooms should have, with their walls, in square lattice units; the largest first."""
    service = max(1, rooms * rng.between(10, 13) // 16)
    ranges = (
        living * [HOUSE_LIVING_AREAS]
        + service * [HOUSE_SERVICE_AREAS]
        + (rooms + spare - living - service) * [HOUSE_ORDINARY_AREAS]
    )
    return sorted((rng.between(*each) for each in ranges), reverse=True)


def _skeleton(rng: Rng, area: int, rooms: int, hub: bool, measures: HouseMeasures) -> Skeleton:
    """A random house around a hub, a long living room or a corridor, without some of its corners."""
    if hub and rooms >= HUB_ROOMS[0] and area >= (3 * LEAST_HOUSE_LAND) ** 2 and rng.chance(1, 2):
        skeleton = around_hub(rng, area=area)
    else:
        breadth, least = (
            rng.between(*LOUNGE_WIDTHS) if hub else measures.corridor,
            LEAST_HOUSE_ROOM_WIDTH + measures.wall,
        )
        skeleton = around_corridor(rng, area=area, rooms=rooms, corridor=breadth, least=least, branched=not hub)
    for _ in range(min(measures.notches, rooms - len(skeleton.lands) - len(skeleton.caps))):
        skeleton = notched(rng, skeleton)
    return skeleton


FAMILY = Family(
    name='house',
    version=3,
    about='A house: rooms of many sizes around a living room, a hub or a corridor.',
    parameters=MappingProxyType(
        {
            'rooms': Parameter((4, 14), 4, 32, '', 'The number of rooms, counting corridors and closets.'),
            'closets': Parameter((1, 6), 0, 8, '', 'The number of them that are built-in closets, at most a third.'),
            'loops': Parameter(
                (0, 3), 0, 8, '', 'The number of doors more than it takes to reach every room, if so many suit.'
            ),
            'notches': Parameter((0, 2), 0, 2, '', "The number of corners taken off the house's outline."),
            'corridor': Parameter((1.0, 1.3), 1.0, 2.5, 'm', 'The width of corridors.'),
            'wall': Parameter((0.1, 0.15), 0.1, 0.3, 'm', 'The thickness of walls.'),
            'wide': Parameter(0.9, 0.0, 1.0, '', 'The share of wide doors, where they fit and suit.'),
            'shafts': Parameter(0.8, 0.0, 1.0, '', 'The share of rectangular rooms with a solid corner.'),
        }
    ),
    build=build,
)
