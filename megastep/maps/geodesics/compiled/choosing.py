"""The choice of few nodes that paths to all goals out of sight go through, and the lists of these that are kept."""

from typing import NamedTuple

import numpy as np
from numba import njit

from megastep.maps.geodesics.compiled.graph import Nodes

FAR = 1e30
"""Further than anything, in metres; what can't be reached is so far."""

IN_SIGHT = np.float32(2 * FAR)
"""The length of the shortest path to a goal in sight, so that it needs no node."""


class Goals(NamedTuple):
    """Goals, and the nodes that paths to them go through."""

    points: np.ndarray  # (goal, 2)
    nodes: Nodes
    near: float  # a node so near, in metres, may be gone to in any direction: see `connect`
    lengths: np.ndarray  # (node, goal) float32: the shortest paths from nodes, in metres, or `FAR`


class Room(NamedTuple):
    """Room to choose a cell's nodes in."""

    candidates: np.ndarray  # (candidate,): nodes to choose from
    away: np.ndarray  # (candidate,): how far they are
    least: np.ndarray  # (goal,): the shortest path by any candidate
    found: np.ndarray  # (goal,): the shortest path by a node chosen
    chosen: np.ndarray  # (hop,): the nodes chosen
    stamps: np.ndarray  # (node,): the last cell that each node was a candidate of
    screens: np.ndarray  # (node,): a wall that hid it: see `connect`
    direct: np.ndarray  # (node,): how far it is in a straight line
    sure: np.ndarray  # (word,): bits of the goals that all cells around see


