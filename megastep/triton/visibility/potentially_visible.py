"""Potentially visible sets: finds the walls that can be seen from somewhere in a cell, and maybe a few more.

The twin, `megastep.numba.visibility.potentially_visible`, says how, and why none is missed. A cell is one warp's work.
It halves beams of lines depth first, and holds a beam's walls against it a wall a lane.
"""

from typing import NamedTuple, no_type_check

import torch
import triton
import triton.language as tl

from megastep.triton.bits import LANES
from megastep.triton.buffers import device_guard, multiprocessors
from megastep.triton.visibility.beams import (
    AHEAD,
    TOUCHES,
    Map,
    aside,
    beam_of,
    following,
    hides,
    meets,
    role,
    turned_ends,
    width,
)
from megastep.triton.visibility.walls import walls_of

DEPTH = tl.constexpr(11)
"""How often a beam is halved at most: by turns its slopes and its offsets."""
HITS = tl.constexpr(3)
"""How many of the walls that a beam's middle line meets are tried for a chain, the nearest first."""
LONGEST = tl.constexpr(8)
"""How many walls a chain has at most to either side of the first."""
CHAIN = 2 * LONGEST.value + 2
"""Words of scratch for a chain, beside those of the lists and their counts."""
PROGRAMS = 64
"""How many programs there are for each multiprocessor: some wait, so that none that is done early stays idle."""
SCRATCH = 1 << 29
"""How many bytes the programs' scratch may take."""


class Scratch(NamedTuple):
    """A program's own memory."""

    lists: tl.tensor  # what beams of each depth begin with, one row after another
    counts: tl.tensor  # and how many walls that are
    chain: tl.tensor


@triton.jit
@no_type_check
def append(listed, count, w, keep):
    """Appends those walls of a warp's to a list that are to be kept; returns how long it is then."""
    places = count + tl.cumsum(keep.to(tl.int32), 0) - 1
    tl.store(listed + places, w, mask=keep)
    return count + tl.sum(keep.to(tl.int32), 0)


@triton.jit
@no_type_check
def narrowed(beam, m, wide, wide_count, listed):
    """Lists those walls of a wider beam's list that a beam may meet: how many they are, and how many not yet seen."""
    count, unseen = wide_count * 0, wide_count * 0
    for some in range(0, wide_count, LANES):
        k = some + tl.arange(0, LANES)
        there = k < wide_count
        w = tl.load(wide + k, mask=there, other=0)
        ax, ay, bx, by = turned_ends(m, w, there)
        keep = there & meets(beam, ax, ay, bx, by)
        count = append(listed, count, w, keep)
        unseen += tl.sum((keep & (tl.load(m.seen + w, mask=keep, other=1) == 0)).to(tl.int32), 0)
    tl.debug_barrier()  # what one lane appended, all read
    return count, unseen


@triton.jit
@no_type_check
def nearest(beam, m, listed, count, last, last_wall):
    """The nearest wall that a beam's middle line meets after a distance and wall, and how far that is."""
    best, wall = tl.full([], float('inf'), tl.float64), count * 0 - 1
    for some in range(0, count, LANES):
        k = some + tl.arange(0, LANES)
        there = k < count
        w = tl.load(listed + k, mask=there, other=0)
        ax, ay, bx, by = turned_ends(m, w, there)
        right, left = aside(beam, ax, ay), aside(beam, bx, by)
        hit = there & (right <= 0) & (left >= 0) & (right < left)
        x = ax + (bx - ax) * (right / tl.where(hit, right - left, 1.0))
        hit &= (x > last) | ((x == last) & (w > last_wall))
        x = tl.where(hit, x, float('inf'))
        near = tl.min(x, 0)
        first = tl.min(tl.where(hit & (x == near), w, 2147483647), 0)
        wall = tl.where(near < best, first, wall)
        best = tl.minimum(best, near)
    return best, wall


