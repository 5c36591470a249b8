"""Settling: goals for which all cells of a block take the same node, which is found at the block's middle.

From the middle the shortest path to a goal goes over one candidate. From elsewhere in the block another can lead a
shorter way only as far as the two lie in different directions: the distance from a node changes by its gradient, a unit
vector, and a little more for being curved. Goals for which no other can are settled at once. What is left is few goals,
with few candidates, that are looked at cell by cell.
"""

import numpy as np
from numba import njit

from megastep.maps.geodesics.compiled.cells import BLOCK, middle
from megastep.maps.geodesics.compiled.entries.choosing import FAR
from megastep.maps.geodesics.compiled.walls import INLINED
from megastep.numba.jit.bits import bits_of, lowest
from megastep.numba.jit.simd import LANES, load, maximum, minimum, spread, sqrt, store, where

CLOSEST = np.float32(1.5)
"""A goal isn't settled over a node nearer than so many of the distances from a block's middle to its corners."""


@njit(**INLINED)
def settle(cells, goals, corner, count, free, tolerance, room):
    """Settles the goals of a block within a tolerance in metres, and writes those that are left.

    Returns how many nodes are chosen, -1 if there is too little room, and how many goals are left.
    """
    look(cells, goals.nodes.points, corner, count, room)
    used, left = np.int64(0), np.int64(0)
    for part in range(len(room.over) // LANES):
        hidden = hidden_goals(part, free, room)
        if hidden and used >= 0:
            doubtful = find_doubts(goals.lengths, part, count, free, hidden, tolerance, room)
            used = give_settled(part, hidden & ~doubtful, free, used, room)
            while doubtful:
                g = LANES * part + lowest(doubtful)
                doubtful &= doubtful - 1
                room.left[left], room.doubts[np.int64(room.over[g])] = g, 1
                left += 1
    return used, left


@njit(**INLINED)
def look(cells, points, corner, count, room):
    """Writes what of candidates is seen from a block's middle: how far they are and, for a point at a block's corner,
    by how much at most it is nearer to them, along x and y, and further because their distance is curved.
    """
    (x, y), half = middle(cells, corner), 0.5 * (BLOCK - 1) * cells.side
    views, width, reach = room.views, room.views.shape[1] // LANES, np.float32(half * np.sqrt(2.0))
    for k in range(count):
        i = room.nodes[k]
        views[1, k], views[2, k] = points[i, 0] - x - half, points[i, 1] - y - half
    least, most = reach * CLOSEST, reach * reach * np.float32(0.5)
    for part in range((count + LANES - 1) // LANES):
        dx, dy = load(views, width + part), load(views, 2 * width + part)
        away = sqrt(dx * dx + dy * dy)
        nearer, bend = reach / maximum(away, least), most / (maximum(away, least) - reach)
        store(views, part, away)
        store(views, width + part, dx * nearer)
        store(views, 2 * width + part, dy * nearer)
        store(views, 3 * width + part, where(away < least, np.float32(4) * reach, bend))


@njit(**INLINED)
def hidden_goals(part, free, room):
    """Bits of the goals of sixteen that not all free cells see."""
    hidden = np.int64(0)
    for bit in range(LANES):
        hidden |= np.int64((free & ~room.sights[LANES * part + bit]) != 0) << bit
    return hidden


@njit(**INLINED)
def find_doubts(lengths, part, count, free, hidden, tolerance, room):
    """Finds the candidates over which the shortest paths to sixteen goals go; bits of those for which others may do.

    Of the candidates that all free cells see it is the one over which the path from the middle is the shortest.
    """
    parts, views, half = len(room.over) // LANES, room.views, np.float32(0.5 * FAR)
    best = spread(np.float32(FAR))
    over = right = up = bend = spread(np.float32(0))
    for k in range(count):
        if room.masks[k] & free == free:
            way = views[0, k] + load(lengths, np.int64(room.nodes[k]) * parts + part)
            sooner = way < best
            best, over = minimum(best, way), where(sooner, np.float32(k), over)
            right, up = where(sooner, views[1, k], right), where(sooner, views[2, k], up)
            bend = where(sooner, views[3, k], bend)
    store(room.over, part, over)
    enough, doubtful = best + (bend - tolerance), np.int64(0)
    for k in range(count):
        way = views[0, k] + load(lengths, np.int64(room.nodes[k]) * parts + part)
        dx, dy = views[1, k] - right, views[2, k] - up
        gap = maximum(way - enough, np.float32(0))
        apart = dx * dx + dy * dy + np.float32(1e-9)
        doubt = bits_of((apart > gap * gap) & ~(over == np.float32(k))) & hidden
        room.doubts[k] |= doubt
        doubtful |= doubt
    return doubtful | (bits_of(best > half) & hidden)


@njit(**INLINED)
def give_settled(part, settled, free, used, room):
    """Gives the cells that don't see some goals the node over which they are settled; returns how many are chosen."""
    while settled and used >= 0:
        g = LANES * part + lowest(settled)
        k = np.int64(room.over[g])
        hop = room.places[k]
        if hop < 0:
            if used == len(room.chosen):
                return np.int64(-1)
            hop = used
            room.places[k], room.chosen[hop], room.served[hop] = hop, room.nodes[k], 0
            used += 1
        room.served[hop] |= free & ~room.sights[g]
        same = bits_of(load(room.over, part) == room.over[g])
        settled &= ~same if room.sights[g] & free == 0 else settled - 1
    return used
