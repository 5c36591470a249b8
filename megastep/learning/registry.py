"""Tasks to learn: the envs by name, as they are asked for."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, get_args, get_type_hints

import torch

import envs
from megastep.env import Env
from megastep.env.variation import SHARED
from megastep.evaluation.opponents import Opponents
from megastep.maps.mapset import MapSet

KINDS: dict[type, tuple[tuple[type, ...], str]] = {
    bool: ((bool,), 'True or False'),
    int: ((int,), 'an integer'),
    float: ((int, float), 'a number'),
    str: ((str,), 'a word'),
}
"""The types of what may stand for an option of each type, and what to call them."""


def tasks() -> dict[str, type[Env]]:
    """The envs that can be asked for, by their names in lower case."""
    return {name.lower(): getattr(envs, name) for name in envs.__all__}


@dataclass(frozen=True)
class Task:
    """Env that can be made in any maps, with the options that it is made with.

    Args:
        env: Makes it, of maps, ``num_envs``, ``device``, ``seed`` and options; and says all else that has to be known
            of it: see `Env.scores`, `Env.default_maps` and `Env.scripted_opponent`.
        options: What it takes that isn't to be as it is by default, such as ``{'reward': 'sparse'}``.

    Raises:
        ValueError: if it takes no such option, or none of such a type.
    """

    env: type[Env]
    options: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        taken = self._taken()
        if unknown := sorted(set(self.options) - set(taken)):
            raise ValueError(f'options of {self.name} may be {", ".join(taken)}, got {", ".join(unknown)}.')
        for name, value in self.options.items():
            _check_kind(name, value, taken[name])

    @classmethod
    def of(cls, env: str | type[Env], options: Mapping[str, Any] | None = None) -> Task:
        """The task of an env, given the env or its name.

        Args:
            env: A class of envs, or the name of one in lower case.
            options: As `Task` takes them.

        Raises:
            ValueError: if there is no such env, or it takes no such option, or none of such a type.
        """
        if isinstance(env, str) and env not in tasks():
            raise ValueError(f'env must be one of {", ".join(tasks())}, got {env!r}.')
        return cls(tasks()[env] if isinstance(env, str) else env, options or {})

    @property
    def name(self) -> str:
        """The env's name: in lower case if it can be asked for by that, otherwise that of its module and its own."""
        known = {env: name for name, env in tasks().items()}
        return known.get(self.env, f'{self.env.__module__}:{self.env.__qualname__}')

    def _parameters(self) -> Mapping[str, inspect.Parameter]:
        return inspect.signature(self.env).parameters

    def _taken(self) -> dict[str, type]:
        """The types of the options that the env takes, by name: keywords for words, numbers and the like."""
        hints = get_type_hints(self.env.__init__)
        kinds = {name: parameter.kind for name, parameter in self._parameters().items()}
        names = [name for name, kind in kinds.items() if kind is inspect.Parameter.KEYWORD_ONLY and name != 'seed']
        hints = {name: str if str in get_args(hint) else hint for name, hint in hints.items()}
        own = {name: hints[name] for name in names if hints.get(name) in KINDS}
        takes_more = inspect.Parameter.VAR_KEYWORD in kinds.values()
        return {**own, **{name: kind for name, kind in SHARED.items() if takes_more and name not in own}}

    @property
    def num_agents(self) -> int:
        """The number of agents, and so of rows, that a world has."""
        parameter = self._parameters().get('num_agents')
        return self.options.get('num_agents', 1 if parameter is None else parameter.default)

    def opponents(self, env: Env, count: int) -> Opponents | None:
        """Opponents that act by the env's script: the last so many agents of each world; None if there are none.

        Args:
            env: The env, as the task has made it.
            count: How many of each world.

        Raises:
            ValueError: if the env has no script, or there would be nobody left to learn.
        """
        if count == 0:
            return None
        if (script := env.scripted_opponent()) is None:
            raise ValueError(f'opponents must be 0 in {self.name}, which has no script for any, got {count!r}.')
        most = self.num_agents - 1
        if not isinstance(count, int) or not 0 <= count <= most:
            raise ValueError(f'opponents must be an integer from 0 to {most} in {self.name}, got {count!r}.')
        numbers = torch.arange(env.num_envs, device=env.device) % self.num_agents
        return Opponents(numbers >= self.num_agents - count, script)

    def make(
        self, maps: MapSet, num_envs: int, *, device: str | torch.device | None = None, seed: int = 0, **options: Any
    ) -> Env:
        """Makes the env.

        Args:
            maps: The maps.
            num_envs: How many agents there are in all.
            device: Where they are; by default the GPU if there is one.
            seed: Seeds the env.
            options: What every `Env` takes.

        Raises:
            ValueError: if it can't be made so.
        """
        make: Any = self.env  # which has parameters of its own
        return make(maps, num_envs=num_envs, device=device, seed=seed, **self.options, **options)


def _check_kind(name: str, value: Any, kind: type) -> None:
    """Raises unless a value is of a kind. A bool is an integer only to Python."""
    types, called = KINDS[kind]
    if type(value) not in types:
        raise ValueError(f'{name} must be {called}, got {value!r}.')