@triton.jit
@no_type_check
def extend(beam, m, wall, chain, length, TO_LEFT: tl.constexpr):
    """Extends a chain from a wall to one side until its end lies beyond all the beam: if it got there, its length."""
    covers, going, turn = length * 0, length * 0 + 1, length * 0
    while (going > 0) & (turn < LONGEST):
        ax, ay, bx, by = turned_ends(m, wall, True)
        if TO_LEFT:
            covers = (aside(beam, bx, by) > width(beam, bx)).to(tl.int32)
            wall = tl.load(m.nexts + wall)
        else:
            covers = (-aside(beam, ax, ay) > width(beam, ax)).to(tl.int32)
            wall = tl.load(m.previous + wall)
        going = ((covers == 0) & (wall >= 0)).to(tl.int32)
        if going > 0:
            ax, ay, bx, by = turned_ends(m, wall, True)
            is_met = meets(beam, ax, ay, bx, by)
            what = role(m, ax, ay, bx, by)
            if is_met & (what == AHEAD):
                tl.store(chain + length, wall)
                length += 1
            if is_met & (what != AHEAD):
                going = going * 0
        turn += 1
    return covers, length


@triton.jit
@no_type_check
def kept(m, listed, count, chain, length):
    """Keeps those walls of a list that a chain doesn't hide: how many there are, and how many not yet seen."""
    tl.debug_barrier()  # what one lane stored of the chain, all read
    kept_count, unseen = count * 0, count * 0
    for some in range(0, count, LANES):
        k = some + tl.arange(0, LANES)
        there = k < count
        w = tl.load(listed + k, mask=there, other=0)
        ax, ay, bx, by = turned_ends(m, w, there)
        hidden = there
        for i in range(length):
            o = tl.load(chain + i)
            ox, oy, px, py = turned_ends(m, o, True)
            hidden &= (w != o) & hides(ox, oy, px, py, ax, ay, bx, by)
        keep = there & ~hidden
        tl.debug_barrier()  # the list is read before it is written
        kept_count = append(listed, kept_count, w, keep)
        unseen += tl.sum((keep & (tl.load(m.seen + w, mask=keep, other=1) == 0)).to(tl.int32), 0)
    tl.debug_barrier()
    return kept_count, unseen


@triton.jit
@no_type_check
def examine(beam, m, listed, count, unseen, chain):
    """Takes out of a beam's list what a chain across it hides, and marks the wall that its middle line sees.

    Returns:
        How many walls are left, and how many of them haven't been seen.
    """
    best = tl.full([], -float('inf'), tl.float64)
    wall, covers, hit = count * 0, count * 0, count * 0
    while (wall >= 0) & (covers == 0) & (hit < HITS):
        best, wall = nearest(beam, m, listed, count, best, wall)
        if wall >= 0:
            if (hit == 0) & (tl.abs(beam.offset) <= m.half_y + tl.abs(beam.slope) * m.half_x):
                unseen -= (tl.load(m.seen + wall) == 0).to(tl.int32)
                tl.debug_barrier()  # all have read it
                tl.store(m.seen + wall, (wall * 0 + 1).to(tl.uint8))
            tl.store(chain, wall)
            covers, length = extend(beam, m, wall, chain, count * 0 + 1, True)
            if covers > 0:
                covers, length = extend(beam, m, wall, chain, length, False)
            if covers > 0:
                count, unseen = kept(m, listed, count, chain, length)
        hit += 1
    return count, unseen


@triton.jit
@no_type_check
def begin(m, scratch):
    """Lists the walls that are ahead, and marks those that touch the cell; returns how many are ahead."""
    count = m.width * 0
    for some in range(0, m.width, LANES):
        w = some + tl.arange(0, LANES)
        there = w < m.width
        ax, ay, bx, by = turned_ends(m, w, there)
        what = role(m, ax, ay, bx, by)
        tl.store(m.seen + w, tl.full([LANES], 1, tl.uint8), mask=there & (what == TOUCHES))
        count = append(scratch.lists, count, w, there & (what == AHEAD))
    tl.store(scratch.counts, count)
    tl.debug_barrier()


