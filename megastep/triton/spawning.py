"""Spawning: puts agents at spawns of their maps. The twin is `megastep.numba.spawning`."""

from typing import no_type_check

import triton
import triton.language as tl

BLOCK = 128


@triton.jit
@no_type_check
def stand(row, x, y, draw, positions, velocities, angles, angular_velocities, contacts, begins):
    """Puts agents where they are told: facing as they drew, at rest, touching nothing. Returns where they face."""
    angle = (draw >> 39).to(tl.float32) * (360 / (1 << 24)) - 180
    tl.store(positions + 2 * row, x, mask=begins)
    tl.store(positions + 2 * row + 1, y, mask=begins)
    tl.store(angles + row, angle, mask=begins)
    tl.store(velocities + 2 * row, row * 0.0, mask=begins)
    tl.store(velocities + 2 * row + 1, row * 0.0, mask=begins)
    tl.store(angular_velocities + row, row * 0.0, mask=begins)
    tl.store(contacts + row, row * 0 - 1, mask=begins)
    return angle


@triton.jit
@no_type_check
def _respawn(
    # in
    mask, draws, map_ids, spawns, spawn_starts, spawn_widths,
    # out
    positions, velocities, angles, angular_velocities, contacts,
    num_rows, NUM_AGENTS: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    """Each lane respawns an agent, if its env is in the mask."""
    row = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    e, a = row // NUM_AGENTS, row % NUM_AGENTS
    begins = tl.load(mask + e, mask=row < num_rows, other=0) != 0
    m = tl.load(map_ids + e, mask=begins, other=0)
    first, count = tl.load(spawn_starts + m, mask=begins, other=0), tl.load(spawn_widths + m, mask=begins, other=1)
    draw = draws + e * (2 + NUM_AGENTS)
    strides = tl.maximum((count - 1) // max(NUM_AGENTS - 1, 1), 1)
    start, stride = tl.load(draw, mask=begins, other=0) % count, 1 + tl.load(draw + 1, mask=begins, other=0) % strides
    spawn = spawns + 2 * (first + (start + stride * a) % count)
    x, y = tl.load(spawn, mask=begins, other=0.0), tl.load(spawn + 1, mask=begins, other=0.0)
    bearing = tl.load(draw + 2 + a, mask=begins, other=0)
    stand(row, x, y, bearing, positions, velocities, angles, angular_velocities, contacts, begins)


def respawn(core, mask, draws):
    """Puts the agents of the envs in the mask at spawns: see `megastep.world.core.respawn`."""
    agents, spawns, rows = core.agents, core.scenery.spawns, core.num_envs * core.num_agents
    _respawn[(triton.cdiv(rows, BLOCK),)](
        mask, draws, core.map_ids, spawns.vals, spawns.starts, spawns.widths,
        agents.positions, agents.velocities, agents.angles, agents.angular_velocities, core.contacts,
        rows, NUM_AGENTS=core.num_agents, BLOCK=BLOCK, enable_fp_fusion=False,
    )  # fmt: skip


@triton.jit
@no_type_check
def _respawn_with_goals(
    # in
    mask, draws, map_ids, spawns, spawn_starts, spawn_widths, pairs, pair_starts, pair_widths, paths, path_starts,
    # out: the agents
    positions, velocities, angles, angular_velocities, contacts,
    # out: their goals
    starts, bearings, goals, places, lengths,
    num_envs, BLOCK: tl.constexpr,
):  # fmt: skip
    """Each lane puts the agent of an env in the mask at a spawn and gives it another one to go to."""
    e = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    begins = tl.load(mask + e, mask=e < num_envs, other=0) != 0
    m = tl.load(map_ids + e, mask=begins, other=0)
    drawn = tl.load(draws + 2 * e, mask=begins, other=0) % tl.load(pair_widths + m)
    pair = tl.load(pairs + tl.load(pair_starts + m) + drawn)
    count, spawn = tl.load(spawn_widths + m), spawns + 2 * tl.load(spawn_starts + m)
    start, goal = pair // count, pair % count
    x, y = tl.load(spawn + 2 * start), tl.load(spawn + 2 * start + 1)
    bearing = tl.load(draws + 2 * e + 1, mask=begins, other=0)
    angle = stand(e, x, y, bearing, positions, velocities, angles, angular_velocities, contacts, begins)
    tl.store(starts + 2 * e, x, mask=begins)
    tl.store(starts + 2 * e + 1, y, mask=begins)
    tl.store(bearings + e, angle, mask=begins)
    tl.store(goals + e, goal, mask=begins)
    tl.store(places + 2 * e, tl.load(spawn + 2 * goal), mask=begins)
    tl.store(places + 2 * e + 1, tl.load(spawn + 2 * goal + 1), mask=begins)
    tl.store(lengths + e, tl.load(paths + tl.load(path_starts + m) + pair), mask=begins)


def respawn_with_goals(core, mask, draws, pairs, paths, goals):
    """Puts the agents of the envs in the mask at spawns and gives them goals: see `megastep.env.goals.RandomGoals`."""
    agents, spawns = core.agents, core.scenery.spawns
    _respawn_with_goals[(triton.cdiv(core.num_envs, BLOCK),)](
        mask, draws, core.map_ids, spawns.vals, spawns.starts, spawns.widths,
        pairs.vals, pairs.starts, pairs.widths, paths.vals, paths.starts,
        agents.positions, agents.velocities, agents.angles, agents.angular_velocities, core.contacts,
        *goals, core.num_envs, BLOCK=BLOCK, enable_fp_fusion=False,
    )  # fmt: skip
