"""Light that falls on points: ambient light, and that of lights, to each of which shadow rays are cast.

The twin is `megastep.numba.light`.
"""

from typing import NamedTuple, no_type_check

import triton
import triton.language as tl

from megastep.triton.bits import LANES, bits, halves, lowest
from megastep.triton.wall_boxes import boxes_met, load_walls

AMBIENT = tl.constexpr(0.1)
ALMOST = tl.constexpr(1 - 1e-4)
OFF = tl.constexpr(2e-7)


class Lights(NamedTuple):
    """Lights of one map: a pointer to all maps', and from where to where the map's own are."""

    lights: tl.tensor
    first: tl.tensor
    last: tl.tensor


class Strip(NamedTuple):
    """A strip of what may lie between a light l and points about c: along u, ``reach`` long and 2 * ``girth`` wide."""

    lx: tl.tensor
    ly: tl.tensor
    ux: tl.tensor
    uy: tl.tensor
    reach: tl.tensor
    girth: tl.tensor
    left: tl.tensor  # of a box around it
    bottom: tl.tensor
    right: tl.tensor
    top: tl.tensor


@triton.jit
@no_type_check
def lights_of(maps, m):
    """Map m's lights."""
    first = tl.load(maps.light_starts + m)
    return Lights(maps.lights, first, first + tl.load(maps.light_widths + m))


@triton.jit
@no_type_check
def load_light(lights, k):
    """Light k's position and intensity."""
    at = lights.lights + 3 * k
    return tl.load(at), tl.load(at + 1), tl.load(at + 2)


@triton.jit
@no_type_check
def between(ax, ay, bx, by, px, py, qx, qy):
    """A shadow: true where the wall from a to b stands between p and each q."""
    ax, ay, bx, by, dx, dy = ax - px, ay - py, bx - px, by - py, qx - px, qy - py
    straddles = (dx * ay > dy * ax) != (dx * by > dy * bx)  # a difference might be rounded otherwise for a than for b
    vx, vy = bx - ax, by - ay
    reached = (ax * vy - ay * vx) / tl.where(straddles, dx * vy - dy * vx, 1.0)
    return straddles & (reached >= 0) & (reached <= ALMOST)


@triton.jit
@no_type_check
def hides(walls, w, px, py, qx, qy):
    """A shadow: true where wall w stands between p and each q."""
    ax, ay = halves(tl.load(walls + 2 * w))
    bx, by = halves(tl.load(walls + 2 * w + 1))
    return between(ax, ay, bx, by, px, py, qx, qy)


@triton.jit
@no_type_check
def hidden(walls, first, last, px, py, qx, qy):
    """A shadow: true where a wall from ``first`` to ``last`` stands between p and each q."""
    found = (qx != qx) & (qy != qy)  # none yet
    for w in range(first, last):
        found |= hides(walls, w, px, py, qx, qy)
    return found


@triton.jit
@no_type_check
def brightness(walls, first_wall, last_wall, lights, x, y, nx, ny):
    """The light at points: see `megastep.numba.light.brightness`."""
    total = tl.zeros_like(x) + AMBIENT
    for k in range(lights.first, lights.last):
        lx, ly, intensity = load_light(lights, k)
        dx, dy = lx - x, ly - y
        off = OFF * (tl.abs(x) + tl.abs(y) + tl.abs(dx) + tl.abs(dy))
        falls = (dx * nx + dy * ny >= 0) & ~hidden(walls, first_wall, last_wall, lx, ly, x + off * nx, y + off * ny)
        total += tl.where(falls, 2 * intensity / tl.maximum(dx * dx + dy * dy, 1.0), 0.0)
    return tl.minimum(total, 1.0)


@triton.jit
@no_type_check
def strip_to(cx, cy, girth, lx, ly):
    """The strip from a light l to points that all lie within ``girth`` of c."""
    distance = tl.sqrt((cx - lx) * (cx - lx) + (cy - ly) * (cy - ly))
    ux, uy = (cx - lx) / tl.maximum(distance, 1e-6), (cy - ly) / tl.maximum(distance, 1e-6)
    left, right = tl.minimum(lx, cx) - girth, tl.maximum(lx, cx) + girth
    bottom, top = tl.minimum(ly, cy) - girth, tl.maximum(ly, cy) + girth
    return Strip(lx, ly, ux, uy, distance + girth, girth, left, bottom, right, top)


