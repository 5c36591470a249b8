"""Normalisation of observations and rewards by running means and variances."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from gymnasium.spaces import Box, Dict, Tuple
from gymnasium.vector import AutoresetMode, VectorEnv
from jaxtyping import Float
from torch import Tensor

from megastep.adapters.wrappers.base import TensorWrapper
from megastep.checks import check_above_zero, check_share
from megastep.env.nested import subspaces


class RunningMoments:
    """Running mean and variance of all rows that there have been, by Chan's formula for merging two samples.

    Source: Chan, Golub and LeVeque, Updating Formulae and a Pairwise Algorithm for Computing Sample Variances, 1979.

    Args:
        shape: A row's shape.
        device: Where they are.

    Attributes:
        mean: The mean, 0 before there was anything.
        variance: The variance, 1 before.
        count: How many rows there have been, and 1e-4 beside.
    """

    def __init__(self, shape: tuple[int, ...], device: torch.device) -> None:
        self.mean = torch.zeros(shape, dtype=torch.float64, device=device)
        self.variance = torch.ones(shape, dtype=torch.float64, device=device)
        self.count = 1e-4

    def update(self, rows: Float[Tensor, 'row ...']) -> None:
        """Takes in more rows."""
        rows = rows.double()
        variance, mean = torch.var_mean(rows, dim=0, correction=0)
        total, offset = self.count + len(rows), mean - self.mean
        self.mean = self.mean + offset * (len(rows) / total)
        sums = self.variance * self.count + variance * len(rows)
        self.variance = (sums + offset.square() * (self.count * len(rows) / total)) / total
        self.count = total

    def scale(self, epsilon: float) -> Float[Tensor, ...]:
        """The standard deviation, made a little larger so that it isn't 0."""
        return (self.variance + epsilon).sqrt()


class NormalizeObservation(TensorWrapper):
    """Observations of about mean 0 and variance 1, by what has been observed so far.

    Each real number of an observation has a mean and a variance of its own; integers stay as they are. Those of an
    episode's end, ``info['final_obs']``, are normalised too, but counted nowhere.

    Args:
        env: The env.
        epsilon: What is added to variances.

    Attributes:
        update_running_mean: Whether observations are taken in; not so while an agent is evaluated, say.
        moments: The running means and variances, by the names that lead to an observation's part.

    Raises:
        ValueError: if epsilon isn't above 0.
    """

    def __init__(self, env: VectorEnv, epsilon: float = 1e-8) -> None:
        super().__init__(env)
        check_above_zero(epsilon=epsilon)
        self.update_running_mean, self._epsilon = True, epsilon
        self.moments: dict[tuple[Any, ...], RunningMoments] = {}
        self._observe_in(self._space(env.single_observation_space, ()))

    def reset(self, *, seed: Any = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Begins new episodes, in all rows or in some."""
        observations, info = self.env.reset(seed=seed, options=options)
        return self._normalized(observations, update=self.update_running_mean), info

    def step(self, actions: Any) -> tuple[Any, Tensor, Tensor, Tensor, dict[str, Any]]:
        """Steps, and takes in what is observed."""
        observations, rewards, terminated, truncated, info = self.env.step(actions)
        observations = self._normalized(observations, update=self.update_running_mean)
        if 'final_obs' in info:
            info = {**info, 'final_obs': self._normalized(info['final_obs'], update=False)}
        return observations, rewards, terminated, truncated, info

    def _space(self, space: Any, path: tuple[Any, ...]) -> Any:
        if isinstance(space, Dict | Tuple):
            parts = {name: self._space(part, (*path, name)) for name, part in subspaces(space).items()}
            return Dict(parts) if isinstance(space, Dict) else Tuple(parts.values())
        if not isinstance(space, Box) or not np.issubdtype(space.dtype, np.floating):
            return space
        self.moments[path] = RunningMoments(space.shape, self.device)
        return Box(-np.inf, np.inf, space.shape, np.float32)

    def _normalized(self, batch: Any, *, update: bool, path: tuple[Any, ...] = ()) -> Any:
        if isinstance(batch, dict):
            return {name: self._normalized(part, update=update, path=(*path, name)) for name, part in batch.items()}
        if isinstance(batch, tuple):
            return tuple(self._normalized(part, update=update, path=(*path, i)) for i, part in enumerate(batch))
        if (moments := self.moments.get(path)) is None:
            return batch
        if update:
            moments.update(batch)
        return ((batch - moments.mean) / moments.scale(self._epsilon)).float()


class NormalizeReward(TensorWrapper):
    """Rewards scaled so that the discounted return has about variance 1.

    Args:
        env: The env.
        gamma: The discount.
        epsilon: What is added to the variance.

    Attributes:
        update_running_mean: Whether rewards are taken in.
        moments: The discounted returns' running mean and variance.

    Raises:
        ValueError: if gamma isn't from 0 to 1, or epsilon isn't above 0.
    """

    def __init__(self, env: VectorEnv, gamma: float = 0.99, epsilon: float = 1e-8) -> None:
        super().__init__(env)
        check_share(gamma=gamma)
        check_above_zero(epsilon=epsilon)
        self.update_running_mean, self._gamma, self._epsilon = True, gamma, epsilon
        self.moments = RunningMoments((), self.device)
        self._returns = torch.zeros(env.num_envs, device=self.device)

    def reset(self, *, seed: Any = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Begins new episodes, in all rows or in some."""
        observations, info = self.env.reset(seed=seed, options=options)
        self._returns.masked_fill_(self._reset_rows(options), 0)
        return observations, info

    def step(self, actions: Any) -> tuple[Any, Tensor, Tensor, Tensor, dict[str, Any]]:
        """Steps, and takes in the rewards."""
        observations, rewards, terminated, truncated, info = self.env.step(actions)
        if self.mode is not AutoresetMode.DISABLED:
            self._returns.masked_fill_(self._ended, 0)
        self._ended = terminated | truncated
        self._returns.mul_(self._gamma).add_(rewards)
        if self.update_running_mean:
            self.moments.update(self._returns)
        return observations, (rewards / self.moments.scale(self._epsilon)).float(), terminated, truncated, info
