"""Occupancy grids: a map's configuration space on a square grid, and geodesic distance transforms of it."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int
from numba import njit

FINE = 0.1
"""The distance between cells, in metres, unless that makes too many."""

COARSE = 0.2
"""The greatest distance between cells, in metres: a door of 0.75 m stays open."""

MOST_CELLS = 1 << 16
"""A grid should have no more cells than this."""

MOVES = np.array(
    [(1, 0), (0, 1), (-1, 0), (0, -1), (1, 1), (-1, 1), (-1, -1), (1, -1)]
    + [(2, 1), (1, 2), (-1, 2), (-2, 1), (-2, -1), (-1, -2), (1, -2), (2, -1)]
)
"""From a cell to those that a chess king and a knight reach: ways are at most 2.7 % too long."""

NEAR = 3
"""A point in a blocked cell counts as in the nearest free one that is up to this many cells away."""


class Grid(NamedTuple):
    """An occupancy grid of the configuration space. Cell (row, column) is at ``corner + step * (column, row)``."""

    free: Bool[np.ndarray, 'row column']
    """True where the centre of the disc can be."""
    corner: Float[np.ndarray, ' xy']
    """The place of the first cell, in metres."""
    step: float
    """The distance between neighbouring cells, in metres."""

    def places(self, cells: Int[np.ndarray, ' cell']) -> Float[np.ndarray, 'cell 2']:
        """The places of cells, in metres."""
        rows, columns = np.divmod(cells, self.free.shape[1])
        return self.corner + self.step * np.stack([columns, rows], axis=1)

    def cell(self, point: Float[np.ndarray, ' xy']) -> int:
        """The free cell nearest to a point, -1 if none is near."""
        column, row = np.rint((point - self.corner) / self.step).astype(int).tolist()
        return _nearest(self.free, row, column)


def make_grid(walls: Float[np.ndarray, 'wall 2 2'], radius: float) -> Grid:
    """Lays an occupancy grid over a map: 10 cm fine, and up to 20 cm where there would be more than 65,536 cells.

    Args:
        walls: The map's walls, in metres.
        radius: How far a free cell is from all walls, in metres.
    """
    low, high = walls.min(axis=(0, 1)), walls.max(axis=(0, 1))
    step = min(max(FINE, math.sqrt(np.prod(high - low) / MOST_CELLS)), COARSE)
    columns, rows = np.ceil((high - low) / step).astype(int)
    corner = low + step / 2
    return Grid(_free(walls, corner, step, radius, rows, columns), corner, step)


@njit(cache=True, nogil=True, error_model='numpy')
def _free(walls, corner, step, radius, rows, columns):
    """Rasterises the configuration space: cells that the walls wind around and lie no nearer to than the radius."""
    winding = np.zeros((rows, columns + 1), np.int32)
    for wall in range(len(walls)):
        ax, ay = (walls[wall, 0] - corner) / step
        bx, by = (walls[wall, 1] - corner) / step
        up = 1 if ay < by else -1
        low, high = min(ay, by), max(ay, by)
        for row in range(max(math.ceil(low), 0), min(math.ceil(high), rows)):  # the wall owns its lower end
            column = math.ceil(ax + (row - ay) * (bx - ax) / (by - ay))
            winding[row, 0] += up
            winding[row, min(max(column, 0), columns)] -= up
    free = np.empty((rows, columns), np.bool_)
    for row in range(rows):
        total = 0
        for column in range(columns):
            total += winding[row, column]
            free[row, column] = total > 0
    _block(free, walls, corner, step, radius)
    return free


@njit(cache=True, nogil=True, error_model='numpy')
def _block(free, walls, corner, step, radius):
    """Blocks the cells that lie nearer to a wall than the radius."""
    rows, columns = free.shape
    reach = radius / step
    for wall in range(len(walls)):
        ax, ay = (walls[wall, 0] - corner) / step
        bx, by = (walls[wall, 1] - corner) / step
        vx, vy = bx - ax, by - ay
        for row in range(max(math.ceil(min(ay, by) - reach), 0), min(math.floor(max(ay, by) + reach) + 1, rows)):
            left, right = math.ceil(min(ax, bx) - reach), math.floor(max(ax, bx) + reach)
            for column in range(max(left, 0), min(right + 1, columns)):
                along = ((column - ax) * vx + (row - ay) * vy) / (vx * vx + vy * vy)
                along = min(max(along, 0.0), 1.0)
                dx, dy = column - ax - along * vx, row - ay - along * vy
                if dx * dx + dy * dy < reach * reach:
                    free[row, column] = False


def _nearest(free: Bool[np.ndarray, 'row column'], row: int, column: int) -> int:
    """The free cell nearest to another, counted row by row, -1 if none is near."""
    low, left = max(row - NEAR, 0), max(column - NEAR, 0)
    rows, columns = np.nonzero(free[low : max(row + NEAR + 1, 0), left : max(column + NEAR + 1, 0)])
    if not len(rows):
        return -1
    nearest = ((rows + low - row) ** 2 + (columns + left - column) ** 2).argmin()
    return int((rows[nearest] + low) * free.shape[1] + columns[nearest] + left)


@njit(cache=True, nogil=True, error_model='numpy')
def distance_transform(free: np.ndarray, source: int) -> tuple[np.ndarray, np.ndarray]:
    """Geodesic distance transform: the shortest way from a cell to each other, and the cell before each on that way.

    The cells at a finite distance are those that a flood fill reaches. It is Dijkstra's algorithm with buckets (Dial
    1969, Denardo and Fox 1979): no move is shorter than a bucket is wide, so a bucket's cells are final when its turn
    comes. No move goes through a blocked cell.

    Args:
        free: (row, column) which cells can be gone through.
        source: The cell to start from, counted row by row.

    Returns:
        (cell,) the ways' lengths in steps, infinite where there is none; and (cell,) the cells before, -1 where there
        is none.
    """
    rows, columns = free.shape
    lengths, before = np.full(free.size, np.inf), np.full(free.size, -1)
    waiting, counts = np.empty((4, free.size), np.int64), np.zeros(4, np.int64)
    lengths[source] = 0
    waiting[0, 0], counts[0] = source, 1
    bucket, idle = 0, 0
    while idle < 4:
        turn = bucket % 4
        idle = 0 if counts[turn] else idle + 1
        for i in range(counts[turn]):
            cell = waiting[turn, i]
            if int(lengths[cell]) != bucket:  # a shorter way was found since
                continue
            row, column = cell // columns, cell % columns
            for move in range(len(MOVES)):
                dx, dy = MOVES[move]
                x, y = column + dx, row + dy
                if not (0 <= x < columns and 0 <= y < rows and free[y, x]):
                    continue
                half_x, half_y = int(dx / 2), int(dy / 2)  # a knight's move passes between two cells
                if not (free[row + half_y, column + half_x] and free[y - half_y, x - half_x]):
                    continue
                length, other = lengths[cell] + math.sqrt(dx * dx + dy * dy), y * columns + x
                if length < lengths[other]:
                    known = lengths[other] < np.inf and int(lengths[other]) == int(length)
                    lengths[other], before[other] = length, cell
                    if not known:
                        into = int(length) % 4
                        waiting[into, counts[into]] = other
                        counts[into] += 1
        counts[turn] = 0
        bucket += 1
    return lengths, before


def path(before: Int[np.ndarray, ' cell'], target: int) -> Int[np.ndarray, ' step']:
    """Backtracks the shortest path to ``target`` from its end to its beginning, as `distance_transform` found it."""
    cells = [target]
    while before[cells[-1]] >= 0:
        cells.append(before[cells[-1]])
    return np.array(cells)
