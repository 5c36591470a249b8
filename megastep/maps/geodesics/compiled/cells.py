"""The grid of cells that a map is covered by, and the blocks of them whose bits make a word."""

from typing import NamedTuple

import numpy as np
from numba import njit

from megastep.maps.geodesics.compiled.walls import INLINED, PART

SHIFT = 2
BLOCK = 1 << SHIFT
"""The side of a block, in cells: which of them are seen is one word of 16 bits, row by row from the lower left."""


class Cells(NamedTuple):
    """A grid of cells, numbered row by row from the lower left."""

    left: float
    bottom: float
    side: float  # of a cell, in metres
    columns: int
    rows: int


@njit(**PART)
def middle(cells, cell):
    """The middle of a cell."""
    column, row = cell % cells.columns, cell // cells.columns
    return cells.left + (column + 0.5) * cells.side, cells.bottom + (row + 0.5) * cells.side


@njit(**PART)
def block_of(columns, row, column):
    """The block of a cell, where there are so many columns of blocks."""
    return (row >> SHIFT) * columns + (column >> SHIFT)


@njit(**PART)
def bit_of(row, column):
    """The bit of a cell in its block's masks."""
    return (row & (BLOCK - 1)) * BLOCK + (column & (BLOCK - 1))


@njit(**INLINED)
def first_cell(cells, columns, b):
    """The lower left cell of a block, where there are so many columns of blocks."""
    return b // columns * BLOCK * cells.columns + b % columns * BLOCK


@njit(**INLINED)
def cell_of(cells, first, bit):
    """The cell of a bit of a block's masks, given the block's lower left cell."""
    return first + (bit >> SHIFT) * cells.columns + (bit & (BLOCK - 1))


@njit(**INLINED)
def mark_span(axis, line, begin, end, masks, touched, columns, used):
    """Marks the cells of a line from one to before another; returns how many blocks have cells that are marked.

    Args:
        axis: 0 if the line is a column, 1 if it is a row.
        line: Its number.
        begin: The first cell.
        end: The cell after the last; there may be none between.
        masks: (block,) uint16: where to mark.
        touched: (block + 1,): the blocks that have marks.
        columns: How many columns of blocks there are.
        used: How many of them have marks before.
    """
    across, rank, first, last = line >> SHIFT, line & (BLOCK - 1), begin >> SHIFT, (end - 1) >> SHIFT
    for along in range(first, last + 1):
        bits = (1 << BLOCK) - 1
        bits = bits << (begin & (BLOCK - 1)) if along == first else bits
        bits = bits & ((1 << BLOCK) - 1) >> (BLOCK - 1 - ((end - 1) & (BLOCK - 1))) if along == last else bits
        if axis == 0:
            b, mask = along * columns + across, (bits & 1 | (bits & 2) << 3 | (bits & 4) << 6 | (bits & 8) << 9) << rank
        else:
            b, mask = across * columns + along, (bits & ((1 << BLOCK) - 1)) << BLOCK * rank
        touched[used] = b
        used += (masks[b] == 0) & (mask != 0)
        masks[b] |= np.uint16(mask)
    return used
