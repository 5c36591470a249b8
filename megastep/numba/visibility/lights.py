"""Visibility of lights from a region: whether a light falls anywhere in a rectangle, and the walls that may hide it.

All ways from a light to a rectangle lie in the convex hull of both. So a wall that doesn't meet the hull hides the
light from no point; that is told by separating axes: the hull's box, the wall's own line, and the two lines from the
light that touch the rectangle. A light is hidden from all of the rectangle if walls before it cover all slopes between
those two lines: one after the other each begins before the last one ends, or where that ends. Wherever rounding might
decide, a wall is taken to meet the hull, and not to hide anything.

Of walls that face away from a light those are left out that others hide with them. Outlines are closed, and what lies
to the left of a wall is free space, around which the walls wind once; around nothing they wind twice. So a way that
begins in free space can't meet a wall from behind unless it has met one from its front before, as each meeting from
behind adds a turn, and each from the front takes one away. This is used of lights that are in free space, and clear of
all walls. The twin is `megastep.triton.visibility.lights`.
"""

from typing import NamedTuple

import numpy as np
from numba import njit

from megastep.numba.constants import LAUNCHED, PART
from megastep.numba.jit.parallel import in_blocks
from megastep.numba.visibility.standing_room import squared_distance, winding
from megastep.numba.visibility.walls import walls_of

MARGIN = 1e-3
"""By how much, in metres, something has to be clear of a wall or before another thing."""
SHARE = 2e-4
"""How much further before a rectangle a wall has to be for each metre of the way: one that is just before a point
casts no shadow on it, see `megastep.numba.light`."""
SLACK = 1e-5
"""By how much slopes have to overlap: more than rounding turns the way from a light."""


class Rectangle(NamedTuple):
    """A rectangle's middle, as seen from a light, and half its sides."""

    x: float
    y: float
    half_x: float
    half_y: float


class Cone(NamedTuple):
    """All ways from a light to a rectangle, in the frame whose x axis goes from the one to the other's middle."""

    cos: float
    sin: float
    near: float  # how far ahead the rectangle begins; not above 0 if it may hold the light, and nothing else is said
    far: float  # no point of it is further
    low: float  # the slopes between which it is seen
    high: float


