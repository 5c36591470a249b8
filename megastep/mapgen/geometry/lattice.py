"""Rectangles on an integer lattice of 5 cm, and the outlines of their unions.

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
from megastep.mapgen.plan import LATTICE_STEP, MILLIMETRES_PER_METRE, Point

UNITS_PER_METRE = MILLIMETRES_PER_METRE // LATTICE_STEP
"""The number of lattice units in a metre."""

LatticePoint = tuple[int, int]
"""A point of the lattice: x and y in lattice units."""


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
        """The length of the shorter sides, in lattice units."""
        return min(self.width, self.height)

    def grown(self, by: int) -> Rect:
        """The rectangle dilated: with each side moved outwards, or inwards by a negative number."""
        return Rect(self.left - by, self.bottom - by, self.right + by, self.top + by)

    def overlaps(self, other: Rect) -> bool:
        """Intersection test: true if the insides have points in common."""
        across = self.left < other.right and other.left < self.right
        return across and self.bottom < other.top and other.bottom < self.top

    @property
    def transposed(self) -> Rect:
        """The mirror image in the diagonal: x and y swapped."""
        return Rect(self.bottom, self.left, self.top, self.right)


class Stretch(NamedTuple):
    """A stretch of wall with clear floor on both sides, in lattice units."""

    upright: bool
    """True if the wall runs along y."""
    at: int
    """The coordinate of the wall's low side."""
    low: int
    high: int

    @property
    def length(self) -> int:
        return self.high - self.low


def units(metres: float) -> int:
    """A length in lattice units, rounded to the nearest.

    Args:
        metres: The length in metres.
    """
    return round(metres * UNITS_PER_METRE)


def square_units(square_metres: float) -> int:
    """An area in square lattice units, rounded to the nearest.

    Args:
        square_metres: The area in square metres.
    """
    return round(square_metres * UNITS_PER_METRE**2)


def in_millimetres(corners: Iterable[LatticePoint]) -> list[Point]:
    """Points of the lattice in millimetres."""
    return [(LATTICE_STEP * x, LATTICE_STEP * y) for x, y in corners]


def clear(tile: Rect, wall: int) -> Rect:
    """The clear part of a tile: the tile without a wall on its low sides."""
    return Rect(tile.left + wall, tile.bottom + wall, tile.right, tile.top)


def shared(one: Rect, other: Rect, wall: int) -> Stretch | None:
    """The shared wall of two tiles that don't overlap, if they have one: adjacency."""
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
    """The opening that a stretch of wall leaves when it is taken out."""
    if stretch.upright:
        return Rect(stretch.at, stretch.low, stretch.at + wall, stretch.high)
    return Rect(stretch.low, stretch.at, stretch.high, stretch.at + wall)


def floor(tiles: Sequence[Rect], wall: int) -> list[Rect]:
    """The clear floor of a room of several tiles: theirs, then the openings where there would be walls between them."""
    inner = [found for one, other in combinations(tiles, 2) if (found := shared(one, other, wall))]
    openings = [opening(stretch, wall) for stretch in inner]
    return [clear(tile, wall) for tile in tiles] + openings + _junctions(inner, wall)


def _junctions(stretches: Sequence[Stretch], wall: int) -> list[Rect]:
    """The places where three or four walls of a room meet that are all taken out: a stub would be left there alone."""
    ends = Counter(
        (stretch.at, at) if stretch.upright else (at, stretch.at)
        for stretch in stretches
        for at in (stretch.low - wall, stretch.high)
    )
    return [Rect(x, y, x + wall, y + wall) for (x, y), count in sorted(ends.items()) if count >= 3]


def subtract(rect: Rect, hole: Rect) -> list[Rect]:
    """The difference of two rectangles: up to four that cover what a hole leaves of a rectangle."""
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


def rings(rects: Iterable[Rect]) -> list[list[LatticePoint]]:
    """The boundary of a union of rectangles: its outer rings anticlockwise, its holes clockwise.

    Each ring has only true corners and begins at its least one; the rings are in order. So equal unions have equal
    rings, whatever rectangles they are made of.

    Raises:
        ValueError: if the union touches itself at a corner.
    """
    return trace(*_rasterized([(rects, 1)]))


def trace(covered: np.ndarray, xs: Sequence[int], ys: Sequence[int]) -> list[list[LatticePoint]]:
    """Boundary tracing: the outlines of the covered cells of a grid, as `rings` gives them.

    Args:
        covered: 1 for each cell that is covered, else 0, as at the grid's edge: shape (y, x).
        xs: The x of the lines between cells: one less than there are cells along x.
        ys: The y of the lines between cells.

    Raises:
        ValueError: if the covered cells touch themselves at a corner.
    """
    up = len(ys)
    return [[(xs[corner // up], ys[corner % up]) for corner in ring] for ring in followed(_boundary(covered))]


def _boundary(covered: np.ndarray) -> dict[int, int]:
    """The walls around the covered cells of a grid, from corner to corner, what is covered on their left.

    Corners are numbered, first upwards and then to the right, because a number is made faster than a point.
    """
    up = covered.shape[0] - 1
    (line, first, last), (upright, low, high) = _runs(covered), _runs(covered.T)
    starts = np.concatenate([up * first + line, up * upright + high])
    ends = dict(zip(starts.tolist(), np.concatenate([up * last + line, up * upright + low]).tolist(), strict=True))
    if len(ends) < len(starts):
        raise ValueError('the free space touches itself at a corner.')
    return ends


def difference(rects: Sequence[Rect], solids: Sequence[Rect]) -> list[Rect]:
    """The difference of two unions of rectangles, as rectangles that don't overlap.

    Args:
        rects: What the first union is made of.
        solids: What is taken away.
    """
    free, xs, ys = _rasterized([(rects, 1), (solids, 0)])
    steps = np.diff(free, axis=1)
    rows, starts = np.nonzero(steps == 1)
    stops = np.nonzero(steps == -1)[1]
    runs = zip(rows.tolist(), starts.tolist(), stops.tolist(), strict=True)
    return [Rect(xs[start], ys[row - 1], xs[stop], ys[row]) for row, start, stop in runs]


def _rasterized(layers: Iterable[tuple[Iterable[Rect], int]]) -> tuple[np.ndarray, list[int], list[int]]:
    """The cells between all rectangles' sides, each with the value of the last layer that covers it, and a margin of 0;
    and the coordinates of the sides.
    """
    boxes = [(rect, value) for rects, value in layers for rect in rects]
    xs = sorted({x for rect, _ in boxes for x in (rect.left, rect.right)})
    ys = sorted({y for rect, _ in boxes for y in (rect.bottom, rect.top)})
    x_index, y_index = {x: i for i, x in enumerate(xs, 1)}, {y: i for i, y in enumerate(ys, 1)}
    covered = np.zeros((len(ys) + 1, len(xs) + 1), dtype=np.int8)
    for (left, bottom, right, top), value in boxes:
        covered[y_index[bottom] : y_index[top], x_index[left] : x_index[right]] = value
    return covered, xs, ys


def _runs(covered: np.ndarray) -> np.ndarray:
    """The sides between rows of cells: the line that each is on, and its start and stop, what is covered lying above a
    side to the right, and below one to the left.
    """
    steps = np.diff(covered, axis=0)
    found = []
    for sign in (1, -1):
        changes = np.diff((steps == sign).astype(np.int8), axis=1)
        lines, starts = np.nonzero(changes == 1)
        stops = np.nonzero(changes == -1)[1]
        found.append((lines, starts, stops) if sign == 1 else (lines, stops, starts))
    return np.concatenate(found, axis=1)
