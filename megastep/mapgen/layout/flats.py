"""Flats: dwellings inside a given rectangle, entered from one of its sides."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from megastep.mapgen.geometry.lattice import Rect, square_units, units
from megastep.mapgen.layout.dwelling import Tiling, with_closets
from megastep.mapgen.layout.footprint import Band
from megastep.mapgen.layout.partition import allot_areas, cut_land, land_capacity, merged_pair
from megastep.mapgen.rng import Rng

LEAST_FLAT_LAND = units(2.5)
"""The least width and depth of a flat's land, in lattice units."""

LEAST_FLAT_ROOM_WIDTH = units(1.2)
"""The least width of a flat's rooms, but for corridors and closets, in lattice units."""

FLAT_LIVING_AREAS = (square_units(11), square_units(21))
FLAT_ORDINARY_AREAS = (square_units(6), square_units(12.5))
FLAT_SERVICE_AREAS = (square_units(2.5), square_units(4))
"""The ranges of the areas of rooms, with their walls, before they are fitted to their flat, in square lattice units. In
the annotations of art-programmer/FloorplanTransformation half of the living rooms have 16 to 23 m², half of the
bedrooms and kitchens 5 to 14 m², and nine tenths of the bathrooms 1.5 to 5 m²."""

HALLWAY_DRAWS = 6
"""The number of corridors that are drawn. Of those that leave space for the most rooms, the one is taken that these fit
best."""

DEEPEST_BACK = units(4.5)
"""The greatest depth of the rooms at the back, with their walls, where the others have space, in lattice units."""

BROAD_FLAT_WIDTH = units(7)
"""The least width of a flat whose corridor may turn, in lattice units."""

CAP_LENGTHS = (LEAST_FLAT_ROOM_WIDTH, units(2.5))
"""The range of the lengths of a small room at the end of such a corridor, without its wall, in lattice units."""


class Lot(NamedTuple):
    """The lot of a flat: its land, and from where to where along its front, from the low end, it may be entered."""

    land: Band
    low: int
    high: int


class Hallway(NamedTuple):
    """The corridor of a flat, and the land that it leaves, seen from the front: x along it, y away from it."""

    corridor: tuple[Rect, ...]
    lands: list[Rect]
    caps: list[Rect]


