"""Random walks: how often a policy that knows nothing stands still, and how many rooms it gets to."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Int
from numba import njit, prange
from torch import Tensor

from benchmarks.proofs import maps
from benchmarks.proofs.checking import turning
from megastep import mapgen
from megastep.maps.geometry import Geometry
from megastep.maps.ragged import Ragged
from megastep.world import physics
from megastep.world.core import Core
from megastep.world.scenery import Scenery


@dataclass(frozen=True)
class Walk:
    """A random walk of a sticky policy: how it fared.

    Args:
        response: What contact did.
        still: The share of steps in which an agent made less than a hundredth of its way.
        entered: How often an agent entered another room than the last it was in, in a minute.
    """

    response: str
    still: float
    entered: float


def walk(
    *, response: str, num_envs: int = 1024, steps: int = 600, device: str | torch.device = 'cpu', seed: int = 0
) -> Walk:
    """Walks agents through houses at 2 m/s, each in a random direction that it keeps for 1 second on average.

    Args:
        response: What contact does.
        num_envs: How many agents, alone in their envs, spread over 16 houses without wide doors: these let an agent
            through that doesn't slide.
        steps: How many steps of a tenth of a second.
        device: Where.
        seed: Seeds the walk.
    """
    houses = list(mapgen.generate('house', 16, seed=seed, wide=0.0))
    core = Core(Scenery.pack(houses, device=device, seed=seed), num_envs=num_envs, seed=seed)
    rooms, draws = Rooms.of(houses), torch.Generator(core.device).manual_seed(seed)
    turns, still, entered = _turns(core, draws), 0, 0
    last = rooms.containing(core)
    for _ in range(steps):
        fresh = torch.rand(turns.shape, device=core.device, generator=draws) < 0.1
        turns = torch.where(fresh, _turns(core, draws), turns)
        core.agents.velocities.copy_(2 * torch.stack([turns.cos(), turns.sin()], dim=-1))
        before = core.agents.positions.clone()
        physics.advance(core, response=response)
        still += int(((core.agents.positions - before).norm(dim=-1) < 0.01 * 2 / core.fps).sum())
        now = rooms.containing(core)
        entered += int(((now >= 0) & (now != last)).sum())
        last = np.where(now >= 0, now, last)
    return Walk(response, still / (num_envs * steps), entered / (num_envs * steps / core.fps / 60))


def _turns(core: Core, draws: torch.Generator) -> Tensor:
    return 2 * math.pi * torch.rand(core.agents.angles.shape, device=core.device, generator=draws)


@dataclass(frozen=True)
class Rooms:
    """The rooms of some maps.

    Args:
        walls: Each room's outline, a row a room.
        rows: Each map's rooms' rows: a row a map.
    """

    walls: Ragged[np.ndarray]
    rows: Ragged[np.ndarray]

    @classmethod
    def of(cls, geometries: list[Geometry]) -> Rooms:
        """The rooms that the maps name."""
        outlines = [maps.outline(room.outline) for geometry in geometries for room in geometry.rooms]
        counts = np.array([len(geometry.rooms) for geometry in geometries], dtype=np.int32)
        widths = np.array([len(outline) for outline in outlines], dtype=np.int32)
        return cls(Ragged(np.concatenate(outlines), widths), Ragged(np.arange(len(outlines)), counts))

    def containing(self, core: Core) -> Int[np.ndarray, ' env']:
        """The number of the room that the first agent of each env is in, -1 for none."""
        points, found = core.agents.positions[:, 0].cpu().double().numpy(), np.empty(core.num_envs, dtype=np.int64)
        walls, rows = self.walls, self.rows
        _containing(
            walls.vals, walls.starts, walls.widths, rows.starts, rows.widths, core.map_ids.cpu().numpy(), points, found
        )
        return found


@njit(parallel=True)
def _containing(walls, starts, widths, first_rooms, num_rooms, map_ids, points, found):
    for i in prange(len(points)):
        found[i] = -1
        for room in range(first_rooms[map_ids[i]], first_rooms[map_ids[i]] + num_rooms[map_ids[i]]):
            count = 0
            for k in range(starts[room], starts[room] + widths[room]):
                count += turning(points[i, 0], points[i, 1], walls[k])
            if count != 0:
                found[i] = room
