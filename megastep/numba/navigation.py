"""Geodesic distances from agents to their goals, looked up. The twin is `megastep.triton.navigation`."""

from typing import NamedTuple

import numpy as np
from numba import njit

from megastep.numba.constants import LAUNCHED, PART
from megastep.numba.jit.parallel import in_blocks

AGENTS = 16
"""How many agents' paths are looked up as one piece of work."""


class Field(NamedTuple):
    """The geodesic field of maps: the buffers of a `megastep.env.navigation.GeodesicField`."""

    side: np.float32  # of a cell, in metres
    corners: np.ndarray
    shapes: np.ndarray
    visible: np.ndarray
    visible_starts: np.ndarray
    entries: np.ndarray
    entry_starts: np.ndarray
    hops: np.ndarray
    hop_starts: np.ndarray
    nodes: np.ndarray
    node_starts: np.ndarray
    lengths: np.ndarray
    length_starts: np.ndarray
    spawns: np.ndarray
    spawn_starts: np.ndarray
    spawn_widths: np.ndarray


@njit(**PART)
def length(x, y):
    """The length of a vector."""
    return np.sqrt(x * x + y * y)


@njit(**PART)
def cell_along(offset, side, count):
    """The number of the grid's column or row that is so far from its first edge; the nearest if none is."""
    cells = offset / side
    if not cells > 0:
        return np.int64(0)
    return np.int64(min(cells, np.float32(count - 1)))


@njit(**PART)
def shortest(field, m, position, goal):
    """The geodesic distance from a place in map m to one of its spawns; infinite if there is no way."""
    x, y = position
    count = np.int64(field.spawn_widths[m])
    goal = min(max(goal, 0), count - 1)
    columns, rows = field.shapes[m]
    left, bottom = field.corners[m]
    cell = cell_along(y - bottom, field.side, rows) * columns + cell_along(x - left, field.side, columns)
    word = field.visible[field.visible_starts[m] + cell * ((count + 31) // 32) + goal // 32]
    if (word >> (goal % 32)) & 1:
        goal_x, goal_y = field.spawns[field.spawn_starts[m] + goal]
        return length(x - goal_x, y - goal_y)
    entry, best = field.hop_starts[m] + field.entries[field.entry_starts[m] + cell], np.float32(np.inf)
    for hop in range(entry + 1, entry + 1 + field.hops[entry]):
        node = np.int64(field.hops[hop])
        node_x, node_y = field.nodes[field.node_starts[m] + node]
        onward = field.lengths[field.length_starts[m] + node * count + goal]
        best = min(best, length(x - node_x, y - node_y) + onward)
    return best


@njit(**PART)
def find_distances(field, map_ids, positions, goals, found, first, last):
    """Finds how long the shortest paths of some agents are."""
    num_agents = goals.shape[1]
    for row in range(first, last):
        e, a = row // num_agents, row % num_agents
        found[e, a] = shortest(field, map_ids[e], positions[e, a], goals[e, a])


@njit(**LAUNCHED)
def _distances(field, map_ids, positions, goals, found):
    in_blocks(find_distances, (field, map_ids, positions, goals, found), goals.size, AGENTS)


def buffers_of(field) -> Field:
    """The buffers of a `megastep.env.navigation.GeodesicField` on the CPU."""
    f = field
    tensors = (
        f.corners, f.shapes, f.visible.vals, f.visible.starts, f.entries.vals, f.entries.starts,
        f.hops.vals, f.hops.starts, f.nodes.vals, f.nodes.starts, f.lengths.vals, f.lengths.starts,
        f.spawns.vals, f.spawns.starts, f.spawns.widths,
    )  # fmt: skip
    return Field(np.float32(f.cell_side), *(tensor.numpy() for tensor in tensors))


def distances(field, positions, map_ids, goals, found):
    """Finds how long the shortest paths from agents to their goals are: see `megastep.env.navigation.GeodesicField`."""
    _distances(buffers_of(field), map_ids.numpy(), positions.numpy(), goals.numpy(), found.numpy())
