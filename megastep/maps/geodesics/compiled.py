"""The loops over walls, corners and paths, compiled: all in one file, so that Numba compiles them anew together.

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


class Field(NamedTuple):
    """Walls, and for each square of a grid those that a disc may touch while its centre is in the square."""

    walls: np.ndarray  # (wall, 4): ax, ay, bx, by
    firsts: np.ndarray  # (square + 1,): where each square's walls begin in members
    members: np.ndarray  # (entry,): numbers of walls
    left: float
    bottom: float
    side: float  # of a square, in metres
    columns: int
    rows: int
    radius: float  # a wall nearer than this blocks


class Corners(NamedTuple):
    """Where shortest paths may bend: points around the corners that stick out into free space, see `bends`."""

    points: np.ndarray  # (node, 2)
    back: np.ndarray  # (node, 2): the way back along the obstacle, a unit vector
    ahead: np.ndarray  # (node, 2): the way on along it


class Links(NamedTuple):
    """A graph: node i's neighbours are ``others[firsts[i]:firsts[i + 1]]``."""

    firsts: np.ndarray
    others: np.ndarray
    lengths: np.ndarray  # in metres


@njit(cache=True, nogil=True, error_model='numpy')
def distance(walls, w, x, y):
    """How far a point is from a wall."""
    ax, ay, bx, by = walls[w]
    vx, vy = bx - ax, by - ay
    along = ((x - ax) * vx + (y - ay) * vy) / (vx * vx + vy * vy)
    along = min(max(along, 0.0), 1.0)
    return np.hypot(x - ax - along * vx, y - ay - along * vy)


@njit(cache=True, nogil=True, error_model='numpy')
def square(at, low, side, count):
    """Which square of a row or column a coordinate is in; the nearest if it is in none."""
    return min(max(int((at - low) / side), 0), count - 1)


@njit(cache=True, nogil=True, error_model='numpy')
def members(field, counting):
    """Enters each wall in the squares it can be touched from: first call to count them, and then to write them."""
    firsts, side = field.firsts, field.side
    reach = field.radius + side * np.sqrt(0.5) + TOUCHING
    for w in range(len(field.walls)):
        ax, ay, bx, by = field.walls[w]
        i_low = square(min(ax, bx) - field.radius, field.left, side, field.columns)
        i_high = square(max(ax, bx) + field.radius, field.left, side, field.columns)
        j_low = square(min(ay, by) - field.radius, field.bottom, side, field.rows)
        j_high = square(max(ay, by) + field.radius, field.bottom, side, field.rows)
        for j in range(j_low, j_high + 1):
            for i in range(i_low, i_high + 1):
                x, y = field.left + (i + 0.5) * side, field.bottom + (j + 0.5) * side
                if distance(field.walls, w, x, y) <= reach:
                    at = j * field.columns + i
                    if not counting:
                        field.members[firsts[at]] = w
                    firsts[at] += 1


@njit(cache=True, nogil=True, error_model='numpy')
def clearance(field, x, y):
    """How far a point is from the walls of its square: whether that is less than the radius is what it can tell."""
    i = square(x, field.left, field.side, field.columns)
    j = square(y, field.bottom, field.side, field.rows)
    at, nearest = j * field.columns + i, np.inf
    for k in range(field.firsts[at], field.firsts[at + 1]):
        nearest = min(nearest, distance(field.walls, field.members[k], x, y))
    return nearest


@njit(cache=True, nogil=True, error_model='numpy')
def blocks(walls, w, px, py, ux, uy, length, radius):
    """Whether a disc can't move from the free point p in direction u for a length without overlapping wall w."""
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
    """Whether wall w, if it isn't -1, keeps a disc from going straight from one free point to another."""
    length = np.hypot(qx - px, qy - py)
    if w < 0 or length == 0:
        return False
    return blocks(walls, w, px, py, (qx - px) / length, (qy - py) / length, length, radius)


