"""The choice of few nodes for each cell, that paths to all goals out of sight go through."""

from typing import NamedTuple, no_type_check

import torch
import triton
import triton.language as tl

from megastep.triton.ahead import launch
from megastep.triton.bits import lowest
from megastep.triton.geodesics.plans import Floorplans
from megastep.triton.geodesics.samples import SAMPLE, SLIVER, Samples
from megastep.triton.geodesics.sight import Seen, Sources
from megastep.triton.geodesics.ways import blocks

FAR = tl.constexpr(1e30)
"""Further than anything, in metres; what can't be reached is so far."""

UNUSED = tl.constexpr(1 << 30)
"""Stands after the nodes of a list while they are sorted, each slot's one further, and -1 after that."""

SHORT = 32767
"""Numbers of up to so many nodes take two bytes each, and four where a map has more."""

HASHED = tl.constexpr(40)
"""So many bits of a list's key are a hash of it, and those above its map's number."""


class Lists(NamedTuple):
    """Each cell's list of nodes, sorted, and what equal lists have in common."""

    nodes: torch.Tensor  # (cell, most) int16 or int32: -1 after the last
    widths: torch.Tensor  # (cell,) int16
    keys: torch.Tensor  # (cell,) int64


@triton.jit
@no_type_check
def _choose(
    cell_rows, goal_rows, node_rows, near_nodes, lengths, length_starts, points, kinds, seen, lists, tolerance,
    GOALS: tl.constexpr, MOST: tl.constexpr,
):  # fmt: skip
    """Chooses a cell's nodes: the first of the path to the goal that those chosen before lead furthest around to, until
    all paths are within the tolerance of the shortest. A cell that sees nothing has no sample any more.
    """
    c, lane, slot = tl.program_id(0).to(tl.int64), tl.arange(0, GOALS), tl.arange(0, MOST)
    if tl.load(kinds + c) == SAMPLE:
        m = tl.load(cell_rows.owners + c)
        cell, goals = c - tl.load(cell_rows.starts + m), tl.load(goal_rows.widths + m)
        there, words = lane < goals, (tl.load(node_rows.widths + m) + 31) // 32
        visible = seen.goals + tl.load(seen.goal_starts + m) + cell * ((goals + 31) // 32)
        sight = ((tl.load(visible + lane // 32, mask=there, other=0) >> (lane % 32)) & 1) != 0
        hidden, alive = there & ~sight, tl.max((there & sight).to(tl.int32), 0)
        x, y = tl.load(points + 2 * c), tl.load(points + 2 * c + 1)
        places, rows = near_nodes + 2 * tl.load(node_rows.starts + m), lengths + tl.load(length_starts + m)
        least, first = tl.full([GOALS], FAR, tl.float32), tl.zeros([GOALS], tl.int32)
        for word in range(words):
            left = tl.load(seen.nodes + tl.load(seen.node_starts + m) + cell * words + word).to(tl.int64) & 0xFFFFFFFF
            alive = alive | (left != 0).to(tl.int32)
            while left != 0:
                k = word * 32 + lowest(left)
                left = left & (left - 1)
                way = _ways(places, rows, k, goals, x, y, lane, hidden)
                first, least = tl.where(way < least, k, first), tl.minimum(way, least)
        found, chosen, used = tl.full([GOALS], FAR, tl.float32), slot + UNUSED, goals * 0
        excess = tl.where(hidden & (least < FAR / 2), found - least, 0.0)
        worst = tl.max(excess, 0)
        while (worst > tolerance) & (used < MOST):
            goal = tl.min(tl.where(excess == worst, lane, GOALS), 0)
            k = tl.sum(tl.where(lane == goal, first, 0), 0)
            found = tl.minimum(found, _ways(places, rows, k, goals, x, y, lane, hidden))
            chosen = tl.where(slot == used, k, chosen)
            used += 1
            excess = tl.where(hidden & (least < FAR / 2), found - least, 0.0)
            worst = tl.max(excess, 0)
        rank = tl.sum((chosen[:, None] > chosen[None, :]).to(tl.int32), 1)
        sorted_nodes = tl.where(slot < used, chosen, -1).to(lists.nodes.dtype.element_ty)
        tl.store(lists.nodes + c * MOST + rank, sorted_nodes)
        tl.store(lists.widths + c, used.to(tl.int16))
        mixed = (chosen + 1).to(tl.int64) * 0x1E3779B97F4A7C15
        mixed = (mixed ^ ((mixed >> 29) & 0x7FFFFFFFF)) * 0x3F58476D1CE4E5B9
        mixed = tl.sum(tl.where(slot < used, mixed, 0), 0)
        tl.store(lists.keys + c, (m.to(tl.int64) << HASHED) | ((mixed >> 20) & 0xFFFFFFFFFF))
        if alive == 0:
            tl.store(kinds + c, tl.full([], 0, tl.int8))


@triton.jit
@no_type_check
def _ways(places, rows, k, goals, x, y, lane, wanted):
    """The lengths of the paths from a place over node k to goals, in metres."""
    dx, dy = tl.load(places + 2 * k) - x, tl.load(places + 2 * k + 1) - y
    return tl.sqrt(dx * dx + dy * dy) + tl.load(rows + k * goals + lane, mask=wanted, other=FAR)


@triton.jit
@no_type_check
def _borrow(
    slivers, walls, wall_rows, cell_rows, columns, lines, words, limits, points, kinds, seen, lists,
    MOST: tl.constexpr,
):  # fmt: skip
    """Copies to a sliver what the cell at most two columns and rows away has whose sample is the nearest not behind a
    wall; nothing if there is none. A sliver's point may be on a wall, within rounding, which then isn't in the way.
    """
    c, lane, slot = tl.load(slivers + tl.program_id(0)), tl.arange(0, 32), tl.arange(0, MOST)
    m = tl.load(cell_rows.owners + c)
    first, width = tl.load(cell_rows.starts + m), tl.load(columns + m)
    cell = (c - first).to(tl.int32)
    column, row = cell % width + lane % 5 - 2, cell // width + lane // 5 - 2
    there = (lane < 25) & (column >= 0) & (column < width) & (row >= 0) & (row < tl.load(lines + m))
    other = first + row * width + column
    there = there & (tl.load(kinds + other, mask=there, other=0) == 1)
    px, py = tl.load(points + 2 * c), tl.load(points + 2 * c + 1)
    dx = tl.load(points + 2 * other, mask=there, other=0.0) - px
    dy = tl.load(points + 2 * other + 1, mask=there, other=0.0) - py
    length, near = tl.sqrt(dx * dx + dy * dy), walls + 4 * tl.load(wall_rows.starts + m)
    ux, uy, rounding = dx / length, dy / length, tl.load(limits + 3 * m + 2)
    px, py, length = px + ux * rounding, py + uy * rounding, length - rounding
    for w in range(tl.load(wall_rows.widths + m)):
        ax, ay = tl.load(near + 4 * w) - px, tl.load(near + 4 * w + 1) - py
        bx, by = tl.load(near + 4 * w + 2) - px, tl.load(near + 4 * w + 3) - py
        there = there & ~blocks(ax, ay, bx, by, ux, uy, length, 0.0)
    away = tl.where(there, length, float('inf'))
    nearest = tl.min(away, 0)
    if nearest < float('inf'):
        best = tl.min(tl.where(away == nearest, other, 9223372036854775807), 0)
        num_words, goals = tl.load(words + m), seen.goals + tl.load(seen.goal_starts + m)
        for word in range(num_words):
            tl.store(goals + (c - first) * num_words + word, tl.load(goals + (best - first) * num_words + word))
        tl.store(lists.nodes + c * MOST + slot, tl.load(lists.nodes + best * MOST + slot))
        tl.store(lists.widths + c, tl.load(lists.widths + best))
        tl.store(lists.keys + c, tl.load(lists.keys + best))


def choose(
    plans: Floorplans, limits: torch.Tensor, sources: Sources, samples: Samples, seen: Seen, lengths: torch.Tensor,
    starts: torch.Tensor, tolerance: float, most: int,
) -> Lists:  # fmt: skip
    """Chooses each cell's nodes, at most so many: see `megastep.maps.geodesics.compiled.entries.choosing`.

    Args:
        plans: The maps.
        limits: (map, 3) float32: see `limits_of`.
        sources: What cells may see.
        samples: The points that they see from. Those that see nothing are taken away.
        seen: What they see. Of slivers it is written.
        lengths: (node * goal,) float32: how long the paths from nodes to goals are, in metres.
        starts: (map,): where each map's begin.
        tolerance: Nodes are left out while no path becomes longer than this, in metres.
        most: At most so many are chosen: a power of 2.
    """
    rows, device = plans.cell_rows, lengths.device
    count, kind = len(rows.owners), torch.int16 if int(sources.node_rows.widths.max()) <= SHORT else torch.int32
    lists = Lists(
        torch.full((count, most), -1, dtype=kind, device=device),
        torch.zeros(count, dtype=torch.int16, device=device),
        rows.owners.long() << HASHED.value,
    )
    goals = max(triton.next_power_of_2(int(plans.goal_rows.widths.max())), 32)
    launch(
        _choose, (count,),
        rows, plans.goal_rows, sources.node_rows, sources.near, lengths, starts, *samples, seen, lists, tolerance,
        GOALS=goals, MOST=most, num_warps=1,
    )  # fmt: skip
    slivers = torch.nonzero(samples.kinds == SLIVER.value).reshape(-1)
    launch(
        _borrow, (len(slivers),),
        slivers, plans.near_walls, plans.wall_rows, rows, plans.columns, plans.lines, plans.words, limits, *samples,
        seen, lists, MOST=most, num_warps=1,
    )  # fmt: skip
    return lists
