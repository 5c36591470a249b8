"""Episode statistics: what a step pays, and which episodes it ends. The twin is `megastep.numba.episodes`."""

from typing import no_type_check

import triton
import triton.language as tl

from megastep.triton.buffers import device_guard

BLOCK = 128  # a lane for each of four warps' threads, so that each env is read and written by one thread alone


@triton.jit
@no_type_check
def _tally(
    rewards, ended, cut, resets, lengths, limits, paid, returns, over, terminated, truncated, seconds,
    count, fps, AGENTS: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    """Each lane takes one env. What is over may be what resets: it is read before it is written."""
    e = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    there = e < count
    begins = tl.load(resets + e, mask=there, other=0) != 0
    length = tl.load(lengths + e, mask=there, other=0)
    ends = (tl.load(ended + e, mask=there, other=0) != 0) & ~begins
    stops = (tl.load(cut + e, mask=there, other=0) != 0) | (length >= tl.load(limits + e, mask=there, other=1))
    stops &= ~begins
    for a in tl.static_range(AGENTS):
        row = e * AGENTS + a
        reward = tl.where(begins, 0.0, tl.load(rewards + row, mask=there, other=0.0))
        before = tl.where(begins, 0.0, tl.load(returns + row, mask=there, other=0.0))
        tl.store(paid + row, reward, mask=there)
        tl.store(returns + row, before + reward, mask=there)
    tl.store(terminated + e, ends, mask=there)
    tl.store(truncated + e, stops, mask=there)
    tl.store(over + e, ends | stops, mask=there)
    tl.store(seconds + e, tl.div_rn(length.to(tl.float32), fps), mask=there)


@device_guard
def tally(core, rewards, ended, cut, resets, limits, paid, returns, terminated, truncated, seconds):
    """Counts a step in its episodes' statistics: see `megastep.env.episode_info.tally`."""
    _tally[(triton.cdiv(core.num_envs, BLOCK),)](
        rewards, ended, cut, resets, core.clocks, limits, paid, returns, core.over, terminated, truncated, seconds,
        core.num_envs, float(core.fps), AGENTS=core.num_agents, BLOCK=BLOCK,
    )  # fmt: skip
