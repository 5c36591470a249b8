"""Baselines: policies that learn nothing, to give every score a scale.

Each is made for an env: ``baseline.for_env(env)`` is a function of observations, and of where episodes begin, to
actions. They keep to the env's device and never wait for it in a step. Some know what agents don't: what, their classes
say.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from megastep.env import Env
from megastep.evaluation.baselines.exploration import FrontierExplorer
from megastep.evaluation.baselines.goal_seeking import ShortestPath, StraightLine
from megastep.evaluation.baselines.random_actions import RandomActions
from megastep.evaluation.baselines.scripted import Scripted
from megastep.evaluation.baselines.wall_following import WallFollower
from megastep.evaluation.playing.contestants import ActsInEnv

__all__ = [
    'BASELINES',
    'FrontierExplorer',
    'RandomActions',
    'Scripted',
    'ShortestPath',
    'StraightLine',
    'WallFollower',
    'baselines_for',
]


BASELINES: Mapping[str, ActsInEnv] = MappingProxyType(
    {
        'random': RandomActions(),
        'straight line': StraightLine(),
        'wall follower': WallFollower(),
        'frontier explorer': FrontierExplorer(),
        'scripted': Scripted(),
        'shortest path': ShortestPath(),
    }
)
"""The baselines by name, those that know least first."""


def baselines_for(env: Env) -> dict[str, ActsInEnv]:
    """The baselines that an env has what they need for, by name. Best asked of an env in few maps."""
    found = {}
    for name, baseline in BASELINES.items():
        try:
            baseline.for_env(env)
        except ValueError:
            continue
        found[name] = baseline
    return found
