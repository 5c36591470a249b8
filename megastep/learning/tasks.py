"""Tasks by name, and the maps that each is trained in unless others are given."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import torch

import envs
from megastep import mapgen
from megastep.env import Env
from megastep.machine import num_cores
from megastep.mapset import MapSet
from megastep.navigation import Navigation

DEFAULT_MAPS: dict[str, dict[str, Any]] = {
    'minimal': {'family': 'box', 'count': 8},
    'waypoint': {'family': 'box', 'count': 8},
    'deathmatch': {'family': 'arena', 'count': 64, 'width': (8, 12), 'height': (8, 12)},
}
"""What `mapgen.generate` makes for a task; `HOUSES` for those that aren't here."""

HOUSES: dict[str, Any] = {'family': 'house', 'count': 256}


def tasks() -> dict[str, Callable[..., Env]]:
    """The tasks there are, by their names in lower case."""
    return {name.lower(): getattr(envs, name) for name in envs.__all__}


def task(name: str) -> Callable[..., Env]:
    """The task of a name.

    Raises:
        ValueError: if there is no such task.
    """
    if name not in tasks():
        raise ValueError(f'env must be one of {", ".join(tasks())}, got {name!r}.')
    return tasks()[name]


def num_agents(name: str) -> int:
    """How many agents, and so rows, a world of the task has."""
    parameter = inspect.signature(task(name)).parameters.get('num_agents')
    return 1 if parameter is None else parameter.default


def default_maps(name: str, *, seed: int = 0) -> MapSet:
    """The maps that a task is trained in unless others are given.

    Raises:
        ValueError: if there is no such task.
    """
    task(name)
    return mapgen.generate(**DEFAULT_MAPS.get(name, HOUSES), seed=seed)


def make(name: str, maps: MapSet, *, num_envs: int, device: str | torch.device | None = None, **options: Any) -> Env:
    """Makes an env of a task.

    Args:
        name: The task, in lower case.
        maps: The maps.
        num_envs: How many agents there are in all.
        device: Where they are; by default the GPU if there is one.
        options: What the task takes besides.

    Raises:
        ValueError: if there is no such task, or it can't be made so.
    """
    if 'navigation' in inspect.signature(task(name)).parameters and 'navigation' not in options:
        options['navigation'] = Navigation.pack(maps, device, workers=num_cores())  # many maps take their time
    return task(name)(maps, num_envs=num_envs, device=device, **options)
