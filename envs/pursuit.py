"""A scripted driver for `Racing`: follows the centre line by pure pursuit, at full speed."""

from __future__ import annotations

from typing import Any

import torch
from jaxtyping import Float
from megastep.envs.racing import Racing
from torch import Tensor

from megastep.checks import check_above_zero
from megastep.env.motion import Ackermann, turned


class Pursuit:
    """Pure pursuit (Coulter, 1992): steers along the arc that leads to a point of the centre line ahead.

    It knows where it is and what the track looks like, and so needs no observations.

    Args:
        env: Where it drives.
        lookahead: How far ahead along the centre line that point is, in metres.
        speed: How fast it drives, in metres per second; by default as fast as it can.

    Raises:
        ValueError: if the env's agents don't have Ackermann steering, or the lookahead isn't above 0.
    """

    def __init__(self, env: Racing, *, lookahead: float = 0.8, speed: float | None = None) -> None:
        motion = env.motion
        if not isinstance(motion, Ackermann):
            raise ValueError(f'motion must be Ackermann for a Pursuit, got {type(motion).__name__}.')  # noqa: TRY004
        check_above_zero(lookahead=lookahead)
        self._env, self._lookahead, self._wheelbase = env, lookahead, motion.wheelbase
        self._speed = motion.max_speed if speed is None else speed

    def __call__(self, observations: Any = None) -> Float[Tensor, 'row 2']:
        """Returns a speed and a steering angle for each row."""
        agents = self._env.core.agents
        offsets = turned(self._env.laps.ahead(self._lookahead) - agents.positions, agents.angles, sense=-1)
        curvatures = 2 * offsets[..., 1] / offsets.square().sum(dim=-1).clamp(min=1e-6)
        steering = torch.atan(self._wheelbase * curvatures).rad2deg()
        return torch.stack([torch.full_like(steering, self._speed), steering], dim=-1).flatten(0, 1)
