"""Argument checks that everyone shares. Each names the subject, the bound and the value."""

from __future__ import annotations

import inspect
import math
import os
import sys
from collections.abc import Sequence
from numbers import Integral, Real
from typing import Any

LARGEST_SEED = 2**64 - 1
"""A generator takes seeds of 64 bits."""


def is_integer(value: Any) -> bool:
    """True if a value is an integer of Python's or NumPy's; truth values aren't."""
    return isinstance(value, Integral) and not isinstance(value, bool)


def plain(value: Any) -> Any:
    """A number of NumPy's as Python has it, which is written and read alike everywhere; others as they are."""
    is_numpy = type(value).__module__ == 'numpy'  # which isn't imported here, for help comes without it
    return value.item() if is_numpy and getattr(value, 'shape', None) == () else value


def check_seed(seed: Any) -> None:
    """Raises a `ValueError` unless a seed is an integer that a generator takes."""
    if not is_integer(seed) or not 0 <= seed <= LARGEST_SEED:
        raise ValueError(f'seed must be an integer from 0 to {LARGEST_SEED}, got {seed!r}.')


def check_counts(**values: Any) -> None:
    """Raises a `ValueError` unless what is named are integers of at least 1."""
    for name, value in values.items():
        if not is_integer(value) or value < 1:
            raise ValueError(f'{name} must be an integer of at least 1, got {value!r}.')


def check_numbers(**values: Any) -> None:
    """Raises a `ValueError` unless what is named are real numbers, no larger than floats can be; NaN is one."""
    for name, value in values.items():
        if not isinstance(value, Real) or isinstance(value, bool):
            raise ValueError(f'{name} must be a number, got {value!r}.')  # noqa: TRY004, as for other values
        if isinstance(value, int) and abs(value) > sys.float_info.max:
            raise ValueError(
                f'{name} must be at most {sys.float_info.max:g}, got an integer of {value.bit_length()} bits.'
            )


def check_finite(**values: float) -> None:
    """Raises a `ValueError` unless what is named are numbers, neither infinite nor NaN."""
    check_numbers(**values)
    for name, value in values.items():
        if not math.isfinite(value):
            raise ValueError(f'{name} must be finite, got {value}.')


def check_at_least_zero(**values: float) -> None:
    """Raises a `ValueError` unless what is named are finite numbers of at least 0."""
    check_numbers(**values)
    for name, value in values.items():
        if not 0 <= value < math.inf:
            raise ValueError(f'{name} must be at least 0 and finite, got {value}.')


def check_above_zero(**values: float) -> None:
    """Raises a `ValueError` unless what is named are numbers above 0; they may be infinite."""
    check_numbers(**values)
    for name, value in values.items():
        if not value > 0:
            raise ValueError(f'{name} must be above 0, got {value}.')


def check_share(**values: float) -> None:
    """Raises a `ValueError` unless what is named are from 0 to 1."""
    check_numbers(**values)
    for name, value in values.items():
        if not 0 <= value <= 1:
            raise ValueError(f'{name} must be from 0 to 1, got {value}.')


def check_paths(**values: Any) -> None:
    """Raises a `ValueError` unless what is named are paths."""
    for name, value in values.items():
        if not isinstance(value, str | os.PathLike) or value == '':  # which would be the current folder
            raise ValueError(f'{name} must be a path, got {value!r}.')


def check_choice(choices: Sequence[str], **values: str) -> None:
    """Raises a `ValueError` unless what is named is among the choices."""
    for name, value in values.items():
        if value not in choices:
            raise ValueError(f'{name} must be one of {", ".join(map(repr, choices))}, got {value!r}.')


def check_crowd(num_envs: int, num_agents: int, *, fewest: int, most: int) -> None:
    """Raises a `ValueError` unless there are so many agents an env, and rows for all agents of some envs."""
    if not is_integer(num_agents) or not fewest <= num_agents <= most:
        raise ValueError(f'num_agents must be an integer from {fewest} to {most}, got {num_agents!r}.')
    if not is_integer(num_envs) or num_envs < 1 or num_envs % num_agents:
        raise ValueError(f'num_envs must be a multiple of num_agents, {num_agents}, got {num_envs!r}.')


def check_acts(**values: Any) -> None:
    """Raises a `ValueError` unless what is named can act: take all rows' observations, and where episodes begin."""
    for name, value in values.items():
        wanted = f'{name} must be a function of two arguments, observations and where episodes begin'
        if isinstance(value, type) or not callable(value):
            what = f'the class {value.__name__}: give one of it' if isinstance(value, type) else f'{value!r}'
            raise ValueError(f'{wanted}, got {what}.')  # noqa: TRY004, as for other values
        try:
            signature = inspect.signature(value)
        except (TypeError, ValueError):  # some of what is compiled doesn't say
            continue
        try:
            signature.bind(None, None)
        except TypeError as error:
            called = getattr(value, '__name__', type(value).__name__)
            raise ValueError(f'{wanted}, got {called}{signature}: {error}.') from None
