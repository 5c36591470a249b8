"""Reads grids without a YAML file: arrays, pictures and text.

An array holds occupancies: booleans, of which true is wall; whole numbers as ROS has them, of which 0 is free, 100 is
wall and -1 is unknown; or reals, of which less than 0.196 is free and NaN is unknown. A picture's bright pixels are
free, as in ROS's maps. `megastep.maps.formats.text_grid` says what text means. What isn't free isn't walked on.

The coordinates of the file, so to say, are metres from the origin, by default the grid's lower left corner, the first
row being the one at the top.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from tokenize import TokenError
from typing import Any, TypeGuard

import numpy as np
from jaxtyping import Bool, Float

from megastep.maps.formats import text_grid
from megastep.maps.formats.bounds import check_resolution
from megastep.maps.formats.drawing import NO_DOORS, NOWHERE, Imported
from megastep.maps.formats.grid import MOST_CELLS, Grid, check_tolerances, import_grid
from megastep.maps.formats.occupancy import brightness, brightness_free, pixels
from megastep.maps.formats.reading import (
    Attempt,
    Collected,
    Inside,
    check_inside,
    check_names,
    collect,
    meant,
    read_text,
)
from megastep.maps.storage import regular_files

FREE_BELOW = 0.196
"""A cell that is occupied with less than this probability is free, as ROS's map_server has it."""

MOST_TEXT = 1 << 24
"""The longest text, in bytes."""

PICTURES = ('.png', '.pgm', '.ppm', '.bmp')
TEXTS = ('.txt', '.map', '')

Source = Any
"""An array, a picture, a text of several lines, or the path to a picture, a text or an array (.npy)."""


def read(
    grids: Source | Sequence[Source],
    *,
    resolution: float,
    origin: Iterable[float] = (0.0, 0.0, 0.0),
    inside: Inside = None,
    speck: float = 0.0,
    simplify: float = 0.0,
    skip_invalid: bool = False,
) -> Collected:
    """Reads a map of each grid.

    Args:
        grids: The grid, or a list or an iterator of several.
        resolution: The side of a cell, in metres.
        origin: The lower left corner's x and y, in metres, and how far the grid is turned, in radians.
        inside: Places in the free space that is meant, in metres from the origin.
        speck: What covers less than this, in square metres, and lies in the free space is free.
        simplify: How far walls may be moved, in metres, to have fewer corners.
        skip_invalid: Leave out the maps that can't be used, with a warning that lists them, instead of raising.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if a number is out of its bounds; if a map can't be used, naming it and the reason; or if none can.
    """
    check_tolerances(speck, simplify)
    check_inside(inside)
    check_resolution(resolution)
    place = checked_origin(origin)
    grids = list(grids) if isinstance(grids, Iterator) else grids
    listed = list(grids) if isinstance(grids, list | tuple) and not _is_rows(grids) else [grids]
    names = [name_of(grid, i) for i, grid in enumerate(listed)]
    check_names(inside, names)

    def make(grid: Source, points: Float[np.ndarray, 'point 2']) -> Imported:
        return import_grid(_grid(grid, resolution, place), points, speck=speck, simplify=simplify)

    attempts = [
        Attempt(name, str(grid) if _is_path(grid) else name, partial(make, grid, meant(inside, name)))
        for name, grid in zip(names, listed, strict=True)
    ]
    return collect(
        attempts[0].where if len(names) == 1 else f'each of {len(names)} grids', attempts, skip_invalid=skip_invalid
    )


def checked_origin(origin: Iterable[float]) -> tuple[float, float, float]:
    """A grid's place: x, y and its turn.

    Raises:
        ValueError: if it isn't two or three numbers.
    """
    values = [float(value) for value in origin]
    if len(values) not in (2, 3) or not np.isfinite(values).all():
        raise ValueError(f'origin must be x, y and perhaps an angle, got {values}.')
    return values[0], values[1], values[2] if len(values) == 3 else 0.0


def _is_rows(grids: Sequence[Source]) -> bool:
    """True if a list is one grid: rows of numbers, or lines of text without breaks that aren't files."""
    return bool(grids) and all(np.ndim(row) == 1 and not isinstance(row, str) for row in grids)


