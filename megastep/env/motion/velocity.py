"""Motion by commands that are followed at once: a velocity and a turn rate, of any direction or forward alone."""

from __future__ import annotations

import numpy as np
import torch
from gymnasium.spaces import Box
from jaxtyping import Bool, Float
from torch import Tensor

from megastep.checks import check_at_least_zero
from megastep.env.motion.commands import Commands
from megastep.env.motion.frames import drive_arcs
from megastep.world.core import Core


class HolonomicVelocity:
    """Holonomic motion: a velocity in any direction, in the agent's own frame, and a turn rate.

    An action is the velocity forward and leftward, in metres per second, and the turn rate, in degrees per second
    anticlockwise. A velocity longer than ``speed`` is shortened to it. All are constant over a step, so an agent that
    turns moves along an arc, and is at its exact end at any fps.

    Args:
        core: The envs.
        speed: The greatest speed, in metres per second.
        turn_speed: The greatest turn rate, in degrees per second.

    Attributes:
        space: One agent's actions: a box in these units.
        max_speed: The greatest speed, in metres per second.

    Raises:
        ValueError: if a speed is below 0 or isn't finite.
    """

    def __init__(self, core: Core, *, speed: float = 2.0, turn_speed: float = 180.0) -> None:
        check_at_least_zero(speed=speed, turn_speed=turn_speed)
        self._core, self.max_speed = core, speed
        bounds = np.array([speed, speed, turn_speed], dtype=np.float32)
        self.space = Box(-bounds, bounds)
        self._commands = Commands(core, self.space)

    def reset(self, mask: Bool[Tensor, ' env'] | Bool[Tensor, 'env agent']) -> None:
        """Does nothing: no step depends on the one before."""

    def step(self, actions: Float[Tensor, '*agent 3']) -> None:
        """Sets the agents' velocities and angular velocities for the next step.

        Args:
            actions: A velocity and a turn rate for each agent: (env, agent, 3), or (env * agent, 3). They are clipped
                to the space, and NaN counts as 0.
        """
        commands = self._commands(actions)
        velocities = commands[..., :2]
        shortened = (self.max_speed / velocities.norm(dim=-1, keepdim=True)).clamp(max=1)  # infinite, and so 1, at rest
        drive_arcs(self._core, velocities * shortened.nan_to_num(), commands[..., 2])


class Unicycle:
    """Unicycle motion: a forward speed and a turn rate.

    An action is the speed, in metres per second, backward below 0, and the turn rate, in degrees per second
    anticlockwise. Both are constant over a step, so an agent moves along an arc, and is at its exact end at any fps.

    Args:
        core: The envs.
        speed: The greatest speed, forward and backward, in metres per second.
        turn_speed: The greatest turn rate, in degrees per second.

    Attributes:
        space: One agent's actions: a box in these units.
        max_speed: The greatest speed, in metres per second.

    Raises:
        ValueError: if a speed is below 0 or isn't finite.
    """

    def __init__(self, core: Core, *, speed: float = 2.0, turn_speed: float = 180.0) -> None:
        check_at_least_zero(speed=speed, turn_speed=turn_speed)
        self._core, self.max_speed = core, speed
        bounds = np.array([speed, turn_speed], dtype=np.float32)
        self.space = Box(-bounds, bounds)
        self._commands = Commands(core, self.space)

    def reset(self, mask: Bool[Tensor, ' env'] | Bool[Tensor, 'env agent']) -> None:
        """Does nothing: no step depends on the one before."""

    def step(self, actions: Float[Tensor, '*agent 2']) -> None:
        """Sets the agents' velocities and angular velocities for the next step.

        Args:
            actions: A speed and a turn rate for each agent: (env, agent, 2), or (env * agent, 2). They are clipped to
                the space, and NaN counts as 0.
        """
        speeds, turn_rates = self._commands(actions).unbind(-1)
        drive_arcs(self._core, torch.stack([speeds, torch.zeros_like(speeds)], dim=-1), turn_rates)
