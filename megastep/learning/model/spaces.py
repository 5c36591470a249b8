"""Spaces of an agent's observations and actions, and how JSON has them."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import gymnasium
import numpy as np
from gymnasium.spaces import Box, Dict, Discrete, MultiBinary, MultiDiscrete, Tuple

if TYPE_CHECKING:
    from megastep.env import Env


MOST, SHOWN = 1 << 24, 1000
"""The most numbers that a space of a file may hold; and the most letters of what isn't a space that an error quotes."""


class Spaces(NamedTuple):
    """Spaces of one agent.

    Args:
        observation: Its observations.
        action: Its actions.
        auxiliary: What it isn't told and is taught to predict; None if there is nothing.
    """

    observation: gymnasium.Space
    action: gymnasium.Space
    auxiliary: gymnasium.Space | None

    @classmethod
    def of(cls, env: Env) -> Spaces:
        """The spaces of an env's agents."""
        return cls(env.single_observation_space, env.single_action_space, env.auxiliary_space)

    def json(self) -> dict[str, Any]:
        """The spaces as JSON has them, by name."""
        return {name: None if space is None else to_json(space) for name, space in self._asdict().items()}

    @classmethod
    def of_json(cls, values: Any) -> Spaces:
        """The spaces that JSON has.

        Raises:
            ValueError: if one is missing or can't be read.
        """
        if not isinstance(values, Mapping) or set(values) != set(cls._fields):
            raise ValueError(f'spaces must have {", ".join(cls._fields)}, got {values!r}.')
        auxiliary = values['auxiliary']
        return cls(
            from_json(values['observation']),
            from_json(values['action']),
            None if auxiliary is None else from_json(auxiliary),
        )


def to_json(space: gymnasium.Space) -> dict[str, Any]:
    """A space as JSON has it: its type, and what that is made of.

    Raises:
        ValueError: if it is of another type than `Box`, `Discrete`, `MultiDiscrete`, `MultiBinary`, `Dict` or `Tuple`.
    """
    if isinstance(space, Box):
        bounds = {'low': _numbers(space.low), 'high': _numbers(space.high)}
        return {'type': 'Box', 'shape': list(space.shape), 'dtype': str(space.dtype), **bounds}
    if isinstance(space, Discrete):
        return {'type': 'Discrete', 'n': int(space.n), 'start': int(space.start)}
    if isinstance(space, MultiDiscrete):
        return {'type': 'MultiDiscrete', 'nvec': space.nvec.tolist(), 'start': space.start.tolist()}
    if isinstance(space, MultiBinary):
        return {'type': 'MultiBinary', 'shape': list(space.shape)}
    if isinstance(space, Dict):
        return {'type': 'Dict', 'spaces': [[name, to_json(part)] for name, part in space.spaces.items()]}
    if isinstance(space, Tuple):
        return {'type': 'Tuple', 'spaces': [to_json(part) for part in space.spaces]}
    kinds = 'Box, Discrete, MultiDiscrete, MultiBinary, Dict or Tuple'
    raise ValueError(f'a space must be {kinds} to be written down, got {space}.')


def from_json(values: Any) -> gymnasium.Space:
    """The space that `to_json` wrote.

    Raises:
        ValueError: if these are no values that it wrote.
    """
    try:
        return _read(values)
    except (KeyError, TypeError, AssertionError, AttributeError, ValueError, OverflowError, RecursionError) as error:
        raise ValueError(f'a space must be as it was written down, got {_beginning(values)}: {error!r}.') from error


def _read(values: Any) -> gymnasium.Space:
    return READ[values['type']](values)


def _beginning(values: Any) -> str:
    """The beginning of what isn't a space, in words."""
    try:
        text = repr(values)
    except RecursionError:
        return 'what is nested too deep'
    return text if len(text) <= SHOWN else f'{text[:SHOWN]}...'


def _numbers(bound: np.ndarray) -> Any:
    """A box's bounds: one number if all are equal. JSON has no infinite numbers, so that these are words."""
    if bound.size and (bound == bound.flat[0]).all():
        value = bound.flat[0].item()
        return value if np.isfinite(value) else str(value)
    return [_numbers(part) for part in bound] if bound.ndim else []


def _box(values: Any) -> Box:
    shape, dtype = _shape(values['shape']), np.dtype(values['dtype'])
    if dtype.kind not in 'biuf':
        raise ValueError(f'a Box must hold numbers, got {dtype}.')
    low, high = (np.array(_filled(values[name], shape), dtype).reshape(shape) for name in ('low', 'high'))
    return Box(low, high, shape, dtype.type)


def _shape(values: Any) -> tuple[int, ...]:
    """A shape that isn't out of all proportion: its numbers are there before anybody looks at them."""
    shape = tuple(values)
    if not all(type(size) is int and size >= 0 for size in shape) or math.prod(shape) > MOST:
        raise ValueError(f'a shape must be of at most {MOST} numbers, got {shape}.')
    return shape


def _filled(bound: Any, shape: tuple[int, ...]) -> Any:
    """A box's bounds, number by number."""
    if not isinstance(bound, list):
        return np.full(shape, float(bound) if isinstance(bound, str) else bound)
    return [_filled(part, shape[1:]) for part in bound]


READ: dict[str, Any] = {
    'Box': _box,
    'Discrete': lambda values: Discrete(values['n'], start=values['start']),
    'MultiDiscrete': lambda values: MultiDiscrete(values['nvec'], start=values['start']),
    'MultiBinary': lambda values: MultiBinary(_shape(values['shape'])),
    'Dict': lambda values: Dict(OrderedDict((name, _read(part)) for name, part in values['spaces'])),
    'Tuple': lambda values: Tuple([_read(part) for part in values['spaces']]),
}
"""What reads a space of each type."""
