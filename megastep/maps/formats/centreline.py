"""Reads race tracks given by their centre line, as the public databases of tracks have them.

A file is lines of four numbers, with commas between them: x, y, and how wide the track is to the right and to the left
of there, in metres. Empty lines and what follows a ``#`` are left alone. The last point joins the first.

Between each two points the track is the convex hull of its four edges' ends, so where it bends more sharply than it is
wide, no edge crosses another. Where it runs into itself there is a crossing, and patches inside that are smaller than
a square as wide as the track are filled. A track that then leads around nothing is refused. Spawns lie on the centre
line.

A file may have `MOST_BYTES` and `MOST_POINTS`.
"""

from __future__ import annotations

import math
from functools import partial
from pathlib import Path

import numpy as np
import shapely
from jaxtyping import Float
from shapely import Polygon

from megastep.checks import check_numbers
from megastep.maps import freespace
from megastep.maps.formats.bounds import check_pairs
from megastep.maps.formats.drawing import Drawing
from megastep.maps.formats.reading import Collected, Inside, Paths, drawn, number, one_each, read_text
from megastep.maps.frame import Frame
from megastep.maps.geometry_checks import LARGEST

MOST_BYTES = 4 << 20

MOST_POINTS = 1 << 14


def read(path: Paths, *, scale: float, inside: Inside = None, skip_invalid: bool = False) -> Collected:
    """Reads a track of each file.

    Args:
        path: The file, or several.
        scale: What all lengths are multiplied by.
        inside: A point on the track, or several, in the file's own coordinates: see `faces.choose`.
        skip_invalid: Leave out the tracks that can't be used, with a warning that lists them, instead of raising.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if the scale isn't above 0; if a track can't be used, naming the file, the line and the reason; or
            if none can.
    """
    check_numbers(scale=scale)
    if not 0 < scale < math.inf:
        raise ValueError(f'scale must be above 0, got {scale}.')
    return one_each(path, drawn(partial(_draw, scale=scale)), inside=inside, skip_invalid=skip_invalid)


def _draw(path: Path, *, scale: float) -> Drawing:
    rows = scale * _rows(read_text(path, MOST_BYTES))
    middle = rows[:, :2]
    return Drawing(freespace.sides(_track(rows)), starts=middle, floor=middle, kind='track', frame=Frame(scale))


def _rows(text: str) -> Float[np.ndarray, 'point 4']:
    """The points, each once where it is repeated at once."""
    rows: list[list[float]] = []
    for place, line in enumerate(text.splitlines(), 1):
        if content := line.partition('#')[0].strip():
            rows.append(_row(content, place))
            if len(rows) > MOST_POINTS:
                raise ValueError(f'must have at most {MOST_POINTS} points, got more.')
    points = np.array(rows).reshape(-1, 4)
    points = points[(points[:, :2] != np.roll(points[:, :2], 1, axis=0)).any(axis=1)]
    if len(points) < 3:
        raise ValueError(f'must have at least 3 different points, got {len(points)}.')
    return points


def _row(content: str, place: int) -> list[float]:
    try:
        row = [number(text.strip()) for text in content.split(',')]
    except ValueError:
        row = []
    if len(row) != 4 or not all(abs(value) <= LARGEST for value in row) or min(row[2:]) < 0:
        raise ValueError(
            f'line {place}: must be x, y, and the widths to the right and to the left, which are at least 0 m, '
            f'got {content[:60]!r}.'
        )
    return row


def _track(rows: Float[np.ndarray, 'point 4']) -> Polygon:
    """The track's surface."""
    middle, right, left = rows[:, :2], rows[:, 2:3], rows[:, 3:4]
    along = np.roll(middle, -1, axis=0) - np.roll(middle, 1, axis=0)
    turned_back = (along == 0).all(axis=1, keepdims=True)
    along = np.where(turned_back, np.roll(middle, -1, axis=0) - middle, along)
    across = np.stack([-along[:, 1], along[:, 0]], axis=1) / np.hypot(*along.T)[:, None]
    ends = np.stack([middle + left * across, middle - right * across], axis=1)
    hulls = shapely.convex_hull(shapely.multipoints(np.concatenate([ends, np.roll(ends, -1, axis=0)], axis=1)))
    check_pairs(hulls)
    surface = freespace.largest(shapely.union_all(hulls, grid_size=freespace.GRID))
    if not surface.area:
        raise ValueError('the track must be wider than 0 m somewhere, got widths of 0.')
    holes = [hole for hole in surface.interiors if Polygon(hole).area > (left + right).mean() ** 2]
    if not holes:
        raise ValueError('the track must lead around something, but its edges meet.')
    return Polygon(surface.exterior, holes)
