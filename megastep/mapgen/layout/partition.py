"""Cuts land into tiles, one a room."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

from megastep.mapgen.geometry.lattice import PER_METRE, Rect, shared
from megastep.mapgen.rng import Rng

DRAWS = 12
"""How many ways to cut a land are drawn. The best is taken."""

SQUARE = 24
"""A tile's longer side may be this many sixteenths of its shorter one before it costs anything."""

ALCOVE = (3 * PER_METRE**2, 10 * PER_METRE**2)
"""The smaller part of a room of two tiles has about this area."""

PASSAGE = 6 * PER_METRE // 5
"""The two parts of such a room meet along at least this length."""

MOUTH = 3 * PER_METRE // 2
"""It is better if they meet along this length."""

FAR = 300
"""What a tile costs that the corridor doesn't touch, on the scale of the square of those sixteenths."""


def allot(areas: Sequence[int], lands: Sequence[Rect], least: int) -> list[list[int]]:
    """Shares out rooms among lands, so that each land has one and none has more than surely fit.

    Args:
        areas: How large each room should be, the largest first.
        lands: What they are to be cut from.
        least: The least width of a room's tile.

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
            if len(share) < (1 if must else capacity(land, least))
        ]
        shares[max(room)[1]].append(area)
    return shares


def capacity(land: Rect, least: int) -> int:
    """How many tiles can surely be cut from a land."""
    return (land.width // least) * (land.height // least)


def cut(rng: Rng, land: Rect, areas: Sequence[int], *, least: int, near: Sequence[Rect]) -> list[Rect]:
    """Cuts a land into rooms from side to side, over and over, in the best of several ways drawn.

    Args:
        rng: Drawn from.
        land: What is cut: its `capacity` is at least the number of rooms.
        areas: How large each room should be.
        least: The least width of a tile.
        near: The tiles that rooms should touch: the circulation's.

    Returns:
        Tiles that cover the land, each at least ``least`` wide.
    """
    if len(areas) == 1:
        return [land]
    ways = [_cut_once(rng, land, rng.shuffled(areas), least) for _ in range(DRAWS)]
    return min(ways, key=lambda tiles: sum(_cost(tile, least, near) for tile in tiles))


def _cost(tile: Rect, least: int, near: Sequence[Rect]) -> int:
    excess = max(0, 16 * max(tile.width, tile.height) // tile.shorter - SQUARE)
    stretches = (shared(tile, other, 0) for other in near)
    touches = any(stretch and stretch.length >= least for stretch in stretches)
    return excess**2 + (0 if touches else FAR)


def _cut_once(rng: Rng, land: Rect, areas: Sequence[int], least: int) -> list[Rect]:
    if len(areas) == 1:
        return [land]
    upright, split = _choice(rng, land, len(areas), least)
    columns, rows = land.width // least, land.height // least
    across, size = (rows, land.width) if upright else (columns, land.height)
    low = -(-split // across) * least
    high = size - -(-(len(areas) - split) // across) * least
    at = min(max(size * sum(areas[:split]) // sum(areas), low), high)
    if upright:
        first, second = land._replace(right=land.left + at), land._replace(left=land.left + at)
    else:
        first, second = land._replace(top=land.bottom + at), land._replace(bottom=land.bottom + at)
    return _cut_once(rng, first, areas[:split], least) + _cut_once(rng, second, areas[split:], least)


def _choice(rng: Rng, land: Rect, count: int, least: int) -> tuple[bool, int]:
    """Which way to cut, and how many rooms go before the cut. What is left of each part's capacity suffices."""
    columns, rows = land.width // least, land.height // least
    longer = land.width >= land.height
    for upright in (longer, not longer):
        along, across = (columns, rows) if upright else (rows, columns)
        splits = [k for k in range(1, count) if -(-k // across) + -(-(count - k) // across) <= along]
        if splits:
            break
    return upright, rng.pick(splits)


def opened(rooms: Sequence[Rect], wall: int) -> list[tuple[Rect, ...]]:
    """Takes out the wall between two of the rooms, so that they make a large one with an alcove where that can be had.

    Args:
        rooms: A tile each. Two at least were cut from the same land.
        wall: How thick the walls are, in lattice units.

    Returns:
        A tile or two for each room.
    """
    _, i, j = max(_openable(rooms, wall))
    return [(tile, rooms[j]) if k == i else (tile,) for k, tile in enumerate(rooms) if k != j]


def can_open(rooms: Sequence[Rect], wall: int) -> bool:
    """Whether two of the rooms share a wall that `opened` can take out."""
    return bool(_openable(rooms, wall))


def _openable(rooms: Sequence[Rect], wall: int) -> list[tuple[tuple[bool, int], int, int]]:
    """Which two rooms share a wall that is long enough to be taken out, and how good a room they would make."""
    return [
        (_merit(one, other, stretch.length), i, j)
        for (i, one), (j, other) in combinations(enumerate(rooms), 2)
        if (stretch := shared(one, other, wall)) and stretch.length >= PASSAGE
    ]


def widened(room: Rect, tiles: Sequence[Rect], wall: int) -> Rect | None:
    """Which of the tiles around a room makes it the best alcove, without the wall between them; if any does.

    Args:
        room: A rectangle.
        tiles: Others that don't overlap it.
        wall: How thick the walls are, in lattice units.
    """
    stretches = [(tile, stretch.length) for tile in tiles if (stretch := shared(room, tile, wall))]
    fits = [(_merit(room, tile, length), tile) for tile, length in stretches if length >= PASSAGE]
    return max(fits)[1] if fits else None


def _merit(one: Rect, other: Rect, mouth: int) -> tuple[bool, int]:
    """How good a room two tiles make: best is an L with an alcove of a good size; of those, the largest."""
    alcove, rest = sorted((one.area, other.area))
    oblong = {one.left, one.right} == {other.left, other.right} or {one.bottom, one.top} == {other.bottom, other.top}
    return not oblong and mouth >= MOUTH and ALCOVE[0] <= alcove <= ALCOVE[1], rest
