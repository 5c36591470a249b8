"""Apportionment of a mixture: the family that each of its maps is of."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any


def checked_shares(mixture: Any) -> dict[str, float]:
    """The validated shares of a mixture as plain numbers, in the order of the families' names.

    Raises:
        ValueError: if it isn't a mapping of names to finite numbers above 0.
    """
    if not isinstance(mixture, Mapping) or not mixture:
        raise ValueError(f"mixture must give families' shares, such as {{'house': 0.5, 'maze': 0.5}}, got {mixture!r}.")
    for name, share in mixture.items():
        try:
            usable = not isinstance(share, bool | str) and math.isfinite(share) and share > 0
        except TypeError:
            usable = False
        if not usable:
            raise ValueError(f'mixture: the share of {name} must be a finite number above 0, got {share!r}.')
    return {name: float(mixture[name]) for name in sorted(mixture)}


def apportion(shares: Sequence[float], count: int) -> list[int]:
    """Apportionment of ``count`` places: the part, of several, that each place goes to.

    However many of the places are looked at, from the first on, each part has its share of them, rounded up or down:
    the quota method (Balinski and Young, "The quota method of apportionment", 1975). A greater count begins with the
    same places.

    Args:
        shares: The sizes of the parts, compared with each other.
        count: The number of places.
    """
    whole = _whole(shares)
    total, held = sum(whole), [0] * len(whole)
    places = []
    for given in range(1, count + 1):
        open_to = [part for part, weight in enumerate(whole) if held[part] * total < weight * given]
        place = min(open_to, key=lambda part: Fraction(held[part] + 1, whole[part]))
        held[place] += 1
        places.append(place)
    return places


def _whole(shares: Sequence[float]) -> list[int]:
    """The shares as whole numbers: 0.1 is taken for a tenth, and not for the nearest binary fraction."""
    fractions = [Fraction(repr(float(share))) for share in shares]
    scale = math.lcm(*(fraction.denominator for fraction in fractions))
    return [int(fraction * scale) for fraction in fractions]
