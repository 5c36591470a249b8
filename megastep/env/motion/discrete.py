"""Motion by seven numbered actions, beside that by velocities of an agent's own choosing."""

from __future__ import annotations

import math

import torch
from gymnasium.spaces import Discrete
from jaxtyping import Bool, Complex, Int
from torch import Tensor

from megastep.checks import check_at_least_zero
from megastep.world.core import Core

DEGREE = math.radians(1) * 1j
"""A degree, as an exponent of e that turns by it."""

ACTIONS = ('stay', 'forward', 'backward', 'left', 'right', 'turn left', 'turn right')
"""The actions by their numbers."""

DIRECTIONS = ((0, 0, 0), (1, 0, 0), (-1, 0, 0), (0, 1, 0), (0, -1, 0), (0, 0, 1), (0, 0, -1))
"""Each action's share of forward, leftward and anticlockwise motion."""


class SimpleMovement:
    """Velocity control: seven actions, each of which sets the agent's velocity afresh: see `ACTIONS`.

    Args:
        core: The envs.
        speed: How fast an agent walks, in metres per second.
        turn_speed: How fast it turns, in degrees per second.

    Attributes:
        space: One agent's actions.
        max_speed: How fast it walks, in metres per second.
        turn_speed: How fast it turns, in degrees per second.

    Raises:
        ValueError: if a speed is below 0 or isn't finite.
    """

    def __init__(self, core: Core, *, speed: float = 2.0, turn_speed: float = 180.0) -> None:
        check_at_least_zero(speed=speed, turn_speed=turn_speed)
        self._core, self.max_speed, self.turn_speed = core, speed, turn_speed
        self._impulses = _Impulses(core, speed, turn_speed)
        self.space = Discrete(len(ACTIONS))

    def reset(self, mask: Bool[Tensor, ' env'] | Bool[Tensor, 'env agent']) -> None:
        """Does nothing: no step depends on the one before."""

    def step(self, actions: Int[Tensor, '*agent']) -> None:
        """Sets the agents' velocities and angular velocities.

        Args:
            actions: A number for each agent: (env, agent), or (env * agent,); or -1, which an env makes of numbers that
                stand for no action, and which does nothing.
        """
        numbers, agents = self._impulses.numbers(actions), self._core.agents
        self._impulses.pushes(numbers, out=torch.view_as_complex(agents.velocities))
        torch.take(self._impulses.turns, numbers, out=agents.angular_velocities)


class MomentumMovement:
    """Acceleration control: seven actions, each of which pushes an agent that friction slows down: see `ACTIONS`.

    Velocities follow dv/dt = acceleration - decay * v, solved exactly over a step in which the push is constant in the
    world's frame. So an agent's velocity halves as quickly, and tends to the same acceleration / decay, at any fps.

    Args:
        core: The envs.
        acceleration: How hard an agent pushes itself along, in metres per second².
        angular_acceleration: How hard it turns itself, in degrees per second².
        decay: How quickly it slows, per second: e to the power of -decay of its velocity is left after a second.

    Attributes:
        space: One agent's actions.
        max_speed: The speed that it tends to, in metres per second.
        angular_acceleration: As given.
        decay: As given.

    Raises:
        ValueError: if an acceleration or the decay is below 0 or isn't finite.
    """

    def __init__(
        self,
        core: Core,
        *,
        acceleration: float = 5.0,
        angular_acceleration: float = 450.0,
        decay: float = 2.5,
    ) -> None:
        check_at_least_zero(acceleration=acceleration, angular_acceleration=angular_acceleration, decay=decay)
        self._core, self.max_speed = core, acceleration / decay if decay else math.inf
        self.angular_acceleration, self.decay = angular_acceleration, decay
        step = 1 / core.fps
        self._remaining = math.exp(-decay * step)
        pushed = -math.expm1(-decay * step) / decay if decay else step  # seconds: what a push comes to after friction
        self._impulses = _Impulses(core, acceleration * pushed, angular_acceleration * pushed)
        self.space = Discrete(len(ACTIONS))

    def reset(self, mask: Bool[Tensor, ' env'] | Bool[Tensor, 'env agent']) -> None:
        """Does nothing: what lasts is the agents' velocity."""

    def step(self, actions: Int[Tensor, '*agent']) -> None:
        """Changes the agents' velocities and angular velocities.

        Args:
            actions: A number for each agent: (env, agent), or (env * agent,); or -1, which an env makes of numbers that
                stand for no action, and which does nothing.
        """
        numbers, agents, remaining = self._impulses.numbers(actions), self._core.agents, self._remaining
        pushes, turns = torch.view_as_real(self._impulses.pushes(numbers)), self._impulses.turns[numbers]
        torch.add(pushes, agents.velocities, alpha=remaining, out=agents.velocities)
        torch.add(turns, agents.angular_velocities, alpha=remaining, out=agents.angular_velocities)


class _Impulses:
    """Vectors that actions stand for: straight ones of one length, and turns of another.

    Attributes:
        turns: Each action's turn, anticlockwise.
    """

    def __init__(self, core: Core, straight: float, turn: float) -> None:
        self._angles = core.agents.angles
        none = (0, 0, 0)  # the last row, number -1, is for no action
        forward, left, turns = torch.tensor([*DIRECTIONS, none], dtype=torch.float32, device=core.device).unbind(-1)
        self._forward, self.turns = straight * torch.complex(forward, left), turn * turns

    def numbers(self, actions: Int[Tensor, '*agent']) -> Int[Tensor, 'env agent']:
        return actions.reshape(self._angles.shape).long()

    def pushes(
        self, numbers: Int[Tensor, 'env agent'], *, out: Complex[Tensor, 'env agent'] | None = None
    ) -> Complex[Tensor, 'env agent']:
        """Pushes in the world's frame, as complex numbers; written into a tensor, they take a launch less.

        Straight ones are along an axis, so that nothing in the product is rounded but once.
        """
        return torch.mul(self._forward[numbers], torch.exp(self._angles * DEGREE), out=out)
