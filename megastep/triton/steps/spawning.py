"""Spawning: puts agents at spawns of their maps. The twin is `megastep.numba.steps.spawning`."""

from typing import no_type_check

import triton
import triton.language as tl

from megastep.triton import buffers
from megastep.triton.random_numbers import integer

BLOCK = 128


@triton.jit
@no_type_check
def stand(agents, contacts, row, x, y, angle, begins):
    """Puts agents where they are told: facing along an angle, at rest, touching nothing."""
    tl.store(agents.positions + 2 * row, x, mask=begins)
    tl.store(agents.positions + 2 * row + 1, y, mask=begins)
    tl.store(agents.angles + row, angle, mask=begins)
    tl.store(agents.velocities + 2 * row, row * 0.0, mask=begins)
    tl.store(agents.velocities + 2 * row + 1, row * 0.0, mask=begins)
    tl.store(agents.angular_velocities + row, row * 0.0, mask=begins)
    tl.store(contacts + row, row * 0 - 1, mask=begins)


@triton.jit
@no_type_check
def heading(drawn):
    """Any angle, in degrees, of a random integer."""
    return (drawn >> 39).to(tl.float32) * (360 / (1 << 24)) - 180


@triton.jit
@no_type_check
def _respawn(mask, draw, agents, spawns, contacts, num_rows, NUM_AGENTS: tl.constexpr, BLOCK: tl.constexpr):
    """Each lane respawns an agent, if its env is in the mask."""
    row = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    e, a = row // NUM_AGENTS, row % NUM_AGENTS
    begins = tl.load(mask + e, mask=row < num_rows, other=0) != 0
    m = tl.load(agents.map_ids + e, mask=begins, other=0)
    first, count = tl.load(spawns.starts + m, mask=begins, other=0), tl.load(spawns.widths + m, mask=begins, other=1)
    strides = tl.maximum((count - 1) // max(NUM_AGENTS - 1, 1), 1)
    start, stride = integer(draw, e, 0, begins) % count, 1 + integer(draw, e, 1, begins) % strides
    spawn = spawns.vals + 2 * (first + (start + stride * a) % count)
    x, y = tl.load(spawn, mask=begins, other=0.0), tl.load(spawn + 1, mask=begins, other=0.0)
    stand(agents, contacts, row, x, y, heading(integer(draw, e, 2 + a, begins)), begins)


@buffers.device_guard
def respawn(core, mask, draw):
    """Puts the agents of the envs in the mask at spawns: see `megastep.world.core.respawn`."""
    num_rows = core.num_envs * core.num_agents
    _respawn[(triton.cdiv(num_rows, BLOCK),)](
        mask, draw, buffers.agents(core), buffers.rows(core.scenery.spawns), core.contacts,
        num_rows, NUM_AGENTS=core.num_agents, BLOCK=BLOCK, enable_fp_fusion=False,
    )  # fmt: skip


@triton.jit
@no_type_check
def _respawn_with_goals(mask, draw, agents, spawns, pairs, paths, contacts, goals, num_envs, BLOCK: tl.constexpr):
    """Each lane puts the agent of an env in the mask at a spawn and gives it another one to go to."""
    e = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    begins = tl.load(mask + e, mask=e < num_envs, other=0) != 0
    m = tl.load(agents.map_ids + e, mask=begins, other=0)
    chosen = integer(draw, e, 0, begins) % tl.load(pairs.widths + m)
    pair = tl.load(pairs.vals + tl.load(pairs.starts + m) + chosen)
    count, spawn = tl.load(spawns.widths + m), spawns.vals + 2 * tl.load(spawns.starts + m)
    start, goal = pair // count, pair % count
    x, y = tl.load(spawn + 2 * start), tl.load(spawn + 2 * start + 1)
    angle = heading(integer(draw, e, 1, begins))
    stand(agents, contacts, e, x, y, angle, begins)
    tl.store(goals.starts + 2 * e, x, mask=begins)
    tl.store(goals.starts + 2 * e + 1, y, mask=begins)
    tl.store(goals.bearings + e, angle, mask=begins)
    tl.store(goals.spawns + e, goal, mask=begins)
    tl.store(goals.positions + 2 * e, tl.load(spawn + 2 * goal), mask=begins)
    tl.store(goals.positions + 2 * e + 1, tl.load(spawn + 2 * goal + 1), mask=begins)
    tl.store(goals.lengths + e, tl.load(paths.vals + tl.load(paths.starts + m) + pair), mask=begins)


@buffers.device_guard
def respawn_with_goals(core, mask, draw, pairs, paths, goals):
    """Puts the agents of the envs in the mask at spawns and gives them goals: see `megastep.env.goals.RandomGoals`."""
    _respawn_with_goals[(triton.cdiv(core.num_envs, BLOCK),)](
        mask, draw, buffers.agents(core), buffers.rows(core.scenery.spawns), buffers.rows(pairs), buffers.rows(paths),
        core.contacts, goals, core.num_envs, BLOCK=BLOCK, enable_fp_fusion=False,
    )  # fmt: skip


@triton.jit(do_not_specialize=['shortest', 'longest', 'spreads'])
@no_type_check
def _renew(mask, draw, turns, left, shortest, longest, spreads, count, BLOCK: tl.constexpr):
    """Each lane begins an env's next life, if it is in the mask."""
    e = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    begins = tl.load(mask + e, mask=e < count, other=0) != 0
    is_first = (spreads != 0) & (tl.load(turns + e, mask=begins, other=0) == 0) & (e > 0)
    span = tl.where(is_first, longest, longest + 1 - shortest).to(tl.int64)
    tl.store(left + e, longest - integer(draw, e, 0, begins) % span, mask=begins)


@buffers.device_guard
def renew(core, mask, draw, left, shortest, longest, *, spreads):
    """Begins lives in the envs in the mask: see `megastep.env.spawning.RandomLifespans`."""
    _renew[(triton.cdiv(core.num_envs, BLOCK),)](
        mask, draw, core.turn, left, shortest, longest, int(spreads), core.num_envs, BLOCK=BLOCK
    )
