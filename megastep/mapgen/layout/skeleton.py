"""The skeleton of a house: its outline and its circulation, and the land that is left for rooms."""

from __future__ import annotations

from itertools import pairwise
from math import isqrt
from typing import NamedTuple

from megastep.mapgen.geometry.lattice import Rect, units
from megastep.mapgen.rng import Rng

LEAST_HOUSE_LAND = units(1.4)
"""The least width and depth of a house's land, in lattice units."""

ONE_SIDED_DEPTH = units(6.5)
"""The greatest depth of the land beside a corridor that may be all on one side, in lattice units."""

BRANCHED_DEPTH = units(3)
"""The least depth of land that branches of the corridor may run through, in lattice units."""

HUB_SIDES = (units(2.6), units(5))
"""The range of the length and the width of a hub, where there is space, in lattice units."""

LEAST_SETBACK = units(0.5)
"""The least depth of a corner taken off a house, in lattice units."""


class Skeleton(NamedTuple):
    """Tiles that cover a house without gaps, in lattice units."""

    circulation: tuple[Rect, ...]
    """A corridor, of which the first tile touches the others; or one tile, a hub."""
    lands: tuple[Rect, ...]
    """Each is to be cut into one or more rooms."""
    caps: tuple[Rect, ...] = ()
    """Small rooms at a corridor's dead ends."""


def around_hub(rng: Rng, *, area: int) -> Skeleton:
    """A random house whose rooms lie around one in the middle, each land a vane of a pinwheel.

    Args:
        rng: The random number generator.
        area: The area that all tiles should cover, about, in square lattice units: at least a square of three times
            `LEAST_HOUSE_LAND`.
    """
    height = rng.between(3 * LEAST_HOUSE_LAND, isqrt(area))
    width = area // height
    wide = _between(rng, *HUB_SIDES, most=width - 2 * LEAST_HOUSE_LAND)
    deep = _between(rng, *HUB_SIDES, most=height - 2 * LEAST_HOUSE_LAND)
    left = rng.between(LEAST_HOUSE_LAND, width - LEAST_HOUSE_LAND - wide)
    bottom = rng.between(LEAST_HOUSE_LAND, height - LEAST_HOUSE_LAND - deep)
    hub = Rect(left, bottom, left + wide, bottom + deep)
    vanes = (
        Rect(0, 0, hub.right, hub.bottom),
        Rect(hub.right, 0, width, hub.top),
        Rect(hub.left, hub.top, width, height),
        Rect(0, hub.bottom, hub.left, height),
    )
    return Skeleton((hub,), vanes)


def _between(rng: Rng, low: int, high: int, *, most: int) -> int:
    """A number from ``low`` to ``high``, but at most ``most``."""
    return rng.between(min(low, most), min(high, most))


