"""Noise in what agents do: actions that come late, or come out otherwise."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import gymnasium
import numpy as np
import torch
from gymnasium.spaces import Box, Dict, Discrete, MultiDiscrete, Tuple
from jaxtyping import Bool, Shaped
from torch import Tensor
from torch.utils._pytree import tree_map

from megastep.checks import check_counts, check_share
from megastep.env.nested import bounds, dtype_of, subspaces
from megastep.env.noise.protocol import Noisy

LONGEST_LAG = 1000
"""The most steps that an action may come late: each keeps a row of every agent's."""


class ActionLag:
    """Latency of actions: an action is taken some steps after it was chosen.

    At the beginning of an episode nothing has been chosen yet, and so nothing is done.

    Args:
        env: The env.
        steps: How many steps later.

    Raises:
        ValueError: if it isn't an integer from 1 to 1,000.
    """

    def __init__(self, env: Noisy, steps: int) -> None:
        check_counts(action_lag=steps)
        if steps > LONGEST_LAG:
            raise ValueError(f'action_lag must be at most {LONGEST_LAG:,} steps, got {steps:,}.')
        self._idle = [_idle(space, env.core.device) for space in leaf_spaces(env.single_action_space)]
        shape = (env.core.num_envs, steps, env.core.num_agents)
        self._queues = [idle.expand(*shape, *idle.shape).clone() for idle in self._idle]  # the oldest first

    @property
    def state(self) -> dict[str, Tensor]:
        """The actions that haven't been taken yet."""
        return {f'queue{number or ""}': queue for number, queue in enumerate(self._queues)}

    def reset(self, mask: Bool[Tensor, ' env']) -> None:
        """Forgets what was chosen in the envs in the mask."""
        for queue, idle in zip(self._queues, self._idle, strict=True):
            torch.where(mask.view(-1, *(1,) * (queue.ndim - 1)), idle, queue, out=queue)

    def step(self, resets: Bool[Tensor, ' env']) -> None:
        """Forgets what was chosen in the envs in the mask."""
        self.reset(resets)

    def act(self, actions: Any) -> Any:
        """Returns the actions that are due, and keeps those that were chosen."""
        queues = iter(self._queues)
        return tree_map(lambda chosen: _swapped(next(queues), chosen), actions)


class ActionNoise:
    """Noise in actions: continuous ones are off, and discrete ones are sometimes any other.

    Args:
        env: The env.
        amount: Of a box, the standard deviation of actions, as a share of half of the box's width. Of discrete actions,
            how likely each is replaced by a random one.

    Raises:
        ValueError: if the amount isn't from 0 to 1, or a box has no bounds.
    """

    def __init__(self, env: Noisy, amount: float) -> None:
        check_share(action_noise=amount)
        self._core, self._amount = env.core, amount
        self._leaves = [_Leaf(space, env.core.device) for space in leaf_spaces(env.single_action_space)]

    def act(self, actions: Any) -> Any:
        """Returns actions with noise."""
        leaves = iter(self._leaves)
        return tree_map(lambda values: self._noisy(next(leaves), values), actions)

    def _noisy(self, leaf: _Leaf, values: Tensor) -> Tensor:
        random = self._core.random
        if leaf.is_box:
            drawn = random.normal_(torch.empty(values.shape, device=values.device))
            noisy = values + (self._amount / 2) * (leaf.high - leaf.low) * drawn
            return torch.minimum(torch.maximum(noisy, leaf.low), leaf.high).to(values.dtype)
        others = random.integers(values.shape)
        replaced = random.uniform_(torch.empty(values.shape, device=values.device)) < self._amount
        return torch.where(replaced, leaf.low + others % (leaf.high - leaf.low + 1), values)


class _Leaf:
    """The bounds of a space of tensors."""

    def __init__(self, space: gymnasium.Space, device: torch.device) -> None:
        self.is_box = isinstance(space, Box)
        low, high = (torch.as_tensor(np.asarray(bound), device=device) for bound in bounds(space))
        if self.is_box and not bool((low.isfinite() & high.isfinite()).all()):
            raise ValueError(f'action_noise needs boxes with bounds, got {space}.')
        self.low, self.high = low, high


def leaf_spaces(space: gymnasium.Space) -> Iterator[gymnasium.Space]:
    """The spaces of tensors within an action space, in order."""
    if isinstance(space, Dict | Tuple):
        for part in subspaces(space).values():
            yield from leaf_spaces(part)
    else:
        yield space


def _idle(space: gymnasium.Space, device: torch.device) -> Tensor:
    """The action that stands for none: one below the least of discrete ones, else what is nearest to 0 in a box."""
    low, high = (np.broadcast_to(np.asarray(bound), space.shape or ()) for bound in bounds(space))
    idle = low - 1 if isinstance(space, Discrete | MultiDiscrete) else np.clip(np.zeros_like(low), low, high)
    return torch.as_tensor(idle, device=device, dtype=dtype_of(space) if isinstance(space, Box) else torch.int64)


def _swapped(queue: Shaped[Tensor, 'env step agent ...'], chosen: Shaped[Tensor, 'env agent ...']) -> Tensor:
    """Takes the oldest action out of a queue, and puts the newest in."""
    due = queue[:, 0].clone()
    queue.copy_(torch.cat([queue[:, 1:], chosen[:, None]], dim=1))
    return due
