"""Feature vectors of observations of any Gymnasium space."""

from __future__ import annotations

from collections.abc import Iterator
from types import ModuleType
from typing import Any

import gymnasium
import numpy as np
import torch
from gymnasium.spaces import Box, Dict, Discrete, MultiBinary, MultiDiscrete, Tuple
from jaxtyping import Float
from torch import Tensor, nn

from megastep.learning.model.feature_scaling import scaled

WIDE = 1000.0
"""The bounds of a box that are further apart than this say nothing about the values to expect."""


class Features(nn.Module):
    """Feature vectors: observations written as numbers of about unit size. There is nothing to learn in it.

    The parts of a `Dict` or `Tuple` come one after another. Integers are one-hot. A box's values are flattened: those
    with bounds are scaled to -1 to 1, and the others squashed, to sign(x) log(1 + |x|).

    Args:
        space: One observation's space.

    Attributes:
        size: How long the vectors are.

    Raises:
        ValueError: if a space is of another kind, or has no values.
    """

    def __init__(self, space: gymnasium.Space) -> None:
        super().__init__()
        self._keys, spaces = _parts(space)
        parts = [Features(part) if isinstance(part, (Dict, Tuple)) else _leaf(part) for part in spaces]
        self._parts = nn.ModuleList(parts)
        self.size: int = sum([part.size for part in parts])
        if not self.size:
            raise ValueError(f'observations must have values, got {space}.')
        for name in ('middle', 'scale', 'bounded'):
            self.register_buffer(name, torch.cat([getattr(part, name) for part in parts]), persistent=False)

    def forward(self, observations: Any) -> Float[Tensor, '*batch feature']:
        """Writes observations, nested as their space is, with any number of leading axes, as vectors in float32."""
        values = [observations] if self._keys is None else [observations[key] for key in self._keys]
        vectors = [part(value) for part, value in zip(self._parts, values, strict=True)]
        return vectors[0] if len(vectors) == 1 else torch.cat(vectors, dim=-1)

    def write(self, observations: Any, vectors: Float[Tensor, 'row feature']) -> None:
        """Writes observations of some rows into vectors, in the type of these: what `forward` does, in fewer launches.

        Args:
            observations: All rows', nested as their space is.
            vectors: Written; they may be longer, and what is behind stays.
        """
        firsts, numbers = [], []
        for first, part, values in self._leaves(observations):
            if isinstance(part, _Values):
                firsts.append(first)
                numbers.append(_flattened(values, part.axes))
            else:
                vectors[:, first : first + part.size] = part(values)
        if numbers:
            kernels = _kernels(vectors)
            kernels.write_scaled(self.middle, self.scale, self.bounded, numbers, firsts, vectors)

    def _leaves(self, observations: Any, first: int = 0) -> Iterator[tuple[int, _OneHot | _Values, Tensor]]:
        """The parts that have no parts, the column in which each begins, and its values."""
        values = [observations] if self._keys is None else [observations[key] for key in self._keys]
        for part, value in zip(self._parts, values, strict=True):
            if isinstance(part, Features):
                yield from part._leaves(value, first)
            elif part.size:
                yield first, part, value  # type: ignore[misc]  # PyTorch takes any module for one
            first += part.size  # type: ignore[assignment, operator]


def _parts(space: gymnasium.Space) -> tuple[list[Any] | None, list[gymnasium.Space]]:
    """The spaces in a space and how to get at their values; no keys if it is a leaf itself."""
    if isinstance(space, Dict):
        return list(space.spaces), list(space.spaces.values())
    if isinstance(space, Tuple):
        return list(range(len(space.spaces))), list(space.spaces)
    return None, [space]


def _leaf(space: gymnasium.Space) -> _OneHot | _Values:
    if isinstance(space, Box):
        return _Values(space.low, space.high)
    if isinstance(space, MultiBinary):
        return _Values(np.zeros(space.shape), np.ones(space.shape))
    if isinstance(space, Discrete):
        return _OneHot([int(space.n)], [int(space.start)], axes=0)
    if isinstance(space, MultiDiscrete):
        return _OneHot(space.nvec.reshape(-1).tolist(), space.start.reshape(-1).tolist(), axes=len(space.shape))
    raise ValueError(
        f'observations must be Box, Discrete, MultiDiscrete, MultiBinary, or Dict or Tuple of these, got {space}.'
    )


class _OneHot(nn.Module):
    """Integers of known ranges, one-hot."""

    def __init__(self, counts: list[int], starts: list[int], axes: int) -> None:
        super().__init__()
        self._ranges, self._axes, self.size = list(zip(starts, counts, strict=True)), axes, sum(counts)
        for name, value in (('middle', 0.0), ('scale', 1.0), ('bounded', True)):  # which isn't looked at
            self.register_buffer(name, torch.full((self.size,), value), persistent=False)

    def forward(self, values: Tensor) -> Float[Tensor, '*batch feature']:
        flat = _flattened(values, self._axes)
        columns = [
            flat[..., i, None] == torch.arange(start, start + count, device=values.device)
            for i, (start, count) in enumerate(self._ranges)
        ]
        return torch.cat(columns, dim=-1).float()


class _Values(nn.Module):
    """Numbers, scaled if they have bounds and squashed if not."""

    middle: Tensor
    scale: Tensor
    bounded: Tensor

    def __init__(self, low: np.ndarray, high: np.ndarray) -> None:
        super().__init__()
        self.axes, self.size = low.ndim, low.size
        low, high = low.reshape(-1).astype(np.float64), high.reshape(-1).astype(np.float64)
        with np.errstate(invalid='ignore'):  # as infinite bounds have no middle
            spread, middle = high - low, (low + high) / 2
        bounded = spread <= WIDE
        middle, half = np.where(bounded, middle, 0), np.where(bounded & (spread > 0), spread / 2, 1)
        for name, values in (('middle', middle), ('scale', 1 / half)):
            self.register_buffer(name, torch.from_numpy(values).float(), persistent=False)
        self.register_buffer('bounded', torch.from_numpy(bounded), persistent=False)

    def forward(self, values: Tensor) -> Float[Tensor, '*batch feature']:
        flat = _flattened(values, self.axes).float()
        return scaled(flat, self.middle, self.scale, self.bounded)


def _flattened(values: Tensor, axes: int) -> Tensor:
    """Makes the last so many axes one."""
    return values.flatten(-axes) if axes else values[..., None]


def _kernels(tensor: Tensor) -> ModuleType:
    """The module that writes features: a kernel's on a GPU. Imported on use, so a CPU needs no Triton."""
    if tensor.is_cuda:
        from megastep.triton.network import features as kernels
    else:
        from megastep.learning.model import feature_scaling as kernels  # type: ignore[no-redef]
    return kernels
