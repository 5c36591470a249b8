"""Geodesic distances from agents to their goals, looked up. The twin is `megastep.numba.navigation`."""

from typing import NamedTuple, no_type_check

import torch
import triton
import triton.language as tl

from megastep.triton.buffers import device_guard

BLOCK = 32
"""A warp of agents: it looks at as many nodes as the one of them that has most."""

HOPS = tl.constexpr(4)
"""How many of an agent's nodes a lane loads together: else it would wait for each before it asks for the next."""


class Field(NamedTuple):
    """The geodesic field of maps: the buffers of a `megastep.env.navigation.GeodesicField`."""

    side: float  # of a cell, in metres
    corners: torch.Tensor
    shapes: torch.Tensor
    visible: torch.Tensor
    visible_starts: torch.Tensor
    entries: torch.Tensor
    entry_starts: torch.Tensor
    hops: torch.Tensor
    hop_starts: torch.Tensor
    nodes: torch.Tensor
    node_starts: torch.Tensor
    lengths: torch.Tensor
    length_starts: torch.Tensor
    spawns: torch.Tensor
    spawn_starts: torch.Tensor
    spawn_widths: torch.Tensor


@triton.jit
@no_type_check
def length(x, y):
    """The length of a vector, rounded as a CPU does."""
    return tl.sqrt_rn(x * x + y * y)


@triton.jit
@no_type_check
def cell_along(offset, side, count):
    """The number of the grid's column or row that is so far from its first edge; the nearest if none is."""
    cells = tl.div_rn(offset, side)
    cells = tl.where(cells > 0, cells, 0.0)  # where it is NaN too
    return tl.minimum(cells, (count - 1).to(tl.float32)).to(tl.int64)


@triton.jit
@no_type_check
def shortest(field, m, x, y, goal, BLOCK: tl.constexpr):
    """The geodesic distances from places in maps m to one of their spawns each; infinite where there is no way."""
    count = tl.load(field.spawn_widths + m).to(tl.int64)
    goal = tl.minimum(tl.maximum(goal.to(tl.int64), 0), count - 1)
    spawn = field.spawns + 2 * (tl.load(field.spawn_starts + m) + goal)
    straight = length(x - tl.load(spawn), y - tl.load(spawn + 1))
    columns, rows = tl.load(field.shapes + 2 * m), tl.load(field.shapes + 2 * m + 1)
    column = cell_along(x - tl.load(field.corners + 2 * m), field.side, columns)
    cell = cell_along(y - tl.load(field.corners + 2 * m + 1), field.side, rows) * columns + column
    word = tl.load(field.visible + tl.load(field.visible_starts + m) + cell * ((count + 31) // 32) + goal // 32)
    seen = ((word >> (goal % 32).to(tl.int32)) & 1) != 0
    entry = field.hops + tl.load(field.hop_starts + m) + tl.load(field.entries + tl.load(field.entry_starts + m) + cell)
    width = tl.where(seen, 0, tl.load(entry))
    nodes, lengths = field.nodes + 2 * tl.load(field.node_starts + m), field.lengths + tl.load(field.length_starts + m)
    around = tl.full([BLOCK], float('inf'), tl.float32)
    entry, nodes, lengths = entry[:, None] + 1, nodes[:, None], (lengths + goal)[:, None]
    for first in range(0, tl.max(width, 0), HOPS):
        hop = first + tl.arange(0, HOPS)[None, :]
        more = hop < width[:, None]
        node = tl.load(entry + hop, mask=more, other=0).to(tl.int64)
        onward = tl.load(lengths + node * count[:, None], mask=more, other=float('inf'))
        node_x = tl.load(nodes + 2 * node, mask=more, other=0.0)
        node_y = tl.load(nodes + 2 * node + 1, mask=more, other=0.0)
        ways = length(x[:, None] - node_x, y[:, None] - node_y) + onward
        around = tl.minimum(around, tl.min(ways, 1))
    return tl.where(seen, straight, around)


@triton.jit
@no_type_check
def _distances(field, map_ids, positions, goals, found, num_rows, NUM_AGENTS: tl.constexpr, BLOCK: tl.constexpr):
    """Each lane looks up the entry of one agent's cell. Lanes of no agent look for a way in the first map."""
    row = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    there = row < num_rows
    m = tl.load(map_ids + row // NUM_AGENTS, mask=there, other=0)
    x, y = tl.load(positions + 2 * row, mask=there, other=0.0), tl.load(positions + 2 * row + 1, mask=there, other=0.0)
    goal = tl.load(goals + row, mask=there, other=0)
    tl.store(found + row, shortest(field, m, x, y, goal, BLOCK), mask=there)


def buffers_of(field) -> Field:
    """The buffers of a `megastep.env.navigation.GeodesicField`."""
    f = field
    return Field(
        f.cell_side, f.corners, f.shapes, f.visible.vals, f.visible.starts, f.entries.vals, f.entries.starts,
        f.hops.vals, f.hops.starts, f.nodes.vals, f.nodes.starts, f.lengths.vals, f.lengths.starts,
        f.spawns.vals, f.spawns.starts, f.spawns.widths,
    )  # fmt: skip


@device_guard
def distances(field, positions, map_ids, goals, found):
    """Finds how long the shortest paths from agents to their goals are: see `megastep.env.navigation.GeodesicField`."""
    _distances[(triton.cdiv(goals.numel(), BLOCK),)](
        buffers_of(field), map_ids, positions, goals, found,
        goals.numel(), NUM_AGENTS=goals.shape[1], BLOCK=BLOCK, num_warps=1, enable_fp_fusion=False,
    )  # fmt: skip
