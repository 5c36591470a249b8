"""How large a map may be."""

from __future__ import annotations

from megastep.mapgen.lattice import PER_METRE

LONGEST = 98 * PER_METRE
"""No map is longer or wider than this, in lattice units: up to 100 m from the origin physics is exact, and maps keep a
metre clear of it."""


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
