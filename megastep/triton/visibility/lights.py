"""Visibility of lights from a region: whether a light falls anywhere in a rectangle, and the walls that may hide it.

The twin, `megastep.numba.visibility.lights`, says how that is told. A light and a rectangle are one warp's work, a wall
a lane.
"""

from typing import NamedTuple, no_type_check

import triton
import triton.language as tl

from megastep.triton.bits import LANES
from megastep.triton.buffers import device_guard
from megastep.triton.visibility.standing_room import squared_distance, winding
from megastep.triton.visibility.walls import ends_of, walls_of

MARGIN = tl.constexpr(1e-3)
"""By how much, in metres, something has to be clear of a wall or before another thing."""
SHARE = tl.constexpr(2e-4)
"""How much further before a rectangle a wall has to be for each metre of the way."""
SLACK = tl.constexpr(1e-5)
"""By how much slopes have to overlap."""
NONE = tl.constexpr(2147483647)


class Rectangle(NamedTuple):
    """A rectangle's middle, as seen from a light, and half its sides."""

    x: tl.tensor
    y: tl.tensor
    half_x: tl.tensor
    half_y: tl.tensor


class Cone(NamedTuple):
    """All ways from a light to a rectangle, in the frame whose x axis goes from the one to the other's middle."""

    cos: tl.tensor
    sin: tl.tensor
    near: tl.tensor  # how far ahead the rectangle begins; not above 0 if it may hold the light
    far: tl.tensor  # no point of it is further
    low: tl.tensor  # the slopes between which it is seen
    high: tl.tensor


class Light(NamedTuple):
    """A light, and the walls of its map."""

    x: tl.tensor
    y: tl.tensor
    ends: tl.tensor
    width: tl.tensor  # how many walls there are


