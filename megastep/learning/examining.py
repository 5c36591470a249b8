"""Evaluates an agent while it learns."""

from __future__ import annotations

import torch

from megastep.evaluation import Evaluation, evaluate
from megastep.learning.policy import Policy
from megastep.learning.tasks import Task
from megastep.mapset import MapSet


class Examiner:
    """Evaluates a policy in an env of its own, the same episodes' starts each time, as many in every map.

    Args:
        task: The task.
        maps: The maps.
        episodes: How many episodes each map has; of a task with several agents, that many for each of them.
        greedy: Whether the policy takes the likeliest action.
        device: Where the env is.
        seed: Seeds the env and what is drawn.
    """

    def __init__(
        self, task: Task, maps: MapSet, episodes: int, *, greedy: bool, device: torch.device, seed: int
    ) -> None:
        self._env = task.make(maps, len(maps) * episodes * task.num_agents, device=device, seed=seed)
        self._greedy, self._seed = greedy, seed

    def __call__(self, policy: Policy) -> Evaluation:
        return evaluate(policy, self._env, greedy=self._greedy, seed=self._seed)
