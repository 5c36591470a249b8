"""The choice of few nodes that paths to all goals out of sight go through, and the lists of these that are kept."""

from typing import NamedTuple

import numpy as np
from numba import njit

from megastep.maps.geodesics.compiled.nodes import Nodes
from megastep.maps.geodesics.compiled.walls import KERNEL, PART
from megastep.maps.geodesics.compiled.wedges import Wedges
from megastep.numba.jit.bits import bits_of, lowest, mask_of
from megastep.numba.jit.simd import LANES, load, minimum, spread, store, where

FAR = 1e30
"""Further than anything, in metres; what can't be reached is so far."""

IN_SIGHT = np.float32(2 * FAR)
"""The length of the shortest path to a goal in sight, so that it needs no node."""


LEAST_ROOM = 4096
"""There is room for so many values of lists at first, or for more."""

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
    over: np.ndarray  # (goal,) float32: the candidate that this goes over, as its place among them
    chosen: np.ndarray  # (hop,): the nodes chosen
    given: np.ndarray  # (hop,): how far they are
    stamps: np.ndarray  # (node,): the last cell that each node was a candidate of
    screens: np.ndarray  # (node,): a wall that hid it: see `connect`
    votes: np.ndarray  # (node,): how many blocks have cells around that all see it
    sure: np.ndarray  # (word,): bits of the goals that all cells around see


class Lists(NamedTuple):
    """Lists of nodes, one after another, each once: how many it is of, and their numbers."""

    values: np.ndarray  # (value,) int32
    table: np.ndarray  # a hash table of where lists begin, -1 where none does; its size is a power of 2
    used: np.ndarray  # how much of the values, and how many lists there are


