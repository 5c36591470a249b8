"""Point goals: where agents begin and where they are to go, and what they sense of that."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np
import torch
from gymnasium.spaces import Box
from jaxtyping import Bool, Float, Int64
from torch import Tensor

from megastep.checks import check_numbers
from megastep.env.fields.path_lengths import path_lengths
from megastep.env.interface.state import check_whole
from megastep.maps.geometry import Geometry
from megastep.maps.mapset import MapSet
from megastep.maps.ragged import Ragged
from megastep.world.buffers import check_mask, on_device
from megastep.world.core import Core, place
from megastep.world.episode_queue import EpisodeQueue
from megastep.world.kernels import compile_ahead, implementation
from megastep.world.scenery import LARGEST

ENOUGH = 0.5
"""A smaller share of all pairs of spawns is warned of: other goals would be a task of another difficulty."""


class Goals(NamedTuple):
    """Each agent's start and goal: two spawns of its map."""

    starts: Float[Tensor, 'env 1 2']
    """The start, in metres."""
    bearings: Float[Tensor, 'env 1']
    """The agent's angle there, in degrees."""
    spawns: Int64[Tensor, 'env 1']
    """The number, in its map, of the spawn to be reached."""
    positions: Float[Tensor, 'env 1 2']
    """The position of that spawn, in metres."""
    lengths: Float[Tensor, 'env 1']
    """The shortest path's length, in metres."""


class RandomGoals:
    """Random starts and goals: puts agents at random spawns of their map, and gives each another spawn to go to.

    Of all starts and goals whose shortest path is of a length in the range, each is as likely as any other. Agents face
    anywhere, are at rest and touch nothing. Where fixed episodes are played, they say all of it.

    Args:
        core: The envs, of one agent each.
        maps: The maps that the core's scenery was packed from. Where they don't have `Geometry.geodesics`, these are
            found: on the core's device, by a CPU in 1 ms a house.
        nearest: The shortest path that a goal may be away, in metres.
        furthest: The longest; None if there is no bound.

    Attributes:
        current: The agents' starts and goals, written in place.
        share: The share that is drawn from, of all pairs of spawns whose shortest path is at least ``nearest``.

    Warns:
        UserWarning: if that is less than half.

    Raises:
        ValueError: if an env has several agents, the maps aren't the scenery's, the range is empty or isn't above 0 m,
            or a map has no two spawns whose shortest path is in it.
    """

    def __init__(
        self, core: Core, maps: MapSet | Sequence[Geometry], *, nearest: float = 1.0, furthest: float | None = 10.0
    ) -> None:
        maps = maps if isinstance(maps, MapSet) else MapSet(maps)
        if core.num_agents != 1:
            raise ValueError(f'goals are for 1 agent an env, got {core.num_agents}.')
        most = math.inf if furthest is None else furthest
        check_numbers(nearest=nearest, furthest=most)
        if not 0 < nearest <= most or nearest == math.inf:
            raise ValueError(f'nearest must be above 0 m and at most furthest, got {nearest} and {furthest}.')
        if not np.array_equal(maps.spawns.widths, core.scenery.spawns.widths.cpu()):
            raise ValueError("maps must be those of the core's scenery, got others: they have other numbers of spawns.")
        self._core, self.share = core, 1.0
        if core.episodes is None:
            paths = path_lengths(maps, core.agent_radius, core.device)
            pairs = _pairs(paths, nearest, most)
            self.share = _share(pairs, paths, nearest, most)
            self._paths, self._pairs = on_device(paths, core.device), on_device(pairs, core.device)
        elif not core.episodes.has_goals:
            raise ValueError('episodes must have goals, got some without: they were drawn for another task.')
        places, values = core.agents.positions, core.agents.angles
        self.current = Goals(
            starts=torch.zeros_like(places),
            bearings=torch.zeros_like(values),
            spawns=torch.zeros_like(values, dtype=torch.int64),
            positions=torch.zeros_like(places),
            lengths=torch.zeros_like(values),
        )
        compile_ahead(core.device, partial(RandomGoals.reached, self, 1.0))
        self.reset(torch.ones(core.num_envs, dtype=torch.bool, device=core.device))

    def reached(self, reach: float) -> Bool[Tensor, 'env 1']:
        """Returns which agents are no further from their goal than that, in metres as a bird flies."""
        found = torch.empty_like(self.current.lengths, dtype=torch.bool)
        positions = self._core.agents.positions
        implementation(found.device).reached(self.current.positions, positions, reach, found)
        return found

    @property
    def state(self) -> dict[str, Tensor]:
        """The starts and goals."""
        return self.current._asdict()

    def reset(self, mask: Bool[Tensor, ' env']) -> None:
        """Gives new starts and goals in the envs in the mask; the others' stay as they are."""
        core = self._core
        check_mask(mask, (core.num_envs,), core.device)
        if core.episodes is not None:
            return self._take(core.episodes, mask)
        kernels, draw = implementation(core.device), core.random.draw()
        return kernels.respawn_with_goals(core, mask, draw, self._pairs, self._paths, self.current)

    def check_state(self, state: Mapping[str, Tensor], map_ids: Tensor) -> None:
        """Refuses goals that aren't spawns of the map, and places that are none."""
        most = self._core.scenery.spawns.widths[map_ids.to(self._core.device)].long() - 1
        check_whole('goals: spawns', state['spawns'].to(most.device), most[..., None])
        for name in ('starts', 'positions'):
            if not bool(((state[name] >= 0) & (state[name] <= LARGEST)).all()):
                raise ValueError(f'goals: {name} must be from 0 to {LARGEST:g} m, got {state[name].tolist()}.')
        for name in ('bearings', 'lengths'):
            if not bool(state[name].isfinite().all()):
                raise ValueError(f'goals: {name} must be finite, got {state[name].tolist()}.')

    def _take(self, episodes: EpisodeQueue, mask: Bool[Tensor, ' env']) -> None:
        """Gives the envs in the mask the starts and goals of the fixed episodes that they play."""
        core, spawns = self._core, self._core.scenery.spawns
        place(core, mask)
        goals = Goals(
            starts=core.agents.positions,
            bearings=core.agents.angles,
            spawns=episodes.goals[:, None],
            positions=spawns.vals[spawns.starts[core.map_ids] + episodes.goals][:, None],
            lengths=episodes.shortest_paths[:, None],
        )
        for new, current in zip(goals, self.current, strict=True):
            torch.where(mask.view(-1, *(1,) * (new.ndim - 1)), new, current, out=current)


