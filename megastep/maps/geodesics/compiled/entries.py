"""Entries of a lookup table: what shortest paths from each cell of a grid begin with.

Shadows are cast from goals and nodes to the middles of cells. So each cell knows the goals that can be seen from its
middle, and the nodes that shortest paths may bend at, its candidates. Where a cell's middle isn't free, another point
of it is, and what is seen from the middles around is tried from there.
"""

from typing import NamedTuple

import numpy as np
from numba import njit

from megastep.maps.geodesics.compiled.blocks import fill_middles, make_block_room
from megastep.maps.geodesics.compiled.candidates import bit_of, find_candidates
from megastep.maps.geodesics.compiled.choosing import FAR, Goals, Lists, choose, kept_list, make_room
from megastep.maps.geodesics.compiled.shadows import BLOCK
from megastep.maps.geodesics.compiled.strips import Cells, make_strips, middle
from megastep.maps.geodesics.compiled.walls import (
    KERNEL,
    TOUCHING,
    WallGrid,
    clearance,
    is_between,
    is_clear,
    is_outside,
    nearest_wall,
    obstacle,
    square,
)
from megastep.maps.geodesics.compiled.wedges import find_within, is_within

ROOM = 1.02
"""Points are pushed so many radii away from walls: from nearer to a corner every way may be to the wrong side of it."""

BIN = 8
"""The side of a bin of nodes, in cells: further away, a node that a point sees is seen from next to it too."""

NEAR = 0.3
"""So near, in metres, a corner may hide from a point what it hides from no cell around the point's."""

STEPS = 4
"""A point is pushed away from walls so often before it is given up."""


class Entries(NamedTuple):
    """The entries of a lookup table."""

    visible: np.ndarray  # (cell, word) uint32: bit g % 32 of word g // 32 says whether the way to goal g is clear
    starts: np.ndarray  # (cell,) int32: where in lists the cell's begins
    lists: (
        np.ndarray
    )  # (value,) int32: a number of nodes, and these, one of which a path to any other goal passes first


class Samples(NamedTuple):
    """The points that cells' entries are of."""

    points: np.ndarray  # (cell, 2): where it isn't the middle
    kinds: np.ndarray  # (cell,) uint8: `NONE`, `MIDDLE` or `OTHER`


NONE, MIDDLE, OTHER, SLIVER = (np.uint8(kind) for kind in range(4))
"""Kinds of samples: there is none, the cell's middle, another point of it, or a sliver in which none was found."""


class Bins(NamedTuple):
    """The nodes in square bins of `BIN` cells: bin b's are ``nodes[firsts[b]:firsts[b + 1]]``."""

    firsts: np.ndarray  # (bin + 1,)
    nodes: np.ndarray  # (node,)
    columns: int
    rows: int


@njit(**KERNEL)
def free_point(grid, cells, cell, w):
    """A free point of a cell on the inner side of its nearest wall, and true; or one as free as may be, and false.

    The middle's `nearest_wall` is w.
    """
    left, bottom = middle(cells, cell)
    x, y, half, pushed, steps = left, bottom, cells.side / 2, w >= 0, 0
    while pushed:
        x, y, pushed = push(grid, x, y, w)
        steps += 1
        pushed = pushed and steps < STEPS
        w = nearest_wall(grid, x, y) if pushed else np.int64(-1)
        pushed = w >= 0
    inside = abs(x - left) <= half and abs(y - bottom) <= half
    x, y = min(max(x, left - half), left + half), min(max(y, bottom - half), bottom + half)
    return x, y, inside and clearance(grid, x, y) >= grid.radius


@njit(**KERNEL)
def push(grid, x, y, w):
    """Moves a point away from its nearest wall, to its left, until a disc just touches it; false if it is free."""
    walls = grid.walls
    ax, ay, bx, by = walls[w, 0], walls[w, 1], walls[w, 2], walls[w, 3]
    vx, vy = bx - ax, by - ay
    length = np.sqrt(vx * vx + vy * vy)
    along = ((x - ax) * vx + (y - ay) * vy) / length
    off = (vx * (y - ay) - vy * (x - ax)) / length
    if 0 <= along <= length:
        if off >= grid.radius:
            return x, y, False
        room = ROOM * grid.radius - off
        return x - vy / length * room, y + vx / length * room, True
    dx, dy = (x - ax, y - ay) if along < 0 else (x - bx, y - by)
    away = np.sqrt(dx * dx + dy * dy)
    if away >= grid.radius or away == 0:
        return x, y, False
    room = ROOM * grid.radius - away
    return x + dx / away * room, y + dy / away * room, True