def make_room(goals: Goals, most: int) -> Room:
    """Room to choose at most so many nodes in."""
    nodes, count = goals.lengths.shape
    return Room(
        np.empty(nodes + 1, np.int32), np.empty(nodes + 1, np.float32), np.empty(count, np.float32),
        np.empty(count, np.float32), np.empty(most, np.int32), np.empty(most, np.float32), np.full(nodes, -1),
        np.full(nodes, -1), np.empty(nodes, np.int64), np.empty(count // WORD, np.uint32),
    )  # fmt: skip


@njit(**PART)
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
    measure_ways(points, lengths, x, y, count, visible, room)
    used = try_to_choose(lengths, tolerance, room)
    while used < 0:
        tolerance *= np.float32(2)
        used = try_to_choose(lengths, tolerance, room)
    return used


@njit(**PART)
def try_to_choose(lengths, tolerance, room):
    """Chooses nodes from candidates to which the ways are measured; how many, or -1 if there would be too many."""
    least, used = room.least, np.int64(0)
    for part in range(len(least) // LANES):
        paths, enough = found_ways(lengths, used, part, room), load(least, part) + tolerance
        longer = bits_of(paths > enough)
        while longer:
            if used == len(room.chosen):
                return np.int64(-1)
            k = np.int64(room.over[LANES * part + lowest(longer)])
            room.chosen[used], room.given[used] = room.candidates[k], room.away[k]
            used += 1
            paths = found_ways(lengths, used, part, room)
            longer = bits_of(paths > enough)
    return used


@njit(**PART)
def measure_ways(points, lengths, x, y, count, visible, room):
    """Measures the ways to candidates, and finds the shortest paths over them."""
    candidates, away, least = room.candidates, room.away, room.least
    for k in range(count):
        i = candidates[k]
        dx, dy = points[i, 0] - x, points[i, 1] - y
        away[k] = np.sqrt(dx * dx + dy * dy)
    parts = len(least) // LANES
    for word in range(parts // 2):
        first = second = spread(np.float32(FAR))
        over_first = over_second = spread(np.float32(0))
        for k in range(count):
            row, place = candidates[k] * parts + 2 * word, np.float32(k)
            way = away[k] + load(lengths, row)
            over_first, first = where(way < first, place, over_first), minimum(first, way)
            way = away[k] + load(lengths, row + 1)
            over_second, second = where(way < second, place, over_second), minimum(second, way)
        store(room.over, 2 * word, over_first)
        store(room.over, 2 * word + 1, over_second)
        seen = np.int64(visible[word])
        store(least, 2 * word, where(mask_of(seen), IN_SIGHT, first))
        store(least, 2 * word + 1, where(mask_of(seen >> LANES), IN_SIGHT, second))


@njit(**PART)
def found_ways(lengths, used, part, room):
    """The shortest ways to sixteen goals over the nodes chosen."""
    paths, parts = spread(np.float32(FAR)), len(room.least) // LANES
    for hop in range(used):
        paths = minimum(paths, room.given[hop] + load(lengths, room.chosen[hop] * parts + part))
    return paths


@njit(**PART)
def has_room(lists, more, most):
    """True if there is room for so many more lists of at most so many nodes."""
    used, kept = lists.used[0], lists.used[1]
    return used + more * (most + 1) <= len(lists.values) and 4 * (kept + more) <= 3 * len(lists.table)


@njit(**PART)
def kept_list(chosen, count, lists, hints):
    """Finds a list of nodes among those kept, or keeps it.

    Args:
        chosen: (hop,): the nodes; sorted in place.
        count: How many there are.
        lists: The lists kept; there must be room for one more.
        hints: Where lists begin that are tried first.

    Returns:
        Where the list begins.
    """
    values, table = lists.values, lists.table
    for k in range(1, count):
        node, j = chosen[k], k
        while j > 0 and chosen[j - 1] > node:
            chosen[j] = chosen[j - 1]
            j -= 1
        chosen[j] = node
    for hint in hints:
        if is_list(values, hint, chosen, count):
            return np.int64(hint)
    mask = np.uint64(len(table) - 1)
    slot = key_of(chosen[:count]) & mask
    while table[slot] >= 0:
        start = np.int64(table[slot])
        if is_list(values, start, chosen, count):
            return start
        slot = (slot + np.uint64(1)) & mask
    start = lists.used[0]
    table[slot], values[start] = start, count
    for k in range(count):
        values[start + 1 + k] = chosen[k]
    lists.used[0], lists.used[1] = start + 1 + count, lists.used[1] + 1
    return start


@njit(**PART)
def key_of(nodes):
    """A hash of some nodes."""
    key = np.uint64(0)
    for node in nodes:
        product = (np.uint64(node) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
        key += product ^ (product >> np.uint64(29))
    return key ^ (key >> np.uint64(32))


def make_lists(cells: int) -> Lists:
    """Room for the lists of so many cells, as a rule. An empty one is at 0."""
    values = np.zeros(max(4 * cells, LEAST_ROOM), np.int32)
    table = np.full(max(LEAST_ROOM, 1 << (cells // 16).bit_length()), -1, np.int32)
    return Lists(values, table, np.array([1, 0]))


def longer(lists: Lists) -> Lists:
    """The same lists with room for twice as much."""
    values = np.concatenate([lists.values, np.zeros_like(lists.values)])
    longer = Lists(values, np.full(2 * len(lists.table), -1, np.int32), lists.used)
    enter_lists(longer)
    return longer


@njit(**KERNEL)
def enter_lists(lists):
    """Enters all lists into the hash table, which has none before."""
    values, table, start = lists.values, lists.table, np.int64(1)
    mask = np.uint64(len(table) - 1)
    while start < lists.used[0]:
        key = key_of(values[start + 1 : start + 1 + values[start]])
        slot = key & mask
        while table[slot] >= 0:
            slot = (slot + np.uint64(1)) & mask
        table[slot] = start
        start += 1 + values[start]


@njit(**PART)
def is_list(values, start, chosen, count):
    """True if the list that begins at a place is of the nodes chosen."""
    same, k = values[start] == count, 0
    while same and k < count:
        same = values[start + 1 + k] == chosen[k]
        k += 1
    return same
