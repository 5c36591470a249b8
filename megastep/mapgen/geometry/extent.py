"""The bounds of the extent of maps.

Up to 100 m from the origin physics is exact; beyond 500 m the simulator refuses a map. By default no map of any family
reaches 100 m, unless an office, a hotel or a warehouse is turned: then up to 150 m. Whatever their parameters, mazes,
arenas, caves and rooms are at most 98 m long and wide, and no family's maps reach 500 m, turned as they may be.
"""

from __future__ import annotations

from megastep.mapgen.geometry.lattice import UNITS_PER_METRE, units

LARGEST_EXTENT = units(98)
"""The greatest length and width that `check_extent` lets pass, in lattice units. With a metre on each side a map stays
within 100 m of the origin."""

LARGEST_COORDINATE = 500.0
"""The greatest coordinate that any map reaches, in metres."""


def check_extent(family: str, subject: str, extent: int) -> None:
    """Refuses parameters that may give a map which is too large.

    Args:
        family: The name of the family whose parameters they are.
        subject: What makes the map large.
        extent: The length or width of the largest map that they may give, in lattice units.

    Raises:
        ValueError: if that is more than `LARGEST_EXTENT`.
    """
    if extent > LARGEST_EXTENT:
        most, got = LARGEST_EXTENT / UNITS_PER_METRE, extent / UNITS_PER_METRE
        raise ValueError(f'{family}: {subject} must come to at most {most:g} m, got up to {got:g} m.')
