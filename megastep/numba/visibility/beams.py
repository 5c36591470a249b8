"""Beams: rectangles of lines in the plane of slopes and offsets, and walls held against them.

The twin is `megastep.triton.visibility.beams`.
"""

from typing import NamedTuple

from numba import njit

from megastep.numba.constants import PART

SLACK, SLACK_A_METRE = 1e-4, 1e-6
"""How far aside of a line a point counts as on either side, in metres, and how much more with the distance."""

THIN = 1e-9
"""How far in front of a line what counts as behind it may be, in metres: less than float32 can tell."""

TOUCHES, AHEAD, ELSEWHERE = 0, 1, 2
"""What a wall is to lines through a cell that meet it from its front: see `role`."""


class Beam(NamedTuple):
    """A rectangle of lines: all whose slope and offset differ by so much at most from those of its middle line."""

    slope: float
    offset: float
    slopes: float
    offsets: float


@njit(**PART)
def role(ends, w, half_x, half_y, rising):
    """The role of a wall for lines of one sense of slope through a rectangle around the origin, by its separating axes.

    Returns:
        `TOUCHES` if it touches the rectangle; `AHEAD` if such lines meet it from its front, if at all, after the
        rectangle; else `ELSEWHERE`: they do so before it, or never.
    """
    ax, ay, bx, by = ends[w, 0], ends[w, 1], ends[w, 2], ends[w, 3]
    dx, dy = bx - ax, by - ay
    side, spread = dy * ax - dx * ay, abs(dx) * half_y + abs(dy) * half_x
    above, below = min(ay, by) > half_y, max(ay, by) < -half_y
    ahead = side > spread or min(ax, bx) > half_x or (above if rising else below)
    before = side < -spread or max(ax, bx) < -half_x or (below if rising else above)
    if before:
        return ELSEWHERE
    return AHEAD if ahead else TOUCHES


@njit(**PART)
def hides(ends, o, w):
    """Depth order: true if any line that meets both of two walls from their fronts meets the first sooner."""
    ox, oy, px, py = ends[o, 0], ends[o, 1], ends[o, 2], ends[o, 3]
    ax, ay, bx, by = ends[w, 0], ends[w, 1], ends[w, 2], ends[w, 3]
    dx, dy = px - ox, py - oy
    thin = THIN * (abs(dx) + abs(dy))
    if dx * (ay - oy) - dy * (ax - ox) <= thin and dx * (by - oy) - dy * (bx - ox) <= thin:
        return True
    dx, dy = bx - ax, by - ay
    thin = THIN * (abs(dx) + abs(dy))
    return dx * (oy - ay) - dy * (ox - ax) >= -thin and dx * (py - ay) - dy * (px - ax) >= -thin


@njit(**PART)
def aside(beam, x, y):
    """The distance of a point to the left of a beam's middle line, across the x axis."""
    return y - beam.slope * x - beam.offset


@njit(**PART)
def width(beam, x):
    """Half a beam's width across the x axis at a distance, with the slack around it."""
    return abs(x) * beam.slopes + beam.offsets + SLACK + SLACK_A_METRE * abs(x)


@njit(**PART)
def meets(beam, ends, w):
    """True if a line of a beam may meet a wall from its front: the first end isn't left of all, the second right."""
    ax, ay, bx, by = ends[w, 0], ends[w, 1], ends[w, 2], ends[w, 3]
    return aside(beam, ax, ay) <= width(beam, ax) and aside(beam, bx, by) >= -width(beam, bx)


@njit(**PART)
def beam_of(depth, slope, offset, rising, widest):
    """The beam of a depth and numbers: at depth 0 it has all slopes of a sense, and offsets of -widest to widest."""
    slopes, offsets = 0.5 / (1 << (depth + 1) // 2), widest / (1 << depth // 2)
    lowest = 0 if rising else -1
    return Beam(lowest + (2 * slope + 1) * slopes, (2 * offset + 1) * offsets - widest, slopes, offsets)


@njit(**PART)
def following(depth, slope, offset):
    """The next beam, in depth-first order, that isn't within one; its depth and its numbers among those as deep."""
    while depth > 0:
        if depth % 2:
            if slope % 2 == 0:
                return depth, slope + 1, offset
            slope //= 2
        else:
            if offset % 2 == 0:
                return depth, slope, offset + 1
            offset //= 2
        depth -= 1
    return 0, 0, 0
