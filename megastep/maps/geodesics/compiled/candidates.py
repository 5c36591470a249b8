"""Goals in sight of cells' middles, and candidates: the nodes that shortest paths from there may bend at first."""

from typing import NamedTuple

import numpy as np
from numba import njit

from megastep.maps.geodesics.compiled.graph import is_taut
from megastep.maps.geodesics.compiled.shadows import cast_all_around, cast_taut
from megastep.maps.geodesics.compiled.strips import middle
from megastep.maps.geodesics.compiled.walls import clearance, is_clear, square


class Candidates(NamedTuple):
    """The nodes that shortest paths may bend at, by cell: cell c's are ``nodes[firsts[c]:firsts[c + 1]]``."""

    firsts: np.ndarray  # (cell + 1,)
    nodes: np.ndarray  # (candidate,) int32


@njit(cache=True, nogil=True, error_model='numpy')
def mark_visible(cells, strips, goals, radius, sight, visible):
    """Sets the bits of the goals that cells' middles see along an axis; in place."""
    spans = np.empty((1024, 3), np.int32)
    along, across = (1, cells.columns) if strips.axis == 0 else (cells.columns, 1)
    for g in range(len(goals)):
        spans, used = cast_all_around(strips, goals[g, 0], goals[g, 1], radius, sight, spans, np.int64(0))
        word, bit = g // 32, np.uint32(1) << np.uint32(g % 32)
        for k in range(used):
            line = spans[k, 0] * along
            for j in range(spans[k, 1], spans[k, 2]):
                visible[line + j * across, word] |= bit


@njit(cache=True, nogil=True, error_model='numpy')
def cast_nodes(strips, nodes, radius, sight):
    """The spans of cells that each node sees tautly along an axis, and where those of each begin."""
    spans, used = np.empty((4096, 3), np.int32), np.int64(0)
    firsts = np.empty(len(nodes.points) + 1, np.int64)
    firsts[0] = 0
    for i in range(len(nodes.points)):
        spans, used = cast_taut(strips, nodes, i, radius, sight, spans, used)
        firsts[i + 1] = used
    return spans[:used], firsts


@njit(cache=True, nogil=True, error_model='numpy')
def near_cells(grid, cells, nodes, near):
    """Pairs of a node and a cell whose middle is near it, in metres, but not in its taut directions: (pair, 2)."""
    pairs, used = np.empty((4 * len(nodes.points), 2), np.int64), 0
    for i in range(len(nodes.points)):
        px, py = nodes.points[i]
        for row in range(
            square(py - near, cells.bottom, cells.side, cells.rows),
            square(py + near, cells.bottom, cells.side, cells.rows) + 1,
        ):
            for column in range(
                square(px - near, cells.left, cells.side, cells.columns),
                square(px + near, cells.left, cells.side, cells.columns) + 1,
            ):
                x, y = middle(cells, row * cells.columns + column)
                dx, dy = x - px, y - py
                if (
                    dx * dx + dy * dy >= near * near
                    or is_taut(nodes.back, nodes.ahead, i, dx, dy)
                    or used == len(pairs)
                ):
                    continue
                if clearance(grid, x, y) >= grid.radius and is_clear(grid, x, y, px, py):
                    pairs[used, 0], pairs[used, 1] = i, row * cells.columns + column
                    used += 1
    return pairs[:used]


@njit(cache=True, nogil=True, error_model='numpy')
def by_cell(cells, columns, column_firsts, rows, row_firsts, pairs):
    """Sorts spans of columns, spans of rows and pairs by cell: see `Candidates`."""
    width = cells.columns
    firsts, at = np.empty(width * cells.rows + 1, np.int64), np.empty(width * cells.rows, np.int64)
    firsts[:] = 0
    for line, begin, end in columns:
        for j in range(begin, end):
            firsts[line + j * width + 1] += 1
    for line, begin, end in rows:
        for j in range(begin, end):
            firsts[line * width + j + 1] += 1
    for _, cell in pairs:
        firsts[cell + 1] += 1
    for cell in range(len(at)):
        at[cell] = firsts[cell]
        firsts[cell + 1] += firsts[cell]
    nodes = np.empty(firsts[-1], np.int32)
    for i in range(len(column_firsts) - 1):
        for k in range(column_firsts[i], column_firsts[i + 1]):
            for j in range(columns[k, 1], columns[k, 2]):
                cell = columns[k, 0] + j * width
                nodes[at[cell]] = i
                at[cell] += 1
        for k in range(row_firsts[i], row_firsts[i + 1]):
            for j in range(rows[k, 1], rows[k, 2]):
                cell = rows[k, 0] * width + j
                nodes[at[cell]] = i
                at[cell] += 1
    for i, cell in pairs:
        nodes[at[cell]] = i
        at[cell] += 1
    return Candidates(firsts, nodes)
