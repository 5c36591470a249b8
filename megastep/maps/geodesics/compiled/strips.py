"""The lines of cells' middles, and what of walls and corners stands in the strips between them."""

import math
from typing import NamedTuple

import numpy as np
from numba import njit

from megastep.maps.geodesics.compiled.cells import Cells
from megastep.maps.geodesics.compiled.walls import INLINED, KERNEL, PART

STRETCH = 4
"""The cells of a stretch."""

WORD = 64
"""So many stretches have bits in one word."""


class Strips(NamedTuple):
    """Contents of each strip between two neighbouring lines of cells' middles, by v. Strip i ends at line i.

    Strip 0 has all before the first line as well, and the last all behind the last line.
    """

    axis: int  # 0 if u is x and v is y, 1 if it is the other way around
    first: float  # u of the first line
    low: float  # v of a line's first cell's middle
    side: float  # of a cell, in metres
    lines: int
    length: int  # cells of a line
    piece_firsts: np.ndarray  # (strip + 1,)
    pieces: np.ndarray  # (piece, 4): parts of walls: u and v of both ends, free space to the left as u and v are drawn
    highest: np.ndarray  # (piece,): the highest v of this piece or of one before it in the strip
    corner_firsts: np.ndarray  # (strip + 1,)
    corners: np.ndarray  # (corner, 2): u and v of reflex corners
    has_piece: np.ndarray  # (strip, word) uint64: a bit for each stretch of cells in which there is a piece
    has_corner: np.ndarray  # (strip, word) uint64: or a corner
    has_near: np.ndarray  # (strip, word) uint64: or a piece, or a corner whose disc may hide cells of the strip


@njit(**PART)
def strip_of(strips_first, side, lines, u):
    """The number of the strip that a coordinate is in."""
    return min(max(int(np.ceil((u - strips_first) / side)), 0), lines)


