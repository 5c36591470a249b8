"""The choice of few nodes that paths to all goals out of sight go through, and the lists of these that are kept."""

from typing import NamedTuple

import numpy as np
from numba import njit

from megastep.maps.geodesics.compiled.graph import Nodes
from megastep.maps.geodesics.compiled.walls import KERNEL
from megastep.maps.geodesics.compiled.wedges import Wedges

FAR = 1e30
"""Further than anything, in metres; what can't be reached is so far."""

IN_SIGHT = np.float32(2 * FAR)
"""The length of the shortest path to a goal in sight, so that it needs no node."""


WORD = 32
"""So many goals have bits in one word. Rows of lengths are filled up to whole words, with `FAR`."""


class Goals(NamedTuple):
    """Goals, and the nodes that paths to them go through."""

    points: np.ndarray  # (goal, 2)
    nodes: Nodes
    wedges: Wedges  # the directions that shortest paths to them come to nodes from
    near: float  # a node so near, in metres, may be gone to in any direction: see `connect`
    lengths: np.ndarray  # (node, goal) float32: the shortest paths from nodes, in metres, or `FAR`: in whole words


class Room(NamedTuple):
    """Room to choose a cell's nodes in."""

    candidates: np.ndarray  # (candidate,): nodes to choose from
    away: np.ndarray  # (candidate,): how far they are
    least: np.ndarray  # (goal,): the shortest path by any candidate
    found: np.ndarray  # (goal,): the shortest path by a node chosen
    chosen: np.ndarray  # (hop,): the nodes chosen
    stamps: np.ndarray  # (node,): the last cell that each node was a candidate of
    screens: np.ndarray  # (node,): a wall that hid it: see `connect`
    within: np.ndarray  # (node,): if it may be the first of a shortest path: see `Wedges`
    votes: np.ndarray  # (node,): how many blocks have cells around that all see it
    sure: np.ndarray  # (word,): bits of the goals that all cells around see


class Lists(NamedTuple):
    """Lists of nodes, one after another, each once: how many it is of, and their numbers."""

    values: np.ndarray  # (value,) int32
    table: np.ndarray  # a hash table of where lists begin, -1 where none does; its size is a power of 2


