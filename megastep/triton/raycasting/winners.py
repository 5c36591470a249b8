"""Winners: the line that each ray meets first, found where lines begin and end."""

from typing import no_type_check

import triton
import triton.language as tl

from megastep.triton.bits import LANES, halves
from megastep.triton.raycasting.intervals import INVERSES, SPANS

SLOTS, STAMP = tl.constexpr(1 << 8), tl.constexpr(1 << 18)
"""A mark is a frame's number in these units, a ray's in those, and the number of a record."""


@triton.jit
@no_type_check
def mark_winners(room, count, stamp, optics, SIZES: tl.constexpr):
    """Marks, at each ray where a line begins or has just ended, the line that is nearest from there on.

    Lines don't cross. So of two that both cover some rays one is nearer on all of those, and which it is, is looked at
    in their middle: at their ends lines may meet, and rounding would decide.
    """
    NUM_RAYS: tl.constexpr = SIZES.res * SIZES.subsample
    for some in range(0, 2 * count, LANES):
        k = some + tl.arange(0, LANES)
        event = tl.load(room.numbers + 2 * SPANS + 2 + k, mask=k < 2 * count, other=NUM_RAYS)
        best, stops = tl.zeros_like(k), tl.zeros_like(event) + NUM_RAYS
        bases, rises = tl.zeros_like(event), tl.zeros_like(event)
        for slot in range(1, count + 1):
            first, stop = halves(tl.load(room.records + SPANS + slot))
            base, rise = halves(tl.load(room.records + INVERSES + slot))
            middle = (NUM_RAYS - event - tl.minimum(stop, stops)) * optics.step  # the slope halfway to the first stop
            nearer = (first <= event) & (event < stop) & (base + rise * middle > bases + rises * middle)
            best, stops = tl.where(nearer, slot, best), tl.where(nearer, stop, stops)
            bases, rises = tl.where(nearer, base, bases), tl.where(nearer, rise, rises)
        ray = event.to(tl.int32)
        tl.store(room.marks + ray, stamp + ray * SLOTS + best, mask=ray < NUM_RAYS)


@triton.jit
@no_type_check
def later(one, other):
    """The later of two marks."""
    return tl.maximum(one, other)


@triton.jit
@no_type_check
def winners(room, ray, valid, before, SIZES: tl.constexpr):
    """The records of the lines that a block of rays meet first: each ray has that of the last mark up to it.

    ``before`` is the last mark before the block. Also returned is the last one in it.
    """
    marks = tl.load(room.marks + ray, mask=valid, other=0)
    SIZE: tl.constexpr = SIZES.pixels * SIZES.rays
    upto = tl.maximum(tl.associative_scan(tl.reshape(marks, [SIZE]), 0, later), before)
    return tl.reshape(upto, [SIZES.pixels, SIZES.rays]) & (SLOTS - 1), tl.max(upto, 0)
