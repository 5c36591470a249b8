"""The lines of cells' middles, and what of walls and corners stands in the strips between them."""

from typing import NamedTuple

import numpy as np
from numba import njit


class Cells(NamedTuple):
    """A grid of cells, numbered row by row from the lower left."""

    left: float
    bottom: float
    side: float  # of a cell, in metres
    columns: int
    rows: int


@njit(cache=True, nogil=True, error_model='numpy')
def middle(cells, cell):
    """The middle of a cell."""
    column, row = cell % cells.columns, cell // cells.columns
    return cells.left + (column + 0.5) * cells.side, cells.bottom + (row + 0.5) * cells.side


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


@njit(cache=True, nogil=True, error_model='numpy')
def strip_of(strips_first, side, lines, u):
    """The number of the strip that a coordinate is in."""
    return min(max(int(np.ceil((u - strips_first) / side)), 0), lines)


def make_strips(walls: np.ndarray, corners: np.ndarray, cells: Cells, axis: int) -> Strips:
    """Cuts walls into the pieces that strips have of them, and sorts pieces and corners by strip and v."""
    along, across = (0, 1) if axis == 0 else (1, 0)
    first = (cells.left if axis == 0 else cells.bottom) + cells.side / 2
    low = (cells.bottom if axis == 0 else cells.left) + cells.side / 2
    lines, length = (cells.columns, cells.rows) if axis == 0 else (cells.rows, cells.columns)
    most = int(2 * len(walls) + (np.abs(walls[:, 2 + along] - walls[:, along]) // cells.side).sum())
    pieces, owners = np.empty((most, 4)), np.empty(most, np.int64)
    used = cut_all(walls, along, across, first, cells.side, lines, pieces, owners)
    order, piece_firsts = by_strip(owners[:used], np.minimum(pieces[:used, 1], pieces[:used, 3]), lines + 1)
    pieces = pieces[order]
    highest = np.maximum(pieces[:, 1], pieces[:, 3])
    accumulate(highest, piece_firsts)
    homes = np.ceil((corners[:, along] - first) / cells.side).clip(0, lines).astype(np.int64)
    order, corner_firsts = by_strip(homes, np.array(corners[:, across]), lines + 1)
    turned = np.array(corners[order][:, [along, across]], order='C')
    return Strips(axis, first, low, cells.side, lines, length, piece_firsts, pieces, highest, corner_firsts, turned)


@njit(cache=True, nogil=True, error_model='numpy')
def accumulate(highest, firsts):
    """Makes each number of a strip the highest up to it, in place."""
    for s in range(len(firsts) - 1):
        for k in range(firsts[s] + 1, firsts[s + 1]):
            highest[k] = max(highest[k], highest[k - 1])


@njit(cache=True, nogil=True, error_model='numpy')
def cut_all(walls, along, across, first, side, lines, pieces, owners):
    """Cuts all walls: see `cut`."""
    used = np.int64(0)
    for w in range(len(walls)):
        used = cut(walls[w], along, across, first, side, lines, pieces, owners, used)
    return used


@njit(cache=True, nogil=True, error_model='numpy')
def cut(wall, along, across, first, side, lines, pieces, owners, used):
    """Cuts a wall at the lines it crosses, and writes each piece and its strip; returns how many are used then."""
    au, av, bu, bv = wall[along], wall[across], wall[2 + along], wall[2 + across]
    if along == 1:
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
            pieces[used, 2 * k], pieces[used, 2 * k + 1] = u, v
        owners[used] = s
        used, s = used + 1, s + 1
    return used


@njit(cache=True, nogil=True, error_model='numpy')
def by_strip(strips, keys, count):
    """Sorts by strip, and by key in each: the numbers in order, and where each strip begins."""
    firsts, ends = np.empty(count + 1, np.int64), np.empty(count, np.int64)
    firsts[:] = 0
    for s in strips:
        firsts[s + 1] += 1
    for s in range(count):
        ends[s] = firsts[s]
        firsts[s + 1] += firsts[s]
    found = np.empty(len(strips), np.int64)
    for k in range(len(strips)):  # a strip has few, for which insertion is the fastest
        s = strips[k]
        at = ends[s]
        while at > firsts[s] and keys[found[at - 1]] > keys[k]:
            found[at] = found[at - 1]
            at -= 1
        found[at] = k
        ends[s] += 1
    return found, firsts
