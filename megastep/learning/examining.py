"""Evaluates an agent while it learns."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from jaxtyping import Bool
from torch import Tensor

from megastep.evaluation import Actor, Evaluation, evaluate
from megastep.learning.model.policy import Policy
from megastep.learning.registry import Task
from megastep.maps.mapset import MapSet


class Evaluator:
    """Evaluates a policy in an env of its own, the same episodes' starts each time, as many in every map.

    Args:
        task: The task.
        maps: The maps.
        episodes: How many episodes each map has; of a task with several agents, that many for each of them.
        opponents: How many agents of each world act by a script.
        greedy: Whether the policy takes the likeliest action.
        device: Where the env is.
        seed: Seeds the env and what is drawn.
    """

    def __init__(
        self, task: Task, maps: MapSet, episodes: int, opponents: int, *, greedy: bool, device: torch.device, seed: int
    ) -> None:
        self._env = task.make(maps, len(maps) * episodes * task.num_agents, device=device, seed=seed)
        self._opponents = task.opponents(self._env, opponents)
        self._greedy, self._seed = greedy, seed

    def __call__(self, policy: Policy, is_enough: Callable[[], bool] = lambda: False) -> Evaluation | None:
        """Evaluates a policy.

        Args:
            policy: The policy.
            is_enough: Asked before each step: whether to end at once, and return nothing.
        """
        actor = Actor(policy, self._env.num_envs, greedy=self._greedy, seed=self._seed)

        def act(observations: Any, begins: Bool[Tensor, ' row']) -> Tensor:
            if is_enough():
                raise _EnoughError
            return actor(observations, begins)

        try:
            return evaluate(act, self._env, seed=self._seed, opponents=self._opponents)
        except _EnoughError:
            return None


class _EnoughError(Exception):
    """Ends an evaluation midway."""
