"""Validity of geodesic fields from files: whatever they hold, looking a path up stays within them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
from jaxtyping import Bool, Float, Int

from megastep.maps.ragged import Ragged

KINDS = {'visible': 'i', 'entries': 'i', 'hops': 'i', 'nodes': 'f', 'lengths': 'f', 'spawns': 'f'}
"""The kind of number of each ragged buffer."""

AXES = {'nodes': (2,), 'spawns': (2,)}
"""What a ragged buffer's values are of, other than single numbers."""


def check(
    name: str,
    corners: Float[np.ndarray, 'map 2'],
    shapes: Int[np.ndarray, 'map 2'],
    raggeds: Mapping[str, Ragged[np.ndarray]],
) -> None:
    """Raises unless the buffers of geodesic fields go together: see `megastep.env.navigation.GeodesicField`.

    Args:
        name: The file that they are from.
        corners: Each map's grid's lower left corner, in metres.
        shapes: How many columns and rows of cells it has.
        raggeds: The ragged buffers, by name.

    Raises:
        ValueError: naming the file and the buffer that doesn't.
    """
    wrong = (each for each, holds in _rules(corners, shapes, raggeds) if not holds)
    if (first := next(wrong, None)) is not None:
        raise ValueError(f'{name} is damaged: {first} of its geodesic field are none.')


def _rules(
    corners: np.ndarray, shapes: np.ndarray, raggeds: Mapping[str, Ragged[np.ndarray]]
) -> Iterator[tuple[str, bool]]:
    """Rules that must hold, each the first time that those before it do, with the buffer that it is about."""
    widths = {name: ragged.widths.astype(np.int64) for name, ragged in raggeds.items()}
    for name, kind in KINDS.items():
        vals = raggeds[name].vals
        yield name, vals.dtype.kind == kind and vals.shape[1:] == AXES.get(name, ())
        yield name, kind == 'i' or not np.isnan(vals).any()
    count = len(widths['spawns'])
    yield 'corners', corners.shape == (count, 2) and corners.dtype.kind == 'f' and bool(np.isfinite(corners).all())
    yield 'shapes', shapes.shape == (count, 2) and shapes.dtype.kind == 'i' and bool((shapes > 0).all())
    yield 'spawns', bool((widths['spawns'] > 0).all())
    yield 'shapes', bool((shapes < 1 << 31).all()) and bool((shapes.prod(axis=1) == widths['entries']).all())
    words = (widths['spawns'] + 31) // 32
    yield 'visible', bool((widths['visible'] == widths['entries'] * words).all())
    yield 'lengths', bool((widths['lengths'] == widths['nodes'] * widths['spawns']).all())
    yield 'entries', bool(_within(raggeds['entries'], widths['hops']).all())
    yield 'hops', _are_lists(raggeds['entries'], raggeds['hops'], widths['nodes'])


def _within(ragged: Ragged[np.ndarray], bounds: Int[np.ndarray, ' map']) -> Bool[np.ndarray, ' val']:
    """True for the numbers from 0 to just below their map's bound."""
    return (ragged.vals >= 0) & (ragged.vals < np.repeat(bounds, ragged.widths))


def _are_lists(entries: Ragged[np.ndarray], hops: Ragged[np.ndarray], num_nodes: Int[np.ndarray, ' map']) -> bool:
    """True if a list begins at each entry, ends before the next and within its map, and has nodes that there are."""
    begins = np.unique(np.repeat(hops.starts, entries.widths) + entries.vals)
    ends = np.repeat(hops.starts + hops.widths, hops.widths)[begins]
    lengths = hops.vals[begins].astype(np.int64)
    limits = np.minimum(ends, np.append(begins[1:], len(hops.vals)))
    is_node = np.ones(len(hops.vals), bool)
    is_node[begins] = False
    fits = bool(((lengths >= 0) & (begins + 1 + lengths <= limits)).all())
    return fits and bool(_within(hops, num_nodes)[is_node].all())
