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


@triton.jit
@no_type_check
def meets(boxes, box, left, bottom, right, top):
    """Whether a box of walls meets the box given."""
    at = boxes + 4 * box
    return (right >= tl.load(at)) & (top >= tl.load(at + 1)) & (left <= tl.load(at + 2)) & (bottom <= tl.load(at + 3))


@triton.jit
@no_type_check
def strip_walls(walls, first, start, width, lx, ly, ux, uy, reach, girth, GROUP: tl.constexpr):
    """How a group of walls lies to the strip of half-width ``girth`` from a light l along u, ``reach`` long.

    Returns:
        Whether any wall may touch the strip, and whether any cuts it off before its last two girths; each 0 or 1.
    """
    k = start + tl.arange(0, GROUP)
    wall, there = walls + 4 * (first + k), k < width
    ax, ay = tl.load(wall, mask=there, other=0.0) - lx, tl.load(wall + 1, mask=there, other=0.0) - ly
    bx, by = tl.load(wall + 2, mask=there, other=0.0) - lx, tl.load(wall + 3, mask=there, other=0.0) - ly
    a_along, a_across, b_along, b_across = ax * ux + ay * uy, ux * ay - uy * ax, bx * ux + by * uy, ux * by - uy * bx
    low, high = tl.minimum(a_across, b_across), tl.maximum(a_across, b_across)
    near, far = tl.minimum(a_along, b_along), tl.maximum(a_along, b_along)
    touches = there & (low <= girth) & (high >= -girth) & (near <= reach) & (far >= 0)
    cuts = there & (low < -girth) & (high > girth) & (near > 0) & (far < reach - 2 * girth)
    return tl.max(touches.to(tl.int32), 0), tl.max(cuts.to(tl.int32), 0)


@triton.jit
@no_type_check
def disc_brightness(
    walls, first_wall, width, boxes, first_box, lights, first_light, last_light, cx, cy, girth, x, y,
    GROUP: tl.constexpr,
):  # fmt: skip
    """The light at points that all lie within ``girth`` of c: the same as `brightness` with no normal, but cheaper.

    What lies between a light and the points lies in a strip. Where no wall touches it they are all lit, and where a
    wall cuts it off none is; only otherwise is each point looked at.
    """
    total = tl.zeros_like(x) + AMBIENT
    for k in range(first_light, last_light):
        lx, ly, intensity = tl.load(lights + 3 * k), tl.load(lights + 3 * k + 1), tl.load(lights + 3 * k + 2)
        distance = tl.sqrt((cx - lx) * (cx - lx) + (cy - ly) * (cy - ly))
        ux, uy = (cx - lx) / tl.maximum(distance, 1e-6), (cy - ly) / tl.maximum(distance, 1e-6)
        left, right = tl.minimum(lx, cx) - girth, tl.maximum(lx, cx) + girth
        bottom, top = tl.minimum(ly, cy) - girth, tl.maximum(ly, cy) + girth
        touched, cut = 0, 0
        for start in range(0, width, GROUP):
            if (cut == 0) & meets(boxes, first_box + start // GROUP, left, bottom, right, top):
                touches, cuts = strip_walls(
                    walls, first_wall, start, width, lx, ly, ux, uy, distance + girth, girth, GROUP
                )
                touched, cut = tl.maximum(touched, touches), tl.maximum(cut, cuts)
        if cut == 0:
            shadow = (x != x) & (y != y)  # none yet
            if touched == 1:
                for start in range(0, width, GROUP):
                    if meets(boxes, first_box + start // GROUP, left, bottom, right, top):
                        stop = first_wall + tl.minimum(start + GROUP, width)
                        shadow |= hidden(walls, first_wall + start, stop, lx, ly, x, y)
            dx, dy = lx - x, ly - y
            total += tl.where(shadow, 0.0, 2 * intensity / tl.maximum(dx * dx + dy * dy, 1.0))
    return tl.minimum(total, 1.0)
