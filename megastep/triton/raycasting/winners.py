"""Hidden-surface removal: the line that each ray meets first, its winner, found where lines begin and end."""

from typing import NamedTuple, no_type_check

import triton
import triton.language as tl

from megastep.triton.bits import LANES, halves
from megastep.triton.raycasting.cameras import slope
from megastep.triton.raycasting.intervals import SPANS, load_pairs

FAR = tl.constexpr(1e-15)
"""The inverse depth of rays that meet nothing: its inverse's square is a float32."""
FEW = tl.constexpr(64)
"""So many rays are held against each line: more meet fewer ends of lines than there are rays."""
BEHIND = tl.constexpr(-1e30)
"""The inverse depth of lines that don't cover a ray."""
SLOTS, STAMP = tl.constexpr(1 << 8), tl.constexpr(1 << 18)
"""A mark is a frame's number in these units, a ray's in those, and the number of a record."""


class Line(NamedTuple):
    """A line for each event; if it doesn't cover that, it is further away than any."""

    slot: tl.tensor
    stop: tl.tensor  # the ray at which it ends
    base: tl.tensor
    rise: tl.tensor


@triton.jit
@no_type_check
def load_line(room, slot, event):
    """A line in view."""
    span, inverse = load_pairs(room.records + SPANS, slot)
    first, stop = halves(span)
    base, rise = halves(inverse)
    return Line(slot, stop, tl.where((first <= event) & (event < stop), base, BEHIND), rise)


@triton.jit
@no_type_check
def nearer(one, other, event, optics, NUM_RAYS: tl.constexpr):
    """For each event that of two lines which is nearer from there on.

    Lines don't cross. So of two that both cover some rays one is nearer on all of those, and which it is, is looked at
    in their middle: at their ends lines may meet, and rounding would decide.
    """
    middle = (NUM_RAYS - event - tl.minimum(one.stop, other.stop)) * optics.step  # the slope halfway to the first stop
    other_is = other.base + other.rise * middle > one.base + one.rise * middle
    return Line(
        tl.where(other_is, other.slot, one.slot),
        tl.where(other_is, other.stop, one.stop),
        tl.where(other_is, other.base, one.base),
        tl.where(other_is, other.rise, one.rise),
    )


@triton.jit
@no_type_check
def mark_winners(room, count, stamp, optics, SIZES: tl.constexpr):
    """Marks, at each ray where a line begins or has just ended, the line that is nearest from there on."""
    NUM_RAYS: tl.constexpr = SIZES.res * SIZES.subsample
    for some in range(0, 2 * count, LANES):
        k = some + tl.arange(0, LANES)
        event = tl.load(room.numbers + 2 * SPANS + 4 + 4 * (k >> 1) + (k & 1), mask=k < 2 * count, other=NUM_RAYS)
        none = tl.zeros_like(event)
        best = Line(k * 0, none + NUM_RAYS, none, none)
        for slot in range(1, count + 1, 2):  # two are held against each other first: so both are loaded at once
            one, other = load_line(room, k * 0 + slot, event), load_line(room, k * 0 + slot + 1, event)
            best = nearer(best, nearer(one, other, event, optics, NUM_RAYS), event, optics, NUM_RAYS)
        ray = event.to(tl.int32)
        tl.store(room.marks + ray, stamp + ray * SLOTS + best.slot, mask=ray < NUM_RAYS)


@triton.jit
@no_type_check
def nearest(room, count, ray, optics, SIZES: tl.constexpr):
    """The records of the lines that a block of few rays meet first, held against every line; and inverse depths."""
    # None yet. But these are loaded, so that lanes have the rays whose values they will load and store.
    slots = tl.minimum(tl.load(room.marks + ray, mask=ray < SIZES.res * SIZES.subsample, other=0), 0)
    inverses, slopes = tl.where(slots == 0, FAR, 0.0), slope(ray, optics, SIZES)
    for slot in range(1, count + 1):
        first, stop = halves(tl.load(room.records + SPANS + 2 * slot))
        base, rise = halves(tl.load(room.records + SPANS + 2 * slot + 1))
        inverse, place = base + rise * slopes, ray.to(tl.float32)
        nearer = (first <= place) & (place < stop) & (inverse > inverses)
        slots, inverses = tl.where(nearer, slot, slots), tl.where(nearer, inverse, inverses)
    return slots, inverses


@triton.jit
@no_type_check
def later(one, other):
    """The later of two marks."""
    return tl.maximum(one, other)


@triton.jit
@no_type_check
def winners(room, ray, valid, before, SIZES: tl.constexpr):
    """The records of the lines that a block of rays meet first: each ray has that of the last mark up to it, by a scan.

    ``before`` is the last mark before the block. Also returned is the last one in it.
    """
    marks = tl.load(room.marks + ray, mask=valid, other=0)
    SIZE: tl.constexpr = SIZES.pixels * SIZES.rays
    upto = tl.maximum(tl.associative_scan(tl.reshape(marks, [SIZE]), 0, later), before)
    return tl.reshape(upto, ray.shape) & (SLOTS - 1), tl.max(upto, 0)
