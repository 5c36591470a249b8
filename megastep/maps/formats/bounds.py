"""Bounds of what a file may ask for: each is checked before what takes time is done."""

from __future__ import annotations

import numpy as np
import shapely
from jaxtyping import Float

from megastep.checks import check_numbers
from megastep.maps import freespace
from megastep.maps.geometry_checks import LARGEST

MOST_SEGMENTS = 1 << 14
"""A map may have so many segments, and so many walls made of them."""

MOST_PAIRS = 1 << 18
"""So many ordered pairs of a map's segments may be near enough to meet: their bounding boxes do. Each meets itself."""

MOST_NEAR = 1 << 20
"""So many ordered pairs of a map's walls may be within reach of each other as passages close. Each reaches itself."""

REACH = freespace.NARROW / 2
"""Their bounding boxes, grown by this many metres, meet then: growing walls so takes time for each such pair."""

SEGMENTS_AT_ONCE = 128
"""So many segments' neighbours are looked for at once, so that a file with too many costs little memory."""


def check_scale(scale: float) -> None:
    """Raises a `ValueError` unless so many units may be a metre."""
    check_numbers(scale=scale)
    if not 0 < scale < float('inf'):
        raise ValueError(f'scale must be above 0 units a metre, got {scale}.')


def check_resolution(resolution: float) -> None:
    """Raises a `ValueError` unless a cell's side may be so many metres."""
    check_numbers(resolution=resolution)
    if not 1e-4 <= resolution <= 100:
        raise ValueError(f'resolution must be from 0.0001 to 100 m, got {resolution}.')


def check_segments(segments: Float[np.ndarray, 'segment 2 2']) -> None:
    """Refuses segments that would take too long to sort out.

    Raises:
        ValueError: if there are too many, or too many that may meet, or a coordinate is not finite or too large.
    """
    check_count(len(segments))
    bad = ~(np.abs(segments) <= LARGEST)  # of a NaN, neither is true
    if bad.any():
        raise ValueError(f'coordinates must be finite and up to {LARGEST:g} m, got {segments[bad][0]}.')
    check_pairs(shapely.linestrings(segments))


def check_count(segments: int) -> None:
    """Raises a `ValueError` if there are too many segments."""
    if segments > MOST_SEGMENTS:
        raise ValueError(f'must have at most {MOST_SEGMENTS} segments of wall, got {segments}.')


def check_pairs(shapes: np.ndarray) -> None:
    """Refuses shapes of which so many may meet that it would take too long to find out where they do.

    Raises:
        ValueError: if more than `MOST_PAIRS` of their bounding boxes do.
    """
    _check_boxes(shapely.bounds(shapes), most=MOST_PAIRS, what='pieces that may meet')


def check_near(walls: Float[np.ndarray, 'wall 2 2']) -> None:
    """Refuses walls that are packed so densely that it would take too long to close passages between them."""
    grown = np.concatenate([walls.min(axis=1) - REACH / 2, walls.max(axis=1) + REACH / 2], axis=1)
    _check_boxes(grown, most=MOST_NEAR, what=f'walls within {REACH:g} m of each other')


def _check_boxes(bounds: Float[np.ndarray, 'box 4'], *, most: int, what: str) -> None:
    boxes = shapely.box(*bounds.T)
    tree, pairs = shapely.STRtree(boxes), 0
    for i in range(0, len(boxes), SEGMENTS_AT_ONCE):
        pairs += tree.query(boxes[i : i + SEGMENTS_AT_ONCE]).shape[1]
        if pairs > most:
            raise ValueError(f'must have at most {most} pairs of {what}, got {pairs} and more.')
