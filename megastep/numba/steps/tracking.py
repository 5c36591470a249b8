"""Navigation metrics of agents on the way to their goals. The twin is `megastep.triton.steps.tracking`."""

from typing import NamedTuple

import numpy as np
import torch
from numba import njit

from megastep.numba.constants import KERNEL, LAUNCHED
from megastep.numba.jit.parallel import in_blocks
from megastep.numba.navigation import buffers_of, length, shortest

AGENTS = 16
"""How many agents' steps are taken account of as one piece of work."""


class Way(NamedTuple):
    """Metrics of each agent's way, kept from step to step: of a `megastep.env.navigation_metrics.GoalTracker`."""

    last: np.ndarray
    travelled: np.ndarray
    remaining: np.ndarray
    collisions: np.ndarray


@njit(**KERNEL)
def track_agent(field, m, place, contact, goal, way, e, a):
    """Takes account of one agent's step; returns how much nearer it came, and how far it went."""
    x, y = place
    went = length(x - way.last[e, a, 0], y - way.last[e, a, 1])
    before, left = way.remaining[e, a], shortest(field, m, place, goal)
    left = left if left < np.inf else before
    way.last[e, a, 0], way.last[e, a, 1] = x, y
    way.remaining[e, a] = left
    way.travelled[e, a] += went
    way.collisions[e, a] += contact >= 0
    return before - left, went


@njit(**KERNEL)
def track_agents(field, map_ids, positions, contacts, goals, way, nearer, walked, first, last):
    """Takes account of some agents' step."""
    num_agents = goals.shape[1]
    for row in range(first, last):
        e, a = row // num_agents, row % num_agents
        made = track_agent(field, map_ids[e], positions[e, a], contacts[e, a], goals[e, a], way, e, a)
        nearer[e, a], walked[e, a] = made


@njit(**LAUNCHED)
def _track(field, map_ids, positions, contacts, goals, way, nearer, walked):
    given = field, map_ids, positions, contacts, goals, way, nearer, walked
    in_blocks(track_agents, given, goals.size, AGENTS)


def track(core, field, goals, way, nearer, walked):
    """Takes account of a step on the way to goals: see `megastep.env.navigation_metrics.GoalTracker`."""
    kept = Way(*(each.numpy() for each in way))
    places, contacts = core.agents.positions.numpy(), core.contacts.numpy()
    _track(
        buffers_of(field), core.map_ids.numpy(), places, contacts, goals.numpy(), kept, nearer.numpy(), walked.numpy()
    )


@njit(**LAUNCHED)
def _set_out(mask, starts, lengths, way):
    for e in range(len(mask)):
        if mask[e]:
            for a in range(lengths.shape[1]):  # one by one: assigning arrays takes a second to compile
                way.last[e, a, 0], way.last[e, a, 1] = starts[e, a, 0], starts[e, a, 1]
                way.remaining[e, a], way.travelled[e, a], way.collisions[e, a] = lengths[e, a], 0, 0


def set_out(mask, starts, lengths, way):
    """Begins the metrics of the envs in the mask anew: see `megastep.env.navigation_metrics.GoalTracker`."""
    _set_out(mask.numpy(), starts.numpy(), lengths.numpy(), Way(*(each.numpy() for each in way)))


@njit(**LAUNCHED)
def _reached(points, positions, reach, found):
    for e in range(found.shape[0]):
        for a in range(found.shape[1]):
            x, y = points[e, a] - positions[e, a]
            found[e, a] = length(x, y) <= reach


def reached(points, positions, reach, found):
    """Tells which agents are within reach of points: see `megastep.env.goals.RandomGoals`."""
    _reached(points.numpy(), positions.numpy(), np.float32(reach), found.numpy())


class Scores(NamedTuple):
    """Scores of each agent's way, in a step's own buffers: of a `megastep.env.navigation_metrics.Scores`."""

    success: np.ndarray
    spl: np.ndarray
    soft_spl: np.ndarray
    distance_to_goal: np.ndarray
    collisions: np.ndarray
    shortest_path: np.ndarray
    metres_walked: np.ndarray
    goal_x: np.ndarray
    goal_y: np.ndarray


@njit(**LAUNCHED)
def _score(success, lengths, goals, way, scores):
    zero, one = np.float32(0), np.float32(1)
    for e in range(lengths.shape[0]):
        for a in range(lengths.shape[1]):
            efficiency = lengths[e, a] / max(way.travelled[e, a], lengths[e, a])
            nearness = one - way.remaining[e, a] / lengths[e, a]
            scores.success[e, a] = success[e, a]
            scores.spl[e, a] = efficiency if success[e, a] else zero
            scores.soft_spl[e, a] = (zero if nearness < 0 else nearness) * efficiency
            scores.distance_to_goal[e, a] = way.remaining[e, a]
            scores.collisions[e, a] = way.collisions[e, a]
            scores.shortest_path[e, a], scores.metres_walked[e, a] = lengths[e, a], way.travelled[e, a]
            scores.goal_x[e, a], scores.goal_y[e, a] = goals[e, a]


def score(success, lengths, goals, way, scores):
    """Scores agents' ways: see `megastep.env.navigation_metrics.GoalTracker.scores`."""
    kept, found = Way(*(each.numpy() for each in way)), Scores(*(each.numpy() for each in scores))
    _score(success.numpy(), lengths.numpy(), goals.numpy(), kept, found)


def pay(nearer, walked, success, progress, effort, bonus, rewards):
    """Pays agents for a step on the way to goals: see `megastep.env.navigation_metrics.goal_rewards`."""
    torch.sub(progress * nearer, walked, alpha=effort, out=rewards)
    rewards.add_(success, alpha=bonus)