@triton.jit
@no_type_check
def look(m, scratch):
    """Marks the walls that may be seen along lines of one sense of slope, by halving beams depth first."""
    begin(m, scratch)
    widest = m.half_x + m.half_y
    depth, slope, offset, going = m.width * 0, m.width * 0, m.width * 0, m.width * 0 + 1
    while going > 0:
        beam = beam_of(m, depth, slope, offset, widest)
        count, unseen = depth * 0, depth * 0
        listed = scratch.lists + (depth + 1) * m.width
        if tl.abs(beam.offset) <= m.half_y + (tl.abs(beam.slope) + beam.slopes) * m.half_x + beam.offsets:
            wide_count = tl.load(scratch.counts + depth)
            count, unseen = narrowed(beam, m, listed - m.width, wide_count, listed)
        if unseen > 0:
            count, unseen = examine(beam, m, listed, count, unseen, scratch.chain)
        deeper = (unseen > 0) & (depth < DEPTH)
        if (unseen > 0) & (depth == DEPTH):
            for some in range(0, count, LANES):
                k = some + tl.arange(0, LANES)
                w = tl.load(listed + k, mask=k < count, other=0)
                tl.store(m.seen + w, tl.full([LANES], 1, tl.uint8), mask=k < count)
        if deeper:
            tl.store(scratch.counts + depth + 1, count)
            slope, offset = tl.where(depth % 2 == 1, slope, 2 * slope), tl.where(depth % 2 == 1, 2 * offset, offset)
            depth += 1
        else:
            depth, slope, offset = following(depth, slope, offset)
            going = (depth > 0).to(tl.int32)
        tl.debug_barrier()


@triton.jit
@no_type_check
def _find_visible(walls, nexts, previous, map_of_cell, parts, seen_starts, seen, scratch, num_cells, most_walls):
    """Program p looks from cells p, p + the number of programs, and so on."""
    program, programs = tl.program_id(0).to(tl.int64), tl.num_programs(0)
    own = scratch + program * ((DEPTH + 2) * (most_walls + 1) + 2 * LONGEST + 2)
    memory = Scratch(own, own + (DEPTH + 2) * most_walls, own + (DEPTH + 2) * (most_walls + 1))
    for turn in range((num_cells - program + programs - 1) // programs):
        cell = program + turn * programs
        m = tl.load(map_of_cell + cell)
        start, width = tl.load(walls.starts + m), tl.load(walls.widths + m)
        x, y = tl.load(parts + 4 * cell), tl.load(parts + 4 * cell + 1)
        half_x, half_y = tl.load(parts + 4 * cell + 2), tl.load(parts + 4 * cell + 3)
        marks = seen + tl.load(seen_starts + cell)
        for turns in range(4):
            quarter = width * 0 + turns
            odd = quarter % 2 == 1
            forward = tl.where(odd, 0.0, 1.0 - quarter).to(tl.float64)
            left = tl.where(odd, 2.0 - quarter, 0.0).to(tl.float64)
            ahead, aside = tl.where(odd, half_y, half_x), tl.where(odd, half_x, half_y)
            for sense in range(2):
                rising = width * 0 + 1 - sense
                view = Map(walls.ends + 2 * start, width, nexts + start, previous + start, marks, x, y, forward, left,
                           ahead, aside, rising)  # fmt: skip
                look(view, memory)
        tl.debug_barrier()


@device_guard
def find_visible(map_of_cell, walls, nexts, previous, parts, seen_starts, seen):
    """Marks the walls that may be seen from parts of cells: see `megastep.world.visible_walls`."""
    most = int(walls.widths.max())
    words = (DEPTH.value + 2) * (most + 1) + CHAIN
    room = max(SCRATCH // (4 * words), 1)
    programs = min(len(map_of_cell), room, PROGRAMS * multiprocessors(seen.device))
    scratch = torch.empty(programs * words, dtype=torch.int32, device=seen.device)
    _find_visible[(programs,)](
        walls_of(walls), nexts, previous, map_of_cell, parts, seen_starts, seen, scratch, len(map_of_cell), most,
        num_warps=1, enable_fp_fusion=False,
    )  # fmt: skip
