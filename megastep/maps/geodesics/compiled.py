"""Compiled loops: visibility tests, the visibility graph, Dijkstra's algorithm and the lookup of paths by cell.

They are all in one file, so that Numba compiles them anew together.

A disc's centre is free where no wall is nearer than the disc's radius. The way from one free point to another is clear
if no wall's end comes nearer to it and no wall crosses it: the wall's inside can't be nearer than either unless it is
nearer to one of the two points too.

Nothing here is divided by 0, so Numba's checks for that are left out.
"""

from heapq import heappop, heappush
from typing import NamedTuple

import numpy as np
from numba import njit

TOUCHING = 1e-7
"""A way may leave a corner this far, in metres, to the wrong side, which is rounding."""


class WallGrid(NamedTuple):
    """A uniform grid over walls: for each square those that a disc may touch while its centre is in the square."""

    walls: np.ndarray  # (wall, 4): ax, ay, bx, by
    firsts: np.ndarray  # (square + 1,): where each square's walls begin in members
    members: np.ndarray  # (entry,): numbers of walls
    left: float
    bottom: float
    side: float  # of a square, in metres
    columns: int
    rows: int
    radius: float  # a wall nearer than this blocks


class Nodes(NamedTuple):
    """The nodes of the visibility graph: points around reflex corners where paths may bend, see `place_nodes`."""

    points: np.ndarray  # (node, 2)
    back: np.ndarray  # (node, 2): the way back along the obstacle, a unit vector
    ahead: np.ndarray  # (node, 2): the way on along it


class Graph(NamedTuple):
    """A graph as adjacency lists: node i's neighbours are ``others[firsts[i]:firsts[i + 1]]``."""

    firsts: np.ndarray
    others: np.ndarray
    lengths: np.ndarray  # in metres


@njit(cache=True, nogil=True, error_model='numpy')
def distance(walls, w, x, y):
    """The distance of a point from a wall, in metres."""
    ax, ay, bx, by = walls[w]
    vx, vy = bx - ax, by - ay
    along = ((x - ax) * vx + (y - ay) * vy) / (vx * vx + vy * vy)
    along = min(max(along, 0.0), 1.0)
    return np.hypot(x - ax - along * vx, y - ay - along * vy)


@njit(cache=True, nogil=True, error_model='numpy')
def square(at, low, side, count):
    """The number of the square of a row or column that a coordinate is in; of the nearest if it is in none."""
    return min(max(int((at - low) / side), 0), count - 1)


@njit(cache=True, nogil=True, error_model='numpy')
def enter_walls(grid, counting):
    """Enters each wall in the squares it can be touched from: first call to count them, and then to write them."""
    firsts, side = grid.firsts, grid.side
    reach = grid.radius + side * np.sqrt(0.5) + TOUCHING
    for w in range(len(grid.walls)):
        ax, ay, bx, by = grid.walls[w]
        i_low = square(min(ax, bx) - grid.radius, grid.left, side, grid.columns)
        i_high = square(max(ax, bx) + grid.radius, grid.left, side, grid.columns)
        j_low = square(min(ay, by) - grid.radius, grid.bottom, side, grid.rows)
        j_high = square(max(ay, by) + grid.radius, grid.bottom, side, grid.rows)
        for j in range(j_low, j_high + 1):
            for i in range(i_low, i_high + 1):
                x, y = grid.left + (i + 0.5) * side, grid.bottom + (j + 0.5) * side
                if distance(grid.walls, w, x, y) <= reach:
                    at = j * grid.columns + i
                    if not counting:
                        grid.members[firsts[at]] = w
                    firsts[at] += 1


@njit(cache=True, nogil=True, error_model='numpy')
def clearance(grid, x, y):
    """The distance of a point from the walls of its square. It is exact where it is less than the radius."""
    i = square(x, grid.left, grid.side, grid.columns)
    j = square(y, grid.bottom, grid.side, grid.rows)
    at, nearest = j * grid.columns + i, np.inf
    for k in range(grid.firsts[at], grid.firsts[at + 1]):
        nearest = min(nearest, distance(grid.walls, grid.members[k], x, y))
    return nearest


