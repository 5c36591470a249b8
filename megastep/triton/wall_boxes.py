"""Bounding volumes of walls: see `megastep.world.wall_boxes`. The twin, `megastep.numba.collisions`, looks at each."""

from typing import NamedTuple, no_type_check

import triton
import triton.language as tl

from megastep.triton.bits import LANES, bits, halves

FAR = tl.constexpr(-1e6)


class Walls(NamedTuple):
    """Walls of one map in their boxes: pointers to all maps' buffers, and where in them the map's own are."""

    walls: tl.tensor
    numbers: tl.tensor
    boxes: tl.tensor
    first: tl.tensor
    width: tl.tensor
    first_box: tl.tensor
    num_boxes: tl.tensor


@triton.jit
@no_type_check
def walls_of(maps, m, SIZES: tl.constexpr):
    """Map m's walls."""
    first, width, first_box = tl.load(maps.wall_starts + m), tl.load(maps.wall_widths + m), tl.load(maps.box_starts + m)
    num_boxes = (width + SIZES.per_box - 1) // SIZES.per_box
    return Walls(maps.boxed_walls, maps.numbers, maps.boxes, first, width, first_box, num_boxes)


@triton.jit
@no_type_check
def boxes_met(walls, start, left, bottom, right, top):
    """The boxes of a map, from number ``start`` on, that meet the one given: a bit for each of up to 32."""
    box = start + tl.arange(0, LANES)
    at, there = walls.boxes + 4 * (walls.first_box + box), box < walls.num_boxes
    meets = (right >= tl.load(at, mask=there, other=float('inf'))) & (top >= tl.load(at + 1, mask=there, other=0.0))
    meets &= (left <= tl.load(at + 2, mask=there, other=0.0)) & (bottom <= tl.load(at + 3, mask=there, other=0.0))
    return bits(meets)


@triton.jit
@no_type_check
def load_walls(walls, start, SIZES: tl.constexpr):
    """The ends of the walls of one of a map's boxes, one a lane; beyond the last one, walls that are far away."""
    k = start + tl.arange(0, SIZES.per_box)
    wall, there = walls.walls + 2 * (walls.first + k), k < walls.width
    ax, ay = halves(tl.load(wall, mask=there, other=0))
    bx, by = halves(tl.load(wall + 1, mask=there, other=0))
    ax, ay = tl.where(there, ax, FAR), tl.where(there, ay, FAR)
    return ax, ay, tl.where(there, bx, FAR), tl.where(there, by, FAR + 1)
