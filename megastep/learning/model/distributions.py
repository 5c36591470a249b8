"""Distributions over actions of any Gymnasium space, each given by a vector of logits.

Samples are simple: integers from 0, or reals of about unit size. `Distribution.actions` makes actions of them.
"""

from __future__ import annotations

import math
from types import ModuleType
from typing import Any, Protocol

import gymnasium
import numpy as np
import torch
from gymnasium.spaces import Box, Dict, Discrete, MultiBinary, MultiDiscrete, Tuple
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from megastep.learning.model.features import WIDE
from megastep.learning.model.sampling import likeliest
from megastep.world.random_numbers import KeyedStreams

LOG_STD_RANGE = (-2.0, 1.0)
"""The bounds of a normal distribution's width: the logarithm of its standard deviation. Below, updates of a usual size
would change an action's probability by so much that what was learnt is lost: seen in `Racing`, with a bound of -5."""

Logits = Float[Tensor, '*batch logit']


Source = torch.Generator | KeyedStreams
"""What samples are drawn from: a generator, or a stream for each row."""


def drawn(method: str, like: Tensor, source: Source | None) -> Tensor:
    """Random numbers of a tensor's shape, as PyTorch's method of a name draws them."""
    empty = torch.empty_like(like)
    if isinstance(source, KeyedStreams):
        return getattr(source, method)(empty)
    return getattr(empty, method)(generator=source)


def _kernels(tensor: Tensor) -> ModuleType:
    """The module that draws samples: a kernel's on a GPU. Imported on use, so a CPU needs no Triton."""
    if tensor.is_cuda:
        from megastep.triton.network import sampling as kernels
    else:
        from megastep.learning.model import sampling as kernels  # type: ignore[no-redef]
    return kernels


class Distribution(Protocol):
    """Family of probability distributions over actions; each function takes the logits of some of its members.

    Logits, (*batch, size), are the unbounded numbers that a network puts out: of integers, the logarithms of their
    probabilities up to a constant; of reals, means and the logarithms of standard deviations.
    """

    size: int
    """The number of logits of a member."""

    def sample(self, logits: Logits, generator: Source | None = None) -> Any:
        """A sample of each, drawn without waiting for the device."""

    def mode(self, logits: Logits) -> Any:
        """The likeliest sample of each."""

    def log_prob(self, logits: Logits, samples: Any) -> Float[Tensor, '*batch']:
        """The logarithm of the samples' probability, or density."""

    def entropy(self, logits: Logits) -> Float[Tensor, '*batch']:
        """The entropy of each, in nats."""

    def actions(self, samples: Any) -> Any:
        """The actions that samples stand for, as the space has them; they may share the samples' memory."""


def distribution(space: gymnasium.Space, bins: int = 0) -> Distribution:
    """The family of distributions over a space's actions.

    Args:
        space: One agent's actions.
        bins: The number of values that a bounded real may take: see `Binned`; 0 for normal distributions.

    Raises:
        ValueError: if the space isn't `Discrete`, `MultiDiscrete`, `MultiBinary`, a `Box` with bounds or without, or a
            `Dict` or `Tuple` of these, or has no actions; or if there are bins, and a real without bounds.
    """
    if isinstance(space, Discrete):
        return Categorical([int(space.n)], [int(space.start)], ())
    if isinstance(space, MultiDiscrete):
        return Categorical(space.nvec.reshape(-1).tolist(), space.start.reshape(-1).tolist(), space.shape)
    if isinstance(space, MultiBinary):
        return Categorical([2] * math.prod(space.shape), [0] * math.prod(space.shape), space.shape)
    if isinstance(space, Box) and np.issubdtype(space.dtype, np.floating):
        return Binned(space, bins) if bins else Normal(space)
    if isinstance(space, (Dict, Tuple)) and len(space.spaces):
        return Joint(space, bins)
    raise ValueError(
        f'actions must be Discrete, MultiDiscrete, MultiBinary, a Box of reals, or Dict or Tuple of these, got {space}.'
    )


class Categorical:
    """Categorical distributions: some integers, independent of each other.

    Args:
        counts: How many values each has.
        starts: The least of them.
        shape: The actions' shape.

    Attributes:
        counts: How many values each has.
        size: How many logits there are.
    """

    def __init__(self, counts: list[int], starts: list[int], shape: tuple[int, ...]) -> None:
        self.counts, self._starts, self._shape, self.size = counts, starts, shape, sum(counts)

    def _parts(self, logits: Logits) -> tuple[Tensor, ...]:
        return logits.split(self.counts, dim=-1)

    def sample(self, logits, generator=None):
        return _kernels(logits).sampled(logits, drawn('exponential_', logits, generator), self.counts)

    def mode(self, logits):
        return likeliest(logits, self.counts)

    def log_prob(self, logits, samples):
        logs = [functional.log_softmax(part, dim=-1) for part in self._parts(logits)]
        return sum(log.gather(-1, samples[..., i, None])[..., 0] for i, log in enumerate(logs))

    def entropy(self, logits):
        logs = [functional.log_softmax(part, dim=-1) for part in self._parts(logits)]
        return sum(-(log.exp() * log).sum(dim=-1) for log in logs)

    def actions(self, samples):
        if any(self._starts):
            columns = [column + start for column, start in zip(samples.unbind(-1), self._starts, strict=True)]
            samples = torch.stack(columns, dim=-1)
        return samples.reshape(*samples.shape[:-1], *self._shape)