def make_bins(cells: Cells, points: np.ndarray) -> Bins:
    """Sorts nodes into bins."""
    columns, rows = cells.columns // BIN + 1, cells.rows // BIN + 1
    bins = Bins(np.zeros(columns * rows + 1, np.int64), np.empty(len(points), np.int64), columns, rows)
    fill_bins(cells, points, bins)
    return bins


@njit(**KERNEL)
def bin_of(cells, bins, x, y):
    """The bin of a point."""
    row = square(y, cells.bottom, BIN * cells.side, bins.rows)
    return row * bins.columns + square(x, cells.left, BIN * cells.side, bins.columns)


@njit(**KERNEL)
def fill_bins(cells, points, bins):
    """Fills the arrays of `Bins`; firsts are zeros before."""
    firsts, nodes, total = bins.firsts, bins.nodes, np.int64(0)
    for i in range(len(points)):
        firsts[bin_of(cells, bins, points[i, 0], points[i, 1]) + 1] += 1
    for b in range(1, len(firsts)):  # firsts[b] is where the next node of bin b - 1 goes
        count = firsts[b]
        firsts[b] = total
        total += count
    for i in range(len(points)):
        b = bin_of(cells, bins, points[i, 0], points[i, 1])
        nodes[firsts[b + 1]] = i
        firsts[b + 1] += 1


@njit(**KERNEL)
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
                    away = (px - x) ** 2 + (py - y) ** 2
                    if last < away < nearest:
                        nearest, best, best_x, best_y = away, at, px, py
        if best < 0 or is_clear(line, x, y, best_x, best_y):
            return best
        last = nearest


@njit(**KERNEL)
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


@njit(**KERNEL)
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


@njit(**KERNEL)
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


@njit(**KERNEL)
def sees_node(grid, points, wedges, i, x, y, near, screens):
    """True if a free point sees a node from one of its wedges, or near to it."""
    px, py = points[i, 0], points[i, 1]
    dx, dy = x - px, y - py
    if dx * dx + dy * dy >= near * near and not is_within(wedges, i, dx, dy):
        return False
    return reaches(grid, px, py, x, y, i, screens)


@njit(**KERNEL)
def reaches(grid, px, py, x, y, i, screens):
    """True if the way from a node to a free point is clear: see `connect`, which also says what screens are."""
    if is_between(grid.walls, screens[i], x, y, px, py, grid.radius):
        return False
    wall = obstacle(grid, x, y, px, py)
    if wall >= 0:
        screens[i] = wall
    return wall < 0


@njit(**KERNEL)
def see_goals(grid, points, among, sure, x, y, visible):
    """Sets the bits of the goals that a free point sees, of those with bits in ``among``; some it surely does."""
    for g in range(len(points)):
        word, bit = g // 32, np.uint32(1) << np.uint32(g % 32)
        if among[word] & bit and (sure[word] & bit or is_clear(grid, x, y, points[g, 0], points[g, 1])):
            visible[word] |= bit


@njit(**KERNEL)
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


