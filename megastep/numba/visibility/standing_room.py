"""Standing room: the part of a cell that the middle of an agent can be in.

A cell is cut into 16 by 16 pieces. An agent's middle may be in a piece unless a wall is too near to all of it, or it
lies outside the free space. The twin is `megastep.triton.visibility.standing_room`.
"""

import numpy as np
from numba import njit

from megastep.numba.constants import LAUNCHED, PART
from megastep.numba.jit.parallel import in_blocks
from megastep.numba.visibility.walls import walls_of

PIECES = 16
"""How many pieces a cell has along each side."""

HALF_DIAGONAL = 0.5**0.5
"""Half a piece's diagonal, in sides of a piece."""


@njit(**PART)
def squared_distance(walls, w, x, y):
    """The squared distance of a point from a wall, in square metres."""
    dx, dy = walls[w, 1, 0] - walls[w, 0, 0], walls[w, 1, 1] - walls[w, 0, 1]
    px, py = x - walls[w, 0, 0], y - walls[w, 0, 1]
    share = min(max((px * dx + py * dy) / (dx * dx + dy * dy), 0.0), 1.0)
    px, py = px - share * dx, py - share * dy
    return px * px + py * py


@njit(**PART)
def winding(walls, w, x, y):
    """A wall's part of a point's winding number: 1 if it rises to the point's right, -1 if it falls there."""
    ax, ay, bx, by = walls[w, 0, 0], walls[w, 0, 1], walls[w, 1, 0], walls[w, 1, 1]
    rises, falls = ay <= y < by, by <= y < ay
    right = ax + (y - ay) / (by - ay) * (bx - ax) > x
    return int(rises and right) - int(falls and right)


@njit(**PART)
def find_in(walls, left, bottom, side, clearance, extent):
    """Writes the box around a cell's standing room, in pieces: left, bottom, right, top; 255, 255, 0, 0 if none."""
    squares, windings = np.full((PIECES, PIECES), np.inf), np.zeros((PIECES, PIECES), np.int64)
    right, top, piece = left + side, bottom + side, side / PIECES
    half, reach = piece * HALF_DIAGONAL, clearance + piece
    for w in range(len(walls)):
        low_x, high_x = min(walls[w, 0, 0], walls[w, 1, 0]), max(walls[w, 0, 0], walls[w, 1, 0])
        low_y, high_y = min(walls[w, 0, 1], walls[w, 1, 1]), max(walls[w, 0, 1], walls[w, 1, 1])
        near = low_x <= right + reach and high_x >= left - reach and low_y <= top + reach and high_y >= bottom - reach
        beside = low_y <= top and high_y >= bottom and high_x >= left
        for row in range(PIECES if near or beside else 0):
            y = bottom + (row + 0.5) * piece
            for column in range(PIECES):
                x = left + (column + 0.5) * piece
                if near:
                    squares[row, column] = min(squares[row, column], squared_distance(walls, w, x, y))
                if beside:
                    windings[row, column] += winding(walls, w, x, y)
    least = max(clearance - half, 0.0)
    extent[0], extent[1], extent[2], extent[3] = 255, 255, 0, 0
    for row in range(PIECES):
        for column in range(PIECES):
            square = squares[row, column]
            if square >= least * least and (square <= half * half or windings[row, column] > 0):
                extent[0], extent[1] = min(extent[0], column), min(extent[1], row)
                extent[2], extent[3] = max(extent[2], column + 1), max(extent[3], row + 1)


@njit(**PART)
def find_some(walls, map_of_cell, corners, sides, clearance, extents, first, last):
    """Writes the box around the standing room of some cells."""
    for cell in range(first, last):
        start, width = walls.starts[map_of_cell[cell]], walls.widths[map_of_cell[cell]]
        own = walls.ends[start : start + width]
        find_in(own, corners[cell, 0], corners[cell, 1], sides[cell], clearance, extents[cell])


@njit(**LAUNCHED)
def _find_extents(walls, map_of_cell, corners, sides, clearance, extents):
    in_blocks(find_some, (walls, map_of_cell, corners, sides, clearance, extents), len(corners), 1)


def find_extents(map_of_cell, walls, corners, sides, clearance, extents):
    """Writes the standing room of cells: see `megastep.world.visible_walls`."""
    maps, corners, sides = map_of_cell.numpy(), corners.numpy(), sides.numpy()
    _find_extents(walls_of(walls), maps, corners, sides, clearance, extents.numpy())
