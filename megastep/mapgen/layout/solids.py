"""Columns in rows, as large rooms have them."""

from __future__ import annotations

from megastep.mapgen.geometry.lattice import PER_METRE, Rect

PASSAGE = 6 * PER_METRE // 5
"""Columns keep this far from walls, and a room with less space has none."""


def pillars(room: Rect, pitch: int, side: int) -> list[Rect]:
    """Square columns on a grid that fills a rectangular room evenly.

    Args:
        room: What is clear of the room, in lattice units.
        pitch: Columns are at least this far apart, from middle to middle.
        side: How thick they are.

    Returns:
        None, if the room is so narrow that a column would be in the way.
    """
    if room.shorter < side + 2 * PASSAGE:
        return []
    xs, ys = _row(room.left, room.right, pitch, side), _row(room.bottom, room.top, pitch, side)
    return [Rect(x, y, x + side, y + side) for y in ys for x in xs]


def _row(low: int, high: int, pitch: int, side: int) -> list[int]:
    """Where columns begin: half as far from the ends as from each other."""
    count = max(1, (high - low) // max(pitch, side + 2 * PASSAGE + 2))
    return [low + (high - low) * (2 * i + 1) // (2 * count) - side // 2 for i in range(count)]
