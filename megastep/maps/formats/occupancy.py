"""Reads occupancy grids as ROS keeps them: a YAML file, and a picture beside it in which each pixel is a cell of floor.

The YAML file names the picture (``image``) and the side of a cell in metres (``resolution``); it may say where the
picture's lower left corner lies and how far it is turned (``origin``: x and y in metres, and an angle in radians) and
what a pixel means: ``negate``, ``free_thresh``, ``occupied_thresh`` and ``mode`` are understood as ROS's map_server
does, but that a pixel which isn't opaque is unknown in every mode. What isn't known to be free isn't free; a warning
says where a threshold makes unknown cells free.

The file's coordinates are those of ROS's map frame. `megastep.maps.formats.grid` says what becomes of the cells.

The picture must be a PGM, PNG or BMP in the YAML file's own folder. It may have `MOST_CELLS`; its header is looked at
before the rest is read. An import takes up to 1 GB.
"""

from __future__ import annotations

import math
import os
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np
import yaml
from jaxtyping import Bool, Float, UInt8
from PIL import Image

from megastep.maps.formats import reading
from megastep.maps.formats.drawing import Imported
from megastep.maps.formats.grid import MOST_CELLS, Grid, check_tolerances, import_grid
from megastep.maps.formats.reading import Collected, Inside, Paths, one_each, read_text
from megastep.maps.storage import regular_files

MOST_YAML = 1 << 14
"""The longest YAML file, in bytes: one of ROS has 200."""

MOST_BYTES = 1 << 26
"""The longest picture's file."""

MODES = ('trinary', 'scale', 'raw')

UNKNOWN = 205
"""The brightness that ROS's map_saver gives cells of which nothing is known."""

PICTURES = {'.pgm', '.png', '.bmp', '.ppm', '.jpg', '.jpeg', '.tif', '.tiff', '.gif'}
"""Suffixes of pictures, which are given in the place of their YAML files at times."""


class Header(NamedTuple):
    """A map's metadata, as its YAML file has them."""

    image: Path
    resolution: float
    origin: tuple[float, float, float]
    negate: bool
    free_thresh: float
    mode: str


def read(path: Paths, *, speck: float, simplify: float, inside: Inside = None, skip_invalid: bool = False) -> Collected:
    """Reads a map of each YAML file.

    Args:
        path: The file, or several.
        speck: What covers less than this, in square metres, and lies in the free space is free.
        simplify: How far walls may be moved, in metres, to have fewer corners.
        inside: Places in the free space that is meant, in ROS's map frame.
        skip_invalid: Leave out the maps that can't be used, with a warning that lists them, instead of raising.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if speck or simplify is below 0; if a map can't be used, naming the file and the reason; or if none
            can.
    """
    check_tolerances(speck, simplify)
    make = partial(_import, speck=speck, simplify=simplify)
    return one_each(path, make, inside=inside, skip_invalid=skip_invalid)


def _import(path: Path, inside: Float[np.ndarray, 'point 2'], *, speck: float, simplify: float) -> Imported:
    header = _header(path)
    free, unknown = _free(header)
    words = []
    if unknown.any() and not free.any():
        raise ValueError(
            f'there must be free cells, got none: {unknown.mean():.0%} look unknown ({UNKNOWN}), and free_thresh is '
            f'{header.free_thresh:g}.'
        )
    if share := float((free & unknown).mean()):
        words.append(
            f'unknown cells count as free, {share:.0%} of all: {UNKNOWN} is less than {header.free_thresh:g} occupied, '
            'as free_thresh says. free_thresh: 0.196 has them unknown.'
        )
    grid = Grid(free, header.resolution, header.origin, warnings=tuple(words))
    return import_grid(grid, inside, speck=speck, simplify=simplify)


