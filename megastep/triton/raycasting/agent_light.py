"""Light on agents: mostly looked up in the lists of an agent's cell, see `megastep.world.visible_lights`.

It is the same as `megastep.numba.light.brightness`, which tries all walls.
"""

from typing import no_type_check

import triton
import triton.language as tl

from megastep.triton.bits import LANES, bits, halves, lowest
from megastep.triton.light import AMBIENT, disc_brightness, hides, lights_of, load_light, strip_to, touch_and_cut
from megastep.triton.wall_boxes import walls_of


@triton.jit
@no_type_check
def known_cell(sets, m, x, y):
    """The cell that a place is in, counted as ends of lists are; and whether lists hold for that place."""
    left, bottom, scale = tl.load(sets.grids + 3 * m), tl.load(sets.grids + 3 * m + 1), tl.load(sets.grids + 3 * m + 2)
    columns, rows = tl.load(sets.shapes + 2 * m), tl.load(sets.shapes + 2 * m + 1)
    fine_x, fine_y = ((x - left) * scale * 16).to(tl.int32), ((y - bottom) * scale * 16).to(tl.int32)
    column, row = fine_x >> 4, fine_y >> 4
    known = (x >= left) & (y >= bottom) & (column < columns) & (row < rows)
    cell = tl.load(sets.first_starts + m) + tl.where(known, row * columns + column, 0)
    extent = tl.load(sets.extents + cell - m, mask=known, other=0)  # the map's lists have one more end than cells
    known &= (fine_x & 15 >= extent & 255) & (fine_x & 15 < (extent >> 16) & 255)
    known &= (fine_y & 15 >= (extent >> 8) & 255) & (fine_y & 15 < extent >> 24)
    return cell, known


@triton.jit
@no_type_check
def add_light(total, maps, first_wall, hiding, first, last, known, lx, ly, intensity, cx, cy, x, y):
    """The light at points of an agent about c, with that of a light added, which some listed walls may hide.

    Walls that miss the strip between the light and the agent hide nothing; one that cuts it off hides everything.
    """
    strip = strip_to(cx, cy, maps.girth, lx, ly)
    shadow, cut = (x != x) & (y != y), first * 0  # none yet
    while (first < last) & (cut == 0):
        k = first + tl.arange(0, LANES)
        there = k < last
        listed = tl.where(known, there, k < 0)  # interpreted, a number that is true or false can't be told from others
        wall = first_wall + tl.where(known, tl.load(hiding + k, mask=listed, other=0).to(tl.int32), k)
        ax, ay = halves(tl.load(maps.boxed_walls + 2 * wall, mask=there, other=0))
        bx, by = halves(tl.load(maps.boxed_walls + 2 * wall + 1, mask=there, other=0))
        touches, cuts = touch_and_cut(ax, ay, bx, by, there, strip)
        cut = (bits(cuts) != 0).to(tl.int32)
        touched = tl.where(cut == 0, bits(touches), 0)
        while touched != 0:
            one = first + lowest(touched)
            one = tl.where(known, tl.load(hiding + one, mask=known, other=0).to(tl.int32), one)
            shadow |= hides(maps.boxed_walls, first_wall + one, lx, ly, x, y)
            touched &= touched - 1
        first += LANES
    dx, dy = lx - x, ly - y
    falls = (cut == 0) & ~shadow
    return total + tl.where(falls, 2 * intensity / tl.maximum(dx * dx + dy * dy, 1.0), 0.0)


@triton.jit
@no_type_check
def listed_brightness(maps, sets, m, cx, cy, x, y):
    """The light at points of an agent about c, whose cell lists the lights that may fall on it.

    Where the lists don't hold, all lights may, and all walls may hide them.
    """
    cell, known = known_cell(sets, m, cx, cy)
    first_light, first_wall = tl.load(maps.light_starts + m), tl.load(maps.wall_starts + m)
    lit, hiding = tl.load(sets.lit_starts + m), sets.hiding + tl.load(sets.hiding_starts + m)
    walls = tl.load(maps.wall_widths + m)
    first = tl.load(sets.lit_firsts + cell, mask=known, other=0)
    last = tl.load(sets.lit_firsts + cell + 1, mask=known, other=0)
    last = tl.where(known, last, tl.load(maps.light_widths + m))
    total = tl.zeros_like(x) + AMBIENT
    for k in range(first, last):
        at = sets.hiding_firsts + lit + m + k  # the map's lists of walls have one more end than lights are listed
        first_hiding = tl.load(at, mask=known, other=0)
        last_hiding = tl.where(known, tl.load(at + 1, mask=known, other=0), walls)
        number = tl.where(known, tl.load(sets.lit_numbers + lit + k, mask=known, other=0).to(tl.int32), k)
        lx, ly, intensity = load_light(maps, first_light + number)
        total = add_light(
            total, maps, first_wall, hiding, first_hiding, last_hiding, known, lx, ly, intensity, cx, cy, x, y
        )
    return tl.minimum(total, 1.0)


@triton.jit
@no_type_check
def agent_brightness(maps, sets, m, cx, cy, x, y, SIZES: tl.constexpr):
    """The light at points of an agent about c; walls are looked for in their boxes where no lists are given."""
    if sets is None:
        light = disc_brightness(walls_of(maps, m, SIZES), lights_of(maps, m), cx, cy, maps.girth, x, y, SIZES)
    else:
        light = listed_brightness(maps, sets, m, cx, cy, x, y)
    return light
