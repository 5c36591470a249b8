"""Light on agents: mostly looked up in the lists of an agent's cell, see `megastep.world.visible_lights`.

It is the same as `megastep.numba.light.brightness`, which tries all walls.
"""

from typing import NamedTuple, no_type_check

import triton
import triton.language as tl

from megastep.triton.bits import LANES, bits, halves
from megastep.triton.light import AMBIENT, between, disc_brightness, lights_of, load_light, strip_to, touch_and_cut
from megastep.triton.raycasting.headers import known_cell
from megastep.triton.raycasting.intervals import inverse_of
from megastep.triton.wall_boxes import walls_of


class Lists(NamedTuple):
    """A map's lists, and the part of them that is a cell's; if that isn't known, all pairs there are."""

    first: tl.tensor
    last: tl.tensor
    known: tl.tensor
    words: tl.tensor
    first_light: tl.tensor
    first_wall: tl.tensor
    num_walls: tl.tensor


class Pairs(NamedTuple):
    """32 pairs of a light and a wall that may hide it, a lane each."""

    begins: tl.tensor  # whether the pair is the first of its light
    lx: tl.tensor
    ly: tl.tensor
    intensity: tl.tensor
    walled: tl.tensor  # false where no wall may hide it
    ax: tl.tensor
    ay: tl.tensor
    bx: tl.tensor
    by: tl.tensor


@triton.jit
@no_type_check
def lists_of(maps, sets, m, cx, cy):
    """The lists of the cell that an agent about c is in."""
    cell, known = known_cell(sets, m, cx, cy)
    num_walls = tl.load(maps.wall_widths + m)
    first = tl.load(sets.lit_firsts + cell, mask=known, other=0)
    last = tl.load(sets.lit_firsts + cell + 1, mask=known, other=0)
    last = tl.where(known, last, num_walls * tl.load(maps.light_widths + m))
    words = sets.lit_pairs + tl.load(sets.lit_starts + m)
    return Lists(first, last, known, words, tl.load(maps.light_starts + m), tl.load(maps.wall_starts + m), num_walls)


@triton.jit
@no_type_check
def numbers_of(lists, shift, k, there):
    """The numbers of pairs' lights, and the places of their walls, -1 for none."""
    if lists.known:  # or it would wait for the divisions
        word = tl.load(lists.words + k, mask=there, other=0)
        number, place = (word & ((1 << shift) - 1)).to(tl.int32), (word >> shift).to(tl.int32) - 1
    else:
        number, place = k // lists.num_walls, k % lists.num_walls
    return number, place


@triton.jit
@no_type_check
def load_pairs(maps, sets, lists, some):
    """Pairs, from number ``some`` on."""
    k = some + tl.arange(0, LANES)
    there = k < lists.last
    number, place = numbers_of(lists, sets.lit_shift, k, there)
    before, _ = numbers_of(lists, sets.lit_shift, k - 1, there & (k > lists.first))
    lx, ly, intensity = load_light(maps, lists.first_light + tl.where(there, number, 0))
    begins, walled = there & ((k == lists.first) | (number != before)), there & (place >= 0)
    wall = maps.boxed_walls + 2 * (lists.first_wall + tl.maximum(place, 0))
    ax, ay = halves(tl.load(wall, mask=walled, other=0))
    bx, by = halves(tl.load(wall + 1, mask=walled, other=0))
    return Pairs(begins, lx, ly, intensity, walled, ax, ay, bx, by)


@triton.jit
@no_type_check
def lowest_of(word):
    """A word's lowest bit, alone."""
    return word & -word


@triton.jit
@no_type_check
def pick(values, bit):
    """The value of the lane that has this bit, as a scalar: one instruction adds integers up, of whatever meaning."""
    alone = tl.where((1 << tl.arange(0, LANES)) == bit, values.to(tl.int32, bitcast=True), 0)
    return tl.sum(alone, 0).to(values.dtype, bitcast=True)


@triton.jit
@no_type_check
def with_light(total, lx, ly, intensity, shadow, cut, x, y):
    """The light at points, with that of a light added, unless it is in shadow or cut off."""
    if cut == 0:
        dx, dy = lx - x, ly - y
        total += tl.where(shadow, 0.0, 2 * intensity * inverse_of(tl.maximum(dx * dx + dy * dy, 1.0)))
    return total


@triton.jit
@no_type_check
def with_shadows(shadow, pairs, walls, lx, ly, x, y):
    """A light's shadow, with that of some of the pairs' walls added: a bit each."""
    while walls != 0:
        one = lowest_of(walls)
        ax, ay, bx, by = pick(pairs.ax, one), pick(pairs.ay, one), pick(pairs.bx, one), pick(pairs.by, one)
        shadow |= between(ax, ay, bx, by, lx, ly, x, y)
        walls &= walls - 1
    return shadow


@triton.jit
@no_type_check
def listed_brightness(maps, sets, m, cx, cy, x, y):
    """The light at points of an agent about c, whose cell lists the lights that may fall on it and what may hide them.

    A pair a lane: a wall that misses the strip between its light and the agent hides nothing, and one that cuts it off
    hides everything; the others are tried for each point. Where no lists hold all pairs are looked at.
    """
    lists = lists_of(maps, sets, m, cx, cy)
    total, none = tl.zeros_like(x) + AMBIENT, (x != x) & (y != y)
    cut, shadow, lx, ly, intensity = 1, none, cx * 0, cx * 0, cx * 0  # no light yet
    for some in range(lists.first, lists.last, LANES):
        pairs = load_pairs(maps, sets, lists, some)
        strip = strip_to(cx, cy, maps.girth, pairs.lx, pairs.ly)
        touches, cuts = touch_and_cut(pairs.ax, pairs.ay, pairs.bx, pairs.by, pairs.walled, strip)
        touching, cutting = bits(touches).to(tl.int32), bits(cuts).to(tl.int32)
        begins = bits(pairs.begins).to(tl.int32)
        rest = begins | 1  # the first pair may go on with the light before
        while rest != 0:
            one = lowest_of(rest)
            rest &= rest - 1
            mine = lowest_of(rest) - one  # the bits from there up to the next light's
            if (begins & one) != 0:
                total = with_light(total, lx, ly, intensity, shadow, cut, x, y)
                cut, shadow = 0, none
            lx, ly, intensity = pick(pairs.lx, one), pick(pairs.ly, one), pick(pairs.intensity, one)
            cut = tl.where((cutting & mine) != 0, 1, cut)
            shadow = with_shadows(shadow, pairs, tl.where(cut == 0, touching & mine, 0), lx, ly, x, y)
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
