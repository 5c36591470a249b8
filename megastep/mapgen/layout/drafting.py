"""Drafts of rooms as tiles, and links: the doors wanted between them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence, Set
from typing import NamedTuple

from megastep.mapgen.geometry.lattice import Rect, Stretch, clear, difference, floor, shared
from megastep.mapgen.geometry.symmetry import SquareSymmetry
from megastep.mapgen.layout.assembly import Space
from megastep.mapgen.layout.doors import JAMB, place_door
from megastep.mapgen.layout.solids import column_grid
from megastep.mapgen.rng import Rng


class Draft(NamedTuple):
    """A room by its kind and the tiles that it is made of, in lattice units."""

    kind: str
    tiles: Sequence[Rect]


class Link(NamedTuple):
    """A door that is wanted between two rooms, by their numbers."""

    one: int
    other: int
    wide: int = 0
    """The chance in a hundred that it is a wide one, where that fits and suits."""
    opening: int = 0
    """The greatest width of an opening in the middle of the wall, in lattice units; 0 for a door instead."""
    open: bool = False
    """True if all walls between the rooms go."""
    tile: int | None = None
    """The tile of the other room that it is at, if not any."""


def transformed_drafts(drafts: Iterable[Draft], symmetry: SquareSymmetry) -> list[Draft]:
    """The images of rooms under a symmetry of the square."""
    return [Draft(draft.kind, [symmetry(tile) for tile in draft.tiles]) for draft in drafts]


def linked(rng: Rng, rooms: Sequence[Draft], links: Sequence[Link], wall: int) -> list[Stretch]:
    """The places of the doors that are wanted, drawn at random.

    Args:
        rng: The random number generator.
        rooms: The rooms as they will be built: not to be transformed any more.
        links: The doors. Each pair of rooms shares a wall that a door fits in.
        wall: The thickness of walls, in lattice units.
    """
    return [door for link in links for door in _doors(rng, rooms[link.one], rooms[link.other], link, wall)]


def _doors(rng: Rng, one: Draft, other: Draft, link: Link, wall: int) -> list[Stretch]:
    tiles = other.tiles if link.tile is None else [other.tiles[link.tile]]
    stretches = shared_walls(one.tiles, tiles, wall)
    if link.open:
        return stretches
    longest = max(stretches, key=lambda stretch: stretch.length)
    if not link.opening:
        return [place_door(rng, longest, (one.kind, other.kind), wide=link.wide)]
    width = min(link.opening, longest.length - 2 * JAMB)
    low = longest.low + (longest.length - width) // 2
    return [longest._replace(low=low, high=low + width)]


def shared_walls(one: Sequence[Rect], other: Sequence[Rect], wall: int) -> list[Stretch]:
    """The walls that two rooms share."""
    return [found for a in one for b in other if (found := shared(a, b, wall))]


def nearest(rooms: Sequence[Draft], room: Draft, wall: int) -> int:
    """The number of the room, of some, that shares the longest wall with another."""
    lengths = [sum(found.length for found in shared_walls(other.tiles, room.tiles, wall)) for other in rooms]
    return lengths.index(max(lengths))


def clear_space(room: Draft, wall: int, solids: Sequence[Rect] = ()) -> Space:
    """The clear floor of a room, around what stands in it.

    Args:
        room: The room.
        wall: The thickness of walls, in lattice units.
        solids: What stands in it.
    """
    parts = floor(room.tiles, wall)
    return Space(room.kind, tuple(difference(parts, solids) if solids else parts))


def columned_space(room: Draft, wall: int, large_kinds: Set[str], pitch: int) -> Space:
    """The clear floor of a room, around columns if it is a large one.

    Args:
        room: The room, of one tile if it is a large one.
        wall: The thickness of walls, in lattice units.
        large_kinds: The kinds of rooms that have columns.
        pitch: The least distance of columns, from middle to middle, in lattice units.
    """
    return clear_space(room, wall, column_grid(clear(room.tiles[0], wall), pitch) if room.kind in large_kinds else [])
