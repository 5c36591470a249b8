"""Invariants of positions, in float64: plain loops over every wall, with nothing taken from the kernels."""

from __future__ import annotations

import math
from dataclasses import dataclass

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
def _clearances(walls, starts, widths, rows, points, found):
    for i in prange(len(points)):
        nearest = np.inf
        for k in range(starts[rows[i]], starts[rows[i]] + widths[rows[i]]):
            nearest = min(nearest, square_distance(points[i, 0], points[i, 1], walls[k]))
        found[i] = math.sqrt(nearest)


@njit(cache=True, parallel=True)
def _windings(walls, starts, widths, rows, points, found):
    for i in prange(len(points)):
        count = 0
        for k in range(starts[rows[i]], starts[rows[i]] + widths[rows[i]]):
            count += turning(points[i, 0], points[i, 1], walls[k])
        found[i] = count


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
        map_ids = core.map_ids[:, None].expand(-1, core.num_agents)
        measure = _measured_on_cpu if core.device.type == 'cpu' else _measured_on_gpu
        clearances = measure('clearances', self.walls, map_ids, positions)
        return Standing(clearances, gaps(positions), measure('windings', self.enclosures, self.rows, positions))

    def crossings(self, core: Core, before: Float[Tensor, 'env agent 2']) -> Bool[Tensor, 'env agent']:
        """The agents that have a wall between where they were and where they are. On a CPU."""
        rows = core.map_ids[:, None].expand(-1, core.num_agents).reshape(-1).numpy()
        ends = [_points(positions.double()) for positions in (before, core.agents.positions)]
        found = np.empty(len(rows), dtype=bool)
        vals, starts, widths = _arrays(self.walls)
        _crossings(vals, starts, widths, rows, ends[0], ends[1], found)
        return torch.from_numpy(found).view(before.shape[:2])


def gaps(positions: Float[Tensor, 'env agent 2']) -> Float[Tensor, 'env agent']:
    """The distance of each agent from the nearest other one of its env, centre to centre."""
    apart = (positions[:, :, None] - positions[:, None]).square().sum(-1)
    itself = torch.eye(positions.shape[1], dtype=torch.bool, device=positions.device)
    return apart.masked_fill(itself, torch.inf).amin(-1).sqrt()


def _points(positions: Float[Tensor, 'env agent 2']) -> Float[np.ndarray, 'point 2']:
    return positions.reshape(-1, 2).numpy()


def _arrays(walls: Ragged) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return walls.vals.numpy(), walls.starts.numpy(), walls.widths.numpy()


def _measured_on_cpu(what: str, walls: Ragged, rows: Tensor, positions: Tensor) -> Tensor:
    points = _points(positions)
    found = np.empty(len(points), dtype=np.float64 if what == 'clearances' else np.int64)
    measure = _clearances if what == 'clearances' else _windings
    vals, starts, widths = _arrays(walls)
    measure(vals, starts, widths, rows.reshape(-1).numpy(), points, found)
    return torch.from_numpy(found).view(rows.shape)


CHUNK = 1 << 26
"""How many pairs of an agent and a wall a GPU works on at once: each array of them takes half a gigabyte."""


def _measured_on_gpu(what: str, walls: Ragged, rows: Tensor, positions: Tensor) -> Tensor:
    padded = _padded(walls)
    points, row = positions.reshape(-1, 2), rows.reshape(-1)
    step = max(1, CHUNK // padded.shape[1])
    measure = _clearances_of if what == 'clearances' else _windings_of
    found = [measure(points[i : i + step], padded[row[i : i + step]]) for i in range(0, len(points), step)]
    return torch.cat(found).view(rows.shape)


def _padded(walls: Ragged) -> Float[Tensor, 'row wall 2 2']:
    """Every row's walls, with the row's first repeated, without its length, where it has fewer than others."""
    k = torch.arange(int(walls.widths.max()), device=walls.vals.device)
    there = k < walls.widths[:, None]
    padded = walls.vals[walls.starts[:, None] + torch.where(there, k, 0)]
    return torch.where(there[..., None, None], padded, padded[..., :1, :])


def _clearances_of(points: Float[Tensor, 'point 2'], walls: Float[Tensor, 'point wall 2 2']) -> Tensor:
    ax, ay, bx, by = walls.flatten(2).unbind(-1)
    vx, vy, x, y = bx - ax, by - ay, points[:, :1] - ax, points[:, 1:] - ay
    along = ((x * vx + y * vy) / (vx * vx + vy * vy).clamp(min=1e-30)).clamp(0, 1)
    return ((x - along * vx).square() + (y - along * vy).square()).amin(1).sqrt()


def _windings_of(points: Float[Tensor, 'point 2'], walls: Float[Tensor, 'point wall 2 2']) -> Tensor:
    ax, ay, bx, by = walls.flatten(2).unbind(-1)
    x, y = points[:, :1], points[:, 1:]
    left = (bx - ax) * (y - ay) - (by - ay) * (x - ax)
    up, down = (ay <= y) & (y < by) & (left > 0), (by <= y) & (y < ay) & (left < 0)
    return up.sum(1) - down.sum(1)
