"""Frames that were deferred, since intervals of rays can't tell what they see: they are rendered ray by ray."""

from typing import no_type_check

import triton
import triton.language as tl

from megastep.triton.bits import LANES, bits, lowest
from megastep.triton.raycasting.by_ray import render_block
from megastep.triton.raycasting.culling import RECORD, Records


@triton.jit
@no_type_check
def _render_deferred(
    maps, agents, markers, optics, view, seen, deferred, scratch, num_frames, capacity, SIZES: tl.constexpr
):
    """Program p renders those frames that are deferred of the 32 from 32 p on, and so on."""
    BLOCKS: tl.constexpr = (SIZES.res + SIZES.pixels - 1) // SIZES.pixels
    program, programs = tl.program_id(0), tl.num_programs(0)
    records = Records(scratch + program.to(tl.int64) * capacity * RECORD, capacity)
    for some in range(program * LANES, num_frames, programs * LANES):
        frame = some + tl.arange(0, LANES)
        rest = bits(tl.load(deferred + frame, mask=frame < num_frames, other=0) != 0)
        while rest != 0:
            one = (some + lowest(rest)).to(tl.int64)
            rest &= rest - 1
            for block in range(BLOCKS):
                render_block(maps, agents, markers, optics, view, seen, records, one, block, SIZES)