def name_of(grid: Source, i: int) -> str:
    """A grid's name: its file's, or its number."""
    return Path(grid).name if _is_path(grid) else f'grid {i}'


def _is_path(grid: Source) -> TypeGuard[str | os.PathLike]:
    return isinstance(grid, os.PathLike) or (isinstance(grid, str) and '\n' not in grid)


def _grid(grid: Source, resolution: float, origin: tuple[float, float, float]) -> Grid:
    """The cells of a grid in any form."""
    if _is_path(grid):
        return _file(Path(grid), resolution, origin)
    if isinstance(grid, str):
        return _text(grid, resolution, origin)
    if hasattr(grid, 'getbands'):  # one of Pillow's
        values, opaque = brightness(grid)
        return Grid(brightness_free(values, FREE_BELOW, negate=False) & opaque, resolution, origin)
    return Grid(free_cells(np.asarray(grid)), resolution, origin)


def _file(path: Path, resolution: float, origin: tuple[float, float, float]) -> Grid:
    suffix = path.suffix.lower()
    if suffix in PICTURES:
        values, opaque = pixels(path)
        return Grid(brightness_free(values, FREE_BELOW, negate=False) & opaque, resolution, origin)
    if suffix == '.npy':
        return Grid(free_cells(_array(path)), resolution, origin)
    if suffix in TEXTS:
        return _text(read_text(path, MOST_TEXT), resolution, origin)
    raise ValueError(f'a grid must be a picture ({", ".join(PICTURES)}), .npy or .txt, got {path.name!r}.')


def _array(path: Path) -> np.ndarray:
    """A file's array, which isn't read before it is known how large it is."""
    regular_files.open_regular(path).close()
    try:
        return np.load(path, mmap_mode='r', allow_pickle=False)
    except (OSError, EOFError, SyntaxError, TokenError, TypeError, OverflowError, MemoryError) as error:
        raise ValueError(f'not an array that can be read: {error}.') from error


def free_cells(array: np.ndarray) -> Bool[np.ndarray, 'row column']:
    """A mask of the cells of an array that are free.

    Raises:
        ValueError: if it isn't a grid of occupancies.
    """
    if array.ndim != 2 or not array.size or array.size > MOST_CELLS:
        raise ValueError(f'a grid must have 2 axes and 1 to {MOST_CELLS} cells, got shape {array.shape}.')
    if array.dtype == bool:
        return ~array
    if array.dtype.kind not in 'iuf':
        raise ValueError(f'a grid must be of booleans or numbers, got {array.dtype}.')
    low, high = (0, 1) if array.dtype.kind == 'f' else (-1, 100)
    wrong = array[(array > high) | (array < low)]  # of a NaN, neither is true
    if len(wrong):
        raise ValueError(
            f'occupancies must be whole numbers from -1 to 100, or reals from 0 to 1, got {wrong[0]}. Brightness is '
            'read from pictures: PIL.Image.fromarray(grid).'
        )
    return array < FREE_BELOW if array.dtype.kind == 'f' else array == 0


def _text(text: str, resolution: float, origin: tuple[float, float, float]) -> Grid:
    free, starts, doors = text_grid.parse(text)
    places = np.array([(column + 0.5, len(free) - row - 0.5) for row, column in starts]).reshape(-1, 2)
    lines = [_across(free, row, column) for row, column in doors]
    return Grid(
        free,
        resolution,
        origin,
        starts=places if len(places) else NOWHERE,
        doors=np.array(lines) if lines else NO_DOORS,
    )


def _across(free: Bool[np.ndarray, 'row column'], row: int, column: int) -> list[tuple[float, float]]:
    """A door from jamb to jamb, through the middle of its cell: between walls above and below, or left and right."""
    x, y = column + 0.5, len(free) - row - 0.5
    beside = [0 <= i < free.shape[1] and free[row, i] for i in (column - 1, column + 1)]
    return [(x, y - 0.5), (x, y + 0.5)] if all(beside) else [(x - 0.5, y), (x + 0.5, y)]
