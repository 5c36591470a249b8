"""The tiling of a dwelling, house or flat: its closets, doors and shafts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import networkx as nx

from megastep.mapgen.geometry.lattice import Rect, Stretch, clear, floor, subtract
from megastep.mapgen.geometry.symmetry import SquareSymmetry
from megastep.mapgen.layout.closets import carve_closet, hosts
from megastep.mapgen.layout.doors import connect_rooms, place_door, walls_between
from megastep.mapgen.layout.solids import corner_shaft
from megastep.mapgen.rng import Rng


class Tiling(NamedTuple):
    """The rooms of a dwelling as tiles: the circulation, then those cut from the land, then closets."""

    rooms: list[tuple[Rect, ...]]
    hosts: list[int]
    """The room that each closet is in."""
    hub: bool
    """True if the circulation is a hub rather than a corridor."""

    def transformed(self, symmetry: SquareSymmetry) -> Tiling:
        """The image under a symmetry of the square."""
        return self._replace(rooms=[tuple(symmetry(tile) for tile in tiles) for tiles in self.rooms])


def with_closets(rng: Rng, tiling: Tiling, count: int, wall: int) -> Tiling:
    """The tiling with closets carved out of random rooms, as many as are wanted or as there is a place for.

    Hubs may have one, as rooms do; corridors have none.
    """
    rooms, found = list(tiling.rooms), []
    carved: list[tuple[Rect, ...]] = []
    first = 0 if tiling.hub else 1
    for host in rng.shuffled(hosts(rooms[first:], wall)):
        if len(carved) == count:
            break
        if result := carve_closet(rng, rooms, host + first, wall):
            rooms[host + first], closet = result
            found.append(host + first)
            carved.append((closet,))
    return tiling._replace(rooms=rooms + carved, hosts=found)


def adjacency(tiling: Tiling, wall: int) -> nx.Graph:
    """The adjacency graph of rooms, by walls that a door fits in; of closets only those to their hosts count."""
    graph = walls_between(tiling.rooms, wall)
    first = len(tiling.rooms) - len(tiling.hosts)
    for closet, host in enumerate(tiling.hosts, first):
        graph.remove_edges_from([(closet, other) for other in list(graph[closet]) if other != host])
    return graph


def areas(tiling: Tiling, wall: int) -> list[int]:
    """The clear area of each room, in square lattice units."""
    return [sum(rect.area for rect in floor(tiles, wall)) for tiles in tiling.rooms]


def inner_doors(rng: Rng, graph: nx.Graph, room_kinds: Sequence[str], loops: int, wide: int) -> list[Stretch]:
    """The doors between a dwelling's rooms: enough to reach each, and ``loops`` more if there are as many that suit."""
    pairs = connect_rooms(rng, graph, room_kinds, loops=loops)
    return [place_door(rng, graph.edges[i, j]['stretch'], (room_kinds[i], room_kinds[j]), wide=wide) for i, j in pairs]


def floors(rng: Rng, tiling: Tiling, openings: Sequence[Rect], wall: int, shafts: int) -> list[tuple[Rect, ...]]:
    """The clear floor of each room, with shafts in the corners of some: of ``shafts`` in a hundred, where they fit."""
    found = [tuple(floor(tiles, wall)) for tiles in tiling.rooms]
    for i, tiles in enumerate(tiling.rooms):
        if i > 0 and len(tiles) == 1 and rng.chance(shafts, 100):
            shaft = corner_shaft(rng, clear(tiles[0], wall), openings)
            found[i] = tuple(subtract(found[i][0], shaft)) if shaft else found[i]
    return found
