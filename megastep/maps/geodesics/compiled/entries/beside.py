"""Cells beside walls, whose middle isn't free: their entries are those of another point, or of a cell near them."""

from typing import NamedTuple

import numpy as np
from numba import njit

from megastep.maps.geodesics.compiled.bins import Bins
from megastep.maps.geodesics.compiled.cells import Cells, bit_of, block_of, cell_of, first_cell, middle
from megastep.maps.geodesics.compiled.entries.block_room import CELLS
from megastep.maps.geodesics.compiled.entries.candidates import Candidates
from megastep.maps.geodesics.compiled.entries.choosing import FAR, Goals, choose, has_room, kept_list
from megastep.maps.geodesics.compiled.entries.samples import MIDDLE, NONE, OTHER, SLIVER
from megastep.maps.geodesics.compiled.entries.seeing import see_all, see_goals, seen_nodes, sure_goals
from megastep.maps.geodesics.compiled.free_points import free_point
from megastep.maps.geodesics.compiled.walls import (
    INLINED,
    KERNEL,
    PART,
    TOUCHING,
    WallGrid,
    is_outside,
    nearest_wall,
    obstacle,
)
from megastep.numba.jit.bits import lowest


class Surroundings(NamedTuple):
    """Surroundings of cells beside walls, which their entries come from."""

    grid: WallGrid
    line: WallGrid  # for a disc of no radius
    cells: Cells
    goals: Goals
    bins: Bins
    found: Candidates
    occupied: np.ndarray  # (block,) uint16: bits of the cells beside walls


@njit(**KERNEL)
def fill_others(around, visible, tolerance, room, samples, starts, lists, done):
    """Fills the entries of the cells beside walls, in place: see `fill_lookup`. Those of middles are there already.

    ``done`` is how many blocks are done; stops where there may be no room for more lists. Slivers come last.
    """
    cells, occupied, last = around.cells, around.occupied, np.int64(0)
    while done[0] < len(occupied) and has_room(lists, CELLS, len(room.chosen)):
        b = done[0]
        left, first = np.int64(occupied[b]), first_cell(cells, around.found.columns, b)
        while left:
            cell = cell_of(cells, first, lowest(left))
            left &= left - 1
            if take_sample(around.grid, cells, cell, samples):
                count = choose_beside(around, cell, visible, tolerance, room, samples, starts, lists)
                last = kept_list(room.chosen, count, lists, (last, np.int64(starts[max(cell - cells.columns, 0)])))
                starts[cell] = last
        done[0] = b + 1
    if done[0] == len(occupied):
        fill_slivers(around, visible, samples, starts)


@njit(**INLINED)
def take_sample(grid, cells, cell, samples):
    """Takes a free point of a cell beside a wall as its sample; false if it has none, or only a sliver is free."""
    x, y = middle(cells, cell)
    w = nearest_wall(grid, x, y)
    narrow = cells.side * np.sqrt(0.5) <= grid.radius + TOUCHING  # beyond a wall nothing in a cell is free
    if w < 0 or (narrow and is_outside(grid.walls, w, x, y)):
        return False
    x, y, free = free_point(grid, cells, cell, w)
    samples.points[cell, 0], samples.points[cell, 1] = x, y
    samples.kinds[cell] = OTHER if free else SLIVER
    return free


@njit(**INLINED)
def choose_beside(around, cell, visible, tolerance, room, samples, starts, lists):
    """Chooses the nodes of a cell from those that its sample sees, and writes the goals that it does: see `choose`."""
    grid, cells, goals, bins, kinds = around.grid, around.cells, around.goals, around.bins, samples.kinds
    nodes, lengths, count = goals.nodes.points, goals.lengths, np.int64(0)
    x, y = samples.points[cell, 0], samples.points[cell, 1]
    other = neighbour(around.line, cells, samples, MIDDLE, x, y, cell, np.int64(1))
    if other >= 0:
        sure = sure_goals(cells, bins, nodes, kinds, visible, x, y, cell, room.sure)
        see_goals(grid, goals.points, visible[other], room.sure, x, y, visible[cell])
        count = seen_nodes(grid, cells, goals, around.found, bins, kinds, sure, x, y, cell, room)
        count = choose(nodes, lengths, x, y, count, visible[cell], tolerance, room)
    elif is_cut_off(around, kinds, x, y, cell):
        return count
    if other < 0 or loses_goals(lengths, room.least, lists.values, starts[other], visible[other]):
        count = see_all(grid, goals, x, y, visible[cell], room)
        count = choose(nodes, lengths, x, y, count, visible[cell], tolerance, room)
    return count


