"""Goal-seeking baselines: straight towards the goal, and along the shortest path to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from jaxtyping import Bool
from torch import Tensor

from megastep.env import Env
from megastep.env.goals import RandomGoals
from megastep.env.navigation_metrics import GoalTracker
from megastep.env.parts import part_of
from megastep.evaluation.baselines.paths import PathFollower, field_of
from megastep.evaluation.baselines.steering import in_frame, make_steering
from megastep.evaluation.play import Act


@dataclass(frozen=True)
class StraightLine:
    """Straight-line policy: heads for the goal as if there were no walls, and slides along those in its way.

    It is told where the goal is, and sees nothing.
    """

    def for_env(self, env: Env) -> Act:
        """Makes who acts in an env.

        Raises:
            ValueError: if the env has no goals, or its agents' motion can't be steered.
        """
        goals, steer, agents = goals_of(env, self), make_steering(env), env.core.agents

        def act(observations: Any, begins: Bool[Tensor, ' row']) -> Tensor:
            return steer(in_frame(goals.current.positions - agents.positions, agents.angles))

        return act


@dataclass(frozen=True)
class ShortestPath:
    """Shortest-path oracle: walks along the shortest path to the goal, as the env's geodesic field knows it.

    It knows the map and where it is, and sees nothing. So its scores are about the best that the motion allows.
    """

    def for_env(self, env: Env) -> Act:
        """Makes who acts in an env. If the env keeps no geodesic field it is computed, as `GeodesicField.pack` does.

        Raises:
            ValueError: if the env has no goals, or its agents' motion can't be steered.
        """
        goals, steer, core = goals_of(env, self), make_steering(env), env.core
        tracker = part_of(env, GoalTracker)
        follower = PathFollower(core, field_of(core) if tracker is None else tracker.field)

        def act(observations: Any, begins: Bool[Tensor, ' row']) -> Tensor:
            points = follower.points(goals.current.spawns)
            return steer(in_frame(points - core.agents.positions, core.agents.angles))

        return act


def goals_of(env: Env, baseline: object) -> RandomGoals:
    """The goals of an env.

    Raises:
        ValueError: if it has none.
    """
    goals = part_of(env, RandomGoals)
    if goals is None:
        raise ValueError(f'{type(baseline).__name__} needs an env with goals, got {type(env).__name__} without any.')
    return goals
