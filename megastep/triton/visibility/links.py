"""Links of walls: which goes on where another ends, and which cross. The twin is `megastep.numba.visibility.links`."""

from typing import no_type_check

import triton
import triton.language as tl

from megastep.triton.buffers import device_guard
from megastep.triton.visibility.walls import ends_of, walls_of

CROSSING = tl.constexpr(1e-4)
"""Walls cross if either has ends on both sides of the other by more than this, in metres."""

BLOCK = 32
"""How many walls are held against one together."""


@triton.jit
@no_type_check
def turn_left(ax, ay, bx, by):
    """A number that grows with the angle to the left from one direction to another; least for straight back."""
    cross, dot = ax * by - ay * bx, ax * bx + ay * by
    total = tl.abs(cross) + tl.abs(dot)
    straight = dot / tl.where(total > 0, total, 1.0)  # lanes of no wall have no direction
    return tl.where((cross > 0) | ((cross == 0) & (dot > 0)), 1 - straight, straight - 1)


@triton.jit
@no_type_check
def parts(ax, ay, bx, by, cx, cy, dx, dy):
    """True if one wall has the ends of another on both sides."""
    vx, vy = bx - ax, by - ay
    least = CROSSING * tl.sqrt(vx * vx + vy * vy)
    start = vx * (cy - ay) - vy * (cx - ax)
    end = vx * (dy - ay) - vy * (dx - ax)
    return (tl.minimum(start, end) < -least) & (tl.maximum(start, end) > least)


@triton.jit
@no_type_check
def best_of(turns, k, most, best):
    """The greatest of some turns and of the greatest so far, and its wall: of equal ones the first."""
    greatest = tl.max(turns, 0)
    first = tl.min(tl.where(turns == greatest, k, 2147483647), 0)
    return tl.maximum(greatest, most), tl.where(greatest > most, first, best)


@triton.jit
@no_type_check
def _link(walls, map_of_wall, nexts, previous, crosses, BLOCK: tl.constexpr):
    """Program w finds the links of wall w: of several walls the one that turns most to the left."""
    w = tl.program_id(0).to(tl.int64)
    m = tl.load(map_of_wall + w)
    start, width = tl.load(walls.starts + m), tl.load(walls.widths + m)
    own = walls.ends + 2 * start
    ax, ay, bx, by = ends_of(own, w - start, True)
    most_after, most_before = ax * 0 - float('inf'), ax * 0 - float('inf')
    after, before, crossed = width * 0 - 1, width * 0 - 1, width * 0
    for some in range(0, width, BLOCK):
        k = some + tl.arange(0, BLOCK)
        there = k < width
        cx, cy, dx, dy = ends_of(own, k, there)
        turn = turn_left(bx - ax, by - ay, dx - cx, dy - cy)
        follows, precedes = there & (cx == bx) & (cy == by), there & (dx == ax) & (dy == ay)
        most_after, after = best_of(tl.where(follows, turn, -float('inf')), k, most_after, after)
        turn = turn_left(dx - cx, dy - cy, bx - ax, by - ay)
        most_before, before = best_of(tl.where(precedes, turn, -float('inf')), k, most_before, before)
        both = parts(ax, ay, bx, by, cx, cy, dx, dy) & parts(cx, cy, dx, dy, ax, ay, bx, by)
        crossed |= tl.max((there & both).to(tl.int32), 0)
    tl.store(nexts + w, after)
    tl.store(previous + w, before)
    tl.store(crosses + w, crossed != 0)


@device_guard
def link_walls(map_of_wall, walls, nexts, previous, crosses):
    """Writes the walls that go on from each wall: see `megastep.world.visible_walls`."""
    _link[(len(map_of_wall),)](
        walls_of(walls), map_of_wall, nexts, previous, crosses, BLOCK=BLOCK, num_warps=1, enable_fp_fusion=False,
    )  # fmt: skip
