"""Spaces of an agent's observations and actions, and how JSON has them."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import gymnasium
import numpy as np
from gymnasium.spaces import Box, Dict, Discrete, MultiBinary, MultiDiscrete, Tuple

if TYPE_CHECKING:
    from megastep.env import Env


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
        return READ[values['type']](values)
    except (KeyError, TypeError, AssertionError, AttributeError, ValueError) as error:
        raise ValueError(f'a space must be as it was written down, got {values!r}: {error!r}.') from error


def _numbers(bound: np.ndarray) -> Any:
    """A box's bounds: one number if all are equal. JSON has no infinite numbers, so that these are words."""
    if bound.size and (bound == bound.flat[0]).all():
        value = bound.flat[0].item()
        return value if np.isfinite(value) else str(value)
    return [_numbers(part) for part in bound] if bound.ndim else []


def _box(values: Any) -> Box:
    shape, dtype = tuple(values['shape']), np.dtype(values['dtype'])
    low, high = (np.array(_filled(values[name], shape), dtype).reshape(shape) for name in ('low', 'high'))
    return Box(low, high, shape, dtype.type)


def _filled(bound: Any, shape: tuple[int, ...]) -> Any:
    """A box's bounds, number by number."""
    if not isinstance(bound, list):
        return np.full(shape, float(bound) if isinstance(bound, str) else bound)
    return [_filled(part, shape[1:]) for part in bound]


READ: dict[str, Any] = {
    'Box': _box,
    'Discrete': lambda values: Discrete(values['n'], start=values['start']),
    'MultiDiscrete': lambda values: MultiDiscrete(values['nvec'], start=values['start']),
    'MultiBinary': lambda values: MultiBinary(values['shape']),
    'Dict': lambda values: Dict(OrderedDict((name, from_json(part)) for name, part in values['spaces'])),
    'Tuple': lambda values: Tuple([from_json(part) for part in values['spaces']]),
}
"""What reads a space of each type."""
