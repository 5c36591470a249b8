"""The points of a square lattice in a plan: which room each is in, and how clear of walls it is.

Everything is decided by whole millimetres and by float64's own +, -, * and /, so that it is the same on any machine.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy import ndimage

from megastep.mapgen.plan import FINE, Point

PIECE = 1000
"""Walls are looked at in pieces of at most this many millimetres along x and along y."""


class Grid(NamedTuple):
    """A lattice of points: its least corner and its step in millimetres, and how many rows and columns it has."""

    left: int
    bottom: int
    step: int
    rows: int
    columns: int

    @property
    def x(self) -> Int[np.ndarray, ' column']:
        return self.left + self.step * np.arange(self.columns)

    @property
    def y(self) -> Int[np.ndarray, ' row']:
        return self.bottom + self.step * np.arange(self.rows)


def cover(corners: Int[np.ndarray, 'corner 2'], step: int) -> Grid:
    """The lattice over a box around corners, a little inside: steps of 5 cm from the corners never meet its points."""
    (left, bottom), (right, top) = corners.min(axis=0).tolist(), corners.max(axis=0).tolist()
    rows, columns = (max(1, -(-size // step)) for size in (top - bottom, right - left))
    inset = min(step // 4, FINE // 2)
    return Grid(left + inset, bottom + inset, step, rows, columns)


def edges(rings: Sequence[Sequence[Point] | Int[np.ndarray, 'corner 2']]) -> Int[np.ndarray, 'edge 2 2']:
    """Each ring's edges, from corner to corner, one ring after another."""
    starts = np.concatenate([np.asarray(ring, dtype=np.int64) for ring in rings])
    lengths = np.array([len(ring) for ring in rings])
    follow = np.arange(1, len(starts) + 1)
    last = np.cumsum(lengths) - 1
    follow[last] = last + 1 - lengths
    return np.stack([starts, starts[follow]], axis=1)


