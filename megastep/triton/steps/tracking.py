"""Navigation metrics of agents on the way to their goals. The twin is `megastep.numba.steps.tracking`."""

from typing import NamedTuple, no_type_check

import triton
import triton.language as tl

from megastep.triton.ahead import launch
from megastep.triton.buffers import device_guard
from megastep.triton.navigation import BLOCK, buffers_of, length, shortest

WIDE = 128


class Way(NamedTuple):
    """Metrics of each agent's way, kept from step to step: of a `megastep.env.navigation_metrics.GoalTracker`."""

    last: tl.tensor
    travelled: tl.tensor
    remaining: tl.tensor
    collisions: tl.tensor


@triton.jit
@no_type_check
def _track(
    field, map_ids, positions, contacts, goals, way, nearer, walked,
    num_rows, NUM_AGENTS: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    """Each lane takes account of an agent's step. Lanes of no agent look for a way in the first map."""
    row = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    there = row < num_rows
    m, goal = tl.load(map_ids + row // NUM_AGENTS, mask=there, other=0), tl.load(goals + row, mask=there, other=0)
    x, y = tl.load(positions + 2 * row, mask=there, other=0.0), tl.load(positions + 2 * row + 1, mask=there, other=0.0)
    last_x = tl.load(way.last + 2 * row, mask=there, other=0.0)
    last_y = tl.load(way.last + 2 * row + 1, mask=there, other=0.0)
    went = length(x - last_x, y - last_y)
    before = tl.load(way.remaining + row, mask=there, other=0.0)
    found = shortest(field, m, x, y, goal, BLOCK)
    left = tl.where(found < float('inf'), found, before)
    touched = (tl.load(contacts + row, mask=there, other=-1) >= 0).to(tl.int32)
    tl.store(nearer + row, before - left, mask=there)
    tl.store(walked + row, went, mask=there)
    tl.store(way.remaining + row, left, mask=there)
    tl.store(way.travelled + row, tl.load(way.travelled + row, mask=there, other=0.0) + went, mask=there)
    tl.store(way.collisions + row, tl.load(way.collisions + row, mask=there, other=0) + touched, mask=there)
    tl.store(way.last + 2 * row, x, mask=there)
    tl.store(way.last + 2 * row + 1, y, mask=there)


@device_guard
def track(core, field, goals, way, nearer, walked):
    """Takes account of a step on the way to goals: see `megastep.env.navigation_metrics.GoalTracker`."""
    launch(
        _track, (triton.cdiv(goals.numel(), BLOCK),),
        buffers_of(field), core.map_ids, core.agents.positions, core.contacts, goals, Way(*way), nearer, walked,
        goals.numel(), NUM_AGENTS=goals.shape[1], BLOCK=BLOCK, num_warps=1, enable_fp_fusion=False,
    )  # fmt: skip


@triton.jit
@no_type_check
def _set_out(mask, starts, lengths, way, num_rows, NUM_AGENTS: tl.constexpr, BLOCK: tl.constexpr):
    """Each lane has an agent set out, if its env is in the mask."""
    row = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    begins = tl.load(mask + row // NUM_AGENTS, mask=row < num_rows, other=0) != 0
    tl.store(way.last + 2 * row, tl.load(starts + 2 * row, mask=begins, other=0.0), mask=begins)
    tl.store(way.last + 2 * row + 1, tl.load(starts + 2 * row + 1, mask=begins, other=0.0), mask=begins)
    tl.store(way.remaining + row, tl.load(lengths + row, mask=begins, other=0.0), mask=begins)
    tl.store(way.travelled + row, row * 0.0, mask=begins)
    tl.store(way.collisions + row, row * 0, mask=begins)


@device_guard
def set_out(mask, starts, lengths, way):
    """Begins the metrics of the envs in the mask anew: see `megastep.env.navigation_metrics.GoalTracker`."""
    launch(
        _set_out, (triton.cdiv(lengths.numel(), WIDE),),
        mask, starts, lengths, Way(*way), lengths.numel(), NUM_AGENTS=lengths.shape[1], BLOCK=WIDE,
    )  # fmt: skip


@triton.jit
@no_type_check
def _reached(points, positions, reach, found, num_rows, BLOCK: tl.constexpr):
    """Each lane tells if an agent is at its goal."""
    row = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    there = row < num_rows
    x, y = (
        tl.load(points + 2 * row, mask=there, other=0.0) - tl.load(positions + 2 * row, mask=there, other=0.0),
        tl.load(points + 2 * row + 1, mask=there, other=0.0) - tl.load(positions + 2 * row + 1, mask=there, other=0.0),
    )
    tl.store(found + row, length(x, y) <= reach, mask=there)


@device_guard
def reached(points, positions, reach, found):
    """Tells which agents are within reach of points: see `megastep.env.goals.RandomGoals`."""
    launch(
        _reached, (triton.cdiv(found.numel(), WIDE),),
        points, positions, float(reach), found, found.numel(), BLOCK=WIDE, enable_fp_fusion=False,
    )  # fmt: skip


class Scores(NamedTuple):
    """Scores of each agent's way, in a step's own buffers: of a `megastep.env.navigation_metrics.Scores`."""

    success: tl.tensor
    spl: tl.tensor
    soft_spl: tl.tensor
    distance_to_goal: tl.tensor
    collisions: tl.tensor
    shortest_path: tl.tensor
    metres_walked: tl.tensor
    goal_x: tl.tensor
    goal_y: tl.tensor


@triton.jit
@no_type_check
def _score(success, lengths, goals, way, scores, num_rows, BLOCK: tl.constexpr):
    """Each lane scores an agent's way."""
    row = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    there = row < num_rows
    short, went = tl.load(lengths + row, mask=there, other=1.0), tl.load(way.travelled + row, mask=there, other=1.0)
    left = tl.load(way.remaining + row, mask=there, other=0.0)
    efficiency = tl.div_rn(short, tl.maximum(went, short))
    nearness = 1 - tl.div_rn(left, short)
    nearness = tl.where(nearness < 0, 0.0, nearness)
    arrived = tl.load(success + row, mask=there, other=0) != 0
    tl.store(scores.success + row, arrived, mask=there)
    tl.store(scores.spl + row, tl.where(arrived, efficiency, 0.0), mask=there)
    tl.store(scores.soft_spl + row, nearness * efficiency, mask=there)
    tl.store(scores.distance_to_goal + row, left, mask=there)
    tl.store(scores.collisions + row, tl.load(way.collisions + row, mask=there, other=0), mask=there)
    tl.store(scores.shortest_path + row, short, mask=there)
    tl.store(scores.metres_walked + row, went, mask=there)
    tl.store(scores.goal_x + row, tl.load(goals + 2 * row, mask=there, other=0.0), mask=there)
    tl.store(scores.goal_y + row, tl.load(goals + 2 * row + 1, mask=there, other=0.0), mask=there)


@device_guard
def score(success, lengths, goals, way, scores):
    """Scores agents' ways: see `megastep.env.navigation_metrics.GoalTracker.scores`."""
    count = lengths.numel()
    launch(
        _score, (triton.cdiv(count, WIDE),),
        success, lengths, goals, Way(*way), Scores(*scores), count, BLOCK=WIDE, enable_fp_fusion=False,
    )  # fmt: skip


@triton.jit
@no_type_check
def _pay(nearer, walked, success, progress, effort, bonus, rewards, num_rows, BLOCK: tl.constexpr):
    """Each lane pays an agent."""
    row = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    there = row < num_rows
    gained = progress * tl.load(nearer + row, mask=there, other=0.0)
    gained = tl.fma(-effort, tl.load(walked + row, mask=there, other=0.0), gained)
    arrived = tl.load(success + row, mask=there, other=0) != 0
    tl.store(rewards + row, gained + tl.where(arrived, bonus, 0.0), mask=there)


@device_guard
def pay(nearer, walked, success, progress, effort, bonus, rewards):
    """Pays agents for a step on the way to goals: see `megastep.env.navigation_metrics.goal_rewards`."""
    count, worth = rewards.numel(), (float(progress), float(effort), float(bonus))
    _pay[(triton.cdiv(count, WIDE),)](
        nearer, walked, success, *worth, rewards, count, BLOCK=WIDE, enable_fp_fusion=False
    )
