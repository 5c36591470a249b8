"""Adapter for Stable-Baselines3, in NumPy arrays: every step waits for the GPU and makes a dictionary for each row."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import gymnasium
import numpy as np
import torch
from gymnasium.spaces import Dict
from gymnasium.vector import AutoresetMode
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.vec_env import VecEnv
from torch import Tensor

from megastep.adapters import check_mode
from megastep.env import Env, nested
from megastep.world.buffers import tensor_of


class StableBaselines3Env(VecEnv):
    """Stable-Baselines3 vector env, a row each.

    >>> PPO('MultiInputPolicy', StableBaselines3Env(Explorer(autoreset_mode=AutoresetMode.SAME_STEP)))  # doctest: +SKIP

    Args:
        env: The env. Stable-Baselines3 expects one that has ended to begin anew in the same step. Dictionaries within
            dictionaries are laid flat: ``observations['rgb']['front']`` becomes ``observations['rgb-front']``.

    Raises:
        ValueError: if the env has another autoreset mode.
    """

    def __init__(self, env: Env) -> None:
        check_mode(env, AutoresetMode.SAME_STEP)
        self._env, self._actions = env, torch.empty(0)
        space = env.single_observation_space
        super().__init__(env.num_envs, _flat_space(space), env.single_action_space)
        self.metadata = {name: env.metadata[name] for name in ('render_modes', 'render_fps')}  # films are at its pace

    def reset(self) -> Any:
        """Begins new episodes in all rows, and returns their observations."""
        observations, _ = self._env.reset(seed=self._seeds[0], options=self._options[0])
        self.reset_infos: list[dict[str, Any]] = [{} for _ in range(self.num_envs)]
        self._reset_seeds()
        self._reset_options()
        return _flat(nested.to_arrays(observations))

    def step_async(self, actions: np.ndarray) -> None:
        """Takes the actions of the step to come."""
        self._actions = tensor_of('actions', actions, self._env.device)

    def step_wait(self) -> tuple[Any, np.ndarray, np.ndarray, list[dict[str, Any]]]:
        """Steps, and returns observations, rewards, which rows have ended, and an info for each.

        The info of a row that has ended has the task's scores, beside ``'episode'`` and in it; and ``'is_success'``, if
        there is such a score as success.
        """
        observations, rewards, terminated, truncated, info = nested.to_arrays(self._env.step(self._actions))
        ended, infos = terminated | truncated, [dict[str, Any]() for _ in range(self.num_envs)]
        final = _flat(info['final_obs'])
        for row in np.flatnonzero(ended):
            last = {name: array[row] for name, array in final.items()} if isinstance(final, dict) else final[row]
            scores = {name: info[name][row].item() for name in self._env.scores}
            episode = {name: info['episode'][name][row].item() for name in 'rlt'}
            limit = bool(truncated[row] and not terminated[row])
            told = {'terminal_observation': last, 'TimeLimit.truncated': limit, 'episode': {**episode, **scores}}
            infos[row] = {**told, **scores}
            if 'success' in scores:
                infos[row]['is_success'] = bool(scores['success'])
        return _flat(observations), rewards, ended, infos

    def close(self) -> None:
        """Closes the env."""
        self._env.close()

    def get_images(self) -> Sequence[np.ndarray | None]:
        """Draws the first env."""
        return list(self._env.render())

    def get_attr(self, attr_name: str, indices: Any = None) -> list[Any]:
        """The env's attribute, once for each row asked for."""
        return [getattr(self._env, attr_name) for _ in self._get_indices(indices)]

    def set_attr(self, attr_name: str, value: Any, indices: Any = None) -> None:
        """Sets the env's attribute.

        Raises:
            ValueError: if only some rows are named: there is one env, and they all share it.
        """
        self._check_all(f'set_attr({attr_name!r})', indices)
        setattr(self._env, attr_name, value)

    def env_method(self, method_name: str, *method_args: Any, indices: Any = None, **method_kwargs: Any) -> list[Any]:
        """Calls the env's method once, and returns its result for each row asked for.

        Raises:
            ValueError: if the method changes the env, as reset does, and only some rows are named.
        """
        if method_name in ('reset', 'step', 'set_state', 'close'):
            self._check_all(f'env_method({method_name!r})', indices)
        result = getattr(self._env, method_name)(*method_args, **method_kwargs)
        return [result for _ in self._get_indices(indices)]

    def _check_all(self, what: str, indices: Any) -> None:
        if (given := sorted(self._get_indices(indices))) != list(range(self.num_envs)):
            remedy = "env_method('reset', options={'reset_mask': mask}) begins some rows anew"
            raise ValueError(f'indices of {what} must be all {self.num_envs} rows, got {given}: {remedy}.')

    def env_is_wrapped(self, wrapper_class: type[gymnasium.Wrapper], indices: Any = None) -> list[bool]:
        """True of `Monitor`, for infos have what its do, so that evaluation goes by the rewards of the env itself.

        False of others: there are no envs of one row to wrap.
        """
        return [wrapper_class is Monitor for _ in self._get_indices(indices)]


class StableBaselines3Agent:
    """Agent that acts by a model of Stable-Baselines3, to be evaluated: see `megastep.evaluation.evaluate`.

    >>> evaluate({'ppo': StableBaselines3Agent(PPO.load('ppo.zip'))}, suite)  # doctest: +SKIP

    A recurrent one, of sb3-contrib, begins each episode with nothing remembered. One that draws its actions draws them
    from PyTorch's own generator, so that they depend on what else is played.

    Args:
        model: The model, or whatever has its ``predict`` and its spaces.
        greedy: Whether it takes the likeliest action; otherwise it draws one.

    Raises:
        ValueError: if the model lacks something of that, such as its file's name does.
    """

    def __init__(self, model: Any, *, greedy: bool = True) -> None:
        if lacks := [name for name in ('predict', 'observation_space', 'action_space') if not hasattr(model, name)]:
            raise ValueError(f'model must be one of Stable-Baselines3, got {model!r}, which has no {lacks[0]}.')
        self.model, self.greedy = model, greedy

    def for_env(self, env: Env) -> Callable[[Any, Tensor], Tensor]:
        """Makes who acts in an env.

        Raises:
            ValueError: if the model was trained in other spaces.
        """
        observed, done = self.model.observation_space, self.model.action_space
        spaces = {'observation': (observed, _flat_space(env.single_observation_space)),
                  'action': (done, env.single_action_space)}  # fmt: skip
        for name, (known, found) in spaces.items():
            if known != found:
                raise ValueError(f"the env's {name} space must be the model's, {known}, got {found}.")
        hidden: Any = None

        def act(observations: Any, begins: Tensor) -> Tensor:
            nonlocal hidden
            seen = _flat(nested.to_arrays(observations))
            actions, hidden = self.model.predict(
                seen, state=hidden, episode_start=begins.cpu().numpy(), deterministic=self.greedy
            )
            return torch.as_tensor(actions, device=env.device)

        return act


def _flat(batch: Any) -> Any:
    """Dictionaries within dictionaries laid flat."""
    if not isinstance(batch, dict):
        return batch
    flat: dict[str, Any] = {}
    for name, value in batch.items():
        inner = _flat(value)
        flat |= {f'{name}-{key}': part for key, part in inner.items()} if isinstance(inner, dict) else {name: inner}
    return flat


def _flat_space(space: gymnasium.Space) -> gymnasium.Space:
    if not isinstance(space, Dict):
        return space
    parts = {name: _flat_space(part) for name, part in space.spaces.items()}
    return Dict(_flat({name: dict(part.spaces) if isinstance(part, Dict) else part for name, part in parts.items()}))
