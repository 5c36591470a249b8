"""Blocks of cells, whose nodes are chosen at once: each cell of a block has a lane of a vector register.

The cells of a block see much the same. A node that is chosen for one of them is given to all others that need one for
the same goal, so that many have the same list.
"""

from typing import NamedTuple

import numpy as np
from numba import njit

from megastep.maps.geodesics.compiled.candidates import Candidates
from megastep.maps.geodesics.compiled.choosing import FAR, choose, kept_list
from megastep.maps.geodesics.compiled.lanes import load, plus, shorter, spread, which_exceed
from megastep.maps.geodesics.compiled.shadows import BLOCK
from megastep.maps.geodesics.compiled.strips import middle
from megastep.maps.geodesics.compiled.walls import KERNEL, clearance

CELLS = BLOCK * BLOCK
"""The cells of a block."""

MOST_CHOSEN = 64
"""So many nodes may be chosen for a block. Of one that needs more every cell chooses for itself."""


class BlockRoom(NamedTuple):
    """Room to choose a block's nodes in."""

    nodes: np.ndarray  # (candidate,): the block's candidates
    masks: np.ndarray  # (candidate,): bits of the free cells that see them
    sights: np.ndarray  # (goal,): bits of the cells that see each goal
    dist: np.ndarray  # (candidate, cell) float32: how far they are from cells, `FAR` from those that don't see them
    chosen: np.ndarray  # (hop,): the nodes chosen, as places among the candidates
    given: np.ndarray  # (hop, cell) float32: how far they are from the cells that they are given to, `FAR` from others
    patterns: np.ndarray  # (cell,) uint64: which of them each cell is given


def make_block_room(found: Candidates, goals: int) -> BlockRoom:
    """Room to choose nodes for the blocks of some candidates in, for so many goals."""
    most = int(np.diff(found.firsts).max()) + 1
    return BlockRoom(
        np.empty(most, np.int64), np.empty(most, np.int64), np.empty(goals, np.int64),
        np.empty((most, CELLS), np.float32), np.empty(MOST_CHOSEN, np.int64),
        np.empty((MOST_CHOSEN, CELLS), np.float32), np.empty(CELLS, np.uint64),
    )  # fmt: skip


