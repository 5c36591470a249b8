"""Built-in closets, cut out of rooms' corners."""

from __future__ import annotations

from collections.abc import Sequence

from megastep.mapgen.doors import NEED
from megastep.mapgen.lattice import PER_METRE, Rect, clear, shared, subtract
from megastep.mapgen.words import Words

HOST = 8 * PER_METRE**2
"""Rooms of at least this clear area, in square lattice units, may have a closet."""

PASSAGE = 6 * PER_METRE // 5
"""How wide a room stays beside its closet."""

DEPTHS = (7 * PER_METRE // 10, 9 * PER_METRE // 10)
LENGTHS = (12 * PER_METRE // 10, 22 * PER_METRE // 10)


def carve(
    words: Words, rooms: Sequence[tuple[Rect, ...]], host: int, wall: int
) -> tuple[tuple[Rect, ...], Rect] | None:
    """Cuts a closet out of a corner of a room that is one tile, so that the room still touches all that it touched.

    Args:
        words: Drawn from.
        rooms: Each room's tiles.
        host: Which of them the closet is for.
        wall: How thick the walls are, in lattice units.

    Returns:
        What is left of the room's tiles, and the closet's; or nothing, if no corner will do.
    """
    (tile,) = rooms[host]
    depth, length = (words.between(*sizes) + wall for sizes in (DEPTHS, LENGTHS))
    for closet in words.shuffled(_corners(tile, depth, length, wall)):
        left = tuple(subtract(tile, closet))
        if all(_touch(left, room, wall) for i, room in enumerate(rooms) if i != host and _touch((tile,), room, wall)):
            return left, closet
    return None


def _corners(tile: Rect, depth: int, length: int, wall: int) -> list[Rect]:
    """The closets of a size that fit a tile's corners; one takes the whole side if too little would be left."""
    found = []
    for width, height in ((length, depth), (depth, length)):
        width = tile.width if tile.width - width < PASSAGE + wall else width
        height = tile.height if tile.height - height < PASSAGE + wall else height
        if (width, height) != (tile.width, tile.height):
            for left in {tile.left, tile.right - width}:
                for bottom in {tile.bottom, tile.top - height}:
                    found.append(Rect(left, bottom, left + width, bottom + height))
    return sorted(found)


def _touch(one: Sequence[Rect], other: Sequence[Rect], wall: int) -> bool:
    stretches = (shared(a, b, wall) for a in one for b in other)
    return any(stretch and stretch.length >= NEED for stretch in stretches)


def hosts(rooms: Sequence[tuple[Rect, ...]], wall: int) -> list[int]:
    """Which rooms may have a closet: those of one tile that are large enough."""
    return [i for i, tiles in enumerate(rooms) if len(tiles) == 1 and clear(tiles[0], wall).area >= HOST]
