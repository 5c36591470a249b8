"""Nodes of visibility graphs: the corners of the polygons around reflex corners, where paths may bend."""

import math
from typing import NamedTuple, no_type_check

import torch
import triton
import triton.language as tl

from megastep.triton.ahead import launch
from megastep.triton.geodesics.plans import Floorplans, Rows, rows_of
from megastep.triton.geodesics.ways import distance

LEAST_TURN = 1e-9
"""Where a wall turns by no more to the next, in radians, there is no corner."""

BLOCK = 32
"""A warp of walls, or of points."""


class Nodes(NamedTuple):
    """The nodes of many maps."""

    points: torch.Tensor  # (node, 2) float64
    back: torch.Tensor  # (node, 2): the way back along the obstacle, a unit vector
    ahead: torch.Tensor  # (node, 2): the way on along it
    rows: Rows


@triton.jit
@no_type_check
def _follow(walls, wall_rows, following, BLOCK: tl.constexpr):
    """Finds the wall that bounds the same free space after each wall, -1 if none does. A program has one wall.

    Of those that begin where it ends that is the first to be met on turning clockwise from it. Turns are compared as
    1 - cosine or so, in the taxicab metric: they need no arc tangent.
    """
    w = tl.program_id(0).to(tl.int64)
    m = tl.load(wall_rows.owners + w)
    first, count = tl.load(wall_rows.starts + m), tl.load(wall_rows.widths + m)
    end_x, end_y = tl.load(walls + 4 * w + 2), tl.load(walls + 4 * w + 3)
    ux, uy = end_x - tl.load(walls + 4 * w), end_y - tl.load(walls + 4 * w + 1)
    least = tl.full([BLOCK], 4.0, tl.float64)
    best = tl.full([BLOCK], -1, tl.int64)
    for begin in range(0, count, BLOCK):
        v = first + begin + tl.arange(0, BLOCK)
        there = v < first + count
        ax, ay = tl.load(walls + 4 * v, mask=there, other=0.0), tl.load(walls + 4 * v + 1, mask=there, other=0.0)
        vx = tl.load(walls + 4 * v + 2, mask=there, other=0.0) - ax
        vy = tl.load(walls + 4 * v + 3, mask=there, other=0.0) - ay
        cross, dot = uy * vx - ux * vy, ux * vx + uy * vy
        turn = 1 - dot / (tl.abs(cross) + tl.abs(dot))
        turn = tl.where(cross < 0, -turn, turn)
        turn = tl.where(turn <= -2 + 1e-9, 2.0, turn)  # back along a thin wall: around its end
        closer = there & (ax == end_x) & (ay == end_y) & (turn < least)
        least, best = tl.where(closer, turn, least), tl.where(closer, v, best)
    nearest = tl.min(least, 0)
    found = tl.min(tl.where((least == nearest) & (best >= 0), best, first + count), 0)
    tl.store(following + w, tl.where(found < first + count, found, -1))


@triton.jit(do_not_specialize=['num_points'])
@no_type_check
def _find_clearances(walls, wall_rows, points, owners, clearances, num_points, BLOCK: tl.constexpr):
    """Measures how far points are from the nearest wall of their map."""
    i = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    there = i < num_points
    x, y = tl.load(points + 2 * i, mask=there, other=0.0), tl.load(points + 2 * i + 1, mask=there, other=0.0)
    m = tl.load(owners + i, mask=there, other=0)
    first, count = tl.load(wall_rows.starts + m), tl.load(wall_rows.widths + m)
    nearest = tl.full([BLOCK], float('inf'), tl.float64)
    for w in range(tl.max(tl.where(there, count, 0), 0)):
        wall, more = walls + 4 * (first + w), w < count
        ax, ay = tl.load(wall, mask=more, other=0.0), tl.load(wall + 1, mask=more, other=0.0)
        bx, by = tl.load(wall + 2, mask=more, other=1.0), tl.load(wall + 3, mask=more, other=0.0)
        nearest = tl.where(more, tl.minimum(nearest, distance(ax, ay, bx, by, x, y)), nearest)
    tl.store(clearances + i, nearest, mask=there)


def place_nodes(plans: Floorplans, radius: float, slack: float, step: float) -> Nodes:
    """Finds the nodes around every reflex corner where a disc's centre can be there.

    See `megastep.maps.geodesics.compiled.nodes.place_nodes`, whose twin it is.

    Args:
        plans: The maps.
        radius: The disc's radius, in metres.
        slack: A disc may overlap a wall by this much, in metres.
        step: The most a path turns at a node, in radians.
    """
    walls, rows = plans.walls, plans.wall_rows
    following = torch.full((len(walls),), -1, device=walls.device)  # what it stays where a launch is only compiled
    launch(_follow, (len(walls),), walls, rows, following, BLOCK=BLOCK, num_warps=1)
    turns, headings = _turns(walls, following)
    parts = torch.where(turns > LEAST_TURN, (turns / step - 1e-6).ceil().clamp(min=1), 0).long()
    corners = torch.repeat_interleave(torch.arange(len(walls), device=walls.device), parts)
    part = (turns / parts.clamp(min=1))[corners]
    before = headings[corners] - (torch.arange(len(corners), device=walls.device) - _begins(parts)[corners]) * part
    middle, far = before + math.pi / 2 - part / 2, radius / torch.cos(part / 2)
    points = walls[corners, 2:] + far[:, None] * torch.stack([torch.cos(middle), torch.sin(middle)], 1)
    owners = rows.owners[corners]
    free = clearances(plans, points, owners) >= radius - slack
    before, after = before[free], (before - part)[free]
    return Nodes(
        points=points[free],
        back=torch.stack([-torch.cos(before), -torch.sin(before)], 1),
        ahead=torch.stack([torch.cos(after), torch.sin(after)], 1),
        rows=rows_of(torch.bincount(owners[free], minlength=len(rows.widths))),
    )


def clearances(plans: Floorplans, points: torch.Tensor, owners: torch.Tensor) -> torch.Tensor:
    """The clearances of points: how far they are from the nearest wall of their map, in metres."""
    found = torch.empty_like(points[:, 0])
    launch(
        _find_clearances, (triton.cdiv(len(points), BLOCK),),
        plans.walls, plans.wall_rows, points, owners, found, len(points), BLOCK=BLOCK, num_warps=1,
    )  # fmt: skip
    return found


def _turns(walls: torch.Tensor, following: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The turns of walls to the next, clockwise in radians, 0 where nothing follows; and which way they go."""
    ways = walls[:, 2:] - walls[:, :2]
    (ux, uy), (vx, vy) = ways.T, ways[following].T
    turns = torch.atan2(uy * vx - ux * vy, ux * vx + uy * vy)
    turns = torch.where(turns <= 1e-9 - math.pi, math.pi, turns)
    return torch.where(following >= 0, turns, 0.0), torch.atan2(uy, ux)


def _begins(widths: torch.Tensor) -> torch.Tensor:
    return widths.cumsum(0) - widths
