"""Geodesic distances from agents to their goals, looked up. The twin is `megastep.numba.navigation`."""

from typing import no_type_check

import triton
import triton.language as tl

BLOCK = 32
"""A warp of agents: it looks at as many nodes as the one of them that has most."""


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
def _distances(
    # in
    positions, map_ids, goals,
    # the geodesic field
    corners, shapes, visible, visible_starts, hop_rows, hop_row_starts, hops, hop_starts, hop_widths,
    nodes, lengths, length_starts, spawns, spawn_starts, spawn_widths,
    # out
    found,
    num_rows, side, NUM_AGENTS: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    """Each lane looks up the entry of one agent's cell. Lanes of no agent look for a way in the first map."""
    row = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    there = row < num_rows
    m = tl.load(map_ids + row // NUM_AGENTS, mask=there, other=0)
    x, y = tl.load(positions + 2 * row, mask=there, other=0.0), tl.load(positions + 2 * row + 1, mask=there, other=0.0)
    count = tl.load(spawn_widths + m).to(tl.int64)
    goal = tl.minimum(tl.maximum(tl.load(goals + row, mask=there, other=0).to(tl.int64), 0), count - 1)
    spawn = spawns + 2 * (tl.load(spawn_starts + m) + goal)
    straight = length(x - tl.load(spawn), y - tl.load(spawn + 1))
    columns, rows = tl.load(shapes + 2 * m), tl.load(shapes + 2 * m + 1)
    column = cell_along(x - tl.load(corners + 2 * m), side, columns)
    cell = cell_along(y - tl.load(corners + 2 * m + 1), side, rows) * columns + column
    word = tl.load(visible + tl.load(visible_starts + m) + cell * ((count + 31) // 32) + goal // 32)
    seen = ((word >> (goal % 32).to(tl.int32)) & 1) != 0
    hop_row = tl.load(hop_rows + tl.load(hop_row_starts + m) + cell)
    first, width = tl.load(hop_starts + hop_row), tl.where(seen, 0, tl.load(hop_widths + hop_row))
    around = tl.full([BLOCK], float('inf'), tl.float32)
    for hop in range(tl.max(width, 0)):
        node = tl.load(hops + first + hop, mask=hop < width, other=0)  # node 0 is infinitely far from everything
        onward = tl.load(lengths + tl.load(length_starts + node) + goal)
        way = length(x - tl.load(nodes + 2 * node), y - tl.load(nodes + 2 * node + 1)) + onward
        around = tl.minimum(around, way)
    tl.store(found + row, tl.where(seen, straight, around), mask=there)


def distances(field, positions, map_ids, goals, found):
    """Finds how long the shortest paths from agents to their goals are: see `megastep.env.navigation.GeodesicField`."""
    f = field
    _distances[(triton.cdiv(goals.numel(), BLOCK),)](
        positions, map_ids, goals,
        f.corners, f.shapes, f.visible.vals, f.visible.starts, f.hop_rows.vals, f.hop_rows.starts,
        f.hops.vals, f.hops.starts, f.hops.widths, f.nodes, f.lengths.vals, f.lengths.starts,
        f.spawns.vals, f.spawns.starts, f.spawns.widths, found,
        goals.numel(), f.cell_side, NUM_AGENTS=goals.shape[1], BLOCK=BLOCK, num_warps=1, enable_fp_fusion=False,
    )  # fmt: skip
