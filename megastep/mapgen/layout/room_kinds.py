"""What each room of a house is for."""

from __future__ import annotations

from collections.abc import Sequence, Set

import networkx as nx

from megastep.mapgen.geometry.lattice import PER_METRE
from megastep.mapgen.rng import Rng

DEAD_ENDS = frozenset({'bathroom', 'restroom', 'washing_room', 'storage', 'closet'})
"""Nobody walks through these to get elsewhere."""

SQUARE_METRE = PER_METRE**2

SMALL = 5 * SQUARE_METRE
"""Rooms of less than this clear area are made dead ends where they can be. Of the real rooms in annotations of
art-programmer/FloorplanTransformation, 95 % of bathrooms, restrooms and washing rooms are smaller than 4.9 m² and 95 %
of bedrooms are larger than 5.3 m²."""

TINY = 5 * SQUARE_METRE // 2
"""Between the medians of the same restrooms, 1.5 m², and bathrooms, 2.9 m²."""

KITCHEN = 9 * SQUARE_METRE
"""The median of the same kitchens. A hub at least this large, or that is the largest room, is the living
room; another is a hall."""


def assign(rng: Rng, adjacency: nx.Graph, areas: Sequence[int], *, closets: int, hub: bool) -> list[str]:
    """Says what each room is for, by its size and by what it touches.

    Args:
        rng: Drawn from.
        adjacency: Which rooms share a wall that a door fits in. Room 0 is the circulation, and the last are closets.
        areas: Each room's clear area, in square lattice units.
        closets: How many of the last rooms are closets.
        hub: Whether the circulation is a hub rather than a corridor.
    """
    rooms = adjacency.subgraph(range(len(areas) - closets))
    kinds = ['closet'] * len(areas)
    kinds[0] = ('living_room' if areas[0] >= min(KITCHEN, max(areas)) else 'hall') if hub else 'corridor'
    dead = dead_ends(rooms, areas)
    for room, kind in zip(dead, _service_kinds(rng, [areas[room] for room in dead]), strict=True):
        kinds[room] = kind
    rest = sorted(set(rooms) - set(dead) - {0}, key=lambda room: (-areas[room], room))
    large = [room for room in rest if areas[room] >= SMALL]
    if not large and kinds[0] != 'living_room':
        large = rest[:1]
    living = _living_kinds(rooms, large, areas, kinds[0])
    for room in rest:
        kinds[room] = living.get(room, 'hall')
    return kinds


def dead_ends(rooms: nx.Graph, areas: Sequence[int]) -> list[int]:
    """Picks small rooms, and one room in any case, such that the others stay connected and each is next to another.

    The largest room is picked only if no other can be.

    Args:
        rooms: Which rooms share a wall that a door fits in; connected. Room 0 is never picked.
        areas: Each room's area.

    Returns:
        The rooms picked, the largest first.
    """
    dead: list[int] = []
    through = set(rooms)
    ordered = sorted(through - {0}, key=lambda room: (areas[room], room))
    for room in ordered:
        if dead and (areas[room] >= SMALL or room == ordered[-1]):
            break
        rest = through - {room}
        if all(not rest.isdisjoint(rooms[other]) for other in [*dead, room]) and _connected(rooms, rest):
            dead.append(room)
            through = rest
    return dead[::-1]


def _connected(graph: nx.Graph, nodes: Set[int]) -> bool:
    """Whether these nodes alone hang together."""
    found, frontier = {0}, [0]
    while frontier:
        new = nodes & set(graph[frontier.pop()]) - found
        found |= new
        frontier += new
    return len(found) == len(nodes)


def _service_kinds(rng: Rng, areas: Sequence[int]) -> list[str]:
    """What dead ends are for, the largest first: a bathroom, then the others in turn."""
    large, tiny = rng.shuffled(('washing_room', 'storage', 'bathroom')), ['restroom', 'storage', 'storage']
    kinds = ['bathroom']
    for area in areas[1:]:
        names = tiny if area < TINY else large
        kinds.append(names[0])
        names.append(names.pop(0))
    return kinds


def _living_kinds(rooms: nx.Graph, large: Sequence[int], areas: Sequence[int], centre: str) -> dict[int, str]:
    """What the rooms that people live in are for; they are given the largest first."""
    kinds = {}
    left = list(large)
    living = 0 if centre == 'living_room' else left[0] if left else 0
    if living:
        kinds[living] = 'living_room'
        left.remove(living)
    if len(left) >= 2:
        beside = [room for room in left if rooms.has_edge(room, living)] or left
        kitchen = min(beside, key=lambda room: (abs(areas[room] - KITCHEN), room))
        kinds[kitchen] = 'kitchen'
        left.remove(kitchen)
        dining = [room for room in left if rooms.has_edge(room, kitchen)]
        if len(left) >= 4 and dining:
            kinds[dining[0]] = 'dining_room'
            left.remove(dining[0])
    studies = len(left) // 4
    return kinds | {room: 'bedroom' if i < len(left) - studies else 'study' for i, room in enumerate(left)}