@njit(cache=True, nogil=True, error_model='numpy')
def blocks(walls, w, px, py, ux, uy, length, radius):
    """True if a disc can't move from the free point p in direction u for a length without overlapping wall w."""
    ax, ay, bx, by = walls[w]
    side_a, side_b = ux * (ay - py) - uy * (ax - px), ux * (by - py) - uy * (bx - px)
    if min(side_a, side_b) >= radius or max(side_a, side_b) <= -radius:
        return False
    along_a, along_b = ux * (ax - px) + uy * (ay - py), ux * (bx - px) + uy * (by - py)
    if (abs(side_a) < radius and 0 < along_a < length) or (abs(side_b) < radius and 0 < along_b < length):
        return True
    if side_a * side_b >= 0:
        return False
    crossing = along_a + (along_b - along_a) * side_a / (side_a - side_b)
    return 0 < crossing < length


@njit(cache=True, nogil=True, error_model='numpy')
def is_between(walls, w, px, py, qx, qy, radius):
    """True if wall w, if it isn't -1, keeps a disc from going straight from one free point to another."""
    length = np.hypot(qx - px, qy - py)
    if w < 0 or length == 0:
        return False
    return blocks(walls, w, px, py, (qx - px) / length, (qy - py) / length, length, radius)


@njit(cache=True, nogil=True, error_model='numpy')
def is_clear(grid, px, py, qx, qy):
    """Visibility test: true if a disc can go straight from one free point to another."""
    return obstacle(grid, px, py, qx, qy) < 0


@njit(cache=True, nogil=True, error_model='numpy')
def obstacle(grid, px, py, qx, qy):
    """The first wall found that keeps a disc from going straight from one free point to another, -1 if none does.

    Walks the squares of the grid on the way, as Amanatides & Woo (1987) do.
    """
    length = np.hypot(qx - px, qy - py)
    if length == 0:
        return -1
    ux, uy = (qx - px) / length, (qy - py) / length
    side = grid.side
    i, j = square(px, grid.left, side, grid.columns), square(py, grid.bottom, side, grid.rows)
    step_i, step_j = (1 if ux > 0 else -1), (1 if uy > 0 else -1)
    pace_i, pace_j = (side / abs(ux) if ux != 0 else np.inf), (side / abs(uy) if uy != 0 else np.inf)
    next_i = (grid.left + (i + (ux > 0)) * side - px) / ux if ux != 0 else np.inf
    next_j = (grid.bottom + (j + (uy > 0)) * side - py) / uy if uy != 0 else np.inf
    while True:
        at = j * grid.columns + i
        for k in range(grid.firsts[at], grid.firsts[at + 1]):
            if blocks(grid.walls, grid.members[k], px, py, ux, uy, length, grid.radius):
                return grid.members[k]
        if min(next_i, next_j) >= length:
            return -1
        if next_i < next_j:
            i, next_i = i + step_i, next_i + pace_i
        else:
            j, next_j = j + step_j, next_j + pace_j
        if not (0 <= i < grid.columns and 0 <= j < grid.rows):
            return -1


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
    """Puts nodes around every reflex corner, one that sticks out into free space, where a disc's centre can be there.

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
    """
    most = 0
    turns = np.empty(len(grid.walls))
    for w in range(len(grid.walls)):
        turns[w] = follower(grid.walls, begins, ends, order, firsts, w)[0]
        most += max(0, int(np.ceil(turns[w] / step - 1e-6)))
    points, back, ahead = np.empty((most, 2)), np.empty((most, 2)), np.empty((most, 2))
    count = 0
    for w in range(len(grid.walls)):
        if turns[w] <= 1e-9:
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
    return Nodes(points[:count], back[:count], ahead[:count])


