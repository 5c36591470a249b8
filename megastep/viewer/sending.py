"""Sending an agent somewhere: a goal of its own is given to it while its episode goes on."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import torch

from megastep.env import Env
from megastep.env.goals import RandomGoals
from megastep.env.navigation_metrics import GoalTracker
from megastep.env.parts import part_of


@runtime_checkable
class Sends(Protocol):
    """An env that sends its agent to a place that it is told."""

    def send(self, x: float, y: float) -> bool:
        """Sends the agent to a place, in metres. Returns whether there is a way; if not, nothing happens."""


def can_send(env: Env) -> bool:
    """True if an env's agents can be sent somewhere: it says so itself, or they have goals at spawns."""
    return isinstance(env, Sends) or (part_of(env, RandomGoals) is not None and part_of(env, GoalTracker) is not None)


def send(env: Env, number: int, x: float, y: float) -> bool:
    """Sends the agent of an env to a place, or to the spawn that is nearest to it, as if an episode began here.

    Args:
        env: The env, whose agents `can_send`.
        number: The number of the env.
        x: The place, in metres.
        y: Likewise.

    Returns:
        Whether there is a way. If not, nothing happens.
    """
    if isinstance(env, Sends):
        return env.send(x, y)
    core, goals, tracker = env.core, part_of(env, RandomGoals).current, part_of(env, GoalTracker)
    spawns = core.scenery.spawns[int(core.map_ids[number])]
    chosen = goals.spawns.clone()
    chosen[number] = (spawns - torch.tensor([x, y], device=spawns.device)).norm(dim=-1).argmin()
    lengths = tracker.field.distances(core.agents.positions, core.map_ids, chosen)
    if not bool(lengths[number].isfinite().all()):
        return False
    goals.spawns[number], goals.lengths[number] = chosen[number], lengths[number]
    goals.positions[number] = spawns[chosen[number]]
    goals.starts[number], goals.bearings[number] = core.agents.positions[number], core.agents.angles[number]
    mask = torch.zeros(core.num_envs, dtype=torch.bool, device=core.device)
    mask[number] = True
    tracker.reset(mask)
    env.lengths[number], env.returns[number] = 0, 0
    return True
