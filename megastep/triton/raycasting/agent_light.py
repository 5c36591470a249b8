"""Light on agents: mostly looked up in the lists of an agent's cell, see `megastep.world.visible_lights`.

It is the same as `megastep.numba.light.brightness`, which tries all walls.
"""

from typing import no_type_check

import triton
import triton.language as tl

from megastep.triton.bits import LANES, bits, halves, lowest
from megastep.triton.light import AMBIENT, disc_brightness, hides, lights_of, load_light, strip_to, touch_and_cut
from megastep.triton.raycasting.headers import known_cell
from megastep.triton.wall_boxes import walls_of


@triton.jit
@no_type_check
def load_pairs(pairs, shift, k, there, known, num_walls):
    """Pairs: a light and the place of a wall that may hide it, -1 for none; if they aren't known, all there are."""
    word = tl.load(pairs + k, mask=there & known, other=0)
    number, place = (word & ((1 << shift) - 1)).to(tl.int32), (word >> shift).to(tl.int32) - 1
    return tl.where(known, number, k // num_walls), tl.where(known, place, k % num_walls)


@triton.jit
@no_type_check
def hold_against_strips(maps, first_light, first_wall, numbers, places, there, cx, cy):
    """Bits of the pairs whose wall may touch the strip between its light and an agent about c, and cut it off."""
    lx, ly, _ = load_light(maps, tl.where(there, first_light + numbers, first_light))
    there &= places >= 0
    wall = maps.boxed_walls + 2 * (first_wall + tl.maximum(places, 0))
    ax, ay = halves(tl.load(wall, mask=there, other=0))
    bx, by = halves(tl.load(wall + 1, mask=there, other=0))
    touches, cuts = touch_and_cut(ax, ay, bx, by, there, strip_to(cx, cy, maps.girth, lx, ly))
    return bits(touches), bits(cuts)


@triton.jit
@no_type_check
def with_light(total, lx, ly, intensity, shadow, cut, x, y):
    """The light at points, with that of a light added, unless it is in shadow or cut off."""
    dx, dy = lx - x, ly - y
    return total + tl.where((cut == 0) & ~shadow, 2 * intensity / tl.maximum(dx * dx + dy * dy, 1.0), 0.0)


@triton.jit
@no_type_check
def listed_brightness(maps, sets, m, cx, cy, x, y):
    """The light at points of an agent about c, whose cell lists the lights that may fall on it and what may hide them.

    A pair a lane: a wall that misses the strip between its light and the agent hides nothing, and one that cuts it off
    hides everything; the others are tried for each point. Where no lists hold all pairs are looked at.
    """
    cell, known = known_cell(sets, m, cx, cy)
    first_light, first_wall = tl.load(maps.light_starts + m), tl.load(maps.wall_starts + m)
    num_walls, pairs = tl.load(maps.wall_widths + m), sets.lit_pairs + tl.load(sets.lit_starts + m)
    first = tl.load(sets.lit_firsts + cell, mask=known, other=0)
    last = tl.load(sets.lit_firsts + cell + 1, mask=known, other=0)
    last = tl.where(known, last, num_walls * tl.load(maps.light_widths + m))
    total, none = tl.zeros_like(x) + AMBIENT, (x != x) & (y != y)
    light, cut, shadow = first * 0 - 1, first * 0, none
    lx, ly, intensity = cx * 0, cx * 0, cx * 0
    for some in range(first, last, LANES):
        k = some + tl.arange(0, LANES)
        there = k < last
        numbers, places = load_pairs(pairs, sets.lit_shift, k, there, known, num_walls)
        touched, cutting = hold_against_strips(maps, first_light, first_wall, numbers, places, there, cx, cy)
        rest = bits(there)
        while rest != 0:
            number, _ = load_pairs(pairs, sets.lit_shift, some + lowest(rest), rest != 0, known, num_walls)
            if number != light:
                total = with_light(total, lx, ly, intensity, shadow, cut, x, y)
                light, cut, shadow = number, cut * 0, none
                lx, ly, intensity = load_light(maps, first_light + number)
            mine = rest & bits(there & (numbers == number))
            rest &= ~mine
            cut = tl.where((cutting & mine) != 0, 1, cut)
            touched_here = tl.where(cut == 0, touched & mine, 0)
            while touched_here != 0:
                at = some + lowest(touched_here)
                _, place = load_pairs(pairs, sets.lit_shift, at, touched_here != 0, known, num_walls)
                shadow |= hides(maps.boxed_walls, first_wall + place, lx, ly, x, y)
                touched_here &= touched_here - 1
    return tl.minimum(with_light(total, lx, ly, intensity, shadow, cut, x, y), 1.0)


@triton.jit
@no_type_check
def agent_brightness(maps, sets, m, cx, cy, x, y, SIZES: tl.constexpr):
    """The light at points of an agent about c; walls are looked for in their boxes where no lists are given."""
    if sets is None:
        light = disc_brightness(walls_of(maps, m, SIZES), lights_of(maps, m), cx, cy, maps.girth, x, y, SIZES)
    else:
        light = listed_brightness(maps, sets, m, cx, cy, x, y)
    return light
