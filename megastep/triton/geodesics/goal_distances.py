"""Geodesic distances between the goals of many maps: how long the shortest paths from each to each are, in float64."""

from typing import no_type_check

import torch
import triton
import triton.language as tl

from megastep.triton.ahead import launch
from megastep.triton.buffers import device_guard
from megastep.triton.geodesics.graph import relax, straight_ways
from megastep.triton.geodesics.nodes import place_nodes
from megastep.triton.geodesics.plans import common_limits, floorplans_of, rows_of
from megastep.triton.geodesics.ways import still_open


@triton.jit
@no_type_check
def _measure_paths(walls, wall_rows, goals, goal_rows, node_rows, limits, direct, lengths, starts, found, found_starts):
    """Measures the shortest paths between a goal and 32 of those before it in its map.

    Where there is no straight one, a path goes straight from the earlier goal to a node, and on from there.
    """
    g, other = tl.program_id(0).to(tl.int64), tl.program_id(1) * 32 + tl.arange(0, 32)
    m = tl.load(goal_rows.owners + g)
    first, num_goals = tl.load(goal_rows.starts + m), tl.load(goal_rows.widths + m)
    own, rows = g - first, found + tl.load(found_starts + m)
    if tl.program_id(1) * 32 <= own:
        before = other < own
        x, y = tl.load(goals + 2 * g), tl.load(goals + 2 * g + 1)
        to_x = tl.load(goals + 2 * (first + other), mask=before, other=0.0)
        to_y = tl.load(goals + 2 * (first + other) + 1, mask=before, other=0.0)
        dx, dy = to_x - x, to_y - y
        near, count = walls + 4 * tl.load(wall_rows.starts + m), tl.load(wall_rows.widths + m)
        seen, _ = still_open(near, count, count * 0, x, y, dx, dy, x, y, to_x, to_y, before, tl.load(limits))
        best = tl.where(seen, tl.sqrt(dx * dx + dy * dy), float('inf'))
        row = tl.load(starts + m)
        for _ in range(tl.load(node_rows.widths + m)):
            way = tl.load(direct + row + other, mask=before & ~seen, other=float('inf'))
            best = tl.minimum(best, way + tl.load(lengths + row + own))
            row += num_goals
        best = tl.where(other == own, 0.0, best).to(tl.float32)
        tl.store(rows + own * num_goals + other, best, mask=other <= own)
        tl.store(rows + other * num_goals + own, best, mask=before)


@device_guard
def goal_distances(
    walls: torch.Tensor, wall_widths: torch.Tensor, goals: torch.Tensor, goal_widths: torch.Tensor, *,
    side: float, radius: float, slack: float, step: float,
) -> torch.Tensor:  # fmt: skip
    """Finds how long the shortest paths between the goals of each map are: see `megastep.maps.geodesics.distances`.

    Args:
        walls: See `megastep.triton.geodesics.find_paths`, as for all of these.
        wall_widths: Likewise.
        goals: Likewise.
        goal_widths: Likewise.
        side: Likewise.
        radius: Likewise.
        slack: Likewise.
        step: Likewise.

    Returns:
        (goal * goal,) float32, in metres: a map after another, in each row by row.
    """
    plans = floorplans_of(walls, wall_widths, goals, goal_widths, side)
    nodes = place_nodes(plans, radius, slack, step)
    limits = common_limits(plans, radius, slack)
    ways = straight_ways(plans, nodes, limits)
    paths = ways._replace(lengths=ways.lengths.clone())
    relax(plans, nodes, paths, limits)
    squares = rows_of(plans.goal_rows.widths**2)
    found = torch.empty(len(squares.owners), device=walls.device)
    launch(
        _measure_paths, (len(goals), triton.cdiv(int(plans.goal_rows.widths.max()), 32)),
        plans.walls, plans.wall_rows, plans.goals, plans.goal_rows, nodes.rows, limits,
        ways.lengths, paths.lengths, paths.starts, found, squares.starts, num_warps=1,
    )  # fmt: skip
    return found
