"""Solid corners in rooms: columns, chimneys, shafts for pipes."""

from __future__ import annotations

from collections.abc import Sequence

from megastep.mapgen.geometry.lattice import PER_METRE, Rect
from megastep.mapgen.rng import Rng

SIDES = (3 * PER_METRE // 10, 3 * PER_METRE // 5)
"""How long a shaft's sides are."""

PASSAGE = 9 * PER_METRE // 10
"""How wide a room stays beside a shaft."""

DOORSTEP = 3 * PER_METRE // 10
"""Shafts keep this far from doors."""


def corner_shaft(rng: Rng, room: Rect, gaps: Sequence[Rect]) -> Rect | None:
    """Draws a shaft for a corner of a rectangular room, if one fits that is in no door's way.

    Args:
        rng: Drawn from.
        room: What is clear of the room.
        gaps: The openings of doors, anywhere.
    """
    width, height = rng.between(*SIDES), rng.between(*SIDES)
    if min(room.width - width, room.height - height) < PASSAGE:
        return None
    corners = [
        (left, bottom) for left in (room.left, room.right - width) for bottom in (room.bottom, room.top - height)
    ]
    for left, bottom in rng.shuffled(corners):
        shaft = Rect(left, bottom, left + width, bottom + height)
        if not any(shaft.grown(DOORSTEP).overlaps(gap) for gap in gaps):
            return shaft
    return None
