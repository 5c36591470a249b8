"""Standing room: the part of a cell that the middle of an agent can be in.

A cell is cut into 16 by 16 pieces, a warp's work. The twin is `megastep.numba.visibility.standing_room`.
"""

from typing import no_type_check

import triton
import triton.language as tl

from megastep.triton.buffers import device_guard
from megastep.triton.visibility.walls import ends_of, walls_of

PIECES = tl.constexpr(16)
"""How many pieces a cell has along each side."""

HALF_DIAGONAL = tl.constexpr(0.5**0.5)
"""Half a piece's diagonal, in sides of a piece."""


@triton.jit
@no_type_check
def squared_distance(ax, ay, bx, by, x, y):
    """The squared distance of points from a wall, in square metres."""
    dx, dy = bx - ax, by - ay
    px, py = x - ax, y - ay
    share = tl.minimum(tl.maximum((px * dx + py * dy) / (dx * dx + dy * dy), 0.0), 1.0)
    px, py = px - share * dx, py - share * dy
    return px * px + py * py


@triton.jit
@no_type_check
def winding(ax, ay, bx, by, x, y):
    """A wall's part of points' winding numbers: 1 if it rises to a point's right, -1 if it falls there."""
    rises, falls = (ay <= y) & (y < by), (by <= y) & (y < ay)
    right = ax + (y - ay) / tl.where(ay == by, 1.0, by - ay) * (bx - ax) > x
    return (rises & right).to(tl.int32) - (falls & right).to(tl.int32)


@triton.jit
@no_type_check
def _find_extents(walls, map_of_cell, corners, sides, clearance, extents):
    """Program c writes the box around the standing room of cell c, in pieces."""
    cell = tl.program_id(0).to(tl.int64)
    m = tl.load(map_of_cell + cell)
    own, width = walls.ends + 2 * tl.load(walls.starts + m), tl.load(walls.widths + m)
    left, bottom, side = tl.load(corners + 2 * cell), tl.load(corners + 2 * cell + 1), tl.load(sides + cell)
    clear = tl.load(clearance)
    right, top, piece = left + side, bottom + side, side / PIECES
    column, row = tl.arange(0, PIECES)[None, :], tl.arange(0, PIECES)[:, None]
    x, y = left + (column + 0.5) * piece, bottom + (row + 0.5) * piece
    squares = tl.full([PIECES, PIECES], float('inf'), tl.float64)
    windings = tl.zeros([PIECES, PIECES], tl.int32)
    half, reach = piece * HALF_DIAGONAL, clear + piece
    for w in range(width):
        ax, ay, bx, by = ends_of(own, w, True)
        low_x, high_x = tl.minimum(ax, bx), tl.maximum(ax, bx)
        low_y, high_y = tl.minimum(ay, by), tl.maximum(ay, by)
        near = (low_x <= right + reach) & (high_x >= left - reach)
        near &= (low_y <= top + reach) & (high_y >= bottom - reach)
        if near:
            squares = tl.minimum(squares, squared_distance(ax, ay, bx, by, x, y))
        if (low_y <= top) & (high_y >= bottom) & (high_x >= left):
            windings += winding(ax, ay, bx, by, x, y)
    least = tl.maximum(clear - half, 0.0)
    free = (squares >= least * least) & ((squares <= half * half) | (windings > 0))
    store_box(extents + 4 * cell, free, column, row)


@triton.jit
@no_type_check
def store_box(extent, free, column, row):
    """Stores the left, bottom, right and top of the pieces that are free; 255, 255, 0, 0 if none is."""
    tl.store(extent, tl.min(tl.min(tl.where(free, column, 255), 1), 0).to(tl.uint8))
    tl.store(extent + 1, tl.min(tl.min(tl.where(free, row, 255), 1), 0).to(tl.uint8))
    tl.store(extent + 2, tl.max(tl.max(tl.where(free, column + 1, 0), 1), 0).to(tl.uint8))
    tl.store(extent + 3, tl.max(tl.max(tl.where(free, row + 1, 0), 1), 0).to(tl.uint8))


@device_guard
def find_extents(map_of_cell, walls, corners, sides, clearance, extents):
    """Writes the standing room of cells: see `megastep.world.visible_walls`."""
    if len(map_of_cell):
        _find_extents[(len(map_of_cell),)](
            walls_of(walls), map_of_cell, corners, sides, sides.new_tensor([clearance]), extents,
            num_warps=1, enable_fp_fusion=False,
        )  # fmt: skip
