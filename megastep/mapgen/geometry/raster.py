"""Rasterization of a plan: the points of a square grid, the room that each is in, and its distance from walls.

Everything is decided by whole millimetres and by float64's own +, -, * and /, so that it is the same on any machine.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy import ndimage

from megastep.mapgen.plan import LATTICE_STEP, Point

PIECE_SIZE = 1000
"""The greatest length along x and along y of the pieces that slanted walls are looked at in, in millimetres."""


class Grid(NamedTuple):
    """A square grid of points: its least corner and its step in millimetres, and the number of points along y and x."""

    left: int
    bottom: int
    step: int
    height: int
    width: int

    @property
    def x(self) -> Int[np.ndarray, ' x']:
        """The x of the points, in millimetres."""
        return self.left + self.step * np.arange(self.width)

    @property
    def y(self) -> Int[np.ndarray, ' y']:
        """The y of the points, in millimetres."""
        return self.bottom + self.step * np.arange(self.height)


def cover(corners: Int[np.ndarray, 'corner 2'], step: int) -> Grid:
    """The grid over the bounding box of corners, a little inside: steps of 5 cm from the corners never meet its points.

    Args:
        corners: Points in millimetres.
        step: The grid's step, in millimetres.
    """
    (left, bottom), (right, top) = corners.min(axis=0).tolist(), corners.max(axis=0).tolist()
    height, width = (max(1, -(-size // step)) for size in (top - bottom, right - left))
    inset = min(step // 4, LATTICE_STEP // 2)
    return Grid(left + inset, bottom + inset, step, height, width)


def edges(rings: Sequence[Sequence[Point] | Int[np.ndarray, 'corner 2']]) -> Int[np.ndarray, 'edge 2 2']:
    """The edges of rings, from corner to corner, one ring after another."""
    starts = np.concatenate([np.asarray(ring, dtype=np.int64) for ring in rings])
    lengths = np.array([len(ring) for ring in rings])
    follow = np.arange(1, len(starts) + 1)
    last = np.cumsum(lengths) - 1
    follow[last] = last + 1 - lengths
    return np.stack([starts, starts[follow]], axis=1)


def fill(
    grid: Grid, edges: Int[np.ndarray, 'edge 2 2'], weights: Int[np.ndarray, ' edge'] | int = 1
) -> Int[np.ndarray, 'y x']:
    """Scan conversion of polygons: the sum of the weights of the rings around each point, less those of clockwise ones.

    Args:
        grid: The points.
        edges: The rings' edges, in millimetres.
        weights: The weight of each edge: its ring's.
    """
    upright = edges[:, 0, 1] != edges[:, 1, 1]
    weights = np.broadcast_to(weights, len(edges))[upright]
    down = edges[upright, 0, 1] > edges[upright, 1, 1]
    low = np.where(down[:, None], edges[upright, 1], edges[upright, 0])
    high = np.where(down[:, None], edges[upright, 0], edges[upright, 1])
    first, stop = (np.clip(-(-(ends[:, 1] - grid.bottom) // grid.step), 0, grid.height) for ends in (low, high))
    owner, row = concatenated_ranges(first, stop)
    (ax, ay), (bx, by) = low[owner].T, high[owner].T
    rise = by - ay
    reach = (ax - grid.left) * rise + (bx - ax) * (grid.bottom + grid.step * row - ay)
    start = np.clip(-(-reach // (rise * grid.step)), 0, grid.width)
    change = np.where(down, weights, -weights)[owner]
    stride = grid.width + 1
    steps = np.bincount(row * stride + start, change, minlength=grid.height * stride).astype(np.int64)
    return np.cumsum(steps.reshape(grid.height, stride), axis=1)[:, :-1]


def concatenated_ranges(
    first: Int[np.ndarray, ' range'], stop: Int[np.ndarray, ' range']
) -> tuple[np.ndarray, np.ndarray]:
    """The numbers of many ranges, one range after another, after the number of the range that each is in."""
    counts = np.maximum(stop - first, 0)
    owner = np.repeat(np.arange(len(counts)), counts)
    return owner, np.arange(len(owner)) + (first - np.cumsum(counts) + counts)[owner]


def near(grid: Grid, edges: Int[np.ndarray, 'edge 2 2'], reach: int) -> Bool[np.ndarray, 'y x']:
    """The dilation of the edges of rings: true for points that are nearer to one than ``reach`` millimetres."""
    slanted = (edges[:, 0, 0] != edges[:, 1, 0]) & (edges[:, 0, 1] != edges[:, 1, 1])
    found = _beside(grid, edges[~slanted], reach)
    corners = edges[:, 0]
    owner, y_index, x_index = _boxes(grid, corners - reach, corners + reach)
    x, y = _offsets(grid, y_index, x_index, corners[owner])
    hit = x * x + y * y < reach * reach
    found[y_index[hit], x_index[hit]] = True
    if slanted.any():
        parent, low, high = _pieces(edges[slanted])
        piece, y_index, x_index = _boxes(grid, low - reach, high + reach)
        points = np.stack(_offsets(grid, y_index, x_index, np.zeros(2, dtype=np.int64)), axis=1)
        hit = squared_distances(points, edges[slanted][parent[piece]]) < reach * reach
        found[y_index[hit], x_index[hit]] = True
    return found


def _beside(grid: Grid, edges: Int[np.ndarray, 'edge 2 2'], reach: int) -> Bool[np.ndarray, 'y x']:
    """True for points that are nearer to walls along x or y than ``reach``, and between the lines across their ends."""
    low, high = np.minimum(edges[:, 0], edges[:, 1]), np.maximum(edges[:, 0], edges[:, 1])
    across = (low == high) * (reach - 1)
    first, stop = _range(grid, low - across, high + across)
    stride = grid.width + 1
    cells = [y[:, 1] * stride + x[:, 0] for y, x in ((first, first), (stop, stop), (first, stop), (stop, first))]
    signs = np.repeat([1, -1], 2 * len(edges))
    steps = np.bincount(np.concatenate(cells), signs, minlength=(grid.height + 1) * stride).astype(np.int64)
    return np.cumsum(np.cumsum(steps.reshape(-1, stride), axis=0), axis=1)[:-1, :-1] > 0


def _range(grid: Grid, low: Int[np.ndarray, 'box 2'], high: Int[np.ndarray, 'box 2']) -> tuple[np.ndarray, np.ndarray]:
    """The first x and y index in each box, and the first after it."""
    origin, size = np.array([grid.left, grid.bottom]), np.array([grid.width, grid.height])
    first = np.clip(-(-(low - origin) // grid.step), 0, size)
    return first, np.clip((high - origin) // grid.step + 1, first, size)


def _boxes(grid: Grid, low: Int[np.ndarray, 'box 2'], high: Int[np.ndarray, 'box 2']) -> tuple[np.ndarray, ...]:
    """The points in each box: the box, the y index and the x index of each."""
    first, stop = _range(grid, low, high)
    box, y_index = concatenated_ranges(first[:, 1], stop[:, 1])
    run, x_index = concatenated_ranges(first[box, 0], stop[box, 0])
    return box[run], y_index[run], x_index


def _offsets(grid: Grid, y_index: np.ndarray, x_index: np.ndarray, origin: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The x and the y of points, from an origin."""
    return grid.left + grid.step * x_index - origin[..., 0], grid.bottom + grid.step * y_index - origin[..., 1]


