"""The choice of few nodes that paths to all goals out of sight go through, and the lists of these that are kept."""

from typing import NamedTuple

import numpy as np
from numba import njit

from megastep.maps.geodesics.compiled.graph import Nodes, shorten

FAR = 1e30
"""Further than anything, in metres; what can't be reached is so far."""


class Goals(NamedTuple):
    """What there is to go to, and through what."""

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


@njit(cache=True, nogil=True, error_model='numpy')
def make_room(goals, most):
    """Room to choose at most so many nodes in."""
    nodes, count = len(goals.nodes.points), len(goals.points)
    return Room(
        np.empty(nodes, np.int32), np.empty(nodes + 1, np.float32), np.empty(count, np.float32),
        np.empty(count, np.float32), np.empty(most, np.int32), np.full(nodes, -1), np.full(nodes, -1), np.empty(nodes),
    )  # fmt: skip


@njit(cache=True, nogil=True, error_model='numpy')
def choose(goals, x, y, candidates, visible, tolerance, room):
    """Chooses nodes such that paths through them to the goals out of sight are within a tolerance of the shortest.

    Adds, goal by goal, the first node of the shortest path where those chosen before lead a longer way.

    Args:
        goals: The goals.
        x: Where the paths begin, in metres.
        y: And y.
        candidates: (candidate,): the nodes that can be seen.
        visible: (word,): bits of the goals that can be.
        tolerance: In metres.
        room: Room, in which the nodes chosen are written.

    Returns:
        How many nodes are chosen. ``room.least`` has the shortest paths, 2 `FAR` to goals in sight.
    """
    lengths, points = goals.lengths, goals.nodes.points
    least, found = room.least, room.found
    least[:] = FAR
    found[:] = FAR
    for k in range(len(candidates)):
        dx, dy = points[candidates[k], 0] - x, points[candidates[k], 1] - y
        room.away[k] = np.sqrt(dx * dx + dy * dy)
        shorten(least, lengths[candidates[k]], room.away[k])
    for g in range(len(least)):
        if visible[g // 32] >> np.uint32(g % 32) & np.uint32(1):
            least[g] = 2 * FAR
    count = 0
    for g in range(len(least)):
        if found[g] - least[g] <= tolerance:
            continue
        if count == len(room.chosen):
            return choose_worst(goals, candidates, tolerance, room)
        add_way(goals, candidates, np.int64(g), room, np.int64(count))
        count += 1
    return count


@njit(cache=True, nogil=True, error_model='numpy')
def choose_worst(goals, candidates, tolerance, room):
    """Chooses as many nodes as there is room for, always for the goal whose path is furthest from the shortest."""
    room.found[:] = FAR
    for count in range(len(room.chosen)):
        worst, best = np.float32(tolerance), np.int64(-1)
        for g in range(len(room.found)):
            if room.found[g] - room.least[g] > worst:
                worst, best = room.found[g] - room.least[g], np.int64(g)
        if best < 0:
            return count
        add_way(goals, candidates, best, room, np.int64(count))
    return len(room.chosen)


@njit(cache=True, nogil=True, error_model='numpy')
def add_way(goals, candidates, g, room, count):
    """Chooses the first node of the shortest path to a goal."""
    best, way = 0, np.float32(np.inf)
    for k in range(len(candidates)):
        if room.away[k] + goals.lengths[candidates[k], g] < way:
            best, way = k, room.away[k] + goals.lengths[candidates[k], g]
    room.chosen[count] = candidates[best]
    shorten(room.found, goals.lengths[candidates[best]], room.away[best])


@njit(cache=True, nogil=True, error_model='numpy')
def kept_list(chosen, lists, used, table):
    """Finds a list of nodes among those kept, or keeps it.

    Args:
        chosen: (hop,): the nodes; sorted in place.
        lists: (value,): the lists kept.
        used: How much of them is used.
        table: A hash table of where lists begin, -1 where none does; its size is a power of 2.

    Returns:
        Where the list begins; the lists, which may have had to move; how much is used then.
    """
    key = np.uint64(len(chosen))
    for k in range(1, len(chosen)):
        node, j = chosen[k], k
        while j > 0 and chosen[j - 1] > node:
            chosen[j] = chosen[j - 1]
            j -= 1
        chosen[j] = node
    for node in chosen:
        key = (key ^ np.uint64(node)) * np.uint64(0x9E3779B97F4A7C15)
        key ^= key >> np.uint64(29)
    mask = np.uint64(len(table) - 1)
    slot = key & mask
    while table[slot] >= 0:
        start = table[slot]
        same = lists[start] == len(chosen)
        k = 0
        while same and k < len(chosen):
            same = lists[start + 1 + k] == chosen[k]
            k += 1
        if same:
            return start, lists, used
        slot = (slot + np.uint64(1)) & mask
    if used + 1 + len(chosen) > len(lists):
        lists = np.concatenate((lists, np.empty(len(lists) + 64, np.int32)))
    table[slot], lists[used] = used, len(chosen)
    lists[used + 1 : used + 1 + len(chosen)] = chosen
    return np.int64(used), lists, used + 1 + len(chosen)
