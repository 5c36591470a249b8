"""Entries of a lookup table: what shortest paths from each cell of a grid begin with.

Shadows are cast from goals and nodes to the middles of cells. So each cell knows the goals that can be seen from its
middle, and the nodes that shortest paths may bend at, its candidates. Where a cell's middle isn't free, another point
of it is, and what is seen from the middles around is tried from there.
"""

from typing import NamedTuple

import numpy as np
from numba import njit

from megastep.maps.geodesics.compiled.candidates import by_cell, cast_nodes, mark_visible, near_cells
from megastep.maps.geodesics.compiled.choosing import FAR, Goals, choose, kept_list, make_room
from megastep.maps.geodesics.compiled.graph import Nodes, connect, is_taut
from megastep.maps.geodesics.compiled.shadows import make_sight
from megastep.maps.geodesics.compiled.strips import Cells, by_strip, make_strips, middle
from megastep.maps.geodesics.compiled.walls import (
    TOUCHING,
    WallGrid,
    clearance,
    is_between,
    is_clear,
    is_outside,
    nearest_wall,
    obstacle,
)

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

    points: np.ndarray  # (cell, 2)
    there: np.ndarray  # (cell,): true where there is one


class Bins(NamedTuple):
    """The nodes in square bins of `BIN` cells: bin b's are ``nodes[firsts[b]:firsts[b + 1]]``."""

    firsts: np.ndarray  # (bin + 1,)
    nodes: np.ndarray  # (node,)
    columns: int
    rows: int


@njit(cache=True, nogil=True, error_model='numpy')
def free_point(grid, cells, cell):
    """A free point of a cell on the inner side of its nearest wall, and true; or one as free as may be, and false."""
    x, y = middle(cells, cell)
    left, bottom, half = x, y, cells.side / 2
    for _ in range(STEPS):
        x, y, pushed = push(grid, x, y)
        if not pushed:
            break
    inside = abs(x - left) <= half and abs(y - bottom) <= half
    x, y = min(max(x, left - half), left + half), min(max(y, bottom - half), bottom + half)
    return x, y, inside and clearance(grid, x, y) >= grid.radius


@njit(cache=True, nogil=True, error_model='numpy')
def push(grid, x, y):
    """Moves a point away from the nearest wall, to its left, until a disc just touches it; false if it is free."""
    w = nearest_wall(grid, x, y)
    if w < 0:
        return x, y, False
    ax, ay, bx, by = grid.walls[w]
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


def binned(cells: Cells, nodes: Nodes) -> Bins:
    """Sorts nodes into bins."""
    columns, rows = cells.columns // BIN + 1, cells.rows // BIN + 1
    places = ((nodes.points - (cells.left, cells.bottom)) / (BIN * cells.side)).astype(np.int64)
    column, row = places.clip(0, (columns - 1, rows - 1)).T
    order, firsts = by_strip(row * columns + column, np.zeros(len(places)), columns * rows)
    return Bins(firsts, order, columns, rows)


@njit(cache=True, nogil=True, error_model='numpy')
def neighbour(line, cells, samples, x, y, cell, reach):
    """Of the cells around one that have an entry, that whose sample is nearest and not behind a wall; -1 if none is.

    Args:
        line: The walls, for a disc of no radius.
        cells: The cells.
        samples: The points that entries are of.
        x: A point of the cell.
        y: And y.
        cell: The cell.
        reach: How many columns and rows on to look.
    """
    points, there = samples.points, samples.there
    column, row, last = cell % cells.columns, cell // cells.columns, -1.0
    while True:
        nearest, best = np.inf, -1
        for j in range(max(row - reach, 0), min(row + reach + 1, cells.rows)):
            for i in range(max(column - reach, 0), min(column + reach + 1, cells.columns)):
                at = j * cells.columns + i
                away = (points[at, 0] - x) ** 2 + (points[at, 1] - y) ** 2
                if there[at] and last < away < nearest:
                    nearest, best = away, at
        if best < 0 or is_clear(line, x, y, points[best, 0], points[best, 1]):
            return best
        last = nearest


