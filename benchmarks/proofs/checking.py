"""Invariants of positions, in float64: plain loops over every wall, with nothing taken from the kernels.

On a GPU the loops are those of the twin, `benchmarks.proofs.checking_kernel`.
"""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass
from types import ModuleType

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from numba import njit, prange
from torch import Tensor

from megastep.maps.ragged import Ragged
from megastep.world.buffers import on_device
from megastep.world.core import Core


@dataclass(frozen=True)
class Standing:
    """Clearances of each agent, and whether it is still within its walls.

    Args:
        clearances: How far its centre is from the nearest wall, in metres.
        gaps: How far from the nearest other agent's centre, in metres; infinite where it is alone.
        windings: How often the walls that it began within wind around it: 1 unless it has left.
    """

    clearances: Float[Tensor, 'env agent']
    gaps: Float[Tensor, 'env agent']
    windings: Int[Tensor, 'env agent']


@njit(cache=True)
def distance(x, y, ax, ay, bx, by):
    """From a point to a segment."""
    vx, vy = bx - ax, by - ay
    square = vx * vx + vy * vy
    along = 0.0 if square == 0 else min(max(((x - ax) * vx + (y - ay) * vy) / square, 0.0), 1.0)
    x, y = x - ax - along * vx, y - ay - along * vy
    return math.sqrt(x * x + y * y)


@njit(cache=True)
def square_distance(x, y, wall):
    """The square of a point's distance from a wall."""
    vx, vy = wall[1, 0] - wall[0, 0], wall[1, 1] - wall[0, 1]
    x, y = x - wall[0, 0], y - wall[0, 1]
    along = min(max((x * vx + y * vy) / (vx * vx + vy * vy), 0.0), 1.0)
    x, y = x - along * vx, y - along * vy
    return x * x + y * y


@njit(cache=True)
def turning(x, y, wall):
    """1 where the wall crosses the ray from the point towards +x upwards, -1 downwards, else 0."""
    (ax, ay), (bx, by) = wall[0], wall[1]
    if (ay <= y) == (by <= y):
        return 0
    left = (bx - ax) * (y - ay) - (by - ay) * (x - ax)
    return int(ay <= y and left > 0) - int(by <= y and left < 0)


@njit(cache=True, parallel=True)
def _measure(walls, starts, widths, rows, points, clearances, windings):
    for i in prange(len(points)):
        nearest, count = np.inf, 0
        for k in range(starts[rows[i]], starts[rows[i]] + widths[rows[i]]):
            nearest = min(nearest, square_distance(points[i, 0], points[i, 1], walls[k]))
            count += turning(points[i, 0], points[i, 1], walls[k])
        clearances[i], windings[i] = math.sqrt(nearest), count


@njit(cache=True)
def crosses(p, q, wall):
    """True if the way from p to q leads from one side of the wall to the other."""
    (ax, ay), (bx, by) = wall[0], wall[1]
    side_p, side_q = (
        (bx - ax) * (p[1] - ay) - (by - ay) * (p[0] - ax),
        (bx - ax) * (q[1] - ay) - (by - ay) * (q[0] - ax),
    )
    side_a = (q[0] - p[0]) * (ay - p[1]) - (q[1] - p[1]) * (ax - p[0])
    side_b = (q[0] - p[0]) * (by - p[1]) - (q[1] - p[1]) * (bx - p[0])
    return side_p * side_q < 0 and side_a * side_b < 0


@njit(cache=True, parallel=True)
def _crossings(walls, starts, widths, rows, before, after, found):
    for i in prange(len(before)):
        found[i] = False
        for k in range(starts[rows[i]], starts[rows[i]] + widths[rows[i]]):
            found[i] |= crosses(before[i], after[i], walls[k])


@dataclass(frozen=True)
class Checker:
    """Knows a core's walls in float64, and what each agent began within.

    Args:
        walls: The maps' walls.
        enclosures: Closed sets of walls.
        rows: The enclosure each agent began within.
    """

    walls: Ragged
    enclosures: Ragged
    rows: Int[Tensor, 'env agent']

    @classmethod
    def of(cls, core: Core, enclosures: Ragged | None = None, rows: Int[Tensor, 'env agent'] | None = None) -> Checker:
        """A core's checker. Unless told otherwise an agent began within all the walls of its map."""
        walls = Ragged(core.scenery.walls.vals.double(), core.scenery.walls.widths)
        if enclosures is None or rows is None:
            return cls(walls, walls, core.map_ids[:, None].expand(-1, core.num_agents))
        return cls(walls, on_device(enclosures, core.device), rows)

    def standing(self, core: Core) -> Standing:
        """Measures each agent's clearances, and whether it is within its walls."""
        positions = core.agents.positions.double()
        map_ids, points = self._maps_of(core), positions.view(-1, 2)
        measured = implementation(core.device).measured
        clearances, windings = measured(self.walls, map_ids, points)
        if self.enclosures is not self.walls:
            windings = measured(self.enclosures, self.rows.reshape(-1), points)[1]
        shape = positions.shape[:2]
        return Standing(clearances.view(shape), gaps(positions), windings.view(shape))

    def crossings(self, core: Core, before: Float[Tensor, 'env agent 2']) -> Bool[Tensor, 'env agent']:
        """The agents that have a wall between where they were and where they are."""
        ends = (positions.double().view(-1, 2) for positions in (before, core.agents.positions))
        return implementation(core.device).crossed(self.walls, self._maps_of(core), *ends).view(before.shape[:2])

    def _maps_of(self, core: Core) -> Int[Tensor, ' point']:
        return core.map_ids.repeat_interleave(core.num_agents, output_size=core.num_envs * core.num_agents)


def gaps(positions: Float[Tensor, 'env agent 2']) -> Float[Tensor, 'env agent']:
    """The distance of each agent from the nearest other one of its env, centre to centre."""
    apart = (positions[:, :, None] - positions[:, None]).square().sum(-1)
    itself = torch.eye(positions.shape[1], dtype=torch.bool, device=positions.device)
    return apart.masked_fill(itself, torch.inf).amin(-1).sqrt()


def implementation(device: torch.device) -> ModuleType:
    """The module that measures on a device: `checking_kernel` on a GPU; on a CPU this one, to which that is held."""
    if device.type == 'cpu':
        return sys.modules[__name__]
    from benchmarks.proofs import checking_kernel

    return checking_kernel


def measured(
    walls: Ragged[Tensor], rows: Int[Tensor, ' point'], points: Float[Tensor, 'point 2']
) -> tuple[Float[Tensor, ' point'], Int[Tensor, ' point']]:
    """Distances of points from the nearest of their rows' walls, and how often these wind around them."""
    clearances, windings = np.empty(len(points)), np.empty(len(points), dtype=np.int64)
    _measure(*_arrays(walls), rows.numpy(), points.numpy(), clearances, windings)
    return torch.from_numpy(clearances), torch.from_numpy(windings)


def crossed(
    walls: Ragged[Tensor],
    rows: Int[Tensor, ' point'],
    befores: Float[Tensor, 'point 2'],
    afters: Float[Tensor, 'point 2'],
) -> Bool[Tensor, ' point']:
    """True for the ways between points that lead from one side of one of their rows' walls to the other."""
    found = np.empty(len(rows), dtype=bool)
    _crossings(*_arrays(walls), rows.numpy(), befores.numpy(), afters.numpy(), found)
    return torch.from_numpy(found)


def _arrays(walls: Ragged[Tensor]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return walls.vals.numpy(), walls.starts.numpy(), walls.widths.numpy()
