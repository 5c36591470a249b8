"""Shortest paths through the free space, for a disc that must not overlap a wall, from a visibility graph.

The shortest path of a disc's centre is a taut string: straight but where it bends around a corner that sticks out into
free space, along an arc of the disc's radius. Its space is the configuration space: the free space less the Minkowski
sum of the walls and the disc. Here the arcs are replaced by polygons around them that turn by at most 22.5° at a
corner, so that a path found is free, and no more than 1.3 % longer than the shortest: tan(11.25°) over 11.25° in
radians, where all of it is arc. (From a point between an arc and its polygon, so less than 2 % of the radius too near
to a corner, it may be 40 % of the radius longer.) Only a gap not 2 % wider than the disc may be lost. Between the
polygons' corners, the nodes, a reduced visibility graph (Latombe 1991) holds the ways that are clear and taut at both
ends, and the Bellman-Ford algorithm finds the paths.

What is compiled is imported when it is first used: importing Numba takes a second.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from jaxtyping import Float, Float32

from megastep.maps.segments import planar_graph

if TYPE_CHECKING:
    from megastep.maps.geodesics.compiled.graph import Graph
    from megastep.maps.geodesics.compiled.nodes import Nodes
    from megastep.maps.geodesics.compiled.walls import WallGrid

MOST_TURN = math.pi / 8
"""The most a path turns at a node, in radians."""

SLACK = 1e-6
"""A disc may overlap a wall by this much, in metres, which is rounding."""

SQUARE_SIDE = 0.5
"""Walls are looked up in squares of this side, in metres, or of a longer one where those would be too many."""


class ShortestPaths(NamedTuple):
    """The shortest paths to some goals, from the nodes of a map's visibility graph."""

    grid: WallGrid
    nodes: Nodes
    direct: Float[np.ndarray, 'goal node']
    """The straight ways from goals to nodes, in metres; infinite if there is none that a shortest path can take."""
    lengths: Float[np.ndarray, 'node goal']
    """The shortest paths from nodes to goals, in metres."""
    graph: Graph
    """The visibility graph."""


def distances(
    walls: Float[np.ndarray, 'wall 2 2'], points: Float[np.ndarray, 'point 2'], radius: float
) -> Float32[np.ndarray, 'point point']:
    """Geodesic distances: how long the shortest paths of a disc between points are.

    Args:
        walls: Closed walls, free space to the left of each, in metres: those of a `megastep.Geometry`.
        points: Where the disc's centre may be: none nearer to a wall than the radius.
        radius: The disc's radius, in metres.

    Returns:
        The length of the path between each two points, in metres, from the shortest to 1.3 % more; infinite if there
        is none.
    """
    from megastep.maps.geodesics.compiled.graph import goal_distances

    found = shortest_paths(walls, points, radius)
    lengths = np.concatenate([found.lengths, np.full((len(points), len(points)), np.inf)])
    goal_distances(found.grid, points, found.direct, lengths)
    return lengths[len(found.lengths) :].astype(np.float32)


def shortest_path(
    walls: Float[np.ndarray, 'wall 2 2'],
    start: Float[np.ndarray, ' 2'],
    goal: Float[np.ndarray, ' 2'],
    radius: float,
) -> Float[np.ndarray, 'point 2']:
    """Shortest path of a disc as a polyline: from the start over the nodes where it bends to the goal.

    Args:
        walls: Closed walls, free space to the left of each, in metres: those of a `megastep.Geometry`.
        start: Where the disc's centre begins: no nearer to a wall than the radius.
        goal: Where it ends: likewise.
        radius: The disc's radius, in metres.

    Returns:
        The points, in metres. They are as far apart as `distances` says; there are none if there is no path.
    """
    from megastep.maps.geodesics.compiled.walls import is_clear

    ends = np.array([start, goal], float)
    found = shortest_paths(walls, ends, radius)
    if is_clear(found.grid, *ends[0], *ends[1]):
        return ends
    onward = found.lengths[:, 1]
    bends: list[int] = []
    if not len(onward) or np.isinf(onward + found.direct[0]).all():
        return np.empty((0, 2))
    node = int(np.argmin(found.direct[0] + onward))
    while True:
        bends.append(node)
        if onward[node] == found.direct[1, node]:
            return np.concatenate([ends[:1], found.nodes.points[bends], ends[1:]])
        edges = slice(found.graph.firsts[node], found.graph.firsts[node + 1])
        others = found.graph.others[edges]
        ways = np.where(np.isin(others, bends), np.inf, found.graph.lengths[edges] + onward[others])
        node = int(others[np.argmin(ways)])


def shortest_paths(
    walls: Float[np.ndarray, 'wall 2 2'], goals: Float[np.ndarray, 'goal 2'], radius: float
) -> ShortestPaths:
    """Finds the nodes around a map's corners, and the shortest paths from goals to them. See `distances`."""
    from megastep.maps.geodesics.compiled.graph import connect_all, relax, visibility_graph
    from megastep.maps.geodesics.compiled.nodes import place_nodes

    grid = wall_grid(walls, radius - SLACK)
    nodes = place_nodes(grid, _leaving(walls), radius, MOST_TURN)
    count, graph = len(nodes.points), visibility_graph(grid, nodes)
    direct = np.empty((len(goals), count))
    connect_all(grid, nodes, np.array(goals), radius / 2, np.full(count, -1), direct)
    lengths = np.array(direct.T, order='C')
    relax(graph, lengths, np.ones(count, np.bool_))
    return ShortestPaths(grid, nodes, direct, lengths, graph)


def wall_grid(walls: Float[np.ndarray, 'wall 2 2'], radius: float) -> WallGrid:
    """Sorts walls into the squares of a uniform grid, at most eight squares a wall beside a thousand."""
    from megastep.maps.geodesics.compiled.walls import WallGrid, enter_walls

    ends = walls.reshape(-1, 2)
    low, size = ends.min(0), np.ptp(ends, axis=0)
    side = max(SQUARE_SIDE, math.sqrt(size.prod() / (1000 + 8 * len(walls))), size.max() / (1000 + 8 * len(walls)))
    columns, rows = (int(extent / side) + 1 for extent in size)
    counts = np.zeros(columns * rows + 1, np.int64)
    place = {'left': float(low[0]), 'bottom': float(low[1]), 'side': side, 'columns': columns, 'rows': rows}
    flat = np.array(walls.reshape(-1, 4))
    grid = WallGrid(flat, counts, np.empty(0, np.int32), **place, radius=radius)
    enter_walls(grid, True)
    firsts = np.cumsum(counts) - counts
    grid = grid._replace(firsts=firsts.copy(), members=np.empty(firsts[-1], np.int32))
    enter_walls(grid, False)
    return grid._replace(firsts=firsts)


def _leaving(walls: Float[np.ndarray, 'wall 2 2']) -> tuple[np.ndarray, ...]:
    """The point each wall ends at, the walls in the order of where they begin, and each point's first of these."""
    points, starts, ends = planar_graph(walls)
    order = np.argsort(starts, kind='stable')
    return ends, order, np.searchsorted(starts[order], np.arange(len(points) + 1))