@njit(**KERNEL)
def has_near(cells, bins, points, x, y, cell):
    """True if a node is nearer to a point of a cell than `NEAR`."""
    column, row = cell % cells.columns, cell // cells.columns
    for j in range(max(row // BIN - 1, 0), min(row // BIN + 2, bins.rows)):
        first = j * bins.columns
        begin, end = first + max(column // BIN - 1, 0), first + min(column // BIN + 2, bins.columns)
        for k in range(bins.firsts[begin], bins.firsts[end]):
            dx, dy = points[bins.nodes[k], 0] - x, points[bins.nodes[k], 1] - y
            if dx * dx + dy * dy < NEAR * NEAR:
                return True
    return False


@njit(**KERNEL)
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


@njit(**KERNEL)
def see_all(grid, goals, x, y, visible, room):
    """Finds all nodes and goals that a free point sees, where nobody near it helps; returns how many nodes."""
    points, nodes, candidates, count = goals.points, goals.nodes.points, room.candidates, np.int64(0)
    for word in range(len(visible)):
        visible[word] = np.uint32(0)
    for g in range(len(points)):
        if is_clear(grid, x, y, points[g, 0], points[g, 1]):
            visible[g // 32] |= np.uint32(1) << np.uint32(g % 32)
    find_within(goals.wedges.columns, x, y, goals.near, room.within)
    for i in range(len(nodes)):
        if room.within[i] and reaches(grid, nodes[i, 0], nodes[i, 1], x, y, i, room.screens):
            candidates[count] = i
            count += 1
    return count


@njit(**KERNEL)
def fill_others(grid, line, cells, goals, bins, found, visible, tolerance, room, samples, starts, lists, done):
    """Fills the entries of the other cells, in place: see `fill_lookup`. Those of middles are there already.

    ``line`` has no radius; ``done`` is how many cells are done and how much of the lists is used; stops where there may
    be no room for more.
    """
    points, kinds, values, last = samples.points, samples.kinds, lists.values, np.int64(0)
    nodes, lengths = goals.nodes.points, goals.lengths
    narrow = cells.side * np.sqrt(0.5) <= grid.radius + TOUCHING  # beyond a wall nothing in a cell is free
    while done[0] < len(starts) and done[1] + len(room.chosen) + 1 <= len(values):
        cell, used = done[0], done[1]
        done[0] = cell + 1
        if kinds[cell] == MIDDLE:
            continue
        x, y = middle(cells, cell)
        w = nearest_wall(grid, x, y)
        if w < 0 or (narrow and is_outside(grid.walls, w, x, y)):
            continue
        x, y, free = free_point(grid, cells, cell, w)
        points[cell, 0], points[cell, 1] = x, y
        if not free:
            kinds[cell] = SLIVER
            continue
        other, count = neighbour(line, cells, samples, MIDDLE, x, y, cell, np.int64(1)), np.int64(0)
        if other >= 0:
            sure = sure_goals(cells, bins, nodes, kinds, visible, x, y, cell, room.sure)
            see_goals(grid, goals.points, visible[other], room.sure, x, y, visible[cell])
            count = seen_nodes(grid, cells, goals, found, bins, kinds, sure, x, y, cell, room)
            count = choose(nodes, lengths, x, y, count, visible[cell], tolerance, room)
        if other < 0 or loses_goals(lengths, room.least, values, starts[other], visible[other]):
            count = see_all(grid, goals, x, y, visible[cell], room)
            count = choose(nodes, lengths, x, y, count, visible[cell], tolerance, room)
        kinds[cell] = OTHER
        last, used = kept_list(room.chosen, count, lists, used, last)
        starts[cell], done[1] = last, used


@njit(**KERNEL)
def fill_slivers(grid, line, cells, visible, samples, starts):
    """Fills the entries of cells of which only a sliver is free, in place: they are those of a cell near them."""
    points, kinds = samples.points, samples.kinds
    for cell in range(len(starts)):
        if kinds[cell] != SLIVER:
            continue
        x, y = points[cell, 0], points[cell, 1]
        if is_outside(grid.walls, nearest_wall(grid, x, y), x, y):
            continue
        other = neighbour(line, cells, samples, OTHER, x, y, cell, np.int64(2))
        if other >= 0:
            starts[cell] = starts[other]
            for word in range(visible.shape[1]):
                visible[cell, word] = visible[other, word]


def fill_lookup(grid: WallGrid, goals: Goals, cells: Cells, tolerance: float, most: int) -> Entries:
    """Fills the lookup table: an entry of at most so many nodes for every cell that an agent can be in.

    The entry is that of the cell's middle. Where that isn't free it is that of another point of the cell. A cell of
    which only a sliver is free, in which no free point is found, has the entry of a cell near it.
    """
    count, nodes = cells.columns * cells.rows, goals.nodes
    strips = make_strips(grid.walls, nodes.corners, cells, 0), make_strips(grid.walls, nodes.corners, cells, 1)
    found = find_candidates(grid, cells, strips, goals.points, nodes, goals.wedges, goals.near)
    visible, starts = np.zeros((count, goals.lengths.shape[1] // 32), np.uint32), np.zeros(count, np.int32)
    samples, line = Samples(np.empty((count, 2)), np.zeros(count, np.uint8)), grid._replace(radius=0.0)
    block_room = make_block_room(found, goals.lengths.shape[1])
    room, bins, limit = make_room(goals, most), make_bins(cells, nodes.points), np.float32(tolerance)
    lists = Lists(np.zeros(4096, np.int32), np.full(1 << (count + 63).bit_length(), -1, np.int32))
    done = np.array([0, 1])
    while True:
        fill_middles(
            grid, cells, goals, found, visible, limit, room, block_room, samples.kinds, MIDDLE, starts, lists, done
        )
        if done[0] == len(found.firsts) - 1:
            break
        lists = longer(lists)
    done[0] = 0
    while True:
        fill_others(grid, line, cells, goals, bins, found, visible, limit, room, samples, starts, lists, done)
        if done[0] == count:
            break
        lists = longer(lists)
    fill_slivers(grid, line, cells, visible, samples, starts)
    return Entries(visible, starts, lists.values[: done[1]])


def longer(lists: Lists) -> Lists:
    """The same lists with room for twice as much."""
    return lists._replace(values=np.concatenate([lists.values, np.zeros_like(lists.values)]))
