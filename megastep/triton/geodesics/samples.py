"""Samples: a free point of each cell, from which its entry is made."""

from typing import NamedTuple, no_type_check

import torch
import triton
import triton.language as tl

from megastep.triton.ahead import launch
from megastep.triton.geodesics.plans import Floorplans
from megastep.triton.geodesics.ways import distance

ROOM = tl.constexpr(1.02)
"""Points are pushed so many radii away from walls: from nearer to a corner every way may be to the wrong side of it."""

STEPS = tl.constexpr(4)
"""A point is pushed away from walls so often before it is given up."""

NONE, SAMPLE, SLIVER = tl.constexpr(0), tl.constexpr(1), tl.constexpr(2)
"""Kinds of samples: there is none, it is a free point, or none was found in a sliver that is free."""

BLOCK = 64


class Samples(NamedTuple):
    """The points that cells' entries are of."""

    points: torch.Tensor  # (cell, 2) float32, from their map's corner
    kinds: torch.Tensor  # (cell,) int8


@triton.jit
@no_type_check
def _nearest(walls, count, x, y, reach, rounding):
    """The nearest walls to points, of two as near one to the left of which they are, if any is in reach.

    Two are as near within rounding, in metres, within which a point is on a wall too. Returns how far it is, if any was
    found, its ends, and if the point is to its right.
    """
    least, nearest, most = x * 0 + float('inf'), x * 0 + reach, x * 0 - float('inf')
    found_ax, found_ay, found_bx, found_by = x * 0, x * 0, x * 0, x * 0
    for w in range(count):
        ax, ay, bx = tl.load(walls + 4 * w), tl.load(walls + 4 * w + 1), tl.load(walls + 4 * w + 2)
        by = tl.load(walls + 4 * w + 3)
        away, off = distance(ax, ay, bx, by, x, y), (bx - ax) * (y - ay) - (by - ay) * (x - ax)
        closer = (away < nearest - rounding) | ((away <= nearest + rounding) & (off > most))
        least = tl.minimum(least, away)
        nearest, most = tl.where(closer, tl.minimum(away, nearest), nearest), tl.where(closer, off, most)
        found_ax, found_ay = tl.where(closer, ax, found_ax), tl.where(closer, ay, found_ay)
        found_bx, found_by = tl.where(closer, bx, found_bx), tl.where(closer, by, found_by)
    vx, vy = found_bx - found_ax, found_by - found_ay
    outside = most < tl.sqrt(vx * vx + vy * vy) * -rounding
    return least, most > -float('inf'), found_ax, found_ay, found_bx, found_by, outside


@triton.jit
@no_type_check
def _pushed(ax, ay, bx, by, x, y, radius):
    """Moves points away from walls, to their left, until a disc just touches them; false where it didn't before."""
    vx, vy = bx - ax, by - ay
    length = tl.sqrt(vx * vx + vy * vy)
    along, off = ((x - ax) * vx + (y - ay) * vy) / length, (vx * (y - ay) - vy * (x - ax)) / length
    beside = (along >= 0) & (along <= length)
    dx, dy = tl.where(along < 0, x - ax, x - bx), tl.where(along < 0, y - ay, y - by)
    away = tl.sqrt(dx * dx + dy * dy)
    ux, uy = tl.where(beside, -vy / length, dx / away), tl.where(beside, vx / length, dy / away)
    here = tl.where(beside, off, away)
    moves = (here < radius) & (beside | (away > 0))
    room = tl.where(moves, ROOM * radius - here, 0.0)
    return tl.where(moves, x + ux * room, x), tl.where(moves, y + uy * room, y), moves


@triton.jit(do_not_specialize=['num_cells'])
@no_type_check
def _sample(
    walls, wall_rows, cell_rows, columns, side, limits, points, kinds, num_cells, BLOCK: tl.constexpr
):  # fmt: skip
    """Finds a free point of each cell: its middle, or else where that comes to on being pushed away from walls.

    A program has cells of one map: those at its end that are of the next have programs of their own.
    """
    c = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    there = c < num_cells
    owners = tl.load(cell_rows.owners + c, mask=there, other=0)
    for m in range(tl.min(tl.where(there, owners, 2147483647), 0), tl.max(owners, 0) + 1):
        own, cell, width = there & (owners == m), (c - tl.load(cell_rows.starts + m)).to(tl.int32), tl.load(columns + m)
        middle_x, middle_y = ((cell % width).to(tl.float32) + 0.5) * side, ((cell // width).to(tl.float32) + 0.5) * side
        near, count = walls + 4 * tl.load(wall_rows.starts + m), tl.load(wall_rows.widths + m)
        radius, rounding = tl.load(limits + 3 * m), tl.load(limits + 3 * m + 2)
        least, found, ax, ay, bx, by, outside = _nearest(near, count, middle_x, middle_y, radius, rounding)
        free = least >= radius
        narrow = middle_x * 0 + radius >= side * 0.70710678  # beyond a wall nothing in a cell is free
        wanted = own & found & ~free & ~(narrow & outside)
        x, y, moving, step = middle_x, middle_y, wanted, 0
        while (step < STEPS) & (tl.max(moving.to(tl.int32), 0) > 0):
            to_x, to_y, moves = _pushed(ax, ay, bx, by, x, y, radius)
            moving = moving & moves
            x, y = tl.where(moving, to_x, x), tl.where(moving, to_y, y)
            least, found, ax, ay, bx, by, outside = _nearest(near, count, x, y, radius, rounding)
            moving = moving & found
            step += 1
        inside = (tl.abs(x - middle_x) <= side / 2) & (tl.abs(y - middle_y) <= side / 2)
        x = tl.minimum(tl.maximum(x, middle_x - side / 2), middle_x + side / 2)
        y = tl.minimum(tl.maximum(y, middle_y - side / 2), middle_y + side / 2)
        if tl.max(wanted.to(tl.int32), 0) > 0:
            least, found, ax, ay, bx, by, outside = _nearest(near, count, x, y, radius, rounding)
        sample = free | (wanted & inside & (least >= radius))
        kind = tl.where(sample, SAMPLE, tl.where(wanted & ~(found & outside), SLIVER, NONE))
        tl.store(points + 2 * c, x, mask=own)
        tl.store(points + 2 * c + 1, y, mask=own)
        tl.store(kinds + c, kind.to(tl.int8), mask=own)


def find_samples(plans: Floorplans, side: float, limits: torch.Tensor) -> Samples:
    """Finds the points that cells' entries are of: see `megastep.maps.geodesics.compiled.entries.beside`.

    Args:
        plans: The maps.
        side: Of a cell, in metres.
        limits: (map, 3) float32: see `limits_of`.
    """
    rows, device = plans.cell_rows, plans.walls.device
    count = len(rows.owners)
    samples = Samples(torch.empty(count, 2, device=device), torch.empty(count, dtype=torch.int8, device=device))
    launch(
        _sample, (triton.cdiv(count, BLOCK),),
        plans.near_walls, plans.wall_rows, rows, plans.columns, side, limits, *samples, count, BLOCK=BLOCK, num_warps=1,
    )  # fmt: skip
    return samples
