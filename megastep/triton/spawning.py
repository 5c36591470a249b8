"""Spawning: puts agents at spawns of their maps. The twin is `megastep.numba.spawning`."""

from typing import no_type_check

import triton
import triton.language as tl

from megastep.triton import buffers

BLOCK = 128


@triton.jit
@no_type_check
def stand(agents, contacts, row, x, y, draw, begins):
    """Puts agents where they are told: facing as they drew, at rest, touching nothing. Returns where they face."""
    angle = (draw >> 39).to(tl.float32) * (360 / (1 << 24)) - 180
    tl.store(agents.positions + 2 * row, x, mask=begins)
    tl.store(agents.positions + 2 * row + 1, y, mask=begins)
    tl.store(agents.angles + row, angle, mask=begins)
    tl.store(agents.velocities + 2 * row, row * 0.0, mask=begins)
    tl.store(agents.velocities + 2 * row + 1, row * 0.0, mask=begins)
    tl.store(agents.angular_velocities + row, row * 0.0, mask=begins)
    tl.store(contacts + row, row * 0 - 1, mask=begins)
    return angle


@triton.jit
@no_type_check
def _respawn(mask, draws, agents, spawns, contacts, num_rows, NUM_AGENTS: tl.constexpr, BLOCK: tl.constexpr):
    """Each lane respawns an agent, if its env is in the mask."""
    row = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    e, a = row // NUM_AGENTS, row % NUM_AGENTS
    begins = tl.load(mask + e, mask=row < num_rows, other=0) != 0
    m = tl.load(agents.map_ids + e, mask=begins, other=0)
    first, count = tl.load(spawns.starts + m, mask=begins, other=0), tl.load(spawns.widths + m, mask=begins, other=1)
    draw = draws + e * (2 + NUM_AGENTS)
    strides = tl.maximum((count - 1) // max(NUM_AGENTS - 1, 1), 1)
    start, stride = tl.load(draw, mask=begins, other=0) % count, 1 + tl.load(draw + 1, mask=begins, other=0) % strides
    spawn = spawns.vals + 2 * (first + (start + stride * a) % count)
    x, y = tl.load(spawn, mask=begins, other=0.0), tl.load(spawn + 1, mask=begins, other=0.0)
    stand(agents, contacts, row, x, y, tl.load(draw + 2 + a, mask=begins, other=0), begins)


@buffers.device_guard
def respawn(core, mask, draws):
    """Puts the agents of the envs in the mask at spawns: see `megastep.world.core.respawn`."""
    num_rows = core.num_envs * core.num_agents
    _respawn[(triton.cdiv(num_rows, BLOCK),)](
        mask, draws, buffers.agents(core), buffers.rows(core.scenery.spawns), core.contacts,
        num_rows, NUM_AGENTS=core.num_agents, BLOCK=BLOCK, enable_fp_fusion=False,
    )  # fmt: skip


@triton.jit
@no_type_check
def _respawn_with_goals(mask, draws, agents, spawns, pairs, paths, contacts, goals, num_envs, BLOCK: tl.constexpr):
    """Each lane puts the agent of an env in the mask at a spawn and gives it another one to go to."""
    e = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    begins = tl.load(mask + e, mask=e < num_envs, other=0) != 0
    m = tl.load(agents.map_ids + e, mask=begins, other=0)
    drawn = tl.load(draws + 2 * e, mask=begins, other=0) % tl.load(pairs.widths + m)
    pair = tl.load(pairs.vals + tl.load(pairs.starts + m) + drawn)
    count, spawn = tl.load(spawns.widths + m), spawns.vals + 2 * tl.load(spawns.starts + m)
    start, goal = pair // count, pair % count
    x, y = tl.load(spawn + 2 * start), tl.load(spawn + 2 * start + 1)
    angle = stand(agents, contacts, e, x, y, tl.load(draws + 2 * e + 1, mask=begins, other=0), begins)
    tl.store(goals.starts + 2 * e, x, mask=begins)
    tl.store(goals.starts + 2 * e + 1, y, mask=begins)
    tl.store(goals.bearings + e, angle, mask=begins)
    tl.store(goals.spawns + e, goal, mask=begins)
    tl.store(goals.positions + 2 * e, tl.load(spawn + 2 * goal), mask=begins)
    tl.store(goals.positions + 2 * e + 1, tl.load(spawn + 2 * goal + 1), mask=begins)
    tl.store(goals.lengths + e, tl.load(paths.vals + tl.load(paths.starts + m) + pair), mask=begins)


@buffers.device_guard
def respawn_with_goals(core, mask, draws, pairs, paths, goals):
    """Puts the agents of the envs in the mask at spawns and gives them goals: see `megastep.env.goals.RandomGoals`."""
    _respawn_with_goals[(triton.cdiv(core.num_envs, BLOCK),)](
        mask, draws, buffers.agents(core), buffers.rows(core.scenery.spawns), buffers.rows(pairs), buffers.rows(paths),
        core.contacts, goals, core.num_envs, BLOCK=BLOCK, enable_fp_fusion=False,
    )  # fmt: skip
