"""Ray casting of markers, discs, and their shading. The twin is `megastep.triton.raycasting.markers`."""

import math

import numpy as np
from numba import njit

from megastep.numba.constants import ONE, ZERO
from megastep.numba.light import brightness

TURNS = np.float32(0.5 / math.pi)


@njit(cache=True, error_model='numpy')
def draw_markers(markers, e, camera, optics, hits):
    """Draws the markers of env e that are there.

    With p the depth of a marker's middle along a ray of slope s, times n² = 1 + s², and q how far the ray passes it by,
    times n, the ray meets its near side at the depth (p - sqrt(n² r² - q²)) / n². The far side isn't seen: a camera
    inside a marker doesn't see it, nor one that is too near.
    """
    x, y, cos, sin = camera
    for k in range(markers.visible.shape[1]):
        radius = markers.radii[e, k]
        if not (markers.visible[e, k] and radius > ZERO):
            continue
        dx, dy = markers.positions[e, k, 0] - x, markers.positions[e, k, 1] - y
        forward, left = cos * dx + sin * dy, cos * dy - sin * dx
        for r in range(len(optics.slopes)):
            slope = optics.slopes[r]
            norm = np.sqrt(ONE + slope * slope)
            aside, reach = left - slope * forward, norm * radius
            if not abs(aside) < reach:
                continue
            depth = (forward + slope * left - np.sqrt((reach - aside) * (reach + aside))) / (norm * norm)
            if depth < hits.depths[r] and depth * norm > optics.near:
                ahead, beside = depth - forward, slope * depth - left  # from the marker's middle
                turn = np.arctan2(sin * ahead + cos * beside, cos * ahead - sin * beside) * TURNS
                hits.depths[r], hits.lines[r] = depth, markers.first_line + k
                hits.locations[r] = turn if turn >= ZERO else turn + ONE


@njit(cache=True, error_model='numpy')
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
