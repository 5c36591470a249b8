"""Visibility graphs of many maps, and the shortest paths along them, in float64."""

from typing import NamedTuple, no_type_check

import torch
import triton
import triton.language as tl

from megastep.triton.ahead import launch
from megastep.triton.bits import bits, lowest
from megastep.triton.geodesics.nodes import Nodes
from megastep.triton.geodesics.plans import Floorplans
from megastep.triton.geodesics.ways import is_taut, still_open

TOUCHING = tl.constexpr(1e-7)
"""A way may leave a corner this far, in metres, to the wrong side, which is rounding."""

BETWEEN = 8
"""So often paths are made shorter before it is asked if any was, which waits for the GPU."""


class Paths(NamedTuple):
    """Path lengths from nodes to goals, a map after another: in each, node by node, those to all its goals."""

    lengths: torch.Tensor  # (node * goal,) float64, in metres; infinite where there is no way
    starts: torch.Tensor  # (map,) int64


@triton.jit(do_not_specialize=['num_words'])
@no_type_check
def _join(walls, wall_rows, points, backs, aheads, node_rows, limits, edges, num_words):
    """Finds which of 32 nodes of its map a shortest path may go to straight from a node: a bit each.

    A way is tested from the lower number to the higher, so that both ends of it agree.
    """
    i, word, lane = tl.program_id(0).to(tl.int64), tl.program_id(1), tl.arange(0, 32)
    m = tl.load(node_rows.owners + i)
    first, count = tl.load(node_rows.starts + m), tl.load(node_rows.widths + m)
    if word * 32 < count:
        j = first + word * 32 + lane
        there = (j < first + count) & (j != i)
        x, y = tl.load(points + 2 * i), tl.load(points + 2 * i + 1)
        other_x = tl.load(points + 2 * j, mask=there, other=0.0)
        other_y = tl.load(points + 2 * j + 1, mask=there, other=0.0)
        dx, dy = other_x - x, other_y - y
        back_x, back_y = tl.load(backs + 2 * i), tl.load(backs + 2 * i + 1)
        ahead_x, ahead_y = tl.load(aheads + 2 * i), tl.load(aheads + 2 * i + 1)
        there = there & is_taut(back_x, back_y, ahead_x, ahead_y, dx, dy, TOUCHING)
        back_x = tl.load(backs + 2 * j, mask=there, other=0.0)
        back_y = tl.load(backs + 2 * j + 1, mask=there, other=0.0)
        ahead_x = tl.load(aheads + 2 * j, mask=there, other=0.0)
        ahead_y = tl.load(aheads + 2 * j + 1, mask=there, other=0.0)
        there = there & is_taut(back_x, back_y, ahead_x, ahead_y, -dx, -dy, TOUCHING)
        px, py = tl.where(j < i, other_x, x), tl.where(j < i, other_y, y)
        qx, qy = tl.where(j < i, x, other_x), tl.where(j < i, y, other_y)
        near = walls + 4 * tl.load(wall_rows.starts + m)
        count = tl.load(wall_rows.widths + m)
        there, _ = still_open(near, count, count * 0, x, y, dx, dy, px, py, qx, qy, there, tl.load(limits))
        tl.store(edges + i * num_words + word, bits(there).to(tl.int32))


@triton.jit
@no_type_check
def _reach(walls, wall_rows, goals, goal_rows, points, backs, aheads, node_rows, limits, starts, lengths):
    """Finds how far 32 goals of its map are from a node, straight; infinite from where no shortest path goes straight.

    From nearer than half a radius every way may be to the wrong side: see `connect` of the CPU's.
    """
    i, lane = tl.program_id(0).to(tl.int64), tl.program_id(1) * 32 + tl.arange(0, 32)
    m = tl.load(node_rows.owners + i)
    num_goals = tl.load(goal_rows.widths + m)
    if tl.program_id(1) * 32 < num_goals:
        there = lane < num_goals
        goal = goals + 2 * (tl.load(goal_rows.starts + m) + lane)
        x, y = tl.load(goal, mask=there, other=0.0), tl.load(goal + 1, mask=there, other=0.0)
        px, py = tl.load(points + 2 * i), tl.load(points + 2 * i + 1)
        back_x, back_y = tl.load(backs + 2 * i), tl.load(backs + 2 * i + 1)
        ahead_x, ahead_y = tl.load(aheads + 2 * i), tl.load(aheads + 2 * i + 1)
        dx, dy, near = x - px, y - py, tl.load(limits + 1)
        taut = is_taut(back_x, back_y, ahead_x, ahead_y, dx, dy, TOUCHING) | (dx * dx + dy * dy < near * near)
        first, count = walls + 4 * tl.load(wall_rows.starts + m), tl.load(wall_rows.widths + m)
        seen, _ = still_open(first, count, count * 0, px, py, dx, dy, x, y, px, py, there & taut, tl.load(limits))
        row = lengths + tl.load(starts + m) + (i - tl.load(node_rows.starts + m)) * num_goals
        tl.store(row + lane, tl.where(seen, tl.sqrt(dx * dx + dy * dy), float('inf')), mask=there)


