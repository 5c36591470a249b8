"""Entries of a lookup table: what shortest paths from each cell of a grid begin with.

Shadows are cast from goals and nodes to the middles of cells. So each cell knows the goals that can be seen from its
middle, and the nodes that shortest paths may bend at, its candidates, of which a few are chosen for blocks of cells at
once. Where a cell's middle isn't free, another point of it is, and what is seen from the middles around is tried from
there.
"""

from typing import NamedTuple

import numpy as np

from megastep.maps.geodesics.compiled.bins import make_bins
from megastep.maps.geodesics.compiled.cells import Cells
from megastep.maps.geodesics.compiled.entries.beside import Surroundings, fill_others
from megastep.maps.geodesics.compiled.entries.block_room import make_block_room
from megastep.maps.geodesics.compiled.entries.blocks import fill_middles
from megastep.maps.geodesics.compiled.entries.candidates import find_candidates
from megastep.maps.geodesics.compiled.entries.choosing import Goals, longer, make_lists, make_room
from megastep.maps.geodesics.compiled.entries.samples import make_samples
from megastep.maps.geodesics.compiled.occupied import occupied_cells
from megastep.maps.geodesics.compiled.strips import make_strips
from megastep.maps.geodesics.compiled.walls import WallGrid


class Entries(NamedTuple):
    """The entries of a lookup table."""

    visible: np.ndarray  # (cell, word) uint32: bit g % 32 of word g // 32 says whether the way to goal g is clear
    starts: np.ndarray  # (cell,) int32: where in lists the cell's begins
    lists: np.ndarray  # (value,) int32: how many nodes, and these: a path to any other goal passes one of them first


def fill_lookup(grid: WallGrid, goals: Goals, cells: Cells, tolerance: float, most: int) -> Entries:
    """Fills the lookup table: an entry of at most so many nodes for every cell that an agent can be in.

    The entry is that of the cell's middle. Where that isn't free it is that of another point of the cell. A cell of
    which only a sliver is free, in which no free point is found, has the entry of a cell near it.
    """
    count, nodes, limit = cells.columns * cells.rows, goals.nodes, np.float32(tolerance)
    first, second = (make_strips(grid.walls, nodes.corners, cells, grid.radius, axis) for axis in (0, 1))
    found = find_candidates(grid, cells, (first, second), goals.points, nodes, goals.wedges, goals.near)
    visible, starts = np.zeros((count, goals.lengths.shape[1] // 32), np.uint32), np.zeros(count, np.int32)
    occupied, samples, bins = occupied_cells(grid, cells), make_samples(count), make_bins(cells, nodes.points)
    room, block_room = make_room(goals, most), make_block_room(found, goals, cells.side)
    lists, done = make_lists(count), np.zeros(1, np.int64)
    while True:
        fill_middles(
            occupied, cells, goals, found, visible, limit, room, block_room, samples.kinds, starts, lists, done
        )
        if done[0] == len(occupied):
            break
        lists = longer(lists)
    around = Surroundings(grid, grid._replace(radius=0.0), cells, goals, bins, found, occupied)
    done[0] = 0
    while True:
        fill_others(around, visible, limit, room, samples, starts, lists, done)
        if done[0] == len(occupied):
            break
        lists = longer(lists)
    return Entries(visible, starts, lists.values[: lists.used[0]])