def _pieces(edges: Int[np.ndarray, 'edge 2 2']) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Boxes that cover the edges piece by piece: each one's edge, its low and its high corner."""
    start, step = edges[:, 0], edges[:, 1] - edges[:, 0]
    counts = np.abs(step).max(axis=1) // PIECE_SIZE + 1
    parent, i = concatenated_ranges(np.zeros_like(counts), counts)
    ends = [start[parent] + step[parent] * (i + k)[:, None] // counts[parent, None] for k in (0, 1)]
    return parent, np.minimum(*ends), np.maximum(*ends) + 1


def squared_distances(points: np.ndarray, edges: np.ndarray) -> Float[np.ndarray, '*pair']:
    """The squared distances between points and edges, pair by pair, in square millimetres."""
    ax, ay, bx, by = (edges[..., i, j].astype(np.float64) for i in (0, 1) for j in (0, 1))
    vx, vy = bx - ax, by - ay
    ox, oy = points[..., 0] - ax, points[..., 1] - ay
    along = np.clip((ox * vx + oy * vy) / (vx * vx + vy * vy), 0, 1)
    dx, dy = ox - along * vx, oy - along * vy
    return dx * dx + dy * dy


def distance_transform(free: Bool[np.ndarray, 'y x']) -> Int[np.ndarray, 'y x']:
    """The distance transform: the moves of a chess king from each point to the nearest that isn't free.

    Points beyond the grid aren't free.
    """
    return ndimage.distance_transform_cdt(np.pad(free, 1), 'chessboard')[1:-1, 1:-1].astype(np.int64)
