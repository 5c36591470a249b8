"""Frames that were deferred, since intervals of rays can't tell what they see: they are rendered ray by ray."""

from typing import no_type_check

import triton
import triton.language as tl

from megastep.triton.raycasting.by_ray import render_block
from megastep.triton.raycasting.culling import RECORD, Records


@triton.jit
@no_type_check
def _render_deferred(maps, agents, markers, optics, view, seen, deferred, scratch, capacity, SIZES: tl.constexpr):
    """Renders the frames on the list, which begins with how many there are: the programs take turns."""
    BLOCKS: tl.constexpr = (SIZES.res + SIZES.pixels - 1) // SIZES.pixels
    program = tl.program_id(0)
    records = Records(scratch + program.to(tl.int64) * capacity * RECORD, capacity)
    for some in range(program, tl.load(deferred), tl.num_programs(0)):
        frame = tl.load(deferred + 1 + some).to(tl.int64)
        for block in range(BLOCKS):
            render_block(maps, agents, markers, optics, view, seen, records, frame, block, SIZES)
