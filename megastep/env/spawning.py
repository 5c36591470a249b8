"""Spawns and lifespans: where agents begin, and how long episodes last. Everything is a masked write."""

from __future__ import annotations

from functools import partial

import numpy as np
import torch
from jaxtyping import Bool, Float, Int32
from scipy.spatial import cKDTree
from torch import Tensor

from megastep.checks import check_counts, is_integer
from megastep.env.parts import agents_in
from megastep.maps.ragged import Ragged
from megastep.world.buffers import check_mask
from megastep.world.core import Core, respawn
from megastep.world.kernels import compile_ahead, implementation


class RandomSpawns:
    """Random spawns: puts agents at random spawns of their map, facing anywhere, at rest, touching nothing."""

    def __init__(self, core: Core) -> None:
        self._core = core

    def reset(self, mask: Bool[Tensor, ' env']) -> None:
        """Respawns the agents of the envs in the mask; the others' stay as they are."""
        respawn(self._core, mask)


class RandomLifespans:
    """Random episode lengths: ends each env after a random number of steps.

    Lives that begin before the core's first step are drawn from 1 step up rather than from the shortest up, but for the
    first env's, so that envs that begin together don't end together too.

    Args:
        core: The envs.
        shortest: The fewest steps an episode may last.
        longest: The most.

    Attributes:
        left: How many steps each env has left: (env,).

    Raises:
        ValueError: unless shortest and longest are integers with 1 <= shortest <= longest.
    """

    def __init__(self, core: Core, shortest: int, longest: int) -> None:
        check_counts(shortest=shortest, longest=longest)
        if shortest > longest:
            raise ValueError(f'shortest must be at most longest, got {shortest} and {longest}.')
        self._core, self._bounds = core, (int(shortest), int(longest))
        self.left = torch.zeros(core.num_envs, dtype=torch.int64, device=core.device)
        self.reset(torch.ones_like(self.left, dtype=torch.bool))

    def reset(self, mask: Bool[Tensor, ' env']) -> None:
        """Begins new lives in the envs in the mask."""
        core, kernels = self._core, implementation(self._core.device)
        check_mask(mask, (core.num_envs,), core.device)
        kernels.renew(core, mask, core.random.draw(), self.left, *self._bounds, spreads=core.episodes is None)

    @property
    def state(self) -> dict[str, Tensor]:
        """The number of steps left."""
        return {'left': self.left}

    def step(self) -> Bool[Tensor, ' env']:
        """Counts a step, and returns which envs have reached the end of their life."""
        expired = torch.empty_like(self.left, dtype=torch.bool)
        implementation(self._core.device).count_down(self.left, expired)
        return expired


class TimeBudget:
    """Time budget: ends each env once it has had its steps, and those that it has bought.

    Args:
        core: The envs.
        steps: How many steps an episode has anyway.
        each: How many steps one of what is counted buys.
    """

    def __init__(self, core: Core, *, steps: int, each: float) -> None:
        self._core, self._steps, self._each = core, steps, each
        compile_ahead(core.device, partial(TimeBudget.spent, self, torch.zeros_like(core.contacts[:, 0])))

    def spent(self, counts: Int32[Tensor, ' env']) -> Bool[Tensor, ' env']:
        """Returns which envs have had as many steps as they may, given how many things they have counted."""
        spent = torch.empty_like(counts, dtype=torch.bool)
        implementation(spent.device).spend(self._core, counts.contiguous(), self._steps, self._each, spent)
        return spent


class FarSpawns:
    """Far spawns: puts single agents at spawns of their map that are far from the others, at rest, touching nothing.

    For each env some spawns are drawn: neighbours in a random order of its map's. Those furthest from the nearest agent
    that stays where it is are taken, the furthest first. Spawns within four radii of another are left out, so that no
    two agents overlap.

    Args:
        core: The envs.
        candidates: How many spawns are drawn, or as many as the map with the fewest has. The fewer, the less far.
        spread: Agents face the middle of the others, walls or not, give or take so many degrees; 180 is anywhere.

    Raises:
        ValueError: if there are fewer candidates than agents, spread isn't from 0 to 180, or a map has fewer spawns
            that far apart than there are agents.
    """

    def __init__(self, core: Core, *, candidates: int = 8, spread: float = 180.0) -> None:
        if not is_integer(candidates) or candidates < core.num_agents:
            raise ValueError(f'candidates must be an integer of at least {core.num_agents}, got {candidates!r}.')
        if not 0 <= spread <= 180:
            raise ValueError(f'spread must be from 0 to 180 degrees, got {spread}.')
        self._core, self._spread = core, spread
        rows = _spread_out(core.scenery.spawns, core.num_agents, 4 * core.agent_radius)
        width = min(candidates, *map(len, rows))
        self._windows = torch.cat([_windows(row, width) for row in rows]).to(core.device)
        counts = torch.tensor([len(row) for row in rows], device=core.device)
        self._firsts = torch.stack([counts.cumsum(0) - counts, counts], dim=-1)

    def reset(self, mask: Bool[Tensor, ' env'] | Bool[Tensor, 'env agent']) -> None:
        """Respawns the agents in the mask, or all of the envs in it; the others stay as they are."""
        core, places = self._core, (self._windows, self._firsts, self._spread)
        draw, turns = core.random.draw(), core.random.draw()  # of the candidates, and of the bearings
        implementation(core.device).respawn_apart(core, agents_in(mask, core).contiguous(), draw, turns, *places)


def _spread_out(spawns: Ragged[Tensor], num_agents: int, distance: float) -> list[Float[np.ndarray, 'kept 2']]:
    """Each map's spawns, in random order, without those within a distance of one before, in metres."""
    random = np.random.default_rng(0)  # so that neighbours in a map's list aren't neighbours in the map
    maps = np.split(spawns.vals.cpu().numpy(), spawns.widths.cumsum(0)[:-1].cpu().numpy())
    rows = [_apart(random.permutation(points), distance) for points in maps]
    for i, row in enumerate(rows):
        if len(row) < num_agents:
            raise ValueError(f'map {i} has {len(row)} spawns {distance:.2f} m apart, too few for {num_agents} agents.')
    return rows


def _apart(points: Float[np.ndarray, 'point 2'], distance: float) -> Float[np.ndarray, 'kept 2']:
    """The points without those within a distance of an earlier one that is kept."""
    dropped: set[int] = set()
    for earlier, later in sorted(cKDTree(points).query_pairs(distance)):
        if earlier not in dropped:
            dropped.add(later)
    return points[[i for i in range(len(points)) if i not in dropped]]


def _windows(points: Float[np.ndarray, 'point 2'], width: int) -> Float[Tensor, 'point window 2']:
    """Each point with those that follow it, the first after the last."""
    return torch.from_numpy(points[(np.arange(len(points))[:, None] + np.arange(width)) % len(points)])