def make_room(goals: Goals, most: int) -> Room:
    """Room to choose at most so many nodes in."""
    nodes, count = goals.lengths.shape
    return Room(
        np.empty(nodes + 1, np.int32), np.empty(nodes + 1, np.float32), np.empty(count, np.float32),
        np.empty(count, np.float32), np.empty(most, np.int32), np.full(nodes, -1), np.full(nodes, -1),
        np.empty(nodes, np.bool_), np.empty(nodes, np.int64),
        np.empty(count // WORD, np.uint32),
    )  # fmt: skip


@njit(**KERNEL)
def choose(points, lengths, x, y, count, visible, tolerance, room):
    """Chooses nodes such that paths through them to the goals out of sight are within a tolerance of the shortest.

    Adds, goal by goal, the first node of the shortest path where those chosen before lead a longer way.

    Args:
        points: (node, 2): the nodes.
        lengths: (node, goal) float32: the shortest paths from them, see `Goals`.
        x: Where the paths begin, in metres.
        y: And y.
        count: How many candidates there are: nodes that can be seen.
        visible: (word,): bits of the goals that can be.
        tolerance: In metres.
        room: Its candidates are to choose from. Will hold the shortest paths, `IN_SIGHT` to goals in sight, and the
            nodes chosen.

    Returns:
        How many nodes are chosen.
    """
    candidates, away, least, found = room.candidates, room.away, room.least, room.found
    chosen, used = room.chosen, 0
    for k in range(count):
        i = candidates[k]
        dx, dy = points[i, 0] - x, points[i, 1] - y
        away[k] = np.sqrt(dx * dx + dy * dy)
    take_ways(least, lengths, candidates, away, count)
    pass_visible(least, visible)
    fill(found)
    for g in range(len(found)):
        if found[g] - least[g] <= tolerance:
            continue
        if used == len(chosen):
            return choose_worst(lengths, count, tolerance, room)
        k = first_of(lengths, candidates, away, count, g, least[g])
        chosen[used] = candidates[k]
        take_way(found, lengths[candidates[k]], away[k])
        used += 1
    return used


@njit(**KERNEL)
def fill(paths):
    """Makes all paths as long as can be."""
    for g in range(len(paths)):  # over an array's length: LLVM unrolls other loops before it makes vectors of them
        paths[g] = FAR


@njit(**KERNEL)
def pass_visible(least, visible):
    """Makes the paths to the goals in sight `IN_SIGHT`."""
    for word in range(len(visible)):
        bits, paths = visible[word], least[WORD * word : WORD * word + WORD]
        for bit in range(len(paths)):  # without branches, for a vector unit
            paths[bit] = IN_SIGHT if bits >> np.uint32(bit) & np.uint32(1) else paths[bit]


@njit(**KERNEL)
def take_ways(paths, lengths, candidates, away, count):
    """Finds the shortest ways over candidates, four at a time, so as to write less."""
    fill(paths)
    for four in range(count // 4):
        k = 4 * four
        h, i, j, m = candidates[k], candidates[k + 1], candidates[k + 2], candidates[k + 3]
        to_h, to_i, to_j, to_m = away[k], away[k + 1], away[k + 2], away[k + 3]  # before the loop, for a vector unit
        nothing = to_h - to_h
        for g in range(len(paths)):
            path = paths[g] + nothing  # see `take_way`
            first, second = to_h + lengths[h, g], to_i + lengths[i, g]
            third, fourth = to_j + lengths[j, g], to_m + lengths[m, g]
            first, third = (first if first < second else second), (third if third < fourth else fourth)
            first = first if first < third else third
            paths[g] = first if first < path else path
    for k in range(count // 4 * 4, count):
        take_way(paths, lengths[candidates[k]], away[k])


@njit(**KERNEL)
def take_way(paths, lengths, away):
    """Takes the ways over a node so far away where they are shorter, in place.

    Were nothing added to a path, LLVM would store only those that change, which to read back takes three times as long.
    """
    nothing = away - away
    for g in range(len(paths)):
        way, path = away + lengths[g], paths[g] + nothing
        paths[g] = way if way < path else path


@njit(**KERNEL)
def choose_worst(lengths, count, tolerance, room):
    """Chooses as many nodes as there is room for, always for the goal whose path is furthest from the shortest."""
    candidates, away, least, found, chosen = room.candidates, room.away, room.least, room.found, room.chosen
    fill(found)
    for used in range(len(chosen)):
        worst, best = tolerance, np.int64(-1)
        for g in range(len(found)):
            if found[g] - least[g] > worst:
                worst, best = found[g] - least[g], np.int64(g)
        if best < 0:
            return used
        k = first_of(lengths, candidates, away, count, best, least[best])
        chosen[used] = candidates[k]
        take_way(found, lengths[candidates[k]], away[k])
    return len(chosen)


@njit(**KERNEL)
def first_of(lengths, candidates, away, count, goal, least):
    """The first node of the shortest path to a goal, given how long that is, as its place among the candidates."""
    for k in range(count):
        if away[k] + lengths[candidates[k], goal] <= least:
            return k
    return 0


@njit(**KERNEL)
def kept_list(chosen, count, lists, used, last):
    """Finds a list of nodes among those kept, or keeps it.

    Args:
        chosen: (hop,): the nodes; sorted in place.
        count: How many there are.
        lists: The lists kept; there must be room for one more.
        used: How much of their values is used.
        last: Where a list begins that is tried first.

    Returns:
        Where the list begins, and how much is used then.
    """
    values, table = lists.values, lists.table
    for k in range(1, count):
        node, j = chosen[k], k
        while j > 0 and chosen[j - 1] > node:
            chosen[j] = chosen[j - 1]
            j -= 1
        chosen[j] = node
    if is_list(values, last, chosen, count):
        return np.int64(last), used
    key = np.uint64(count)
    for k in range(count):
        key = (key ^ np.uint64(chosen[k])) * np.uint64(0x9E3779B97F4A7C15)
        key ^= key >> np.uint64(29)
    mask = np.uint64(len(table) - 1)
    slot = key & mask
    while table[slot] >= 0:
        start = np.int64(table[slot])
        if is_list(values, start, chosen, count):
            return start, used
        slot = (slot + np.uint64(1)) & mask
    table[slot], values[used] = used, count
    for k in range(count):
        values[used + 1 + k] = chosen[k]
    return used, used + 1 + count


@njit(**KERNEL)
def is_list(values, start, chosen, count):
    """True if the list that begins at a place is of the nodes chosen."""
    same, k = values[start] == count, 0
    while same and k < count:
        same = values[start + 1 + k] == chosen[k]
        k += 1
    return same
