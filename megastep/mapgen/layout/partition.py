"""Binary space partition of land into tiles, one a room: guillotine cuts from side to side."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

from megastep.mapgen.geometry.lattice import Rect, shared, square_units, units
from megastep.mapgen.rng import Rng

PARTITION_DRAWS = 12
"""The number of ways to cut a land that are drawn. The best is taken."""

FREE_ASPECT_RATIO = 24
"""The aspect ratio up to which a tile costs nothing, in sixteenths."""

ALCOVE_AREAS = (square_units(3), square_units(10))
"""The range of the area of a good alcove, the smaller part of a room of two tiles, in square lattice units."""

LEAST_MOUTH = units(1.2)
"""The least length along which the two parts of such a room meet, in lattice units."""

GOOD_MOUTH = units(1.5)
"""The length along which they had better meet, in lattice units."""

DETACHED_COST = 300
"""The cost of a tile that the corridor doesn't touch, on the scale of the square of those sixteenths."""


def allot_areas(areas: Sequence[int], lands: Sequence[Rect], least: int) -> list[list[int]]:
    """Greedy allotment of rooms to lands, so that each land has one and none has more than surely fit.

    Args:
        areas: The area that each room should have, in square lattice units, the largest first.
        lands: What they are to be cut from.
        least: The least width of a room's tile, in lattice units.

    Returns:
        The areas of each land's rooms.
    """
    shares: list[list[int]] = [[] for _ in lands]
    for i, area in enumerate(areas):
        empty = sum(not share for share in shares)
        must = empty == len(areas) - i
        room = [
            (land.area - sum(share), j)
            for j, (land, share) in enumerate(zip(lands, shares, strict=True))
            if len(share) < (1 if must else land_capacity(land, least))
        ]
        shares[max(room)[1]].append(area)
    return shares


def land_capacity(land: Rect, least: int) -> int:
    """The number of tiles of a least width that can surely be cut from a land."""
    return (land.width // least) * (land.height // least)


def cut_land(rng: Rng, land: Rect, areas: Sequence[int], *, least: int, near: Sequence[Rect]) -> list[Rect]:
    """The best of several random binary space partitions of a land: cuts from side to side, over and over.

    Args:
        rng: The random number generator.
        land: The land: its `land_capacity` is at least the number of rooms.
        areas: The area that each room should have, in square lattice units.
        least: The least width of a tile, in lattice units.
        near: The tiles that rooms should touch: the circulation's.

    Returns:
        Tiles that cover the land, each at least ``least`` wide.
    """
    if len(areas) == 1:
        return [land]
    ways = [_cut_once(rng, land, rng.shuffled(areas), least) for _ in range(PARTITION_DRAWS)]
    return min(ways, key=lambda tiles: sum(_cost(tile, least, near) for tile in tiles))


def _cost(tile: Rect, least: int, near: Sequence[Rect]) -> int:
    excess = max(0, 16 * max(tile.width, tile.height) // tile.shorter - FREE_ASPECT_RATIO)
    stretches = (shared(tile, other, 0) for other in near)
    touches = any(stretch and stretch.length >= least for stretch in stretches)
    return excess**2 + (0 if touches else DETACHED_COST)


def _cut_once(rng: Rng, land: Rect, areas: Sequence[int], least: int) -> list[Rect]:
    if len(areas) == 1:
        return [land]
    upright, split = _choice(rng, land, len(areas), least)
    across, size = (land.height // least, land.width) if upright else (land.width // least, land.height)
    low = -(-split // across) * least
    high = size - -(-(len(areas) - split) // across) * least
    at = min(max(size * sum(areas[:split]) // sum(areas), low), high)
    if upright:
        first, second = land._replace(right=land.left + at), land._replace(left=land.left + at)
    else:
        first, second = land._replace(top=land.bottom + at), land._replace(bottom=land.bottom + at)
    return _cut_once(rng, first, areas[:split], least) + _cut_once(rng, second, areas[split:], least)


def _choice(rng: Rng, land: Rect, count: int, least: int) -> tuple[bool, int]:
    """The direction of a cut, and the number of rooms before it, such that the capacities of both parts suffice."""
    fit_x, fit_y = land.width // least, land.height // least
    longer = land.width >= land.height
    for upright in (longer, not longer):
        along, across = (fit_x, fit_y) if upright else (fit_y, fit_x)
        splits = [k for k in range(1, count) if -(-k // across) + -(-(count - k) // across) <= along]
        if splits:
            break
    return upright, rng.pick(splits)


def merged_pair(rooms: Sequence[Rect], wall: int) -> list[tuple[Rect, ...]]:
    """The rooms with two of them merged, into a large one with an alcove where that can be had.

    Args:
        rooms: A tile each. Two at least were cut from the same land.
        wall: The thickness of the walls, in lattice units.

    Returns:
        A tile or two for each room.
    """
    _, i, j = max(_mergeable(rooms, wall))
    return [(tile, rooms[j]) if k == i else (tile,) for k, tile in enumerate(rooms) if k != j]


def can_merge(rooms: Sequence[Rect], wall: int) -> bool:
    """True if two of the rooms share a wall that `merged_pair` can take out."""
    return bool(_mergeable(rooms, wall))


def _mergeable(rooms: Sequence[Rect], wall: int) -> list[tuple[tuple[bool, int], int, int]]:
    """The pairs of rooms that share a wall long enough to be taken out, after the merit of the room they would make."""
    return [
        (_merit(one, other, stretch.length), i, j)
        for (i, one), (j, other) in combinations(enumerate(rooms), 2)
        if (stretch := shared(one, other, wall)) and stretch.length >= LEAST_MOUTH
    ]


def best_alcove(room: Rect, tiles: Sequence[Rect], wall: int) -> Rect | None:
    """The tile around a room that makes it the best alcove, without the wall between them; if any does.

    Args:
        room: A rectangle.
        tiles: Others that don't overlap it.
        wall: The thickness of the walls, in lattice units.
    """
    stretches = [(tile, stretch.length) for tile in tiles if (stretch := shared(room, tile, wall))]
    fits = [(_merit(room, tile, length), tile) for tile, length in stretches if length >= LEAST_MOUTH]
    return max(fits)[1] if fits else None


def _merit(one: Rect, other: Rect, mouth: int) -> tuple[bool, int]:
    """The merit of the room that two tiles make: best is an L with an alcove of a good size; of those, the largest."""
    alcove, rest = sorted((one.area, other.area))
    oblong = {one.left, one.right} == {other.left, other.right} or {one.bottom, one.top} == {other.bottom, other.top}
    return not oblong and mouth >= GOOD_MOUTH and ALCOVE_AREAS[0] <= alcove <= ALCOVE_AREAS[1], rest
