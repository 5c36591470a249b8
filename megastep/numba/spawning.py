"""Spawning: puts agents at spawns of their maps. The twin is `megastep.triton.spawning`."""

from typing import NamedTuple

import numpy as np
from numba import njit

from megastep.numba import buffers

DEGREES = np.float32(360 / (1 << 24))
HALF_TURN = np.float32(180)


class Goals(NamedTuple):
    """Each agent's way from one spawn of its map to another: the buffers of `megastep.env.goals.Goals`."""

    starts: np.ndarray
    bearings: np.ndarray
    spawns: np.ndarray
    positions: np.ndarray
    lengths: np.ndarray


@njit(cache=True, error_model='numpy')
def stand(agents, contacts, e, a, place, draw):
    """Puts an agent where it is told: facing as it drew, at rest, touching nothing."""
    agents.positions[e, a] = place
    agents.angles[e, a] = np.float32(draw >> 39) * DEGREES - HALF_TURN
    agents.velocities[e, a] = 0
    agents.angular_velocities[e, a] = 0
    contacts[e, a] = -1


@njit(cache=True, error_model='numpy')
def _respawn(mask, draws, agents, spawns, contacts):
    num_envs, num_agents = agents.angles.shape
    for e in range(num_envs):
        if not mask[e]:
            continue
        m = agents.map_ids[e]
        count = np.int64(spawns.widths[m])
        start, stride = draws[e, 0] % count, 1 + draws[e, 1] % max((count - 1) // max(num_agents - 1, 1), 1)
        for a in range(num_agents):
            spawn = spawns.vals[spawns.starts[m] + (start + stride * a) % count]
            stand(agents, contacts, e, a, spawn, draws[e, 2 + a])


def respawn(core, mask, draws):
    """Puts the agents of the envs in the mask at spawns: see `megastep.world.core.respawn`."""
    spawns = buffers.rows(core.scenery.spawns)
    _respawn(mask.numpy(), draws.numpy(), buffers.agents(core), spawns, core.contacts.numpy())


@njit(cache=True, error_model='numpy')
def _respawn_with_goals(mask, draws, agents, spawns, pairs, paths, contacts, goals):
    for e in range(len(mask)):
        if not mask[e]:
            continue
        m = agents.map_ids[e]
        count, first = np.int64(spawns.widths[m]), spawns.starts[m]
        pair = pairs.vals[pairs.starts[m] + draws[e, 0] % np.int64(pairs.widths[m])]
        stand(agents, contacts, e, 0, spawns.vals[first + pair // count], draws[e, 1])
        goals.starts[e, 0], goals.bearings[e, 0] = agents.positions[e, 0], agents.angles[e, 0]
        goals.spawns[e, 0], goals.positions[e, 0] = pair % count, spawns.vals[first + pair % count]
        goals.lengths[e, 0] = paths.vals[paths.starts[m] + pair]


def respawn_with_goals(core, mask, draws, pairs, paths, goals):
    """Puts the agents of the envs in the mask at spawns and gives them goals: see `megastep.env.goals.RandomGoals`."""
    _respawn_with_goals(
        mask.numpy(), draws.numpy(), buffers.agents(core), buffers.rows(core.scenery.spawns), buffers.rows(pairs),
        buffers.rows(paths), core.contacts.numpy(), Goals(*(tensor.numpy() for tensor in goals)),
    )  # fmt: skip
