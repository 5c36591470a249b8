"""Reads occupancy grids as ROS keeps them: a YAML file, and a picture beside it in which each pixel is a cell of floor.

The YAML file names the picture (``image``) and the side of a cell in metres (``resolution``); it may turn the map
(``origin``, whose third number is an angle in radians) and say what a pixel means: ``negate``, ``free_thresh``,
``occupied_thresh`` and ``mode`` are understood as ROS's map_server does. What isn't known to be free isn't free.

The free space is the largest patch of free cells that share sides. What lies in it and covers less than ``speck`` is
taken for noise, and is free. Walls follow the cells' sides, straight runs in one piece.

The picture must be a PGM or PNG in the YAML file's own folder. It may have `MOST_CELLS`; its header is looked at before
the rest is read. An import takes up to 1 GB.
"""

from __future__ import annotations

import math
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import yaml
from jaxtyping import Bool, Float, Int, UInt8
from PIL import Image
from scipy import ndimage

from megastep.maps import freespace
from megastep.maps.formats.building import MOST_SEGMENTS, Drawing, enclose
from megastep.maps.formats.reading import Collected, Paths, one_each, read_text

MOST_YAML = 1 << 14
"""The longest YAML file, in bytes: one of ROS has 200."""

MOST_CELLS = 1 << 24
"""The largest picture, in pixels: 4096 x 4096."""

MOST_BYTES = 1 << 26
"""The longest picture's file."""

MODES = ('trinary', 'scale', 'raw')


class Header(NamedTuple):
    """A map's metadata, as its YAML file has them."""

    image: Path
    resolution: float
    yaw: float
    negate: bool
    free_thresh: float
    mode: str


def read(path: Paths, *, speck: float, simplify: float, skip_invalid: bool) -> Collected:
    """Reads a map of each YAML file.

    Args:
        path: The file, or several.
        speck: What covers less than this, in square metres, and lies in the free space is free.
        simplify: How far walls may be moved, in metres, to have fewer corners.
        skip_invalid: Leave out the maps that can't be used, with a warning that lists them, instead of raising.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if speck or simplify is below 0; if a map can't be used, naming the file and the reason; or if none
            can.
    """
    for name, value in (('speck', speck), ('simplify', simplify)):
        if not 0 <= value < math.inf:
            raise ValueError(f'{name} must be at least 0, got {value}.')
    return one_each(path, partial(_draw, speck=speck, simplify=simplify), skip_invalid=skip_invalid)


def _draw(path: Path, *, speck: float, simplify: float) -> Drawing:
    header = _header(path)
    free = _free(header)
    space = _space(free, speck / header.resolution**2)
    segments = _sides(space) * header.resolution
    if simplify:
        segments = _simplified(segments, simplify)
    cos, sin = math.cos(header.yaw), math.sin(header.yaw)
    dropped = float((free & ~space).sum()) * header.resolution**2
    return Drawing(segments @ np.array([[cos, sin], [-sin, cos]]), notes={'dropped_area': round(dropped, 4)})


class _Loader(yaml.BaseLoader):
    """Reads texts, lists and mappings and no more: numbers stay texts, tags mean nothing, and nothing is repeated."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            raise ValueError('aliases are not read.')
        return super().compose_node(parent, index)


def _header(path: Path) -> Header:
    try:
        values = yaml.load(read_text(path, MOST_YAML), _Loader)
    except (yaml.YAMLError, RecursionError) as error:
        raise ValueError(f'not YAML that can be read: {str(error)[:200]}.') from error
    if not isinstance(values, dict):
        raise ValueError(f'must be a mapping with image and resolution, got {str(values)[:60]!r}.')  # noqa: TRY004
    mode = values.get('mode', 'trinary')
    if mode not in MODES:
        raise ValueError(f'mode must be {", ".join(MODES)}, got {str(mode)[:60]!r}.')
    origin = values.get('origin', ['0', '0', '0'])
    if not isinstance(origin, list) or len(origin) != 3:
        raise ValueError(f'origin must be 3 numbers, got {str(origin)[:60]!r}.')
    occupied = _number('occupied_thresh', values.get('occupied_thresh', '0.65'), 0, 1)
    return Header(
        image=_beside(path, values.get('image')),
        resolution=_number('resolution', values.get('resolution'), 1e-4, 100),
        yaw=[_number('origin', value, -1e9, 1e9) for value in origin][2],
        negate=_number('negate', values.get('negate', '0'), 0, 1) > 0,
        free_thresh=_number('free_thresh', values.get('free_thresh', '0.196'), 0, occupied),
        mode=mode,
    )


def _number(name: str, value: Any, least: float, most: float) -> float:
    try:
        number = float({'true': 1, 'false': 0}.get(value, value))
    except (TypeError, ValueError):
        number = math.nan
    if not least <= number <= most:
        raise ValueError(f'{name} must be a number from {least:g} to {most:g}, got {str(value)[:60]!r}.')
    return number


def _beside(path: Path, image: Any) -> Path:
    """The picture's path, if it is a file in the very folder of the YAML file, also when links are followed."""
    if not isinstance(image, str) or '\0' in image or Path(image).parts != (Path(image).name,):
        raise ValueError(f"image must be the name of a file in the YAML file's folder, got {str(image)[:60]!r}.")
    target = (path.parent / image).resolve()
    if target.parent != path.parent.resolve():
        raise ValueError(f"image must be a file in the YAML file's folder, but {image[:60]!r} is a link to elsewhere.")
    if not target.is_file():
        raise ValueError(f"image must be a file in the YAML file's folder, but there is no file {image[:60]!r}.")
    return target


