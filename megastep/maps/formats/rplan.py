"""Reads floorplans as RPLAN has them: pictures whose channels say what each pixel is.

The second channel is what a pixel is for: 0 to 11 are rooms by kind, 15 is the front door, 17 an inner door, and the
rest is wall or outside. The third numbers rooms of a kind. The picture is 256 pixels wide, for 18 m.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float, UInt8
from PIL import Image
from scipy import ndimage

from megastep.maps import storage
from megastep.maps.formats.doorways import door_of
from megastep.maps.formats.drawing import NO_DOORS, Imported
from megastep.maps.formats.grid import Grid, check_tolerances, import_grid, outline_of
from megastep.maps.formats.reading import Collected, Inside, Paths, one_each
from megastep.maps.geometry import Room

RESOLUTION = 18 / 256
"""The side of a pixel, in metres."""

KINDS = (
    'living room', 'master room', 'kitchen', 'bathroom', 'dining room', 'child room', 'study', 'second room',
    'guest room', 'balcony', 'entrance', 'storage',
)  # fmt: skip
"""What the first numbers are for."""

INNER_DOOR = 17

MOST_SIDE = 4096


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
    if not 1e-4 <= resolution <= 100:
        raise ValueError(f'resolution must be from 0.0001 to 100 m, got {resolution}.')
    make = partial(_import, resolution=resolution, simplify=simplify)
    return one_each(path, make, inside=inside, skip_invalid=skip_invalid)


def _import(path: Path, inside: Float[np.ndarray, 'point 2'], *, resolution: float, simplify: float) -> Imported:
    use, number = _channels(path)
    free = (use < len(KINDS)) | (use == INNER_DOOR)
    rooms = [
        Room(outline_of(cells), kind)
        for code, kind in enumerate(KINDS)
        for instance in np.unique(number[use == code])
        for cells in _parts((use == code) & (number == instance))
    ]
    none = np.empty((0, 2, 2))
    doors = [door_of(outline_of(cells), none) for cells in _parts(use == INNER_DOOR)]
    grid = Grid(free, resolution, rooms=rooms, doors=np.array(doors) if doors else NO_DOORS)
    return import_grid(grid, inside, speck=0, simplify=simplify)


def _channels(path: Path) -> tuple[UInt8[np.ndarray, 'row column'], UInt8[np.ndarray, 'row column']]:
    """Channels of a picture: each pixel's kind, and the number of its room."""
    try:
        with storage.open_regular(path) as file, Image.open(file, formats=('PNG',)) as image:
            if max(image.size) <= MOST_SIDE and image.mode == 'RGBA':
                pixels = np.asarray(image)
                return pixels[..., 1], pixels[..., 2]
            kind = f'{image.mode}, {image.size[0]} x {image.size[1]}'
    except FileNotFoundError:
        raise
    except Exception as error:  # a damaged picture makes the decoder fail in any way
        raise ValueError(f'is not a PNG that can be read: {error}.') from error
    raise ValueError(f'must be a picture of 4 channels and up to {MOST_SIDE} pixels a side, got {kind}.')


def _parts(cells: Bool[np.ndarray, 'row column']) -> list[Bool[np.ndarray, 'row column']]:
    """The connected components of cells."""
    labels, count = ndimage.label(cells)
    return [labels == label for label in range(1, count + 1)]
