"""The visibility graph: its nodes around reflex corners, the ways between them, and shortest paths along them."""

from typing import NamedTuple

import numpy as np
from numba import njit

from megastep.maps.geodesics.compiled.walls import TOUCHING, WallGrid, clearance, is_between, is_clear, obstacle

LEAST_TURN = 1e-9
"""Where a wall turns by no more to the next, in radians, there is no corner."""


class Nodes(NamedTuple):
    """The nodes of the visibility graph: points around reflex corners where paths may bend, see `place_nodes`."""

    points: np.ndarray  # (node, 2)
    back: np.ndarray  # (node, 2): the way back along the obstacle, a unit vector
    ahead: np.ndarray  # (node, 2): the way on along it
    corners: np.ndarray  # (corner, 2): the reflex corners, whether there is room for nodes around them or not


class Graph(NamedTuple):
    """A graph as adjacency lists: node i's neighbours are ``others[firsts[i]:firsts[i + 1]]``."""

    firsts: np.ndarray
    others: np.ndarray
    lengths: np.ndarray  # in metres


@njit(cache=True, nogil=True, error_model='numpy')
def follower(walls, begins, ends, order, firsts, w):
    """The turn, clockwise in radians, from wall w to the wall that bounds the same free space after it, and that wall.

    Of the walls that begin where w ends it is the first to be met on turning clockwise, through free space, from w.
    """
    ux, uy = walls[w, 2] - walls[w, 0], walls[w, 3] - walls[w, 1]
    least, best = np.inf, -1
    for k in range(firsts[ends[w]], firsts[ends[w] + 1]):
        v = order[k]
        vx, vy = walls[v, 2] - walls[v, 0], walls[v, 3] - walls[v, 1]
        turn = np.arctan2(uy * vx - ux * vy, ux * vx + uy * vy)
        if turn <= -np.pi + 1e-9:
            turn = np.pi  # back along a thin wall: around its end
        if turn < least:
            least, best = turn, v
    return least, best


@njit(cache=True, nogil=True, error_model='numpy')
def place_nodes(grid, begins, ends, order, firsts, radius, step):
    """Finds nodes around every reflex corner, one that sticks out into free space, where a disc's centre can be there.

    A disc rolls around a corner along an arc. The nodes are those of the polygon around the arc that touches it at
    both its ends and at most ``step`` radians apart, so that a path along them is free.

    Args:
        grid: The walls.
        begins: (wall,): the point each wall begins at, as a number.
        ends: (wall,): the point it ends at.
        order: (wall,): the walls sorted by the point they begin at.
        firsts: (point + 1,): where each point's walls begin in ``order``.
        radius: The disc's radius, in metres.
        step: The most a path turns at a node, in radians.

    Returns:
        The first three of `Nodes`, and each wall's turn to its `follower`: above 0, it ends in a reflex corner.
    """
    most = 0
    turns = np.empty(len(grid.walls))
    for w in range(len(grid.walls)):
        turns[w] = follower(grid.walls, begins, ends, order, firsts, w)[0]
        most += max(0, int(np.ceil(turns[w] / step - 1e-6)))
    points, back, ahead = np.empty((most, 2)), np.empty((most, 2)), np.empty((most, 2))
    count = 0
    for w in range(len(grid.walls)):
        if turns[w] <= LEAST_TURN:
            continue
        ax, ay, bx, by = grid.walls[w]
        parts = max(1, int(np.ceil(turns[w] / step - 1e-6)))
        part = turns[w] / parts
        heading = np.arctan2(by - ay, bx - ax)
        for k in range(parts):
            middle = heading + np.pi / 2 - (k + 0.5) * part
            x = bx + radius / np.cos(part / 2) * np.cos(middle)
            y = by + radius / np.cos(part / 2) * np.sin(middle)
            if clearance(grid, x, y) < grid.radius:
                continue
            before, after = heading - k * part, heading - (k + 1) * part
            points[count, 0], points[count, 1] = x, y
            back[count, 0], back[count, 1] = -np.cos(before), -np.sin(before)
            ahead[count, 0], ahead[count, 1] = np.cos(after), np.sin(after)
            count += 1
    return points[:count], back[:count], ahead[:count], turns


@njit(cache=True, nogil=True, error_model='numpy')
def is_taut(backs, aheads, i, dx, dy):
    """Tautness test: true if a shortest path can bend at node i on coming from or going to (dx, dy) relative to it.

    It can if the obstacle lies to one side of the line: what passes through it doesn't count, nor does what misses it.
    """
    back = dx * backs[i, 1] - dy * backs[i, 0]
    ahead = dx * aheads[i, 1] - dy * aheads[i, 0]
    return (back >= -TOUCHING and ahead >= -TOUCHING) or (back <= TOUCHING and ahead <= TOUCHING)


