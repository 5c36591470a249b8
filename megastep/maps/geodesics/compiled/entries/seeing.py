"""Sight from a free point that isn't the middle of a cell: what the cells around see is tried from there."""

import numpy as np
from numba import njit

from megastep.maps.geodesics.compiled.bins import BIN, has_near
from megastep.maps.geodesics.compiled.cells import BLOCK, bit_of
from megastep.maps.geodesics.compiled.entries.samples import MIDDLE
from megastep.maps.geodesics.compiled.walls import INLINED, PART, is_between, obstacle
from megastep.maps.geodesics.compiled.wedges import is_within


@njit(**INLINED)
def seen_nodes(grid, cells, goals, found, bins, kinds, sure, x, y, cell, room):
    """Finds the nodes that a free point sees, of those nearby and the candidates of the cells around; how many.

    If ``sure``, it sees those that all cells do around it whose middle is free.
    """
    points, stamps, votes, seen, count = goals.nodes.points, room.stamps, room.votes, room.candidates, np.int64(0)
    column, row, voters = cell % cells.columns, cell // cells.columns, np.int64(0)
    for j in range(max(row - 1, 0) // BLOCK, min(row + 1, cells.rows - 1) // BLOCK + 1):
        for m in range(max(column - 1, 0) // BLOCK, min(column + 1, cells.columns - 1) // BLOCK + 1):
            around, free = cells_around(cells, kinds, row, column, j, m)
            voters += free != 0
            count = count_votes(found, j * found.columns + m, around, free, cell, stamps, votes, seen, count)
    used, total = np.int64(0), count
    for k in range(total):
        i = np.int64(seen[k])
        if (sure and votes[i] == voters) or sees_node(grid, points, goals.wedges, i, x, y, goals.near, room.screens):
            seen[used] = i
            used += 1
    for j in range(max(row // BIN - 1, 0), min(row // BIN + 2, bins.rows)):
        first = j * bins.columns
        begin, end = first + max(column // BIN - 1, 0), first + min(column // BIN + 2, bins.columns)
        for k in range(bins.firsts[begin], bins.firsts[end]):
            i = bins.nodes[k]
            if stamps[i] != cell and sees_node(grid, points, goals.wedges, i, x, y, goals.near, room.screens):
                seen[used] = i
                used += 1
    return used


@njit(**INLINED)
def cells_around(cells, kinds, row, column, block_row, block_column):
    """Bits of the cells around one that are in a block, and of those of them whose middle is free."""
    around, free = np.int64(0), np.int64(0)
    for j in range(max(row - 1, block_row * BLOCK, 0), min(row + 2, block_row * BLOCK + BLOCK, cells.rows)):
        for i in range(
            max(column - 1, block_column * BLOCK), min(column + 2, block_column * BLOCK + BLOCK, cells.columns)
        ):
            bit = np.int64(1) << bit_of(j, i)
            around |= bit
            free |= bit if kinds[j * cells.columns + i] == MIDDLE else 0
    return around, free


@njit(**INLINED)
def count_votes(found, b, around, free, cell, stamps, votes, seen, count):
    """Adds the nodes that some cells of a block see to those seen, and a vote to those that all its free cells see."""
    sources, masks = found.sources, found.masks
    for k in range(found.firsts[b], found.firsts[b + 1]):
        i, mask = np.int64(sources[k]) - found.goals, np.int64(masks[k])
        if i < 0 or not mask & around:
            continue
        if stamps[i] != cell:
            stamps[i], votes[i], seen[count] = cell, 0, i
            count += 1
        votes[i] += free != 0 and not free & ~mask
    return count


@njit(**PART)
def sees_node(grid, points, wedges, i, x, y, near, screens):
    """True if a free point sees a node from one of its wedges, or near to it: see `connect`, also for screens."""
    px, py = points[i, 0], points[i, 1]
    dx, dy = x - px, y - py
    if dx * dx + dy * dy >= near * near and not is_within(wedges, i, dx, dy):
        return False
    if is_between(grid.walls, screens[i], x, y, px, py, grid.radius):
        return False
    wall = obstacle(grid, x, y, px, py)
    if wall >= 0:
        screens[i] = wall
    return wall < 0


@njit(**INLINED)
def see_goals(grid, points, among, sure, x, y, visible):
    """Sets the bits of the goals that a free point sees, of those with bits in ``among``; some it surely does."""
    for g in range(len(points)):
        word, bit = g // 32, np.uint32(1) << np.uint32(g % 32)
        if among[word] & bit and (sure[word] & bit or obstacle(grid, x, y, points[g, 0], points[g, 1]) < 0):
            visible[word] |= bit


@njit(**INLINED)
def sure_goals(cells, bins, points, kinds, visible, x, y, cell, sure):
    """Sets the bits of the goals that a point of a cell surely sees: those that all the cells around see, if 3 or more
    have an entry, and no node is so near that its corner may hide from the point what none of them are hidden from.
    Returns whether that is so.
    """
    column, row, count = cell % cells.columns, cell // cells.columns, 0
    for word in range(len(sure)):
        sure[word] = np.uint32(0xFFFFFFFF)
    for j in range(max(row - 1, 0), min(row + 2, cells.rows)):
        for i in range(max(column - 1, 0), min(column + 2, cells.columns)):
            at = j * cells.columns + i
            if kinds[at] == MIDDLE:
                count += 1
                for word in range(len(sure)):
                    sure[word] &= visible[at, word]
    is_sure = count >= 3 and not has_near(cells, bins, points, x, y, cell)
    if not is_sure:
        for word in range(len(sure)):
            sure[word] = np.uint32(0)
    return is_sure


@njit(**PART)
def see_all(grid, goals, x, y, visible, room):
    """Finds all nodes and goals that a free point sees, where nobody near it helps; returns how many nodes."""
    points, nodes, count = goals.points, goals.nodes.points, np.int64(0)
    for word in range(len(visible)):
        visible[word] = np.uint32(0)
    for g in range(len(points)):
        if obstacle(grid, x, y, points[g, 0], points[g, 1]) < 0:
            visible[g // 32] |= np.uint32(1) << np.uint32(g % 32)
    for i in range(len(nodes)):
        if sees_node(grid, nodes, goals.wedges, i, x, y, goals.near, room.screens):
            room.candidates[count] = i
            count += 1
    return count
