"""Episode statistics: what a step pays, and which episodes it ends. The twin is `megastep.numba.steps.episodes`."""

from typing import NamedTuple, no_type_check

import triton
import triton.language as tl

from megastep.triton.ahead import launch
from megastep.triton.buffers import device_guard

BLOCK = 128  # a lane for each of four warps' threads, so that each env is read and written by one thread alone


class Rows(NamedTuple):
    """Rows of a step's episode statistics: the buffers of a `megastep.env.episode_info.Tally`."""

    terminated: tl.tensor
    truncated: tl.tensor
    ended: tl.tensor
    seconds: tl.tensor
    lengths: tl.tensor
    map_ids: tl.tensor
    rewards: tl.tensor
    returns: tl.tensor


@triton.jit
@no_type_check
def _tally(
    rewards, ended, cut, resets, lengths, map_ids, limits, paid, returns, over, rows,
    count, fps, env_stride, agent_stride, AGENTS: tl.constexpr, PADDED: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    """Each lane takes one agent, and a program has all of an env's. What is over may be what resets."""
    lane = tl.arange(0, BLOCK)
    e, a = tl.program_id(0).to(tl.int64) * (BLOCK // PADDED) + lane // PADDED, lane % PADDED
    there = (e < count) & (a < AGENTS)
    row, is_first = e * AGENTS + a, there & (a == 0)
    begins = tl.load(resets + e, mask=there, other=0) != 0
    length, m = tl.load(lengths + e, mask=there, other=0), tl.load(map_ids + e, mask=there, other=0)
    ends = (tl.load(ended + e, mask=there, other=0) != 0) & ~begins
    stops = (tl.load(cut + e, mask=there, other=0) != 0) | (length >= tl.load(limits + e, mask=there, other=1))
    stops &= ~begins
    given = tl.load(rewards + e * env_stride + a * agent_stride, mask=there, other=0.0)
    reward = tl.where(begins, 0.0, given)
    earned = tl.where(begins, 0.0, tl.load(returns + row, mask=there, other=0.0)) + reward
    tl.store(paid + row, reward, mask=there)
    tl.store(returns + row, earned, mask=there)
    tl.store(rows.terminated + row, ends, mask=there)
    tl.store(rows.truncated + row, stops, mask=there)
    tl.store(rows.ended + row, ends | stops, mask=there)
    tl.store(rows.seconds + row, tl.div_rn(length.to(tl.float32), fps), mask=there)
    tl.store(rows.lengths + row, length, mask=there)
    tl.store(rows.map_ids + row, m, mask=there)
    tl.store(rows.rewards + row, reward, mask=there)
    tl.store(rows.returns + row, earned, mask=there)
    if AGENTS > 1:
        tl.debug_barrier()  # it is read above, for each agent, before it is written
    tl.store(over + e, ends | stops, mask=is_first)


@device_guard
def tally(core, rewards, ended, cut, resets, limits, paid, returns, rows):
    """Counts a step in its episodes' statistics: see `megastep.env.episode_info.tally`."""
    padded = triton.next_power_of_2(core.num_agents)
    block = max(BLOCK, padded)
    launch(
        _tally, (triton.cdiv(core.num_envs, block // padded),),
        rewards, ended, cut, resets, core.clocks, core.map_ids, limits, paid, returns, core.over, rows,
        core.num_envs, float(core.fps), *rewards.stride(), AGENTS=core.num_agents, PADDED=padded, BLOCK=block,
    )  # fmt: skip


@triton.jit
@no_type_check
def _tick(resets, clocks, count, BLOCK: tl.constexpr):
    """Each lane counts a step of one env: in its episode, unless that has just begun, and in its random numbers."""
    e = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    there = e < count
    begins = tl.load(resets + e, mask=there, other=0) != 0
    length, steps = tl.load(clocks + e, mask=there, other=0), tl.load(clocks + count + e, mask=there, other=0)
    tl.store(clocks + e, tl.where(begins, 0, length + 1), mask=there)
    tl.store(clocks + count + e, steps + 1, mask=there)


@device_guard
def tick(core, resets):
    """Counts a step in all envs: see `megastep.world.core.Core.tick`."""
    launch(_tick, (triton.cdiv(core.num_envs, BLOCK),), resets, core.clocks, core.num_envs, BLOCK=BLOCK)


@triton.jit
@no_type_check
def _clean(numbers, low, high, cleaned, count, BLOCK: tl.constexpr):
    """Each lane looks at one number."""
    i = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    number = tl.load(numbers + i, mask=i < count, other=0)
    tl.store(cleaned + i, tl.where((number >= low) & (number <= high), number, low - 1), mask=i < count)


@device_guard
def clean(numbers, low, high, cleaned):
    """Makes numbers that stand for no action harmless: see `megastep.env.interface.actions.ActionBatch`."""
    count = numbers.numel()
    launch(_clean, (triton.cdiv(count, BLOCK),), numbers, low, high, cleaned, count, BLOCK=BLOCK)


@triton.jit
@no_type_check
def _count_down(left, expired, count, BLOCK: tl.constexpr):
    """Each lane counts down one env's life."""
    e = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    steps = tl.load(left + e, mask=e < count, other=0) - 1
    tl.store(left + e, steps, mask=e < count)
    tl.store(expired + e, steps <= 0, mask=e < count)


@device_guard
def count_down(left, expired):
    """Counts a step of each env's life: see `megastep.env.spawning.RandomLifespans`."""
    _count_down[(triton.cdiv(len(left), BLOCK),)](left, expired, len(left), BLOCK=BLOCK)


@triton.jit
@no_type_check
def _spend(lengths, counts, steps, each, spent, count, BLOCK: tl.constexpr):
    """Each lane looks whether one env has had its time."""
    e = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    budget = steps + each * tl.load(counts + e, mask=e < count, other=0).to(tl.float32)
    length = tl.load(lengths + e, mask=e < count, other=0).to(tl.float32)
    tl.store(spent + e, length >= budget, mask=e < count)


@device_guard
def spend(core, counts, steps, each, spent):
    """Finds the envs that have had their time: see `megastep.env.spawning.TimeBudget`."""
    launch(
        _spend, (triton.cdiv(core.num_envs, BLOCK),),
        core.clocks, counts, float(steps), float(each), spent, core.num_envs, BLOCK=BLOCK, enable_fp_fusion=False,
    )  # fmt: skip