def around_corridor(rng: Rng, *, area: int, rooms: int, corridor: int, least: int, branched: bool = True) -> Skeleton:
    """A random house and a corridor through it: straight, or with branches that make it an L, a T or a comb.

    Args:
        rng: The random number generator.
        area: The area that rooms and branches should cover, about, in square lattice units.
        rooms: The number of rooms besides the corridor: at least 2, and no fewer lands and caps are made.
        corridor: The width of the corridor's tiles, in lattice units.
        least: The least length of a room at a dead end, in lattice units.
        branched: True if it may have branches. A room that lies between all others is a corridor without.
    """
    width = isqrt(area * rng.between(12, 36) // 16)
    height = corridor + max(area // width, LEAST_HOUSE_LAND)
    below = _depth_below(rng, height - corridor)
    block = (
        rng.between(LEAST_HOUSE_LAND, 2 * LEAST_HOUSE_LAND)
        if rooms >= 3 and width >= 5 * LEAST_HOUSE_LAND and rng.chance(1, 2)
        else 0
    )
    spine = Rect(block, below, width, below + corridor)
    sides = [Rect(block, spine.top, width, height)] + ([Rect(block, 0, width, below)] if below else [])
    counts = _branch_counts(rng, sides, rooms) if branched else [0] * len(sides)
    branches, lands = [], [Rect(0, 0, block, height)] if block else []
    for side, count in zip(sides, counts, strict=True):
        cut, left = _branched(rng, side, count, corridor)
        branches += cut
        lands += left
    corridors, caps = _capped(rng, (spine, *branches), least, spare=rooms - len(lands))
    return Skeleton(corridors, tuple(lands), caps)


def _depth_below(rng: Rng, free: int) -> int:
    """The part of the free depth that lies below the corridor."""
    if free < 2 * LEAST_HOUSE_LAND or (free <= ONE_SIDED_DEPTH and rng.chance(1, 4)):
        return 0
    return rng.between(LEAST_HOUSE_LAND, free - LEAST_HOUSE_LAND)


def _branch_counts(rng: Rng, sides: list[Rect], rooms: int) -> list[int]:
    """The number of branches on each side of the corridor."""
    deep = [side for side in sides if side.height >= BRANCHED_DEPTH]
    counts = dict.fromkeys(sides, 0)
    for _ in range(rng.below(min(rooms // 8, (rooms - 4) // 2) + 1) if deep else 0):
        counts[rng.pick(deep)] += 1
    return list(counts.values())


def _branched(rng: Rng, side: Rect, count: int, corridor: int) -> tuple[list[Rect], list[Rect]]:
    """Runs branches across the land on one side of a corridor; gives them, and the lands between them."""
    count = min(count, (side.width - LEAST_HOUSE_LAND) // (LEAST_HOUSE_LAND + corridor))
    at_end = count > 0 and rng.chance(1, 3)
    branches, lands, x = [], [], side.left
    for width in _shares(rng, side.width - count * corridor, count + 1 - at_end):
        lands.append(Rect(x, side.bottom, x + width, side.top))
        branches.append(Rect(x + width, side.bottom, x + width + corridor, side.top))
        x += width + corridor
    return branches[:count], lands


def _shares(rng: Rng, total: int, parts: int) -> list[int]:
    """Cuts a length into parts, each at least `LEAST_HOUSE_LAND`."""
    spare = total - parts * LEAST_HOUSE_LAND
    cuts = [0, *sorted(rng.below(spare + 1) for _ in range(parts - 1)), spare]
    return [LEAST_HOUSE_LAND + high - low for low, high in pairwise(cuts)]


def _capped(rng: Rng, corridors: tuple[Rect, ...], least: int, spare: int) -> tuple[tuple[Rect, ...], tuple[Rect, ...]]:
    """Puts small rooms at some of a corridor's dead ends; gives what is left of the corridor, and them."""
    spine, *branches = corridors
    capped: list[Rect] = []
    caps: list[Rect] = []
    for corridor in corridors:
        length = rng.between(least, least + units(1))
        open_end = (
            max((branch.right for branch in branches), default=spine.left) <= spine.right - length - LEAST_HOUSE_LAND
        )
        fits = open_end if corridor is spine else corridor.height >= LEAST_HOUSE_LAND + length
        if fits and len(caps) < spare and rng.chance(1, 2):
            corridor, cap = _cut_end(corridor, length, spine)
            caps.append(cap)
        capped.append(corridor)
    return tuple(capped), tuple(caps)


def _cut_end(corridor: Rect, length: int, spine: Rect) -> tuple[Rect, Rect]:
    """Cuts a stretch off a corridor's dead end; gives what is left, and it."""
    left, bottom, right, top = corridor
    if corridor is spine:
        return Rect(left, bottom, right - length, top), Rect(right - length, bottom, right, top)
    if bottom == spine.top:
        return Rect(left, bottom, right, top - length), Rect(left, top - length, right, top)
    return Rect(left, bottom + length, right, top), Rect(left, bottom, right, bottom + length)


def notched(rng: Rng, skeleton: Skeleton) -> Skeleton:
    """The house with a random corner taken off, if one can go: its land becomes two, one of them set back."""
    width, height = (max(getattr(tile, side) for tile in skeleton.lands) for side in ('right', 'top'))
    corners = [
        (i, x, y)
        for i, land in enumerate(skeleton.lands)
        for x in {0, width} & {land.left, land.right}
        for y in {0, height} & {land.bottom, land.top}
        if max(land.width, land.height) >= 2 * LEAST_HOUSE_LAND and land.shorter >= LEAST_HOUSE_LAND + LEAST_SETBACK
    ]
    if not corners:
        return skeleton
    i, x, y = rng.pick(sorted(corners))
    lands = skeleton.lands[:i] + skeleton.lands[i + 1 :] + _without_corner(rng, skeleton.lands[i], x, y)
    return skeleton._replace(lands=lands)


def _without_corner(rng: Rng, land: Rect, x: int, y: int) -> tuple[Rect, Rect]:
    """Cuts a land in two across its length, and sets the part at corner (x, y) back from the outline."""
    if land.width < land.height:
        one, other = _without_corner(rng, land.transposed, y, x)
        return one.transposed, other.transposed
    left, bottom, right, top = land
    at = rng.between(left + LEAST_HOUSE_LAND, right - LEAST_HOUSE_LAND)
    back = rng.between(LEAST_SETBACK, land.height - LEAST_HOUSE_LAND)
    whole, corner = Rect(left, bottom, at, top), Rect(at, bottom, right, top)
    if x == left:
        whole, corner = corner, whole
    low, high = (corner.bottom + back, corner.top) if y == bottom else (corner.bottom, corner.top - back)
    return whole, Rect(corner.left, low, corner.right, high)
