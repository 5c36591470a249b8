"""Exploration by frontiers: always to the nearest place that hasn't been seen."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from megastep.env import Env
from megastep.env.navigation import GeodesicField
from megastep.evaluation.baselines.paths import PathFollower, field_of
from megastep.evaluation.baselines.range_finder import RangeFinder
from megastep.evaluation.baselines.steering import bearings, in_frame, make_steering
from megastep.evaluation.play import Act
from megastep.world.cameras import Cameras, by_name
from megastep.world.core import Core

VISITED = 0.5
"""A place nearer than this, in metres, has been visited."""

RAYS = 64
"""A camera's view is looked at along so many rays."""

MARGIN = 0.1
"""A place is seen if nothing is more than this before it, in metres."""

SEEN, DONE = 1e3, 1e6
"""What is added to the ways to places that have been seen, and to those that have been visited, in metres."""


class Places(NamedTuple):
    """The spawns of each env's map, filled up to as many in all."""

    positions: Float[Tensor, 'env place 2']
    there: Bool[Tensor, 'env place']


@dataclass(frozen=True)
class FrontierExplorer:
    """Nearest-frontier exploration (Yamauchi, 1997): walks to the nearest place that it hasn't seen yet.

    Places are the spawns of the map, which lie all over it. It knows them, and the shortest paths to them, from the
    beginning, so it does better than who has to find the way; what it has seen is what its first kind of camera shows.
    Once it has seen them all it goes to where it hasn't been.
    """

    def for_env(self, env: Env) -> Act:
        """Makes who acts in an env. The geodesic field is computed, as `GeodesicField.pack` does.

        Raises:
            ValueError: if its agents' motion can't be steered.
        """
        steer, core = make_steering(env), env.core
        field = field_of(core)
        follower, camera = PathFollower(core, field), next(iter(by_name(env.cameras).values()))
        search = Search(core, field, replace(camera, res=RAYS, subsample=1))

        def act(observations: Any, begins: Bool[Tensor, ' row']) -> Tensor:
            points = follower.points(search.nearest(begins.view(core.contacts.shape)))
            return steer(in_frame(points - core.agents.positions, core.agents.angles))

        return act


class Search:
    """Search for places that haven't been seen: keeps account of those that have.

    Args:
        core: The envs.
        field: The geodesic field of their maps.
        cameras: What the agents see with.
    """

    def __init__(self, core: Core, field: GeodesicField, cameras: Cameras) -> None:
        self._core, self._field, self._finder = core, field, RangeFinder(core, cameras)
        self._apart = cameras.fov / cameras.res
        self._numbers = torch.arange(int(core.scenery.spawns.widths.max()), device=core.device)
        shape = (core.num_envs, core.num_agents, len(self._numbers))
        self._costs = torch.zeros(shape, device=core.device)

    def nearest(self, begins: Bool[Tensor, 'env agent']) -> Tensor:
        """Returns the number of the place that each agent is to go to, having looked around.

        Args:
            begins: Who has just begun an episode, and has seen nothing yet.
        """
        places, core = self._places(), self._core
        offsets = places.positions[:, None] - core.agents.positions[:, :, None]
        distances = offsets.norm(dim=-1)
        seen = self._seen(offsets, distances)
        self._costs.masked_fill_(begins[..., None], 0)
        found = seen * SEEN + (distances < VISITED) * DONE
        torch.maximum(self._costs, found, out=self._costs)
        self._costs.masked_fill_(~places.there[:, None], torch.inf)
        return (self._ways() + self._costs).argmin(dim=-1)

    def _places(self) -> Places:
        spawns, maps = self._core.scenery.spawns, self._core.map_ids
        there = self._numbers < spawns.widths[maps, None]
        return Places(spawns.vals[spawns.starts[maps, None] + torch.where(there, self._numbers, 0)], there)

    def _seen(
        self, offsets: Float[Tensor, 'env agent place 2'], distances: Float[Tensor, 'env agent place']
    ) -> Bool[Tensor, 'env agent place']:
        """True of places that a camera shows: a ray goes nearly there, and further."""
        angles = self._core.agents.angles[..., None]
        directions = bearings(in_frame(offsets, angles.expand(distances.shape)))
        nearest, rays = (directions[..., None] - self._finder.bearings).abs().min(dim=-1)
        return (nearest <= self._apart) & (distances <= self._finder.ranges().gather(-1, rays) + MARGIN)

    def _ways(self) -> Float[Tensor, 'env agent place']:
        """Geodesic distances to all places."""
        core, count = self._core, len(self._numbers)
        places = core.agents.positions[:, :, None].expand(-1, -1, count, 2).flatten(1, 2)
        numbers = self._numbers.expand(core.num_envs, core.num_agents, count)
        return self._field.distances(places, core.map_ids, numbers.flatten(1)).view(numbers.shape)
