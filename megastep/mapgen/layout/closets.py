"""Built-in closets, cut out of rooms' corners."""

from __future__ import annotations

from collections.abc import Sequence

from megastep.mapgen.geometry.lattice import PER_METRE, Rect, clear, shared, subtract
from megastep.mapgen.layout.doors import NEED
from megastep.mapgen.rng import Rng

HOST = 4 * PER_METRE**2
"""Rooms of at least this clear area, in square lattice units, may have a closet."""

PASSAGE = PER_METRE
"""How wide a room stays beside its closet."""

DEPTHS = (3 * PER_METRE // 5, 3 * PER_METRE // 4)
LENGTHS = (19 * PER_METRE // 20, 13 * PER_METRE // 10)


def carve(rng: Rng, rooms: Sequence[tuple[Rect, ...]], host: int, wall: int) -> tuple[tuple[Rect, ...], Rect] | None:
    """Cuts a closet out of a corner of a room's first tile, so that all that the room touched still touches it.

    Args:
        rng: Drawn from.
        rooms: Each room's tiles.
        host: Which of them the closet is for.
        wall: How thick the walls are, in lattice units.

    Returns:
        What is left of the room's tiles, and the closet's; or nothing, if no corner will do.
    """
    tile, *others = rooms[host]
    depth, length = (rng.between(*sizes) + wall for sizes in (DEPTHS, LENGTHS))
    for closet in rng.shuffled(_corners(tile, depth, length, wall)):
        left = subtract(tile, closet)
        neighbours = [room for i, room in enumerate(rooms) if i != host and _touch(rooms[host], room, wall)]
        if all(_touch(left, [other], wall) for other in others):
            whole = (*left, *others)
            if all(_touch(whole, room, wall) for room in neighbours):
                return whole, closet
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
    """Which rooms may have a closet: those whose first tile is large enough."""
    return [i for i, tiles in enumerate(rooms) if clear(tiles[0], wall).area >= HOST]
