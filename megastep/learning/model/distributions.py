"""Distributions over actions of any Gymnasium space, given by a vector of numbers.

What is drawn is simple: integers from 0, or reals of about unit size. `Choice.actions` makes of it what an env takes.
"""

from __future__ import annotations

import math
from typing import Any, Protocol

import gymnasium
import numpy as np
import torch
from gymnasium.spaces import Box, Dict, Discrete, MultiBinary, MultiDiscrete, Tuple
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from megastep.learning.model.features import WIDE

LOG_STD_RANGE = (-5.0, 1.0)
"""How narrow and how wide a normal distribution may be: the logarithm of its standard deviation."""

Numbers = Float[Tensor, '*batch number']


class Choice(Protocol):
    """A family of distributions; each function takes the numbers that pick some of its members: (*batch, size)."""

    size: int
    """How many numbers pick one."""

    def sample(self, numbers: Numbers, generator: torch.Generator | None = None) -> Any:
        """Draws from each, without waiting for the device."""

    def mode(self, numbers: Numbers) -> Any:
        """What each is likeliest to draw."""

    def log_prob(self, numbers: Numbers, drawn: Any) -> Float[Tensor, '*batch']:
        """The logarithm of the probability, or density, of what was drawn."""

    def entropy(self, numbers: Numbers) -> Float[Tensor, '*batch']:
        """Each one's entropy, in nats."""

    def actions(self, drawn: Any) -> Any:
        """The actions that what was drawn stands for, as the space has them."""


def choice(space: gymnasium.Space) -> Choice:
    """The distributions over a space's actions.

    Raises:
        ValueError: if the space isn't `Discrete`, `MultiDiscrete`, `MultiBinary`, a `Box` with bounds or without, or a
            `Dict` or `Tuple` of these, or has no actions.
    """
    if isinstance(space, Discrete):
        return Categorical([int(space.n)], [int(space.start)], ())
    if isinstance(space, MultiDiscrete):
        return Categorical(space.nvec.reshape(-1).tolist(), space.start.reshape(-1).tolist(), space.shape)
    if isinstance(space, MultiBinary):
        return Categorical([2] * math.prod(space.shape), [0] * math.prod(space.shape), space.shape)
    if isinstance(space, Box) and np.issubdtype(space.dtype, np.floating):
        return Normal(space)
    if isinstance(space, (Dict, Tuple)) and len(space.spaces):
        return Joint(space)
    raise ValueError(
        f'actions must be Discrete, MultiDiscrete, MultiBinary, a Box of reals, or Dict or Tuple of these, got {space}.'
    )


class Categorical:
    """Some integers, independent of each other.

    Args:
        counts: How many values each has.
        starts: The least of them.
        shape: The actions' shape.
    """

    def __init__(self, counts: list[int], starts: list[int], shape: tuple[int, ...]) -> None:
        self._counts, self._starts, self._shape, self.size = counts, starts, shape, sum(counts)

    def _parts(self, numbers: Numbers) -> tuple[Tensor, ...]:
        return numbers.split(self._counts, dim=-1)

    def sample(self, numbers, generator=None):
        noise = torch.empty_like(numbers).exponential_(generator=generator).log()  # minus it has Gumbel's distribution
        return self.mode(numbers - noise)

    def mode(self, numbers):
        return torch.stack([part.argmax(dim=-1) for part in self._parts(numbers)], dim=-1)

    def log_prob(self, numbers, drawn):
        logs = [functional.log_softmax(part, dim=-1) for part in self._parts(numbers)]
        return sum(log.gather(-1, drawn[..., i, None])[..., 0] for i, log in enumerate(logs))

    def entropy(self, numbers):
        logs = [functional.log_softmax(part, dim=-1) for part in self._parts(numbers)]
        return sum(-(log.exp() * log).sum(dim=-1) for log in logs)

    def actions(self, drawn):
        columns = [column + start for column, start in zip(drawn.unbind(-1), self._starts, strict=True)]
        return torch.stack(columns, dim=-1).reshape(*drawn.shape[:-1], *self._shape)


