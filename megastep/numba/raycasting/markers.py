"""Ray casting of markers, discs, and their shading. The twin is `megastep.triton.raycasting.markers`."""

import math

import numpy as np
from numba import njit

from megastep.numba.constants import KERNEL, ONE, ZERO
from megastep.numba.jit import simd
from megastep.numba.jit.simd import load, sqrt, store, where
from megastep.numba.light import brightness
from megastep.numba.raycasting.casting import NOTHING

TURNS = np.float32(0.5 / math.pi)


@njit(**KERNEL)
def in_frame(markers, e, k, camera):
    """A marker in a camera's frame: how far forward and left its middle is, and its radius, 0 if it isn't there."""
    x, y, cos, sin = camera
    dx, dy = markers.positions[e, k, 0] - x, markers.positions[e, k, 1] - y
    radius = markers.radii[e, k] if markers.visible[e, k] else ZERO
    return cos * dx + sin * dy, cos * dy - sin * dx, radius


@njit(**KERNEL)
def near_side(forward, left, radius, slopes, norms):
    """The depths at which rays meet the near side of a disc, and which rays meet it.

    With p the depth of its middle along a ray of slope s, times n² = 1 + s², and q how far the ray passes it by, times
    n, that is (p - sqrt(n² r² - q²)) / n². The far side isn't seen: a camera inside a marker doesn't see it.
    """
    aside, reach = left - slopes * forward, norms * radius
    meets = (aside < reach) & (aside > ZERO - reach)
    chord = sqrt(where(meets, (reach - aside) * (reach + aside), ZERO))
    return (forward + slopes * left - chord) / (norms * norms), meets


@njit(**KERNEL)
def draw_markers(markers, e, camera, optics, nearest):
    """Draws the markers of env e that are there, unless they are within the near distance."""
    for k in range(markers.visible.shape[1]):
        forward, left, radius = in_frame(markers, e, k, camera)
        if not (radius > ZERO and forward + radius > ZERO):
            continue
        for row in range(len(optics.slopes) // simd.LANES):
            inverses = load(nearest.inverses, row)
            depth, meets = near_side(forward, left, radius, load(optics.slopes, row), load(optics.norms, row))
            inverse = ONE / where(depth > ZERO, depth, NOTHING)
            closer = meets & (inverse > inverses) & (inverse < load(optics.limits, row))
            store(nearest.inverses, row, where(closer, inverse, inverses))
            store(nearest.lines, row, where(closer, markers.first_line + k, load(nearest.lines, row)))


@njit(**KERNEL)
def locate_on_markers(markers, e, camera, optics, nearest, hits):
    """Tells how far forward rays meet their markers, and where around them, in turns from +x, 0 to 1."""
    _, _, cos, sin = camera
    for r in range(optics.num_rays):
        k = hits.lines[r] - markers.first_line
        if k < 0:
            continue
        forward, left, _ = in_frame(markers, e, k, camera)
        depth = ONE / nearest.inverses[r]
        ahead, beside = depth - forward, optics.slopes[r] * depth - left  # from the marker's middle
        turn = np.arctan2(sin * ahead + cos * beside, cos * ahead - sin * beside) * TURNS
        hits.depths[r], hits.locations[r] = depth, turn if turn >= ZERO else turn + ONE


@njit(**KERNEL)
def colour_markers(maps, m, markers, e, camera, optics, hits, colours):
    """Writes the colours of the rays that meet a marker: colour * light there * (1 - c²).

    c is the cosine between the ray and the circle's tangent; so with d how far the ray passes the marker's middle by,
    1 - c² is 1 - d² / r².
    """
    x, y, cos, sin = camera
    for r in range(len(optics.slopes)):
        k = hits.lines[r] - markers.first_line
        if k < 0:
            continue
        slope, depth, radius = optics.slopes[r], hits.depths[r], markers.radii[e, k]
        ux, uy = cos - slope * sin, sin + slope * cos
        dx, dy = markers.positions[e, k, 0] - x, markers.positions[e, k, 1] - y
        passed = (ux * dy - uy * dx) / radius
        lit = brightness(maps, m, x + depth * ux, y + depth * uy, ZERO, ZERO)
        scale = max(ONE - passed * passed / (ONE + slope * slope), ZERO) * lit
        for channel in range(3):
            colours[channel, r] = scale * markers.colours[e, k, channel]
