"""Noise in what agents see and feel: drawn anew in every step, and the same until the next."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import torch
from gymnasium.spaces import Box, Dict
from jaxtyping import Bool, Float
from torch import Tensor

from megastep.checks import check_at_least_zero, check_share
from megastep.env.noise.protocol import Noisy

Path = tuple[str, ...]
"""Keys that lead through nested observations, one after another."""

Change = Callable[[Tensor, Tensor], Tensor]
"""Returns other observations of (row, ...), given random numbers of the same shape."""


class ObservationNoise:
    """Noise in an env's observations of some name, or of several names that share their random numbers.

    Args:
        env: The env.
        label: What messages call it.
        changes: What becomes of the observations of each name.
        per_pixel: Whether there is one random number a pixel, not one a channel.
        uniform: Whether random numbers are from 0 to 1, not normal.

    Raises:
        ValueError: if the env has no observations of any of the names.
    """

    def __init__(
        self, env: Noisy, label: str, changes: Mapping[str, Change], *, per_pixel: bool = False, uniform: bool = False
    ) -> None:
        self._core, self._uniform = env.core, uniform
        crowd = (env.core.num_envs, env.core.num_agents)
        self._leaves: list[tuple[Path, str, Change]] = []
        self.state: dict[str, Tensor] = {}
        for name, change in changes.items():
            for path, space in leaves(env, name):
                key = '.'.join(('drawn', *path[1:]))  # the same for all names, and another for each kind of camera
                shape = (space.shape[0], space.shape[-1]) if per_pixel else space.shape
                if key not in self.state:
                    self.state[key] = torch.zeros((*crowd, *shape), device=env.core.device)
                self._leaves.append((path, key, change))
        if not self._leaves:
            raise ValueError(f'{label} needs observations called {" or ".join(changes)}, got {names(env)}.')

    def reset(self, mask: Bool[Tensor, ' env']) -> None:
        """Draws anew in the envs in the mask."""
        for drawn in self.state.values():
            torch.where(mask.view(-1, *(1,) * (drawn.ndim - 1)), self._draw(torch.empty_like(drawn)), drawn, out=drawn)

    def step(self, resets: Bool[Tensor, ' env']) -> None:
        """Draws anew in all envs."""
        for drawn in self.state.values():
            self._draw(drawn)

    def observe(self, observations: Any) -> Any:
        """Returns observations with noise."""
        for path, key, change in self._leaves:
            drawn = self.state[key].flatten(0, 1)
            observations = changed(observations, path, lambda values: change(values, drawn))  # noqa: B023, called at once
        return observations

    def _draw(self, drawn: Tensor) -> Tensor:
        random = self._core.random
        return random.uniform_(drawn) if self._uniform else random.normal_(drawn)


def depth_noise(env: Noisy, amount: float) -> ObservationNoise:
    """Makes Gaussian noise in depth that grows with distance, as range sensors have it.

    Args:
        env: The env.
        amount: The standard deviation of a pixel's distance from the agent's rim, as a share of that distance.
    """
    check_at_least_zero(depth_noise=amount)
    return ObservationNoise(env, 'depth_noise', {'depth': partial(_stretched, amount)})


def rgb_noise(env: Noisy, amount: float) -> ObservationNoise:
    """Makes Gaussian noise in colours.

    Args:
        env: The env.
        amount: The standard deviation of each of a pixel's linear red, green and blue, which are from 0 to 1.
    """
    check_at_least_zero(rgb_noise=amount)
    return ObservationNoise(env, 'rgb_noise', {'rgb': partial(_brightened, amount)})


def pixel_dropout(env: Noisy, amount: float) -> ObservationNoise:
    """Makes pixels drop out: colours are black, and depth is 0, as if nothing were there.

    Args:
        env: The env.
        amount: The share of pixels that drop out of each picture.

    Raises:
        ValueError: if it isn't from 0 to 1.
    """
    check_share(pixel_dropout=amount)
    changes: dict[str, Change] = {'rgb': partial(_blackened, amount), 'depth': partial(_emptied, amount)}
    return ObservationNoise(env, 'pixel_dropout', changes, per_pixel=True, uniform=True)


# Functions of a module, not lambdas, so that an env with noise can be pickled


def _stretched(amount: float, depth: Tensor, drawn: Tensor) -> Tensor:
    return (1 - (1 - depth) * (1 + amount * drawn)).clamp(0, 1)


def _brightened(amount: float, rgb: Tensor, drawn: Tensor) -> Tensor:
    return (rgb + amount * drawn).clamp(0, 1)


def _blackened(amount: float, rgb: Tensor, drawn: Tensor) -> Tensor:
    return rgb * (drawn >= amount)[:, :, None]


def _emptied(amount: float, depth: Tensor, drawn: Tensor) -> Tensor:
    return depth * (drawn >= amount)


class OdometryDrift:
    """Drift of odometry: what the IMU says is off by a bias that wanders, so that a place reckoned from it drifts.

    The bias is a random walk (a Wiener process) from 0 at an episode's beginning. It wanders as far in a second at any
    fps.

    Args:
        env: The env.
        amount: The standard deviation of the bias after a second: of each velocity in metres per second, and of the
            turn rate in radians per second.

    Attributes:
        bias: What is added to the IMU's readings: (env, agent, 3).

    Raises:
        ValueError: if it is below 0 or isn't finite, or the env has no observations called imu.
    """

    def __init__(self, env: Noisy, amount: float) -> None:
        check_at_least_zero(odometry_drift=amount)
        self._core, self._paths = env.core, [path for path, _ in leaves(env, 'imu')]
        if not self._paths:
            raise ValueError(f'odometry_drift needs observations called imu, got {names(env)}.')
        scales = torch.tensor([amount, amount, amount / (2 * math.pi)], device=env.core.device)
        self._scales = scales / math.sqrt(env.core.fps)
        self.bias = torch.zeros((env.core.num_envs, env.core.num_agents, 3), device=env.core.device)

    @property
    def state(self) -> dict[str, Tensor]:
        """The bias."""
        return {'bias': self.bias}

    def reset(self, mask: Bool[Tensor, ' env']) -> None:
        """Begins without a bias in the envs in the mask."""
        self.bias.masked_fill_(mask[:, None, None], 0)

    def step(self, resets: Bool[Tensor, ' env']) -> None:
        """Lets the bias wander, and begins without one in some envs."""
        drawn = self._core.random.normal_(torch.empty_like(self.bias))
        self.bias.addcmul_(self._scales, drawn)
        self.reset(resets)

    def observe(self, observations: Any) -> Any:
        """Returns observations with the bias added."""
        for path in self._paths:
            observations = changed(observations, path, lambda imu: imu + self.bias.flatten(0, 1))
        return observations


def leaves(env: Noisy, name: str) -> list[tuple[Path, Box]]:
    """The boxes of an env's observations of a name, with the keys that lead there: one, or one a kind of camera."""
    space = env.single_observation_space
    if not isinstance(space, Dict):
        return [((), space)] if name == env.observation_name and isinstance(space, Box) else []
    found = space.spaces.get(name)
    if isinstance(found, Dict):
        return [((name, kind), box) for kind, box in found.spaces.items() if isinstance(box, Box)]
    return [((name,), found)] if isinstance(found, Box) else []


def names(env: Noisy) -> str:
    """The names of an env's observations."""
    space = env.single_observation_space
    return ', '.join(space.spaces) if isinstance(space, Dict) else env.observation_name or 'one without a name'


def changed(nested: Any, path: Path, change: Callable[[Tensor], Float[Tensor, 'row ...']]) -> Any:
    """Nested observations with those at the end of a path changed; the containers along it are new."""
    return {**nested, path[0]: changed(nested[path[0]], path[1:], change)} if path else change(nested)
