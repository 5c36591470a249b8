"""Which rooms open onto which, and where."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import networkx as nx

from megastep.mapgen.geometry.lattice import PER_METRE, Rect, Stretch, shared
from megastep.mapgen.layout.room_kinds import DEAD_ENDS
from megastep.mapgen.rng import Rng

JAMB = PER_METRE // 10
"""A door is at least this far from the corners of both rooms."""

NARROW = (3 * PER_METRE // 4, 9 * PER_METRE // 10)
WIDE = (31 * PER_METRE // 20, 7 * PER_METRE // 4)
"""Most doors are as wide as the one or the other."""

NARROWS = (15, 15, 15, 15, 16, 16, 17, 18, 20, 22)
WIDES = (31, 32, 32, 33, 34, 36, 38, 42, 46, 54)
"""How wide doors are, in lattice units: each width is as likely as the others. Of 10,037 openings inside 1,365 real
apartments a quarter are narrower than 0.75 m, a half than 0.86 m and three quarters than 1.62 m: two humps (annotations
of art-programmer/FloorplanTransformation)."""

NEED = NARROW[0] + 2 * JAMB
"""How long a shared wall must be to have a door."""

CIRCULATION = frozenset({'corridor', 'hall'})
SOCIAL = frozenset({'living_room', 'kitchen', 'dining_room'})
MODEST = frozenset({'bathroom', 'restroom'})
"""These have no wide doors."""

DEAD_END = 3
"""The least weight of a door to a dead end, and more than that of any other."""


def walls_between(rooms: Sequence[tuple[Rect, ...]], wall: int) -> nx.Graph:
    """Which rooms share a wall that a door fits in: an edge each, with the longest such ``stretch``.

    Args:
        rooms: Each room's tiles.
        wall: How thick the walls are, in lattice units.
    """
    graph = nx.Graph()
    graph.add_nodes_from(range(len(rooms)))
    for i, j in combinations(range(len(rooms)), 2):
        stretches = [found for one in rooms[i] for other in rooms[j] if (found := shared(one, other, wall))]
        longest = max(stretches, key=lambda stretch: stretch.length, default=None)
        if longest and longest.length >= NEED:
            graph.add_edge(i, j, stretch=longest)
    return graph


def connect(rng: Rng, adjacency: nx.Graph, kinds: Sequence[str], *, loops: int) -> list[tuple[int, int]]:
    """Picks which walls get doors: a minimum spanning tree, so that every room can be reached, and a few loops.

    Doors that suit their rooms weigh less; of those that suit as well, words decide. A door to a dead end weighs the
    most and there is none from one to another, so that each dead end has one door and nobody walks through it, but for
    closets, which open onto the room they are in whatever it is for.

    Args:
        rng: Drawn from once a wall.
        adjacency: Which rooms share a wall. Those that are no dead ends are connected, and each dead end touches one.
        kinds: What each room is for.
        loops: How many doors to add to the tree, if there are as many that suit.

    Returns:
        Pairs of rooms, in order.
    """
    weights = nx.Graph()
    for i, j in sorted((min(edge), max(edge)) for edge in adjacency.edges):
        if 'closet' in (kinds[i], kinds[j]) or not {kinds[i], kinds[j]} <= DEAD_ENDS:
            rank = _rank(kinds[i], kinds[j]) << 64 | rng.below(1 << 32) << 32 | i << 16 | j
            weights.add_edge(i, j, weight=rank)
    tree = nx.minimum_spanning_tree(weights)
    others = [(rank, i, j) for i, j, rank in weights.edges(data='weight') if not tree.has_edge(i, j)]
    suitable = sorted(other for other in others if other[0] < DEAD_END << 64)
    doors = [*tree.edges, *((i, j) for _, i, j in suitable[:loops])]
    return sorted((min(door), max(door)) for door in doors)


def _rank(one: str, other: str) -> int:
    """How well a door suits the rooms it joins: 0 is best."""
    kinds = {one, other}
    if kinds & DEAD_ENDS:
        return DEAD_END if kinds & CIRCULATION else DEAD_END + 1 if not kinds & SOCIAL else DEAD_END + 2
    if kinds & CIRCULATION or kinds <= SOCIAL:
        return 0
    return 1 if 'living_room' in kinds else 2


def place(rng: Rng, stretch: Stretch, kinds: tuple[str, str], *, wide: int) -> Stretch:
    """Says where in a wall a door is, and how wide it is: often close to a corner, as most are.

    Args:
        rng: Drawn from.
        stretch: The wall, at least `NEED` long.
        kinds: What the rooms are for that it joins.
        wide: The chance in a hundred that it is wide, where that fits and suits.
    """
    room = stretch.length - 2 * JAMB
    opens_wide = rng.chance(wide, 100) and room > NARROW[1] and not MODEST & {*kinds}
    width = min(rng.pick(WIDES if opens_wide else NARROWS), room)
    spare = room - width
    shift = rng.pick((min(spare, JAMB), max(0, spare - JAMB), rng.below(spare + 1), spare // 2))
    low = stretch.low + JAMB + shift
    return stretch._replace(low=low, high=low + width)
