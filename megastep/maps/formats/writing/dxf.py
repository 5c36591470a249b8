"""Writes floorplans as DXF, in metres, through the library ezdxf: walls, doors and rooms on layers of their own."""

from __future__ import annotations

import io
import os
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from megastep.maps.formats.writing import numbered
from megastep.maps.geometry import Geometry
from megastep.maps.segments import polylines, thin

WALLS, DOORS, ROOMS = 'WALLS', 'DOORS', 'ROOMS'
"""The layers. Those of rooms end in what they are for: ``ROOMS-BEDROOM``."""

METRES = 6


def write(folder: str | os.PathLike, geometries: Iterable[Geometry]) -> list[Path]:
    """Writes each map as ``0000.dxf`` and so on. `numbered.write` says more.

    Raises:
        ImportError: if ezdxf isn't installed.
        ValueError: if there are no maps.
    """
    return numbered.write(folder, geometries, lambda geometry, _: {'.dxf': _document(geometry)})


def _document(geometry: Geometry) -> bytes:
    try:
        import ezdxf
    except ImportError as error:
        raise ImportError("DXF files are written by ezdxf: pip install 'megastep[dxf]'.") from error
    document = ezdxf.new(units=METRES)
    space = document.modelspace()
    for line in polylines(_once(geometry.walls)):
        closed = len(line) > 3 and (line[0] == line[-1]).all()
        space.add_lwpolyline(line[:-1] if closed else line, close=closed, dxfattribs={'layer': WALLS})
    for start, end in geometry.doors.tolist():
        space.add_line(start, end, dxfattribs={'layer': DOORS})
    for room in geometry.rooms:
        layer = f'{ROOMS}-{"".join(c if c.isalnum() else "_" for c in room.kind.upper())}'
        space.add_lwpolyline(room.outline, close=True, dxfattribs={'layer': layer})
    text = io.StringIO()
    document.write(text)
    return text.getvalue().encode(document.output_encoding, errors='dxfreplace')


def _once(walls: np.ndarray) -> np.ndarray:
    """The walls, thin ones in one direction alone."""
    starts, ends = walls[:, 0], walls[:, 1]
    backwards = (starts[:, 0] > ends[:, 0]) | ((starts[:, 0] == ends[:, 0]) & (starts[:, 1] > ends[:, 1]))
    return walls[~(thin(walls) & backwards)]
