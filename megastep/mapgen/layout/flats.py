"""Flats: homes inside a given rectangle, entered from one of its sides."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from megastep.mapgen.geometry.lattice import PER_METRE, Rect
from megastep.mapgen.layout.dwelling import LEAST, SERVICE, Tiling, with_closets
from megastep.mapgen.layout.footprint import Band
from megastep.mapgen.layout.partition import allot, capacity, cut, opened
from megastep.mapgen.layout.skeleton import SHALLOW
from megastep.mapgen.rng import Rng

DRAWS = 6
"""How many ways for the corridor are drawn. Of those that leave space for the most rooms, the one is taken that these
fit best."""

FRONT = 9 * PER_METRE // 2
"""The rooms at the back are at most this deep, with their walls, where the others have space."""

BROAD = 7 * PER_METRE
"""Flats at least this wide may have a corridor that turns."""

CAPS = (LEAST, 5 * PER_METRE // 2)
"""How long a small room at the end of such a corridor is, without its wall."""


class Lot(NamedTuple):
    """Where a flat is to be, and the part of its front where it may be entered, from its low end."""

    land: Band
    low: int
    high: int


class Hallway(NamedTuple):
    """A flat's corridor, and what it leaves, seen from the front: x along it, y away from it."""

    corridor: tuple[Rect, ...]
    lands: list[Rect]
    caps: list[Rect]


def narrowest(hall: int) -> int:
    """How wide a lot is at least, for a corridor of a width with its wall."""
    return SHALLOW + hall


def draw_flat(
    rng: Rng, lot: Lot, sizes: Sequence[int], *, open_plan: bool, closets: int, hall: int, wall: int
) -> Tiling:
    """Draws a flat: a corridor from the entrance, and rooms beside it and at its end.

    Args:
        rng: Drawn from.
        lot: At least `narrowest` wide and two and a half times `SHALLOW` deep. Its entrance is at least ``hall`` wide,
            and begins or ends within ``SHALLOW`` of an end of the lot only if it does so at that end.
        sizes: How large its rooms should be, with their walls, in square lattice units; the largest first; at least 3.
            Where not all fit, the last are left out.
        open_plan: Whether two of these are to be one room, if there are more of them than lands.
        closets: How many closets to carve out of its rooms, where there is a place for them.
        hall: How wide the corridor is, with a wall.
        wall: How thick walls are.
    """
    flipped = rng.chance(1, 2)
    width, depth = lot.land.length, lot.land.depth
    low, high = (width - lot.high, width - lot.low) if flipped else (lot.low, lot.high)
    least = LEAST + wall
    ways = [_hallway(rng, width, depth, low, high, hall, wall, len(sizes)) for _ in range(DRAWS)]
    programmes = [_programme(way, sizes, least) for way in ways]
    hallway, shares = min(zip(ways, programmes, strict=True), key=lambda way: _strain(way[0], way[1], len(sizes)))
    tiles = [
        tile
        for land, share in zip(hallway.lands, shares, strict=True)
        for tile in cut(rng, land, share, least=least, near=hallway.corridor)
    ]
    rooms = opened(tiles, wall) if open_plan and len(tiles) > len(hallway.lands) else [(tile,) for tile in tiles]
    local = [hallway.corridor, *((cap,) for cap in hallway.caps), *rooms]
    placed = [tuple(lot.land.part(_mirrored(tile, width) if flipped else tile) for tile in tiles) for tiles in local]
    return with_closets(rng, Tiling(placed, [], hub=False), closets, wall)


def _hallway(rng: Rng, width: int, depth: int, low: int, high: int, hall: int, wall: int, rooms: int) -> Hallway:
    """Draws a corridor: straight to the rooms at the back or, in a broad flat, with a turn before them."""
    start = _entrance(rng, width, low, high, hall)
    end = start + hall
    turns = width - end >= BROAD - hall and depth >= 2 * SHALLOW + hall and rooms >= 5 and rng.chance(2, 3)
    thick = hall if turns else 0
    back = rng.between(SHALLOW, max(SHALLOW, min(FRONT, depth - SHALLOW - thick)))
    inner = depth - back
    lands = [Rect(0, 0, start, inner)] if start else []
    lands += [Rect(end, 0, width, inner - thick)] if end < width else []
    lands.append(Rect(0, inner, width, depth))
    if not turns:
        return Hallway((Rect(start, 0, end, inner),), lands, [])
    cap = rng.between(*CAPS) + wall if rng.chance(1, 2) else 0
    turn = Rect(end, inner - hall, width - cap, inner)
    caps = [Rect(width - cap, inner - hall, width, inner)] if cap else []
    return Hallway((Rect(start, 0, end, inner), turn), lands, caps)


def _entrance(rng: Rng, width: int, low: int, high: int, hall: int) -> int:
    """Where a corridor begins along the front: at an end of it, or with land on both sides."""
    starts = [start for start in (0, width - hall) if low <= start <= high - hall]
    least, most = max(low, SHALLOW), min(high, width - SHALLOW) - hall
    if least <= most:
        starts.append(rng.between(least, most))
    return rng.pick(starts)


def _programme(hallway: Hallway, sizes: Sequence[int], least: int) -> list[list[int]]:
    """How large the rooms of each land should be: as many as fit, and the larger ones grown where there is space."""
    space = sum(capacity(land, least) for land in hallway.lands)
    sizes = sizes[: min(len(sizes) - len(hallway.caps), space)]
    large = sum(size for size in sizes if size > SERVICE[1])
    spare = max(0, sum(land.area for land in hallway.lands) - sum(sizes)) if large else 0
    grown = [size + (spare * size // large if size > SERVICE[1] else 0) for size in sizes]
    return allot(grown, hallway.lands, least)


def _strain(hallway: Hallway, shares: Sequence[Sequence[int]], rooms: int) -> tuple[int, int]:
    """How ill rooms fit: how many are left out, then how much larger than they should be those of any land are."""
    missing = rooms - len(hallway.caps) - sum(map(len, shares))
    return missing, max(16 * land.area // sum(share) for land, share in zip(hallway.lands, shares, strict=True))


def _mirrored(tile: Rect, width: int) -> Rect:
    return Rect(width - tile.right, tile.bottom, width - tile.left, tile.top)