@njit(cache=True, nogil=True, error_model='numpy')
def is_clear(field, px, py, qx, qy):
    """Whether a disc can go straight from one free point to another."""
    return obstacle(field, px, py, qx, qy) < 0


@njit(cache=True, nogil=True, error_model='numpy')
def obstacle(field, px, py, qx, qy):
    """The first wall found that keeps a disc from going straight from one free point to another, -1 if none does.

    Walks the squares of the grid on the way, as Amanatides & Woo (1987) do.
    """
    length = np.hypot(qx - px, qy - py)
    if length == 0:
        return -1
    ux, uy = (qx - px) / length, (qy - py) / length
    side = field.side
    i, j = square(px, field.left, side, field.columns), square(py, field.bottom, side, field.rows)
    step_i, step_j = (1 if ux > 0 else -1), (1 if uy > 0 else -1)
    pace_i, pace_j = (side / abs(ux) if ux != 0 else np.inf), (side / abs(uy) if uy != 0 else np.inf)
    next_i = (field.left + (i + (ux > 0)) * side - px) / ux if ux != 0 else np.inf
    next_j = (field.bottom + (j + (uy > 0)) * side - py) / uy if uy != 0 else np.inf
    while True:
        at = j * field.columns + i
        for k in range(field.firsts[at], field.firsts[at + 1]):
            if blocks(field.walls, field.members[k], px, py, ux, uy, length, field.radius):
                return field.members[k]
        if min(next_i, next_j) >= length:
            return -1
        if next_i < next_j:
            i, next_i = i + step_i, next_i + pace_i
        else:
            j, next_j = j + step_j, next_j + pace_j
        if not (0 <= i < field.columns and 0 <= j < field.rows):
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
def bends(field, begins, ends, order, firsts, radius, step):
    """Puts nodes around every corner that sticks out into free space, where a disc's centre can be there.

    A disc rolls around a corner along an arc. The nodes are those of the polygon around the arc that touches it at
    both its ends and at most ``step`` radians apart, so that a path along them is free.

    Args:
        field: The walls.
        begins: (wall,): the point each wall begins at, as a number.
        ends: (wall,): the point it ends at.
        order: (wall,): the walls sorted by the point they begin at.
        firsts: (point + 1,): where each point's walls begin in ``order``.
        radius: The disc's radius, in metres.
        step: The most a path turns at a node, in radians.
    """
    most = 0
    turns = np.empty(len(field.walls))
    for w in range(len(field.walls)):
        turns[w] = follower(field.walls, begins, ends, order, firsts, w)[0]
        most += max(0, int(np.ceil(turns[w] / step - 1e-6)))
    points, back, ahead = np.empty((most, 2)), np.empty((most, 2)), np.empty((most, 2))
    count = 0
    for w in range(len(field.walls)):
        if turns[w] <= 1e-9:
            continue
        ax, ay, bx, by = field.walls[w]
        parts = max(1, int(np.ceil(turns[w] / step - 1e-6)))
        part = turns[w] / parts
        heading = np.arctan2(by - ay, bx - ax)
        for k in range(parts):
            middle = heading + np.pi / 2 - (k + 0.5) * part
            x = bx + radius / np.cos(part / 2) * np.cos(middle)
            y = by + radius / np.cos(part / 2) * np.sin(middle)
            if clearance(field, x, y) < field.radius:
                continue
            before, after = heading - k * part, heading - (k + 1) * part
            points[count, 0], points[count, 1] = x, y
            back[count, 0], back[count, 1] = -np.cos(before), -np.sin(before)
            ahead[count, 0], ahead[count, 1] = np.cos(after), np.sin(after)
            count += 1
    return Corners(points[:count], back[:count], ahead[:count])


@njit(cache=True, nogil=True, error_model='numpy')
def is_taut(corners, i, dx, dy):
    """Whether a shortest path can bend at node i on coming from or going to (dx, dy) relative to it.

    It can if the obstacle lies to one side of the line: what passes through it doesn't count, nor does what misses it.
    """
    back = dx * corners.back[i, 1] - dy * corners.back[i, 0]
    ahead = dx * corners.ahead[i, 1] - dy * corners.ahead[i, 0]
    return (back >= -TOUCHING and ahead >= -TOUCHING) or (back <= TOUCHING and ahead <= TOUCHING)


