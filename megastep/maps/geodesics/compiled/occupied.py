"""Occupied cells: those whose middle a disc's centre can't be at, because a wall is nearer than the disc's radius."""

import numpy as np
from numba import njit

from megastep.maps.geodesics.compiled.cells import BLOCK, Cells, bit_of, block_of, middle
from megastep.maps.geodesics.compiled.walls import KERNEL, TOUCHING, WallGrid, distance, square


def occupied_cells(grid: WallGrid, cells: Cells) -> np.ndarray:
    """Finds the occupied cells: a mask for every block, see `BLOCK`, row by row."""
    columns, rows = -(-cells.columns // BLOCK), -(-cells.rows // BLOCK)
    masks = np.zeros(columns * rows, np.uint16)
    mark_occupied(grid.walls, grid.radius, cells, columns, masks)
    return masks


@njit(**KERNEL)
def mark_occupied(walls, radius, cells, columns, masks):
    """Sets the bits of occupied cells: wall by wall, and row by row where the disc may overlap it."""
    for w in range(len(walls)):
        ax, ay, bx, by = walls[w, 0], walls[w, 1], walls[w, 2], walls[w, 3]
        low, high, rise = min(ax, bx) - radius, max(ax, bx) + radius, abs(by - ay)
        reach = radius * np.sqrt((bx - ax) * (bx - ax) + rise * rise) + TOUCHING
        bottom = square(min(ay, by) - radius, cells.bottom, cells.side, cells.rows)
        for row in range(bottom, square(max(ay, by) + radius, cells.bottom, cells.side, cells.rows) + 1):
            left, right = low, high
            if (high - low) * rise > 2 * reach:  # narrower is the strip as wide as the disc along the wall
                at = ax + (cells.bottom + (row + 0.5) * cells.side - ay) * (bx - ax) / (by - ay)
                left, right = max(low, at - reach / rise), min(high, at + reach / rise)
            first = square(left, cells.left, cells.side, cells.columns)
            for column in range(first, square(right, cells.left, cells.side, cells.columns) + 1):
                x, y = middle(cells, row * cells.columns + column)
                if distance(walls, w, x, y) < radius:
                    masks[block_of(columns, row, column)] |= np.uint16(1 << bit_of(row, column))
