"""Lots along corridors: land shared out among rooms side by side, so that each touches the corridor."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, pairwise

from megastep.mapgen.geometry.lattice import Rect, units
from megastep.mapgen.layout.footprint import Band

LEAST_LOT_WIDTH = units(2)
"""The least width of ordinary rooms along their corridor, without walls, in lattice units."""


def lot_capacity(lengths: Sequence[int], least: int) -> int:
    """The number of rooms of a least width that surely fit beside corridors.

    Args:
        lengths: The lengths of the bands along the corridors, in lattice units.
        least: The least width of a room, in lattice units.
    """
    return sum(length // least for length in lengths)


def allot_lots(widths: Sequence[int], lengths: Sequence[int], least: int) -> list[list[int]]:
    """Greedy allotment of rooms to bands: the widest first, each to the band with the most land left.

    Args:
        widths: The width that each room should have, in lattice units: of at least as many rooms as there are bands,
            and at most their `lot_capacity`.
        lengths: The bands' lengths, each at least ``least``.
        least: The least width of a room.

    Returns:
        The rooms of each band: at least one, and no more than surely fit.
    """
    order = sorted(range(len(widths)), key=lambda room: (-widths[room], room))
    shares: list[list[int]] = [[] for _ in lengths]
    left = list(lengths)
    empty = set(range(len(lengths)))
    for rank, room in enumerate(order):
        fitting = [i for i, share in enumerate(shares) if len(share) < lengths[i] // least]
        best = max(empty if len(empty) == len(order) - rank else fitting, key=lambda i: (left[i], i))
        shares[best].append(room)
        left[best] -= widths[room]
        empty.discard(best)
    return shares


def fitted(widths: Sequence[int], length: int, leasts: Sequence[int]) -> list[int]:
    """The widths of rooms side by side, stretched or shrunk so that they fill a length.

    Args:
        widths: The width that each room should have, in lattice units.
        length: At least the sum of the least widths.
        leasts: The least width of each room. One that is to be no wider keeps it where another is.
    """
    more = [max(0, width - least) for width, least in zip(widths, leasts, strict=True)]
    if not any(more):
        more = [1] * len(widths)
    spare = length - sum(leasts)
    ends = [spare * end // sum(more) for end in accumulate(more, initial=0)]
    return [least + high - low for least, (low, high) in zip(leasts, pairwise(ends), strict=True)]


def sliced(band: Band, widths: Sequence[int]) -> list[Band]:
    """The parts of a band that is cut across, from its low end on, into these widths. They face the same way."""
    ends = list(accumulate(widths, initial=0))
    return [Band(band.part(Rect(low, 0, high, band.depth)), band.facing) for low, high in pairwise(ends)]
