"""Invariants of positions on a GPU, in float64: each agent against every wall of its map.

A lane has an agent and goes through the walls one after another, as the twin does, `benchmarks.proofs.checking`, and so
comes to the same.
"""

from __future__ import annotations

from typing import no_type_check

import torch
import triton
import triton.language as tl
from jaxtyping import Bool, Float, Int
from torch import Tensor

from megastep.maps.ragged import Ragged

BLOCK = 128
"""How many agents a program has."""


@triton.jit
@no_type_check
def ends_of(walls, k, is_there):
    """The ends of walls. Where there is none they are at the origin."""
    return (
        tl.load(walls + 4 * k, mask=is_there, other=0.0),
        tl.load(walls + 4 * k + 1, mask=is_there, other=0.0),
        tl.load(walls + 4 * k + 2, mask=is_there, other=0.0),
        tl.load(walls + 4 * k + 3, mask=is_there, other=0.0),
    )


@triton.jit
@no_type_check
def side(x, y, ax, ay, bx, by):
    """Above 0 where a point is to the left of the way from a to b, below it where it is to the right."""
    return (bx - ax) * (y - ay) - (by - ay) * (x - ax)


@triton.jit
@no_type_check
def square_distance(x, y, ax, ay, bx, by):
    """The square of points' distances from walls."""
    vx, vy, x, y = bx - ax, by - ay, x - ax, y - ay
    square = vx * vx + vy * vy
    along = tl.minimum(tl.maximum((x * vx + y * vy) / tl.where(square > 0, square, 1.0), 0.0), 1.0)
    x, y = x - along * vx, y - along * vy
    return x * x + y * y


@triton.jit
@no_type_check
def turning(x, y, ax, ay, bx, by):
    """1 where walls cross the ray from points towards +x upwards, -1 downwards, else 0."""
    left = side(x, y, ax, ay, bx, by)
    up, down = (ay <= y) & (y < by) & (left > 0), (by <= y) & (y < ay) & (left < 0)
    return up.to(tl.int64) - down.to(tl.int64)


@triton.jit
@no_type_check
def _measure(points, rows, walls, starts, widths, clearances, windings, num_points, BLOCK: tl.constexpr):
    """Each point's distance from the nearest wall of its row, and how often these wind around it."""
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    is_there = i < num_points
    row = tl.load(rows + i, mask=is_there, other=0)
    start = tl.load(starts + row, mask=is_there, other=0)
    width = tl.load(widths + row, mask=is_there, other=0)
    x, y = tl.load(points + 2 * i, mask=is_there, other=0.0), tl.load(points + 2 * i + 1, mask=is_there, other=0.0)
    nearest, count = tl.full((BLOCK,), float('inf'), tl.float64), tl.zeros((BLOCK,), tl.int64)
    for k in range(tl.max(width)):
        ax, ay, bx, by = ends_of(walls, start + k, k < width)
        nearest = tl.where(k < width, tl.minimum(nearest, square_distance(x, y, ax, ay, bx, by)), nearest)
        count += turning(x, y, ax, ay, bx, by)
    tl.store(clearances + i, tl.sqrt(nearest), mask=is_there)
    tl.store(windings + i, count, mask=is_there)


@triton.jit
@no_type_check
def _cross(befores, afters, rows, walls, starts, widths, crossings, num_points, BLOCK: tl.constexpr):
    """True for the points that have a wall of their row between where they were and where they are."""
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    is_there = i < num_points
    row = tl.load(rows + i, mask=is_there, other=0)
    start = tl.load(starts + row, mask=is_there, other=0)
    width = tl.load(widths + row, mask=is_there, other=0)
    px, py = tl.load(befores + 2 * i, mask=is_there, other=0.0), tl.load(befores + 2 * i + 1, mask=is_there, other=0.0)
    qx, qy = tl.load(afters + 2 * i, mask=is_there, other=0.0), tl.load(afters + 2 * i + 1, mask=is_there, other=0.0)
    found = tl.zeros((BLOCK,), tl.int1)
    for k in range(tl.max(width)):
        ax, ay, bx, by = ends_of(walls, start + k, k < width)
        apart = side(px, py, ax, ay, bx, by) * side(qx, qy, ax, ay, bx, by) < 0
        found |= apart & (side(ax, ay, px, py, qx, qy) * side(bx, by, px, py, qx, qy) < 0) & (k < width)
    tl.store(crossings + i, found, mask=is_there)


def measured(
    walls: Ragged[Tensor], rows: Int[Tensor, ' point'], points: Float[Tensor, 'point 2']
) -> tuple[Float[Tensor, ' point'], Int[Tensor, ' point']]:
    """Distances of points from the nearest of their rows' walls, and how often these wind around them."""
    clearances, windings = torch.empty_like(points[:, 0]), torch.empty_like(rows)
    grid = (triton.cdiv(len(points), BLOCK),)
    _measure[grid](
        points, rows, walls.vals, walls.starts, walls.widths, clearances, windings, len(points), BLOCK=BLOCK,
        enable_fp_fusion=False,
    )  # fmt: skip
    return clearances, windings


def crossed(
    walls: Ragged[Tensor],
    rows: Int[Tensor, ' point'],
    befores: Float[Tensor, 'point 2'],
    afters: Float[Tensor, 'point 2'],
) -> Bool[Tensor, ' point']:
    """True for the ways between points that lead from one side of one of their rows' walls to the other."""
    crossings = torch.empty_like(rows, dtype=torch.bool)
    grid = (triton.cdiv(len(befores), BLOCK),)
    _cross[grid](
        befores, afters, rows, walls.vals, walls.starts, walls.widths, crossings, len(befores), BLOCK=BLOCK,
        enable_fp_fusion=False,
    )  # fmt: skip
    return crossings