def make_room(goals: Goals, most: int) -> Room:
    """Room to choose at most so many nodes in."""
    nodes, count = len(goals.nodes.points), len(goals.points)
    return Room(
        np.empty(nodes, np.int32), np.empty(nodes + 1, np.float32), np.empty(count, np.float32),
        np.empty(count, np.float32), np.empty(most, np.int32), np.full(nodes, -1), np.full(nodes, -1), np.empty(nodes),
        np.empty((count + 31) // 32, np.uint32),
    )  # fmt: skip


@njit(cache=True, nogil=True, error_model='numpy')
def choose(points, lengths, x, y, candidates, visible, tolerance, away, least, found, chosen):
    """Chooses nodes such that paths through them to the goals out of sight are within a tolerance of the shortest.

    Adds, goal by goal, the first node of the shortest path where those chosen before lead a longer way.

    Args:
        points: (node, 2): the nodes.
        lengths: (node, goal) float32: the shortest paths from them, see `Goals`.
        x: Where the paths begin, in metres.
        y: And y.
        candidates: (candidate,): the nodes that can be seen.
        visible: (word,): bits of the goals that can be.
        tolerance: In metres.
        away: Arrays of a `Room` to work in, one by one: to take them out of a tuple costs as much as a candidate does.
        least: Will hold the shortest paths, `IN_SIGHT` to goals in sight.
        found: Will hold the shortest paths through the nodes chosen.
        chosen: Will hold these.

    Returns:
        How many nodes are chosen.
    """
    least[:] = FAR
    found[:] = FAR
    for k in range(len(candidates)):
        i = candidates[k]
        dx, dy = points[i, 0] - x, points[i, 1] - y
        away[k] = np.sqrt(dx * dx + dy * dy)
    take_ways(least, lengths, candidates, away)
    for word in range(len(visible)):
        bits, first = visible[word], 32 * word
        for bit in range(min(32, len(least) - first)):  # without branches, for a vector unit
            least[first + bit] = IN_SIGHT if bits >> np.uint32(bit) & np.uint32(1) else least[first + bit]
    count = 0
    for g in range(len(least)):
        if found[g] - least[g] <= tolerance:
            continue
        if count == len(chosen):
            return choose_worst(lengths, candidates, tolerance, away, least, found, chosen)
        k = first_of(lengths, candidates, away, g, least[g])
        chosen[count] = candidates[k]
        take_way(found, lengths, candidates[k], away[k])
        count += 1
    return count


@njit(cache=True, nogil=True, error_model='numpy')
def take_ways(paths, lengths, candidates, away):
    """Takes the ways over all candidates where they are shorter, in place: four at a time, so as to write less."""
    fours = len(candidates) // 4
    for four in range(fours):
        k = 4 * four
        h, i, j, m = candidates[k], candidates[k + 1], candidates[k + 2], candidates[k + 3]
        to_h, to_i, to_j, to_m = away[k], away[k + 1], away[k + 2], away[k + 3]  # before the loop, for a vector unit
        for g in range(len(paths)):
            first, second = to_h + lengths[h, g], to_i + lengths[i, g]
            third, fourth = to_j + lengths[j, g], to_m + lengths[m, g]
            first, third = (first if first < second else second), (third if third < fourth else fourth)
            first = first if first < third else third
            paths[g] = first if first < paths[g] else paths[g]
    for k in range(4 * fours, len(candidates)):
        take_way(paths, lengths, candidates[k], away[k])


@njit(cache=True, nogil=True, error_model='numpy')
def take_way(paths, lengths, i, away):
    """Takes the ways over a node so far away where they are shorter, in place."""
    for g in range(len(paths)):
        way = away + lengths[i, g]
        paths[g] = way if way < paths[g] else paths[g]


@njit(cache=True, nogil=True, error_model='numpy')
def choose_worst(lengths, candidates, tolerance, away, least, found, chosen):
    """Chooses as many nodes as there is room for, always for the goal whose path is furthest from the shortest."""
    found[:] = FAR
    for count in range(len(chosen)):
        worst, best = np.float32(tolerance), -1
        for g in range(len(found)):
            if found[g] - least[g] > worst:
                worst, best = found[g] - least[g], g
        if best < 0:
            return count
        k = first_of(lengths, candidates, away, best, least[best])
        chosen[count] = candidates[k]
        take_way(found, lengths, candidates[k], away[k])
    return len(chosen)


@njit(cache=True, nogil=True, error_model='numpy')
def first_of(lengths, candidates, away, goal, least):
    """The first node of the shortest path to a goal, given how long that is, as its place among the candidates."""
    for k in range(len(candidates)):
        if away[k] + lengths[candidates[k], goal] <= least:
            return k
    return 0


@njit(cache=True, nogil=True, error_model='numpy')
def kept_list(chosen, lists, used, table, last):
    """Finds a list of nodes among those kept, or keeps it.

    Args:
        chosen: (hop,): the nodes; sorted in place.
        lists: (value,): the lists kept.
        used: How much of them is used.
        table: A hash table of where lists begin, -1 where none does; its size is a power of 2.
        last: Where a list begins that is tried first.

    Returns:
        Where the list begins; the lists, which may have had to move; how much is used then.
    """
    for k in range(1, len(chosen)):
        node, j = chosen[k], k
        while j > 0 and chosen[j - 1] > node:
            chosen[j] = chosen[j - 1]
            j -= 1
        chosen[j] = node
    if is_list(lists, last, chosen):
        return np.int64(last), lists, used
    key = np.uint64(len(chosen))
    for node in chosen:
        key = (key ^ np.uint64(node)) * np.uint64(0x9E3779B97F4A7C15)
        key ^= key >> np.uint64(29)
    mask = np.uint64(len(table) - 1)
    slot = key & mask
    while table[slot] >= 0:
        if is_list(lists, table[slot], chosen):
            return np.int64(table[slot]), lists, used
        slot = (slot + np.uint64(1)) & mask
    if used + 1 + len(chosen) > len(lists):
        lists = longer_list(lists)
    table[slot], lists[used] = used, len(chosen)
    for k in range(len(chosen)):
        lists[used + 1 + k] = chosen[k]
    return np.int64(used), lists, used + 1 + len(chosen)


@njit(cache=True, nogil=True, error_model='numpy')
def is_list(lists, start, chosen):
    """True if the list that begins at a place is of the nodes chosen."""
    same, k = lists[start] == len(chosen), 0
    while same and k < len(chosen):
        same = lists[start + 1 + k] == chosen[k]
        k += 1
    return same


@njit(cache=True, nogil=True, error_model='numpy')
def longer_list(lists):
    """The same lists in an array of more than twice the length."""
    longer = np.empty(2 * len(lists) + 64, np.int32)
    for k in range(len(lists)):
        longer[k] = lists[k]
    return longer
