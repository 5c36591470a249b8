"""Spawning: puts agents at spawns of their maps. The twin is `megastep.numba.steps.spawning`."""

import math
from typing import no_type_check

import triton
import triton.language as tl

from megastep.triton import buffers
from megastep.triton.random_numbers import integer, uniform

BLOCK = 128
ENVS = 8
"""How many envs a program looks for far spawns in, with one warp."""
HALF_PI, PI = tl.constexpr(math.pi / 2), tl.constexpr(math.pi)


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


@triton.jit
@no_type_check
def bearing(x, y):
    """Bearings of vectors in radians, within 1e-7 (Abramowitz and Stegun, 1964, 4.4.49): Triton has no arctangent."""
    long, short = tl.maximum(tl.abs(x), tl.abs(y)), tl.minimum(tl.abs(x), tl.abs(y))
    ratio = tl.div_rn(short, tl.where(long > 0, long, 1.0))
    s = ratio * ratio
    tail = 0.0429096138 + s * (-0.0161657367 + s * 0.0028662257)
    tail = 0.1065626393 + s * (-0.0752896400 + s * tail)
    angle = ratio * (1 + s * (-0.3333314528 + s * (0.1999355085 + s * (-0.1420889944 + s * tail))))
    angle = tl.where(tl.abs(y) > tl.abs(x), HALF_PI - angle, angle)
    angle = tl.where(x < 0, PI - angle, angle)
    return tl.where(y < 0, -angle, angle)


@triton.jit
@no_type_check
def _respawn_apart(
    mask, draw, turns, agents, windows, firsts, contacts, spread, num_envs,
    WIDTH: tl.constexpr, PADDED: tl.constexpr, NUM_AGENTS: tl.constexpr, AIMED: tl.constexpr, ENVS: tl.constexpr,
):  # fmt: skip
    """Each row of lanes, all of one warp, looks at an env's candidates, and respawns its agents in the mask."""
    e, column = tl.program_id(0).to(tl.int64) * ENVS + tl.arange(0, ENVS), tl.arange(0, PADDED)[None, :]
    there = e < num_envs
    m = tl.load(agents.map_ids + e, mask=there, other=0)
    count = tl.load(firsts + 2 * m + 1, mask=there, other=1)
    window = tl.load(firsts + 2 * m, mask=there, other=0) + integer(draw, e, 0, there) % count
    place, real = windows + 2 * (window[:, None] * WIDTH + column), (column < WIDTH) & there[:, None]
    x, y = tl.load(place, mask=real, other=0.0), tl.load(place + 1, mask=real, other=0.0)
    nearest = tl.where(real, float('inf'), -1.0)
    for a in range(NUM_AGENTS):
        row = e * NUM_AGENTS + a
        stays = there & (tl.load(mask + row, mask=there, other=1) == 0)
        away_x = x - tl.load(agents.positions + 2 * row, mask=there, other=0.0)[:, None]
        away_y = y - tl.load(agents.positions + 2 * row + 1, mask=there, other=0.0)[:, None]
        away = tl.sqrt_rn(away_x * away_x + away_y * away_y)
        nearest = tl.where(stays[:, None] & real, tl.minimum(nearest, away), nearest)
    rank = tl.zeros_like(nearest).to(tl.int32)
    for other in range(WIDTH):  # the furthest are first, and of some as far the first
        far = tl.sum(tl.where(column == other, nearest, 0.0), 1)[:, None]
        rank += ((far > nearest) | ((far == nearest) & (other < column))).to(tl.int32)
    taken, sum_x, sum_y = tl.zeros_like(e).to(tl.int32), tl.zeros([ENVS], tl.float32), tl.zeros([ENVS], tl.float32)
    for a in range(NUM_AGENTS):
        row = e * NUM_AGENTS + a
        begins = there & (tl.load(mask + row, mask=there, other=0) != 0)
        chosen = rank == taken[:, None]
        own_x, own_y = tl.sum(tl.where(chosen, x, 0.0), 1), tl.sum(tl.where(chosen, y, 0.0), 1)
        tl.store(agents.positions + 2 * row, own_x, mask=begins)
        tl.store(agents.positions + 2 * row + 1, own_y, mask=begins)
        sum_x += tl.where(begins, own_x, tl.load(agents.positions + 2 * row, mask=there & ~begins, other=0.0))
        sum_y += tl.where(begins, own_y, tl.load(agents.positions + 2 * row + 1, mask=there & ~begins, other=0.0))
        taken += begins.to(tl.int32)
    tl.debug_barrier()  # places that were just written are read again
    for a in range(NUM_AGENTS):
        row = e * NUM_AGENTS + a
        begins = there & (tl.load(mask + row, mask=there, other=0) != 0)
        own_x = tl.load(agents.positions + 2 * row, mask=begins, other=0.0)
        own_y = tl.load(agents.positions + 2 * row + 1, mask=begins, other=0.0)
        angle = uniform(turns, e, tl.zeros_like(e) + a, -spread, 2 * spread, begins)
        if AIMED:
            angle += bearing(sum_x - NUM_AGENTS * own_x, sum_y - NUM_AGENTS * own_y) * (180 / 3.141592653589793)
        stand(agents, contacts, row, own_x, own_y, angle, begins)


@buffers.device_guard
def respawn_apart(core, mask, draw, turns, windows, firsts, spread):
    """Puts the agents in the mask at spawns far from the others: see `megastep.env.spawning.FarSpawns`."""
    width = windows.shape[1]
    _respawn_apart[(triton.cdiv(core.num_envs, ENVS),)](
        mask, draw, turns, buffers.agents(core), windows, firsts, core.contacts, float(spread), core.num_envs,
        WIDTH=width, PADDED=triton.next_power_of_2(width), NUM_AGENTS=core.num_agents, AIMED=spread < 180,
        ENVS=ENVS, num_warps=1, enable_fp_fusion=False,
    )  # fmt: skip