@njit(cache=True, nogil=True, error_model='numpy')
def link(field, corners):
    """Links the nodes between which a shortest path may go straight."""
    points, count = corners.points, len(corners.points)
    pairs, used = np.empty((64 + 8 * count, 2), np.int32), 0
    degrees = np.zeros(count + 1, np.int64)
    for i in range(count):
        for j in range(i + 1, count):
            dx, dy = points[j, 0] - points[i, 0], points[j, 1] - points[i, 1]
            if not (is_taut(corners, i, dx, dy) and is_taut(corners, j, -dx, -dy)):
                continue
            if not is_clear(field, points[i, 0], points[i, 1], points[j, 0], points[j, 1]):
                continue
            if used == len(pairs):
                pairs = np.concatenate((pairs, np.empty_like(pairs)))
            pairs[used, 0], pairs[used, 1] = i, j
            used += 1
            degrees[i] += 1
            degrees[j] += 1
    return links(points, pairs[:used], degrees)


@njit(cache=True, nogil=True, error_model='numpy')
def links(points, pairs, degrees):
    """Lists each node's neighbours, given the pairs of neighbours and how many each node has."""
    firsts = np.cumsum(degrees) - degrees
    at = firsts.copy()
    others, lengths = np.empty(2 * len(pairs), np.int64), np.empty(2 * len(pairs))
    for i, j in pairs:
        length = np.hypot(points[i, 0] - points[j, 0], points[i, 1] - points[j, 1])
        others[at[i]], others[at[j]] = j, i
        lengths[at[i]], lengths[at[j]] = length, length
        at[i] += 1
        at[j] += 1
    return Links(firsts, others, lengths)


@njit(cache=True, nogil=True, error_model='numpy')
def reach(field, corners, x, y, near, screens, ways):
    """Writes how far a free point is from each node that a shortest path from it may go straight to; inf elsewhere.

    A point nearer to a node than ``near`` may lie between it and the arc, where every way is to the wrong side.

    Args:
        field: The walls.
        corners: The nodes.
        x: Where the point is, in metres.
        y: And y.
        near: In metres.
        screens: (node,): a wall to try first as what hides each node, or -1: see `Screens`. Written in place.
        ways: (node,): where to write.
    """
    points, walls, radius = corners.points, field.walls, field.radius
    for i in range(len(points)):
        ways[i] = np.inf
        px, py = points[i]
        dx, dy = x - px, y - py
        if not is_taut(corners, i, dx, dy) and (max(abs(dx), abs(dy)) >= near or np.hypot(dx, dy) >= near):
            continue
        if is_between(walls, screens[i], x, y, px, py, radius):
            continue
        wall = obstacle(field, x, y, px, py)
        if wall >= 0:
            screens[i] = wall
        else:
            ways[i] = np.hypot(dx, dy)


@njit(cache=True, nogil=True, error_model='numpy')
def search(links, lengths):
    """Finds how far each node is, given how far the start is from those it sees, by Dijkstra's algorithm; in place."""
    queue = [(0.0, -1)]
    queue.pop()
    for i in range(len(lengths)):
        if lengths[i] < np.inf:
            heappush(queue, (lengths[i], i))
    while queue:
        length, i = heappop(queue)
        if length > lengths[i]:
            continue
        for k in range(links.firsts[i], links.firsts[i + 1]):
            j = links.others[k]
            if length + links.lengths[k] < lengths[j]:
                lengths[j] = length + links.lengths[k]
                heappush(queue, (lengths[j], j))


@njit(cache=True, nogil=True, error_model='numpy')
def node_distances(field, corners, goals, near):
    """The ways from each goal to the nodes it sees, and the shortest paths to all: (goal, node) each."""
    graph = link(field, corners)
    ways = np.empty((len(goals), len(corners.points)))
    screens = np.full(len(corners.points), -1)
    for g in range(len(goals)):
        reach(field, corners, goals[g, 0], goals[g, 1], near, screens, ways[g])
    lengths = ways.copy()
    for g in range(len(goals)):
        search(graph, lengths[g])
    return ways, lengths


