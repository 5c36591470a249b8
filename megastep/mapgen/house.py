"""A house: rooms around a corridor or a hub, walls with thickness, doors."""

from __future__ import annotations

from types import MappingProxyType
from typing import NamedTuple

import networkx as nx

from megastep.geometry import Geometry
from megastep.mapgen.assembly import Space, assemble
from megastep.mapgen.closets import carve, hosts
from megastep.mapgen.doors import connect, place, walls_between
from megastep.mapgen.family import Family, Parameter
from megastep.mapgen.kinds import assign
from megastep.mapgen.lattice import PER_METRE, Rect, Stretch, clear, floor, opening, subtract, units
from megastep.mapgen.partition import allot, cut, opened
from megastep.mapgen.shafts import corner_shaft
from megastep.mapgen.skeleton import SHALLOW, around_corridor, around_hub, notched
from megastep.mapgen.words import Words

Pair = tuple[int, int]

LEAST = 6 * PER_METRE // 5
"""Rooms are at least this wide, but for corridors and closets."""

LIVING, ORDINARY, SERVICE = (
    (least * PER_METRE**2 // 2, most * PER_METRE**2 // 2) for least, most in ((22, 42), (12, 25), (5, 8))
)
"""How large rooms are drawn, with their walls, before they are fitted to their house. In the annotations of
art-programmer/FloorplanTransformation half of the living rooms have 16 to 23 m², half of the bedrooms and kitchens
5 to 14 m², and nine tenths of the bathrooms 1.5 to 5 m²."""

HUB_ROOMS = (6, 12)
"""From how many to how many rooms besides the hub a house may have one."""


class Plan(NamedTuple):
    """A house's rooms as tiles: the circulation, then those cut from the land, then closets."""

    rooms: list[tuple[Rect, ...]]
    hosts: list[int]
    """Which room each closet is in."""
    hub: bool
    """Whether the circulation is a hub rather than a corridor."""


def build(
    words: Words,
    *,
    rooms: Pair,
    closets: Pair,
    loops: Pair,
    notches: Pair,
    corridor: tuple[float, float],
    wall: tuple[float, float],
    wide: float,
    shafts: float,
) -> Geometry:
    """Makes a house. See `FAMILY` for what the parameters mean."""
    sizes = words.fork('sizes')
    thickness = sizes.between(*map(units, wall))
    width = sizes.between(*map(units, corridor)) + thickness
    count, cupboards, corners, extra = (sizes.between(*pair) for pair in (rooms, closets, notches, loops))
    plan = _plan(words.fork('plan'), count, min(cupboards, count // 4), corners, width, thickness)
    plan = plan._replace(rooms=_turned(words.fork('turn'), plan.rooms))

    adjacency = _adjacency(plan, thickness)
    areas = [sum(rect.area for rect in floor(tiles, thickness)) for tiles in plan.rooms]
    kinds = assign(words.fork('kinds'), adjacency, areas, closets=len(plan.hosts), hub=plan.hub)
    doors = _doors(words.fork('doors'), adjacency, kinds, extra, round(100 * wide))
    floors = _floors(words.fork('shafts'), plan, [opening(door, thickness) for door in doors], thickness, shafts)
    spaces = [Space(kind, rects) for kind, rects in zip(kinds, floors, strict=True)]
    return assemble(spaces, words, doors=doors, wall=thickness)


def _plan(words: Words, count: int, closets: int, notches: int, corridor: int, wall: int) -> Plan:
    """Draws the rooms. Where one has no place for all the closets, the next has one less and one more room."""
    for fewer in range(closets + 1):
        wanted = closets - fewer
        plan = _with_closets(words, _cut(words, count - 1 - wanted, notches, corridor, wall), wanted, wall)
        if len(plan.hosts) == wanted:
            break
    return plan


def _cut(words: Words, count: int, notches: int, corridor: int, wall: int) -> Plan:
    """Draws the circulation, and cuts the land around it into rooms."""
    open_plan = words.chance(1, 2)
    targets, least = _targets(words, count + open_plan), LEAST + wall
    area = sum(targets) * 17 // 16
    hub = HUB_ROOMS[0] <= count <= HUB_ROOMS[1] and area >= (3 * SHALLOW) ** 2 and words.chance(1, 4)
    if hub:
        skeleton = around_hub(words, area=area)
    else:
        skeleton = around_corridor(words, area=area, rooms=count, corridor=corridor, least=least)
    for _ in range(min(notches, count - len(skeleton.lands) - len(skeleton.caps))):
        skeleton = notched(words, skeleton)
    shares = allot(targets[: len(targets) - len(skeleton.caps)], skeleton.lands, least)
    cuts = [
        cut(words, land, share, least=least, near=skeleton.circulation)
        for land, share in zip(skeleton.lands, shares, strict=True)
    ]
    tiles = [tile for land in cuts for tile in land]
    rooms = opened(tiles, wall) if open_plan else [(tile,) for tile in tiles]
    return Plan([skeleton.circulation, *((cap,) for cap in skeleton.caps), *rooms], [], hub)


def _targets(words: Words, count: int) -> list[int]:
    """How large rooms should be, with their walls, in square lattice units; the largest first."""
    service = max(1, count * words.between(5, 7) // 16)
    kinds = [LIVING] + service * [SERVICE] + (count - 1 - service) * [ORDINARY]
    areas = [words.between(*kind) for kind in kinds]
    return sorted(areas, reverse=True)


def _with_closets(words: Words, plan: Plan, count: int, wall: int) -> Plan:
    """Carves closets out of rooms drawn at random, as many as are wanted or as there is a place for."""
    rooms, found = list(plan.rooms), []
    carved: list[tuple[Rect, ...]] = []
    for host in words.shuffled(hosts(rooms[1:], wall)):
        if len(carved) == count:
            break
        if result := carve(words, rooms, host + 1, wall):
            rooms[host + 1], closet = result
            found.append(host + 1)
            carved.append((closet,))
    return plan._replace(rooms=rooms + carved, hosts=found)


def _turned(words: Words, rooms: list[tuple[Rect, ...]]) -> list[tuple[Rect, ...]]:
    """Mirrors the house and swaps its axes at random: one of the square's eight symmetries."""
    mirrored, swapped = words.chance(1, 2), words.chance(1, 2)
    upside_down = words.chance(1, 2)
    return [tuple(_turn(tile, mirrored, upside_down, swapped) for tile in tiles) for tiles in rooms]


def _turn(tile: Rect, mirrored: bool, upside_down: bool, swapped: bool) -> Rect:
    left, right = (-tile.right, -tile.left) if mirrored else (tile.left, tile.right)
    bottom, top = (-tile.top, -tile.bottom) if upside_down else (tile.bottom, tile.top)
    return Rect(bottom, left, top, right) if swapped else Rect(left, bottom, right, top)


def _adjacency(plan: Plan, wall: int) -> nx.Graph:
    """Which rooms share a wall that a door fits in; a closet only counts what it shares with its host."""
    graph = walls_between(plan.rooms, wall)
    first = len(plan.rooms) - len(plan.hosts)
    for closet, host in enumerate(plan.hosts, first):
        graph.remove_edges_from([(closet, other) for other in list(graph[closet]) if other != host])
    return graph


def _doors(words: Words, adjacency: nx.Graph, kinds: list[str], loops: int, wide: int) -> list[Stretch]:
    pairs = connect(words, adjacency, kinds, loops=loops)
    return [place(words, adjacency.edges[i, j]['stretch'], (kinds[i], kinds[j]), wide=wide) for i, j in pairs]


def _floors(words: Words, plan: Plan, gaps: list[Rect], wall: int, shafts: float) -> list[tuple[Rect, ...]]:
    """What is clear of each room, with shafts in the corners of some."""
    floors = [tuple(floor(tiles, wall)) for tiles in plan.rooms]
    for i, tiles in enumerate(plan.rooms):
        if i > 0 and len(tiles) == 1 and words.chance(round(100 * shafts), 100):
            shaft = corner_shaft(words, clear(tiles[0], wall), gaps)
            floors[i] = tuple(subtract(floors[i][0], shaft)) if shaft else floors[i]
    return floors


FAMILY = Family(
    name='house',
    version=1,
    about='A house: rooms of many sizes around a corridor or a hub.',
    parameters=MappingProxyType(
        {
            'rooms': Parameter((8, 16), 4, 32, '', 'How many rooms, counting corridors and closets.'),
            'closets': Parameter((0, 3), 0, 8, '', 'How many of them are built-in closets, at most a quarter.'),
            'loops': Parameter((0, 2), 0, 8, '', 'How many doors more than it takes to reach every room.'),
            'notches': Parameter((0, 2), 0, 2, '', "How many corners are taken off the house's outline."),
            'corridor': Parameter((1.0, 1.3), 1.0, 2.5, 'm', 'How wide corridors are.'),
            'wall': Parameter((0.1, 0.15), 0.1, 0.3, 'm', 'How thick walls are.'),
            'wide': Parameter(0.5, 0.0, 1.0, '', 'The share of wide doors, where they fit and suit.'),
            'shafts': Parameter(0.3, 0.0, 1.0, '', 'The share of rectangular rooms with a solid corner.'),
        }
    ),
    build=build,
)
