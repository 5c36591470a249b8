"""Light that falls on a point: ambient light, and that of lights, to each of which a shadow ray is cast.

The twin is `megastep.triton.light`.
"""

import numpy as np
from numba import njit

from megastep.numba.constants import KERNEL, ONE, TWO, ZERO

AMBIENT = np.float32(0.1)
ALMOST = np.float32(1 - 1e-4)
"""A wall hides a light only from points behind it, not from those on it."""
OFF = np.float32(2e-7)
"""A shadow ray ends this far off a surface, for each metre of coordinates: rounding must not put it into the wall."""


@njit(**KERNEL)
def crosses(px, py, qx, qy, ax, ay, bx, by):
    """A shadow ray: true if the way from p to q meets the wall from a to b before it gets to q."""
    dx, dy = qx - px, qy - py
    side_a = dx * (ay - py) - dy * (ax - px)
    side_b = dx * (by - py) - dy * (bx - px)
    if (side_a > ZERO) == (side_b > ZERO):
        return False
    vx, vy = bx - ax, by - ay
    reached = ((ax - px) * vy - (ay - py) * vx) / (dx * vy - dy * vx)
    return ZERO <= reached <= ALMOST


@njit(**KERNEL)
def hidden(maps, m, px, py, qx, qy):
    """A shadow ray: true if a wall of map m stands between p and q."""
    for w in range(maps.wall_starts[m], maps.wall_starts[m] + maps.wall_widths[m]):
        ax, ay, bx, by = maps.walls[w, 0, 0], maps.walls[w, 0, 1], maps.walls[w, 1, 0], maps.walls[w, 1, 1]
        if crosses(px, py, qx, qy, ax, ay, bx, by):
            return True
    return False


@njit(**KERNEL)
def brightness(maps, m, x, y, nx, ny):
    """The light at (x, y) in map m: min(1, 0.1 + the sum of 2 * intensity / max(d², 1) over the lights not hidden).

    The point lies on a surface, and lights on the side that (nx, ny), a unit vector, points away from are hidden by
    that surface; on none if (nx, ny) is zero.
    """
    total = AMBIENT
    for k in range(maps.light_starts[m], maps.light_starts[m] + maps.light_widths[m]):
        lx, ly, intensity = maps.lights[k, 0], maps.lights[k, 1], maps.lights[k, 2]
        dx, dy = lx - x, ly - y
        off = OFF * (abs(x) + abs(y) + abs(dx) + abs(dy))
        if dx * nx + dy * ny >= ZERO and not hidden(maps, m, lx, ly, x + off * nx, y + off * ny):
            total += TWO * intensity / max(dx * dx + dy * dy, ONE)
        if total >= ONE:
            return ONE
    return total
