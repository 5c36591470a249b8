"""Bounding volumes of walls: see `megastep.world.wall_boxes`. The twin, `megastep.numba.collisions`, looks at each."""

from typing import no_type_check

import triton
import triton.language as tl

from megastep.triton.bits import LANES, bits, halves

FAR = tl.constexpr(-1e6)


@triton.jit
@no_type_check
def boxes_met(boxes, first, start, count, left, bottom, right, top):
    """The boxes of a map, from number ``start`` on, that meet the one given: a bit for each of up to 32."""
    box = start + tl.arange(0, LANES)
    at, there = boxes + 4 * (first + box), box < count
    meets = (right >= tl.load(at, mask=there, other=float('inf'))) & (top >= tl.load(at + 1, mask=there, other=0.0))
    meets &= (left <= tl.load(at + 2, mask=there, other=0.0)) & (bottom <= tl.load(at + 3, mask=there, other=0.0))
    return bits(meets)


@triton.jit
@no_type_check
def load_walls(walls, first, start, width, PER_BOX: tl.constexpr):
    """The ends of the walls of one of a map's boxes, one a lane; beyond the last one, walls that are far away."""
    k = start + tl.arange(0, PER_BOX)
    wall, there = walls + 2 * (first + k), k < width
    ax, ay = halves(tl.load(wall, mask=there, other=0))
    bx, by = halves(tl.load(wall + 1, mask=there, other=0))
    ax, ay = tl.where(there, ax, FAR), tl.where(there, ay, FAR)
    return ax, ay, tl.where(there, bx, FAR), tl.where(there, by, FAR + 1)
