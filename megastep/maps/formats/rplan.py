"""Reads floorplans as RPLAN has them: pictures whose channels say what each pixel is.

The second channel is what a pixel is for: 0 to 11 are rooms by kind, 15 is the front door, 17 an inner door, and the
rest is wall or outside. The third numbers rooms of a kind. The picture is 256 pixels wide, for 18 m.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int
from PIL import Image
from scipy import ndimage

from megastep.maps.formats.bounds import MOST_SEGMENTS, check_resolution
from megastep.maps.formats.doorways import door_of
from megastep.maps.formats.drawing import NO_DOORS, Imported
from megastep.maps.formats.grid import Grid, check_tolerances, import_grid, outline_of
from megastep.maps.formats.reading import Collected, Inside, Paths, one_each
from megastep.maps.geometry import Room
from megastep.maps.storage import regular_files

RESOLUTION = 18 / 256
"""The side of a pixel, in metres."""

KINDS = (
    'living room', 'master room', 'kitchen', 'bathroom', 'dining room', 'child room', 'study', 'second room',
    'guest room', 'balcony', 'entrance', 'storage',
)  # fmt: skip
"""What the first numbers are for."""

INNER_DOOR = 17

MOST_SIDE = 1024
"""The largest picture, in pixels a side."""

MOST_PARTS = 1024
"""A picture may have so many rooms, and so many doors."""


def read(
    path: Paths,
    *,
    resolution: float = RESOLUTION,
    inside: Inside = None,
    simplify: float = 0.0,
    skip_invalid: bool = False,
) -> Collected:
    """Reads a map of each picture.

    Args:
        path: The file, or several.
        resolution: The side of a pixel, in metres.
        inside: Places in the free space that is meant, in metres from the picture's lower left corner.
        simplify: How far walls may be moved, in metres, to have fewer corners.
        skip_invalid: Leave out the maps that can't be used, with a warning that lists them, instead of raising.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if a number is out of its bounds; if a map can't be used, naming it and the reason; or if none can.
    """
    check_tolerances(0, simplify)
    check_resolution(resolution)
    make = partial(_import, resolution=resolution, simplify=simplify)
    return one_each(path, make, inside=inside, skip_invalid=skip_invalid)


def _import(path: Path, inside: Float[np.ndarray, 'point 2'], *, resolution: float, simplify: float) -> Imported:
    use, number = _channels(path)
    inside_rooms = use < len(KINDS)
    free = inside_rooms | (use == INNER_DOOR)
    codes = np.where(inside_rooms, use * 256 + number + 1, 0)
    rooms = [Room(outline, KINDS[(code - 1) // 256]) for code, outline in _outlines(codes)]
    none = np.empty((0, 2, 2))
    doors = [door_of(outline, none) for _, outline in _outlines(np.where(use == INNER_DOOR, 1, 0))]
    grid = Grid(free, resolution, rooms=rooms, doors=np.array(doors) if doors else NO_DOORS)
    return import_grid(grid, inside, speck=0, simplify=simplify)


def _channels(path: Path) -> tuple[Int[np.ndarray, 'row column'], Int[np.ndarray, 'row column']]:
    """Channels of a picture: each pixel's kind, and the number of its room."""
    try:
        with regular_files.open_regular(path) as file, Image.open(file, formats=('PNG',)) as image:
            if max(image.size) <= MOST_SIDE and image.mode == 'RGBA':
                pixels = np.asarray(image)
                return pixels[..., 1].astype(int), pixels[..., 2].astype(int)
            kind = f'{image.mode}, {image.size[0]} x {image.size[1]}'
    except FileNotFoundError:
        raise
    except Exception as error:  # a damaged picture makes the decoder fail in any way
        raise ValueError(f'is not a PNG that can be read: {error}.') from error
    raise ValueError(f'must be a picture of 4 channels and up to {MOST_SIDE} pixels a side, got {kind}.')


def _outlines(codes: Int[np.ndarray, 'row column']) -> list[tuple[int, Float[np.ndarray, 'corner 2']]]:
    """Outlines of the connected components of cells of each code but 0, in cells from the lower left corner.

    What is done for each takes as long as its bounding box is large.
    """
    found: list[tuple[int, np.ndarray]] = []
    values = np.unique(codes[codes > 0])
    _check_parts(len(values))
    numbers = np.where(codes > 0, np.searchsorted(values, codes) + 1, 0)
    for value, box in zip(values.tolist(), _boxes(numbers), strict=True):
        labels, count = ndimage.label(codes[box] == value)
        _check_parts(len(found) + count)
        for label, part in enumerate(_boxes(labels), 1):
            corner = [box[1].start + part[1].start, len(codes) - box[0].start - part[0].stop]
            found.append((value, outline_of(labels[part] == label, MOST_SEGMENTS) + corner))
    return found


def _boxes(labels: Int[np.ndarray, 'row column']) -> list[tuple[slice, slice]]:
    """The bounding box of each label."""
    return ndimage.find_objects(labels)


def _check_parts(count: int) -> None:
    if count > MOST_PARTS:
        raise ValueError(f'must have at most {MOST_PARTS} rooms, and as many doors, got {count} and more.')
