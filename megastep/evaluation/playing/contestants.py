"""Contestants: the runs of the agents that are evaluated, by name, and what acts for each in an env."""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol, runtime_checkable

from torch.nn import Module

import megastep
from megastep.checks import check_acts
from megastep.env import Env
from megastep.evaluation.agent_streams import drawn_by_episode
from megastep.evaluation.opponents import Opponents
from megastep.evaluation.play import Act, SupportsActor
from megastep.evaluation.registry import Task


class Contestant(NamedTuple):
    """A run of an agent.

    Args:
        name: The agent's name.
        run: The number of the run among those of the agent.
        agent: What acts: see `megastep.evaluation.evaluate`.
    """

    name: str
    run: int
    agent: Any


@runtime_checkable
class MakesItsEnv(Protocol):
    """Agent that knows the task that it has learnt, as `megastep.load` returns it."""

    @property
    def task(self) -> Task:
        """The task that it has learnt."""

    def env(self, maps: Any, num_envs: int, **options: Any) -> Env:
        """Makes its env in some maps."""

    def opponents(self, env: Env) -> Opponents | None:
        """The opponents that it was trained among."""


@runtime_checkable
class ActsInEnv(Protocol):
    """Agent that is made for an env, as baselines are."""

    def for_env(self, env: Env) -> Act:
        """Makes who acts in an env."""


def contestants(agents: Any) -> list[Contestant]:
    """The runs of agents.

    Args:
        agents: An agent; a list of them, each a run of one agent, of another seed; or a dictionary of agents or lists
            of them by name. A text or a path is the folder of a run.

    Raises:
        ValueError: if there are none, or one is nothing that acts.
    """
    if isinstance(agents, Mapping):
        return [found._replace(name=str(name)) for name, each in agents.items() for found in _runs(each)] or _none()
    return _runs(agents)


def warn_of_repeats(runs: Sequence[Contestant]) -> None:
    """Warns of runs that are the same as another of their agent: they say nothing new, as if they were others."""
    for place, run in enumerate(runs):
        before = [other for other in runs[:place] if other.name == run.name and _is_same(other.agent, run.agent)]
        if before:
            said = f'runs {before[0].run} and {run.run} of {run.name} are the same, which makes intervals too narrow.'
            warnings.warn(said, stacklevel=3)


def act_for(agent: Any, env: Env, *, greedy: bool = False, seed: int = 0) -> Act:
    """The function that acts for an agent in an env.

    A policy that draws its actions draws them from a stream of each episode's own where fixed ones are played.

    Raises:
        ValueError: if it is of other spaces than the env, or what it makes for the env is nothing that acts.
    """
    if isinstance(agent, ActsInEnv):
        act = agent.for_env(env)
        check_acts(**{"what an agent's for_env returns": act})
        return act
    if not isinstance(agent, SupportsActor):
        return agent
    check_spaces(agent, env)
    return drawn_by_episode(agent.actor(env.num_envs, greedy=greedy, seed=seed), env, seed)


def rivals(agents: Any, env: Env) -> list[SupportsActor]:
    """The policies that opponents act by: agents as `contestants` takes them, but no functions, which act in all rows.

    Raises:
        ValueError: if there are none, or one is no policy or of other spaces than the env.
    """
    found = [contestant.agent for contestant in contestants(agents)]
    for agent in found:
        if not isinstance(agent, SupportsActor):
            raise ValueError(f'opponents must be trained agents or policies, got {agent!r}.')  # noqa: TRY004
        check_spaces(agent, env)
    return found


def _runs(agents: Any) -> list[Contestant]:
    """The runs of one agent."""
    several = list(agents) if isinstance(agents, (list, tuple)) else [agents]
    found = [_loaded(agent) for agent in several] or _none()
    name = _name(found[0])
    return [Contestant(name, number, agent) for number, agent in enumerate(found)]


def _is_same(agent: Any, other: Any) -> bool:
    """True if two runs are one: the same object, folder, or baseline with the same seed."""
    one, another = (getattr(each, 'folder', None) for each in (agent, other))
    if isinstance(one, Path) and isinstance(another, Path):
        return one.resolve() == another.resolve()
    try:
        return hash(agent) == hash(other) and bool(agent == other)
    except TypeError:  # what has no hash is equal to nothing else
        return agent is other


def _none() -> Any:
    raise ValueError('agents must be at least 1, got none.')


def _loaded(agent: Any) -> Any:
    """An agent, loaded if it is a folder."""
    if isinstance(agent, (str, Path)):
        return megastep.load(agent)  # by the name that megastep hands on: nothing here knows what a run is
    is_class = isinstance(agent, type)
    if isinstance(agent, (ActsInEnv, SupportsActor)) and not is_class:
        return agent
    if callable(agent) and not is_class and not isinstance(agent, Module):  # a module takes no `begins`
        check_acts(**{'an agent': agent})
        return agent
    raise ValueError(
        'an agent must be what megastep.load returns, the folder of a run, a policy, a function or have for_env, as '
        "the adapters of other libraries' models and policies have, "
        f'got {f"the class {agent.__name__}: give one of it" if is_class else repr(agent)}.'
    )


def _name(agent: Any) -> str:
    """A name for an agent that has been given none."""
    folder = getattr(agent, 'folder', None)
    name = folder.name if folder is not None else getattr(agent, '__name__', '')
    if name and name != '<lambda>':
        return name
    return re.sub(r'(?<!^)(?=[A-Z])', ' ', type(agent).__name__).lower()  # 'shortest path' of ShortestPath


def check_spaces(agent: Any, env: Env) -> None:
    """Raises a `ValueError` unless what a policy observes and does is what the env's agents do."""
    spaces: Any = getattr(agent, 'spaces', None) or getattr(getattr(agent, 'policy', None), 'spaces', None)
    if spaces is None:
        return
    found = {'observation': env.single_observation_space, 'action': env.single_action_space}
    for name, space in found.items():
        if getattr(spaces, name) != space:
            raise ValueError(f"the env's {name} space must be the agent's, {getattr(spaces, name)}, got {space}.")
