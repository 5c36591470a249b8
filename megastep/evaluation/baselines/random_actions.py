"""Random actions: a baseline for any env, drawn from counter-based random words."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import gymnasium
import numpy as np
import torch
from gymnasium.spaces import Box, Dict, Tuple
from jaxtyping import Bool, Float, Int64
from torch import Tensor

from megastep.env import Env
from megastep.env.nested import bounds, dtype_of
from megastep.env.noise.actions import leaf_spaces
from megastep.evaluation.play import Act

GOLDEN, FIRST, SECOND = -0x61C8864680B583EB, -0x40A7B892E31B1A47, -0x6B2FB644ECCEEE15
"""The increment and the multipliers of SplitMix64, as signed numbers."""


@dataclass(frozen=True)
class RandomActions:
    """Random policy: actions drawn uniformly from the action space, of whatever kind it is.

    Where a box has no bound, they are drawn as Gymnasium draws them: from a normal distribution if it has neither, from
    an exponential one beside the only bound. What a row draws depends on the seed, on the row's number and on how many
    steps it has had, not on how many rows there are or on the device.

    Args:
        seed: Another seed draws other actions.
    """

    seed: int = 0

    def for_env(self, env: Env) -> Act:
        """Makes who acts in an env."""
        leaves = [_Leaf(space, env.device) for space in leaf_spaces(env.single_action_space)]
        size = sum(leaf.size for leaf in leaves)
        rows = torch.arange(env.num_envs, device=env.device)
        keys = mixed(mixed(torch.tensor(self.seed, device=env.device)) + rows)
        elements = torch.arange(size, device=env.device)
        steps = torch.zeros((), dtype=torch.int64, device=env.device)

        def act(observations: Any, begins: Bool[Tensor, ' row']) -> Any:
            words = mixed(keys[:, None] + (steps * size + elements) * GOLDEN)
            steps.add_(1)
            parts = words.split([leaf.size for leaf in leaves], dim=-1)
            drawn = (leaf.drawn(part) for leaf, part in zip(leaves, parts, strict=True))
            return _nested(env.single_action_space, drawn)

        return act


def mixed(words: Int64[Tensor, '*batch']) -> Int64[Tensor, '*batch']:
    """Mixes the bits of words, as SplitMix64 does (Steele, Lea and Flood, 2014): neighbours come out unlike."""
    words = words + GOLDEN
    words = (words ^ _shifted(words, 30)) * FIRST
    words = (words ^ _shifted(words, 27)) * SECOND
    return words ^ _shifted(words, 31)


def _shifted(words: Int64[Tensor, '*batch'], by: int) -> Int64[Tensor, '*batch']:
    """Words shifted to the right as if they had no sign."""
    return (words >> by) & ((1 << (64 - by)) - 1)


def shares(words: Int64[Tensor, '*batch']) -> Float[Tensor, '*batch']:
    """Numbers above 0 and below 1, of the upper 23 bits of words."""
    return (_shifted(words, 41).float() + 0.5) * 2.0**-23


class _Leaf:
    """One space of tensors, and how its elements are drawn."""

    def __init__(self, space: gymnasium.Space, device: torch.device) -> None:
        self._space, self._shape = space, space.shape or ()
        self.size = int(np.prod(self._shape, dtype=int))
        low, high = (np.broadcast_to(np.asarray(bound), self._shape).reshape(-1) for bound in bounds(space))
        self._is_real = isinstance(space, Box) and np.issubdtype(space.dtype, np.floating)
        dtype = torch.float32 if self._is_real else torch.int64
        self._low, self._high = (torch.tensor(bound.copy(), dtype=dtype, device=device) for bound in (low, high))

    def drawn(self, words: Int64[Tensor, 'row element']) -> Tensor:
        values = self._reals(shares(words)) if self._is_real else self._integers(words)
        return values.view(-1, *self._shape).to(dtype_of(self._space))

    def _integers(self, words: Int64[Tensor, 'row element']) -> Int64[Tensor, 'row element']:
        return self._low + _shifted(words, 1) % (self._high - self._low + 1)

    def _reals(self, share: Float[Tensor, 'row element']) -> Float[Tensor, 'row element']:
        low, high = self._low, self._high
        floor, ceiling, some = low.isfinite(), high.isfinite(), -torch.log1p(-share)
        between = low.nan_to_num(0, 0, 0) + share * (high.nan_to_num(0, 0, 0) - low.nan_to_num(0, 0, 0))
        normal = torch.erfinv(2 * share - 1) * math.sqrt(2)
        one_sided = torch.where(floor, low + some, torch.where(ceiling, high - some, normal))
        return torch.where(floor & ceiling, between, one_sided)


def _nested(space: gymnasium.Space, parts: Iterator[Tensor]) -> Any:
    """Parts in the order of the spaces of tensors, nested as the space is."""
    if isinstance(space, Dict):
        return {name: _nested(part, parts) for name, part in space.spaces.items()}
    if isinstance(space, Tuple):
        return tuple(_nested(part, parts) for part in space.spaces)
    return next(parts)
