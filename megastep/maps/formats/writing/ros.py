"""Writes floorplans as occupancy grids for ROS's map_server and Nav2, and as plain pictures.

A map is a YAML file and a PGM beside it. ROS 1's and Nav2's documents say what the fields mean: free pixels are 254,
occupied ones 0 and unknown ones 205, and with these thresholds each of both reads them so. ``origin`` is the lower left
corner in the map's own coordinates, so that places are the same in both.
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from PIL import Image

from megastep.maps.formats.writing import numbered, raster
from megastep.maps.geometry import Geometry


def write(folder: str | os.PathLike, geometries: Iterable[Geometry], *, resolution: float) -> list[Path]:
    """Writes each map as ``0000.yaml`` and ``0000.pgm`` and so on. `numbered.write` says more.

    Raises:
        ValueError: if there are no maps, or one has too many cells.
    """

    def contents(geometry: Geometry, name: str) -> dict[str, bytes]:
        cells = raster.rasterize(geometry, resolution)
        return {'.yaml': _yaml(cells, name), '.pgm': _encoded(raster.picture(cells), 'PPM')}

    return numbered.write(folder, geometries, contents)


def write_pictures(folder: str | os.PathLike, geometries: Iterable[Geometry], *, resolution: float) -> list[Path]:
    """Writes each map as a picture, ``0000.png`` and so on: a pixel a cell, as in `write`."""

    def contents(geometry: Geometry, name: str) -> dict[str, bytes]:
        return {'.png': _encoded(raster.picture(raster.rasterize(geometry, resolution)), 'PNG')}

    return numbered.write(folder, geometries, contents)


def _yaml(cells: raster.Raster, name: str) -> bytes:
    x, y = cells.origin
    return (
        f'image: {name}.pgm\nmode: trinary\nresolution: {cells.resolution:.12g}\norigin: [{x:.12g}, {y:.12g}, 0.0]\n'
        'negate: 0\noccupied_thresh: 0.65\nfree_thresh: 0.196\n'
    ).encode()


def _encoded(pixels: np.ndarray, kind: str) -> bytes:
    content = io.BytesIO()
    Image.fromarray(pixels).save(content, kind)
    return content.getvalue()
