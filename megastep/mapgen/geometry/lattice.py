"""Whole-number geometry on a lattice of 5 cm.

A plan is first a set of tiles that meet without gaps. A wall of thickness t stands on the low side of each tile: what
is clear of a tile [left, right) x [bottom, top) is [left + t, right) x [bottom + t, top).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import combinations
from typing import NamedTuple

import numpy as np

from megastep.mapgen.geometry.polygons import followed

PER_METRE = 20
"""Lattice units to a metre."""

Point = tuple[int, int]


class Rect(NamedTuple):
    """A rectangle, in lattice units."""

    left: int
    bottom: int
    right: int
    top: int

    @property
    def width(self) -> int:
        return self.right - self.left

    @property
    def height(self) -> int:
        return self.top - self.bottom

    @property
    def area(self) -> int:
        return self.width * self.height

    @property
    def shorter(self) -> int:
        """The length of the shorter sides."""
        return min(self.width, self.height)

    def grown(self, by: int) -> Rect:
        """The rectangle with each side moved outwards, or inwards by a negative number."""
        return Rect(self.left - by, self.bottom - by, self.right + by, self.top + by)

    def overlaps(self, other: Rect) -> bool:
        """Whether the insides have points in common."""
        across = self.left < other.right and other.left < self.right
        return across and self.bottom < other.top and other.bottom < self.top


class Stretch(NamedTuple):
    """A stretch of wall with clear floor on both sides, in lattice units."""

    upright: bool
    """Whether the wall runs along y."""
    at: int
    """The wall's low side."""
    low: int
    high: int

    @property
    def length(self) -> int:
        return self.high - self.low


def units(metres: float) -> int:
    """The nearest whole number of lattice units."""
    return round(metres * PER_METRE)


def clear(tile: Rect, wall: int) -> Rect:
    """What a wall on its low sides leaves of a tile."""
    return Rect(tile.left + wall, tile.bottom + wall, tile.right, tile.top)


def shared(one: Rect, other: Rect, wall: int) -> Stretch | None:
    """The wall between two tiles that don't overlap, if they share one."""
    if one.right == other.left or other.right == one.left:
        upright, at = True, max(one.left, other.left)
        low, high = max(one.bottom, other.bottom) + wall, min(one.top, other.top)
    elif one.top == other.bottom or other.top == one.bottom:
        upright, at = False, max(one.bottom, other.bottom)
        low, high = max(one.left, other.left) + wall, min(one.right, other.right)
    else:
        return None
    return Stretch(upright, at, low, high) if low < high else None


def opening(stretch: Stretch, wall: int) -> Rect:
    """The gap that a stretch of wall leaves when it is taken out."""
    if stretch.upright:
        return Rect(stretch.at, stretch.low, stretch.at + wall, stretch.high)
    return Rect(stretch.low, stretch.at, stretch.high, stretch.at + wall)


def floor(tiles: Sequence[Rect], wall: int) -> list[Rect]:
    """What is clear of a room of several tiles: the tiles', then the gaps where there would be walls between them."""
    inner = [found for one, other in combinations(tiles, 2) if (found := shared(one, other, wall))]
    gaps = [opening(stretch, wall) for stretch in inner]
    return [clear(tile, wall) for tile in tiles] + gaps + _posts(inner, wall)


def _posts(stretches: Sequence[Stretch], wall: int) -> list[Rect]:
    """Where three or four walls of a room's meet that are all taken out: a post would be left there alone."""
    ends = Counter(
        (stretch.at, at) if stretch.upright else (at, stretch.at)
        for stretch in stretches
        for at in (stretch.low - wall, stretch.high)
    )
    return [Rect(x, y, x + wall, y + wall) for (x, y), count in sorted(ends.items()) if count >= 3]


def subtract(rect: Rect, hole: Rect) -> list[Rect]:
    """Up to four rectangles that cover what a hole leaves of a rectangle."""
    if not rect.overlaps(hole):
        return [rect]
    bottom, top = max(rect.bottom, hole.bottom), min(rect.top, hole.top)
    parts = [
        Rect(rect.left, rect.bottom, rect.right, bottom),
        Rect(rect.left, bottom, hole.left, top),
        Rect(hole.right, bottom, rect.right, top),
        Rect(rect.left, top, rect.right, rect.top),
    ]
    return [part for part in parts if part.width > 0 and part.height > 0]


def rings(rects: Iterable[Rect]) -> list[list[Point]]:
    """The outlines of a union of rectangles: its outer ones anticlockwise, its holes clockwise.

    Each ring has only true corners and begins at its least one; the rings are in order. So equal unions have equal
    rings, whatever rectangles they are made of.

    Raises:
        ValueError: if the union touches itself at a corner.
    """
    return trace(*_raster(rects))


def trace(covered: np.ndarray, xs: Sequence[int], ys: Sequence[int]) -> list[list[Point]]:
    """The outlines of the covered cells of a grid, as `rings` gives them.

    Args:
        covered: Which cells are, of which those at the grid's edge aren't: (row, column), of 0 and 1.
        xs: Where the lines between columns are: one less than there are columns.
        ys: Where the lines between rows are.

    Raises:
        ValueError: if the covered cells touch themselves at a corner.
    """
    up = len(ys)
    return [[(xs[corner // up], ys[corner % up]) for corner in ring] for ring in followed(_boundary(covered))]


def _boundary(covered: np.ndarray) -> dict[int, int]:
    """The walls around the covered cells of a grid, from corner to corner, what is covered on their left.

    Corners are numbered, upwards and then column by column, because a number is made faster than a point.
    """
    up = covered.shape[0] - 1
    (line, first, last), (upright, low, high) = _runs(covered), _runs(covered.T)
    starts = np.concatenate([up * first + line, up * upright + high])
    ends = dict(zip(starts.tolist(), np.concatenate([up * last + line, up * upright + low]).tolist(), strict=True))
    if len(ends) < len(starts):
        raise ValueError('the free space touches itself at a corner.')
    return ends


def _raster(rects: Iterable[Rect]) -> tuple[np.ndarray, list[int], list[int]]:
    """Which cells between the rectangles' sides are covered, with a margin; and the coordinates of the sides."""
    rects = list(rects)
    xs = sorted({x for rect in rects for x in (rect.left, rect.right)})
    ys = sorted({y for rect in rects for y in (rect.bottom, rect.top)})
    columns, rows = {x: i for i, x in enumerate(xs, 1)}, {y: i for i, y in enumerate(ys, 1)}
    covered = np.zeros((len(ys) + 1, len(xs) + 1), dtype=np.int8)
    for left, bottom, right, top in rects:
        covered[rows[bottom] : rows[top], columns[left] : columns[right]] = 1
    return covered, xs, ys


def _runs(covered: np.ndarray) -> np.ndarray:
    """Sides between rows of cells: which line each is on, and from where to where, what is covered lying above a side
    to the right, and below one to the left.
    """
    steps = np.diff(covered, axis=0)
    found = []
    for sign in (1, -1):
        changes = np.diff((steps == sign).astype(np.int8), axis=1)
        lines, starts = np.nonzero(changes == 1)
        stops = np.nonzero(changes == -1)[1]
        found.append((lines, starts, stops) if sign == 1 else (lines, stops, starts))
    return np.concatenate(found, axis=1)