@triton.jit
@no_type_check
def cone_of(to):
    """The cone of ways from a light to a rectangle."""
    length = tl.sqrt(to.x * to.x + to.y * to.y)
    cos, sin = to.x / length, to.y / length
    near, far = length - (to.half_x * tl.abs(cos) + to.half_y * tl.abs(sin)), length + to.half_x + to.half_y
    low, high = length * 0 + float('inf'), length * 0 - float('inf')
    for corner in tl.static_range(4):
        x = to.x + to.half_x * (corner % 2 * 2 - 1)
        y = to.y + to.half_y * (corner // 2 * 2 - 1)
        slope = (cos * y - sin * x) / (cos * x + sin * y)
        low, high = tl.minimum(low, slope), tl.maximum(high, slope)
    low, high = low - (1 + low * low) * SLACK, high + (1 + high * high) * SLACK
    outside = near > 4 * MARGIN
    cos, sin, near = tl.where(outside, cos, 1.0), tl.where(outside, sin, 0.0), tl.where(outside, near, 0.0)
    return Cone(cos, sin, near, far, tl.where(outside, low, -float('inf')), tl.where(outside, high, float('inf')))


@triton.jit
@no_type_check
def sides(to, ax, ay, bx, by):
    """Distances to walls' left, times their lengths: the light's, the rectangle's least and most; and those lengths."""
    ex, ey = bx - ax, by - ay
    middle, reach = ex * (to.y - ay) - ey * (to.x - ax), tl.abs(ex) * to.half_y + tl.abs(ey) * to.half_x
    return ey * ax - ex * ay, middle - reach, middle + reach, tl.sqrt(ex * ex + ey * ey)


@triton.jit
@no_type_check
def meets(to, cone, ax, ay, bx, by):
    """True for walls that may meet the convex hull of a light and a rectangle."""
    left, right = tl.minimum(to.x - to.half_x, 0.0), tl.maximum(to.x + to.half_x, 0.0)
    bottom, top = tl.minimum(to.y - to.half_y, 0.0), tl.maximum(to.y + to.half_y, 0.0)
    apart = (tl.maximum(ax, bx) < left - MARGIN) | (tl.minimum(ax, bx) > right + MARGIN)
    apart |= (tl.maximum(ay, by) < bottom - MARGIN) | (tl.minimum(ay, by) > top + MARGIN)
    light, least, most, length = sides(to, ax, ay, bx, by)
    apart |= (tl.minimum(light, least) > length * MARGIN) | (tl.maximum(light, most) < length * -MARGIN)
    a_along, a_across = cone.cos * ax + cone.sin * ay, cone.cos * ay - cone.sin * ax
    b_along, b_across = cone.cos * bx + cone.sin * by, cone.cos * by - cone.sin * bx
    above = tl.minimum(a_across - cone.high * a_along, b_across - cone.high * b_along)
    below = tl.maximum(a_across - cone.low * a_along, b_across - cone.low * b_along)
    beside = (above > (1 + tl.abs(cone.high)) * MARGIN) | (below < (1 + tl.abs(cone.low)) * -MARGIN)
    return ~(apart | beside)  # no wall is beside slopes that are infinite


@triton.jit
@no_type_check
def are_before(to, cone, ax, ay, bx, by):
    """True for walls that are before a rectangle in any direction in which they are seen from a light."""
    light, least, most, length = sides(to, ax, ay, bx, by)
    clear, clearer = length * MARGIN, length * (cone.far * SHARE + MARGIN)
    crosswise = ((light > clear) & (most < -clearer)) | ((light < -clear) & (least > clearer))
    a_along, b_along = cone.cos * ax + cone.sin * ay, cone.cos * bx + cone.sin * by
    furthest = cone.near - MARGIN - cone.far * SHARE
    return crosswise | ((tl.minimum(a_along, b_along) > MARGIN) & (tl.maximum(a_along, b_along) < furthest))


@triton.jit
@no_type_check
def slope_to(cone, x, y):
    """The slopes of the ways from a light to points; infinite if those aren't ahead."""
    along, across = cone.cos * x + cone.sin * y, cone.cos * y - cone.sin * x
    aside = tl.where(across < 0, -float('inf'), float('inf'))
    return tl.where(along > 0, across / tl.where(along > 0, along, 1.0), aside)


@triton.jit
@no_type_check
def seen_from(light, some):
    """The ends of 32 of a map's walls as seen from a light, and which of them there are."""
    w = some + tl.arange(0, LANES)
    there = w < light.width
    ax, ay, bx, by = ends_of(light.ends, w, there)
    return ax - light.x, ay - light.y, bx - light.x, by - light.y, w, there


@triton.jit
@no_type_check
def extend(light, to, cone, cover, last_x, last_y):
    """The furthest slope up to which one more wall covers all, where that wall ends, and whether there is one."""
    best, best_x, best_y, found = cover, last_x, last_y, light.width * 0
    for some in range(0, light.width, LANES):
        ax, ay, bx, by, w, there = seen_from(light, some)
        swap = ax * by - ay * bx < 0
        ax, ay, bx, by = tl.where(swap, bx, ax), tl.where(swap, by, ay), tl.where(swap, ax, bx), tl.where(swap, ay, by)
        first, last = slope_to(cone, ax, ay), slope_to(cone, bx, by)
        joins = (first < cover - (1 + cover * cover) * SLACK) | ((ax == last_x) & (ay == last_y))
        joins &= there & (last > best) & are_before(to, cone, ax, ay, bx, by)
        furthest = tl.max(tl.where(joins, last, -float('inf')), 0)
        one = tl.min(tl.where(joins & (last == furthest), w, NONE), 0)
        chosen = w == one
        if one < NONE:
            best, found = furthest, found * 0 + 1
            best_x, best_y = tl.sum(tl.where(chosen, bx, 0.0), 0), tl.sum(tl.where(chosen, by, 0.0), 0)
    return best, best_x, best_y, found


@triton.jit
@no_type_check
def is_hidden(light, to, cone):
    """A shadow over all of a rectangle: 1 if walls hide a light from it, one beside the other."""
    cover, last_x, last_y = cone.low, cone.low * 0 + float('nan'), cone.low * 0 + float('nan')
    found = (cone.near > 0).to(tl.int32)
    while (found > 0) & (cover < cone.high):
        cover, last_x, last_y, found = extend(light, to, cone, cover, last_x, last_y)
    return found


@triton.jit
@no_type_check
def is_free(light):
    """1 if a light is in free space, and clear of all walls."""
    square, turns = light.x * 0 + float('inf'), light.width * 0
    for some in range(0, light.width, LANES):
        ax, ay, bx, by, _, there = seen_from(light, some)
        squares = squared_distance(ax, ay, bx, by, 0.0, 0.0)
        square = tl.minimum(square, tl.min(tl.where(there, squares, float('inf')), 0))
        turns += tl.sum(tl.where(there, winding(ax, ay, bx, by, 0.0, 0.0), 0), 0)
    return ((turns == 1) & (square > MARGIN * MARGIN)).to(tl.int32)


@triton.jit
@no_type_check
def _find_lights(map_of_row, walls, lights, parts, mark_starts, falls, marks):
    """Program r says whether the light of row r falls on its part of a cell, and marks the walls that may hide it."""
    row = tl.program_id(0).to(tl.int64)
    m = tl.load(map_of_row + row)
    lx, ly = tl.load(lights + 2 * row), tl.load(lights + 2 * row + 1)
    x, y = tl.load(parts + 4 * row) - lx, tl.load(parts + 4 * row + 1) - ly
    to = Rectangle(x, y, tl.load(parts + 4 * row + 2), tl.load(parts + 4 * row + 3))
    light = Light(lx, ly, walls.ends + 2 * tl.load(walls.starts + m), tl.load(walls.widths + m))
    cone = cone_of(to)
    hidden = is_hidden(light, to, cone)
    tl.store(falls + row, (1 - hidden).to(tl.uint8))
    if hidden == 0:
        own, free = marks + tl.load(mark_starts + row), is_free(light)
        for some in range(0, light.width, LANES):
            ax, ay, bx, by, w, there = seen_from(light, some)
            side, _, _, length = sides(to, ax, ay, bx, by)
            behind = (free > 0) & (side < length * -MARGIN)
            tl.store(own + w, (meets(to, cone, ax, ay, bx, by) & ~behind).to(tl.uint8), mask=there)


@device_guard
def find_lights(map_of_row, walls, lights, parts, mark_starts, falls, marks):
    """Says which lights fall on parts of cells, and marks what may hide them: see `megastep.world.visible_lights`."""
    _find_lights[(len(map_of_row),)](
        map_of_row, walls_of(walls), lights, parts, mark_starts, falls, marks, num_warps=1, enable_fp_fusion=False,
    )  # fmt: skip
