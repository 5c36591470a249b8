"""Shares out the land along corridors among rooms, side by side, so that each room touches the corridor."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, pairwise

from megastep.mapgen.geometry.lattice import Rect
from megastep.mapgen.layout.footprint import Band


def capacity(lengths: Sequence[int], least: int) -> int:
    """How many rooms of a least width surely fit beside corridors of these lengths."""
    return sum(length // least for length in lengths)


def allot(widths: Sequence[int], lengths: Sequence[int], least: int) -> list[list[int]]:
    """Shares out rooms among bands, the widest first, each to the band with the most land left.

    Args:
        widths: How wide each room should be, in lattice units: of at least as many rooms as there are bands, and at
            most their `capacity`.
        lengths: The bands' lengths, each at least ``least``.
        least: The least width of a room.

    Returns:
        Which rooms each band has: at least one, and no more than surely fit.
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
    """Stretches or shrinks rooms side by side so that they fill a length.

    Args:
        widths: How wide each room should be, in lattice units.
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
    """Cuts a band across, from its low end, into parts of these widths that face the same way."""
    ends = list(accumulate(widths, initial=0))
    return [Band(band.part(Rect(low, 0, high, band.depth)), band.facing) for low, high in pairwise(ends)]
