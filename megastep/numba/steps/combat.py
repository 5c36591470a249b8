"""Combat: whom agents aim at, and what a step's shots do. The twin is `megastep.triton.steps.combat`."""

import numpy as np
from numba import njit

from megastep.numba.constants import LAUNCHED, PART


@njit(**LAUNCHED)
def _aim(lines, distances, keys, targets, max_range, outlines, sides, first):
    for e in range(targets.shape[0]):
        for a in range(targets.shape[1]):
            best = -1
            for k in range(len(keys)):
                line, distance = lines[e, a, 0, first + k], distances[e, a, 0, first + k]
                if line < outlines and distance <= max_range:  # where nothing is hit it is infinite
                    best = max(best, keys[k] + line)
            targets[e, a] = (best % outlines) // sides if best >= 0 else -1


def aim(lines, distances, keys, targets, max_range, outlines, sides, first):
    """Picks whom agents have in the middle of their view: see `megastep.env.aiming.Aim`."""
    tensors = (lines.numpy(), distances.numpy(), keys.numpy(), targets.numpy())
    lines, distances, keys, targets = tensors
    _aim(lines, distances, keys, targets, np.float32(max_range), outlines, sides, first)


@njit(**PART)
def fight_env(targets, triggers, turn, health, waits, events, e):
    """Fires all shots of an env at one instant. Of those who strike one that dies, the first in turn has killed it."""
    num_agents = health.shape[1]
    for victim in range(num_agents):
        killer, first = -1, num_agents
        for shooter in range(num_agents):
            fires = waits[e, shooter] <= 0 and triggers[e, shooter]
            if targets[e, shooter] != victim or not fires:
                continue
            events[3, e, victim] += 1
            order = (shooter - turn) % num_agents
            if order < first:
                killer, first = shooter, order
        health[e, victim] -= events[3, e, victim]
        if health[e, victim] <= 0:
            events[5, e, victim] = 1
            if killer >= 0:
                events[4, e, killer] = 1


@njit(**LAUNCHED)
def _fight(targets, triggers, turns, health, waits, events, period, at_will):
    num_envs, num_agents = health.shape
    events[:] = 0
    for e in range(num_envs):
        fight_env(targets, triggers, turns[e], health, waits, events, e)
        for a in range(num_agents):
            aims, fires = 0 <= targets[e, a] < num_agents, waits[e, a] <= 0 and triggers[e, a]
            shoots = fires if at_will else fires and aims
            events[0, e, a], events[1, e, a], events[2, e, a] = aims, shoots, fires and aims
            waits[e, a] = max(waits[e, a] - 1, 0) + (period - 1 if shoots else 0)


def fight(targets, triggers, turns, health, waits, events, period):
    """Fires a step's shots: see `megastep.env.combat.Combat`."""
    wants = np.ones(targets.shape, np.bool_) if triggers is None else triggers.numpy()
    kept = turns.numpy(), health.numpy(), waits.numpy(), events.numpy()
    turns, health, waits, events = kept
    _fight(targets.numpy(), wants, turns, health, waits, events, np.int64(period), triggers is not None)


@njit(**LAUNCHED)
def _reward(events, values, counts, worth):
    for e in range(worth.shape[0]):
        for a in range(worth.shape[1]):
            total = np.float32(0)
            for k in range(len(values)):
                counts[k, e, a] += events[k, e, a]
                total += np.float32(events[k, e, a]) * values[k]
            worth[e, a] = total


def reward(events, values, counts, worth):
    """Counts a step's events, and says what they are worth: see `megastep.env.combat.Score`."""
    _reward(events.numpy(), values.numpy(), counts.numpy(), worth.numpy())


@njit(**LAUNCHED)
def _fallen(mask, health, anew):
    for e in range(health.shape[0]):
        for a in range(health.shape[1]):
            anew[e, a] = mask[e] or health[e, a] <= 0


def fallen(mask, health, anew):
    """Tells which agents begin anew: see `megastep.env.combat.Combat`."""
    _fallen(mask.numpy(), health.numpy(), anew.numpy())


@njit(**LAUNCHED)
def _gauge(health, waits, full, period, shares):
    for e in range(health.shape[0]):
        for a in range(health.shape[1]):
            shares[0, e, a] = np.float32(health[e, a]) / full
            shares[1, e, a] = np.float32(waits[e, a]) / period


def gauge(health, waits, full, period, shares):
    """Takes the shares of agents' health and cooldown that are left: see `megastep.env.combat.Combat`."""
    _gauge(health.numpy(), waits.numpy(), np.float32(full), np.float32(period), shares.numpy())
