"""Puts agents at spawns of their maps."""

from typing import no_type_check

import triton
import triton.language as tl

BLOCK = 128


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
    bearing = (tl.load(draw + 2 + a, mask=begins, other=0) >> 39).to(tl.float32)
    tl.store(positions + 2 * row, tl.load(spawn, mask=begins), mask=begins)
    tl.store(positions + 2 * row + 1, tl.load(spawn + 1, mask=begins), mask=begins)
    tl.store(angles + row, bearing * (360 / (1 << 24)) - 180, mask=begins)
    tl.store(velocities + 2 * row, row * 0.0, mask=begins)
    tl.store(velocities + 2 * row + 1, row * 0.0, mask=begins)
    tl.store(angular_velocities + row, row * 0.0, mask=begins)
    tl.store(contacts + row, row * 0 - 1, mask=begins)


def respawn(core, mask, draws):
    """Puts the agents of the envs in the mask at spawns: see `megastep.core.respawn`."""
    agents, spawns, rows = core.agents, core.scenery.spawns, core.num_envs * core.num_agents
    _respawn[(triton.cdiv(rows, BLOCK),)](
        mask, draws, core.map_ids, spawns.vals, spawns.starts, spawns.widths,
        agents.positions, agents.velocities, agents.angles, agents.angular_velocities, core.contacts,
        rows, NUM_AGENTS=core.num_agents, BLOCK=BLOCK, enable_fp_fusion=False,
    )  # fmt: skip
