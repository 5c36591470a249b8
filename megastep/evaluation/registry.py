"""Tasks to learn: envs that can be made in any maps, with the options that they are made with."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import NoneType
from typing import Any, get_args

import torch

from megastep.checks import is_integer, plain
from megastep.env import Env
from megastep.env.episode_starts import EpisodeStarts
from megastep.env.variation import SHARED
from megastep.evaluation.entry_points import MakesEnv, checked, class_of, find, hints, innermost, is_found, name_of
from megastep.evaluation.league import last_agents, league
from megastep.evaluation.opponents import Opponents
from megastep.evaluation.play import SupportsActor
from megastep.maps.mapset import MapSet
from megastep.world.episode_queue import FixedEpisodes

KINDS: dict[type, str] = {bool: 'True or False', int: 'an integer', float: 'a number', str: 'a word'}
"""The types that an option may be of, and what to call them."""

GIVEN = ('maps', 'num_envs', 'device', 'seed')
"""What makes an env is given these; they are no options."""


NAMED = (inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


@dataclass(frozen=True)
class Task:
    """Env that can be made in any maps, with the options that it is made with.

    Args:
        env: Makes it, of maps, ``num_envs``, ``device``, ``seed`` and options: a class of envs, or a function. If its
            worlds have several agents, how many is its keyword ``num_agents``.
        options: What it takes that isn't to be as it is by default, such as ``{'reward': 'sparse'}``.
        asked: The name that the env was found by, if it was asked for by one.

    Raises:
        ValueError: if that makes no env, or takes no such option, or none of such a type.
    """

    env: MakesEnv
    options: Mapping[str, Any] = field(default_factory=dict)
    asked: str | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        checked(self.env)
        if not isinstance(self.options, Mapping):
            raise ValueError(f'options must be values by name, got {self.options!r}.')  # noqa: TRY004
        object.__setattr__(self, 'options', {name: plain(value) for name, value in self.options.items()})
        taken = self._taken()
        if unknown := sorted(set(self.options) - set(taken)):
            raise ValueError(f'options of {self.name} may be {", ".join(taken)}, got {", ".join(unknown)}.')
        for name, value in self.options.items():
            _check_kind(name, value, taken[name])

    @classmethod
    def of(cls, env: str | MakesEnv, options: Mapping[str, Any] | None = None) -> Task:
        """The task of an env, given what makes it or its name.

        Args:
            env: A class of envs or a function that makes one; or its name: see `entry_points.find`.
            options: As `Task` takes them.

        Raises:
            ValueError: if there is no such env, or it takes no such option, or none of such a type.
        """
        return cls(find(env), options or {}, asked=env) if isinstance(env, str) else cls(env, options or {})

    @property
    def name(self) -> str:
        """The env's name: in lower case if it is one of ours, otherwise that of its module and its own.

        If it can't be found again by that, it is the name that it was asked for by, such as a Gymnasium id.
        """
        return name_of(self.env) if self.asked is None or is_found(self.env) else self.asked

    @property
    def is_found(self) -> bool:
        """True if the env can be found again by its name."""
        return self.asked is not None or is_found(self.env)

    def default_maps(self, *, seed: int = 0) -> MapSet:
        """The map set that the task is learnt in unless another is given: see `Env.default_maps`."""
        maps = class_of(self.env).default_maps(seed=seed)
        if not isinstance(maps, MapSet):
            raise ValueError(f'default_maps of {self.name} must return a MapSet, got {maps!r}.')  # noqa: TRY004
        return maps

    @property
    def episode_starts(self) -> EpisodeStarts | None:
        """The distribution of its fixed episodes' starts: see `Env.episode_starts`."""
        return class_of(self.env).episode_starts

    def _parameters(self) -> Mapping[str, inspect.Parameter]:
        return inspect.signature(self.env).parameters

    def _taken(self) -> dict[str, tuple[type, ...]]:
        """The types of the options that the env takes, by name: keywords for words, numbers and the like."""
        parameters, hinted = self._parameters(), hints(innermost(self.env))
        kinds = {name: parameter.kind for name, parameter in parameters.items()}
        own = {
            name: _simple(hinted.get(name, type(parameters[name].default)))
            for name, kind in kinds.items()
            if kind in NAMED and name not in GIVEN
        }
        takes_more = inspect.Parameter.VAR_KEYWORD in kinds.values()
        shared = {name: _simple(kind) for name, kind in SHARED.items() if takes_more and name not in own}
        return {name: types for name, types in {**own, **shared}.items() if types}

    def takes(self, name: str) -> bool:
        """True if the env has a keyword of this name."""
        return name in self._parameters()

    @property
    def num_agents(self) -> int:
        """The number of agents, and so of rows, that a world has."""
        parameter = self._parameters().get('num_agents')
        default = 1 if parameter is None or parameter.default is parameter.empty else parameter.default
        return self.options.get('num_agents', default)

    def opponents(
        self, env: Env, count: int, policies: Sequence[SupportsActor] = (), *, seed: int = 0
    ) -> Opponents | None:
        """Opponents: the last so many agents of each world; None if there are none.

        Args:
            env: The env, as the task has made it.
            count: How many of each world.
            policies: The policies that they act by, dealt out as `league` says; if there are none, the env's script.
            seed: Seeds what policies draw.

        Raises:
            ValueError: if the env has no script and there are no policies, or there would be nobody left to learn.
        """
        if count == 0:
            return None
        script = env.scripted_opponent()
        if script is None and not policies:
            raise ValueError(f'opponents must be 0 in {self.name}, which has no script for any, got {count!r}.')
        if script is not None and not callable(script):
            wanted = 'a function of observations, or None'
            raise ValueError(f'scripted_opponent of {self.name} must return {wanted}, got {script!r}.')
        most = self.num_agents - 1
        if not is_integer(count) or not 0 <= count <= most:
            raise ValueError(f'opponents must be an integer from 0 to {most} in {self.name}, got {count!r}.')
        if policies:
            return league(env, policies, count, seed=seed)
        assert script is not None
        return Opponents.scripted(last_agents(env, count), script)

    def make(
        self,
        maps: MapSet,
        num_envs: int,
        *,
        device: str | torch.device | None = None,
        seed: int = 0,
        episodes: FixedEpisodes | None = None,
        **options: Any,
    ) -> Env:
        """Makes the env.

        Args:
            maps: The maps.
            num_envs: How many agents there are in all.
            device: Where they are; by default the GPU if there is one.
            seed: Seeds the env.
            episodes: The fixed episodes that it plays, if there are any.
            options: What every `Env` takes.

        Raises:
            ValueError: if it can't be made so.
        """
        given: dict[str, Any] = {'num_envs': num_envs, 'device': device, 'seed': seed, **self.options, **options}
        if episodes is not None and self._takes('episodes'):
            given['episodes'] = episodes
        try:
            inspect.signature(self.env).bind(maps, **given)
        except TypeError as error:
            raise ValueError(f'{self.name} must take maps, {", ".join(given)}: {error}.') from error
        env = self.env(maps, **given)
        if not isinstance(env, Env):
            raise ValueError(f'{self.name} must make a megastep.env.Env, got {type(env).__name__}.')  # noqa: TRY004
        if env.core.num_agents != self.num_agents:
            raise ValueError(
                f'{self.name} must have num_agents as a keyword, so that it is known how many rows a world has: '
                f'{env.core.num_agents}, got {self.num_agents}.'
            )
        if episodes is not None and env.core.episodes is None:
            env.core.play(episodes)
        return env

    def trial(self, maps: MapSet, **options: Any) -> Env:
        """Trial env of one world, on the CPU: it is looked at, and not played in.

        It is made without a warning: what an env says of the goals that it would draw, such as that few pairs of spawns
        are near enough to one another, means nothing where fixed episodes are played.

        Args:
            maps: The maps.
            options: What every `Env` takes.

        Raises:
            ValueError: if it can't be made so.
        """
        with warnings.catch_warnings():
            warnings.simplefilter('ignore', UserWarning)
            return self.make(maps, self.num_agents, device='cpu', **options)

    def _takes(self, name: str) -> bool:
        """True if what makes the env takes a keyword, or hands on whatever it is given."""
        parameters = self._parameters()
        return name in parameters or any(each.kind is inspect.Parameter.VAR_KEYWORD for each in parameters.values())


def _simple(hint: Any) -> tuple[type, ...]:
    """The types among those of a hint that an option may be of: a word of ``str | MotionMaker``, for example."""
    kinds = (hint, *get_args(hint))
    found = tuple(kind for kind in KINDS if kind in kinds)
    return (*found, NoneType) if found and NoneType in kinds else found


def _check_kind(name: str, value: Any, kinds: tuple[type, ...]) -> None:
    """Raises unless a value is of one of some kinds. A bool is an integer only to Python; an integer is a number."""
    if type(value) not in kinds and not (type(value) is int and float in kinds):
        raise ValueError(f'{name} must be {" or ".join(KINDS.get(kind, "None") for kind in kinds)}, got {value!r}.')
