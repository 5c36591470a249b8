"""Who aims at whom, and what shots do: all that are fired in a step strike at the same instant."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import reduce
from typing import Any

import numpy as np
import torch
from gymnasium.spaces import Box
from jaxtyping import Bool, Float, Int, Int64
from torch import Tensor

from megastep.core import Cameras, Core
from megastep.rendering import View
from megastep.rigs import Rig, kinds

EVENTS = ('aims', 'shots', 'hits', 'wounds', 'kills', 'deaths')
"""What is counted for each agent: the steps in which it had another within its aim; the shots it fired, and those that
hit; the shots that hit it; the deaths put down to it; and its own. Over the agents of an env, hits are as many as
wounds, and kills as deaths."""


class Aim:
    """Picks whom an agent has in the middle of its view.

    What the rays of its first camera hit decides, so walls protect.

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

    Raises:
        ValueError: if degrees isn't from 0 to half the field of view, or max_range isn't above 0 and finite.
    """

    def __init__(self, core: Core, cameras: Rig, *, degrees: float = 5.0, max_range: float = 8.0) -> None:
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
        ranks = (-off_middle[inside]).argsort(kind='stable').argsort()  # the nearer to the middle, the higher
        self._keys = torch.tensor(ranks * self._outlines, dtype=torch.int32, device=core.device)
        self._nobody = torch.tensor(-1, dtype=torch.int32, device=core.device)
        self.targets = torch.full((core.num_envs, core.num_agents), -1, dtype=torch.int32, device=core.device)

    def __call__(self, view: View | Mapping[str, View]) -> None:
        """Aims at the agents that the rays nearest to the middle show, if they are within reach.

        Raises:
            ValueError: if the view was rendered without rays.
        """
        lines, distances = _rays(_first(view))
        rays = slice(self.first, self.last + 1)
        lines, distances = lines[:, :, 0, rays], distances[:, :, 0, rays]
        shown = (lines < self._outlines) & (distances <= self._max_range)  # where nothing is hit it is infinite
        nearest = torch.where(shown, self._keys + lines, self._nobody).amax(dim=-1)
        torch.floor_divide(nearest.fmod_(self._outlines), self._sides, out=self.targets)  # both leave -1 as it is


def in_sight(core: Core, view: View | Mapping[str, View]) -> Bool[Tensor, 'env agent']:
    """Returns which agents have another anywhere in their view.

    Raises:
        ValueError: if the view was rendered without rays.
    """
    outlines = core.num_agents * core.scenery.lines_per_agent
    lines = [_rays(each)[0].flatten(2) for each in kinds(view).values()]
    return reduce(torch.logical_or, [((each >= 0) & (each < outlines)).any(dim=-1) for each in lines])


def bearings(cameras: Cameras) -> Float[np.ndarray, ' ray']:
    """Which way each ray of a camera goes, in degrees to the left of its middle."""
    places = (cameras.num_rays - 1 - 2 * np.arange(cameras.num_rays)) / cameras.num_rays
    return np.degrees(np.arctan(places * math.tan(math.radians(cameras.fov / 2))))


def _first(things: Any) -> Any:
    """What there is for the first kind of camera."""
    return next(iter(kinds(things).values()))


def _rays(view: View) -> tuple[Tensor, Tensor]:
    if view.lines is None or view.distances is None:
        raise ValueError('view must have lines and distances, got none: render it with per_ray=True.')
    return view.lines, view.distances


class Combat:
    """Agents' health and the time they need between shots.

    A hit takes one point of health. An agent that has none left is dead, and is to be restarted. All shots of a step
    are fired at once, so those that an agent fires as it dies count. If several hit one who dies of it, the kill is put
    down to the one who comes first when turns are taken, as they are in the physics, starting one further every step.

    Args:
        core: The envs.
        health: How many hits an agent lives through, and one: the points it has when it is new.
        cooldown: The least time between two shots of an agent, in seconds; 0 for a shot every step.

    Attributes:
        health: The points that each agent has left: (env, agent) int64.
        waits: How many steps each agent can't shoot for: (env, agent) int64.
        full_health: The points that an agent has when it is new.
        space: One agent's health or cooldown, as observed.

    Raises:
        ValueError: if health isn't an integer of at least 1, or the cooldown isn't at least 0 and finite.
    """

    def __init__(self, core: Core, *, health: int = 4, cooldown: float = 0.5) -> None:
        if not isinstance(health, int) or health < 1:
            raise ValueError(f'health must be an integer of at least 1, got {health!r}.')
        if not 0 <= cooldown < math.inf:
            raise ValueError(f'cooldown must be at least 0 s and finite, got {cooldown}.')
        self._core, self.full_health = core, health
        self._period = max(math.ceil(cooldown * core.fps - 1e-6), 1)  # steps from a shot to the next
        self._numbers = torch.arange(core.num_agents, device=core.device)
        self._last = torch.tensor(core.num_agents, device=core.device)
        self._new = torch.tensor([health, 0], device=core.device).view(-1, 1, 1)
        self._scales = torch.tensor([health, self._period], device=core.device).view(-1, 1, 1)
        self._points = self._new.repeat(1, core.num_envs, core.num_agents)
        self.health, self.waits = self._points
        self.space = Box(0, 1, (1,), dtype=np.float32)

    def fire(
        self, targets: Int[Tensor, 'env agent'], triggers: Bool[Tensor, 'env agent'] | None = None
    ) -> Int64[Tensor, 'event env agent']:
        """Fires every agent's shot that is due, and takes the wounded's health.

        Args:
            targets: Whom each agent would hit, -1 for nobody: see `Aim`.
            triggers: Which agents want to shoot; by default those who would hit.

        Returns:
            How many of each of `EVENTS` there were.
        """
        fires = self.waits <= 0 if triggers is None else (self.waits <= 0) & triggers
        aimed = targets[..., None] == self._numbers  # (env, shooter, victim)
        struck = aimed & fires[..., None]
        wounds = struck.sum(dim=1)
        self.health.sub_(wounds)
        deaths = self.health <= 0
        turns = (self._numbers - self._core.turn) % self._last
        orders = torch.where(struck, turns[:, None], self._last)
        killed = (orders == orders.amin(dim=1, keepdim=True)) & deaths[:, None]
        aims, hits, kills = torch.stack([aimed, struck, killed]).sum(dim=-1)
        shots = hits if triggers is None else fires.long()
        self.waits.sub_(1).clamp_(min=0).add_(shots, alpha=self._period - 1)
        return torch.stack([aims, shots, hits, wounds, kills, deaths.long()])

    def restart(self, mask: Bool[Tensor, 'env agent']) -> None:
        """Makes the agents in the mask new: unhurt and ready to shoot."""
        torch.where(mask, self._new, self._points, out=self._points)

    def observe(self) -> tuple[Float[Tensor, 'row 1'], Float[Tensor, 'row 1']]:
        """Returns the share of its health that each agent has left, and how long it can't shoot.

        That is a share of the time between two shots; at 0 it can.
        """
        health, cooldown = (self._points / self._scales).view(2, -1, 1)
        return health, cooldown
