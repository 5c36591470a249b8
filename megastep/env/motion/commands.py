"""Continuous actions as an agent takes them: within the bounds of its space, whatever was asked for."""

from __future__ import annotations

import torch
from gymnasium.spaces import Box
from jaxtyping import Float
from torch import Tensor

from megastep.world.core import Core


class Commands:
    """Clipping of continuous actions to a box, one row an agent.

    Args:
        core: The envs.
        space: The box that one agent's actions lie in.
    """

    def __init__(self, core: Core, space: Box) -> None:
        self._shape = (core.num_envs, core.num_agents, *space.shape)
        self._low, self._high = (torch.from_numpy(bound).to(core.device) for bound in (space.low, space.high))

    def __call__(self, actions: Float[Tensor, '*agent command']) -> Float[Tensor, 'env agent command']:
        """Returns the actions as float32 within the box; NaN counts as 0."""
        commands = actions.reshape(self._shape).float().nan_to_num(0.0, torch.inf, -torch.inf)
        return commands.clamp(self._low, self._high)
