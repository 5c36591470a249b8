"""Candidates, the nodes that shortest paths from cells' middles may bend at first, and the goals in sight."""

from typing import NamedTuple

import numpy as np
from numba import njit

from megastep.maps.geodesics.compiled.cells import BLOCK, Cells, bit_of, block_of, middle
from megastep.maps.geodesics.compiled.graph import is_taut
from megastep.maps.geodesics.compiled.nodes import Nodes
from megastep.maps.geodesics.compiled.shadows import Seen, Sources, cast_all, make_sight
from megastep.maps.geodesics.compiled.strips import Strips
from megastep.maps.geodesics.compiled.walls import KERNEL, WallGrid, clearance, obstacle, square
from megastep.maps.geodesics.compiled.wedges import Wedges


class Candidates(NamedTuple):
    """Sources that cells see, by block of cells: block b's are ``sources[firsts[b]:firsts[b + 1]]``."""

    firsts: np.ndarray  # (block + 1,)
    sources: np.ndarray  # (candidate,) int32: the goals that any of its cells sees, and then nodes: see `Sources`
    masks: np.ndarray  # (candidate,) uint16: bits of the cells that do
    columns: int  # of blocks
    goals: int  # how many sources are goals


def find_candidates(
    grid: WallGrid,
    cells: Cells,
    strips: tuple[Strips, Strips],
    goals: np.ndarray,
    nodes: Nodes,
    wedges: Wedges,
    near: float,
) -> Candidates:
    """Casts shadows from goals and nodes, and sorts what is seen by block; nodes so near, in metres, come last."""
    along, lines = (np.concatenate([np.zeros((len(goals), 2, 2)), edges]) for edges in wedges[:2])
    sources = Sources(np.concatenate([goals, nodes.points]), along, lines, len(goals))
    columns, rows = -(-cells.columns // BLOCK), -(-cells.rows // BLOCK)
    seen = Seen(np.zeros(columns * rows, np.uint16), np.empty(columns * rows + 1, np.int64), columns)
    firsts = np.zeros(columns * rows + 1, np.int64)
    room = 8192 + 32 * len(seen.masks)  # what isn't written isn't there either, and to copy it all takes as long
    records, sight, done = (
        np.empty((room, 3), np.int32),
        make_sight(),
        np.zeros(2, np.int64),
    )
    while True:
        cast_sources(strips, sources, grid.radius, sight, seen, firsts, records, done)
        near_nodes(grid, cells, nodes, len(goals), near, columns, firsts, records, done)
        if done[0] == len(sources.points) + len(nodes.points):
            break
        records = np.concatenate([records, np.empty_like(records)])
    found, masks = np.empty(done[1], np.int32), np.empty(done[1], np.uint16)
    by_block(firsts, records, found, masks)
    return Candidates(firsts, found, masks, columns, len(goals))


@njit(**KERNEL)
def cast_sources(strips, sources, radius, sight, seen, firsts, records, done):
    """Writes which cells each source sees: records of a block, a source and the bits of cells.

    Args:
        strips: Along both axes.
        sources: The sources.
        radius: The disc's, in metres.
        sight: To work in.
        seen: To work in; without marks.
        firsts: (block + 1,): counts the records of each block in the place after its own.
        records: (record, 3): where to write.
        done: How many sources are done and how many records used, in place; stops where there is no room for more.
    """
    masks, touched, total = seen.masks, seen.touched, len(sources.points)
    while done[0] < total:
        i, used = done[0], done[1]
        count = cast_all(strips[0], sources, i, radius, sight, seen, np.int64(0))
        count = cast_all(strips[1], sources, i, radius, sight, seen, count)
        is_room = used + count <= len(records)
        for k in range(count):
            b = touched[k]
            if is_room:
                records[used + k, 0], records[used + k, 1], records[used + k, 2] = b, i, masks[b]
                firsts[b + 1] += 1
            masks[b] = np.uint16(0)
        if not is_room:
            return
        done[0], done[1] = i + 1, used + count


@njit(**KERNEL)
def near_nodes(grid, cells, nodes, goals, near, columns, firsts, records, done):
    """Writes the cells near each node, in metres, but not in its taut directions: records as `cast_sources` does.

    Their middles may lie between a node and the arc, where every way is to the wrong side.
    """
    points, backs, aheads, count = nodes.points, nodes.back, nodes.ahead, len(nodes.points)
    while goals + count <= done[0] < goals + 2 * count:
        i = done[0] - goals - count
        px, py, used = points[i, 0], points[i, 1], done[1]
        left = square(px - near, cells.left, cells.side, cells.columns)
        right = square(px + near, cells.left, cells.side, cells.columns)
        bottom = square(py - near, cells.bottom, cells.side, cells.rows)
        top = square(py + near, cells.bottom, cells.side, cells.rows)
        if used + (right - left + 1) * (top - bottom + 1) > len(records):
            return
        for row in range(bottom, top + 1):
            for column in range(left, right + 1):
                x, y = middle(cells, row * cells.columns + column)
                dx, dy = x - px, y - py
                if dx * dx + dy * dy >= near * near or is_taut(backs, aheads, i, dx, dy):
                    continue
                if clearance(grid, x, y) >= grid.radius and obstacle(grid, x, y, px, py) < 0:
                    b = block_of(columns, row, column)
                    records[used, 0], records[used, 1], records[used, 2] = b, goals + i, 1 << bit_of(row, column)
                    firsts[b + 1] += 1
                    used += 1
        done[0], done[1] = done[0] + 1, used


@njit(**KERNEL)
def by_block(firsts, records, sources, masks):
    """Sorts records by block; ``firsts`` counts them and becomes where each block's begin, in place."""
    total = np.int64(0)
    for b in range(1, len(firsts)):  # firsts[b] is where the next record of block b - 1 goes
        count = firsts[b]
        firsts[b] = total
        total += count
    for k in range(len(sources)):
        b = records[k, 0] + 1
        at = firsts[b]
        sources[at], masks[at] = records[k, 1], records[k, 2]
        firsts[b] = at + 1
