"""Path following: points to steer for on the shortest paths to spawns, also around corners that agents are at."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from megastep.env.navigation import GeodesicField
from megastep.env.waypoints import next_waypoints
from megastep.maps.geometry import Geometry
from megastep.maps.ragged import Ragged
from megastep.world.core import Core

PASSED = 0.15
"""A waypoint nearer than this, in metres, has been passed, and it is looked around for what comes next."""

TOUCHED = 0.03
"""The same while a wall is in the way: the waypoint itself is free."""

AROUND, ASIDE = 0.25, 16
"""So far away, in metres, and in so many directions."""

ROUNDING = 0.03
"""By so much, in metres, geodesic distances may be out of those nearby; where they are more, a wall lies between."""


class PathFollower:
    """Path follower: says where agents are to go next on their shortest paths to spawns.

    That is the next waypoint. Who has come to it looks at points all around: the one that is nearest to the goal along
    the shortest path is the next to go to.

    Args:
        core: The envs.
        field: The geodesic field of their maps.
    """

    def __init__(self, core: Core, field: GeodesicField) -> None:
        field.check_spawns(core.scenery.spawns)
        self._core, self._field = core, field
        turns = torch.arange(ASIDE, device=core.device) * (math.tau / ASIDE)
        self._fan = AROUND * torch.stack([turns.cos(), turns.sin()], dim=-1)

    def points(self, goals: Int[Tensor, 'env agent']) -> Float[Tensor, 'env agent 2']:
        """The points to steer for, in metres, given the numbers of the spawns that agents are to reach."""
        core, places = self._core, self._core.agents.positions
        waypoints = next_waypoints(self._field, places, core.map_ids, goals)
        around = places[:, :, None] + self._fan
        left, halfway = (self._distances(points, goals) for points in (around, (places[:, :, None] + around) / 2))
        here = self._field.distances(places, core.map_ids, goals)[..., None]
        hidden = (left < here - AROUND - ROUNDING) | (halfway < here - AROUND / 2 - ROUNDING)
        best = torch.where(hidden, math.inf, left + halfway).argmin(dim=-1, keepdim=True)
        next_ones = around.gather(2, best[..., None].expand(*best.shape, 2))[:, :, 0]
        passed = (waypoints - places).norm(dim=-1) < torch.where(core.contacts >= 0, TOUCHED, PASSED)
        return torch.where((passed & (here[..., 0] > PASSED))[..., None], next_ones, waypoints)

    def _distances(
        self, points: Float[Tensor, 'env agent point 2'], goals: Int[Tensor, 'env agent']
    ) -> Float[Tensor, 'env agent point']:
        """Geodesic distances from several points to each agent's goal."""
        each = goals[..., None].expand(points.shape[:-1])
        return self._field.distances(points.flatten(1, 2), self._core.map_ids, each.flatten(1)).view(each.shape)


def field_of(core: Core) -> GeodesicField:
    """The geodesic field of a core's maps for its agents, computed from the scenery. Waits for the GPU."""
    walls, spawns = (_arrays(rows) for rows in (core.scenery.walls, core.scenery.spawns))
    nothing: dict[str, Any] = {'lights': np.empty((0, 3)), 'doors': np.empty((0, 2, 2)), 'rooms': ()}
    maps = [Geometry.unchecked(walls=w, spawns=s, **nothing) for w, s in zip(walls, spawns, strict=True)]
    return GeodesicField.pack(maps, core.device, agent_radius=core.agent_radius)


def _arrays(rows: Ragged[Tensor]) -> list[np.ndarray]:
    return np.split(rows.vals.cpu().double().numpy(), rows.starts[1:].cpu().numpy())
