"""Spawning: puts agents at spawns of their maps. The twin is `megastep.triton.spawning`."""

import numpy as np
from numba import njit

from megastep.numba import buffers

DEGREES = np.float32(360 / (1 << 24))
HALF_TURN = np.float32(180)


@njit(cache=True, error_model='numpy')
def stand(agents, contacts, e, a, place, draw):
    """Puts an agent where it is told: facing as it drew, at rest, touching nothing."""
    agents.positions[e, a] = place
    agents.angles[e, a] = np.float32(draw >> 39) * DEGREES - HALF_TURN
    agents.velocities[e, a] = 0
    agents.angular_velocities[e, a] = 0
    contacts[e, a] = -1


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
            spawn = spawns[spawn_starts[m] + (start + stride * a) % count]
            stand(agents, contacts, e, a, spawn, draws[e, 2 + a])


def respawn(core, mask, draws):
    """Puts the agents of the envs in the mask at spawns: see `megastep.world.core.respawn`."""
    spawns = core.scenery.spawns
    _respawn(
        mask.numpy(), draws.numpy(), buffers.agents(core), spawns.vals.numpy(), spawns.starts.numpy(),
        spawns.widths.numpy(), core.contacts.numpy(),
    )  # fmt: skip


@njit(cache=True, error_model='numpy')
def _respawn_with_goals(
    mask, draws, agents, spawns, spawn_starts, spawn_widths, pairs, pair_starts, pair_widths, paths, path_starts,
    contacts, starts, bearings, goals, places, lengths,
):  # fmt: skip
    for e in range(len(mask)):
        if not mask[e]:
            continue
        m = agents.map_ids[e]
        count, first = np.int64(spawn_widths[m]), spawn_starts[m]
        pair = pairs[pair_starts[m] + draws[e, 0] % np.int64(pair_widths[m])]
        stand(agents, contacts, e, 0, spawns[first + pair // count], draws[e, 1])
        starts[e, 0], bearings[e, 0] = agents.positions[e, 0], agents.angles[e, 0]
        goals[e, 0], places[e, 0] = pair % count, spawns[first + pair % count]
        lengths[e, 0] = paths[path_starts[m] + pair]


def respawn_with_goals(core, mask, draws, pairs, paths, goals):
    """Puts the agents of the envs in the mask at spawns and gives them goals: see `megastep.env.goals.RandomGoals`."""
    spawns = core.scenery.spawns
    _respawn_with_goals(
        mask.numpy(), draws.numpy(), buffers.agents(core), spawns.vals.numpy(), spawns.starts.numpy(),
        spawns.widths.numpy(), pairs.vals.numpy(), pairs.starts.numpy(), pairs.widths.numpy(), paths.vals.numpy(),
        paths.starts.numpy(), core.contacts.numpy(), *(tensor.numpy() for tensor in goals),
    )  # fmt: skip