@njit(cache=True, nogil=True, error_model='numpy')
def seen_nodes(grid, cells, goals, found, bins, x, y, cell, room):
    """Finds the nodes that a free point sees, of those nearby and the candidates of the cells around; how many."""
    points, backs, aheads, near = goals.nodes.points, goals.nodes.back, goals.nodes.ahead, goals.near
    stamps, screens, seen, nodes = room.stamps, room.screens, room.candidates, found.nodes
    count, column, row = 0, cell % cells.columns, cell // cells.columns
    for j in range(max(row - 1, 0), min(row + 2, cells.rows)):
        begin, end = j * cells.columns + max(column - 1, 0), j * cells.columns + min(column + 2, cells.columns)
        for k in range(found.firsts[begin], found.firsts[end]):
            i = np.int64(nodes[k])
            if stamps[i] != cell:
                stamps[i] = cell
                if sees_node(grid, points, backs, aheads, i, x, y, near, screens):
                    seen[count] = i
                    count += 1
    for j in range(max(row // BIN - 1, 0), min(row // BIN + 2, bins.rows)):
        first = j * bins.columns
        begin, end = first + max(column // BIN - 1, 0), first + min(column // BIN + 2, bins.columns)
        for k in range(bins.firsts[begin], bins.firsts[end]):
            i = bins.nodes[k]
            if stamps[i] != cell:
                stamps[i] = cell
                if sees_node(grid, points, backs, aheads, i, x, y, near, screens):
                    seen[count] = i
                    count += 1
    return count


@njit(cache=True, nogil=True, error_model='numpy')
def sees_node(grid, points, backs, aheads, i, x, y, near, screens):
    """True if a free point sees a node tautly: see `connect`, which also says what screens are."""
    px, py = points[i, 0], points[i, 1]
    dx, dy = x - px, y - py
    if not is_taut(backs, aheads, i, dx, dy) and dx * dx + dy * dy >= near * near:
        return False
    if is_between(grid.walls, screens[i], x, y, px, py, grid.radius):
        return False
    wall = obstacle(grid, x, y, px, py)
    if wall >= 0:
        screens[i] = wall
    return wall < 0


@njit(cache=True, nogil=True, error_model='numpy')
def see_goals(grid, points, among, sure, x, y, visible):
    """Sets the bits of the goals that a free point sees, of those with bits in ``among``; some it surely does."""
    for g in range(len(points)):
        word, bit = g // 32, np.uint32(1) << np.uint32(g % 32)
        if among[word] & bit and (sure[word] & bit or is_clear(grid, x, y, points[g, 0], points[g, 1])):
            visible[word] |= bit


@njit(cache=True, nogil=True, error_model='numpy')
def sure_goals(cells, bins, points, there, visible, x, y, cell, sure):
    """Sets the bits of the goals that a point of a cell surely sees: those that all the cells around see, if 3 or more
    have an entry, and no node is so near that its corner may hide from the point what none of them are hidden from.
    """
    column, row, count = cell % cells.columns, cell // cells.columns, 0
    sure[:] = np.uint32(0xFFFFFFFF)
    for j in range(max(row - 1, 0), min(row + 2, cells.rows)):
        for i in range(max(column - 1, 0), min(column + 2, cells.columns)):
            at = j * cells.columns + i
            if there[at]:
                count += 1
                for word in range(len(sure)):
                    sure[word] &= visible[at, word]
    if count < 3 or has_near(cells, bins, points, x, y, cell):
        sure[:] = np.uint32(0)


@njit(cache=True, nogil=True, error_model='numpy')
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


@njit(cache=True, nogil=True, error_model='numpy')
def loses_goals(goals, least, lists, start, visible):
    """True if the entry of a neighbour reaches a goal that a cell's candidates don't."""
    for g in range(len(least)):
        if FAR / 2 < least[g] < 1.5 * FAR:
            if visible[g // 32] >> np.uint32(g % 32) & np.uint32(1):
                return True
            for k in range(start + 1, start + 1 + lists[start]):
                if goals.lengths[lists[k], g] < FAR / 2:
                    return True
    return False


@njit(cache=True, nogil=True, error_model='numpy')
def see_all(grid, goals, x, y, visible, room):
    """Finds all nodes and goals that a free point sees, where nobody near it helps; returns how many nodes."""
    visible[:] = 0
    points = goals.points
    for g in range(len(points)):
        if is_clear(grid, x, y, points[g, 0], points[g, 1]):
            visible[g // 32] |= np.uint32(1) << np.uint32(g % 32)
    connect(grid, goals.nodes, x, y, goals.near, room.screens, room.direct)
    count = 0
    for i in range(len(room.direct)):
        if room.direct[i] < np.inf:
            room.candidates[count] = i
            count += 1
    return count


@njit(cache=True, nogil=True, error_model='numpy')
def fill_middles(grid, cells, goals, found, visible, tolerance, room, samples, starts, lists, table):
    """Fills the entries of the cells whose middle is free, in place; returns the lists and how much of them is used."""
    used, firsts, candidates, nodes, lengths = np.int64(1), found.firsts, found.nodes, goals.nodes.points, goals.lengths
    points, there = samples.points, samples.there
    away, least, paths, chosen = room.away, room.least, room.found, room.chosen
    for cell in range(len(starts)):
        x, y = middle(cells, cell)
        points[cell, 0], points[cell, 1] = x, y
        begin, end, seen = firsts[cell], firsts[cell + 1], np.uint32(0)
        for word in range(visible.shape[1]):
            seen |= visible[cell, word]
        if begin == end and seen == 0:
            continue
        if clearance(grid, x, y) < grid.radius:
            visible[cell] = 0
            continue
        there[cell] = True
        count = choose(
            nodes, lengths, x, y, candidates[begin:end], visible[cell], tolerance, away, least, paths, chosen
        )
        starts[cell], lists, used = kept_list(chosen[:count], lists, used, table, starts[max(cell - 1, 0)])
    return lists, used


@njit(cache=True, nogil=True, error_model='numpy')
def fill_others(
    grid, line, cells, goals, bins, found, visible, tolerance, room, middles, samples, starts, lists, used, table
):
    """Fills the entries of the other cells, in place: see `fill_lookup`; returns the lists and how much is used.

    Of ``samples``, those of middles are there already, and ``middles`` is a copy of these; ``line`` has no radius.
    """
    away, least, paths, chosen = room.away, room.least, room.found, room.chosen
    nodes, lengths = goals.nodes.points, goals.lengths
    slivers = np.empty(len(starts), np.bool_)
    slivers[:] = False
    narrow = cells.side * np.sqrt(0.5) <= grid.radius + TOUCHING  # beyond a wall nothing in a cell is free
    for cell in range(len(starts)):
        x, y = middles.points[cell]
        if samples.there[cell] or nearest_wall(grid, x, y) < 0 or (narrow and is_outside(grid, x, y)):
            continue
        x, y, free = free_point(grid, cells, cell)
        samples.points[cell, 0], samples.points[cell, 1] = x, y
        if not free:
            slivers[cell] = True
            continue
        other, count = neighbour(line, cells, middles, x, y, cell, np.int64(1)), 0
        if other >= 0:
            sure_goals(cells, bins, nodes, middles.there, visible, x, y, cell, room.sure)
            see_goals(grid, goals.points, visible[other], room.sure, x, y, visible[cell])
            seen = seen_nodes(grid, cells, goals, found, bins, x, y, cell, room)
            count = choose(
                nodes, lengths, x, y, room.candidates[:seen], visible[cell], tolerance, away, least, paths, chosen
            )
        if other < 0 or loses_goals(goals, least, lists, starts[other], visible[other]):
            seen = see_all(grid, goals, x, y, visible[cell], room)
            count = choose(
                nodes, lengths, x, y, room.candidates[:seen], visible[cell], tolerance, away, least, paths, chosen
            )
        samples.there[cell] = True
        starts[cell], lists, used = kept_list(chosen[:count], lists, used, table, starts[max(cell - 1, 0)])
    for sliver in range(len(slivers)):
        if not slivers[sliver] or is_outside(grid, samples.points[sliver, 0], samples.points[sliver, 1]):
            continue
        other = neighbour(
            line, cells, samples, samples.points[sliver, 0], samples.points[sliver, 1], sliver, np.int64(2)
        )
        if other >= 0:
            starts[sliver] = starts[other]
            for word in range(visible.shape[1]):
                visible[sliver, word] = visible[other, word]
    return lists, used


def fill_lookup(grid: WallGrid, goals: Goals, cells: Cells, tolerance: float, most: int) -> Entries:
    """Fills the lookup table: an entry of at most so many nodes for every cell that an agent can be in.

    The entry is that of the cell's middle. Where that isn't free it is that of another point of the cell. A cell of
    which only a sliver is free, in which no free point is found, has the entry of a cell near it.
    """
    count, radius, nodes, sight = cells.columns * cells.rows, grid.radius, goals.nodes, make_sight()
    visible = np.zeros((count, (len(goals.points) + 31) // 32), np.uint32)
    both = [make_strips(grid.walls, nodes.corners, cells, axis) for axis in range(2)]
    for strips in both:
        mark_visible(cells, strips, goals.points, radius, sight, visible)
    (columns, column_firsts), (rows, row_firsts) = (cast_nodes(strips, nodes, radius, sight) for strips in both)
    pairs = near_cells(grid, cells, nodes, goals.near)
    found = by_cell(cells, columns, column_firsts, rows, row_firsts, pairs)
    samples = Samples(np.empty((count, 2)), np.zeros(count, np.bool_))
    starts, lists = np.zeros(count, np.int32), np.zeros(4096, np.int32)
    table, room = np.full(1 << (2 * count + 63).bit_length(), -1, np.int32), make_room(goals, most)
    lists, used = fill_middles(grid, cells, goals, found, visible, tolerance, room, samples, starts, lists, table)
    middles, line = Samples(samples.points.copy(), samples.there.copy()), grid._replace(radius=0.0)
    lists, used = fill_others(
        grid, line, cells, goals, binned(cells, nodes), found, visible, tolerance, room, middles, samples, starts,
        lists, used, table,
    )  # fmt: skip
    return Entries(visible, starts, lists[:used])
