"""Casting, with a depth buffer: which line each ray of a frame meets first.

A frame's lines are turned into the camera's frame. Back faces and what is out of view are culled, and the others are
drawn, one after another, over the rays that they may cover, sixteen at a time. What `megastep.triton.raycasting.by_ray`
and `culling` draw is the same.
"""

import math
from typing import NamedTuple

import numpy as np
from numba import njit

from megastep.numba.constants import HALF, KERNEL, ONE, PART, ZERO
from megastep.numba.jit import simd
from megastep.numba.jit.simd import gather, load, store, where

EDGE_ON = np.float32(2e-6)
"""Of a line whose plane comes this close to the camera, rounding leaves nothing of how depth varies along it."""
LEAST = np.float32(1e-20)
NOWHERE, NOTHING = np.float32(np.nan), np.float32(np.inf)


class Optics(NamedTuple):
    """Optics: what all cameras share. Their rays are in rows of sixteen; those that fill up the last meet nothing."""

    mounts: np.ndarray
    slopes: np.ndarray  # how far to the left each ray goes for each metre forward
    norms: np.ndarray  # how long it is then
    limits: np.ndarray  # the inverse of the depth at which each is as long as the near distance
    num_rays: int  # but for those that fill up the last row
    half: np.float32  # the slope of the leftmost one's left edge
    near: np.float32
    max_depth: np.float32
    subsample: int


class Lines(NamedTuple):
    """Lines of an env in a camera's frame, by their numbers."""

    af: np.ndarray  # how far forward and left of the camera the first end is, in metres
    al: np.ndarray
    bf: np.ndarray  # and the second
    bl: np.ndarray
    bases: np.ndarray  # the inverse of a line's depth along a ray of slope s is base + rise * s
    rises: np.ndarray
    heights: np.ndarray  # the square of how far from the camera its own straight line passes, in metres
    firsts: np.ndarray  # the rows of rays that a line may cover; the last is before the first if it is out of view
    lasts: np.ndarray
    in_view: np.ndarray  # scratch for numbers of lines


class Nearest(NamedTuple):
    """Depth buffer: the nearest thing that each ray meets, of all that have been drawn."""

    inverses: np.ndarray  # of its depth, 0 if there is none
    lines: np.ndarray  # its number, -1 if there is none


class Hits(NamedTuple):
    """The nearest thing that each ray of a frame meets."""

    depths: np.ndarray  # metres forward, not along the ray
    lines: np.ndarray
    locations: np.ndarray


def make_optics(cameras, near) -> Optics:
    """Returns the optics of cameras, given the near distance in metres."""
    half, near = math.tan(math.radians(cameras.fov) / 2), np.float32(near)
    offsets = (cameras.num_rays - 1 - 2 * np.arange(cameras.num_rays)).astype(np.float32)
    slopes = offsets * np.float32(half / cameras.num_rays)
    norms = np.sqrt(ONE + slopes * slopes)
    return Optics(
        mounts=np.array(cameras.mounts, np.float32),
        slopes=simd.filled(slopes, 0),
        norms=simd.filled(norms, 1),
        limits=simd.filled(norms / near, 0),
        num_rays=cameras.num_rays,
        half=np.float32(half),
        near=near,
        max_depth=np.float32(cameras.max_depth),
        subsample=cameras.subsample,
    )


@njit(**PART)
def make_lines(count):
    """Room for so many lines."""
    reals, whole = np.empty((7, count), np.float32), np.empty((2, count), np.int32)
    ends = reals[0], reals[1], reals[2], reals[3]  # unpacked they wouldn't be known to be contiguous
    return Lines(*ends, reals[4], reals[5], reals[6], whole[0], whole[1], np.empty(count, np.int64))


