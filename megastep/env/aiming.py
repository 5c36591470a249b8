"""Aiming: whom agents have in the middle of their view. What comes of it is `megastep.env.combat`'s."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import reduce
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from megastep.world.cameras import CameraRig, Cameras, by_name
from megastep.world.core import Core
from megastep.world.kernels import implementation
from megastep.world.rendering import PerRay, View


class Aim:
    """Target selection: picks whom an agent has in the middle of its view.

    What the rays of its first camera hit decides, so walls protect. Hand ``per_ray`` to
    `megastep.world.rendering.render`, which then returns those rays, and `observe` the view.

    Args:
        core: The envs.
        cameras: What the agents see with. If they are of several kinds, the first camera is of the first kind.
        degrees: How far to either side of the middle the aim reaches. The one or two rays next to the middle always
            count, so 0 is an aim of those alone.
        max_range: How far it reaches, in metres from the camera.

    Attributes:
        targets: The number of the agent that each agent has within its aim, -1 for none: (env, agent) int32.
        first: The leftmost ray that counts.
        last: The rightmost.
        per_ray: What `megastep.world.rendering.render` is to return of each ray: what those hit, and no others.

    Raises:
        ValueError: if degrees isn't from 0 to half the field of view, or max_range isn't above 0 and finite.
    """

    def __init__(self, core: Core, cameras: CameraRig, *, degrees: float = 5.0, max_range: float = 8.0) -> None:
        first = _first(cameras)
        if not 0 <= degrees <= first.fov / 2:
            raise ValueError(f'aim must be from 0 to half the field of view, {first.fov / 2:g}, got {degrees}.')
        if not 0 < max_range < math.inf:
            raise ValueError(f'max_range must be above 0 m and finite, got {max_range}.')
        self._max_range, self._sides = max_range, core.scenery.lines_per_agent
        self._outlines = core.num_agents * self._sides
        off_middle = np.abs(bearings(first))
        (inside,) = np.nonzero(off_middle <= max(degrees, off_middle.min()))
        self.first, self.last = int(inside[0]), int(inside[-1])
        rays = slice(self.first, self.last + 1)
        others = dict.fromkeys(list(by_name(cameras))[1:], False)
        self.per_ray: PerRay = {next(iter(cameras)): rays, **others} if isinstance(cameras, Mapping) else rays
        ranks = (-off_middle[inside]).argsort(kind='stable').argsort()  # the nearer to the middle, the higher
        self._keys = torch.tensor(ranks * self._outlines, dtype=torch.int32, device=core.device)
        self.targets = torch.full((core.num_envs, core.num_agents), -1, dtype=torch.int32, device=core.device)

    @property
    def state(self) -> dict[str, Tensor]:
        """The targets: what a step does about them was decided by the observation before it."""
        return {'targets': self.targets}

    def observe(self, view: View | Mapping[str, View]) -> None:
        """Aims at the agents that the rays nearest to the middle show, if they are within reach.

        Raises:
            ValueError: if the view was rendered without rays, or without one of those.
        """
        lines, distances = _rays(_first(view))
        first, count = self.first - _first(view).first_ray, lines.shape[3]
        if not 0 <= first <= first + self.last - self.first < count:
            there = f'{_first(view).first_ray} to {_first(view).first_ray + count - 1}'
            raise ValueError(f'view must have rays {self.first} to {self.last}, got {there}.')
        outlines, sides = self._outlines, self._sides
        kernels, rays = implementation(lines.device), (lines.contiguous(), distances.contiguous())
        kernels.aim(*rays, self._keys, self.targets, self._max_range, outlines, sides, first)


def in_sight(core: Core, view: View | Mapping[str, View]) -> Bool[Tensor, 'env agent']:
    """Visibility of others: which agents have another anywhere in their view, by the rays that it has.

    Raises:
        ValueError: if the view was rendered without rays.
    """
    outlines = core.num_agents * core.scenery.lines_per_agent
    lines = [_rays(each)[0].flatten(2) for each in by_name(view).values()]
    return reduce(torch.logical_or, [((each >= 0) & (each < outlines)).any(dim=-1) for each in lines])


def bearings(cameras: Cameras) -> Float[np.ndarray, ' ray']:
    """Bearings of a camera's rays, in degrees to the left of its middle."""
    places = (cameras.num_rays - 1 - 2 * np.arange(cameras.num_rays)) / cameras.num_rays
    return np.degrees(np.arctan(places * math.tan(math.radians(cameras.fov / 2))))


def _first(things: Any) -> Any:
    """The first kind of camera's part."""
    return next(iter(by_name(things).values()))


def _rays(view: View) -> tuple[Tensor, Tensor]:
    if view.lines is None or view.distances is None:
        raise ValueError('view must have lines and distances, got none: render it with per_ray=True.')
    return view.lines, view.distances
