"""Motion on wheels: commands that are followed as fast as motors and steering allow, and what contact leaves."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import torch
from gymnasium.spaces import Box
from jaxtyping import Bool, Float
from torch import Tensor

from megastep.checks import check_above_zero, check_at_least_zero
from megastep.env.motion.commands import Commands
from megastep.env.motion.frames import set_velocities
from megastep.env.motion.paths import Path, Rates
from megastep.env.parts import agents_in
from megastep.world.core import Core

TINY = 1e-30
"""What stands in for 0 seconds where something is divided by them."""


class DifferentialDrive:
    """Differential drive: two wheels side by side, each with a speed and a limited acceleration.

    An action is the speeds that the left and the right wheel are to have, in metres per second, backward below 0. Each
    wheel changes its speed at a constant rate until it has it. The path is integrated over the step, so an agent is at
    its exact end at any fps. The disc's centre is midway between the wheels.

    Wheels go on as they were from step to step. What an agent touches takes the same share of both wheels' common speed
    as of the agent's; turning isn't impeded.

    Args:
        core: The envs.
        speed: The greatest speed of a wheel, in metres per second.
        acceleration: How quickly a wheel's speed changes, in metres per second²; infinite if it does at once.
        wheel_base: How far the wheels are from one another, in metres.

    Attributes:
        space: One agent's actions: a box in these units.
        max_speed: The greatest speed, in metres per second.
        wheel_base: How far the wheels are from one another, in metres.
        speeds: The left and right wheels' speeds at the end of the last step: (env, agent, 2).

    Raises:
        ValueError: if the speed is below 0 or isn't finite, the acceleration isn't above 0, or the wheel base isn't
            above 0 or isn't finite.
    """

    def __init__(self, core: Core, *, speed: float = 2.0, acceleration: float = 4.0, wheel_base: float = 0.2) -> None:
        check_at_least_zero(speed=speed, wheel_base=wheel_base)
        check_above_zero(acceleration=acceleration, wheel_base=wheel_base)
        self.max_speed, self.wheel_base = speed, wheel_base
        self.space = Box(-speed, speed, (2,), dtype=np.float32)
        self._commands = Commands(core, self.space)
        self._drive = Drive(core, (acceleration, acceleration))
        self.speeds = self._drive.values

    @property
    def state(self) -> dict[str, Tensor]:
        """The wheels' speeds, and the agents' velocities as they were driven."""
        return self._drive.state

    def reset(self, mask: Bool[Tensor, ' env'] | Bool[Tensor, 'env agent']) -> None:
        """Stops the wheels of the agents in the mask, or of all agents of the envs in it."""
        self._drive.reset(mask)

    def step(self, actions: Float[Tensor, '*agent 2']) -> None:
        """Sets the agents' velocities and angular velocities for the next step.

        Args:
            actions: A speed for the left and the right wheel of each agent: (env, agent, 2), or (env * agent, 2). They
                are clipped to the space, and NaN counts as 0.
        """
        lost = 1 - self._drive.progress()
        begins = self.speeds - lost[..., None] * self.speeds.mean(dim=-1, keepdim=True)
        self._drive.follow(begins, self._commands(actions), self._rates)

    def _rates(self, left: Tensor, right: Tensor) -> Rates:
        return (left + right) / 2, (right - left) / self.wheel_base


class Ackermann:
    """Ackermann steering: a car with a speed and a steering angle, as the kinematic bicycle model has it.

    An action is the speed that the car is to have, in metres per second, backward below 0, and the angle that its front
    wheels are to be steered to, in degrees to the left. Both change at a constant rate until they are there. The car
    turns at speed * tan(steering) / wheelbase in radians per second. The path is integrated over the step, so a car is
    at its exact end at any fps. The disc's centre is midway between the rear wheels.

    Speed and steering go on as they were from step to step. What a car touches takes the same share of its speed as of
    its velocity.

    Args:
        core: The envs.
        speed: The greatest speed forward, in metres per second.
        reverse_speed: The greatest speed backward, in metres per second.
        acceleration: How quickly the speed changes, in metres per second²; infinite if it does at once.
        steering: The greatest steering angle to either side, in degrees.
        steering_speed: How quickly the steering angle changes, in degrees per second; infinite if it does at once.
        wheelbase: How far the front wheels are from the rear wheels, in metres.

    Attributes:
        space: One agent's actions: a box in these units.
        max_speed: The greatest speed forward, in metres per second.
        states: The speed and the steering angle at the end of the last step: (env, agent, 2).

    Raises:
        ValueError: if a speed is below 0 or isn't finite, the acceleration or the steering speed isn't above 0, the
            steering angle isn't from 0 to below 90, or the wheelbase isn't above 0 or isn't finite.
    """

    def __init__(
        self,
        core: Core,
        *,
        speed: float = 3.0,
        reverse_speed: float = 1.0,
        acceleration: float = 4.0,
        steering: float = 30.0,
        steering_speed: float = 180.0,
        wheelbase: float = 0.2,
    ) -> None:
        check_at_least_zero(speed=speed, reverse_speed=reverse_speed, steering=steering, wheelbase=wheelbase)
        check_above_zero(acceleration=acceleration, steering_speed=steering_speed, wheelbase=wheelbase)
        if steering >= 90:
            raise ValueError(f'steering must be below 90 degrees, got {steering}.')
        self.max_speed, self.wheelbase = speed, wheelbase
        low, high = np.array([[-reverse_speed, -steering], [speed, steering]], dtype=np.float32)
        self.space = Box(low, high)
        self._commands = Commands(core, self.space)
        self._drive = Drive(core, (acceleration, steering_speed))
        self.states = self._drive.values

    @property
    def state(self) -> dict[str, Tensor]:
        """The speed and the steering angle, and the agents' velocities as they were driven."""
        return self._drive.state

    def reset(self, mask: Bool[Tensor, ' env'] | Bool[Tensor, 'env agent']) -> None:
        """Stops the cars in the mask, or all cars of the envs in it, and steers them straight ahead."""
        self._drive.reset(mask)

    def step(self, actions: Float[Tensor, '*agent 2']) -> None:
        """Sets the agents' velocities and angular velocities for the next step.

        Args:
            actions: A speed and a steering angle for each agent: (env, agent, 2), or (env * agent, 2). They are clipped
                to the space, and NaN counts as 0.
        """
        progress = self._drive.progress()
        begins = self.states * torch.stack([progress, torch.ones_like(progress)], dim=-1)
        self._drive.follow(begins, self._commands(actions), self._rates)

    def _rates(self, speeds: Tensor, steering: Tensor) -> Rates:
        return speeds, speeds * torch.tan(steering * math.radians(1)) / self.wheelbase