class PointGoalSensor:
    """Point-goal sensor: the polar coordinates of points as agents see them.

    That is how far they are, in metres as a bird flies, and the cosine and sine of their bearing: 1 and 0 straight
    ahead. A point's bearing is measured anticlockwise from where one faces.
    """

    space = Box(np.array([0, -1, -1], np.float32), np.array([np.inf, 1, 1], np.float32))

    def observe(
        self,
        points: Float[Tensor, 'env agent 2'],
        positions: Float[Tensor, 'env agent 2'],
        angles: Float[Tensor, 'env agent'],
    ) -> Float[Tensor, 'row 3']:
        """Takes the bearings of points from positions, in metres, and angles, in degrees."""
        found = torch.empty((angles.numel(), 3), device=angles.device)
        given = (values.contiguous() for values in (points, positions, angles))
        implementation(angles.device).point(*given, found)
        return found


def _pairs(paths: Ragged[np.ndarray], nearest: float, furthest: float) -> Ragged[np.ndarray]:
    """Each map's pairs of spawns whose shortest path is in the range: start * number of spawns + goal, as int32."""
    fits = (paths.vals >= nearest) & (paths.vals <= furthest) & np.isfinite(paths.vals)
    rows = np.repeat(np.arange(len(paths)), paths.widths)[fits]
    widths = np.bincount(rows, minlength=len(paths)).astype(np.int32)
    if not widths.all():
        number = int(widths.argmin())
        lengths = paths[number][np.isfinite(paths[number]) & (paths[number] > 0)]
        found = f'from {lengths.min():.2f} to {lengths.max():.2f} m' if len(lengths) else 'none'
        raise ValueError(
            f'map {number} must have two spawns {nearest:g} to {furthest:g} m apart along the shortest path, '
            f'but the paths between its spawns are {found}.'
        )
    return Ragged((np.flatnonzero(fits) - paths.starts[rows]).astype(np.int32), widths)


def _share(pairs: Ragged[np.ndarray], paths: Ragged[np.ndarray], nearest: float, furthest: float) -> float:
    """The share that pairs are of those whose shortest path is at least the nearest; warns if they are few."""
    lengths = paths.vals[(paths.vals >= nearest) & np.isfinite(paths.vals)]
    share = len(pairs.vals) / len(lengths)
    if share < ENOUGH:
        warnings.warn(
            f'furthest={furthest:g} leaves out {1 - share:.0%} of the pairs of spawns, whose shortest paths are up to '
            f'{lengths.max():.0f} m, {np.median(lengths):.0f} m in the median: furthest=None takes all.',
            stacklevel=4,
        )
    return share
