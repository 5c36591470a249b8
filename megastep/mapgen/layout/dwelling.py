"""What a house and a flat have in common: the sizes of rooms, closets, doors, shafts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import networkx as nx

from megastep.mapgen.geometry.lattice import PER_METRE, Rect, Stretch, clear, floor, subtract
from megastep.mapgen.layout.closets import carve, hosts
from megastep.mapgen.layout.doors import connect, place, walls_between
from megastep.mapgen.layout.solids import corner_shaft
from megastep.mapgen.rng import Rng

LEAST = 6 * PER_METRE // 5
"""Rooms are at least this wide, but for corridors and closets."""

LIVING, ORDINARY, SERVICE = (
    (least * PER_METRE**2 // 2, most * PER_METRE**2 // 2) for least, most in ((22, 42), (12, 25), (5, 8))
)
"""How large rooms are drawn, with their walls, before they are fitted to their home. In the annotations of
art-programmer/FloorplanTransformation half of the living rooms have 16 to 23 m², half of the bedrooms and kitchens
5 to 14 m², and nine tenths of the bathrooms 1.5 to 5 m²."""


class Tiling(NamedTuple):
    """A home's rooms as tiles: the circulation, then those cut from the land, then closets."""

    rooms: list[tuple[Rect, ...]]
    hosts: list[int]
    """Which room each closet is in."""
    hub: bool
    """Whether the circulation is a hub rather than a corridor."""


def room_sizes(rng: Rng, count: int) -> list[int]:
    """Draws how large a home's rooms should be, with their walls, in square lattice units; the largest first."""
    service = max(1, count * rng.between(5, 7) // 16)
    kinds = [LIVING] + service * [SERVICE] + (count - 1 - service) * [ORDINARY]
    areas = [rng.between(*kind) for kind in kinds]
    return sorted(areas, reverse=True)


def with_closets(rng: Rng, tiling: Tiling, count: int, wall: int) -> Tiling:
    """Carves closets out of rooms drawn at random, as many as are wanted or as there is a place for.

    Hubs may have one, as rooms do; corridors have none.
    """
    rooms, found = list(tiling.rooms), []
    carved: list[tuple[Rect, ...]] = []
    first = 0 if tiling.hub else 1
    for host in rng.shuffled(hosts(rooms[first:], wall)):
        if len(carved) == count:
            break
        if result := carve(rng, rooms, host + first, wall):
            rooms[host + first], closet = result
            found.append(host + first)
            carved.append((closet,))
    return tiling._replace(rooms=rooms + carved, hosts=found)


def adjacency(tiling: Tiling, wall: int) -> nx.Graph:
    """Which rooms share a wall that a door fits in; a closet only counts what it shares with its host."""
    graph = walls_between(tiling.rooms, wall)
    first = len(tiling.rooms) - len(tiling.hosts)
    for closet, host in enumerate(tiling.hosts, first):
        graph.remove_edges_from([(closet, other) for other in list(graph[closet]) if other != host])
    return graph


def areas(tiling: Tiling, wall: int) -> list[int]:
    """Each room's clear area, in square lattice units."""
    return [sum(rect.area for rect in floor(tiles, wall)) for tiles in tiling.rooms]


def inner_doors(rng: Rng, graph: nx.Graph, kinds: Sequence[str], loops: int, wide: int) -> list[Stretch]:
    """The doors between a home's rooms: enough to reach each, and ``loops`` more if there are as many that suit."""
    pairs = connect(rng, graph, kinds, loops=loops)
    return [place(rng, graph.edges[i, j]['stretch'], (kinds[i], kinds[j]), wide=wide) for i, j in pairs]


def floors(rng: Rng, tiling: Tiling, gaps: Sequence[Rect], wall: int, shafts: int) -> list[tuple[Rect, ...]]:
    """What is clear of each room, with shafts in the corners of some: of ``shafts`` in a hundred, where they fit."""
    found = [tuple(floor(tiles, wall)) for tiles in tiling.rooms]
    for i, tiles in enumerate(tiling.rooms):
        if i > 0 and len(tiles) == 1 and rng.chance(shafts, 100):
            shaft = corner_shaft(rng, clear(tiles[0], wall), gaps)
            found[i] = tuple(subtract(found[i][0], shaft)) if shaft else found[i]
    return found
