"""A house: rooms around a living room, a hub or a corridor, walls with thickness, doors."""

from __future__ import annotations

from types import MappingProxyType
from typing import NamedTuple

from megastep.mapgen.family import Family, Parameter
from megastep.mapgen.geometry.lattice import PER_METRE, Rect, opening, units
from megastep.mapgen.geometry.symmetry import draw_square_symmetry
from megastep.mapgen.layout import dwelling
from megastep.mapgen.layout.assembly import Space, assemble
from megastep.mapgen.layout.dwelling import Tiling
from megastep.mapgen.layout.partition import allot, can_open, capacity, cut, opened, widened
from megastep.mapgen.layout.room_kinds import assign
from megastep.mapgen.layout.skeleton import STRIP, Skeleton, around_corridor, around_hub, notched
from megastep.mapgen.plan import Plan
from megastep.mapgen.rng import Rng

Pair = tuple[int, int]

LEAST = 19 * PER_METRE // 20
"""Rooms are at least this wide, but for corridors and closets."""

LIVING, ORDINARY, SERVICE = (
    (least * PER_METRE**2 // 4, most * PER_METRE**2 // 4) for least, most in ((42, 66), (20, 37), (4, 8))
)
"""How large rooms are drawn, with their walls, before they are fitted to their house: what gives houses and their rooms
the areas of 1,365 real floors and theirs. Half of the real rooms have less than 2.6 m², walls included up to the middle
(annotations of art-programmer/FloorplanTransformation)."""

HUB_ROOMS = (5, 12)
"""From how many rooms besides it the living room may be a hub, and up to how many it may lie between them at all."""

LOUNGE = (13 * PER_METRE // 5, 39 * PER_METRE // 10)
"""How wide a living room is that runs through the house as a corridor would."""


class Measures(NamedTuple):
    """What is drawn before any room, in lattice units."""

    notches: int
    """How many corners to take off the outline, if there are as many that can go."""
    corridor: int
    """How wide a corridor's tiles are."""
    wall: int


def build(
    rng: Rng,
    *,
    rooms: Pair,
    closets: Pair,
    loops: Pair,
    notches: Pair,
    corridor: tuple[float, float],
    wall: tuple[float, float],
    wide: float,
    shafts: float,
) -> Plan:
    """Makes a house. See `FAMILY` for what the parameters mean."""
    sizes = rng.fork('sizes')
    thickness = sizes.between(*map(units, wall))
    width = sizes.between(*map(units, corridor)) + thickness
    count, cupboards, corners, extra = (sizes.between(*pair) for pair in (rooms, closets, notches, loops))
    measures = Measures(corners, width, thickness)
    tiling = _with_closets(rng.fork('plan'), count, min(cupboards, count // 3), measures)
    symmetry = draw_square_symmetry(rng.fork('turn'))
    tiling = tiling._replace(rooms=[tuple(symmetry(tile) for tile in tiles) for tiles in tiling.rooms])

    graph, areas = dwelling.adjacency(tiling, thickness), dwelling.areas(tiling, thickness)
    kinds = assign(rng.fork('kinds'), graph, areas, closets=len(tiling.hosts), hub=tiling.hub)
    doors = dwelling.inner_doors(rng.fork('doors'), graph, kinds, extra, round(100 * wide))
    gaps = [opening(door, thickness) for door in doors]
    floors = dwelling.floors(rng.fork('shafts'), tiling, gaps, thickness, round(100 * shafts))
    spaces = [Space(kind, rects) for kind, rects in zip(kinds, floors, strict=True)]
    return assemble(spaces, doors=doors, wall=thickness)


def _with_closets(rng: Rng, count: int, closets: int, measures: Measures) -> Tiling:
    """Draws the rooms. Where one has no place for all the closets, the next has one less and one more room."""
    for wanted in range(closets, -1, -1):
        tiling = _home(rng, count - 1 - wanted, measures)
        tiling = dwelling.with_closets(rng, tiling, wanted, measures.wall)
        if len(tiling.hosts) == wanted:
            break
    return tiling


def _home(rng: Rng, rooms: int, measures: Measures) -> Tiling:
    """Draws the circulation and the rooms around it, and takes out walls where that makes rooms wider.

    Where there is no such wall, another house is drawn in which none is taken out.
    """
    hub = rooms <= HUB_ROOMS[1] and rng.chance(7, 8)
    alcove, merged = hub and rng.chance(2, 3), rng.chance(1, 4)
    skeleton, tiles = _tiles(rng, rooms, alcove + merged, hub, measures)
    nook = widened(skeleton.circulation[0], tiles, measures.wall) if alcove else None
    rest = [tile for tile in tiles if tile != nook]
    if (alcove and not nook) or (merged and not can_open(rest, measures.wall)):
        skeleton, rest = _tiles(rng, rooms, 0, hub, measures)
        nook, merged = None, False
    circulation = (*skeleton.circulation, nook) if nook else skeleton.circulation
    others = opened(rest, measures.wall) if merged else [(tile,) for tile in rest]
    return Tiling([circulation, *((cap,) for cap in skeleton.caps), *others], [], hub)


def _tiles(rng: Rng, rooms: int, spare: int, hub: bool, measures: Measures) -> tuple[Skeleton, list[Rect]]:
    """Draws the circulation, and cuts the land around it into tiles: with the caps one a room, and some to spare.

    Where the land has no place for them all, the house is drawn anew, a quarter larger.
    """
    sizes, least = _sizes(rng, rooms, spare, living=not hub), LEAST + measures.wall
    area = sum(sizes) * 17 // 16
    skeleton = _skeleton(rng, area, rooms, hub, measures)
    while sum(capacity(land, least) for land in skeleton.lands) < len(sizes) - len(skeleton.caps):
        area = area * 5 // 4
        skeleton = _skeleton(rng, area, rooms, hub, measures)
    shares = allot(sizes[: len(sizes) - len(skeleton.caps)], skeleton.lands, least)
    cuts = [
        cut(rng, land, share, least=least, near=skeleton.circulation)
        for land, share in zip(skeleton.lands, shares, strict=True)
    ]
    return skeleton, [tile for land in cuts for tile in land]


def _sizes(rng: Rng, rooms: int, spare: int, *, living: bool) -> list[int]:
    """How large rooms should be, with their walls, in square lattice units; the largest first."""
    service = max(1, rooms * rng.between(10, 13) // 16)
    kinds = living * [LIVING] + service * [SERVICE] + (rooms + spare - living - service) * [ORDINARY]
    return sorted((rng.between(*kind) for kind in kinds), reverse=True)


def _skeleton(rng: Rng, area: int, rooms: int, hub: bool, measures: Measures) -> Skeleton:
    """Draws a house around a hub, a long living room or a corridor, and takes off some of its corners."""
    if hub and rooms >= HUB_ROOMS[0] and area >= (3 * STRIP) ** 2 and rng.chance(1, 2):
        skeleton = around_hub(rng, area=area)
    else:
        breadth, least = rng.between(*LOUNGE) if hub else measures.corridor, LEAST + measures.wall
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
            'rooms': Parameter((4, 14), 4, 32, '', 'How many rooms, counting corridors and closets.'),
            'closets': Parameter((1, 6), 0, 8, '', 'How many of them are built-in closets, at most a third.'),
            'loops': Parameter(
                (0, 3), 0, 8, '', 'How many doors more than it takes to reach every room, if so many suit.'
            ),
            'notches': Parameter((0, 2), 0, 2, '', "How many corners are taken off the house's outline."),
            'corridor': Parameter((1.0, 1.3), 1.0, 2.5, 'm', 'How wide corridors are.'),
            'wall': Parameter((0.1, 0.15), 0.1, 0.3, 'm', 'How thick walls are.'),
            'wide': Parameter(0.9, 0.0, 1.0, '', 'The share of wide doors, where they fit and suit.'),
            'shafts': Parameter(0.8, 0.0, 1.0, '', 'The share of rectangular rooms with a solid corner.'),
        }
    ),
    build=build,
)
