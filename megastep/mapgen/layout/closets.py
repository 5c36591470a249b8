"""Built-in closets, cut out of the corners of rooms."""

from __future__ import annotations

from collections.abc import Sequence

from megastep.mapgen.geometry.lattice import Rect, clear, shared, square_units, subtract, units
from megastep.mapgen.layout.doors import LEAST_DOOR_WALL
from megastep.mapgen.rng import Rng

LEAST_HOST_AREA = square_units(4)
"""The least clear area of a room that may have a closet, in square lattice units."""

CLOSET_CLEARANCE = units(1)
"""The least width of a room beside its closet, in lattice units."""

CLOSET_DEPTHS = (units(0.6), units(0.75))
CLOSET_LENGTHS = (units(0.95), units(1.3))
"""The ranges of the depths and lengths of closets, without walls, in lattice units."""


def carve_closet(
    rng: Rng, rooms: Sequence[tuple[Rect, ...]], host: int, wall: int
) -> tuple[tuple[Rect, ...], Rect] | None:
    """A random closet cut out of a corner of a room's first tile, so that all that the room touched still touches it.

    Args:
        rng: The random number generator.
        rooms: The tiles of each room.
        host: The number of the room that the closet is for.
        wall: The thickness of the walls, in lattice units.

    Returns:
        The tiles that are left of the room, and the closet's; or nothing, if no corner will do.
    """
    tile, *others = rooms[host]
    depth, length = (rng.between(*sizes) + wall for sizes in (CLOSET_DEPTHS, CLOSET_LENGTHS))
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
        width = tile.width if tile.width - width < CLOSET_CLEARANCE + wall else width
        height = tile.height if tile.height - height < CLOSET_CLEARANCE + wall else height
        if (width, height) != (tile.width, tile.height):
            for left in {tile.left, tile.right - width}:
                for bottom in {tile.bottom, tile.top - height}:
                    found.append(Rect(left, bottom, left + width, bottom + height))
    return sorted(found)


def _touch(one: Sequence[Rect], other: Sequence[Rect], wall: int) -> bool:
    stretches = (shared(a, b, wall) for a in one for b in other)
    return any(stretch and stretch.length >= LEAST_DOOR_WALL for stretch in stretches)


def hosts(rooms: Sequence[tuple[Rect, ...]], wall: int) -> list[int]:
    """The rooms that may have a closet: those whose first tile is large enough.

    Args:
        rooms: The tiles of each room.
        wall: The thickness of the walls, in lattice units.
    """
    return [i for i, tiles in enumerate(rooms) if clear(tiles[0], wall).area >= LEAST_HOST_AREA]