@njit(**PART)
def cone_of(to):
    """The cone of ways from a light to a rectangle."""
    length = np.sqrt(to.x * to.x + to.y * to.y)
    cos, sin = to.x / length, to.y / length
    near, far = length - (to.half_x * abs(cos) + to.half_y * abs(sin)), length + to.half_x + to.half_y
    if not near > 4 * MARGIN:
        return Cone(1.0, 0.0, 0.0, far, -np.inf, np.inf)
    low, high = np.inf, -np.inf
    for corner in range(4):
        x = to.x + (to.half_x if corner % 2 else -to.half_x)
        y = to.y + (to.half_y if corner // 2 else -to.half_y)
        slope = (cos * y - sin * x) / (cos * x + sin * y)
        low, high = min(low, slope), max(high, slope)
    return Cone(cos, sin, near, far, low - SLACK * (1 + low * low), high + SLACK * (1 + high * high))


@njit(**PART)
def sides(to, ax, ay, bx, by):
    """Distances to a wall's left, times its length: the light's, the rectangle's least and most; and that length."""
    ex, ey = bx - ax, by - ay
    middle, reach = ex * (to.y - ay) - ey * (to.x - ax), abs(ex) * to.half_y + abs(ey) * to.half_x
    return ey * ax - ex * ay, middle - reach, middle + reach, np.sqrt(ex * ex + ey * ey)


@njit(**PART)
def meets(to, cone, ax, ay, bx, by):
    """True if a wall may meet the convex hull of a light and a rectangle."""
    left, right = min(to.x - to.half_x, 0.0), max(to.x + to.half_x, 0.0)
    bottom, top = min(to.y - to.half_y, 0.0), max(to.y + to.half_y, 0.0)
    if max(ax, bx) < left - MARGIN or min(ax, bx) > right + MARGIN:
        return False
    if max(ay, by) < bottom - MARGIN or min(ay, by) > top + MARGIN:
        return False
    light, least, most, length = sides(to, ax, ay, bx, by)
    if min(light, least) > MARGIN * length or max(light, most) < -MARGIN * length:
        return False
    if not cone.near > 0:
        return True
    a_along, a_across = cone.cos * ax + cone.sin * ay, cone.cos * ay - cone.sin * ax
    b_along, b_across = cone.cos * bx + cone.sin * by, cone.cos * by - cone.sin * bx
    above = min(a_across - cone.high * a_along, b_across - cone.high * b_along)
    below = max(a_across - cone.low * a_along, b_across - cone.low * b_along)
    return above <= MARGIN * (1 + abs(cone.high)) and below >= -MARGIN * (1 + abs(cone.low))


@njit(**PART)
def is_before(to, cone, ax, ay, bx, by):
    """True if a wall is before a rectangle in any direction in which it is seen from a light."""
    light, least, most, length = sides(to, ax, ay, bx, by)
    clear, clearer = MARGIN * length, (SHARE * cone.far + MARGIN) * length
    if (light > clear and most < -clearer) or (light < -clear and least > clearer):
        return True
    a_along, b_along = cone.cos * ax + cone.sin * ay, cone.cos * bx + cone.sin * by
    return min(a_along, b_along) > MARGIN and max(a_along, b_along) < cone.near - MARGIN - SHARE * cone.far


@njit(**PART)
def slope_to(cone, x, y):
    """The slope of the way from a light to a point; infinite if that isn't ahead."""
    along, across = cone.cos * x + cone.sin * y, cone.cos * y - cone.sin * x
    if along > 0:
        return across / along
    return -np.inf if across < 0 else np.inf


@njit(**PART)
def is_hidden(walls, lx, ly, to, cone):
    """True if walls hide a light from all of a rectangle, one beside the other."""
    cover, last_x, last_y = cone.low, np.nan, np.nan
    while cover < cone.high:
        best, best_x, best_y = cover, last_x, last_y
        for w in range(len(walls)):
            ax, ay, bx, by = walls[w, 0, 0] - lx, walls[w, 0, 1] - ly, walls[w, 1, 0] - lx, walls[w, 1, 1] - ly
            if ax * by - ay * bx < 0:
                ax, ay, bx, by = bx, by, ax, ay
            first, last = slope_to(cone, ax, ay), slope_to(cone, bx, by)
            joins = first < cover - SLACK * (1 + cover * cover) or (ax == last_x and ay == last_y)
            if joins and last > best and is_before(to, cone, ax, ay, bx, by):
                best, best_x, best_y = last, bx, by
        if best == cover:
            return False
        cover, last_x, last_y = best, best_x, best_y
    return True


@njit(**PART)
def is_free(walls, lx, ly):
    """True if a light is in free space, and clear of all walls."""
    square, turns = np.inf, 0
    for w in range(len(walls)):
        square = min(square, squared_distance(walls, w, lx, ly))
        turns += winding(walls, w, lx, ly)
    return turns == 1 and square > MARGIN * MARGIN


@njit(**PART)
def look(walls, lx, ly, to, marks):
    """Marks the walls that may hide a light from points of a rectangle; returns whether it falls on any."""
    cone = cone_of(to)
    if cone.near > 0 and is_hidden(walls, lx, ly, to, cone):
        return False
    free = is_free(walls, lx, ly)
    for w in range(len(walls)):
        ax, ay, bx, by = walls[w, 0, 0] - lx, walls[w, 0, 1] - ly, walls[w, 1, 0] - lx, walls[w, 1, 1] - ly
        light, _, _, length = sides(to, ax, ay, bx, by)
        behind = free and light < -MARGIN * length
        marks[w] = not behind and meets(to, cone, ax, ay, bx, by)
    return True


@njit(**PART)
def find_some(map_of_row, walls, lights, parts, mark_starts, falls, marks, first, last):
    """Says which of some lights fall on their parts of cells, and marks what may hide them."""
    for row in range(first, last):
        start, width = walls.starts[map_of_row[row]], walls.widths[map_of_row[row]]
        lx, ly = lights[row, 0], lights[row, 1]
        to = Rectangle(parts[row, 0] - lx, parts[row, 1] - ly, parts[row, 2], parts[row, 3])
        own = marks[mark_starts[row] : mark_starts[row] + width]
        falls[row] = look(walls.ends[start : start + width], lx, ly, to, own)


@njit(**LAUNCHED)
def _find_lights(map_of_row, walls, lights, parts, mark_starts, falls, marks):
    in_blocks(find_some, (map_of_row, walls, lights, parts, mark_starts, falls, marks), len(map_of_row), 1)


def find_lights(map_of_row, walls, lights, parts, mark_starts, falls, marks):
    """Says which lights fall on parts of cells, and marks what may hide them: see `megastep.world.visible_lights`."""
    arrays = (tensor.numpy() for tensor in (lights, parts, mark_starts, falls, marks))
    _find_lights(map_of_row.numpy(), walls_of(walls), *arrays)
