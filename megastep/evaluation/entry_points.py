"""Entry points of envs: what makes one, by its name, its import path or its Gymnasium id; and by what it is found."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from functools import partial
from importlib import import_module
from typing import Any, get_type_hints

import gymnasium
from gymnasium.envs.registration import load_env_creator

from megastep import envs
from megastep.env import Env

MakesEnv = Callable[..., Env]
"""Makes an env: a class of envs, or a function. It is given maps, ``num_envs``, ``device``, ``seed`` and options."""

IMPORT_PATH = re.compile(r'([\w.]+):([^\W\d][\w.]*)')
"""Import path: a module, a colon, and a name in it. A Gymnasium id has a slash or a version after the colon."""


def tasks() -> dict[str, type[Env]]:
    """The envs that can be asked for by a word: their names in lower case."""
    return {name.lower(): getattr(envs, name) for name in envs.__all__}


def find(name: str) -> MakesEnv:
    """The entry point of a name: what makes its env.

    Args:
        name: One of ours in lower case, ``'module:Class'`` or ``'module:function'``, or a Gymnasium id, with the module
            that registers it before a colon if need be.

    Raises:
        ValueError: if there is none.
    """
    if name in tasks():
        return tasks()[name]
    if path := IMPORT_PATH.fullmatch(name):
        return _imported(name, *path.groups())
    if '<' in name or '(' in name:
        raise ValueError(f"env must be one that can be found by its name, got {name!r}, which wasn't in a module.")
    if ':' in name or '/' in name:
        return _registered(name)
    raise ValueError(
        f'env must be one of {", ".join(tasks())}, module:Class, module:function or a Gymnasium id, got {name!r}.'
    )


def _module(name: str, module: str) -> Any:
    try:
        return import_module(module)
    except Exception as error:  # whatever a module of somebody else's raises
        why = f'{type(error).__name__}: {" ".join(str(error).split())}'
        raise ValueError(f'env must be of a module that can be imported, got {name!r}: {why}') from error


def _imported(name: str, module: str, path: str) -> MakesEnv:
    found = _module(name, module)
    for part in path.split('.'):
        if not hasattr(found, part):
            raise ValueError(f'env must be in its module, got {name!r}: there is no {part} in {module}.')
        found = getattr(found, part)
    return checked(found)


def _registered(name: str) -> MakesEnv:
    module, _, identifier = name.rpartition(':')
    if module:
        _module(name, module)
    spec = gymnasium.registry.get(identifier)
    if spec is None or spec.vector_entry_point is None:
        why = 'nothing is registered so' if spec is None else 'it has no vector_entry_point'
        raise ValueError(f'env must be the Gymnasium id of a vector env, got {name!r}: {why}.')
    entry: Any = spec.vector_entry_point
    made = load_env_creator(entry) if isinstance(entry, str) else entry
    return checked(partial(made, **spec.kwargs) if spec.kwargs else made)


def checked(env: Any) -> MakesEnv:
    """The entry point itself, if it may be one.

    Raises:
        ValueError: if it isn't a class of envs, nor another callable.
    """
    if not callable(env) or (isinstance(env, type) and not issubclass(env, Env)):
        raise ValueError(f'env must be a class of megastep.env.Env or a function that makes one, got {env!r}.')  # noqa: TRY004
    return env


def class_of(env: MakesEnv) -> type[Env]:
    """The class of the envs that are made, as far as that is known: of a function, what it says that it returns."""
    inner = innermost(env)
    if isinstance(inner, type):
        return inner
    returned = hints(inner).get('return')
    return returned if isinstance(returned, type) and issubclass(returned, Env) else Env


def hints(function: Any) -> dict[str, Any]:
    """A function's type hints; none if one of them can't be read, as those of names that are imported for types are."""
    try:
        return get_type_hints(getattr(function, '__init__') if isinstance(function, type) else function)  # noqa: B009
    except (NameError, TypeError, AttributeError):
        return {}


def innermost(env: Any) -> Any:
    """The innermost callable, if one is wrapped in `functools.partial`."""
    while isinstance(env, partial):
        env = env.func
    return env


def name_of(env: MakesEnv) -> str:
    """The name by which an env is found again, or, where it can't be, by which it is known: see `is_found`."""
    for name, known in tasks().items():
        if env is known:
            return name
    if isinstance(env, partial):
        return f'partial({name_of(env.func)})'
    owner: Any = env if hasattr(env, '__qualname__') else type(env)
    return f'{owner.__module__}:{owner.__qualname__}'


def is_found(env: MakesEnv) -> bool:
    """True if another process finds an env by its name. One of `__main__`, or made within a function, it doesn't."""
    name = name_of(env)
    if env in tasks().values():
        return True
    path = IMPORT_PATH.fullmatch(name)
    if path is None or path.group(1) == '__main__':
        return False
    found: Any = sys.modules.get(path.group(1))
    for part in path.group(2).split('.'):
        found = getattr(found, part, None)
    return found is env