@njit(**INLINED)
def is_cut_off(around, kinds, x, y, cell):
    """True if a disc can go straight from a point of a cell to a free middle around it that sees neither goal nor node.

    From there, and so from the point, no way leads to any goal.
    """
    cells, columns = around.cells, around.found.columns
    column, row = cell % cells.columns, cell // cells.columns
    for j in range(max(row - 1, 0), min(row + 2, cells.rows)):
        for i in range(max(column - 1, 0), min(column + 2, cells.columns)):
            is_free = not around.occupied[block_of(columns, j, i)] >> bit_of(j, i) & 1
            if is_free and kinds[j * cells.columns + i] == NONE:
                px, py = middle(cells, j * cells.columns + i)
                if obstacle(around.grid, x, y, px, py) < 0:
                    return True
    return False


@njit(**PART)
def neighbour(line, cells, samples, highest, x, y, cell, reach):
    """Of the cells around one that have an entry, that whose sample is nearest and not behind a wall; -1 if none is.

    Args:
        line: The walls, for a disc of no radius.
        cells: The cells.
        samples: The points that entries are of.
        highest: The highest kind of samples to look at.
        x: A point of the cell.
        y: And y.
        cell: The cell.
        reach: How many columns and rows on to look.
    """
    points, kinds = samples.points, samples.kinds
    column, row, last = cell % cells.columns, cell // cells.columns, -1.0
    while True:
        nearest, best, best_x, best_y = np.inf, np.int64(-1), x, y
        for j in range(max(row - reach, 0), min(row + reach + 1, cells.rows)):
            for i in range(max(column - reach, 0), min(column + reach + 1, cells.columns)):
                at = j * cells.columns + i
                if NONE < kinds[at] <= highest:
                    px, py = middle(cells, at)
                    if kinds[at] == OTHER:
                        px, py = points[at, 0], points[at, 1]
                    away = (px - x) * (px - x) + (py - y) * (py - y)
                    if last < away < nearest:
                        nearest, best, best_x, best_y = away, at, px, py
        if best < 0 or obstacle(line, x, y, best_x, best_y) < 0:
            return best
        last = nearest


@njit(**PART)
def loses_goals(lengths, least, values, start, visible):
    """True if the entry of a neighbour reaches a goal that a cell's candidates don't."""
    for g in range(len(least)):
        if FAR / 2 < least[g] < 1.5 * FAR:
            if visible[g // 32] >> np.uint32(g % 32) & np.uint32(1):
                return True
            for k in range(start + 1, start + 1 + values[start]):
                if lengths[values[k], g] < FAR / 2:
                    return True
    return False


@njit(**PART)
def fill_slivers(around, visible, samples, starts):
    """Fills the entries of cells of which only a sliver is free, in place: they are those of a cell near them."""
    cells, points, kinds = around.cells, samples.points, samples.kinds
    for b in range(len(around.occupied)):
        left, first = np.int64(around.occupied[b]), first_cell(cells, around.found.columns, b)
        while left:
            cell = cell_of(cells, first, lowest(left))
            left &= left - 1
            x, y = points[cell, 0], points[cell, 1]
            if kinds[cell] != SLIVER or is_outside(around.grid.walls, nearest_wall(around.grid, x, y), x, y):
                continue
            other = neighbour(around.line, cells, samples, OTHER, x, y, cell, np.int64(2))
            if other >= 0:
                starts[cell] = starts[other]
                for word in range(visible.shape[1]):
                    visible[cell, word] = visible[other, word]
