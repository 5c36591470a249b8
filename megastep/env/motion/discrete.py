"""Motion by seven numbered actions, beside that by velocities of an agent's own choosing."""

from __future__ import annotations

import math
from functools import partial
from typing import NamedTuple

import torch
from gymnasium.spaces import Discrete
from jaxtyping import Bool, Float, Int
from torch import Tensor

from megastep.checks import check_at_least_zero
from megastep.world.core import Core
from megastep.world.kernels import compile_ahead, implementation

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
        self._impulses = _impulses(core, speed, turn_speed)
        self.space = Discrete(len(ACTIONS))
        compile_ahead(core.device, partial(_push, core, torch.zeros_like(core.contacts), self._impulses))

    def reset(self, mask: Bool[Tensor, ' env'] | Bool[Tensor, 'env agent']) -> None:
        """Does nothing: no step depends on the one before."""

    def step(self, actions: Int[Tensor, '*agent']) -> None:
        """Sets the agents' velocities and angular velocities.

        Args:
            actions: A number for each agent: (env, agent), or (env * agent,); or -1, which an env makes of numbers that
                stand for no action, and which does nothing.
        """
        _push(self._core, actions, self._impulses)


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
        self._impulses = _impulses(core, acceleration * pushed, angular_acceleration * pushed)
        self.space = Discrete(len(ACTIONS))
        actions = torch.zeros_like(core.contacts)
        compile_ahead(core.device, partial(_push, core, actions, self._impulses, self._remaining))

    def reset(self, mask: Bool[Tensor, ' env'] | Bool[Tensor, 'env agent']) -> None:
        """Does nothing: what lasts is the agents' velocity."""

    def step(self, actions: Int[Tensor, '*agent']) -> None:
        """Changes the agents' velocities and angular velocities.

        Args:
            actions: A number for each agent: (env, agent), or (env * agent,); or -1, which an env makes of numbers that
                stand for no action, and which does nothing.
        """
        _push(self._core, actions, self._impulses, self._remaining)


class _Impulses(NamedTuple):
    """Impulses that actions stand for, in an agent's own frame; the last is for no action.

    Args:
        forward: Each action's forward.
        left: And leftward.
        turns: Its turn, anticlockwise.
    """

    forward: Float[Tensor, ' action']
    left: Float[Tensor, ' action']
    turns: Float[Tensor, ' action']


def _impulses(core: Core, straight: float, turn: float) -> _Impulses:
    """Straight impulses of one length, and turns of another."""
    forward, left, turns = torch.tensor([*DIRECTIONS, (0, 0, 0)], dtype=torch.float32, device=core.device).T
    return _Impulses((straight * forward).contiguous(), (straight * left).contiguous(), (turn * turns).contiguous())


def _push(core: Core, actions: Int[Tensor, '*agent'], impulses: _Impulses, remaining: float = 0.0) -> None:
    """Sets agents' velocities to what remains of them and the impulses of their actions, turned their way.

    Straight ones are along an axis, so that nothing in the product is rounded but once.
    """
    numbers = actions.reshape(core.agents.angles.shape).long().contiguous()
    implementation(core.device).push(core, numbers, impulses, remaining)
