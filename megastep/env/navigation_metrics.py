"""Navigation metrics: success, SPL, the way that is left and made, collisions; and rewards by progress along it."""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int32
from torch import Tensor

from megastep.env.goals import RandomGoals
from megastep.env.navigation import GeodesicField
from megastep.world.buffers import check_mask
from megastep.world.core import Core
from megastep.world.kernels import compile_ahead, implementation


class Scores(NamedTuple):
    """Scores of each agent's episode: see `GoalTracker.scores`."""

    success: Bool[Tensor, 'env agent']
    spl: Float[Tensor, 'env agent']
    soft_spl: Float[Tensor, 'env agent']
    distance_to_goal: Float[Tensor, 'env agent']
    collisions: Int32[Tensor, 'env agent']
    shortest_path: Float[Tensor, 'env agent']
    metres_walked: Float[Tensor, 'env agent']
    goal_x: Float[Tensor, 'env agent']
    goal_y: Float[Tensor, 'env agent']


class GoalTracker:
    """Navigation metrics of agents on the way to their goals, step by step. Everything is written in place.

    Args:
        core: The envs.
        goals: Where their agents go.
        field: The geodesic field of the core's maps.

    Attributes:
        field: The geodesic field.
        travelled: How far each agent has gone in this episode, straight from step to step, in metres: (env, agent).
        remaining: How long the shortest path to its goal is, in metres: (env, agent).
        collisions: In how many steps it touched something: (env, agent) int32.

    Raises:
        ValueError: if the field isn't that of the core's maps.
    """

    def __init__(self, core: Core, goals: RandomGoals, field: GeodesicField) -> None:
        if not isinstance(field, GeodesicField):
            raise ValueError(f'geodesic_field must be a GeodesicField, got {type(field).__name__}.')  # noqa: TRY004
        field.check_spawns(core.scenery.spawns)
        field.check_agents(core.agent_radius)
        self._core, self._goals, self.field = core, goals.current, field
        self._last = core.agents.positions.clone()
        self.travelled, self.remaining = torch.zeros_like(core.agents.angles), self._goals.lengths.clone()
        self.collisions = torch.zeros_like(core.contacts)
        success = torch.zeros_like(core.contacts, dtype=torch.bool)
        calls = (GoalTracker.reset, core.over), (GoalTracker.step,), (GoalTracker.scores, success)
        compile_ahead(core.device, *(partial(method, self, *given) for method, *given in calls))

    @property
    def state(self) -> dict[str, Tensor]:
        """The metrics, and where the agents were when they were last taken."""
        metrics = {'travelled': self.travelled, 'remaining': self.remaining, 'collisions': self.collisions}
        return {**metrics, 'last': self._last}

    @property
    def _way(self) -> tuple[Tensor, ...]:
        """Buffers that kernels keep account in."""
        return self._last, self.travelled, self.remaining, self.collisions

    def reset(self, mask: Bool[Tensor, ' env']) -> None:
        """Begins anew in the envs in the mask, whose agents stand at their starts."""
        check_mask(mask, (self._core.num_envs,), self._core.device)
        implementation(self._core.device).set_out(mask, self._goals.starts, self._goals.lengths, self._way)

    def step(self) -> tuple[Float[Tensor, 'env agent'], Float[Tensor, 'env agent']]:
        """Takes account of a step.

        Returns:
            By how much it made the shortest path shorter, and how far it went, in metres. Where the field knows no way,
            as may be beside a gap that is just too narrow, the first is 0.
        """
        core, nearer, walked = self._core, torch.empty_like(self.remaining), torch.empty_like(self.remaining)
        implementation(core.device).track(core, self.field, self._goals.spawns, self._way, nearer, walked)
        return nearer, walked

    def scores(self, success: Bool[Tensor, 'env agent']) -> dict[str, Tensor]:
        """Success, SPL and the like: how well each agent has done in its episode, given whether it is at its goal.

        Returns:
            ``'success'``; ``'spl'``, success weighted by path length, which is success * l / max(p, l) for a shortest
            path l and a path travelled p (Anderson et al., 2018); ``'soft_spl'``, in which max(0, 1 - d / l) stands
            for success, d being what remains; ``'distance_to_goal'``, which is d; ``'collisions'``; and, in metres,
            ``'shortest_path'`` and ``'metres_walked'``, which are l and p, and the goal's place, ``'goal_x'`` and
            ``'goal_y'``.
        """
        spl, soft_spl, distance, *measures = self.remaining.new_empty((7, *self.remaining.shape))
        collisions, goals = torch.empty_like(self.collisions), self._goals
        scores = Scores(torch.empty_like(success), spl, soft_spl, distance, collisions, *measures)
        given = success.contiguous(), goals.lengths, goals.positions, self._way
        implementation(self._core.device).score(*given, scores)
        return scores._asdict()


def goal_rewards(
    nearer: Float[Tensor, 'env agent'],
    walked: Float[Tensor, 'env agent'],
    success: Bool[Tensor, 'env agent'],
    *,
    progress: float,
    effort: float,
    bonus: float,
) -> Float[Tensor, 'env agent']:
    """Shaped rewards of agents on the way to their goals, in one launch.

    Args:
        nearer: By how much a step has made the shortest path to the goal shorter, in metres: see `GoalTracker.step`.
        walked: How far it went, in metres.
        success: Whether it led to the goal.
        progress: The reward for a metre nearer.
        effort: The cost of a metre walked.
        bonus: The reward for success.
    """
    rewards = torch.empty_like(nearer)
    implementation(rewards.device).pay(nearer, walked, success.contiguous(), progress, effort, bonus, rewards)
    return rewards