def make_strips(walls: np.ndarray, corners: np.ndarray, cells: Cells, radius: float, axis: int) -> Strips:
    """Cuts walls into the pieces that strips have of them, and sorts pieces and corners by strip and v."""
    first = (cells.left if axis == 0 else cells.bottom) + cells.side / 2
    low = (cells.bottom if axis == 0 else cells.left) + cells.side / 2
    lines, length = (cells.columns, cells.rows) if axis == 0 else (cells.rows, cells.columns)
    most = int(2 * len(walls) + (np.abs(walls[:, 2 + axis] - walls[:, axis]) // cells.side).sum())
    firsts, pieces, highest = np.zeros((2, lines + 2), np.int64), np.empty((most, 4)), np.empty(most)
    stretches = np.zeros((3, lines + 1, length // (STRETCH * WORD) + 1), np.uint64)
    sorted_corners, room = np.empty((len(corners), 2)), max(most, len(corners))
    work = np.empty((most, 4)), np.empty(room), np.empty((2, room), np.int64), np.empty(lines + 1, np.int64)
    fill_strips(walls, corners, axis, first, cells.side, lines, firsts, pieces, highest, sorted_corners, *work)
    mark_stretches(
        low, cells.side, 4 * radius, math.ceil(radius / cells.side), firsts, pieces, sorted_corners, stretches
    )
    return Strips(
        axis, first, low, cells.side, lines, length, firsts[0], pieces, highest, firsts[1], sorted_corners, *stretches
    )


@njit(**INLINED)
def stretch_of(v, words):
    """The stretch that a coordinate, in stretches, is in, or the nearest of those that so many words have bits for."""
    return int(min(max(v, 0.0), words * WORD - 1.0))


@njit(**KERNEL)
def mark_stretches(low, side, reach, ahead, firsts, pieces, corners, stretches):
    """Sets the bits of the stretches in which there are pieces, of those in which there are corners, and of all near.

    Args:
        low: See `Strips`.
        side: Of a cell.
        reach: How far from a corner, in metres, is near.
        ahead: How many strips from it are.
        firsts: (2, strip + 1): where each strip's pieces begin, and its corners.
        pieces: See `Strips`.
        corners: See `Strips`.
        stretches: (3, strip, word): to write; zeros before.
    """
    strips, scale = stretches.shape[1], 1 / (STRETCH * side)
    for s in range(strips):
        for k in range(firsts[0, s], firsts[0, s + 1]):
            begin, end = min(pieces[k, 1], pieces[k, 3]) - low, max(pieces[k, 1], pieces[k, 3]) - low
            mark_stretch(stretches[0, s], begin * scale, end * scale)
            mark_stretch(stretches[2, s], begin * scale, end * scale)
        for k in range(firsts[1, s], firsts[1, s + 1]):
            v = corners[k, 1] - low
            mark_stretch(stretches[1, s], v * scale, v * scale)
            for other in range(max(s - ahead, 0), min(s + ahead + 1, strips)):
                mark_stretch(stretches[2, other], (v - reach) * scale, (v + reach) * scale)


@njit(**PART)
def mark_stretch(bits, begin, end):
    """Sets the bits of a strip's stretches from one coordinate to another, in stretches."""
    for at in range(stretch_of(begin, len(bits)), stretch_of(end, len(bits)) + 1):
        bits[at // WORD] |= np.uint64(1) << np.uint64(at % WORD)


@njit(**INLINED)
def has_any(stretches, s, begin, end):
    """True if one of a strip's stretches from one coordinate to another, in stretches, has its bit set."""
    words = stretches.shape[1]
    first, last, found = stretch_of(begin, words), stretch_of(end, words), np.uint64(0)
    for word in range(first // WORD, last // WORD + 1):
        bits = stretches[s, word]
        bits = bits >> np.uint64(first % WORD) << np.uint64(first % WORD) if word == first // WORD else bits
        bits = bits << np.uint64(WORD - 1 - last % WORD) if word == last // WORD else bits
        found |= bits
    return found != 0


@njit(**KERNEL)
def fill_strips(
    walls, corners, axis, first, side, lines, firsts, pieces, highest, sorted_corners, cuts, keys, numbers, ends
):
    """Fills the arrays of `Strips`, the pieces' and the corners' firsts in one; the last four are to work in."""
    used, strips, order = np.int64(0), numbers[0], numbers[1]
    for w in range(len(walls)):
        used = cut(walls, w, axis, first, side, lines, cuts, strips, used)
    for k in range(used):
        keys[k] = min(cuts[k, 1], cuts[k, 3])
    by_strip(strips, keys, used, firsts[0], ends, order)
    for k in range(used):
        for m in range(4):
            pieces[k, m] = cuts[order[k], m]
        highest[k] = max(pieces[k, 1], pieces[k, 3])
    for s in range(lines + 1):
        for k in range(firsts[0, s] + 1, firsts[0, s + 1]):
            highest[k] = max(highest[k], highest[k - 1])
    for k in range(len(corners)):
        strips[k], keys[k] = strip_of(first, side, lines, corners[k, axis]), corners[k, 1 - axis]
    by_strip(strips, keys, len(corners), firsts[1], ends, order)
    for k in range(len(corners)):
        sorted_corners[k, 0], sorted_corners[k, 1] = corners[order[k], axis], corners[order[k], 1 - axis]


@njit(**PART)
def cut(walls, w, axis, first, side, lines, cuts, owners, used):
    """Cuts a wall at the lines it crosses, and writes each piece and its strip; returns how many are used then."""
    au, av, bu, bv = walls[w, axis], walls[w, 1 - axis], walls[w, 2 + axis], walls[w, 3 - axis]
    if axis == 1:
        au, av, bu, bv = bu, bv, au, av  # as u and v are drawn, its free space is to its left again
    s, last = strip_of(first, side, lines, min(au, bu)), strip_of(first, side, lines, max(au, bu))
    while s <= last:
        begin = first + (s - 1) * side if s > 0 else -np.inf
        end = first + s * side if s < lines else np.inf
        for k in range(2):
            u = min(max(au if k == 0 else bu, begin), end)
            v = av if k == 0 else bv
            if u != (au if k == 0 else bu):
                v = av + (bv - av) * (u - au) / (bu - au)
            cuts[used, 2 * k], cuts[used, 2 * k + 1] = u, v
        owners[used] = s
        used, s = used + 1, s + 1
    return used


@njit(**PART)
def by_strip(strips, keys, used, firsts, ends, order):
    """Sorts the first of some things by strip, and by key in each: writes the order, and where each strip begins.

    Args:
        strips: Each one's strip.
        keys: Its key.
        used: How many there are.
        firsts: (strip + 1,): where each strip begins; zeros before.
        ends: (strip,): to work in.
        order: Their numbers in order.
    """
    for k in range(used):
        firsts[strips[k] + 1] += 1
    for s in range(len(ends)):
        ends[s] = firsts[s]
        firsts[s + 1] += firsts[s]
    for k in range(used):  # a strip has few, for which insertion is the fastest
        s = strips[k]
        at = ends[s]
        while at > firsts[s] and keys[order[at - 1]] > keys[k]:
            order[at] = order[at - 1]
            at -= 1
        order[at] = k
        ends[s] += 1
