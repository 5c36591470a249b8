"""A scripted opponent for `Deathmatch`: turns towards what it sees, and walks on where it sees nobody."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from gymnasium.spaces import Discrete
from jaxtyping import Bool, Float, Int
from torch import Tensor

from megastep.env import Env
from megastep.env.aiming import bearings
from megastep.env.motion import ACTIONS
from megastep.world.cameras import Cameras

MOVEMENTS = len(ACTIONS)
"""The number of actions of `Deathmatch` that only move; the others do the same with a shot."""

TURNING, DECAY = 225.0, 2.5
"""How its agents turn, in degrees per second², and how quickly they slow, per second: see `MomentumMovement`."""

STAY, FORWARD, LEFT, RIGHT = (ACTIONS.index(name) for name in ('stay', 'forward', 'turn left', 'turn right'))

GREENER, REDDER = 1.25, 2.0
"""A pixel with so many times as much green, or red, as of the two other colours together: no wall has one."""

AHEAD, CLOSE = 25, 1.5
"""It turns where what is ahead, within so many degrees to either side, is nearer than this on average, in metres."""

ON = 2.5
"""It stands and shoots at whoever is nearer than this, in metres, and walks towards the others."""


class Gunner:
    """Scripted policy: chooses actions from observations alone, each row for itself, without memory.

    Args:
        env: Where it plays: how its agents see and turn is known to it. It looks through the first camera.

    Raises:
        ValueError: if the env's agents carry cameras of several kinds, or their actions aren't numbered.
    """

    def __init__(self, env: Env) -> None:
        if not isinstance(env.cameras, Cameras):
            raise ValueError(f'cameras must be of one kind for a Gunner, got {list(env.cameras)}.')  # noqa: TRY004
        if not isinstance(env.single_action_space, Discrete):
            raise ValueError(f'actions must be numbers for a Gunner, got {env.single_action_space}.')  # noqa: TRY004
        self._shot = MOVEMENTS if env.single_action_space.n > MOVEMENTS else 0
        self._reach = env.cameras.max_depth
        rays = bearings(env.cameras).reshape(env.cameras.res, env.cameras.subsample)
        self._bearings = torch.from_numpy(rays.mean(axis=1)).float().to(env.device)
        self._ahead = (self._bearings.abs() < AHEAD).float()
        self._coast = 1 / (env.core.fps * math.expm1(DECAY / env.core.fps))  # seconds: what is left of a turn
        self._tap = TURNING / DECAY / env.core.fps

    def __call__(self, observations: Mapping[str, Tensor]) -> Int[Tensor, ' row']:
        """Returns an action for each row."""
        rgb, depth = observations['rgb'][:, 0], observations['depth'][:, 0]
        distances = self._reach * (1 - depth)
        heading = self._coast * 360 * observations['imu'][:, 2:]  # where it will face if it turns no more
        offsets = torch.where(_agents(rgb), self._bearings - heading, math.inf)
        nearest = offsets.abs().argmin(dim=-1, keepdim=True)
        offset, distance = offsets.gather(1, nearest)[:, 0], distances.gather(1, nearest)[:, 0]
        seen = offset.isfinite()
        chasing = self._turn(offset, torch.where(distance > ON, FORWARD, STAY))
        return torch.where(seen, chasing + self._shot, self._wander(distances))

    def _turn(self, offset: Float[Tensor, ' row'], otherwise: Int[Tensor, ' row']) -> Int[Tensor, ' row']:
        """Turns by an offset in degrees, or does something else if a tap wouldn't bring it nearer."""
        turns = torch.where(offset > 0, LEFT, RIGHT)
        return torch.where(offset.abs() > self._tap / 2, turns, otherwise)

    def _wander(self, distances: Float[Tensor, 'row pixel']) -> Int[Tensor, ' row']:
        """Walks on, and where that's soon over turns to the side where there is more room."""
        ahead = (distances * self._ahead).sum(dim=-1) / self._ahead.sum()
        more_left = (distances * self._bearings.sign()).sum(dim=-1) > 0
        return torch.where(ahead > CLOSE, FORWARD, torch.where(more_left, LEFT, RIGHT))


def _agents(rgb: Float[Tensor, 'row 3 pixel']) -> Bool[Tensor, 'row pixel']:
    """The pixels that show the green or red of an agent."""
    red, green, blue = rgb.unbind(1)
    return (green > GREENER * (red + blue)) | (red > REDDER * (green + blue))