@triton.jit
@no_type_check
def touch_and_cut(ax, ay, bx, by, there, strip):
    """Masks of walls: those that may touch a strip from a light; those that cut it off before its last two girths."""
    ux, uy, reach, girth = strip.ux, strip.uy, strip.reach, strip.girth
    ax, ay, bx, by = ax - strip.lx, ay - strip.ly, bx - strip.lx, by - strip.ly
    a_along, a_across, b_along, b_across = ax * ux + ay * uy, ux * ay - uy * ax, bx * ux + by * uy, ux * by - uy * bx
    low, high = tl.minimum(a_across, b_across), tl.maximum(a_across, b_across)
    near, far = tl.minimum(a_along, b_along), tl.maximum(a_along, b_along)
    touches = there & (low <= girth) & (high >= -girth) & (near <= reach) & (far >= 0)
    return touches, there & (low < -girth) & (high > girth) & (near > 0) & (far < reach - 2 * girth)


@triton.jit
@no_type_check
def strip_walls(walls, start, strip, SIZES: tl.constexpr):
    """The walls of a box that meet a strip from a light.

    Returns:
        Which of the walls may touch the strip, and which cut it off before its last two girths: a bit each.
    """
    ax, ay, bx, by = load_walls(walls, start, SIZES)
    there = start + tl.arange(0, SIZES.per_box) < walls.width
    touches, cuts = touch_and_cut(ax, ay, bx, by, there, strip)
    return bits(touches), bits(cuts)


@triton.jit
@no_type_check
def strip_shadow(walls, strip, x, y, SIZES: tl.constexpr):
    """A shadow: true for points at a strip's end that its light doesn't reach. Walls that touch the strip are tried."""
    shadow = (x != x) & (y != y)  # none yet
    for some in range(0, walls.num_boxes, LANES):
        met = boxes_met(walls, some, strip.left, strip.bottom, strip.right, strip.top)
        while met != 0:
            start = (some + lowest(met)) * SIZES.per_box
            met &= met - 1
            touches, _ = strip_walls(walls, start, strip, SIZES)
            while touches != 0:
                shadow |= hides(walls.walls, walls.first + start + lowest(touches), strip.lx, strip.ly, x, y)
                touches &= touches - 1
    return shadow


@triton.jit
@no_type_check
def disc_brightness(walls, lights, cx, cy, girth, x, y, SIZES: tl.constexpr):
    """The light at points that all lie within ``girth`` of c: the same as `brightness` with no normal, but cheaper.

    What lies between a light and the points lies in a strip. Where no wall touches it they are all lit, and where a
    wall cuts it off none is; only otherwise is each point looked at, and only the walls that touch the strip.
    """
    total = tl.zeros_like(x) + AMBIENT
    for k in range(lights.first, lights.last):
        lx, ly, intensity = load_light(lights, k)
        strip = strip_to(cx, cy, girth, lx, ly)
        touched, cut = 0, 0
        for some in range(0, walls.num_boxes, LANES):
            met = boxes_met(walls, some, strip.left, strip.bottom, strip.right, strip.top)
            while (met != 0) & (cut == 0):
                start = (some + lowest(met)) * SIZES.per_box
                met &= met - 1
                touches, cuts = strip_walls(walls, start, strip, SIZES)
                touched, cut = tl.where(touches != 0, 1, touched), tl.where(cuts != 0, 1, cut)
        if cut == 0:
            shadow = (x != x) & (y != y)  # none yet
            if touched == 1:
                shadow = strip_shadow(walls, strip, x, y, SIZES)
            dx, dy = lx - x, ly - y
            total += tl.where(shadow, 0.0, 2 * intensity / tl.maximum(dx * dx + dy * dy, 1.0))
    return tl.minimum(total, 1.0)
