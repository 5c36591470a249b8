"""How large a map may be.

Up to 100 m from the origin physics is exact; beyond 500 m the simulator refuses a map. By default no map of any family
reaches 100 m, unless an office, a hotel or a warehouse is turned: then up to 150 m. Whatever their parameters, mazes,
arenas, caves and rooms are at most 98 m long and wide, and no family's maps reach 500 m, turned as they may be.
"""

from __future__ import annotations

from megastep.mapgen.geometry.lattice import PER_METRE

LONGEST = 98 * PER_METRE
"""What `check_extent` lets pass is no longer or wider than this, in lattice units. With a metre on each side it stays
within 100 m of the origin."""

FURTHEST = 500.0
"""No map reaches a coordinate beyond this, in metres."""


def check_extent(family: str, subject: str, extent: int) -> None:
    """Refuses parameters that may give a map which is too large.

    Args:
        family: Whose parameters they are.
        subject: What makes the map large.
        extent: How long or wide its largest map may be, in lattice units.

    Raises:
        ValueError: if that is more than `LONGEST`.
    """
    if extent > LONGEST:
        most, got = LONGEST / PER_METRE, extent / PER_METRE
        raise ValueError(f'{family}: {subject} must come to at most {most:g} m, got up to {got:g} m.')