@njit(**KERNEL)
def fill_middles(
    grid, cells, goals, found, visible, tolerance, room, block_room, kinds, middle_kind, starts, lists, done
):
    """Fills the entries of the cells whose middle is free, block by block, in place.

    ``done`` is how many blocks are done and how much of the lists is used; stops where there may be no room for more.
    """
    blocks, last, room_needed = len(found.firsts) - 1, np.int64(0), CELLS * (len(room.chosen) + 1)
    while done[0] < blocks and done[1] + room_needed <= len(lists.values):
        b = done[0]
        corner = b // found.columns * BLOCK * cells.columns + b % found.columns * BLOCK
        free = free_cells(grid, cells, found, b, corner)
        if free:
            count = gather(cells, goals, found, b, corner, free, visible, block_room)
            for lane in range(CELLS):
                if free >> lane & 1:
                    kinds[corner + lane // BLOCK * cells.columns + lane % BLOCK] = middle_kind
            measure(cells, goals.nodes.points, corner, count, block_room)
            chosen = choose_for_block(goals.lengths, count, free, tolerance, block_room)
            block = corner, count, free, chosen
            last = keep_lists(cells, goals, block, visible, tolerance, room, block_room, starts, lists, last, done)
        done[0] = b + 1


@njit(**KERNEL)
def free_cells(grid, cells, found, b, corner):
    """Bits of the cells of a block whose middle is free; of those alone that see anything."""
    seen, free = np.int64(0), np.int64(0)
    for k in range(found.firsts[b], found.firsts[b + 1]):
        seen |= np.int64(found.masks[k])
    for lane in range(CELLS):
        if seen >> lane & 1:
            x, y = middle(cells, corner + lane // BLOCK * cells.columns + lane % BLOCK)
            if clearance(grid, x, y) >= grid.radius:
                free |= 1 << lane
    return free


@njit(**KERNEL)
def gather(cells, goals, found, b, corner, free, visible, room):
    """Gathers the goals and the candidates that the free cells of a block see; returns how many candidates."""
    sources, masks, count = found.sources, found.masks, np.int64(0)
    for g in range(len(room.sights)):
        room.sights[g] = 0
    for k in range(found.firsts[b], found.firsts[b + 1]):
        mask, source = np.int64(masks[k]) & free, np.int64(sources[k])
        if source >= found.goals:
            room.nodes[count], room.masks[count] = source - found.goals, mask
            count += mask != 0
            continue
        room.sights[source] = mask
        word, bit = source >> 5, np.uint32(1) << np.uint32(source & 31)
        for lane in range(CELLS):
            if mask >> lane & 1:
                visible[corner + lane // BLOCK * cells.columns + lane % BLOCK, word] |= bit
    return count


@njit(**KERNEL)
def measure(cells, points, corner, count, room):
    """Measures how far a block's candidates are from the cells that see them."""
    x, y = middle(cells, corner)
    for k in range(count):
        dx, dy = np.float32(x - points[room.nodes[k], 0]), np.float32(y - points[room.nodes[k], 1])
        write_distances(room.dist[k], dx, dy, np.float32(cells.side), np.int32(room.masks[k]))


@njit(**KERNEL)
def write_distances(dist, dx, dy, side, mask):
    """Writes how far cells are from a candidate, given where the first one's middle is from there."""
    for lane in range(len(dist)):
        cell = np.int32(lane)
        x, y = dx + np.float32(cell % BLOCK) * side, dy + np.float32(cell // BLOCK) * side
        far = np.sqrt(x * x + y * y)
        dist[lane] = far if mask >> cell & 1 else np.float32(FAR)


@njit(**KERNEL)
def choose_for_block(lengths, count, free, tolerance, room):
    """Chooses nodes for the free cells of a block: see `choose`. Returns how many, or -1 if there is too little room.

    Goal by goal, cells for which the nodes that they have lead a longer way are given one that another cell has, or
    else the first node of the shortest path of the first such cell.
    """
    nodes, dist, given, sights, used = room.nodes, room.dist, room.given, room.sights, np.int64(0)
    limit, nowhere = spread(tolerance), spread(np.float32(FAR))
    for lane in range(CELLS):
        room.patterns[lane] = np.uint64(0)
    for g in range(len(sights)):
        hidden = free & ~sights[g]
        if hidden == 0:
            continue
        least, found = nowhere, nowhere
        for k in range(count):
            least = shorter(least, plus(load(dist, k), spread(lengths[nodes[k], g])))
        for hop in range(used):
            found = shorter(found, plus(load(given, hop), spread(lengths[nodes[room.chosen[hop]], g])))
        enough, c = plus(least, limit), np.int64(0)
        worse = which_exceed(found, enough) & hidden
        while worse:
            if c == used:
                if used == len(room.chosen):
                    return np.int64(-1)
                room.chosen[used] = first_way(lengths, g, count, worse & -worse, least, room)
                for lane in range(CELLS):
                    given[used, lane] = FAR
                used += 1
            k = room.chosen[c]
            served = worse & ~which_exceed(plus(load(dist, k), spread(lengths[nodes[k], g])), enough)
            if served:
                give(room, c, k, served)
            worse &= ~served
            c += 1
    return used


@njit(**KERNEL)
def first_way(lengths, g, count, cell, least, room):
    """The first node of a cell's shortest path to a goal, given its bit and how long the paths of all cells are."""
    for k in range(count):
        way = plus(load(room.dist, k), spread(lengths[room.nodes[k], g]))
        if not which_exceed(way, least) & cell:
            return k
    return np.int64(0)


@njit(**KERNEL)
def give(room, c, k, served):
    """Gives a node to the cells whose bits are set."""
    for lane in range(CELLS):
        if served >> lane & 1:
            room.given[c, lane] = room.dist[k, lane]
            room.patterns[lane] |= np.uint64(1) << np.uint64(c)


@njit(**KERNEL)
def keep_lists(cells, goals, block, visible, tolerance, room, block_room, starts, lists, last, done):
    """Keeps the lists of a block's free cells: each cell's is of the nodes that it is given."""
    (corner, count, free, chosen), patterns, used = block, block_room.patterns, done[1]
    for lane in range(CELLS):
        if not free >> lane & 1:
            continue
        cell, pattern, many, before = corner + lane // BLOCK * cells.columns + lane % BLOCK, patterns[lane], 0, 0
        for c in range(max(chosen, 0)):
            if pattern >> np.uint64(c) & np.uint64(1):
                if many < len(room.chosen):
                    room.chosen[many] = block_room.nodes[block_room.chosen[c]]
                many += 1
        while not (free >> before & 1 and patterns[before] == pattern):
            before += 1
        is_alone = chosen < 0 or many > len(room.chosen)
        if before < lane and not is_alone:
            starts[cell] = starts[corner + before // BLOCK * cells.columns + before % BLOCK]
            continue
        if is_alone:
            many = choose_alone(cells, goals, cell, lane, count, visible[cell], tolerance, room, block_room)
        last, used = kept_list(room.chosen, many, lists, used, last)
        starts[cell] = last
    done[1] = used
    return last


@njit(**KERNEL)
def choose_alone(cells, goals, cell, lane, count, visible, tolerance, room, block_room):
    """Chooses nodes for one cell of a block: see `choose`."""
    seen = np.int64(0)
    for k in range(count):
        if block_room.masks[k] >> lane & 1:
            room.candidates[seen] = block_room.nodes[k]
            seen += 1
    x, y = middle(cells, cell)
    return choose(goals.nodes.points, goals.lengths, x, y, seen, visible, tolerance, room)