def room_sizes(rng: Rng, count: int) -> list[int]:
    """Random areas of a flat's rooms, with their walls, in square lattice units; the largest first.

    Args:
        rng: The random number generator.
        count: The number of rooms.
    """
    service = max(1, count * rng.between(5, 7) // 16)
    ranges = [FLAT_LIVING_AREAS] + service * [FLAT_SERVICE_AREAS] + (count - 1 - service) * [FLAT_ORDINARY_AREAS]
    areas = [rng.between(*each) for each in ranges]
    return sorted(areas, reverse=True)


def narrowest(hall: int) -> int:
    """The least width of a lot, in lattice units.

    Args:
        hall: The width of the corridor with its wall.
    """
    return LEAST_FLAT_LAND + hall


def draw_flat(
    rng: Rng, lot: Lot, sizes: Sequence[int], *, open_plan: bool, closets: int, hall: int, wall: int
) -> Tiling:
    """A random flat: a corridor from the entrance, and rooms beside it and at its end.

    Args:
        rng: The random number generator.
        lot: At least `narrowest` wide and two and a half times `LEAST_FLAT_LAND` deep. Its entrance is at least
            ``hall`` wide, and begins or ends within ``LEAST_FLAT_LAND`` of an end of the lot only if it does so at that
            end.
        sizes: The areas that its rooms should have, with their walls, in square lattice units; the largest first; at
            least 3. Where not all fit, the last are left out.
        open_plan: True if two of these are to be one room, if there are more of them than lands.
        closets: The number of closets to carve out of its rooms, where there is a place for them.
        hall: The width of the corridor, with a wall, in lattice units.
        wall: The thickness of walls, in lattice units.
    """
    flipped = rng.chance(1, 2)
    width, depth = lot.land.length, lot.land.depth
    low, high = (width - lot.high, width - lot.low) if flipped else (lot.low, lot.high)
    least = LEAST_FLAT_ROOM_WIDTH + wall
    ways = [_hallway(rng, width, depth, low, high, hall, wall, len(sizes)) for _ in range(HALLWAY_DRAWS)]
    programmes = [_programme(way, sizes, least) for way in ways]
    hallway, shares = min(zip(ways, programmes, strict=True), key=lambda way: _strain(way[0], way[1], len(sizes)))
    tiles = [
        tile
        for land, share in zip(hallway.lands, shares, strict=True)
        for tile in cut_land(rng, land, share, least=least, near=hallway.corridor)
    ]
    rooms = merged_pair(tiles, wall) if open_plan and len(tiles) > len(hallway.lands) else [(tile,) for tile in tiles]
    local = [hallway.corridor, *((cap,) for cap in hallway.caps), *rooms]
    placed = [tuple(lot.land.part(_mirrored(tile, width) if flipped else tile) for tile in tiles) for tiles in local]
    return with_closets(rng, Tiling(placed, [], hub=False), closets, wall)


def _hallway(rng: Rng, width: int, depth: int, low: int, high: int, hall: int, wall: int, rooms: int) -> Hallway:
    """A random corridor: straight to the rooms at the back or, in a broad flat, with a turn before them."""
    start = _entrance(rng, width, low, high, hall)
    end = start + hall
    turns = (
        width - end >= BROAD_FLAT_WIDTH - hall
        and depth >= 2 * LEAST_FLAT_LAND + hall
        and rooms >= 5
        and rng.chance(2, 3)
    )
    thick = hall if turns else 0
    back = rng.between(LEAST_FLAT_LAND, max(LEAST_FLAT_LAND, min(DEEPEST_BACK, depth - LEAST_FLAT_LAND - thick)))
    inner = depth - back
    lands = [Rect(0, 0, start, inner)] if start else []
    lands += [Rect(end, 0, width, inner - thick)] if end < width else []
    lands.append(Rect(0, inner, width, depth))
    if not turns:
        return Hallway((Rect(start, 0, end, inner),), lands, [])
    cap = rng.between(*CAP_LENGTHS) + wall if rng.chance(1, 2) else 0
    side_arm = Rect(end, inner - hall, width - cap, inner)
    caps = [Rect(width - cap, inner - hall, width, inner)] if cap else []
    return Hallway((Rect(start, 0, end, inner), side_arm), lands, caps)


def _entrance(rng: Rng, width: int, low: int, high: int, hall: int) -> int:
    """The place where a corridor begins along the front: at an end of it, or with land on both sides."""
    starts = [start for start in (0, width - hall) if low <= start <= high - hall]
    least, most = max(low, LEAST_FLAT_LAND), min(high, width - LEAST_FLAT_LAND) - hall
    if least <= most:
        starts.append(rng.between(least, most))
    return rng.pick(starts)


def _programme(hallway: Hallway, sizes: Sequence[int], least: int) -> list[list[int]]:
    """The areas that the rooms of each land should have: as many as fit, the larger ones grown where there is space."""
    space = sum(land_capacity(land, least) for land in hallway.lands)
    sizes = sizes[: min(len(sizes) - len(hallway.caps), space)]
    large = sum(size for size in sizes if size > FLAT_SERVICE_AREAS[1])
    spare = max(0, sum(land.area for land in hallway.lands) - sum(sizes)) if large else 0
    grown = [size + (spare * size // large if size > FLAT_SERVICE_AREAS[1] else 0) for size in sizes]
    return allot_areas(grown, hallway.lands, least)


def _strain(hallway: Hallway, shares: Sequence[Sequence[int]], rooms: int) -> tuple[int, int]:
    """The cost of a corridor: the number of rooms left out, then how much larger than they should be any land's are."""
    missing = rooms - len(hallway.caps) - sum(map(len, shares))
    return missing, max(16 * land.area // sum(share) for land, share in zip(hallway.lands, shares, strict=True))


def _mirrored(tile: Rect, width: int) -> Rect:
    return Rect(width - tile.right, tile.bottom, width - tile.left, tile.top)
