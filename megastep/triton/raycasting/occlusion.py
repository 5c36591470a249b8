"""Occlusion culling: of many lines in view, those that a nearer one covers from end to end are dropped.

A potentially visible set is conservative: in a grid of rooms half of the lines that come into view are behind others.
"""

from typing import no_type_check

import triton
import triton.language as tl

from megastep.triton.bits import LANES, halves, ranks
from megastep.triton.raycasting.intervals import (
    FIRST_ENDS,
    NAMES,
    PLACES,
    SECOND_ENDS,
    SPANS,
    append_nothing,
    load_pairs,
)

CROWD = tl.constexpr(16)
"""Up to so many lines are sooner held against each other at all their ends than dropped first."""


@triton.jit
@no_type_check
def load_interval(room, slot):
    """A line's interval of rays, and base and rise of its inverse depth."""
    span, inverse = load_pairs(room.records + SPANS, slot)
    first, stop = halves(span)
    base, rise = halves(inverse)
    return first, stop, base, rise


@triton.jit
@no_type_check
def is_hidden(room, count, slot, optics, SIZES: tl.constexpr):
    """A mask of the lines that a nearer one covers. Lines don't cross: which is nearer is told in the middle."""
    NUM_RAYS: tl.constexpr = SIZES.res * SIZES.subsample
    first, stop, base, rise = load_interval(room, slot)
    middle = (NUM_RAYS - first - stop) * optics.step
    inverse, hidden = base + rise * middle, slot < 0
    for other in range(1, count + 1):
        other_first, other_stop, other_base, other_rise = load_interval(room, slot * 0 + other)
        nearer = other_base + other_rise * middle > inverse
        hidden |= (other_first <= first) & (stop <= other_stop) & nearer
    return hidden


@triton.jit
@no_type_check
def move_pairs(words, slot, to, moves):
    """Moves pairs of words of records to other slots."""
    pair = tl.arange(0, 2)[None, :]
    moved = tl.load((words + 2 * slot)[:, None] + pair)
    tl.store((words + 2 * to)[:, None] + pair, moved, mask=moves[:, None])


@triton.jit
@no_type_check
def move(words, slot, to, moves):
    """Moves words of records to other slots."""
    tl.store(words + to, tl.load(words + slot), mask=moves)


@triton.jit
@no_type_check
def drop_hidden(room, count, optics, SIZES: tl.constexpr):
    """Drops hidden lines; the others' records stay in their order, without gaps. Returns how many there are.

    Those after the ones that have been moved are lines still, so that what is dropped meanwhile hides what it hid.
    """
    kept = count * 0
    for some in range(1, count + 1, LANES):
        slot = some + tl.arange(0, LANES)
        there = slot <= count
        slot = tl.where(there, slot, 0)
        stays = there & ~is_hidden(room, count, slot, optics, SIZES)
        rank, staying = ranks(stays)
        to = kept + rank
        move_pairs(room.records + SPANS, slot, to, stays)
        move(room.records + NAMES, slot, to, stays)
        if SIZES.colours or SIZES.marks:
            move_pairs(room.records + PLACES, slot, to, stays)
        if SIZES.per_ray:
            move(room.records + FIRST_ENDS, slot, to, stays)
            move(room.records + SECOND_ENDS, slot, to, stays)
        kept += staying
        tl.debug_barrier()  # the records
    append_nothing(room, kept)
    tl.debug_barrier()
    return kept
