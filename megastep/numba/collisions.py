"""Collision detection and response: discs that sweep through walls and each other, and slide along what they touch.

Continuous collision: each disc goes to the time of impact. The twin is `megastep.triton.collisions`.
"""

from typing import NamedTuple

import numpy as np
from numba import njit, prange

from megastep.numba import buffers
from megastep.numba.constants import DEGREE, HALF, ONE, TWO, ZERO
from megastep.numba.impacts import NEVER, NUDGE, away, chord_clearance, impact

SKIN = np.float32(1e-4)
"""Discs stop this far, in metres, before they touch."""
LONGEST = np.float32(1024)
"""No step leads further than this, in metres along x or y: further than any map reaches."""
SLIDES, HALVINGS = 4, 3
TINY = np.float32(1e-30)
MORE = np.float32(1 + 1e-4)
"""Rounding and nudges make a slide no longer than this, compared with its move, but for a skin."""


class Obstacles(NamedTuple):
    """Obstacles: what an env's agents may touch."""

    walls: np.ndarray  # in the order of their boxes
    numbers: np.ndarray  # each one's among the map's walls
    boxes: np.ndarray  # bounding volumes: one around every few walls
    walls_per_box: int
    others: np.ndarray  # all the agents' positions
    sides: int  # how many lines an agent's outline has
    radius: np.float32  # an agent's
    discs: np.ndarray  # its solid markers, see `solid_discs`
    first_marker_line: int
    scratch: np.ndarray  # a place for the numbers of the walls that an agent may reach


@njit(cache=True, error_model='numpy')
def solid_discs(markers, e):
    """Env e's solid markers: the x, y and radius of each; the radius of one that isn't there is 0."""
    discs = np.zeros((markers.visible.shape[1], 3), np.float32)
    for k in range(len(discs)):
        x, y, radius = markers.positions[e, k, 0], markers.positions[e, k, 1], markers.radii[e, k]
        if markers.visible[e, k] and np.isfinite(x) and np.isfinite(y) and ZERO < radius < np.inf:
            discs[k, 0], discs[k, 1], discs[k, 2] = x, y, radius
    return discs


@njit(cache=True, error_model='numpy')
def obstacles_in(maps, m, others, discs, first_marker_line, radius):
    """The obstacles of agents at the positions ``others`` in map m, among solid discs."""
    first, last = maps.wall_starts[m], maps.wall_starts[m] + maps.wall_widths[m]
    boxes = maps.boxes[maps.box_starts[m] : maps.box_starts[m] + maps.box_widths[m]]
    walls, numbers, scratch = maps.boxed_walls[first:last], maps.numbers[first:last], np.empty(last - first, np.int32)
    return Obstacles(
        walls, numbers, boxes, maps.walls_per_box, others, len(maps.outline), radius, discs, first_marker_line, scratch
    )


class Outcome(NamedTuple):
    """Results of a step besides the agents' state: an entry an agent in each."""

    contacts: np.ndarray
    non_finite: np.ndarray
    stops: np.ndarray
    progress: np.ndarray


@njit(cache=True, error_model='numpy')
def around(px, py, dx, dy, margin):
    """The box around the move d from p: the least x and y, and the greatest, a margin further out."""
    left, bottom = min(px, px + dx) - margin, min(py, py + dy) - margin
    return left, bottom, max(px, px + dx) + margin, max(py, py + dy) + margin


@njit(cache=True, error_model='numpy')
def apart(box, left, bottom, right, top):
    """True if two boxes don't meet."""
    return right < box[0] or top < box[1] or left > box[2] or bottom > box[3]


@njit(cache=True, error_model='numpy')
def nearby(obstacles, px, py, dx, dy):
    """The broad phase: the walls that a move by d from p may lead to, however it slides: it ends within d's length."""
    walls, _, boxes, per_box, _, _, radius, _, _, scratch = obstacles
    reach = np.sqrt(dx * dx + dy * dy) * MORE
    around_all = around(px, py, ZERO, ZERO, reach + radius + TWO * SKIN)
    count = 0
    for i in range(len(boxes)):
        if apart(around_all, boxes[i, 0], boxes[i, 1], boxes[i, 2], boxes[i, 3]):
            continue
        for k in range(i * per_box, min((i + 1) * per_box, len(walls))):
            ax, ay, bx, by = walls[k, 0, 0], walls[k, 0, 1], walls[k, 1, 0], walls[k, 1, 1]
            if not apart(around_all, min(ax, bx), min(ay, by), max(ax, bx), max(ay, by)):
                scratch[count] = k
                count += 1
    return scratch[:count]