class Drive:
    """Two quantities of each agent, such as its wheels' speeds, that follow commands at limited rates.

    Args:
        core: The envs.
        limits: How quickly each quantity changes, per second.

    Attributes:
        values: The quantities at the end of the last step: (env, agent, 2).
        driven: The velocities that the last step began with, in metres per second: (env, agent, 2).
    """

    def __init__(self, core: Core, limits: tuple[float, float]) -> None:
        self._core, self._path = core, Path(core.device)
        self._limits = torch.tensor(limits, device=core.device)
        self.values, self.driven = torch.zeros_like(core.agents.velocities), torch.zeros_like(core.agents.velocities)

    @property
    def state(self) -> dict[str, Tensor]:
        """The quantities, and the velocities that they came to."""
        return {'values': self.values, 'driven': self.driven}

    def reset(self, mask: Bool[Tensor, ' env'] | Bool[Tensor, 'env agent']) -> None:
        """Sets everything to 0 for the agents in the mask, or all agents of the envs in it."""
        mask = agents_in(mask, self._core)[..., None]
        self.values.masked_fill_(mask, 0)
        self.driven.masked_fill_(mask, 0)

    def progress(self) -> Float[Tensor, 'env agent']:
        """Returns the share of its velocity that contact has left each agent since the last step: 0 to 1."""
        squares = self.driven.square().sum(dim=-1)
        left = (self._core.agents.velocities * self.driven).sum(dim=-1)
        return torch.where(squares > 0, (left / squares).clamp(0, 1), torch.ones_like(squares))

    def follow(
        self, begins: Float[Tensor, 'env agent 2'], commands: Float[Tensor, 'env agent 2'], rates: Callable[..., Rates]
    ) -> None:
        """Drives for a step, and sets the agents' velocities to what leads to the end of its path.

        Args:
            begins: The quantities at the step's beginning.
            commands: What they are to become.
            rates: The forward speed, in metres per second, and the turn rate, in radians per second, of two quantities.
        """
        step = 1 / self._core.fps
        durations = (commands - begins).abs() / self._limits

        def profile(times: Float[Tensor, 'env agent time']) -> Rates:
            return rates(*_ramps(begins, commands, durations, times))

        displacements, turns = self._path(durations.clamp(max=step), step, profile)
        set_velocities(self._core, displacements / step, turns.rad2deg() / step)
        self.driven.copy_(self._core.agents.velocities)
        self.values.copy_(torch.lerp(begins, commands, (step / durations.clamp(min=TINY)).clamp(max=1)))


def _ramps(
    begins: Float[Tensor, 'env agent 2'],
    ends: Float[Tensor, 'env agent 2'],
    durations: Float[Tensor, 'env agent 2'],
    times: Float[Tensor, 'env agent time'],
) -> tuple[Float[Tensor, 'env agent time'], ...]:
    """Two quantities at some times, each of which goes from its beginning to its end at a constant rate, and stays."""
    shares = (times[..., None] / durations.clamp(min=TINY)[:, :, None]).clamp(max=1)
    return torch.lerp(begins[:, :, None], ends[:, :, None], shares).unbind(-1)