@njit(cache=True, nogil=True, error_model='numpy')
def visible_pairs(grid, nodes):
    """The edges of the reduced visibility graph: the pairs of nodes between which a shortest path may go straight."""
    points, backs, aheads, count = nodes.points, nodes.back, nodes.ahead, len(nodes.points)
    walls, radius = grid.walls, grid.radius
    pairs, used = np.empty((64 + 8 * count, 2), np.int32), 0
    screens = np.empty(count, np.int64)  # a wall to try first as what hides each node, or -1
    screens[:] = -1
    for i in range(count):
        x, y = points[i, 0], points[i, 1]
        for j in range(i + 1, count):
            dx, dy = points[j, 0] - x, points[j, 1] - y
            if not (is_taut(backs, aheads, i, dx, dy) and is_taut(backs, aheads, j, -dx, -dy)):
                continue
            if is_between(walls, screens[j], x, y, points[j, 0], points[j, 1], radius):
                continue
            wall = obstacle(grid, x, y, points[j, 0], points[j, 1])
            if wall >= 0:
                screens[j] = wall
                continue
            if used == len(pairs):
                pairs = longer_pairs(pairs)
            pairs[used, 0], pairs[used, 1] = i, j
            used += 1
    return pairs[:used]


@njit(cache=True, nogil=True, error_model='numpy')
def longer_pairs(pairs):
    """The same pairs in an array of twice the length."""
    longer = np.empty((2 * len(pairs), 2), np.int32)
    for k in range(len(pairs)):
        longer[k, 0], longer[k, 1] = pairs[k, 0], pairs[k, 1]
    return longer


def visibility_graph(grid: WallGrid, nodes: Nodes) -> Graph:
    """The reduced visibility graph of some nodes."""
    pairs = visible_pairs(grid, nodes)
    both = np.stack([pairs, pairs[:, ::-1]], axis=1).reshape(-1, 2)  # so that a node's edges are in the pairs' order
    both = both[np.argsort(both[:, 0], kind='stable')]
    steps = nodes.points[both[:, 0]] - nodes.points[both[:, 1]]
    firsts = np.searchsorted(both[:, 0], np.arange(len(nodes.points) + 1))
    return Graph(firsts, both[:, 1].astype(np.int64), np.hypot(*steps.T))


@njit(cache=True, nogil=True, error_model='numpy')
def connect(grid, nodes, x, y, near, screens, direct):
    """Connects a free point to the visibility graph: how far it is from each node it sees taut, infinite from others.

    A point nearer to a node than ``near`` may lie between it and the arc, where every way is to the wrong side.

    Args:
        grid: The walls.
        nodes: The nodes.
        x: Where the point is, in metres.
        y: And y.
        near: In metres.
        screens: (node,): a wall to try first as what hides each node, or -1: see `Screens`. Written in place.
        direct: (node,): where to write.
    """
    points, backs, aheads = nodes.points, nodes.back, nodes.ahead
    walls, radius = grid.walls, grid.radius
    for i in range(len(points)):
        direct[i] = np.inf
        px, py = points[i, 0], points[i, 1]
        dx, dy = x - px, y - py
        if not is_taut(backs, aheads, i, dx, dy) and dx * dx + dy * dy >= near * near:
            continue
        if is_between(walls, screens[i], x, y, px, py, radius):
            continue
        wall = obstacle(grid, x, y, px, py)
        if wall >= 0:
            screens[i] = wall
        else:
            direct[i] = np.sqrt(dx * dx + dy * dy)


@njit(cache=True, nogil=True, error_model='numpy')
def relax(graph, lengths):
    """The Bellman-Ford algorithm: finds how far each node is from all goals at once, in place.

    A node's row of lengths is passed on to its neighbours for as long as it gets shorter. Rows are short and a vector
    unit takes them whole, so that is several times as fast as Dijkstra's algorithm goal by goal.

    Args:
        graph: The visibility graph.
        lengths: (node, goal): how far the goals are that a node sees, infinite for others.
    """
    count = len(lengths)
    shorter, more = np.empty(count, np.bool_), True
    shorter[:] = True
    while more:
        more = False
        for i in range(count):
            if not shorter[i]:
                continue
            shorter[i] = False
            for k in range(graph.firsts[i], graph.firsts[i + 1]):
                j = graph.others[k]
                if shorten(lengths[j], lengths[i], graph.lengths[k]):
                    shorter[j] = more = True


@njit(cache=True, nogil=True, error_model='numpy')
def shorten(paths, onward, away):
    """Takes the paths on from a node so far away where they are shorter, in place; true if any is."""
    better = 0
    for g in range(len(paths)):
        way = onward[g] + away
        better += way < paths[g]
        paths[g] = way if way < paths[g] else paths[g]
    return better > 0


@njit(cache=True, nogil=True, error_model='numpy')
def connect_all(grid, nodes, goals, near, direct):
    """Connects all goals: see `connect`."""
    screens = np.empty(len(nodes.points), np.int64)
    screens[:] = -1
    for g in range(len(goals)):
        connect(grid, nodes, goals[g, 0], goals[g, 1], near, screens, direct[g])


@njit(cache=True, nogil=True, error_model='numpy')
def goal_distances(grid, goals, direct, lengths):
    """The lengths of the shortest paths between goals: (goal, goal)."""
    found = np.empty((len(goals), len(goals)))
    for g in range(len(goals)):
        found[g, g] = 0.0
        for h in range(g):
            x, y = goals[h]
            if is_clear(grid, goals[g, 0], goals[g, 1], x, y):
                best = np.sqrt((goals[g, 0] - x) ** 2 + (goals[g, 1] - y) ** 2)
            else:
                best = np.inf
                for i in range(len(direct[h])):
                    best = min(best, direct[h, i] + lengths[g, i])
            found[g, h] = found[h, g] = best
    return found
