"""Adapter for PettingZoo: one world of several agents, in NumPy arrays."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

import gymnasium
import numpy as np
import torch
from gymnasium.spaces import Box, Dict, Tuple
from gymnasium.vector import AutoresetMode
from pettingzoo import ParallelEnv
from torch import Tensor

from megastep.adapters import check_mode
from megastep.env import Env, nested
from megastep.world.buffers import tensor_of


class PettingZooEnv(ParallelEnv):
    """PettingZoo parallel env: the agents of one world, each by name, ``agent_0`` and so on. They end together.

    >>> PettingZooEnv(Deathmatch(num_envs=4, num_agents=4, autoreset_mode=AutoresetMode.DISABLED))  # doctest: +SKIP

    Args:
        env: The env, of one world. PettingZoo's users reset what has ended, so its autoreset is disabled.

    Attributes:
        observation_spaces: Each agent's observations, in a space of its own.
        action_spaces: Each agent's actions, likewise.
        state_space: What `state` is in.

    Raises:
        ValueError: if the env has several worlds, resets by itself, or is made with ``copy=False``.
    """

    def __init__(self, env: Env) -> None:
        check_mode(env, AutoresetMode.DISABLED)
        if env.core.num_envs != 1:
            raise ValueError(f'env must have 1 world, got {env.core.num_envs}: num_envs must be the number of agents.')
        self._env = env
        self.possible_agents = [f'agent_{number}' for number in range(env.num_envs)]
        self.agents: list[str] = []
        self.observation_spaces = {agent: deepcopy(env.single_observation_space) for agent in self.possible_agents}
        self.action_spaces = {agent: deepcopy(env.single_action_space) for agent in self.possible_agents}
        self.state_space = Box(-np.inf, np.inf, (6 * env.num_envs,), np.float32)
        self.render_mode = env.render_mode
        self.metadata = {
            'name': type(env).__name__.lower(),
            'is_parallelizable': True,
            'render_modes': env.metadata['render_modes'],
            'render_fps': env.metadata['render_fps'],
        }

    def observation_space(self, agent: str) -> gymnasium.Space:
        """One agent's observations.

        Raises:
            ValueError: if there is no such agent.
        """
        return self.observation_spaces[self._known(agent)]

    def action_space(self, agent: str) -> gymnasium.Space:
        """One agent's actions.

        Raises:
            ValueError: if there is no such agent.
        """
        return self.action_spaces[self._known(agent)]

    def state(self) -> np.ndarray:
        """The world's state: six numbers an agent, its position and velocity, bearing and angular velocity."""
        agents = self._env.core.agents
        lines = (agents.angles[..., None], agents.angular_velocities[..., None])
        return nested.to_arrays(torch.cat([agents.positions, agents.velocities, *lines], dim=-1).flatten())

    def reset(
        self, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
        """Begins an episode.

        Args:
            seed: Seeds the env.
            options: ``'map_ids'`` has the number of the map that the world moves to. Others mean nothing.

        Returns:
            Each agent's observation, and an empty info for each.
        """
        chosen = {name: value for name, value in (options or {}).items() if name == 'map_ids'}
        observations, _ = self._env.reset(seed=seed, options=chosen)
        self.agents = list(self.possible_agents)
        return self._by_agent(observations), {agent: {} for agent in self.agents}

    def step(
        self, actions: dict[str, Any]
    ) -> tuple[dict[str, Any], dict[str, float], dict[str, bool], dict[str, bool], dict[str, dict[str, Any]]]:
        """Moves the world on by one step. Once its episode has ended there are no agents, and nothing happens.

        Args:
            actions: Each agent's.

        Returns:
            Each agent's observation, reward, whether its episode terminated, whether it was truncated, and info.

        Raises:
            ValueError: if an agent has no action, or one that isn't of its space's kind, or there is an action of an
                agent that there isn't.
        """
        if not self.agents:
            return {}, {}, {}, {}, {}
        if not isinstance(actions, Mapping):
            raise ValueError(f'actions must be a dictionary by agent, got {type(actions).__name__}.')  # noqa: TRY004
        if missing := [agent for agent in self.agents if agent not in actions]:
            raise ValueError(f'actions must have one for each agent, got none for {", ".join(missing)}.')
        for agent in actions:
            self._known(agent)
        given = {agent: actions[agent] for agent in self.agents}
        *outputs, info = self._env.step(_stacked(given, self._env.single_action_space))
        infos = {name: values for name, values in info.items() if not name.startswith('_')}
        observations, rewards, terminated, truncated, infos = (self._by_agent(each) for each in (*outputs, infos))
        if any(terminated.values()) or any(truncated.values()):
            self.agents = []
        return observations, rewards, terminated, truncated, infos

    def render(self) -> np.ndarray:
        """Draws the world."""
        return self._env.render()[0]

    def close(self) -> None:
        """Closes the env."""
        self._env.close()

    def _known(self, agent: str) -> str:
        if agent not in self.possible_agents:
            raise ValueError(f'agent must be one of {", ".join(self.possible_agents)}, got {agent!r}.')
        return agent

    def _by_agent(self, batch: Any) -> dict[str, Any]:
        """A batch's rows by agent, as arrays and plain numbers."""
        arrays = nested.to_arrays(batch)
        return {agent: _row(arrays, number) for number, agent in enumerate(self.possible_agents)}


def _stacked(actions: dict[str, Any], space: gymnasium.Space, place: str = '') -> Any:
    """Agents' actions as a batch with a row for each, nested as the space is; a list may stand for an array."""
    if isinstance(space, Dict | Tuple):
        found = {name: _parts(f'the action{place} of {name}', each, space) for name, each in actions.items()}
        inner = {
            name: _stacked({agent: parts[name] for agent, parts in found.items()}, part, f'{place}[{name!r}]')
            for name, part in nested.subspaces(space).items()
        }
        return inner if isinstance(space, Dict) else tuple(inner.values())
    return torch.stack([_action(f'the action{place} of {agent}', each, space) for agent, each in actions.items()])


def _parts(label: str, value: Any, space: Dict | Tuple) -> dict[Any, Any]:
    """The parts of one agent's action, by name or number."""
    spaces, found = nested.subspaces(space), nested.parts(value, space)
    if found is None or set(found) != set(spaces):
        got = type(value).__name__ if found is None else list(found)
        raise ValueError(f'{label} must have {list(spaces)}, got {got}.')
    return found


def _action(label: str, value: Any, space: gymnasium.Space) -> Tensor:
    """One agent's action, or a part of it, on the CPU."""
    tensor = tensor_of(label, value, torch.device('cpu'))
    if tensor.shape != space.shape:
        raise ValueError(f'{label} must have shape {space.shape}, got {tuple(tensor.shape)}.')
    return tensor


def _row(arrays: Any, number: int) -> Any:
    if isinstance(arrays, dict):
        return {name: _row(array, number) for name, array in arrays.items()}
    return arrays[number] if arrays.ndim > 1 else arrays[number].item()