class _Loader(yaml.BaseLoader):
    """Reads texts, lists and mappings and no more: numbers stay texts, tags mean nothing, and nothing is repeated."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            raise ValueError('aliases are not read.')
        return super().compose_node(parent, index)

    def construct_mapping(self, node: Any, deep: bool = False) -> Any:
        mapping = super().construct_mapping(node, deep=deep)
        if len(mapping) < len(node.value):
            keys = [str(key.value) for key, _ in node.value]
            twice = next(key for key in keys if keys.count(key) > 1)
            raise ValueError(f'a mapping must have each key once, got {twice[:40]!r} twice.')
        return mapping


def _header(path: Path) -> Header:
    if path.suffix.lower() in PICTURES and path.is_file():
        raise ValueError(
            'must be the YAML file that names the picture, got a picture. MapSet.from_grid(path, resolution=) reads '
            'one alone.'
        )
    try:
        values = yaml.load(read_text(path, MOST_YAML), _Loader)
    except (yaml.YAMLError, RecursionError) as error:
        raise ValueError(f'not YAML that can be read: {str(error)[:200]}.') from error
    if not isinstance(values, dict):
        raise ValueError(f'must be a mapping with image and resolution, got {str(values)[:60]!r}.')  # noqa: TRY004
    mode = values.get('mode', 'trinary')
    if mode not in MODES:
        raise ValueError(f'mode must be {", ".join(MODES)}, got {str(mode)[:60]!r}.')
    occupied = _number('occupied_thresh', values.get('occupied_thresh', '0.65'), 0, 1)
    return Header(
        image=_beside(path, values.get('image')),
        resolution=_number('resolution', values.get('resolution'), 1e-4, 100),
        origin=_origin(values.get('origin', ['0', '0', '0'])),
        negate=_switch('negate', values.get('negate', '0')),
        free_thresh=_number('free_thresh', values.get('free_thresh', '0.196'), 0, occupied),
        mode=mode,
    )


def _origin(values: Any) -> tuple[float, float, float]:
    if not isinstance(values, list) or len(values) != 3:
        raise ValueError(f'origin must be 3 numbers, got {str(values)[:60]!r}.')
    x, y, yaw = (_number('origin', value, -1e9, 1e9) for value in values)
    return x, y, yaw


def _switch(name: str, value: Any) -> bool:
    return _number(name, {'true': '1', 'false': '0'}.get(str(value), value), 0, 1) > 0


def _number(name: str, value: Any, least: float, most: float) -> float:
    try:
        number = reading.number(value)
    except (TypeError, ValueError):
        number = math.nan
    if not least <= number <= most:
        raise ValueError(f'{name} must be a number from {least:g} to {most:g}, got {str(value)[:60]!r}.')
    return number


def _beside(path: Path, image: Any) -> Path:
    """The picture's path, if it is a file in the very folder of the YAML file, also when links are followed."""
    if not isinstance(image, str) or '\0' in image or Path(image).parts != (Path(image).name,):
        raise ValueError(f"image must be the name of a file in the YAML file's folder, got {str(image)[:60]!r}.")
    try:
        target = (path.parent / image).resolve(strict=True)
    except (OSError, RuntimeError) as error:  # a RuntimeError where links lead in a circle
        reason = getattr(error, 'strerror', None) or 'its links lead in a circle'
        raise ValueError(
            f"image must be a file in the YAML file's folder, but {image[:60]!r} can not be opened: {reason}."
        ) from error
    if target.parent != path.parent.resolve():
        raise ValueError(f"image must be a file in the YAML file's folder, but {image[:60]!r} is a link to elsewhere.")
    if not target.is_file():
        raise ValueError(f"image must be a file in the YAML file's folder, but there is no file {image[:60]!r}.")
    return target


def _free(header: Header) -> tuple[Bool[np.ndarray, 'row column'], Bool[np.ndarray, 'row column']]:
    """Masks of the cells that count as free, and of those that look unknown. The first row is the one at the top."""
    values, opaque = pixels(header.image)
    if header.mode == 'raw':  # percentages; anything above 100 is unknown
        return (values <= 100) & (values < 100 * header.free_thresh) & opaque, np.zeros(values.shape, bool)
    return brightness_free(values, header.free_thresh, negate=header.negate) & opaque, values == UNKNOWN


def brightness_free(
    values: UInt8[np.ndarray, 'row column'], free_thresh: float, *, negate: bool
) -> Bool[np.ndarray, 'row column']:
    """A mask of the pixels whose brightness means free, as ROS's map_server has it."""
    occupancy = np.arange(256) / 255 if negate else (255 - np.arange(256)) / 255
    return (occupancy < free_thresh)[values]


def pixels(path: Path) -> tuple[UInt8[np.ndarray, 'row column'], Bool[np.ndarray, ...]]:
    """A picture's brightness, and where it isn't transparent.

    Raises:
        ValueError: if it is too large, or no picture that can be read.
    """
    with regular_files.open_regular(path) as file:
        return _decoded(file, path.name)


def _decoded(file: BinaryIO, name: str) -> tuple[UInt8[np.ndarray, 'row column'], Bool[np.ndarray, ...]]:
    if (size := os.fstat(file.fileno()).st_size) > MOST_BYTES:
        raise ValueError(f'image must be at most {MOST_BYTES} bytes long, got {size}.')
    try:
        with Image.open(file, formats=('PNG', 'PPM', 'BMP')) as image:
            width, height = image.size
            if width * height <= MOST_CELLS:
                return brightness(image)
    except Exception as error:  # a damaged picture makes the decoder fail in any way
        raise ValueError(f'image {name!r} is not a PGM, PNG or BMP that can be read: {error}.') from error
    raise ValueError(f'image must have at most {MOST_CELLS} pixels, got {width} x {height}.')


def brightness(image: Image.Image) -> tuple[UInt8[np.ndarray, 'row column'], Bool[np.ndarray, ...]]:
    """A picture's brightness, and where it isn't transparent.

    Raises:
        ValueError: if its pixels are of an unusual kind.
    """
    if image.mode.startswith('I'):  # 16 bits
        return (np.asarray(image).clip(0, 65535) // 257).astype(np.uint8), np.array(True)
    if image.mode not in ('1', 'L', 'LA', 'P', 'RGB', 'RGBA'):
        raise ValueError(f'its pixels are of the kind {image.mode}')
    opaque = np.asarray(image.convert('RGBA').getchannel('A')) == 255 if image.has_transparency_data else np.array(True)
    if image.mode in ('1', 'L', 'LA'):
        return np.asarray(image.convert('LA').getchannel('L')), opaque
    channels = np.asarray(image.convert('RGB'))
    return (channels.sum(axis=-1, dtype=np.uint16) // 3).astype(np.uint8), opaque
