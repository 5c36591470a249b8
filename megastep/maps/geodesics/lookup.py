"""Lookup tables of shortest paths: what the path from anywhere to a goal begins with, by the cell that one is in.

A map is covered by a grid of cells, and a cell's entry says which goals can be seen from it and, for all others,
through which nodes of the visibility graph paths to them go: at most 16, mostly three or four, from which the shortest
for any goal can be told by how far the nodes are and how long the paths from there are.

The entry of a cell is that of a point of it. No wall runs between two free points of a cell (see `CELL_SIDE`), so from
elsewhere in the cell a path that begins as the entry says is out by little: it passes corners a little too near or too
far. Only beside a corner can that be more, up to the cell's diagonal twice. Where a gap that is just too narrow for an
agent parts a cell, one side has the entry of the other.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int32

from megastep.maps.geodesics import shortest_paths

CELL_SIDE = 0.15
"""The side of a cell, in metres. Its diagonal is an agent's diameter, so no wall fits between two agents'
places in one cell."""

TOLERANCE = 0.02
"""Nodes are left out of an entry while no path becomes longer than this, in metres."""

MOST = 16
"""An entry has no more nodes than this."""


class LookupTable(NamedTuple):
    """A map's lookup table of shortest paths. Cells are numbered row by row from the lower left."""

    corner: tuple[float, float]
    """The grid's lower left corner, in metres."""
    shape: tuple[int, int]
    """The numbers of columns and rows of cells."""
    visible: Int32[np.ndarray, 'cell word']
    """Bit g % 32 of word g // 32 says whether goal g can be seen."""
    entries: Int32[np.ndarray, ' cell']
    """Where in ``hops`` each cell's list begins: cells close to one another often have the same."""
    hops: Int32[np.ndarray, ' hop']
    """Lists, one after another: how many nodes paths to goals out of sight go through, and their numbers."""
    nodes: Float[np.ndarray, 'node 2']
    """The nodes' places, in metres."""
    lengths: Float[np.ndarray, 'node goal']
    """The shortest path from each node to each goal, in metres."""


def lookup_table(
    walls: Float[np.ndarray, 'wall 2 2'], goals: Float[np.ndarray, 'goal 2'], radius: float
) -> LookupTable:
    """Computes a map's lookup table for some goals, for a disc of a radius in metres: see `distances`."""
    from megastep.maps.geodesics.compiled.cells import Cells
    from megastep.maps.geodesics.compiled.entries.choosing import FAR, WORD, Goals
    from megastep.maps.geodesics.compiled.entries.filling import fill_lookup
    from megastep.maps.geodesics.compiled.wedges import find_wedges

    found = shortest_paths(walls, goals, radius)
    ends = walls.reshape(-1, 2)
    (left, bottom), (width, height) = ends.min(0).tolist(), np.ptp(ends, axis=0).tolist()
    shape = math.ceil(width / CELL_SIDE), math.ceil(height / CELL_SIDE)
    cells = Cells(left, bottom, CELL_SIDE, *shape)
    lengths = np.full((len(found.nodes.points), -(-len(goals) // WORD) * WORD), FAR, np.float32)
    np.minimum(found.lengths, FAR, out=lengths[:, : len(goals)], casting='same_kind')
    wedges = find_wedges(found.nodes, found.graph, np.array(goals), found.direct, found.lengths)
    entries = fill_lookup(
        found.grid, Goals(np.array(goals), found.nodes, wedges, radius / 2, lengths), cells, TOLERANCE, MOST
    )
    return LookupTable(
        corner=(left, bottom),
        shape=shape,
        visible=entries.visible.view(np.int32),
        entries=entries.starts,
        hops=entries.lists,
        nodes=found.nodes.points,
        lengths=found.lengths,
    )
