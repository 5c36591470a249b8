"""Adapter for TorchRL. Everything stays on the env's device."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gymnasium
import numpy as np
import torch
from gymnasium.spaces import Box, Dict, Discrete, MultiBinary, MultiDiscrete, Tuple
from gymnasium.vector import AutoresetMode
from tensordict import TensorDict, TensorDictBase
from torchrl.data import Binary, Bounded, Categorical, Composite, MultiCategorical, TensorSpec, Unbounded
from torchrl.envs import EnvBase

from megastep.adapters import check_mode
from megastep.env import Env
from megastep.env.nested import dtype_of, parts, subspaces


class TorchRLEnv(EnvBase):
    """TorchRL batch of envs, a row each.

    >>> TorchRLEnv(Explorer(num_envs=64, autoreset_mode=AutoresetMode.DISABLED))  # doctest: +SKIP

    Args:
        env: The env. TorchRL resets the rows that have ended, so its autoreset is disabled. Observations that aren't
            dictionaries are called ``'observation'``. The parts of tuples are called ``'0'``, ``'1'`` and so on, and
            integers that start elsewhere are counted from 0, for TorchRL has neither.

    Raises:
        ValueError: if the env resets by itself, or has a space of another kind than tensors.
    """

    def __init__(self, env: Env) -> None:
        check_mode(env, AutoresetMode.DISABLED)
        super().__init__(device=env.device, batch_size=torch.Size([env.num_envs]))
        self._env = env
        self._first_seed: int | None = None
        rows, space = env.num_envs, env.single_observation_space
        self._seen = space if isinstance(space, Dict | Tuple) else Dict(observation=space)
        self.observation_spec = spec(self._seen, rows, env.device)
        actions = spec(env.single_action_space, rows, env.device)
        nested = Composite(action=actions, shape=(rows,), device=env.device)  # else its parts would stand by themselves
        self.action_spec = nested if isinstance(actions, Composite) else actions
        self.reward_spec = Unbounded(shape=(rows, 1), device=env.device)
        flag = Categorical(2, shape=(rows, 1), dtype=torch.bool, device=env.device)
        flags = {name: flag.clone() for name in ('done', 'terminated', 'truncated')}
        self.done_spec = Composite(**flags, shape=(rows,), device=env.device)

    def _reset(self, tensordict: TensorDictBase | None = None, **options: Any) -> TensorDict:
        mask = None if tensordict is None else tensordict.get('_reset', None)
        options = {'options': {'reset_mask': mask.view(-1)}} if mask is not None else {'seed': self._first_seed}
        self._first_seed = None
        observations, _ = self._env.reset(**options)
        nobody = torch.zeros((self._env.num_envs, 1), dtype=torch.bool, device=self.device)
        return self._packed(observations, done=nobody, terminated=nobody.clone(), truncated=nobody.clone())

    def _step(self, tensordict: TensorDictBase) -> TensorDict:
        observations, rewards, terminated, truncated, _ = self._env.step(
            _from_torchrl(tensordict['action'], self._env.single_action_space)
        )
        ends = {'done': terminated | truncated, 'terminated': terminated, 'truncated': truncated}
        return self._packed(
            observations, reward=rewards[:, None], **{name: each[:, None] for name, each in ends.items()}
        )

    def _set_seed(self, seed: int | None) -> None:
        self._first_seed = seed

    def _packed(self, observations: Any, **others: torch.Tensor) -> TensorDict:
        seen = observations if isinstance(observations, dict | tuple) else {'observation': observations}
        packed = {**_to_torchrl(seen, self._seen), **others}
        return TensorDict(packed, batch_size=self.batch_size, device=self.device)

    def close(self, **options: Any) -> None:
        """Closes the env."""
        super().close(**options)
        self._env.close()


class TorchRLAgent:
    """Agent that acts by a policy of TorchRL, to be evaluated: see `megastep.evaluation.evaluate`.

    >>> evaluate({'ppo': TorchRLAgent(policy)}, suite)  # doctest: +SKIP

    A policy is a module from a tensor dictionary of observations to one with an ``'action'``. What it writes under
    ``'next'`` is handed back to it in the next step, as TorchRL's recurrent modules have it, with ``'is_init'`` where
    an episode begins. One that draws its actions draws them from PyTorch's own generator, so that they depend on what
    else is played, unless TorchRL's exploration type says otherwise.

    Args:
        policy: The policy.
    """

    def __init__(self, policy: Callable[[TensorDict], TensorDictBase]) -> None:
        self.policy = policy

    def for_env(self, env: Env) -> Callable[[Any, torch.Tensor], Any]:
        """Makes who acts in an env."""
        space, kept = env.single_observation_space, dict[str, torch.Tensor]()
        seen = space if isinstance(space, Dict | Tuple) else Dict(observation=space)

        def act(observations: Any, begins: torch.Tensor) -> Any:
            batch = observations if isinstance(observations, dict | tuple) else {'observation': observations}
            packed = {**_to_torchrl(batch, seen), **kept, 'is_init': begins[:, None]}
            found = self.policy(TensorDict(packed, batch_size=[env.num_envs], device=env.device))
            kept.update(found.get('next', TensorDict({}, batch_size=[env.num_envs])).to_dict())
            return _from_torchrl(found['action'], env.single_action_space)

        return act


def spec(space: gymnasium.Space, num_rows: int, device: torch.device) -> TensorSpec:
    """A Gymnasium space as TorchRL's, with a row for each env.

    Raises:
        ValueError: if it is a space of something else than tensors.
    """
    options: Any = {'shape': (num_rows, *(space.shape or ())), 'device': device}
    if isinstance(space, Dict | Tuple):
        specs = {str(name): spec(part, num_rows, device) for name, part in subspaces(space).items()}
        return Composite(specs, shape=(num_rows,), device=device)
    if isinstance(space, Box):
        dtype = dtype_of(space)
        if not space.is_bounded():
            return Unbounded(**options, dtype=dtype)
        low, high = (
            torch.as_tensor(bound, device=device).expand(options['shape']) for bound in (space.low, space.high)
        )
        return Bounded(low, high, **options, dtype=dtype)
    if isinstance(space, Discrete):
        return Categorical(int(space.n), **options)
    if isinstance(space, MultiDiscrete):
        return MultiCategorical(space.nvec.tolist(), **options)
    if isinstance(space, MultiBinary):
        return Binary(**options, dtype=dtype_of(space))
    raise ValueError(f'TorchRL has no spec for {space}.')


def _to_torchrl(batch: Any, space: gymnasium.Space) -> Any:
    """A batch of a space's elements as `spec` has them."""
    if isinstance(space, Dict | Tuple):
        found = parts(batch, space) or {}
        return {str(name): _to_torchrl(found[name], part) for name, part in subspaces(space).items()}
    return batch - _starts(space, batch) if _is_shifted(space) else batch


def _from_torchrl(batch: Any, space: gymnasium.Space) -> Any:
    """A batch as `spec` has it as elements of the space."""
    if isinstance(space, Dict | Tuple):
        found = {name: _from_torchrl(batch[str(name)], part) for name, part in subspaces(space).items()}
        return found if isinstance(space, Dict) else tuple(found.values())
    return batch + _starts(space, batch) if _is_shifted(space) else batch


def _is_shifted(space: gymnasium.Space) -> bool:
    return isinstance(space, Discrete | MultiDiscrete) and bool(np.any(space.start))


def _starts(space: Any, batch: torch.Tensor) -> torch.Tensor:
    """The least integers of a space."""
    return torch.as_tensor(space.start, device=batch.device)
