"""The visibility graph: the clear and taut ways between its nodes, and shortest paths along them."""

from typing import NamedTuple

import numpy as np
from numba import njit

from megastep.maps.geodesics.compiled.nodes import Nodes
from megastep.maps.geodesics.compiled.walls import KERNEL, PART, TOUCHING, WallGrid, is_between, obstacle


class Graph(NamedTuple):
    """A graph as adjacency lists: node i's neighbours are ``others[firsts[i]:firsts[i + 1]]``."""

    firsts: np.ndarray
    others: np.ndarray
    lengths: np.ndarray  # in metres


@njit(**PART)
def is_taut(backs, aheads, i, dx, dy):
    """Tautness test: true if a shortest path can bend at node i on coming from or going to (dx, dy) relative to it.

    It can if the obstacle lies to one side of the line: what passes through it doesn't count, nor does what misses it.
    """
    back = dx * backs[i, 1] - dy * backs[i, 0]
    ahead = dx * aheads[i, 1] - dy * aheads[i, 0]
    return (back >= -TOUCHING and ahead >= -TOUCHING) or (back <= TOUCHING and ahead <= TOUCHING)


@njit(**KERNEL)
def visible_pairs(grid, columns, screens, taut, eights, pairs, done):
    """The edges of the reduced visibility graph: the pairs of nodes between which a shortest path may go straight.

    Args:
        grid: The walls.
        columns: (6, node): the nodes' x and y, and x and y of the ways back and ahead.
        screens: (node,): a wall to try first as what hides each node, or -1. Written in place.
        taut: (node,): to work in; filled up to whole eights, with what is false.
        eights: (node / 8,) uint64: the same bytes, eight at a time: of most eights none is true.
        pairs: (pair, 2): where to write.
        done: How many nodes are done and how many pairs used, in place; stops where there may be no room for more.
    """
    xs, ys, count, walls, radius = columns[0], columns[1], columns.shape[1], grid.walls, grid.radius
    while done[0] < count and done[1] + count <= len(pairs):
        i, used = done[0], done[1]
        x, y = xs[i], ys[i]
        find_taut(columns, i, taut)
        last = np.int64(
            -1
        )  # the last wall found to hide a node from this one may hide the next, which is often beside it
        for eight in range((i + 1) // 8, len(eights)):
            if eights[eight] == 0:
                continue
            for j in range(max(8 * eight, i + 1), 8 * eight + 8):
                if not taut[j] or is_between(walls, screens[j], x, y, xs[j], ys[j], radius):
                    continue
                if is_between(walls, last, x, y, xs[j], ys[j], radius):
                    continue
                wall = obstacle(grid, x, y, xs[j], ys[j])
                if wall >= 0:
                    screens[j] = last = wall
                    continue
                pairs[used, 0], pairs[used, 1] = i, j
                used += 1
        done[0], done[1] = i + 1, used


@njit(**PART)
def find_taut(columns, i, taut):
    """Writes for each node after node i if the line to it `is_taut` at both; without branches, for a vector unit."""
    x, y, back_x, back_y = columns[0, i], columns[1, i], columns[2, i], columns[3, i]
    ahead_x, ahead_y, found = columns[4, i], columns[5, i], taut[i + 1 : columns.shape[1]]
    xs, ys, backs_x, backs_y = columns[0][i + 1 :], columns[1][i + 1 :], columns[2][i + 1 :], columns[3][i + 1 :]
    aheads_x, aheads_y = columns[4][i + 1 :], columns[5][i + 1 :]
    for j in range(len(xs)):
        dx, dy = xs[j] - x, ys[j] - y
        back, ahead = dx * back_y - dy * back_x, dx * ahead_y - dy * ahead_x
        other_back, other_ahead = dy * backs_x[j] - dx * backs_y[j], dy * aheads_x[j] - dx * aheads_y[j]
        here = ((back >= -TOUCHING) & (ahead >= -TOUCHING)) | ((back <= TOUCHING) & (ahead <= TOUCHING))
        there = (other_back >= -TOUCHING) & (other_ahead >= -TOUCHING)
        found[j] = here & (there | ((other_back <= TOUCHING) & (other_ahead <= TOUCHING)))


def visibility_graph(grid: WallGrid, nodes: Nodes) -> Graph:
    """The reduced visibility graph of some nodes."""
    count, done = len(nodes.points), np.zeros(2, np.int64)
    pairs, screens = np.empty((64 + 9 * count, 2), np.int32), np.full(count, -1)
    taut = np.zeros(-(-count // 8) * 8, np.bool_)
    eights = taut.view(np.uint64)
    columns = np.ascontiguousarray(np.concatenate(nodes[:3], axis=1).T)
    visible_pairs(grid, columns, screens, taut, eights, pairs, done)
    while done[0] < count:
        pairs = np.concatenate([pairs, np.empty_like(pairs)])
        visible_pairs(grid, columns, screens, taut, eights, pairs, done)
    pairs = pairs[: done[1]]
    steps = nodes.points[pairs[:, 0]] - nodes.points[pairs[:, 1]]
    graph = Graph(np.zeros(count + 1, np.int64), np.empty(2 * len(pairs), np.int64), np.empty(2 * len(pairs)))
    join(pairs, np.hypot(*steps.T), *graph)
    return graph


@njit(**KERNEL)
def join(pairs, steps, firsts, others, lengths):
    """Fills the arrays of a `Graph` from its edges and their lengths; ``firsts`` are zeros before."""
    total = np.int64(0)
    for k in range(len(pairs)):
        for end in range(2):
            firsts[pairs[k, end] + 1] += 1
    for i in range(1, len(firsts)):  # firsts[i] is where the next edge of node i - 1 goes
        count = firsts[i]
        firsts[i] = total
        total += count
    for k in range(len(pairs)):
        for end in range(2):
            at = firsts[pairs[k, end] + 1]
            others[at], lengths[at] = pairs[k, 1 - end], steps[k]
            firsts[pairs[k, end] + 1] = at + 1


@njit(**PART)
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


@njit(**KERNEL)
def relax(graph, lengths, shorter):
    """The Bellman-Ford algorithm: finds how far each node is from all goals at once, in place.

    A node's row of lengths is passed on to its neighbours for as long as it gets shorter. Rows are short and a vector
    unit takes them whole, so that is several times as fast as Dijkstra's algorithm goal by goal.

    Args:
        graph: The visibility graph.
        lengths: (node, goal): how far the goals are that a node sees, infinite for others.
        shorter: (node,): true for all nodes before, and false after.
    """
    firsts, others, steps, more = graph.firsts, graph.others, graph.lengths, True
    while more:
        more = False
        for i in range(len(lengths)):
            if not shorter[i]:
                continue
            shorter[i] = False
            for k in range(firsts[i], firsts[i + 1]):
                j = others[k]
                if shorten(lengths, j, i, steps[k]):
                    shorter[j] = more = True


@njit(**PART)
def shorten(lengths, j, i, away):
    """Takes a node's paths over another so far away where they are shorter, in place; true if any is."""
    better = 0
    for g in range(lengths.shape[1]):
        way = lengths[i, g] + away
        better += way < lengths[j, g]
        lengths[j, g] = way if way < lengths[j, g] else lengths[j, g]
    return better > 0


@njit(**KERNEL)
def connect_all(grid, nodes, goals, near, screens, direct):
    """Connects all goals: see `connect`."""
    for g in range(len(goals)):
        connect(grid, nodes, goals[g, 0], goals[g, 1], near, screens, direct[g])


@njit(**KERNEL)
def goal_distances(grid, goals, direct, lengths):
    """Finds how long the shortest paths between goals are.

    Args:
        grid: The walls.
        goals: (goal, 2): the goals.
        direct: (goal, node): how far they are from the nodes that they see, infinite for others.
        lengths: (node + goal, goal): how far they are from nodes, and infinite after that, where to write.
    """
    nodes = direct.shape[1]
    for g in range(len(goals)):
        for i in range(nodes):
            if direct[g, i] < np.inf:
                shorten(lengths, nodes + g, i, direct[g, i])
    for g in range(len(goals)):
        lengths[nodes + g, g] = 0.0
        for h in range(g):
            x, y = goals[h, 0], goals[h, 1]
            dx, dy = goals[g, 0] - x, goals[g, 1] - y
            if obstacle(grid, goals[g, 0], goals[g, 1], x, y) < 0:
                lengths[nodes + h, g] = np.sqrt(dx * dx + dy * dy)
            lengths[nodes + g, h] = lengths[nodes + h, g]  # back by the same way
