"""What the shortest path from anywhere to a goal begins with, looked up by where one is.

A map is covered by a grid of cells, and a cell's signpost says which goals can be seen from it and, for all others,
through which nodes paths to them go: at most 16, mostly three or four, from which the shortest for any goal can be
told by how far the nodes are and how long the paths from there are.

The signpost of a cell is that of a point of it. No wall runs between two free points of a cell (see `SIDE`), so from
elsewhere in the cell a path that begins as the signpost says is out by little: it passes corners a little too near or
too far. Only beside a corner can that be more, up to the cell's diagonal twice. Where a gap that is just too narrow for
an agent parts a cell, one side has the signpost of the other.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int32

from megastep.maps.geodesics import survey

SIDE = 0.15
"""How wide and high a cell is, in metres. Its diagonal is an agent's diameter, so no wall fits between two agents'
places in one cell."""

TOLERANCE = 0.02
"""Nodes are left out of a signpost while no path becomes longer than this, in metres."""

MOST = 16
"""A signpost has no more nodes than this."""


class Signposts(NamedTuple):
    """A map's signposts. Cells are numbered row by row from the lower left."""

    corner: tuple[float, float]
    """The grid's lower left corner, in metres."""
    shape: tuple[int, int]
    """How many columns and rows of cells it has."""
    sees: Int32[np.ndarray, 'cell word']
    """Bit g % 32 of word g // 32 says whether goal g can be seen."""
    signs: Int32[np.ndarray, ' cell']
    """Which row of ``hops`` is each cell's: cells close to one another often have the same."""
    hops: list[Int32[np.ndarray, ' hop']]
    """The nodes that paths to goals out of sight go through."""
    nodes: Float[np.ndarray, 'node 2']
    """Where the nodes are, in metres."""
    lengths: Float[np.ndarray, 'node goal']
    """The shortest path from each node to each goal, in metres."""


def signposts(walls: Float[np.ndarray, 'wall 2 2'], goals: Float[np.ndarray, 'goal 2'], radius: float) -> Signposts:
    """Puts up a map's signposts to some goals, for a disc of a radius in metres: see `distances`."""
    from megastep.maps.geodesics import compiled

    found = survey(walls, goals, radius)
    ends = walls.reshape(-1, 2)
    (left, bottom), (width, height) = ends.min(0).tolist(), np.ptp(ends, axis=0).tolist()
    shape = math.ceil(width / SIDE), math.ceil(height / SIDE)
    grid = compiled.Grid(left, bottom, SIDE, *shape)
    goals = np.array(goals)
    posts = compiled.signposts(found.field, found.corners, goals, found.lengths, grid, radius / 2, TOLERANCE, MOST)
    rows, signs = _distinct(posts.hops)
    used, numbers = np.unique(rows[rows >= 0], return_inverse=True)
    rows[rows >= 0] = numbers
    return Signposts(
        corner=(left, bottom),
        shape=shape,
        sees=posts.sees.view(np.int32),
        signs=signs.astype(np.int32),
        hops=[row[row >= 0] for row in rows],
        nodes=found.corners.points[used],
        lengths=found.lengths[:, used].T,
    )


def _distinct(rows: Int32[np.ndarray, 'row hop']) -> tuple[Int32[np.ndarray, 'distinct hop'], np.ndarray]:
    """The rows that differ, in order, and which of them each row is. Those that repeat the one before cost little."""
    changes = np.append(True, (rows[1:] != rows[:-1]).any(axis=1))
    distinct, numbers = np.unique(rows[changes], axis=0, return_inverse=True)
    return distinct, numbers.reshape(-1)[changes.cumsum() - 1]