@njit(cache=True, nogil=True, error_model='numpy')
def between(field, goals, ways, lengths):
    """The shortest paths between goals: (goal, goal)."""
    found = np.zeros((len(goals), len(goals)))
    for g in range(len(goals)):
        for h in range(g):
            x, y = goals[h]
            if is_clear(field, goals[g, 0], goals[g, 1], x, y):
                best = np.hypot(goals[g, 0] - x, goals[g, 1] - y)
            else:
                best = np.inf
                for i in range(len(ways[h])):
                    best = min(best, ways[h, i] + lengths[g, i])
            found[g, h] = found[h, g] = best
    return found


class Grid(NamedTuple):
    """A grid of cells, numbered row by row from the lower left."""

    left: float
    bottom: float
    side: float  # of a cell, in metres
    columns: int
    rows: int


class Signposts(NamedTuple):
    """What shortest paths from each cell of a grid begin with."""

    sees: np.ndarray  # (cell, word) uint32: bit g % 32 of word g // 32 says whether the way to goal g is clear
    hops: np.ndarray  # (cell, hop): nodes one of which a path to any other goal goes to first, -1 where there are fewer


class Screens(NamedTuple):
    """The walls last found to hide each goal and each node, -1 where none was.

    They are likely to do so from a point nearby too, and to try one wall is quicker than to look for one.
    """

    goals: np.ndarray  # (goal,)
    nodes: np.ndarray  # (node,)


