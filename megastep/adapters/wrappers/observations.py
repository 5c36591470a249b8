"""Observations in another form: laid flat, or the last few of them stacked."""

from __future__ import annotations

from typing import Any

import torch
from gymnasium.spaces import Box, Dict, Discrete, MultiBinary, MultiDiscrete, Tuple, flatten_space
from gymnasium.vector import VectorEnv
from gymnasium.vector.utils import batch_space
from jaxtyping import Float, Shaped
from torch import Tensor
from torch.nn.functional import one_hot
from torch.utils._pytree import tree_map

from megastep.adapters.wrappers.base import TensorWrapper
from megastep.checks import check_counts
from megastep.env.nested import dtype_of, parts, subspaces, where


class FlattenObservation(TensorWrapper):
    """Observations laid flat: a row of numbers each, as `gymnasium.spaces.flatten` has them. Integers are one-hot.

    Args:
        env: The env.
    """

    def __init__(self, env: VectorEnv) -> None:
        super().__init__(env)
        self._from = env.single_observation_space
        self._observe_in(flatten_space(self._from))

    def reset(self, *, seed: Any = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Begins new episodes, in all rows or in some."""
        observations, info = self.env.reset(seed=seed, options=options)
        return self._flat(observations), info

    def step(self, actions: Any) -> tuple[Any, Tensor, Tensor, Tensor, dict[str, Any]]:
        """Steps, and lays flat what is observed."""
        observations, rewards, terminated, truncated, info = self.env.step(actions)
        if 'final_obs' in info:
            info = {**info, 'final_obs': self._flat(info['final_obs'])}
        return self._flat(observations), rewards, terminated, truncated, info

    def _flat(self, batch: Any) -> Float[Tensor, 'row feature']:
        return flattened(batch, self._from).to(dtype_of(self.single_observation_space))


def flattened(batch: Any, space: Any) -> Shaped[Tensor, 'row feature']:
    """A batch of a space's elements, each laid flat.

    Raises:
        ValueError: if it is a space of something else than tensors.
    """
    if isinstance(space, Dict | Tuple):
        found = parts(batch, space) or {}
        return torch.cat([flattened(found[name], part) for name, part in subspaces(space).items()], dim=1)
    if isinstance(space, Discrete):
        return one_hot(batch.long() - int(space.start), int(space.n))
    if isinstance(space, MultiDiscrete):
        numbers = (batch.long() - torch.as_tensor(space.start, device=batch.device)).flatten(1).unbind(1)
        return torch.cat([one_hot(each, n) for each, n in zip(numbers, space.nvec.ravel().tolist(), strict=True)], 1)
    if isinstance(space, Box | MultiBinary):
        return batch.flatten(1)
    raise ValueError(f'observations must be in a space of tensors to be laid flat, got {space}.')


class FrameStackObservation(TensorWrapper):
    """Frame stacking: each observation is the last few, the newest last: (row, stack, ...).

    An episode's first is there as often as it takes. ``info['final_obs']`` are stacked upon what came before them.

    Args:
        env: The env.
        stack_size: How many are stacked.

    Raises:
        ValueError: if the size isn't at least 1.
    """

    def __init__(self, env: VectorEnv, stack_size: int) -> None:
        super().__init__(env)
        check_counts(stack_size=stack_size)
        self._size, self._frames = stack_size, None
        self._observe_in(batch_space(env.single_observation_space, stack_size))

    def reset(self, *, seed: Any = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Begins new episodes, in all rows or in some."""
        observations, info = self.env.reset(seed=seed, options=options)
        mask, first = self._reset_rows(options), self._filled(observations)
        self._frames = first if self._frames is None else where(mask, first, self._frames)
        return tree_map(Tensor.clone, self._frames), info

    def step(self, actions: Any) -> tuple[Any, Tensor, Tensor, Tensor, dict[str, Any]]:
        """Steps, and stacks what is observed upon what was."""
        observations, rewards, terminated, truncated, info = self.env.step(actions)
        if 'final_obs' in info:
            info = {**info, 'final_obs': self._stacked(info['final_obs'])}
        begun = self._begun_rows(terminated | truncated)
        self._frames = where(begun, self._filled(observations), self._stacked(observations))
        return tree_map(Tensor.clone, self._frames), rewards, terminated, truncated, info

    def _filled(self, batch: Any) -> Any:
        return tree_map(lambda new: new[:, None].repeat(1, self._size, *[1] * (new.ndim - 1)), batch)

    def _stacked(self, batch: Any) -> Any:
        return tree_map(lambda old, new: torch.cat([old[:, 1:], new[:, None]], dim=1), self._frames, batch)
