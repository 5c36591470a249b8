"""What can be learnt: the environments by name, as they are asked for, and maps for each."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, get_type_hints

import torch

import envs
from envs.gunner import Gunner
from megastep import mapgen
from megastep.env import Env
from megastep.evaluation.opponents import Opponents
from megastep.maps.mapset import MapSet

DEFAULT_MAPS: dict[str, dict[str, Any]] = {
    'minimal': {'family': 'box', 'count': 8},
    'waypoint': {'family': 'box', 'count': 8},
    'deathmatch': {'family': 'arena', 'count': 64, 'width': (8, 12), 'height': (8, 12)},
}
"""What `mapgen.generate` makes for a task; `HOUSES` for those that aren't here."""

HOUSES: dict[str, Any] = {'family': 'house', 'count': 256}

SCRIPTS: dict[str, Callable[..., Callable[[Any], torch.Tensor]]] = {'deathmatch': Gunner}
"""What scripted opponents act by, given the env, in the tasks that have some."""

APART = ('maps', 'num_envs', 'device', 'seed', 'cameras', 'geodesic_field', 'options')
"""What an env takes that isn't one of a task's options."""


KINDS: dict[type, tuple[tuple[type, ...], str]] = {
    bool: ((bool,), 'True or False'),
    int: ((int,), 'an integer'),
    float: ((int, float), 'a number'),
    str: ((str,), 'a word'),
}
"""The types of what may stand for an option of each type, and what to call them."""


def tasks() -> dict[str, Callable[..., Env]]:
    """The envs there are, by their names in lower case."""
    return {name.lower(): getattr(envs, name) for name in envs.__all__}


@dataclass(frozen=True)
class Task:
    """An env that can be made in any maps.

    Args:
        name: Its name, in lower case.
        options: What it takes that isn't to be as it is by default, such as ``{'reward': 'sparse'}``.

    Raises:
        ValueError: if there is no such env, or it takes no such option, or none of such a type.
    """

    name: str
    options: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.name not in tasks():
            raise ValueError(f'env must be one of {", ".join(tasks())}, got {self.name!r}.')
        taken = [name for name in self._parameters() if name not in APART]
        if unknown := sorted(set(self.options) - set(taken)):
            raise ValueError(f'options of {self.name} may be {", ".join(taken)}, got {", ".join(unknown)}.')
        hints = get_type_hints(tasks()[self.name].__init__)
        for name, value in self.options.items():
            _check_kind(name, value, hints[name])

    def _parameters(self) -> Mapping[str, inspect.Parameter]:
        return inspect.signature(tasks()[self.name]).parameters

    @property
    def num_agents(self) -> int:
        """How many agents, and so rows, a world has."""
        parameter = self._parameters().get('num_agents')
        return self.options.get('num_agents', 1 if parameter is None else parameter.default)

    def check_opponents(self, count: int) -> None:
        """Looks whether so many agents of each world can act by a script.

        Raises:
            ValueError: if the task has no script, or there would be nobody left to learn.
        """
        if count == 0:
            return
        if self.name not in SCRIPTS:
            raise ValueError(f'opponents must be 0 in {self.name}, which has no script for any, got {count!r}.')
        most = self.num_agents - 1
        if not isinstance(count, int) or not 0 <= count <= most:
            raise ValueError(f'opponents must be an integer from 0 to {most} in {self.name}, got {count!r}.')

    def opponents(self, env: Env, count: int) -> Opponents | None:
        """Opponents that act by a script: the last so many agents of each world; None if there are none.

        Raises:
            ValueError: as `check_opponents` does.
        """
        self.check_opponents(count)
        if count == 0:
            return None
        numbers = torch.arange(env.num_envs, device=env.device) % self.num_agents
        return Opponents(numbers >= self.num_agents - count, SCRIPTS[self.name](env))

    def default_maps(self, *, seed: int = 0) -> MapSet:
        """The maps that it is learnt in unless others are given."""
        return mapgen.generate(**DEFAULT_MAPS.get(self.name, HOUSES), seed=seed)

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
        return tasks()[self.name](maps, num_envs=num_envs, device=device, seed=seed, **self.options, **options)


def _check_kind(name: str, value: Any, kind: type) -> None:
    """Raises unless a value is of a kind. A bool is an integer only to Python."""
    types, called = KINDS[kind]
    if type(value) not in types:
        raise ValueError(f'{name} must be {called}, got {value!r}.')