@triton.jit(do_not_specialize=['num_words'])
@no_type_check
def _relax(goal_rows, points, node_rows, edges, starts, lengths, shorter, num_words, GOALS: tl.constexpr):
    """Takes a node's paths over its neighbours where they are shorter, in place: a step of the Bellman-Ford algorithm.

    Whether a neighbour's paths are read before or after they become shorter changes when the last step is, but not
    what it leaves.
    """
    i, lane = tl.program_id(0).to(tl.int64), tl.arange(0, GOALS)
    m = tl.load(node_rows.owners + i)
    first, count = tl.load(node_rows.starts + m), tl.load(node_rows.widths + m)
    num_goals, rows = tl.load(goal_rows.widths + m), lengths + tl.load(starts + m)
    there, own = lane < num_goals, rows + (i - first) * num_goals + lane
    x, y = tl.load(points + 2 * i), tl.load(points + 2 * i + 1)
    before = tl.load(own, mask=there, other=0.0)
    best = before
    for word in range((count + 31) // 32):
        left = tl.load(edges + i * num_words + word).to(tl.int64) & 0xFFFFFFFF
        while left != 0:
            j = word * 32 + lowest(left)
            left = left & (left - 1)
            dx, dy = tl.load(points + 2 * (first + j)) - x, tl.load(points + 2 * (first + j) + 1) - y
            onward = tl.load(rows + j * num_goals + lane, mask=there, other=0.0)
            best = tl.minimum(best, onward + tl.sqrt(dx * dx + dy * dy))
    if tl.max((there & (best < before)).to(tl.int32), 0) > 0:
        tl.store(own, best, mask=there)
        tl.store(shorter, 1)


def straight_ways(plans: Floorplans, nodes: Nodes, limits: torch.Tensor) -> Paths:
    """Finds how long the straight ways from nodes to goals are, those that a shortest path can take.

    Args:
        plans: The maps.
        nodes: Their nodes.
        limits: (2,) float64: what walls may not be nearer than, and nearer than what a node may be reached from
            anywhere, in metres.
    """
    sizes, most = nodes.rows.widths.long() * plans.goal_rows.widths, int(plans.goal_rows.widths.max())
    starts = sizes.cumsum(0) - sizes
    lengths = torch.empty(int(sizes.sum()), dtype=torch.float64, device=limits.device)
    launch(
        _reach, (len(nodes.points), triton.cdiv(most, 32)),
        plans.walls, plans.wall_rows, plans.goals, plans.goal_rows, *nodes, limits, starts, lengths, num_warps=1,
    )  # fmt: skip
    return Paths(lengths, starts)


def relax(plans: Floorplans, nodes: Nodes, paths: Paths, limits: torch.Tensor) -> None:
    """Makes straight ways from nodes to goals the shortest paths, in place: see `straight_ways`."""
    edges, most = visibility_graphs(plans, nodes, limits), int(plans.goal_rows.widths.max())
    shorter, num_words = torch.ones(1, dtype=torch.int32, device=limits.device), edges.shape[1]
    while int(shorter):
        for k in range(BETWEEN):
            if k == BETWEEN - 1:
                shorter.zero_()
            launch(
                _relax, (len(nodes.points),),
                plans.goal_rows, nodes.points, nodes.rows, edges, paths.starts, paths.lengths, shorter,
                num_words, GOALS=max(triton.next_power_of_2(most), 32), num_warps=1,
            )  # fmt: skip


def visibility_graphs(plans: Floorplans, nodes: Nodes, limits: torch.Tensor) -> torch.Tensor:
    """The reduced visibility graphs: (node, word) int32, where bit j % 32 of word j // 32 is set of i's neighbours j.

    Nodes are counted from their map's first.
    """
    num_words = max(triton.cdiv(int(nodes.rows.widths.max()), 32), 1)
    edges = torch.zeros(len(nodes.points), num_words, dtype=torch.int32, device=limits.device)
    launch(_join, edges.shape, plans.walls, plans.wall_rows, *nodes, limits, edges, num_words, num_warps=1)
    return edges