class Normal:
    """Reals, independent of each other: half of the numbers are means, the others logarithms of standard deviations.

    What is drawn is in units of half the box's range, from its middle; where the box has no bounds, or hardly any, it
    is in units of 1, from what is nearest to 0. As actions it is clipped to the bounds, but its density is that of what
    was drawn.
    """

    def __init__(self, space: Box) -> None:
        self._shape, self._count = space.shape, math.prod(space.shape)
        self.size = 2 * self._count
        low, high = space.low.reshape(-1).astype(np.float64), space.high.reshape(-1).astype(np.float64)
        with np.errstate(invalid='ignore'):  # as infinite bounds have no middle
            spread, middle = high - low, (low + high) / 2
        bounded = spread <= WIDE
        self._middle = np.where(bounded, middle, np.clip(0, low, high)).tolist()
        self._half = np.where(bounded, spread / 2, 1).tolist()
        self._bounds = list(zip(low.tolist(), high.tolist(), strict=True))

    def _parts(self, numbers: Numbers) -> tuple[Tensor, Tensor]:
        means, log_stds = numbers.split(self._count, dim=-1)
        return means, log_stds.clamp(*LOG_STD_RANGE)

    def sample(self, numbers, generator=None):
        means, log_stds = self._parts(numbers)
        return means + log_stds.exp() * torch.empty_like(means).normal_(generator=generator)

    def mode(self, numbers):
        return self._parts(numbers)[0]

    def log_prob(self, numbers, drawn):
        means, log_stds = self._parts(numbers)
        deviations = (drawn - means) * (-log_stds).exp()
        return -(deviations**2 / 2 + log_stds + math.log(2 * math.pi) / 2).sum(dim=-1)

    def entropy(self, numbers):
        return (self._parts(numbers)[1] + math.log(2 * math.pi * math.e) / 2).sum(dim=-1)

    def actions(self, drawn):
        columns = [
            (column * half + middle).clamp(*bounds)
            for column, half, middle, bounds in zip(
                drawn.unbind(-1), self._half, self._middle, self._bounds, strict=True
            )
        ]
        return torch.stack(columns, dim=-1).reshape(*drawn.shape[:-1], *self._shape)


class Joint:
    """Several choices, independent of each other, by name or in a tuple."""

    def __init__(self, space: Dict | Tuple) -> None:
        self._names = list(space.spaces) if isinstance(space, Dict) else None
        spaces = space.spaces.values() if isinstance(space, Dict) else space.spaces
        self._choices = [choice(part) for part in spaces]
        self._sizes = [part.size for part in self._choices]
        self.size = sum(self._sizes)

    def _nested(self, values: list[Any]) -> Any:
        return tuple(values) if self._names is None else dict(zip(self._names, values, strict=True))

    def _listed(self, nested: Any) -> list[Any]:
        return list(nested) if self._names is None else [nested[name] for name in self._names]

    def _each(self, numbers: Numbers) -> Any:
        return zip(self._choices, numbers.split(self._sizes, dim=-1), strict=True)

    def sample(self, numbers, generator=None):
        return self._nested([part.sample(values, generator) for part, values in self._each(numbers)])

    def mode(self, numbers):
        return self._nested([part.mode(values) for part, values in self._each(numbers)])

    def log_prob(self, numbers, drawn):
        pairs = zip(self._each(numbers), self._listed(drawn), strict=True)
        return sum(part.log_prob(values, one) for (part, values), one in pairs)

    def entropy(self, numbers):
        return sum(part.entropy(values) for part, values in self._each(numbers))

    def actions(self, drawn):
        pairs = zip(self._choices, self._listed(drawn), strict=True)
        return self._nested([part.actions(one) for part, one in pairs])
