"""Writes the outlines of floorplans as SVG pictures."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from megastep.maps.formats.bounds import check_scale
from megastep.maps.formats.writing import numbered
from megastep.maps.geometry import Geometry
from megastep.maps.segments import polylines


def write(folder: str | os.PathLike, geometries: Iterable[Geometry], *, scale: float) -> list[Path]:
    """Writes each map's outline as a picture of its own: ``0000.svg`` and so on. `numbered.write` says more.

    Raises:
        ValueError: if there are no maps, or the scale isn't above 0.
    """
    check_scale(scale)
    return numbered.write(folder, geometries, lambda geometry, _: {'.svg': _picture(geometry, scale).encode()})


def _picture(geometry: Geometry, scale: float) -> str:
    """The outline in the picture's units, filled where the floor is."""
    left, bottom, right, top = geometry.bounds
    margin = 0.2
    box = [left - margin, -margin, right - left + 2 * margin, top - bottom + 2 * margin]
    lines = (scale * (line * [1, -1] + [0, top]) for line in polylines(geometry.walls))
    path = ''.join('M' + 'L'.join(f'{x:.12g} {y:.12g}' for x, y in line.tolist()) for line in lines)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{" ".join(f"{scale * side:.12g}" for side in box)}">'
        f'<path d="{path}" fill="#fbf9f4" fill-rule="evenodd" stroke="#33323e" stroke-width="{0.1 * scale:g}" '
        'stroke-linejoin="round"/></svg>\n'
    )
