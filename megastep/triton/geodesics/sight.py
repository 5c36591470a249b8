"""Sight: which goals cells see, and which nodes shortest paths from them may bend at first."""

from typing import NamedTuple, no_type_check

import torch
import triton
import triton.language as tl

from megastep.triton.ahead import launch
from megastep.triton.geodesics.nodes import Nodes
from megastep.triton.geodesics.plans import Floorplans, Rows
from megastep.triton.geodesics.samples import Samples
from megastep.triton.geodesics.ways import is_taut, still_open

TILE = tl.constexpr(8)
"""A program has the cells of a tile of so many columns and rows."""


class Sources(NamedTuple):
    """Sources, which cells may see: all maps' goals, and then all their nodes."""

    values: torch.Tensor  # (source, 6) float32: where it is from its map's corner, and the ways back and ahead, or 0
    num_goals: int
    node_rows: Rows
    near: torch.Tensor  # (node, 2) float32: a view of the nodes' places


class Seen(NamedTuple):
    """Sources seen by each cell: a bit a source, in words; those of the goals are as they are in a field."""

    goals: torch.Tensor  # (cell * word,) int32
    goal_starts: torch.Tensor  # (map,) int64: where each map's begin
    nodes: torch.Tensor
    node_starts: torch.Tensor


@triton.jit(do_not_specialize=['num_goals'])
@no_type_check
def _see(
    walls, wall_rows, columns, lines, cell_rows, goal_rows, node_rows, sources, num_goals, points, kinds, tile_rows,
    limits, seen, CELLS: tl.constexpr,
):  # fmt: skip
    """Finds which of 32 sources the cells of a tile see.

    Of each source, the walls that may be in the way to the tile are found at once, and then tried one by one.
    """
    tile, word, lane = tl.program_id(0).to(tl.int64), tl.program_id(1), tl.arange(0, CELLS)
    m = tl.load(tile_rows.owners + tile)
    goals, nodes = tl.load(goal_rows.widths + m), tl.load(node_rows.widths + m)
    goal_words, node_words = (goals + 31) // 32, (nodes + 31) // 32
    if word < goal_words + node_words:
        width, local = tl.load(columns + m), (tile - tl.load(tile_rows.starts + m)).to(tl.int32)
        across = (width + TILE - 1) // TILE
        column, row = local % across * TILE + lane % TILE, local // across * TILE + lane // TILE
        cell, inside = (row * width + column).to(tl.int64), (column < width) & (row < tl.load(lines + m))
        place = tl.load(cell_rows.starts + m) + cell
        there = inside & (tl.load(kinds + place, mask=inside, other=0) == 1)
        if tl.max(there.to(tl.int32), 0) > 0:
            x = tl.load(points + 2 * place, mask=there, other=0.0)
            y = tl.load(points + 2 * place + 1, mask=there, other=0.0)
            is_goal = word < goal_words
            first = tl.where(is_goal, tl.load(goal_rows.starts + m), num_goals + tl.load(node_rows.starts + m))
            skipped = tl.where(is_goal, word, word - goal_words) * 32
            number = tl.minimum(tl.where(is_goal, goals, nodes) - skipped, 32)
            source, near = sources + 6 * (first + skipped), walls + 4 * tl.load(wall_rows.starts + m)
            count, found = tl.load(wall_rows.widths + m), tl.zeros([CELLS], tl.int32)
            screen = count * 0
            for s in range(number):
                sight, screen = _sight(near, count, screen, source + 6 * s, x, y, there, limits + 3 * m)
                found = found | (sight << s)
            if is_goal:
                found_at = seen.goals + tl.load(seen.goal_starts + m) + cell * goal_words + word
                tl.store(found_at, found, mask=there)
            else:
                found_at = seen.nodes + tl.load(seen.node_starts + m) + cell * node_words + (word - goal_words)
                tl.store(found_at, found, mask=there)


@triton.jit
@no_type_check
def _sight(walls, count, screen, source, x, y, there, limits):
    """1 for each cell that sees a source taut, or from near, else 0; and the wall to try first for the next."""
    px, py = tl.load(source), tl.load(source + 1)
    radius, nearness, rounding = tl.load(limits), tl.load(limits + 1), tl.load(limits + 2)
    back_x, back_y, ahead_x, ahead_y = (
        tl.load(source + 2), tl.load(source + 3), tl.load(source + 4), tl.load(source + 5),
    )  # fmt: skip
    dx, dy = x - px, y - py
    square = dx * dx + dy * dy
    there = there & (is_taut(back_x, back_y, ahead_x, ahead_y, dx, dy, rounding) | (square < nearness * nearness))
    there, screen = still_open(walls, count, screen, px, py, dx, dy, px, py, x, y, there, radius)
    return there.to(tl.int32), screen


def sources_of(plans: Floorplans, nodes: Nodes) -> Sources:
    """The goals and nodes of maps as what may be seen."""
    near = (nodes.points - plans.corners[nodes.rows.owners.long()]).float()
    goals = torch.nn.functional.pad(plans.near_goals, (0, 4))
    values = torch.cat([goals, torch.cat([near, nodes.back.float(), nodes.ahead.float()], 1)])
    return Sources(values, len(goals), nodes.rows, near)


def find_seen(
    plans: Floorplans, sources: Sources, samples: Samples, tile_rows: Rows, limits: torch.Tensor
) -> Seen:  # fmt: skip
    """Finds what cells see from their samples: see `megastep.maps.geodesics.compiled.entries.candidates`.

    Args:
        plans: The maps.
        sources: What they may see.
        samples: The points that they see from.
        tile_rows: The rows of the maps' tiles.
        limits: (map, 3) float32: see `limits_of`.
    """
    cells, words = plans.cell_rows.widths.long(), (sources.node_rows.widths.long() + 31) // 32
    parts = [cells * plans.words, cells * words]
    goals, nodes = (torch.zeros(int(part.sum()), dtype=torch.int32, device=limits.device) for part in parts)
    goal_starts, node_starts = (part.cumsum(0) - part for part in parts)
    seen = Seen(goals, goal_starts, nodes, node_starts)
    most = int((plans.words + words).max())
    launch(
        _see, (len(tile_rows.owners), most),
        plans.near_walls, plans.wall_rows, plans.columns, plans.lines, plans.cell_rows, plans.goal_rows,
        sources.node_rows, sources.values, sources.num_goals, *samples, tile_rows, limits, seen,
        CELLS=TILE.value**2, num_warps=1,
    )  # fmt: skip
    return seen
