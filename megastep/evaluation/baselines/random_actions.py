"""Random actions: a baseline for any env, drawn from counter-based random words."""

from __future__ import annotations

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
from megastep.evaluation.agent_streams import AgentStreams
from megastep.evaluation.play import Act
from megastep.world.random_numbers import KeyedStreams, mixed


@dataclass(frozen=True)
class RandomActions:
    """Random policy: actions drawn uniformly from the action space, of whatever kind it is.

    Where a box has no bound, they are drawn as Gymnasium draws them: from a normal distribution if it has neither, from
    an exponential one beside the only bound. In fixed episodes each agent of an episode has a stream of random numbers
    of its own, so that what it draws depends on the seed and the episode alone; elsewhere each row has one.

    Args:
        seed: Another seed draws other actions.
    """

    seed: int = 0

    def for_env(self, env: Env) -> Act:
        """Makes who acts in an env."""
        leaves = [_Leaf(space, env.device) for space in leaf_spaces(env.single_action_space)]
        steps = torch.zeros(env.num_envs, dtype=torch.int64, device=env.device)
        streams = self._streams(env, steps)

        def act(observations: Any, begins: Bool[Tensor, ' row']) -> Any:
            streams.phase('act')
            drawn = [leaf.drawn(streams, env.num_envs) for leaf in leaves]
            steps.add_(1)
            return _nested(env.single_action_space, iter(drawn))

        return act

    def _streams(self, env: Env, steps: Int64[Tensor, ' row']) -> KeyedStreams:
        """A stream for each row."""
        if env.core.episodes is not None:
            return AgentStreams(env.core.episodes, env.core.num_agents, self.seed)
        rows = torch.arange(env.num_envs, device=env.device)
        return KeyedStreams(mixed(rows + (self.seed << 32) + 1), steps)


class _Leaf:
    """One space of tensors, and how its elements are drawn."""

    def __init__(self, space: gymnasium.Space, device: torch.device) -> None:
        self._space, self._shape = space, space.shape or ()
        self._size = int(np.prod(self._shape, dtype=int))
        low, high = (np.broadcast_to(np.asarray(bound), self._shape).reshape(-1) for bound in bounds(space))
        self._is_real = isinstance(space, Box) and np.issubdtype(space.dtype, np.floating)
        dtype = torch.float32 if self._is_real else torch.int64
        self._low, self._high = (torch.tensor(bound.copy(), dtype=dtype, device=device) for bound in (low, high))

    def drawn(self, streams: KeyedStreams, rows: int) -> Tensor:
        shape = (rows, self._size)
        values = self._reals(streams, shape) if self._is_real else self._integers(streams, shape)
        return values.view(rows, *self._shape).to(dtype_of(self._space))

    def _integers(self, streams: KeyedStreams, shape: tuple[int, int]) -> Int64[Tensor, 'row element']:
        return self._low + streams.integers(shape) % (self._high - self._low + 1)

    def _reals(self, streams: KeyedStreams, shape: tuple[int, int]) -> Float[Tensor, 'row element']:
        low, high = self._low, self._high
        share, some, normal = (
            fill(torch.empty(shape, device=low.device))
            for fill in (streams.uniform_, streams.exponential_, streams.normal_)
        )
        least, most = (bound.nan_to_num(0, 0, 0) for bound in (low, high))
        one_sided = torch.where(low.isfinite(), low + some, torch.where(high.isfinite(), high - some, normal))
        return torch.where(low.isfinite() & high.isfinite(), least + share * (most - least), one_sided)


def _nested(space: gymnasium.Space, parts: Iterator[Tensor]) -> Any:
    """Parts in the order of the spaces of tensors, nested as the space is."""
    if isinstance(space, Dict):
        return {name: _nested(part, parts) for name, part in space.spaces.items()}
    if isinstance(space, Tuple):
        return tuple(_nested(part, parts) for part in space.spaces)
    return next(parts)
