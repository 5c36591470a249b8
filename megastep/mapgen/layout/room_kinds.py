"""The kinds of rooms: an assignment by their sizes and by what they touch."""

from __future__ import annotations

from collections.abc import Sequence, Set

import networkx as nx

from megastep.mapgen.geometry.lattice import square_units
from megastep.mapgen.rng import Rng

DEAD_END_KINDS = frozenset({'bathroom', 'restroom', 'washing_room', 'storage', 'closet'})
"""The kinds of rooms that nobody walks through to get elsewhere."""

SMALL_ROOM_AREA = square_units(5)
"""The clear area below which rooms are made dead ends where they can be, in square lattice units. Of the real rooms in
annotations of art-programmer/FloorplanTransformation, 95 % of bathrooms, restrooms and washing rooms are smaller than
4.9 m² and 95 % of bedrooms are larger than 5.3 m²."""

TINY_ROOM_AREA = square_units(2.5)
"""The clear area below which a dead end is a restroom or for storage, in square lattice units: between the medians of
the same restrooms, 1.5 m², and bathrooms, 2.9 m²."""

KITCHEN_AREA = square_units(9)
"""The median area of the same kitchens, in square lattice units. A hub at least this large, or that is the largest
room, is the living room; another is a hall."""


def assign_room_kinds(rng: Rng, adjacency: nx.Graph, areas: Sequence[int], *, closets: int, hub: bool) -> list[str]:
    """The kind of each room, by its size and by what it touches.

    Args:
        rng: The random number generator.
        adjacency: An edge for each two rooms that share a wall that a door fits in. Room 0 is the circulation, and the
            last are closets.
        areas: The clear area of each room, in square lattice units.
        closets: The number of closets: they are the last rooms.
        hub: True if the circulation is a hub rather than a corridor.
    """
    rooms = adjacency.subgraph(range(len(areas) - closets))
    room_kinds = ['closet'] * len(areas)
    room_kinds[0] = ('living_room' if areas[0] >= min(KITCHEN_AREA, max(areas)) else 'hall') if hub else 'corridor'
    dead = dead_end_rooms(rooms, areas)
    for room, kind in zip(dead, _service_kinds(rng, [areas[room] for room in dead]), strict=True):
        room_kinds[room] = kind
    rest = sorted(set(rooms) - set(dead) - {0}, key=lambda room: (-areas[room], room))
    large = [room for room in rest if areas[room] >= SMALL_ROOM_AREA]
    if not large and room_kinds[0] != 'living_room':
        large = rest[:1]
    living = _living_kinds(rooms, large, areas, room_kinds[0])
    for room in rest:
        room_kinds[room] = living.get(room, 'hall')
    return room_kinds


def dead_end_rooms(rooms: nx.Graph, areas: Sequence[int]) -> list[int]:
    """The dead ends: small rooms, one at least, without which the others stay connected, and each next to another.

    The largest room is picked only if no other can be.

    Args:
        rooms: An edge for each two rooms that share a wall that a door fits in; connected. Room 0 is never picked.
        areas: The area of each room, in square lattice units.

    Returns:
        The rooms picked, the largest first.
    """
    dead: list[int] = []
    through = set(rooms)
    ordered = sorted(through - {0}, key=lambda room: (areas[room], room))
    for room in ordered:
        if dead and (areas[room] >= SMALL_ROOM_AREA or room == ordered[-1]):
            break
        rest = through - {room}
        if all(not rest.isdisjoint(rooms[other]) for other in [*dead, room]) and _is_connected(rooms, rest):
            dead.append(room)
            through = rest
    return dead[::-1]


def _is_connected(graph: nx.Graph, nodes: Set[int]) -> bool:
    """Connectivity of the subgraph of some nodes, by graph search from node 0."""
    found, frontier = {0}, [0]
    while frontier:
        new = nodes & set(graph[frontier.pop()]) - found
        found |= new
        frontier += new
    return len(found) == len(nodes)


def _service_kinds(rng: Rng, areas: Sequence[int]) -> list[str]:
    """The kinds of dead ends, the largest first: a bathroom, then the others in turn."""
    large, tiny = rng.shuffled(('washing_room', 'storage', 'bathroom')), ['restroom', 'storage', 'storage']
    room_kinds = ['bathroom']
    for area in areas[1:]:
        names = tiny if area < TINY_ROOM_AREA else large
        room_kinds.append(names[0])
        names.append(names.pop(0))
    return room_kinds


def _living_kinds(rooms: nx.Graph, large: Sequence[int], areas: Sequence[int], centre: str) -> dict[int, str]:
    """The kinds of the rooms that people live in, which are given the largest first."""
    room_kinds = {}
    left = list(large)
    living = 0 if centre == 'living_room' else left[0] if left else 0
    if living:
        room_kinds[living] = 'living_room'
        left.remove(living)
    if len(left) >= 2:
        beside = [room for room in left if rooms.has_edge(room, living)] or left
        kitchen = min(beside, key=lambda room: (abs(areas[room] - KITCHEN_AREA), room))
        room_kinds[kitchen] = 'kitchen'
        left.remove(kitchen)
        dining = [room for room in left if rooms.has_edge(room, kitchen)]
        if len(left) >= 4 and dining:
            room_kinds[dining[0]] = 'dining_room'
            left.remove(dining[0])
    studies = len(left) // 4
    return room_kinds | {room: 'bedroom' if i < len(left) - studies else 'study' for i, room in enumerate(left)}
