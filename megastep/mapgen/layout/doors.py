"""Doors: a spanning tree of the rooms and a few loops, and the place of each door in its wall."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import networkx as nx

from megastep.mapgen.geometry.lattice import Rect, Stretch, shared, units
from megastep.mapgen.layout.room_kinds import DEAD_END_KINDS
from megastep.mapgen.rng import Rng

JAMB = units(0.1)
"""The least distance of a door from the corners of both rooms, in lattice units."""

NARROW_DOOR_RANGE = (units(0.75), units(0.9))
WIDE_DOOR_RANGE = (units(1.55), units(1.75))
"""The ranges of the widths of most doors, in lattice units: they are narrow or wide."""

NARROW_DOOR_WIDTHS = (15, 15, 15, 15, 16, 16, 17, 18, 20, 22)
WIDE_DOOR_WIDTHS = (31, 32, 32, 33, 34, 36, 38, 42, 46, 54)
"""The widths of doors, in lattice units: each is as likely as the others. Of 10,037 openings inside 1,365 real
apartments a quarter are narrower than 0.75 m, a half than 0.86 m and three quarters than 1.62 m: two humps (annotations
of art-programmer/FloorplanTransformation)."""

LEAST_DOOR_WALL = NARROW_DOOR_RANGE[0] + 2 * JAMB
"""The least length of a shared wall that has a door, in lattice units."""

CIRCULATION_KINDS = frozenset({'corridor', 'hall'})
SOCIAL_KINDS = frozenset({'living_room', 'kitchen', 'dining_room'})
"""The kinds of rooms that people walk through, and those that they meet in: their doors suit best."""

NARROW_DOOR_KINDS = frozenset({'bathroom', 'restroom'})
"""The kinds of rooms that have no wide doors."""

DEAD_END_WEIGHT = 3
"""The least weight of a door to a dead end, and more than that of any other door."""


def walls_between(rooms: Sequence[tuple[Rect, ...]], wall: int) -> nx.Graph:
    """The adjacency graph of rooms: an edge for each two that share a wall that a door fits in, with the longest such
    ``stretch``.

    Args:
        rooms: The tiles of each room.
        wall: The thickness of the walls, in lattice units.
    """
    graph = nx.Graph()
    graph.add_nodes_from(range(len(rooms)))
    for i, j in combinations(range(len(rooms)), 2):
        stretches = [found for one in rooms[i] for other in rooms[j] if (found := shared(one, other, wall))]
        longest = max(stretches, key=lambda stretch: stretch.length, default=None)
        if longest and longest.length >= LEAST_DOOR_WALL:
            graph.add_edge(i, j, stretch=longest)
    return graph


def connect_rooms(rng: Rng, adjacency: nx.Graph, room_kinds: Sequence[str], *, loops: int) -> list[tuple[int, int]]:
    """The minimum spanning tree of the rooms with random weights, so that each can be reached, and a few loops.

    Doors that suit their rooms weigh less; of those that suit as well, chance decides. A door to a dead end weighs the
    most and there is none from one to another, so that each dead end has one door and nobody walks through it, but for
    closets, which open onto the room they are in whatever its kind.

    Args:
        rng: The random number generator, drawn from once a wall.
        adjacency: An edge for each two rooms that share a wall. Those that are no dead ends are connected, and each
            dead end touches one.
        room_kinds: The kind of each room.
        loops: The number of doors to add to the tree, if there are as many that suit.

    Returns:
        Pairs of rooms, in order.
    """
    weights = nx.Graph()
    for i, j in sorted((min(edge), max(edge)) for edge in adjacency.edges):
        if 'closet' in (room_kinds[i], room_kinds[j]) or not {room_kinds[i], room_kinds[j]} <= DEAD_END_KINDS:
            rank = _rank(room_kinds[i], room_kinds[j]) << 64 | rng.below(1 << 32) << 32 | i << 16 | j
            weights.add_edge(i, j, weight=rank)
    tree = nx.minimum_spanning_tree(weights)
    others = [(rank, i, j) for i, j, rank in weights.edges(data='weight') if not tree.has_edge(i, j)]
    suitable = sorted(other for other in others if other[0] < DEAD_END_WEIGHT << 64)
    doors = [*tree.edges, *((i, j) for _, i, j in suitable[:loops])]
    return sorted((min(door), max(door)) for door in doors)


def _rank(one: str, other: str) -> int:
    """The rank of a door by how well it suits the rooms it joins: 0 is best."""
    kinds = {one, other}
    if kinds & DEAD_END_KINDS:
        return (
            DEAD_END_WEIGHT
            if kinds & CIRCULATION_KINDS
            else DEAD_END_WEIGHT + 1
            if not kinds & SOCIAL_KINDS
            else DEAD_END_WEIGHT + 2
        )
    if kinds & CIRCULATION_KINDS or kinds <= SOCIAL_KINDS:
        return 0
    return 1 if 'living_room' in kinds else 2


def place_door(rng: Rng, stretch: Stretch, room_kinds: tuple[str, str], *, wide: int) -> Stretch:
    """A door of a random width at a random place in a wall: often close to a corner, as most are.

    Args:
        rng: The random number generator.
        stretch: The wall, at least `LEAST_DOOR_WALL` long.
        room_kinds: The kinds of the rooms that it joins.
        wide: The chance in a hundred that it is wide, where that fits and suits.
    """
    room = stretch.length - 2 * JAMB
    opens_wide = rng.chance(wide, 100) and room > NARROW_DOOR_RANGE[1] and not NARROW_DOOR_KINDS & {*room_kinds}
    width = min(rng.pick(WIDE_DOOR_WIDTHS if opens_wide else NARROW_DOOR_WIDTHS), room)
    spare = room - width
    shift = rng.pick((min(spare, JAMB), max(0, spare - JAMB), rng.below(spare + 1), spare // 2))
    low = stretch.low + JAMB + shift
    return stretch._replace(low=low, high=low + width)
