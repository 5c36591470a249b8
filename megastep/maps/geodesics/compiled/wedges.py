"""Wedges of directions: where shortest paths to goals that bend at a node come from.

A path bends around the obstacle at a node: it comes from one side, in a wedge between the obstacle and its own line
onwards, and goes on to the other. From beyond that line the next node is reached sooner without this one. So of the
directions in which a node is taut only those count that lie on the obstacle's side of a line on which a shortest path
to some goal goes on. In the largest level of Freedoom these are three quarters of them.
"""

from typing import NamedTuple

import numpy as np
from numba import njit

from megastep.maps.geodesics.compiled.graph import Graph
from megastep.maps.geodesics.compiled.nodes import Nodes
from megastep.maps.geodesics.compiled.walls import KERNEL, PART, TOUCHING

MARGIN = 0.01
"""Wedges are so much wider, in radians, for corners that stand in them by less than a polygon sticks out of its arc."""

SLACK = 1e-3
"""Paths that are so little longer than the shortest, in metres, go on too."""


class Wedges(NamedTuple):
    """Two wedges a node, back along the obstacle and ahead along it. The edges of one that no path comes in are 0."""

    along: np.ndarray  # (node, 2, 2): the edge along the obstacle
    lines: np.ndarray  # (node, 2, 2): the edge on which paths go on, seen backwards


def find_wedges(nodes: Nodes, graph: Graph, goals: np.ndarray, direct: np.ndarray, lengths: np.ndarray) -> Wedges:
    """Finds the wedges in which the shortest paths to goals come to nodes.

    Args:
        nodes: The nodes.
        graph: The visibility graph.
        goals: (goal, 2): the goals.
        direct: (goal, node): the straight ways from goals to nodes, in metres; infinite if there is none.
        lengths: (node, goal): the shortest paths from nodes to goals, in metres.
    """
    count = len(nodes.points)
    wedges = Wedges(np.zeros((count, 2, 2)), np.zeros((count, 2, 2)))
    fill_wedges(nodes, graph, goals, direct, lengths, wedges)
    return wedges


@njit(**KERNEL)
def fill_wedges(nodes, graph, goals, direct, lengths, wedges):
    """Fills the arrays of `Wedges`, which are zeros before."""
    points, firsts, others, steps = nodes.points, graph.firsts, graph.others, graph.lengths
    for i in range(len(points)):
        for k in range(firsts[i], firsts[i + 1]):
            j = others[k]
            if leads_on(lengths, i, j, steps[k]):
                widen(nodes, wedges, i, points[j, 0], points[j, 1])
        for g in range(len(goals)):
            if direct[g, i] - lengths[i, g] <= SLACK:
                widen(nodes, wedges, i, goals[g, 0], goals[g, 1])


@njit(**PART)
def leads_on(lengths, i, j, step):
    """True if a shortest path from node i to some goal goes on over node j, so far away."""
    on = 0
    for g in range(lengths.shape[1]):
        on += lengths[j, g] + step - lengths[i, g] <= SLACK
    return on > 0


@njit(**PART)
def widen(nodes, wedges, i, x, y):
    """Widens the wedge from which paths over node i may come that go on to a point; both, if none may be taut."""
    back_x, back_y, ahead_x, ahead_y = nodes.back[i, 0], nodes.back[i, 1], nodes.ahead[i, 0], nodes.ahead[i, 1]
    dx, dy = x - nodes.points[i, 0], y - nodes.points[i, 1]
    back, ahead = dx * back_y - dy * back_x, dx * ahead_y - dy * ahead_x
    comes, goes = back >= -TOUCHING and ahead >= -TOUCHING, back <= TOUCHING and ahead <= TOUCHING
    if not comes and not goes:
        comes = goes = True
        dx = dy = 0.0
    # Sides are numbers of a type: of a literal each Numba would compile a function.
    if goes:  # from the wedge along back, which is turned clockwise from back to opposite ahead
        widen_to(wedges, i, np.int64(0), back_x, back_y, -ahead_x, -ahead_y, -dx - MARGIN * dy, -dy + MARGIN * dx, -1.0)
    if comes:
        widen_to(wedges, i, np.int64(1), ahead_x, ahead_y, -back_x, -back_y, -dx + MARGIN * dy, -dy - MARGIN * dx, 1.0)


@njit(**PART)
def widen_to(wedges, i, side, along_x, along_y, end_x, end_y, x, y, turn):
    """Widens a wedge to a direction, at most to its end; ``turn`` is 1 if that is counterclockwise, -1 if clockwise.

    The direction 0 stands for the end.
    """
    if turn * (x * end_y - y * end_x) <= 0:
        x, y = end_x, end_y
    line_x, line_y = wedges.lines[i, side]
    if turn * (line_x * y - line_y * x) >= 0:
        wedges.along[i, side, 0], wedges.along[i, side, 1] = along_x, along_y
        wedges.lines[i, side, 0], wedges.lines[i, side, 1] = x, y


@njit(**PART)
def is_within(wedges, i, dx, dy):
    """True if a direction is in one of a node's wedges."""
    along, lines, turn = wedges.along, wedges.lines, -1.0
    for side in range(2):
        along_x, along_y, line_x, line_y = along[i, side, 0], along[i, side, 1], lines[i, side, 0], lines[i, side, 1]
        beyond = turn * (along_x * dy - along_y * dx)
        before = turn * (dx * line_y - dy * line_x)
        if beyond >= -TOUCHING and before >= -TOUCHING and along_x * dx + along_y * dy > 0:
            return True
        turn = 1.0
    return False
