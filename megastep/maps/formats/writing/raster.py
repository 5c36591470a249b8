"""Rasters of floorplans: which cells of a grid are free, with no way through a wall however thin."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int, UInt8
from scipy import ndimage

from megastep.checks import check_numbers
from megastep.maps.formats.grid import MOST_CELLS
from megastep.maps.geometry import Geometry

MARGIN = 2
"""The cells around a map."""

FREE, UNKNOWN, OCCUPIED = 254, 205, 0
"""Brightnesses, as ROS's map_saver has them."""

HAIR = 1e-6
"""What lies so near to a cell's middle, in cells, counts as beyond it: so that rounding decides nothing."""


class Raster(NamedTuple):
    """A grid of cells over a map. Its first row is the one at the bottom."""

    free: Bool[np.ndarray, 'row column']
    origin: tuple[float, float]
    """The lower left corner, in metres, at a whole number of cells."""
    resolution: float


def rasterize(geometry: Geometry, resolution: float) -> Raster:
    """Finds the cells whose middles are free.

    Of two neighbouring cells with a wall between their middles one at most is free, so what a wall parts stays apart.

    Args:
        geometry: The map.
        resolution: The side of a cell, in metres.

    Raises:
        ValueError: if the resolution isn't above 0 m, or there would be too many cells.
    """
    check_numbers(resolution=resolution)
    if not 1e-3 <= resolution <= 10:
        raise ValueError(f'resolution must be from 0.001 to 10 m, got {resolution}.')
    left, bottom, right, top = np.array(geometry.bounds) / resolution
    low = np.floor(np.array([left, bottom]) + HAIR) - MARGIN
    width, height = (np.ceil(np.array([right, top]) - HAIR) + MARGIN - low).astype(int).tolist()
    if width * height > MOST_CELLS:
        raise ValueError(f'must have at most {MOST_CELLS} cells, got {width} x {height}: resolution must be greater.')
    walls = geometry.walls / resolution - low - 0.5  # middles of cells are whole numbers then
    rows, columns = _crossings(walls, height), _crossings(walls[..., ::-1], width)
    free = _winding(rows, height, width)
    _close(free, rows)
    _close(free.T, columns)
    return Raster(free, tuple((low * resolution).tolist()), resolution)


def picture(raster: Raster) -> UInt8[np.ndarray, 'row column']:
    """The raster's brightness as ROS has it, the first row at the top: what is around free space is occupied."""
    around = ndimage.binary_dilation(raster.free, np.ones((3, 3), bool))
    return np.where(raster.free, FREE, np.where(around, OCCUPIED, UNKNOWN)).astype(np.uint8)[::-1]


class _Crossings(NamedTuple):
    """Crossings of walls with the middles of rows of cells."""

    row: Int[np.ndarray, ' crossing']
    place: Float[np.ndarray, ' crossing']
    """How far along the row, in cells."""
    upwards: Int[np.ndarray, ' crossing']
    """1 of a wall that goes up, -1 of one that goes down."""


def _crossings(walls: Float[np.ndarray, 'wall 2 2'], rows: int) -> _Crossings:
    """Each wall's crossings; a wall owns its lower end, not its upper one."""
    (ax, ay), (bx, by) = walls[:, 0].T, walls[:, 1].T
    first = np.ceil(np.minimum(ay, by) - HAIR).clip(0, rows).astype(int)
    last = np.ceil(np.maximum(ay, by) - HAIR).clip(0, rows).astype(int)
    counts = last - first
    wall = np.repeat(np.arange(len(walls)), counts)
    row = np.arange(len(wall)) - np.repeat(np.cumsum(counts) - counts, counts) + first[wall]
    part = (row - ay[wall]) / (by - ay)[wall]
    place = ax[wall] + part.clip(0, 1) * (bx - ax)[wall]
    return _Crossings(row, place, np.where(by > ay, 1, -1)[wall])


def _winding(crossings: _Crossings, height: int, width: int) -> Bool[np.ndarray, 'row column']:
    """A mask of the cells around whose middles walls wind once: from left to right, each wall that goes down enters."""
    changes = np.zeros((height, width + 1), np.int32)
    np.add.at(changes, (crossings.row, _beyond(crossings.place, width)), -crossings.upwards)
    return np.cumsum(changes, axis=1)[:, :-1] > 0


def _beyond(place: Float[np.ndarray, ' crossing'], width: int) -> Int[np.ndarray, ' crossing']:
    """The first cell whose middle lies beyond a place along its row."""
    return np.ceil(place - HAIR).clip(0, width).astype(int)


def _close(free: Bool[np.ndarray, 'row column'], crossings: _Crossings) -> None:
    """Closes cells: of two free ones between whose middles a wall runs, that which it runs through."""
    after = _beyond(crossings.place, free.shape[1] - 1).clip(1)
    between = free[crossings.row, after] & free[crossings.row, after - 1]
    through = np.floor(crossings.place + 0.5 + HAIR).astype(int).clip(0, free.shape[1] - 1)
    free[crossings.row[between], through[between]] = False