@njit(cache=True, nogil=True, error_model='numpy')
def is_taut(nodes, i, dx, dy):
    """Tautness test: true if a shortest path can bend at node i on coming from or going to (dx, dy) relative to it.

    It can if the obstacle lies to one side of the line: what passes through it doesn't count, nor does what misses it.
    """
    back = dx * nodes.back[i, 1] - dy * nodes.back[i, 0]
    ahead = dx * nodes.ahead[i, 1] - dy * nodes.ahead[i, 0]
    return (back >= -TOUCHING and ahead >= -TOUCHING) or (back <= TOUCHING and ahead <= TOUCHING)


@njit(cache=True, nogil=True, error_model='numpy')
def visibility_graph(grid, nodes):
    """The reduced visibility graph: links the nodes between which a shortest path may go straight."""
    points, count = nodes.points, len(nodes.points)
    pairs, used = np.empty((64 + 8 * count, 2), np.int32), 0
    degrees = np.zeros(count + 1, np.int64)
    for i in range(count):
        for j in range(i + 1, count):
            dx, dy = points[j, 0] - points[i, 0], points[j, 1] - points[i, 1]
            if not (is_taut(nodes, i, dx, dy) and is_taut(nodes, j, -dx, -dy)):
                continue
            if not is_clear(grid, points[i, 0], points[i, 1], points[j, 0], points[j, 1]):
                continue
            if used == len(pairs):
                pairs = np.concatenate((pairs, np.empty_like(pairs)))
            pairs[used, 0], pairs[used, 1] = i, j
            used += 1
            degrees[i] += 1
            degrees[j] += 1
    return adjacency(points, pairs[:used], degrees)


@njit(cache=True, nogil=True, error_model='numpy')
def adjacency(points, pairs, degrees):
    """Adjacency lists of the pairs of neighbours, given how many each node has."""
    firsts = np.cumsum(degrees) - degrees
    at = firsts.copy()
    others, lengths = np.empty(2 * len(pairs), np.int64), np.empty(2 * len(pairs))
    for i, j in pairs:
        length = np.hypot(points[i, 0] - points[j, 0], points[i, 1] - points[j, 1])
        others[at[i]], others[at[j]] = j, i
        lengths[at[i]], lengths[at[j]] = length, length
        at[i] += 1
        at[j] += 1
    return Graph(firsts, others, lengths)


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
    points, walls, radius = nodes.points, grid.walls, grid.radius
    for i in range(len(points)):
        direct[i] = np.inf
        px, py = points[i]
        dx, dy = x - px, y - py
        if not is_taut(nodes, i, dx, dy) and (max(abs(dx), abs(dy)) >= near or np.hypot(dx, dy) >= near):
            continue
        if is_between(walls, screens[i], x, y, px, py, radius):
            continue
        wall = obstacle(grid, x, y, px, py)
        if wall >= 0:
            screens[i] = wall
        else:
            direct[i] = np.hypot(dx, dy)


@njit(cache=True, nogil=True, error_model='numpy')
def dijkstra(graph, lengths):
    """Dijkstra's algorithm: finds how far each node is, given how far the start is from those it sees; in place."""
    queue = [(0.0, -1)]
    queue.pop()
    for i in range(len(lengths)):
        if lengths[i] < np.inf:
            heappush(queue, (lengths[i], i))
    while queue:
        length, i = heappop(queue)
        if length > lengths[i]:
            continue
        for k in range(graph.firsts[i], graph.firsts[i + 1]):
            j = graph.others[k]
            if length + graph.lengths[k] < lengths[j]:
                lengths[j] = length + graph.lengths[k]
                heappush(queue, (lengths[j], j))


@njit(cache=True, nogil=True, error_model='numpy')
def node_distances(grid, nodes, goals, near):
    """The straight ways from each goal to the nodes it sees, and the shortest paths to all: (goal, node) each."""
    graph = visibility_graph(grid, nodes)
    direct = np.empty((len(goals), len(nodes.points)))
    screens = np.full(len(nodes.points), -1)
    for g in range(len(goals)):
        connect(grid, nodes, goals[g, 0], goals[g, 1], near, screens, direct[g])
    lengths = direct.copy()
    for g in range(len(goals)):
        dijkstra(graph, lengths[g])
    return direct, lengths