@njit(cache=True, error_model='numpy')
def first_impact(obstacles, near, a, px, py, dx, dy):
    """The first thing agent a touches on its move d: when, as a share of d; its normal; and its line, -1 for none.

    Of things touched at the same time it is the one that the move leads into the most. ``near`` are the walls that are
    tried.
    """
    time, nx, ny, line, into = NEVER, ZERO, ZERO, -1, ZERO
    walls, numbers, _, _, others, sides, radius, discs, first_marker_line, _ = obstacles
    swept = around(px, py, dx, dy, radius + TWO * SKIN)
    for k in near:
        ax, ay, bx, by = walls[k, 0, 0], walls[k, 0, 1], walls[k, 1, 0], walls[k, 1, 1]
        if apart(swept, min(ax, bx), min(ay, by), max(ax, bx), max(ay, by)):
            continue
        t, x, y = impact(px, py, dx, dy, ax, ay, bx, by, radius + SKIN)
        if t < time or (t == time and dx * x + dy * y < into):
            time, nx, ny, line, into = t, x, y, len(others) * sides + numbers[k], dx * x + dy * y
    for b in range(len(others)):
        if b != a:
            x, y = others[b, 0], others[b, 1]
            t, x, y = impact(px, py, dx, dy, x, y, x, y, TWO * radius + SKIN)
            if t < time or (t == time and dx * x + dy * y < into):
                time, nx, ny, line, into = t, x, y, b * sides, dx * x + dy * y
    for k in range(len(discs)):
        x, y, reach = discs[k, 0], discs[k, 1], discs[k, 2] + radius + SKIN
        if discs[k, 2] > ZERO:
            t, x, y = impact(px, py, dx, dy, x, y, x, y, reach)
            if t < time or (t == time and dx * x + dy * y < into):
                time, nx, ny, line, into = t, x, y, first_marker_line + k, dx * x + dy * y
    return (time, nx, ny, line) if time <= ONE else (ONE, ZERO, ZERO, -1)


@njit(cache=True, error_model='numpy')
def safe(obstacles, near, a, px, py, qx, qy):
    """True if the way from p to q keeps clear of everything by the radius, or as clear as p is if that is less."""
    walls, _, _, _, others, _, radius, discs, _, _ = obstacles
    swept = around(px, py, qx - px, qy - py, radius + TWO * SKIN)
    for k in near:
        ax, ay, bx, by = walls[k, 0, 0], walls[k, 0, 1], walls[k, 1, 0], walls[k, 1, 1]
        if apart(swept, min(ax, bx), min(ay, by), max(ax, bx), max(ay, by)):
            continue
        clearance, before = chord_clearance(px, py, qx, qy, ax, ay, bx, by)
        if clearance < min(radius + HALF * SKIN, before):
            return False
    for b in range(len(others)):
        if b != a:
            x, y = others[b, 0], others[b, 1]
            enough = min(TWO * radius + HALF * SKIN, away(x, y, px, py, px, py)[2])
            if away(x, y, px, py, qx, qy)[2] < enough:
                return False
    for k in range(len(discs)):
        x, y = discs[k, 0], discs[k, 1]
        if discs[k, 2] > ZERO:
            enough = min(discs[k, 2] + radius + HALF * SKIN, away(x, y, px, py, px, py)[2])
            if away(x, y, px, py, qx, qy)[2] < enough:
                return False
    return True


@njit(cache=True, error_model='numpy')
def committed(obstacles, near, a, px, py, dx, dy):
    """The share of the move d that is safe to make: all of it, else a half, a quarter or an eighth, else nothing.

    Returns:
        The share of d, and the position it leads to.
    """
    share = ONE
    for _ in range(HALVINGS + 1):
        qx, qy = px + share * dx, py + share * dy
        if safe(obstacles, near, a, px, py, qx, qy):
            return share, qx, qy
        share *= HALF
    return ZERO, px, py


@njit(cache=True, error_model='numpy')
def side_touched(outline, angle, nx, ny):
    """The side of an agent's outline that faces along the normal."""
    best, side = -TWO, 0
    cos, sin = np.cos(angle * DEGREE), np.sin(angle * DEGREE)
    for k in range(len(outline)):
        ax, ay, bx, by = outline[k, 0, 0], outline[k, 0, 1], outline[k, 1, 0], outline[k, 1, 1]
        x, y = cos * (ax + bx) - sin * (ay + by), sin * (ax + bx) + cos * (ay + by)
        if x * nx + y * ny > best:
            best, side = x * nx + y * ny, k
    return side


class Moved(NamedTuple):
    """Result of an agent's move."""

    x: np.float32
    y: np.float32
    vx: np.float32
    vy: np.float32
    progress: np.float32  # the share of the move made before the first contact
    line: int  # the first line touched, an agent's first if it was an agent, -1 for none
    nx: np.float32  # the normal there
    ny: np.float32
    blocked: bool  # whether no part of what was left of the move was safe to make


