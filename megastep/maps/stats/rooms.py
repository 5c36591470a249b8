"""Rooms' shapes: areas, aspect ratios, rectangularity, and how wide the openings between them are."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from megastep.maps.ragged import Ragged


class Shapes(NamedTuple):
    """Shape descriptors of each room, whatever map it is in."""

    areas: Float[np.ndarray, ' room']
    """Square metres."""
    aspects: Float[np.ndarray, ' room']
    """Aspect ratios: the longer side of the bounding box over the shorter."""
    rectangularities: Float[np.ndarray, ' room']
    """The part of the bounding box that the room fills."""


def shapes(outlines: Ragged[np.ndarray], margin: float = 0.0) -> Shapes:
    """Measures the shape of each room.

    Args:
        outlines: A row of (corner, 2) a room, in metres.
        margin: Measure rooms that are larger by this much on every side: half a wall's thickness gives areas up to the
            middle of the walls.
    """
    if not len(outlines):
        return Shapes(*np.empty((3, 0)))
    corners, starts = outlines.vals, outlines.starts
    after = np.roll(corners, -1, axis=0)
    after[starts + outlines.widths - 1] = corners[starts]
    cross = corners[:, 0] * after[:, 1] - corners[:, 1] * after[:, 0]
    around = np.add.reduceat(np.hypot(*(after - corners).T), starts)
    areas = np.abs(np.add.reduceat(cross, starts) / 2) + margin * around + 4 * margin**2  # right where corners are
    sides = np.maximum.reduceat(corners, starts) - np.minimum.reduceat(corners, starts) + 2 * margin
    return Shapes(areas, sides.max(1) / sides.min(1), areas / sides.prod(1))


def opening_widths(doors: Ragged[np.ndarray]) -> Float[np.ndarray, ' door']:
    """The width of each opening, in metres, whatever map it is in."""
    return np.hypot(*(doors.vals[:, 1] - doors.vals[:, 0]).T)