@njit(cache=True, nogil=True, error_model='numpy')
def goal_distances(grid, goals, direct, lengths):
    """The lengths of the shortest paths between goals: (goal, goal)."""
    found = np.zeros((len(goals), len(goals)))
    for g in range(len(goals)):
        for h in range(g):
            x, y = goals[h]
            if is_clear(grid, goals[g, 0], goals[g, 1], x, y):
                best = np.hypot(goals[g, 0] - x, goals[g, 1] - y)
            else:
                best = np.inf
                for i in range(len(direct[h])):
                    best = min(best, direct[h, i] + lengths[g, i])
            found[g, h] = found[h, g] = best
    return found


class Cells(NamedTuple):
    """A grid of cells, numbered row by row from the lower left."""

    left: float
    bottom: float
    side: float  # of a cell, in metres
    columns: int
    rows: int


class Entries(NamedTuple):
    """The entries of a lookup table: what shortest paths from each cell of a grid begin with."""

    visible: np.ndarray  # (cell, word) uint32: bit g % 32 of word g // 32 says whether the way to goal g is clear
    hops: np.ndarray  # (cell, hop): nodes one of which a path to any other goal goes to first, -1 where there are fewer


class Screens(NamedTuple):
    """The walls last found to hide each goal and each node, -1 where none was.

    They are likely to do so from a point nearby too, and to try one wall is quicker than to look for one.
    """

    goals: np.ndarray  # (goal,)
    nodes: np.ndarray  # (node,)


