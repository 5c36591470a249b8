"""Rooms in the slots of a coarse grid: a path or a tree of slots, and the tile of each."""

from __future__ import annotations

from itertools import pairwise
from math import isqrt

from megastep.mapgen.geometry.lattice import Rect
from megastep.mapgen.rng import Rng

Slot = tuple[int, int]
"""A slot by its x and its y index."""

SlotPair = tuple[Slot, Slot]
"""Two slots side by side: an edge of the grid."""

BACKBITES_PER_SLOT = 4
"""The number of times that a path is rewired, for each slot it has."""


def shapes(count: int) -> list[Slot]:
    """The shapes of grids with at least so many slots, two at least, that are about twice as long as wide or less."""
    least = max(min(2, count - 1), isqrt(count // 2))
    return [(width, -(-count // width)) for width in range(least, isqrt(2 * count) + 1)]


def chain(rng: Rng, shape: Slot, count: int) -> list[SlotPair]:
    """A random self-avoiding walk: a path through some slots of a grid.

    It is part of a path through all of them, which begins as one that goes to and fro. To rewire that, its end is
    joined to another slot beside it, and the path cut after that slot, as "backbite" moves do (Mansfield, "Monte Carlo
    studies of polymer chain dimensions in the melt", 1982).

    Args:
        rng: The random number generator.
        shape: The number of slots along x and along y.
        count: The number of slots to take, at most as many as there are.
    """
    width, height = shape
    path = [(i if j % 2 == 0 else width - 1 - i, j) for j in range(height) for i in range(width)]
    for _ in range(BACKBITES_PER_SLOT * len(path)):
        if rng.chance(1, 2):
            path.reverse()
        beside = [slot for slot in _beside(path[-1], shape) if slot not in path[-2:]]
        if beside:
            cut = path.index(rng.pick(beside)) + 1
            path[cut:] = path[cut:][::-1]
    first = rng.below(len(path) - count + 1)
    return list(pairwise(path[first : first + count]))


def tree(rng: Rng, shape: Slot, count: int) -> list[SlotPair]:
    """A random growing tree of some slots of a grid: each is beside one taken before, half of them beside the last.

    Args:
        rng: The random number generator.
        shape: The number of slots along x and along y.
        count: The number of slots to take, at most as many as there are.
    """
    taken = [(rng.below(shape[0]), rng.below(shape[1]))]
    edges = []
    while len(taken) < count:
        free = [(slot, other) for slot in taken for other in _beside(slot, shape) if other not in taken]
        newest = [edge for edge in free if edge[0] == taken[-1]]
        edges.append(rng.pick(newest if newest and rng.chance(1, 2) else free))
        taken.append(edges[-1][1])
    return edges


def loops(rng: Rng, edges: list[SlotPair], count: int) -> list[SlotPair]:
    """Random loops: pairs of taken slots side by side that aren't joined yet, as many as are wanted or as there are."""
    taken = {slot for edge in edges for slot in edge}
    joined = {*edges, *(edge[::-1] for edge in edges)}
    ahead = [(slot, other) for slot in sorted(taken) for other in ((slot[0] + 1, slot[1]), (slot[0], slot[1] + 1))]
    return rng.shuffled([edge for edge in ahead if edge[1] in taken and edge not in joined])[:count]


def tiles(rng: Rng, edges: list[SlotPair], least: int, most: int, core: int) -> dict[Slot, Rect]:
    """The random tile of each slot that is taken. Tiles don't overlap, and those that are joined touch.

    Slots are as wide as the mean of the least and the greatest tile. The border between two lies off the grid by up to
    a quarter of the difference, so that tiles from border to border have all sizes; a tile ends at a border where it is
    joined, and anywhere before it elsewhere. All reach across the middles of their slots, where joined ones touch.

    Args:
        rng: The random number generator.
        edges: The pairs of slots that are joined.
        least: The least width and height of a tile, in lattice units.
        most: The greatest.
        core: The distance that a tile reaches on either side of its slot's middle, in lattice units: at most half of
            ``least``.
    """
    taken = list(dict.fromkeys(slot for edge in edges for slot in edge))
    joined = {*edges, *(edge[::-1] for edge in edges)}
    pitch = (least + most) // 2
    upright, level = _borders(rng, taken, pitch, (most - least) // 4)
    found = {}
    for i, j in taken:
        held = [((i, j), other) in joined for other in _around((i, j))]
        (left, right), (bottom, top) = (
            _span(rng, borders, place * pitch + pitch // 2, least, core, ends)
            for borders, place, ends in (
                ((upright[i, j], upright[i + 1, j]), i, held[:2]),
                ((level[i, j], level[i, j + 1]), j, held[2:]),
            )
        )
        found[i, j] = Rect(left, bottom, right, top)
    return found


def _borders(rng: Rng, taken: list[Slot], pitch: int, sway: int) -> tuple[dict[Slot, int], dict[Slot, int]]:
    """The random x of each slot's left border and y of its lower one, for one slot more along x and y than there are.

    Where four slots meet, those opposite mustn't overlap. So if the upright border below is to the right of the one
    above, the level border on the left mustn't be above the one on the right; and so on.
    """
    width, height = (1 + max(slot[axis] for slot in taken) for axis in (0, 1))
    upright = {(i, j): i * pitch + rng.between(-sway, sway) for i in range(width + 1) for j in range(height)}
    level: dict[Slot, int] = {}
    for j in range(height + 1):
        for i in range(width):
            low, high = j * pitch - sway, j * pitch + sway
            if i and 0 < j < height and upright[i, j - 1] != upright[i, j]:
                right = upright[i, j - 1] > upright[i, j]
                low, high = (level[i - 1, j], high) if right else (low, level[i - 1, j])
            level[i, j] = rng.between(low, high)
    return upright, level


def _span(rng: Rng, borders: tuple[int, int], middle: int, least: int, core: int, held: list[bool]) -> tuple[int, int]:
    """The random interval of a tile between two borders, at either of which it may be held."""
    low, high = borders
    low += 0 if held[0] else rng.between(0, min(high - low - least, middle - core - low))
    high -= 0 if held[1] else rng.between(0, min(high - low - least, high - middle - core))
    return low, high


def _around(slot: Slot) -> tuple[Slot, Slot, Slot, Slot]:
    """The slots to the left, to the right, below and above, in the grid or not."""
    i, j = slot
    return (i - 1, j), (i + 1, j), (i, j - 1), (i, j + 1)


def _beside(slot: Slot, shape: Slot) -> list[Slot]:
    return [(i, j) for i, j in _around(slot) if 0 <= i < shape[0] and 0 <= j < shape[1]]
