"""Kolmogorov-Smirnov distances of maps to real apartments, as far as those are known.

Two sets of figures ship with megastep, both of the hand-annotated floors of art-programmer/FloorplanTransformation.
Of 200 apartments there are percentiles of what `megastep.MapSet.stats` measures. Of 1,365 floors a few quantiles are
known, which others measured up to the middle of the walls: for these, rooms are measured likewise.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Shaped

from megastep.maps.packing import MapArrays, totals
from megastep.maps.stats.rooms import opening_widths, shapes

HALF_WALL = 0.06
"""Half the thickness of a wall in the real floors, in metres."""

Points = Sequence[tuple[float, float]]
"""Values, and the share of a distribution that is at most each, in order."""


class Reference(NamedTuple):
    """Reference distributions: what is known of real homes."""

    apartments: Mapping[str, Points]
    """By statistic: percentiles of 200 apartments."""
    floors: Mapping[str, Points]
    """By statistic: quantiles of 1,365 floors, or of all their rooms or openings, or of a navigable sample of 325."""


class Distances(NamedTuple):
    """Kolmogorov-Smirnov distances to real homes. NaN where nothing is known."""

    apartments: float
    """To 200 apartments, by the same code."""
    floors: float
    """To 1,365 floors: the greatest difference at the quantiles known, so the true distance is this or more."""


@cache
def reference() -> Reference:
    """The figures of real homes."""
    figures = json.loads(resources.files(__package__).joinpath('apartments.json').read_text(encoding='utf-8'))
    shares, percentiles = figures['apartments']['shares'], figures['apartments']['values']
    apartments = {name: tuple(zip(values, shares, strict=True)) for name, values in percentiles.items()}
    return Reference(MappingProxyType(apartments), MappingProxyType(figures['floors']['points']))


def distances(maps: MapArrays, stats: Mapping[str, np.ndarray]) -> dict[str, Distances]:
    """Compares maps with real homes.

    Args:
        maps: The maps.
        stats: Their `MapSet.stats`.

    Returns:
        A distance to each of the two sets for every statistic of which something is known.
    """
    apartments, floors = reference()
    samples = as_floors(maps, stats)
    names = [name for name in stats if name in apartments or name in floors]
    return {
        name: Distances(
            _distance(stats[name], apartments[name]) if name in apartments else np.nan,
            _distance(samples[name], floors[name]) if name in floors else np.nan,
        )
        for name in names
    }


def as_floors(maps: MapArrays, stats: Mapping[str, np.ndarray]) -> dict[str, Shaped[np.ndarray, ' sample']]:
    """The statistics as they are known of the floors: all rooms' areas and aspects, and all openings' widths.

    Rooms are measured up to the middle of the walls, and a map's area is that of its rooms.
    """
    rooms = shapes(maps.outlines, margin=HALF_WALL)
    filled = np.flatnonzero(maps.kinds.widths)  # sums need rows that aren't empty
    within = maps.kinds.rows(filled)
    return {
        **stats,
        'area': totals(rooms.areas, within),
        'room_area': rooms.areas,
        'aspect': rooms.aspects,
        'rectangularity': totals(rooms.rectangularities, within) / within.widths,
        'opening_width': opening_widths(maps.doors),
    }


def _distance(sample: Shaped[np.ndarray, ' sample'], points: Points) -> float:
    """The Kolmogorov-Smirnov distance of a sample to a distribution, NaN for none."""
    sample = sample[np.isfinite(sample)]
    return kolmogorov_smirnov(sample, points) if len(sample) else np.nan


def kolmogorov_smirnov(sample: Float[np.ndarray, ' sample'], points: Points) -> float:
    """The least that the Kolmogorov-Smirnov distance of a sample to a distribution can be, of which points are known.

    A quantile says that at most its share lies below it and at least its share lies at or below it.

    Args:
        sample: Numbers, at least one.
        points: What is known of the distribution.
    """
    values, shares = np.array(points).T
    ordered = np.sort(sample)
    below, within = (np.searchsorted(ordered, values, side) / len(ordered) for side in ('left', 'right'))
    return float(max((shares - within).max(), (below - shares).max(), 0))