def _free(header: Header) -> Bool[np.ndarray, 'row column']:
    """A mask of the cells that are known to be free. The first row is the one at the top."""
    values, opaque = _pixels(header.image)
    if header.mode == 'raw':  # percentages; anything above 100 is unknown
        return (values <= 100) & (values < 100 * header.free_thresh)
    occupancy = np.arange(256) / 255 if header.negate else (255 - np.arange(256)) / 255
    free = (occupancy < header.free_thresh)[values]
    return free & opaque if header.mode == 'scale' else free


def _pixels(path: Path) -> tuple[UInt8[np.ndarray, 'row column'], Bool[np.ndarray, ...]]:
    """A picture's brightness, and where it isn't transparent."""
    if path.stat().st_size > MOST_BYTES:
        raise ValueError(f'image must be at most {MOST_BYTES} bytes long, got {path.stat().st_size}.')
    try:
        with Image.open(path, formats=('PNG', 'PPM')) as image:
            width, height = image.size
            if width * height <= MOST_CELLS:
                return _brightness(image)
    except Exception as error:  # a damaged picture makes the decoder fail in any way
        raise ValueError(f'image {path.name!r} is not a PGM or PNG that can be read: {error}.') from error
    raise ValueError(f'image must have at most {MOST_CELLS} pixels, got {width} x {height}.')


def _brightness(image: Image.Image) -> tuple[UInt8[np.ndarray, 'row column'], Bool[np.ndarray, ...]]:
    if image.mode.startswith('I'):  # 16 bits
        return (np.asarray(image).clip(0, 65535) // 257).astype(np.uint8), np.array(True)
    if image.mode not in ('1', 'L', 'LA', 'P', 'RGB', 'RGBA'):
        raise ValueError(f'its pixels are of the kind {image.mode}')
    opaque = np.asarray(image.convert('RGBA').getchannel('A')) == 255 if image.has_transparency_data else np.array(True)
    if image.mode in ('1', 'L', 'LA'):
        return np.asarray(image.convert('LA').getchannel('L')), opaque
    channels = np.asarray(image.convert('RGB'))
    return (channels.sum(axis=-1, dtype=np.uint16) // 3).astype(np.uint8), opaque


def _space(free: Bool[np.ndarray, 'row column'], least: float) -> Bool[np.ndarray, 'row column']:
    """The largest connected component of free cells, with what lies in it and has fewer than ``least`` cells."""
    if not free.any():
        raise ValueError(f'there must be free cells, got none among {free.size}.')
    patches = _labelled(free, np.array([[0, 1, 0], [1, 1, 1], [0, 1, 0]]))
    space = np.pad(patches == np.bincount(patches[free]).argmax(), 1)  # what is outside is one patch then
    holes = _labelled(~space, np.ones((3, 3), int))
    sizes = np.bincount(holes.reshape(-1))
    small = sizes < least
    small[holes[0, 0]] = False
    return (space | small[holes])[1:-1, 1:-1]


def _labelled(cells: Bool[np.ndarray, 'row column'], touching: Int[np.ndarray, '3 3']) -> Int[np.ndarray, 'row column']:
    """Labels connected components, as by flood fill: the patches of cells that touch each other, numbered from 1."""
    return ndimage.label(cells, touching)[0]


def _sides(space: Bool[np.ndarray, 'row column']) -> Float[np.ndarray, 'segment 2 2']:
    """The runs of sides between cells that are free and cells that aren't, in cells: x to the right and y up."""
    bottom_up = np.pad(space[::-1], 1)
    level, upright = _runs(bottom_up), _runs(bottom_up.T)
    if (count := len(level) + len(upright)) > MOST_SEGMENTS:
        raise ValueError(f'must have at most {MOST_SEGMENTS} segments of wall, got {count}.')
    return np.concatenate([level, upright[..., ::-1]]).astype(np.float64)


def _runs(cells: Bool[np.ndarray, 'row column']) -> Int[np.ndarray, 'run 2 2']:
    """The runs along rows: the places where each begins and ends."""
    sides = np.pad(cells[1:] != cells[:-1], ((0, 0), (1, 1)))
    changes = np.diff(sides.astype(np.int8), axis=1)
    starts, ends = (np.argwhere(changes == sign)[:, ::-1] for sign in (1, -1))
    return np.stack([starts, ends], axis=1) + [0, 1]  # the sides above the first row are the first


def _simplified(segments: Float[np.ndarray, 'segment 2 2'], tolerance: float) -> Float[np.ndarray, 'segment 2 2']:
    _, face = enclose(segments)
    return freespace.sides(face.simplify(tolerance))
