"""Coverage: accounts of the texels that agents have seen. The twin is `megastep.numba.coverage`."""

from typing import no_type_check

import triton
import triton.language as tl

from megastep.triton.ahead import launch
from megastep.triton.bits import LANES, lowest
from megastep.triton.bits import bits as bits_of
from megastep.triton.buffers import device_guard

BLOCK = 128


@triton.jit
@no_type_check
def _forget(bits, counts, mask, num_envs, num_words, BLOCK: tl.constexpr):
    """Program p clears the rows that are to be forgotten of the 32 from 32 p on, and their counts."""
    env = tl.program_id(0) * LANES + tl.arange(0, LANES)
    afresh = tl.load(mask + env, mask=env < num_envs, other=0) != 0
    tl.store(counts + env, env * 0, mask=afresh)
    rest = bits_of(afresh)
    while rest != 0:
        e = (tl.program_id(0) * LANES + lowest(rest)).to(tl.int64)
        rest &= rest - 1
        for start in range(0, num_words, BLOCK):
            word = start + tl.arange(0, BLOCK)
            tl.store(bits + e * num_words + word, tl.zeros([BLOCK], tl.int32), mask=word < num_words)


@device_guard
def forget(bits, counts, mask):
    """Forgets what was seen in the envs in a mask: see `megastep.env.coverage.Coverage`."""
    launch(_forget, (triton.cdiv(len(mask), LANES.value),), bits, counts, mask, *bits.shape, BLOCK=BLOCK, num_warps=1)


@triton.jit
@no_type_check
def _account(num_texels, map_ids, found, new, counts, shares, per, num_envs, BLOCK: tl.constexpr):
    """Each lane takes account of an env. What is new is a number, or what share of so many it is."""
    e = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    there = e < num_envs
    number = tl.load(found + e, mask=there, other=0)
    count = tl.load(counts + e, mask=there, other=0) + number
    most = tl.load(num_texels + tl.load(map_ids + e, mask=there, other=0))
    tl.store(found + e, number * 0, mask=there)
    if per is None:
        tl.store(new + e, number, mask=there)
    else:
        tl.store(new + e, tl.div_rn(number.to(tl.float32), per), mask=there)
    tl.store(counts + e, count, mask=there)
    tl.store(shares + e, tl.div_rn(count.to(tl.float32), most.to(tl.float32)), mask=there)


@device_guard
def account(core, found, new, counts, shares, per):
    """Moves what has been found to ``new`` and the counts: see `megastep.env.coverage.Coverage`."""
    num_texels = core.scenery.surface.widths
    launch(
        _account, (triton.cdiv(core.num_envs, BLOCK),),
        num_texels, core.map_ids, found, new, counts, shares, None if per is None else float(per), core.num_envs,
        BLOCK=BLOCK,
    )  # fmt: skip
