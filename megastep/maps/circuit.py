"""The centre line of a track: of a map whose free space is a ring between an outer and an inner outline."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import shapely
from jaxtyping import Float
from scipy.spatial import Voronoi

from megastep.maps.segments import area, rings

SAMPLES = 8
"""Walls are sampled at so many points along each stretch as long as the track is wide."""

FINER = 8
"""Where a track is narrow, points may be so many times as close."""

SMOOTHED = 4
"""Each point is averaged with so many neighbours on either side: where walls are polygons, the line has kinks."""


def centre_line(walls: Float[np.ndarray, 'wall 2 2']) -> Float[np.ndarray, 'point 2']:
    """The centre line of a track: a closed line that is everywhere about as far from the outer as from the inner wall.

    It is made of the edges that a Voronoi diagram of points on the walls has between points of different outlines:
    these part the two, and so go around the track once, whatever its shape and however wide it is where. Then it is
    smoothed over about its width.

    Args:
        walls: A map's walls, in metres: those of a `megastep.Geometry`.

    Returns:
        Points an eighth of the track's mean width apart, or less where that is more than half of its least width. They
        go anticlockwise, and the last joins the first.

    Raises:
        ValueError: if the walls aren't two outlines, one around the other.
    """
    outlines = rings(walls)
    if len(outlines) != 2 or min(map(_area, outlines)) > 0:
        raise ValueError(f'a track must have 2 outlines, one around the other, got {len(outlines)}.')
    spacing = 2 * area(walls) / sum(map(_length, outlines)) / SAMPLES
    line, narrowest = _parting(outlines, spacing)
    if spacing > narrowest / 2:
        spacing = max(narrowest / 2, spacing / FINER)
        line, _ = _parting(outlines, spacing)
    return _resampled(_smoothed(_resampled(line, spacing)), spacing)


def _parting(
    outlines: Sequence[Float[np.ndarray, 'corner 2']], spacing: float
) -> tuple[Float[np.ndarray, 'point 2'], float]:
    """The closed line on which it is as far to either of two outlines, anticlockwise; and the least width around it.

    Args:
        outlines: The outlines.
        spacing: They are looked at in points so far apart, in metres.
    """
    points, others = (_resampled(outline, spacing) for outline in outlines)
    diagram = Voronoi(np.concatenate([points, others]))
    of_both = (diagram.ridge_points < len(points)).sum(axis=1) == 1
    sides = diagram.points[diagram.ridge_points[of_both]]
    edges = diagram.vertices[np.array(diagram.ridge_vertices)[of_both]]
    loops = shapely.get_exterior_ring(shapely.get_parts(shapely.polygonize(shapely.linestrings(edges))))
    line = shapely.get_coordinates(loops[shapely.length(loops).argmax()])[:-1]
    return line if _area(line) > 0 else line[::-1], float(np.hypot(*(sides[:, 1] - sides[:, 0]).T).min())


def _resampled(line: Float[np.ndarray, 'point 2'], spacing: float) -> Float[np.ndarray, 'sample 2']:
    """Points along a closed line that are all equally far from one another along it, and at most so far."""
    closed = np.concatenate([line, line[:1]])
    along = np.concatenate([[0], np.hypot(*np.diff(closed, axis=0).T).cumsum()])
    places = np.linspace(0, along[-1], math.ceil(along[-1] / spacing), endpoint=False)
    return np.stack([np.interp(places, along, values) for values in closed.T], axis=1)


def _smoothed(line: Float[np.ndarray, 'point 2']) -> Float[np.ndarray, 'point 2']:
    """The moving average of a closed line."""
    return np.mean([np.roll(line, shift, axis=0) for shift in range(-SMOOTHED, SMOOTHED + 1)], axis=0)


def _length(line: Float[np.ndarray, 'point 2']) -> float:
    """The length of a closed line."""
    return float(np.hypot(*(np.roll(line, -1, axis=0) - line).T).sum())


def _area(line: Float[np.ndarray, 'point 2']) -> float:
    """The area within a closed line, below 0 if it goes clockwise."""
    return area(np.stack([line, np.roll(line, -1, axis=0)], axis=1))
