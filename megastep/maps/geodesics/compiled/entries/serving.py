"""The choice of nodes for the cells of a block, each of which has a lane of a vector register.

The cells of a block see much the same. A node that is chosen for one of them is given to all others that need one for
the same goal, so that many have the same list.
"""

import numpy as np
from numba import njit

from megastep.maps.geodesics.compiled.cells import middle
from megastep.maps.geodesics.compiled.entries.block_room import AT_ONCE
from megastep.maps.geodesics.compiled.entries.choosing import FAR
from megastep.maps.geodesics.compiled.entries.settling import settle
from megastep.maps.geodesics.compiled.walls import INLINED
from megastep.numba.jit.bits import bits_of, mask_of, ones
from megastep.numba.jit.simd import load, minimum, spread, sqrt, store, where


@njit(**INLINED)
def choose_for_block(cells, goals, corner, count, free, settles, tolerance, room):
    """Chooses nodes for the free cells of a block: see `choose`. Returns how many, or -1 if there is too little room.

    Half of the tolerance goes into settling goals and leaving candidates out, if it ``settles`` any and most candidates
    are seen by all cells.
    """
    used, left, full, half = np.int64(0), np.int64(0), 0, np.float32(0.5) * tolerance
    for k in range(count):
        room.places[k], room.doubts[k] = -1, 1
        full += room.masks[k] & free == free
    if settles and 2 * full > count:
        room.doubts[:count] = 0
        used, left = settle(cells, goals, corner, count, free, half, room)
    else:
        for g in range(len(room.sights)):
            room.left[left] = g
            left += (free & ~room.sights[g]) != 0
    if used < 0:
        return used
    kept = keep(count, room)
    measure(cells, goals.nodes.points, corner, kept, room)
    for extra in range(-left % AT_ONCE):
        room.left[left + extra] = room.left[left - 1]
    for first in range(0, left, AT_ONCE):
        used = choose_for_goals(goals.lengths, first, kept, free, half, used, room)
        if used < 0:
            break
    return used


@njit(**INLINED)
def keep(count, room):
    """Keeps the candidates that are chosen or in doubt; returns how many."""
    kept = np.int64(0)
    for k in range(count):
        room.kept[kept], room.seen[kept], room.hops[kept] = room.nodes[k], room.masks[k], room.places[k]
        kept += (room.doubts[k] != 0) | (room.places[k] >= 0)
    return kept


@njit(**INLINED)
def measure(cells, points, corner, kept, room):
    """Measures how far the candidates kept are from the cells that see them, and from those that they are given to."""
    (x, y), right, up, far = middle(cells, corner), load(room.steps, 0), load(room.steps, 1), np.float32(FAR)
    for k in range(kept):
        i, hop = room.kept[k], room.hops[k]
        dx, dy = np.float32(x - points[i, 0]) + right, np.float32(y - points[i, 1]) + up
        dist = sqrt(dx * dx + dy * dy)
        store(room.dist, k, where(mask_of(room.seen[k]), dist, far))
        if hop >= 0:
            store(room.given, hop, where(mask_of(room.served[hop]), dist, far))


@njit(**INLINED)
def choose_for_goals(lengths, first, count, free, tolerance, used, room):
    """Adds the nodes that the next goals left take to so many chosen: see `choose_for_block`."""
    find_ways(lengths, room.left, first, room.kept, room.dist, count, room.least)
    find_ways(lengths, room.left, first, room.chosen, room.given, used, room.found)
    for at in range(AT_ONCE):
        g, enough = room.left[first + at], load(room.least, at) + tolerance
        worse = bits_of(load(room.found, at) > enough) & free & ~room.sights[g]
        if worse:
            used = serve(lengths, g, count, worse, enough, used, room)
            if used < 0:
                break
            find_ways(lengths, room.left, first, room.chosen, room.given, used, room.found)
    return used


@njit(**INLINED)
def find_ways(lengths, goals, at, nodes, away, count, found):
    """Finds the shortest ways from a block's cells to the next four goals, over nodes so far away."""
    g, h, i, j = goals[at], goals[at + 1], goals[at + 2], goals[at + 3]
    first = second = third = fourth = spread(np.float32(FAR))
    for k in range(count):
        dist, node = load(away, k), nodes[k]
        first = minimum(first, dist + lengths[node, g])
        second = minimum(second, dist + lengths[node, h])
        third = minimum(third, dist + lengths[node, i])
        fourth = minimum(fourth, dist + lengths[node, j])
    store(found, 0, first)
    store(found, 1, second)
    store(found, 2, third)
    store(found, 3, fourth)


@njit(**INLINED)
def serve(lengths, g, count, worse, enough, used, room):
    """Gives the cells of some bits nodes for a goal; returns how many are chosen then, -1 if there is no room.

    That is the one over which the ways of most of them are short enough, and so on.
    """
    while worse:
        k = best_server(lengths, g, count, worse, enough, room)
        hop = room.hops[k]
        if hop < 0:
            if used == len(room.chosen):
                return np.int64(-1)
            hop = used
            room.hops[k], room.chosen[hop], room.served[hop] = hop, room.kept[k], 0
            store(room.given, hop, spread(np.float32(FAR)))
            used += 1
        dist = load(room.dist, k)
        served = worse & ~bits_of(dist + lengths[room.kept[k], g] > enough)
        store(room.given, hop, where(mask_of(served), dist, load(room.given, hop)))
        room.served[hop] |= served
        worse &= ~served
    return used


@njit(**INLINED)
def best_server(lengths, g, count, worse, enough, room):
    """The candidate over which the ways of most cells of some bits are short enough."""
    most, best = np.int64(0), np.int64(0)
    for k in range(count):
        way = load(room.dist, k) + lengths[room.kept[k], g]
        served = ones(worse & ~bits_of(way > enough))
        best = np.int64(k) if served > most else best
        most = max(served, most)
    return best