@njit(**KERNEL)
def turn_lines(ends, first_line, camera, optics, lines):
    """Turns lines, whose ends are given in metres, into a camera's frame, and says which rays they may cover.

    Seen from its free side a line runs from its first end on the right to its second on the left; where an end is
    behind the camera the line leaves the view on that side. One more ray at either side is for rounding. A line that is
    seen edge-on is as far away as the nearer of its ends.
    """
    x, y, cos, sin = camera
    num_rays = np.float32(optics.num_rays)
    af, al, bf, bl = lines.af[first_line:], lines.al[first_line:], lines.bf[first_line:], lines.bl[first_line:]
    bases, rises, heights = lines.bases[first_line:], lines.rises[first_line:], lines.heights[first_line:]
    firsts, lasts = lines.firsts[first_line:], lines.lasts[first_line:]
    for k in range(len(ends)):  # without branches, so that LLVM makes vectors of it
        ax, ay, bx, by = ends[k, 0, 0] - x, ends[k, 0, 1] - y, ends[k, 1, 0] - x, ends[k, 1, 1] - y
        a_f, a_l, b_f, b_l = cos * ax + sin * ay, cos * ay - sin * ax, cos * bx + sin * by, cos * by - sin * bx
        one, other = a_f * b_l, a_l * b_f
        facing, size, back = one - other, abs(one) + abs(other), min(a_f, b_f)
        edge_on = (facing < size * EDGE_ON) & (back > ZERO)
        ahead = (max(a_f, b_f) > ZERO) & ((facing > ZERO) | (edge_on & (facing > size * -EDGE_ON)))
        scale = ONE / max(facing, LEAST)
        bases[k] = ONE / back if edge_on else (b_l - a_l) * scale
        rises[k] = ZERO if edge_on else (a_f - b_f) * scale
        heights[k] = facing * facing / ((b_f - a_f) * (b_f - a_f) + (b_l - a_l) * (b_l - a_l))
        left = (ONE - b_l / b_f / optics.half) * num_rays * HALF - ONE if b_f > ZERO else ZERO
        right = (ONE - a_l / a_f / optics.half) * num_rays * HALF + ONE if a_f > ZERO else num_rays
        left, right = max(left, ZERO), min(right, num_rays - ONE)
        seen = ahead & (left <= right)
        firsts[k] = np.int32(left) // simd.LANES if seen else 0
        lasts[k] = np.int32(right) // simd.LANES if seen else -1
        af[k], al[k], bf[k], bl[k] = a_f, a_l, b_f, b_l


@njit(**KERNEL)
def draw(line, lines, optics, nearest):
    """Draws one line over the rays that it covers and is nearest to, unless it is within the near distance there.

    Which side of a ray an end lies on is computed alike for the two lines that share it, and an end on the ray counts
    for both: no ray slips between them.
    """
    af, al, bf, bl = lines.af[line], lines.al[line], lines.bf[line], lines.bl[line]
    base, rise = lines.bases[line], lines.rises[line]
    for row in range(lines.firsts[line], lines.lasts[line] + 1):
        slopes, inverses = load(optics.slopes, row), load(nearest.inverses, row)
        right, left, inverse = al - slopes * af, bl - slopes * bf, base + slopes * rise
        covers = (right <= ZERO) & (left >= ZERO) & (right < left)
        closer = covers & (inverse > inverses) & (inverse < load(optics.limits, row))
        store(nearest.inverses, row, where(closer, inverse, inverses))
        store(nearest.lines, row, where(closer, line, load(nearest.lines, row)))


@njit(**KERNEL)
def draw_lines(first, stop, lines, optics, nearest):
    """Draws the lines from number ``first`` up to ``stop`` that are in view."""
    count = 0
    for line in range(first, stop):
        lines.in_view[count] = line
        count += lines.firsts[line] <= lines.lasts[line]
    for i in range(count):
        draw(lines.in_view[i], lines, optics, nearest)


@njit(**KERNEL)
def clear(nearest):
    """Has rays meet nothing."""
    for ray in range(len(nearest.inverses)):
        nearest.inverses[ray], nearest.lines[ray] = ZERO, -1


@njit(**KERNEL)
def locate(lines, first_marker_line, optics, nearest, hits):
    """Tells how far forward rays meet their lines, and where on them, from 0 at the first end to 1 at the second.

    The depth is interpolated between the ends, so that a line seen edge-on is as far away as one of them. Of a ray that
    goes further aside than forward it is how far aside the hit is, over the ray's slope: near 90 degrees a hit's depth
    is next to nothing beside those of the ends, and the difference of these would be rounding.
    """
    for row in range(len(optics.slopes) // simd.LANES):
        slopes, numbers = load(optics.slopes, row), load(nearest.lines, row)
        hit = (numbers >= 0) & (numbers < first_marker_line)
        line = where(hit, numbers, 0)
        af, al, bf, bl = gather(lines.af, line), gather(lines.al, line), gather(lines.bf, line), gather(lines.bl, line)
        right, left = al - slopes * af, bl - slopes * bf
        location = right / (right - left)
        forward, aside = af + location * (bf - af), al + location * (bl - al)
        is_steep = (slopes > ONE) | (slopes < ZERO - ONE)
        store(hits.depths, row, where(hit, where(is_steep, aside / slopes, forward), NOTHING))
        store(hits.locations, row, where(hit, location, NOWHERE))
        store(hits.lines, row, numbers)
