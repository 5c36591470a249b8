"""Puts agents at spawns of their maps."""

import numpy as np
from numba import njit

from megastep.numba import buffers

DEGREES = np.float32(360 / (1 << 24))
HALF_TURN = np.float32(180)


@njit(cache=True, error_model='numpy')
def _respawn(mask, draws, agents, spawns, spawn_starts, spawn_widths, contacts):
    num_envs, num_agents = agents.angles.shape
    for e in range(num_envs):
        if not mask[e]:
            continue
        m = agents.map_ids[e]
        count = np.int64(spawn_widths[m])
        start, stride = draws[e, 0] % count, 1 + draws[e, 1] % max((count - 1) // max(num_agents - 1, 1), 1)
        for a in range(num_agents):
            agents.positions[e, a] = spawns[spawn_starts[m] + (start + stride * a) % count]
            agents.angles[e, a] = np.float32(draws[e, 2 + a] >> 39) * DEGREES - HALF_TURN
            agents.velocities[e, a] = 0
            agents.angular_velocities[e, a] = 0
            contacts[e, a] = -1


def respawn(core, mask, draws):
    """Puts the agents of the envs in the mask at spawns: see `megastep.core.respawn`."""
    spawns = core.scenery.spawns
    _respawn(
        mask.numpy(), draws.numpy(), buffers.agents(core), spawns.vals.numpy(), spawns.starts.numpy(),
        spawns.widths.numpy(), core.contacts.numpy(),
    )  # fmt: skip
