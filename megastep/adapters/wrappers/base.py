"""Vector wrapper of tensors: the base class of the others, which knows where episodes begin."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from gymnasium.vector import AutoresetMode, VectorEnv, VectorWrapper
from gymnasium.vector.utils import batch_space
from jaxtyping import Bool
from torch import Tensor


class TensorWrapper(VectorWrapper):
    """Vector wrapper of an env of tensors.

    Args:
        env: The env, or a wrapper of one. Its ``metadata`` has an autoreset mode, and its ``device`` a device.

    Attributes:
        mode: The env's autoreset mode.

    Raises:
        ValueError: if it isn't an env of tensors.
    """

    def __init__(self, env: VectorEnv) -> None:
        if not isinstance(getattr(getattr(env, 'unwrapped', None), 'device', None), torch.device):
            raise ValueError(f'env must be a vector env of tensors, with a device, got {type(env).__name__}.')  # noqa: TRY004
        super().__init__(env)
        self.mode: AutoresetMode = env.metadata['autoreset_mode']
        self._ended = torch.zeros(env.num_envs, dtype=torch.bool, device=self.device)

    @property
    def device(self) -> torch.device:
        """The device that the env's tensors are on."""
        return self.unwrapped.device  # type: ignore[attr-defined]

    def _observe_in(self, space: Any) -> None:
        """Makes a space that of one row's observations."""
        self.single_observation_space = space
        self.observation_space = batch_space(space, self.num_envs)

    def _reset_rows(self, options: Mapping[str, Any] | None) -> Bool[Tensor, ' row']:
        """The rows in which a reset has begun episodes. A world begins anew for all its agents."""
        self._ended = torch.zeros_like(self._ended)
        if (mask := (options or {}).get('reset_mask')) is None:
            return torch.ones_like(self._ended)
        core = getattr(self.unwrapped, 'core', None)
        num_agents = 1 if core is None else core.num_agents
        worlds = torch.as_tensor(mask, device=self.device).view(-1, num_agents).any(dim=1, keepdim=True)
        return worlds.expand(-1, num_agents).flatten()

    def _begun_rows(self, ended: Bool[Tensor, ' row']) -> Bool[Tensor, ' row']:
        """The rows whose observation is an episode's first, after a step that has ended episodes in some."""
        before, self._ended = self._ended, ended
        if self.mode is AutoresetMode.NEXT_STEP:
            return before
        return ended if self.mode is AutoresetMode.SAME_STEP else torch.zeros_like(ended)