@njit(cache=True, nogil=True, error_model='numpy')
def look_around(field, x, y, side, count):
    """Looks at count x count points of the square around (x, y), its corners among them, for one that is free.

    Returns:
        The free point nearest to the middle and a clearance of at least the radius; or, if there is none, the point of
        most clearance and that clearance.
    """
    nearest, most, best_x, best_y = np.inf, -np.inf, x, y
    for k in range(count * count):
        across, along = (k % count / (count - 1) - 0.5) * side, (k // count / (count - 1) - 0.5) * side
        off, room = np.hypot(across, along), clearance(field, x + across, y + along)
        if (room >= field.radius and off < nearest) or (nearest == np.inf and room > most):
            nearest, most = off if room >= field.radius else np.inf, room
            best_x, best_y = x + across, y + along
    return best_x, best_y, most


@njit(cache=True, nogil=True, error_model='numpy')
def stand(field, grid, cell):
    """A free point of a cell, near its middle if may be, and true; or the point of most clearance there, and false."""
    x = grid.left + (cell % grid.columns + 0.5) * grid.side
    y = grid.bottom + (cell // grid.columns + 0.5) * grid.side
    if clearance(field, x, y) >= field.radius:
        return x, y, True
    best_x, best_y, room = look_around(field, x, y, grid.side, 5)
    if field.radius - grid.side / 5 < room < field.radius:  # points are at most 0.18 sides from the nearest of these
        best_x, best_y, room = look_around(field, x, y, grid.side, 16)
    return best_x, best_y, room >= field.radius


@njit(cache=True, nogil=True, error_model='numpy')
def choose(ways, lengths, hidden, tolerance, hops):
    """Chooses nodes such that paths through them to the hidden goals are within a tolerance of the shortest.

    Adds, as long as a path isn't and there is room for another, the first node of the path that is furthest from it.

    Args:
        ways: (node,): the straight ways to the nodes that can be seen, in metres.
        lengths: (goal, node): the shortest paths from there.
        hidden: (goal,): the goals that matter.
        tolerance: In metres.
        hops: (hop,): where to write the nodes chosen.
    """
    least, first = np.full(len(lengths), np.inf), np.full(len(lengths), -1)
    for g in range(len(lengths)):
        for i in range(len(ways) if hidden[g] else 0):
            if ways[i] + lengths[g, i] < least[g]:
                least[g], first[g] = ways[i] + lengths[g, i], i
    found = np.full(len(lengths), np.inf)
    for h in range(len(hops)):
        worst, node = tolerance, -1
        for g in range(len(lengths)):
            if first[g] >= 0 and found[g] - least[g] > worst:
                worst, node = found[g] - least[g], first[g]
        if node < 0:
            return
        hops[h] = node
        found = np.minimum(found, ways[node] + lengths[:, node])


@njit(cache=True, nogil=True, error_model='numpy')
def look(field, goals, x, y, screens, hidden):
    """Writes which goals can't be gone to straight from a free point. Screens are as in `reach`."""
    walls, radius = field.walls, field.radius
    for g in range(len(goals)):
        gx, gy = goals[g]
        hidden[g] = is_between(walls, screens[g], x, y, gx, gy, radius)
        if hidden[g]:
            continue
        wall = obstacle(field, x, y, gx, gy)
        if wall >= 0:
            hidden[g], screens[g] = True, wall


@njit(cache=True, nogil=True, error_model='numpy')
def post(field, corners, goals, lengths, x, y, near, tolerance, screens, sees, hops):
    """Writes what shortest paths from a free point begin with."""
    hidden = np.empty(len(goals), np.bool_)
    look(field, goals, x, y, screens.goals, hidden)
    for g in range(len(goals)):
        if not hidden[g]:
            sees[g // 32] |= np.uint32(1) << np.uint32(g % 32)
    ways = np.empty(len(corners.points))
    reach(field, corners, x, y, near, screens.nodes, ways)
    seen = np.flatnonzero(ways < np.inf)
    chosen = np.full(len(hops), -1)
    choose(ways[seen], lengths[:, seen], hidden, tolerance, chosen)
    for h in range(len(hops)):
        if chosen[h] >= 0:
            hops[h] = seen[chosen[h]]


@njit(cache=True, nogil=True, error_model='numpy')
def signposts(field, corners, goals, lengths, grid, near, tolerance, most):
    """Puts up a signpost in every cell of a grid that an agent can be in, with at most so many hops.

    A cell of which only a sliver is free, too thin for a point of it to be looked at, has that of a cell near it.
    """
    cells = grid.columns * grid.rows
    sees = np.zeros((cells, (len(goals) + 31) // 32), np.uint32)
    hops = np.full((cells, most), -1, np.int32)
    points, free = np.empty((cells, 2)), np.zeros(cells, np.bool_)
    screens = Screens(np.full(len(goals), -1), np.full(len(corners.points), -1))
    for cell in range(cells):
        x, y, free[cell] = stand(field, grid, cell)
        points[cell, 0], points[cell, 1] = x, y
        if free[cell]:
            post(field, corners, goals, lengths, x, y, near, tolerance, screens, sees[cell], hops[cell])
    for cell in range(cells):
        if not free[cell]:
            other = neighbour(field, grid, points, free, cell)
            sees[cell], hops[cell] = sees[other], hops[other]
    return Signposts(sees, hops)


@njit(cache=True, nogil=True, error_model='numpy')
def neighbour(field, grid, points, free, cell):
    """Of the cells around one, that whose free point is nearest and not behind a wall; itself if there is none."""
    line = Field(
        field.walls, field.firsts, field.members, field.left, field.bottom, field.side, field.columns, field.rows, 0.0
    )
    nearest, best = np.inf, cell
    column, row = cell % grid.columns, cell // grid.columns
    for j in range(max(row - 2, 0), min(row + 3, grid.rows)):
        for i in range(max(column - 2, 0), min(column + 3, grid.columns)):
            at = j * grid.columns + i
            away = np.hypot(points[at, 0] - points[cell, 0], points[at, 1] - points[cell, 1])
            if not free[at] or away >= nearest:
                continue
            if is_clear(line, points[cell, 0], points[cell, 1], points[at, 0], points[at, 1]):
                nearest, best = away, at
    return best