@njit(cache=True, error_model='numpy')
def move(obstacles, a, px, py, vx, vy, dx, dy, slide):
    """Moves agent a by d.

    Moves to the first impact, takes the part into the surface out of the rest of the move and of the velocity, and
    goes on with the rest, up to the fourth impact. Where two surfaces meet in a corner it stops.
    """
    progress, touched, touched_x, touched_y, blocked = ONE, -1, ZERO, ZERO, False
    last_x, last_y, since = ZERO, ZERO, np.float32(np.inf)
    near = nearby(obstacles, px, py, dx, dy)
    for _ in range(SLIDES):
        if dx == ZERO and dy == ZERO:
            break
        time, nx, ny, line = first_impact(obstacles, near, a, px, py, dx, dy)
        share, px, py = committed(obstacles, near, a, px, py, time * dx, time * dy)
        if touched < 0 and (line >= 0 or share < ONE):
            progress, touched, touched_x, touched_y = share * time, line, nx, ny
        blocked = share == ZERO
        if line < 0 and not blocked:
            break
        since += time * np.sqrt(dx * dx + dy * dy)
        dx, dy = (ONE - time) * dx, (ONE - time) * dy
        into, speed_into = min(dx * nx + dy * ny, ZERO), min(vx * nx + vy * ny, ZERO)
        dx, dy = dx - (into - NUDGE) * nx, dy - (into - NUDGE) * ny
        vx, vy = vx - speed_into * nx, vy - speed_into * ny
        cornered = since < SKIN and dx * last_x + dy * last_y < ZERO
        if blocked or cornered or not slide:
            vx, vy = ZERO, ZERO
            break
        last_x, last_y, since = nx, ny, ZERO
    return Moved(px, py, vx, vy, progress, touched, touched_x, touched_y, blocked)


@njit(cache=True, error_model='numpy')
def advance_agent(obstacles, outline, agents, e, a, step, slide, outcome):
    """Moves agent a of env e. A velocity that isn't finite counts as none; one beyond `LONGEST` a step as that."""
    vx, vy = agents.velocities[e, a, 0], agents.velocities[e, a, 1]
    if not (np.isfinite(vx) and np.isfinite(vy)):
        vx, vy = ZERO, ZERO
        outcome.non_finite[e, a] += 1
    scale = min(LONGEST / max(abs(vx * step), abs(vy * step), TINY), ONE)
    vx, vy = scale * vx, scale * vy
    x, y = agents.positions[e, a, 0], agents.positions[e, a, 1]
    moved = move(obstacles, a, x, y, vx, vy, vx * step, vy * step, slide)
    line = moved.line
    if 0 <= line < len(obstacles.others) * len(outline):
        line += side_touched(outline, agents.angles[e, line // len(outline)], moved.nx, moved.ny)
    agents.positions[e, a, 0], agents.positions[e, a, 1] = moved.x, moved.y
    agents.velocities[e, a, 0], agents.velocities[e, a, 1] = moved.vx, moved.vy
    outcome.contacts[e, a], outcome.progress[e, a] = line, scale * moved.progress
    outcome.stops[e, a] += moved.blocked


@njit(cache=True, error_model='numpy')
def advance_env(maps, agents, markers, e, radius, step, slide, turn, outcome):
    """Moves an env's agents one after another, in an order that turns every step, then turns them."""
    num_agents = agents.positions.shape[1]
    m, discs = agents.map_ids[e], solid_discs(markers, e)
    obstacles = obstacles_in(maps, m, agents.positions[e], discs, markers.first_line, radius)
    for i in range(num_agents):
        advance_agent(obstacles, maps.outline, agents, e, (i + turn) % num_agents, step, slide, outcome)
    for a in range(num_agents):
        if not np.isfinite(agents.angular_velocities[e, a]):
            agents.angular_velocities[e, a] = ZERO
            outcome.non_finite[e, a] += 1
        angle = agents.angles[e, a] + agents.angular_velocities[e, a] * step
        agents.angles[e, a] = angle - np.float32(360) * np.floor((angle + np.float32(180)) / np.float32(360))


@njit(cache=True, parallel=True, error_model='numpy')
def _advance(maps, agents, markers, radius, step, turns, outcome, slide):
    for e in prange(len(agents.positions)):  # only a call: Numba loses writes to a named tuple's arrays made here
        advance_env(maps, agents, markers, e, radius, step, slide, turns[e], outcome)


def advance(core, progress, *, slide):
    """Moves every agent for one step: see `megastep.world.physics.advance`."""
    outcome = Outcome(core.contacts.numpy(), core.non_finite.numpy(), core.stops.numpy(), progress.numpy())
    maps, agents, markers = buffers.maps(core.scenery), buffers.agents(core), buffers.solid_markers(core)
    radius, step = np.float32(core.agent_radius), np.float32(1 / core.fps)
    _advance(maps, agents, markers, radius, step, core.turn.numpy(), outcome, slide)
