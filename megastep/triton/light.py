"""How much light falls on points."""

from typing import no_type_check

import triton
import triton.language as tl

AMBIENT = tl.constexpr(0.1)
ALMOST = tl.constexpr(1 - 1e-4)


@triton.jit
@no_type_check
def hidden(walls, first, last, px, py, qx, qy):
    """Whether a wall from ``first`` to ``last`` stands between p and each q."""
    found = (qx != qx) & (qy != qy)  # none yet
    dx, dy = qx - px, qy - py
    for w in range(first, last):
        ax, ay = tl.load(walls + 4 * w) - px, tl.load(walls + 4 * w + 1) - py
        bx, by = tl.load(walls + 4 * w + 2) - px, tl.load(walls + 4 * w + 3) - py
        straddles = (dx * ay - dy * ax > 0) != (dx * by - dy * bx > 0)
        vx, vy = bx - ax, by - ay
        reached = (ax * vy - ay * vx) / tl.where(straddles, dx * vy - dy * vx, 1.0)
        found |= straddles & (reached >= 0) & (reached <= ALMOST)
    return found


@triton.jit
@no_type_check
def brightness(walls, first_wall, last_wall, lights, first_light, last_light, x, y, nx, ny):
    """The light at points: see `megastep.numba.light.brightness`."""
    total = tl.zeros_like(x) + AMBIENT
    for k in range(first_light, last_light):
        lx, ly, intensity = tl.load(lights + 3 * k), tl.load(lights + 3 * k + 1), tl.load(lights + 3 * k + 2)
        dx, dy = lx - x, ly - y
        falls = (dx * nx + dy * ny >= 0) & ~hidden(walls, first_wall, last_wall, lx, ly, x, y)
        total += tl.where(falls, 2 * intensity / tl.maximum(dx * dx + dy * dy, 1.0), 0.0)
    return tl.minimum(total, 1.0)