class Normal:
    """Normal distributions: reals, independent of each other.

    Half of the logits are means, the others logarithms of standard deviations. Samples are in units of half the box's
    range, from its middle; where the box has no bounds, or hardly any, in units of 1, from what is nearest to 0.
    Actions are clipped to the bounds, but a density is that of the samples.
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

    def _parts(self, logits: Logits) -> tuple[Tensor, Tensor]:
        means, log_stds = logits.split(self._count, dim=-1)
        return means, log_stds.clamp(*LOG_STD_RANGE)

    def sample(self, logits, generator=None):
        means, log_stds = self._parts(logits)
        return means + log_stds.exp() * drawn('normal_', means, generator)

    def mode(self, logits):
        return self._parts(logits)[0]

    def log_prob(self, logits, samples):
        means, log_stds = self._parts(logits)
        deviations = (samples - means) * (-log_stds).exp()
        return -(deviations**2 / 2 + log_stds + math.log(2 * math.pi) / 2).sum(dim=-1)

    def entropy(self, logits):
        return (self._parts(logits)[1] + math.log(2 * math.pi * math.e) / 2).sum(dim=-1)

    def actions(self, samples):
        columns = [
            (column * half + middle).clamp(*bounds)
            for column, half, middle, bounds in zip(
                samples.unbind(-1), self._half, self._middle, self._bounds, strict=True
            )
        ]
        return torch.stack(columns, dim=-1).reshape(*samples.shape[:-1], *self._shape)


class Binned(Categorical):
    """Categorical distributions over reals: each takes one of some values, evenly spaced from bound to bound.

    Such a distribution can have two peaks, to pass a wall on either side, and its spread can't collapse as a normal
    one's can (Tang and Agrawal, "Discretizing continuous action space for on-policy optimization", 2020).

    Args:
        space: The box.
        bins: The number of values; if it is odd, the middle is one of them.

    Raises:
        ValueError: if the box isn't bounded, or there are fewer than 2 bins.
    """

    def __init__(self, space: Box, bins: int) -> None:
        if bins < 2:
            raise ValueError(f'the bins of a real must be 0, or at least 2, got {bins}.')
        low, high = space.low.reshape(-1).astype(np.float64), space.high.reshape(-1).astype(np.float64)
        if not (np.isfinite(low) & np.isfinite(high)).all():
            raise ValueError(f'actions of {bins} bins must have bounds, got {space}.')
        super().__init__([bins] * len(low), [0] * len(low), space.shape)
        self._ranges = list(zip(low.tolist(), high.tolist(), strict=True))
        self._last = bins - 1

    def actions(self, samples):
        columns = [
            (low + column.float() * ((high - low) / self._last)).clamp(low, high)  # rounding may lead beyond
            for column, (low, high) in zip(samples.unbind(-1), self._ranges, strict=True)
        ]
        return torch.stack(columns, dim=-1).reshape(*samples.shape[:-1], *self._shape)


class Joint:
    """Joint distribution of several, independent of each other, by name or in a tuple."""

    def __init__(self, space: Dict | Tuple, bins: int = 0) -> None:
        self._names = list(space.spaces) if isinstance(space, Dict) else None
        spaces = space.spaces.values() if isinstance(space, Dict) else space.spaces
        self._members = [distribution(part, bins) for part in spaces]
        self._sizes = [part.size for part in self._members]
        self.size = sum(self._sizes)

    def _nested(self, values: list[Any]) -> Any:
        return tuple(values) if self._names is None else dict(zip(self._names, values, strict=True))

    def _listed(self, nested: Any) -> list[Any]:
        return list(nested) if self._names is None else [nested[name] for name in self._names]

    def _each(self, logits: Logits) -> Any:
        return zip(self._members, logits.split(self._sizes, dim=-1), strict=True)

    def sample(self, logits, generator=None):
        return self._nested([part.sample(values, generator) for part, values in self._each(logits)])

    def mode(self, logits):
        return self._nested([part.mode(values) for part, values in self._each(logits)])

    def log_prob(self, logits, samples):
        pairs = zip(self._each(logits), self._listed(samples), strict=True)
        return sum(part.log_prob(values, one) for (part, values), one in pairs)

    def entropy(self, logits):
        return sum(part.entropy(values) for part, values in self._each(logits))

    def actions(self, samples):
        pairs = zip(self._members, self._listed(samples), strict=True)
        return self._nested([part.actions(one) for part, one in pairs])