@njit(cache=True, nogil=True, error_model='numpy')
def look_around(grid, x, y, side, count):
    """Looks at count x count points of the square around (x, y), its corners among them, for one that is free.

    Returns:
        The free point nearest to the middle and a clearance of at least the radius; or, if there is none, the point of
        most clearance and that clearance.
    """
    nearest, most, best_x, best_y = np.inf, -np.inf, x, y
    for k in range(count * count):
        across, along = (k % count / (count - 1) - 0.5) * side, (k // count / (count - 1) - 0.5) * side
        off, room = np.hypot(across, along), clearance(grid, x + across, y + along)
        if (room >= grid.radius and off < nearest) or (nearest == np.inf and room > most):
            nearest, most = off if room >= grid.radius else np.inf, room
            best_x, best_y = x + across, y + along
    return best_x, best_y, most


@njit(cache=True, nogil=True, error_model='numpy')
def free_point(grid, cells, cell):
    """A free point of a cell, near its middle if may be, and true; or the point of most clearance there, and false."""
    x = cells.left + (cell % cells.columns + 0.5) * cells.side
    y = cells.bottom + (cell // cells.columns + 0.5) * cells.side
    if clearance(grid, x, y) >= grid.radius:
        return x, y, True
    best_x, best_y, room = look_around(grid, x, y, cells.side, 5)
    if grid.radius - cells.side / 5 < room < grid.radius:  # points are at most 0.18 sides from the nearest of these
        best_x, best_y, room = look_around(grid, x, y, cells.side, 16)
    return best_x, best_y, room >= grid.radius


@njit(cache=True, nogil=True, error_model='numpy')
def choose_hops(direct, lengths, hidden, tolerance, hops):
    """Chooses nodes such that paths through them to the hidden goals are within a tolerance of the shortest.

    Adds, as long as a path isn't and there is room for another, the first node of the path that is furthest from it.

    Args:
        direct: (node,): the straight ways to the nodes that can be seen, in metres.
        lengths: (goal, node): the shortest paths from there.
        hidden: (goal,): the goals that matter.
        tolerance: In metres.
        hops: (hop,): where to write the nodes chosen.
    """
    least, first = np.full(len(lengths), np.inf), np.full(len(lengths), -1)
    for g in range(len(lengths)):
        for i in range(len(direct) if hidden[g] else 0):
            if direct[i] + lengths[g, i] < least[g]:
                least[g], first[g] = direct[i] + lengths[g, i], i
    found = np.full(len(lengths), np.inf)
    for h in range(len(hops)):
        worst, node = tolerance, -1
        for g in range(len(lengths)):
            if first[g] >= 0 and found[g] - least[g] > worst:
                worst, node = found[g] - least[g], first[g]
        if node < 0:
            return
        hops[h] = node
        found = np.minimum(found, direct[node] + lengths[:, node])


@njit(cache=True, nogil=True, error_model='numpy')
def find_hidden(grid, goals, x, y, screens, hidden):
    """Visibility tests: writes which goals can't be gone to straight from a free point. Screens as in `connect`."""
    walls, radius = grid.walls, grid.radius
    for g in range(len(goals)):
        gx, gy = goals[g]
        hidden[g] = is_between(walls, screens[g], x, y, gx, gy, radius)
        if hidden[g]:
            continue
        wall = obstacle(grid, x, y, gx, gy)
        if wall >= 0:
            hidden[g], screens[g] = True, wall


@njit(cache=True, nogil=True, error_model='numpy')
def fill_cell(grid, nodes, goals, lengths, x, y, near, tolerance, screens, visible, hops):
    """Fills a cell of the lookup table: writes what shortest paths from a free point begin with."""
    hidden = np.empty(len(goals), np.bool_)
    find_hidden(grid, goals, x, y, screens.goals, hidden)
    for g in range(len(goals)):
        if not hidden[g]:
            visible[g // 32] |= np.uint32(1) << np.uint32(g % 32)
    direct = np.empty(len(nodes.points))
    connect(grid, nodes, x, y, near, screens.nodes, direct)
    seen = np.flatnonzero(direct < np.inf)
    chosen = np.full(len(hops), -1)
    choose_hops(direct[seen], lengths[:, seen], hidden, tolerance, chosen)
    for h in range(len(hops)):
        if chosen[h] >= 0:
            hops[h] = seen[chosen[h]]


@njit(cache=True, nogil=True, error_model='numpy')
def fill_lookup(grid, nodes, goals, lengths, cells, near, tolerance, most):
    """Fills the lookup table: an entry of at most so many hops for every cell that an agent can be in.

    A cell of which only a sliver is free, too thin for a point of it to be looked at, has that of a cell near it.
    """
    count = cells.columns * cells.rows
    visible = np.zeros((count, (len(goals) + 31) // 32), np.uint32)
    hops = np.full((count, most), -1, np.int32)
    points, free = np.empty((count, 2)), np.zeros(count, np.bool_)
    screens = Screens(np.full(len(goals), -1), np.full(len(nodes.points), -1))
    for cell in range(count):
        x, y, free[cell] = free_point(grid, cells, cell)
        points[cell, 0], points[cell, 1] = x, y
        if free[cell]:
            fill_cell(grid, nodes, goals, lengths, x, y, near, tolerance, screens, visible[cell], hops[cell])
    for cell in range(count):
        if not free[cell]:
            other = neighbour(grid, cells, points, free, cell)
            visible[cell], hops[cell] = visible[other], hops[other]
    return Entries(visible, hops)


@njit(cache=True, nogil=True, error_model='numpy')
def neighbour(grid, cells, points, free, cell):
    """Of the cells around one, that whose free point is nearest and not behind a wall; itself if there is none."""
    line = WallGrid(
        grid.walls, grid.firsts, grid.members, grid.left, grid.bottom, grid.side, grid.columns, grid.rows, 0.0
    )
    nearest, best = np.inf, cell
    column, row = cell % cells.columns, cell // cells.columns
    for j in range(max(row - 2, 0), min(row + 3, cells.rows)):
        for i in range(max(column - 2, 0), min(column + 3, cells.columns)):
            at = j * cells.columns + i
            away = np.hypot(points[at, 0] - points[cell, 0], points[at, 1] - points[cell, 1])
            if not free[at] or away >= nearest:
                continue
            if is_clear(line, points[cell, 0], points[cell, 1], points[at, 0], points[at, 1]):
                nearest, best = away, at
    return best
