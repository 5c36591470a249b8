"""Nodes in square bins, to find those near a point."""

from typing import NamedTuple

import numpy as np
from numba import njit

from megastep.maps.geodesics.compiled.cells import Cells
from megastep.maps.geodesics.compiled.walls import KERNEL, PART, square

BIN = 8
"""The side of a bin of nodes, in cells: further away, a node that a point sees is seen from next to it too."""

NEAR = 0.3
"""So near, in metres, a corner may hide from a point what it hides from no cell around the point's."""


class Bins(NamedTuple):
    """The nodes in square bins of `BIN` cells: bin b's are ``nodes[firsts[b]:firsts[b + 1]]``."""

    firsts: np.ndarray  # (bin + 1,)
    nodes: np.ndarray  # (node,)
    columns: int
    rows: int


def make_bins(cells: Cells, points: np.ndarray) -> Bins:
    """Sorts nodes into bins."""
    columns, rows = cells.columns // BIN + 1, cells.rows // BIN + 1
    bins = Bins(np.zeros(columns * rows + 1, np.int64), np.empty(len(points), np.int64), columns, rows)
    fill_bins(cells, points, bins)
    return bins


@njit(**PART)
def bin_of(cells, bins, x, y):
    """The bin of a point."""
    row = square(y, cells.bottom, BIN * cells.side, bins.rows)
    return row * bins.columns + square(x, cells.left, BIN * cells.side, bins.columns)


@njit(**KERNEL)
def fill_bins(cells, points, bins):
    """Fills the arrays of `Bins`; firsts are zeros before."""
    firsts, nodes, total = bins.firsts, bins.nodes, np.int64(0)
    for i in range(len(points)):
        firsts[bin_of(cells, bins, points[i, 0], points[i, 1]) + 1] += 1
    for b in range(1, len(firsts)):  # firsts[b] is where the next node of bin b - 1 goes
        count = firsts[b]
        firsts[b] = total
        total += count
    for i in range(len(points)):
        b = bin_of(cells, bins, points[i, 0], points[i, 1])
        nodes[firsts[b + 1]] = i
        firsts[b + 1] += 1


@njit(**PART)
def has_near(cells, bins, points, x, y, cell):
    """True if a node is nearer to a point of a cell than `NEAR`."""
    column, row = cell % cells.columns, cell // cells.columns
    for j in range(max(row // BIN - 1, 0), min(row // BIN + 2, bins.rows)):
        first = j * bins.columns
        begin, end = first + max(column // BIN - 1, 0), first + min(column // BIN + 2, bins.columns)
        for k in range(bins.firsts[begin], bins.firsts[end]):
            dx, dy = points[bins.nodes[k], 0] - x, points[bins.nodes[k], 1] - y
            if dx * dx + dy * dy < NEAR * NEAR:
                return True
    return False
