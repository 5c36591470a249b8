"""Adapter for TorchRL. Everything stays on the env's device."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gymnasium
import numpy as np
import torch
from gymnasium.spaces import Box, Dict, Discrete, MultiBinary, MultiDiscrete, Tuple
from gymnasium.vector import AutoresetMode
from gymnasium.vector.utils import batch_space
from tensordict import TensorDict, TensorDictBase
from torch.utils._pytree import tree_map
from torchrl.data import Binary, Bounded, Categorical, Composite, MultiCategorical, TensorSpec, Unbounded
from torchrl.envs import EnvBase

from megastep.adapters import check_mode
from megastep.env import Env
from megastep.env.nested import dtype_of, parts, subspaces


class TorchRLEnv(EnvBase):
    """TorchRL batch of envs, a row each; or of worlds, whose agents are a group.

    >>> TorchRLEnv(Explorer(num_envs=64, autoreset_mode=AutoresetMode.DISABLED))  # doctest: +SKIP
    >>> TorchRLEnv(Deathmatch(autoreset_mode=AutoresetMode.DISABLED), group='agents')  # doctest: +SKIP

    What a step says beside is under ``('next', 'info')``: the task's scores, and ``'episode'`` with ``'return'``,
    ``'length'`` and ``'map_ids'``. It is of each episode up to now, and so final where that is done; 0 after a reset.

    Args:
        env: The env. TorchRL resets the rows that have ended, so its autoreset is disabled. Observations that aren't
            dictionaries are called ``'observation'``. The parts of tuples are called ``'0'``, ``'1'`` and so on, and
            integers that start elsewhere are counted from 0, for TorchRL has neither.
        group: The name of the group of a world's agents, if the batch is to be one of worlds, (env,): observations,
            actions, rewards and infos, of (env, agent, ...), are then within it, and a world's agents are done as one.
            By default each agent is a row.
        infos: Whether there are infos. Finding out which takes a step.

    Raises:
        ValueError: if the env resets by itself or is made with ``copy=False``, or has a space of another kind than
            tensors.
    """

    def __init__(self, env: Env, *, group: str | None = None, infos: bool = True) -> None:
        check_mode(env, AutoresetMode.DISABLED)
        worlds, device = env.core.num_envs, env.device
        super().__init__(device=device, batch_size=torch.Size([env.num_envs if group is None else worlds]))
        self._env, self._group = env, group
        self._seed_to_come: int | None = None
        self._lead = (env.num_envs,) if group is None else (worlds, env.core.num_agents)
        if group is not None:
            self.group_map = {group: [f'agent_{number}' for number in range(env.core.num_agents)]}
        space = env.single_observation_space
        self._seen = space if isinstance(space, Dict | Tuple) else Dict(observation=space)
        seen = spec(self._seen, self._lead, device)
        self._infos = _example_infos(env) if infos else {}
        if infos:
            examples = tree_map(self._led, self._infos)
            seen['info'] = tree_map(lambda each: Unbounded(each.shape, device=device, dtype=each.dtype), examples)
        self.observation_spec = self._grouped(seen)
        actions = Composite(action=spec(env.single_action_space, self._lead, device), shape=self._lead, device=device)
        single = group is None and not isinstance(actions['action'], Composite)
        self.action_spec = actions['action'] if single else self._grouped(actions)
        rewards = Unbounded(shape=(*self._lead, 1), device=device)
        named = Composite(reward=rewards, shape=self._lead, device=device)
        self.reward_spec = rewards if group is None else self._grouped(named)
        flag = Categorical(2, shape=(*self.batch_size, 1), dtype=torch.bool, device=device)
        flags = {name: flag.clone() for name in ('done', 'terminated', 'truncated')}
        self.done_spec = Composite(**flags, shape=self.batch_size, device=device)

    def _reset(self, tensordict: TensorDictBase | None = None, **options: Any) -> TensorDict:
        mask = None if tensordict is None else tensordict.get('_reset', None)
        rows = None if mask is None else {'reset_mask': self._by_row(mask)}
        observations, _ = self._env.reset(seed=self._seed_to_come, options=rows)
        self._seed_to_come = None
        nobody = torch.zeros((*self.batch_size, 1), dtype=torch.bool, device=self.device)
        flags = {name: nobody.clone() for name in ('done', 'terminated', 'truncated')}
        return self._packed(observations, tree_map(torch.zeros_like, self._infos), {}, flags)

    def _step(self, tensordict: TensorDictBase) -> TensorDict:
        actions = tensordict['action'] if self._group is None else tensordict[self._group, 'action']
        actions = tree_map(lambda part: part.reshape(self._env.num_envs, *part.shape[len(self._lead) :]), actions)
        observations, rewards, terminated, truncated, info = self._env.step(
            _from_torchrl(actions, self._env.single_action_space)
        )
        ends = {'done': terminated | truncated, 'terminated': terminated, 'truncated': truncated}
        ends = {name: self._led(each) if self._group is None else self._led(each)[:, 0] for name, each in ends.items()}
        return self._packed(observations, _picked(info, self._infos), {'reward': rewards}, ends)

    def _set_seed(self, seed: int | None) -> None:
        """Seeds the next reset, be it of some rows alone."""
        self._seed_to_come = seed

    def _packed(self, observations: Any, infos: Any, others: dict[str, torch.Tensor], flags: dict[str, Any]) -> Any:
        seen = observations if isinstance(observations, dict | tuple) else {'observation': observations}
        packed = tree_map(lambda each: each.view(*self._lead, *each.shape[1:]), _to_torchrl(seen, self._seen))
        packed |= {name: self._led(each) for name, each in others.items()}
        if self._infos:
            packed['info'] = tree_map(self._led, infos)
        if self._group is not None:
            packed = {self._group: TensorDict(packed, batch_size=self._lead, device=self.device)}
        return TensorDict({**packed, **flags}, batch_size=self.batch_size, device=self.device)

    def _led(self, values: torch.Tensor) -> torch.Tensor:
        """Numbers of rows, (row,), as TorchRL has them: (row, 1), or (env, agent, 1)."""
        return values.view(*self._lead, 1)

    def _by_row(self, mask: torch.Tensor) -> torch.Tensor:
        """A mask of the batch as one of rows."""
        return mask.view(-1, 1).expand(-1, self._env.num_envs // len(mask)).flatten()

    def _grouped(self, specs: Composite) -> Composite:
        """Specs within the group, if there is one."""
        if self._group is None:
            return specs
        return Composite({self._group: specs}, shape=self.batch_size, device=self.device)

    def close(self, **options: Any) -> None:
        """Closes the env."""
        super().close(**options)
        self._env.close()


def _example_infos(env: Env) -> dict[str, Any]:
    """Infos of a step, made and forgotten: what is drawn at random afterwards is what it would have been."""
    streams = env.core.streams
    before = streams.keys.clone(), streams.steps.clone()
    env.reset()
    info = env.step(batch_space(env.single_action_space, env.num_envs).sample())[-1]  # which leaves its own as it was
    for kept, values in zip((streams.keys, streams.steps), before, strict=True):
        kept.copy_(values)
    names = [name for name, values in info.items() if isinstance(values, torch.Tensor) and not name.startswith('_')]
    statistics = {name: info['episode'][name] for name in ('return', 'length', 'map_ids')}
    return {**{name: info[name] for name in names}, 'episode': statistics}


def _picked(info: dict[str, Any], names: dict[str, Any]) -> dict[str, Any]:
    """Nested infos, those of the given names alone."""
    return {
        name: _picked(info[name], inner) if isinstance(inner, dict) else info[name] for name, inner in names.items()
    }


class TorchRLAgent:
    """Agent that acts by a policy of TorchRL, to be evaluated: see `megastep.evaluation.evaluate`.

    >>> evaluate({'ppo': TorchRLAgent(policy)}, suite)  # doctest: +SKIP

    A policy is a module from a tensor dictionary of observations to one with an ``'action'``. What it writes under
    ``'next'`` is handed back to it in the next step, as TorchRL's recurrent modules have it, with ``'is_init'`` where
    an episode begins. One that draws its actions draws them from PyTorch's own generator, so that they depend on what
    else is played, unless TorchRL's exploration type says otherwise.

    Args:
        policy: The policy.

    Raises:
        ValueError: if the policy can't be called.
    """

    def __init__(self, policy: Callable[[TensorDict], TensorDictBase]) -> None:
        if not callable(policy):
            wanted = 'a module or a function of tensor dictionaries'
            raise ValueError(f'policy must be {wanted}, got {policy!r}.')  # noqa: TRY004, as for other arguments
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


def spec(space: gymnasium.Space, lead: tuple[int, ...], device: torch.device) -> TensorSpec:
    """A Gymnasium space as TorchRL's, as many times as the leading sizes say.

    Raises:
        ValueError: if it is a space of something else than tensors.
    """
    options: Any = {'shape': (*lead, *(space.shape or ())), 'device': device}
    if isinstance(space, Dict | Tuple):
        specs = {str(name): spec(part, lead, device) for name, part in subspaces(space).items()}
        return Composite(specs, shape=lead, device=device)
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