def fill(
    grid: Grid, edges: Int[np.ndarray, 'edge 2 2'], weights: Int[np.ndarray, ' edge'] | int = 1
) -> Int[np.ndarray, 'row column']:
    """Adds up, at each point, the weights of the rings around it: of an anticlockwise ring once, of a clockwise less.

    Args:
        grid: The points.
        edges: The rings' edges, in millimetres.
        weights: Each edge's: its ring's.
    """
    upright = edges[:, 0, 1] != edges[:, 1, 1]
    weights = np.broadcast_to(weights, len(edges))[upright]
    down = edges[upright, 0, 1] > edges[upright, 1, 1]
    low = np.where(down[:, None], edges[upright, 1], edges[upright, 0])
    high = np.where(down[:, None], edges[upright, 0], edges[upright, 1])
    first, stop = (np.clip(-(-(ends[:, 1] - grid.bottom) // grid.step), 0, grid.rows) for ends in (low, high))
    owner, row = spread(first, stop)
    (ax, ay), (bx, by) = low[owner].T, high[owner].T
    rise = by - ay
    reach = (ax - grid.left) * rise + (bx - ax) * (grid.bottom + grid.step * row - ay)
    column = np.clip(-(-reach // (rise * grid.step)), 0, grid.columns)
    change = np.where(down, weights, -weights)[owner]
    width = grid.columns + 1
    steps = np.bincount(row * width + column, change, minlength=grid.rows * width).astype(np.int64)
    return np.cumsum(steps.reshape(grid.rows, width), axis=1)[:, :-1]


def spread(first: Int[np.ndarray, ' range'], stop: Int[np.ndarray, ' range']) -> tuple[np.ndarray, np.ndarray]:
    """Every number of many ranges, after the number of the range that it is in."""
    counts = np.maximum(stop - first, 0)
    owner = np.repeat(np.arange(len(counts)), counts)
    return owner, np.arange(len(owner)) + (first - np.cumsum(counts) + counts)[owner]


def near(grid: Grid, edges: Int[np.ndarray, 'edge 2 2'], reach: int) -> Bool[np.ndarray, 'row column']:
    """Which points are nearer to the edges of rings than ``reach`` millimetres."""
    slanted = (edges[:, 0, 0] != edges[:, 1, 0]) & (edges[:, 0, 1] != edges[:, 1, 1])
    found = _beside(grid, edges[~slanted], reach)
    corners = edges[:, 0]
    owner, row, column = _boxes(grid, corners - reach, corners + reach)
    x, y = _places(grid, row, column, corners[owner])
    hit = x * x + y * y < reach * reach
    found[row[hit], column[hit]] = True
    if slanted.any():
        parent, low, high = _pieces(edges[slanted])
        piece, row, column = _boxes(grid, low - reach, high + reach)
        points = np.stack(_places(grid, row, column, np.zeros(2, dtype=np.int64)), axis=1)
        hit = squares(points, edges[slanted][parent[piece]]) < reach * reach
        found[row[hit], column[hit]] = True
    return found


def _beside(grid: Grid, edges: Int[np.ndarray, 'edge 2 2'], reach: int) -> Bool[np.ndarray, 'row column']:
    """Which points are nearer to walls along x or y than ``reach``, and between the lines across their ends."""
    low, high = np.minimum(edges[:, 0], edges[:, 1]), np.maximum(edges[:, 0], edges[:, 1])
    across = (low == high) * (reach - 1)
    first, stop = _range(grid, low - across, high + across)
    width = grid.columns + 1
    cells = [y[:, 1] * width + x[:, 0] for y, x in ((first, first), (stop, stop), (first, stop), (stop, first))]
    signs = np.repeat([1, -1], 2 * len(edges))
    steps = np.bincount(np.concatenate(cells), signs, minlength=(grid.rows + 1) * width).astype(np.int64)
    return np.cumsum(np.cumsum(steps.reshape(-1, width), axis=0), axis=1)[:-1, :-1] > 0


def _range(grid: Grid, low: Int[np.ndarray, 'box 2'], high: Int[np.ndarray, 'box 2']) -> tuple[np.ndarray, np.ndarray]:
    """The first column and row in each box, and the first after it."""
    origin, size = np.array([grid.left, grid.bottom]), np.array([grid.columns, grid.rows])
    first = np.clip(-(-(low - origin) // grid.step), 0, size)
    return first, np.clip((high - origin) // grid.step + 1, first, size)


def _boxes(grid: Grid, low: Int[np.ndarray, 'box 2'], high: Int[np.ndarray, 'box 2']) -> tuple[np.ndarray, ...]:
    """The points in each box: the box, the row and the column of each."""
    first, stop = _range(grid, low, high)
    box, row = spread(first[:, 1], stop[:, 1])
    run, column = spread(first[box, 0], stop[box, 0])
    return box[run], row[run], column


def _places(grid: Grid, row: np.ndarray, column: np.ndarray, origin: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The x and the y of points, from an origin."""
    return grid.left + grid.step * column - origin[..., 0], grid.bottom + grid.step * row - origin[..., 1]


def _pieces(edges: Int[np.ndarray, 'edge 2 2']) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Boxes that cover the edges piece by piece: each one's edge, its low and its high corner."""
    start, step = edges[:, 0], edges[:, 1] - edges[:, 0]
    counts = np.abs(step).max(axis=1) // PIECE + 1
    parent, i = spread(np.zeros_like(counts), counts)
    ends = [start[parent] + step[parent] * (i + k)[:, None] // counts[parent, None] for k in (0, 1)]
    return parent, np.minimum(*ends), np.maximum(*ends) + 1


def squares(points: np.ndarray, edges: np.ndarray) -> Float[np.ndarray, '*pair']:
    """The squares of the distances between points and edges, pair by pair."""
    ax, ay, bx, by = (edges[..., i, j].astype(np.float64) for i in (0, 1) for j in (0, 1))
    vx, vy = bx - ax, by - ay
    ox, oy = points[..., 0] - ax, points[..., 1] - ay
    along = np.clip((ox * vx + oy * vy) / (vx * vx + vy * vy), 0, 1)
    dx, dy = ox - along * vx, oy - along * vy
    return dx * dx + dy * dy


def depths(free: Bool[np.ndarray, 'row column']) -> Int[np.ndarray, 'row column']:
    """How many moves of a chess king each point is from the nearest that isn't free; beyond the lattice none is."""
    return ndimage.distance_transform_cdt(np.pad(free, 1), 'chessboard')[1:-1, 1:-1].astype(np.int64)
