"""Spawning: puts agents at spawns of their maps. The twin is `megastep.triton.steps.spawning`."""

import math
from typing import NamedTuple

import numpy as np
from numba import njit

from megastep.numba import buffers
from megastep.numba.constants import LAUNCHED, PART
from megastep.numba.random_numbers import drawn, integer, uniform

DEGREES = np.float32(360 / (1 << 24))
HALF_TURN = np.float32(180)


class Goals(NamedTuple):
    """Each agent's way from one spawn of its map to another: the buffers of `megastep.env.goals.Goals`."""

    starts: np.ndarray
    bearings: np.ndarray
    spawns: np.ndarray
    positions: np.ndarray
    lengths: np.ndarray


@njit(**PART)
def stand(agents, contacts, e, a, place, angle):
    """Puts an agent where it is told: facing along an angle, at rest, touching nothing."""
    agents.positions[e, a, 0], agents.positions[e, a, 1] = place
    agents.velocities[e, a, 0], agents.velocities[e, a, 1] = 0, 0
    agents.angles[e, a] = angle
    agents.angular_velocities[e, a] = 0
    contacts[e, a] = -1


@njit(**PART)
def heading(number):
    """Any angle, in degrees, of a random integer."""
    return np.float32(number >> 39) * DEGREES - HALF_TURN


@njit(**LAUNCHED)
def _respawn(mask, draw, agents, spawns, contacts):
    num_envs, num_agents = agents.angles.shape
    for e in range(num_envs):
        if not mask[e]:
            continue
        m = agents.map_ids[e]
        count = np.int64(spawns.widths[m])
        start = integer(draw, e, 0) % count
        stride = 1 + integer(draw, e, 1) % max((count - 1) // max(num_agents - 1, 1), 1)
        for a in range(num_agents):
            spawn = spawns.vals[spawns.starts[m] + (start + stride * a) % count]
            stand(agents, contacts, e, a, spawn, heading(integer(draw, e, 2 + a)))


def respawn(core, mask, draw):
    """Puts the agents of the envs in the mask at spawns: see `megastep.world.core.respawn`."""
    spawns = buffers.rows(core.scenery.spawns)
    _respawn(mask.numpy(), drawn(draw), buffers.agents(core), spawns, core.contacts.numpy())


@njit(**LAUNCHED)
def _respawn_with_goals(mask, draw, agents, spawns, pairs, paths, contacts, goals):
    for e in range(len(mask)):
        if not mask[e]:
            continue
        m = agents.map_ids[e]
        count, first = np.int64(spawns.widths[m]), spawns.starts[m]
        pair = pairs.vals[pairs.starts[m] + integer(draw, e, 0) % np.int64(pairs.widths[m])]
        stand(agents, contacts, e, 0, spawns.vals[first + pair // count], heading(integer(draw, e, 1)))
        goals.starts[e, 0, 0], goals.starts[e, 0, 1] = agents.positions[e, 0]
        goals.positions[e, 0, 0], goals.positions[e, 0, 1] = spawns.vals[first + pair % count]
        goals.spawns[e, 0], goals.bearings[e, 0] = pair % count, agents.angles[e, 0]
        goals.lengths[e, 0] = paths.vals[paths.starts[m] + pair]


def respawn_with_goals(core, mask, draw, pairs, paths, goals):
    """Puts the agents of the envs in the mask at spawns and gives them goals: see `megastep.env.goals.RandomGoals`."""
    _respawn_with_goals(
        mask.numpy(), drawn(draw), buffers.agents(core), buffers.rows(core.scenery.spawns), buffers.rows(pairs),
        buffers.rows(paths), core.contacts.numpy(), Goals(*(tensor.numpy() for tensor in goals)),
    )  # fmt: skip


@njit(**LAUNCHED)
def _renew(mask, draw, turns, left, shortest, longest, spreads):
    for e in range(len(mask)):
        if mask[e]:
            is_first = spreads and turns[e] == 0 and e > 0
            span = longest if is_first else longest + 1 - shortest
            left[e] = longest - integer(draw, e, 0) % span


def renew(core, mask, draw, left, shortest, longest, *, spreads):
    """Begins lives in the envs in the mask: see `megastep.env.spawning.RandomLifespans`."""
    bounds = np.int64(shortest), np.int64(longest)
    _renew(mask.numpy(), drawn(draw), core.turn.numpy(), left.numpy(), *bounds, spreads)


@njit(**PART)
def take_apart(mask, draw, agents, windows, firsts, e):
    """Puts an env's agents in the mask where those that stay are furthest: the first of them at the furthest place."""
    m, num_agents = agents.map_ids[e], mask.shape[1]
    places = windows[firsts[m, 0] + integer(draw, e, 0) % firsts[m, 1]]
    nearest = np.full(len(places), np.float32(np.inf))
    for c in range(len(places)):
        for a in range(num_agents):
            if not mask[e, a]:
                x, y = places[c] - agents.positions[e, a]
                nearest[c] = min(nearest[c], np.float32(math.sqrt(x * x + y * y)))
    for a in range(num_agents):
        if mask[e, a]:
            best = np.argmax(nearest)  # of some as far, the first
            agents.positions[e, a, 0], agents.positions[e, a, 1] = places[best]
            nearest[best] = -1


@njit(**LAUNCHED)
def _respawn_apart(mask, draw, turns, agents, windows, firsts, contacts, spread, aimed):
    num_envs, num_agents = mask.shape
    for e in range(num_envs):
        if not mask[e].any():
            continue
        take_apart(mask, draw, agents, windows, firsts, e)
        for a in range(num_agents):
            if not mask[e, a]:
                continue
            angle, (x, y) = uniform(turns, e, a, -spread, 2 * spread), agents.positions[e, a]
            if aimed:  # from each to all, summed
                others_x = agents.positions[e, :, 0].sum() - num_agents * x
                others_y = agents.positions[e, :, 1].sum() - num_agents * y
                angle += np.float32(math.degrees(math.atan2(others_y, others_x)))
            stand(agents, contacts, e, a, agents.positions[e, a], angle)


def respawn_apart(core, mask, draw, turns, windows, firsts, spread):
    """Puts the agents in the mask at spawns far from the others: see `megastep.env.spawning.FarSpawns`."""
    given = mask.numpy(), drawn(draw), drawn(turns), buffers.agents(core)
    mask, draw, turns, agents = given
    places, contacts = windows.numpy(), core.contacts.numpy()
    _respawn_apart(mask, draw, turns, agents, places, firsts.numpy(), contacts, np.float32(spread), spread < 180)
