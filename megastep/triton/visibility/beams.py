"""Beams: rectangles of lines in the plane of slopes and offsets, and walls held against them.

The twin is `megastep.numba.visibility.beams`.
"""

from typing import NamedTuple, no_type_check

import triton
import triton.language as tl

from megastep.triton.visibility.walls import ends_of

SLACK, SLACK_A_METRE = tl.constexpr(1e-4), tl.constexpr(1e-6)
"""How far aside of a line a point counts as on either side, in metres, and how much more with the distance."""
THIN = tl.constexpr(1e-9)
"""How far in front of a line what counts as behind it may be, in metres: less than float32 can tell."""
TOUCHES, AHEAD, ELSEWHERE = tl.constexpr(0), tl.constexpr(1), tl.constexpr(2)
"""What a wall is to lines through a cell that meet it from its front: see the twin's `role`."""


class Beam(NamedTuple):
    """A rectangle of lines: all whose slope and offset differ by so much at most from those of its middle line."""

    slope: tl.tensor
    offset: tl.tensor
    slopes: tl.tensor
    offsets: tl.tensor


class Map(NamedTuple):
    """A map's walls, and how they are looked at: from a cell's middle, after a turn, along one sense of slopes."""

    ends: tl.tensor
    width: tl.tensor  # how many walls there are
    nexts: tl.tensor  # the wall that begins where a wall ends, -1 for none
    previous: tl.tensor  # and the wall that ends where it begins
    seen: tl.tensor
    x: tl.tensor
    y: tl.tensor
    forward: tl.tensor  # the turn's cosine and sine
    left: tl.tensor
    half_x: tl.tensor
    half_y: tl.tensor
    rising: tl.tensor


@triton.jit
@no_type_check
def turned_ends(m, w, mask):
    """Walls' ends as seen from a cell's middle, after a turn."""
    ax, ay, bx, by = ends_of(m.ends, w, mask)
    ax, ay, bx, by = ax - m.x, ay - m.y, bx - m.x, by - m.y
    ax, ay = m.forward * ax + m.left * ay, m.forward * ay - m.left * ax
    bx, by = m.forward * bx + m.left * by, m.forward * by - m.left * bx
    return ax, ay, bx, by


@triton.jit
@no_type_check
def role(m, ax, ay, bx, by):
    """The role of walls for lines of one sense of slope through a rectangle around the origin."""
    dx, dy = bx - ax, by - ay
    side, spread = dy * ax - dx * ay, tl.abs(dx) * m.half_y + tl.abs(dy) * m.half_x
    above, below = tl.minimum(ay, by) > m.half_y, tl.maximum(ay, by) < -m.half_y
    rising = m.rising > 0
    ahead = (side > spread) | (tl.minimum(ax, bx) > m.half_x) | (above & rising) | (below & ~rising)
    before = (side < -spread) | (tl.maximum(ax, bx) < -m.half_x) | (below & rising) | (above & ~rising)
    return tl.where(before, ELSEWHERE, tl.where(ahead, AHEAD, TOUCHES))


@triton.jit
@no_type_check
def hides(ox, oy, px, py, ax, ay, bx, by):
    """Depth order: true if any line that meets both of two walls from their fronts meets the first sooner."""
    dx, dy = px - ox, py - oy
    thin = THIN * (tl.abs(dx) + tl.abs(dy))
    behind = (dx * (ay - oy) - dy * (ax - ox) <= thin) & (dx * (by - oy) - dy * (bx - ox) <= thin)
    dx, dy = bx - ax, by - ay
    thin = THIN * (tl.abs(dx) + tl.abs(dy))
    return behind | ((dx * (oy - ay) - dy * (ox - ax) >= -thin) & (dx * (py - ay) - dy * (px - ax) >= -thin))


@triton.jit
@no_type_check
def aside(beam, x, y):
    """The distance of points to the left of a beam's middle line, across the x axis."""
    return y - beam.slope * x - beam.offset


@triton.jit
@no_type_check
def width(beam, x):
    """Half a beam's width across the x axis at a distance, with the slack around it."""
    return tl.abs(x) * beam.slopes + beam.offsets + SLACK + SLACK_A_METRE * tl.abs(x)


@triton.jit
@no_type_check
def meets(beam, ax, ay, bx, by):
    """True if a line of a beam may meet a wall from its front."""
    return (aside(beam, ax, ay) <= width(beam, ax)) & (aside(beam, bx, by) >= -width(beam, bx))


@triton.jit
@no_type_check
def beam_of(m, depth, slope, offset, widest):
    """The beam of a depth and numbers: at depth 0 it has all slopes of a sense, and offsets of -widest to widest."""
    slopes = 0.5 / (1 << (depth + 1) // 2).to(tl.float64)
    offsets = widest / (1 << depth // 2).to(tl.float64)
    lowest = (m.rising - 1).to(tl.float64)
    middle = lowest + (2 * slope + 1).to(tl.float64) * slopes
    return Beam(middle, (2 * offset + 1).to(tl.float64) * offsets - widest, slopes, offsets)


@triton.jit
@no_type_check
def following(depth, slope, offset):
    """The next beam, in depth-first order, that isn't within one; its depth and its numbers among those as deep."""
    last = tl.where(depth % 2 == 1, slope, offset)
    while (depth > 0) & (last % 2 == 1):
        slope, offset = tl.where(depth % 2 == 1, slope // 2, slope), tl.where(depth % 2 == 1, offset, offset // 2)
        depth -= 1
        last = tl.where(depth % 2 == 1, slope, offset)
    by_slope, by_offset = (depth > 0) & (depth % 2 == 1), (depth > 0) & (depth % 2 == 0)
    return depth, slope + by_slope.to(tl.int32), offset + by_offset.to(tl.int32)
