"""Moves agents: discs that sweep through walls and each other, and slide along what they touch."""

import math

import numpy as np
from numba import njit, prange

from megastep.numba import buffers

ZERO, HALF, ONE, TWO = np.float32(0), np.float32(0.5), np.float32(1), np.float32(2)
SKIN = np.float32(1e-4)
"""Discs stop this far, in metres, before they touch."""
NUDGE = np.float32(2e-6)
"""A slide leads this far, in metres, away from the surface, so that rounding doesn't lead it into it."""
NEVER = np.float32(2)
SLIDES, HALVINGS = 4, 3
DEGREE = np.float32(math.pi / 180)


@njit(cache=True, error_model='numpy')
def away(px, py, ax, ay, bx, by):
    """The unit vector to p from the nearest point of the segment from a to b, and p's distance.

    On the segment itself the vector points to the segment's left, where free space is.
    """
    vx, vy = bx - ax, by - ay
    dx, dy = px - ax, py - ay
    square = vx * vx + vy * vy
    along = dx * vx + dy * vy
    if ZERO < along < square:  # the foot is inside: by the cross product, which keeps its precision near the wall
        length = np.sqrt(square)
        height = (vx * dy - vy * dx) / length
        side = ONE if height >= ZERO else -ONE
        return -side * vy / length, side * vx / length, side * height
    if along > ZERO:
        dx, dy = px - bx, py - by
    distance = np.sqrt(dx * dx + dy * dy)
    if distance > ZERO:
        return dx / distance, dy / distance, distance
    length = max(np.sqrt(square), np.float32(1e-30))
    return -vy / length, vx / length, ZERO


@njit(cache=True, error_model='numpy')
def disc_impact(px, py, dx, dy, cx, cy, radius):
    """The share of the move d after which p comes within ``radius`` of c, from further away; NEVER if it doesn't.

    A time that rounding has made a little negative is 0, not a miss.
    """
    length = np.sqrt(dx * dx + dy * dy)
    mx, my = cx - px, cy - py
    ahead = (mx * dx + my * dy) / length
    aside = (dx * my - dy * mx) / length
    half_chord_square = (radius - aside) * (radius + aside)
    if ahead <= ZERO or half_chord_square <= ZERO:
        return NEVER
    return max((ahead - np.sqrt(half_chord_square)) / length, ZERO)


@njit(cache=True, error_model='numpy')
def impact(px, py, dx, dy, ax, ay, bx, by, reach):
    """When the move d first brings p within ``reach`` of the segment, as a share of d, and the surface's normal there.

    From within reach already, only a move that leads nearer is an impact, at once.
    """
    nx, ny, distance = away(px, py, ax, ay, bx, by)
    if distance <= reach:
        return (ZERO if dx * nx + dy * ny < ZERO else NEVER), nx, ny

    time = NEVER
    vx, vy = bx - ax, by - ay
    length = np.sqrt(vx * vx + vy * vy)
    if length > ZERO:
        ux, uy = vx / length, vy / length
        height = ux * (py - ay) - uy * (px - ax)
        side = ONE if height >= ZERO else -ONE
        approach = side * (uy * dx - ux * dy)
        if approach > ZERO:
            flat = max((side * height - reach) / approach, ZERO)
            along = ux * (px + flat * dx - ax) + uy * (py + flat * dy - ay)
            if ZERO <= along <= length:
                time, nx, ny = flat, -side * uy, side * ux
    for ex, ey in ((ax, ay), (bx, by)):
        end = disc_impact(px, py, dx, dy, ex, ey, reach)
        if end < time:
            time, nx, ny = end, (px + end * dx - ex) / reach, (py + end * dy - ey) / reach
    return time, nx, ny


@njit(cache=True, error_model='numpy')
def chord_clearance(px, py, qx, qy, ax, ay, bx, by):
    """The distance between the way from p to q and the segment from a to b; 0 where they cross."""
    dx, dy, vx, vy = qx - px, qy - py, bx - ax, by - ay
    side_a, side_b = dx * (ay - py) - dy * (ax - px), dx * (by - py) - dy * (bx - px)
    side_p, side_q = vx * (py - ay) - vy * (px - ax), vx * (qy - ay) - vy * (qx - ax)
    if side_a * side_b < ZERO and side_p * side_q < ZERO:
        return ZERO
    nearest = min(away(px, py, ax, ay, bx, by)[2], away(qx, qy, ax, ay, bx, by)[2])
    return min(nearest, away(ax, ay, px, py, qx, qy)[2], away(bx, by, px, py, qx, qy)[2])


@njit(cache=True, error_model='numpy')
def out_of_reach(px, py, dx, dy, ax, ay, bx, by, reach):
    """Whether the box around the move d and the box around the segment are further apart than ``reach``."""
    margin = reach + SKIN
    left, right = min(px, px + dx) - margin, max(px, px + dx) + margin
    bottom, top = min(py, py + dy) - margin, max(py, py + dy) + margin
    return max(ax, bx) < left or min(ax, bx) > right or max(ay, by) < bottom or min(ay, by) > top


@njit(cache=True, error_model='numpy')
def first_impact(maps, m, others, a, radius, px, py, dx, dy):
    """The first thing agent a touches on its move d: when, as a share of d; its normal; and its line, -1 for none."""
    time, nx, ny, line = NEVER, ZERO, ZERO, -1
    first_line = len(others) * len(maps.outline)
    for k in range(maps.wall_widths[m]):
        (ax, ay), (bx, by) = maps.walls[maps.wall_starts[m] + k, 0], maps.walls[maps.wall_starts[m] + k, 1]
        if out_of_reach(px, py, dx, dy, ax, ay, bx, by, radius):
            continue
        t, x, y = impact(px, py, dx, dy, ax, ay, bx, by, radius + SKIN)
        if t < time:
            time, nx, ny, line = t, x, y, first_line + k
    for b in range(len(others)):
        if b != a:
            x, y = others[b, 0], others[b, 1]
            t, x, y = impact(px, py, dx, dy, x, y, x, y, TWO * radius + SKIN)
            if t < time:
                time, nx, ny, line = t, x, y, b * len(maps.outline)
    return (time, nx, ny, line) if time <= ONE else (ONE, ZERO, ZERO, -1)


@njit(cache=True, error_model='numpy')
def safe(maps, m, others, a, radius, px, py, qx, qy):
    """Whether the way from p to q keeps clear of everything by the radius, or as clear as p is if that is less."""
    for w in range(maps.wall_starts[m], maps.wall_starts[m] + maps.wall_widths[m]):
        (ax, ay), (bx, by) = maps.walls[w, 0], maps.walls[w, 1]
        if out_of_reach(px, py, qx - px, qy - py, ax, ay, bx, by, radius):
            continue
        enough = min(radius + HALF * SKIN, away(px, py, ax, ay, bx, by)[2])
        if chord_clearance(px, py, qx, qy, ax, ay, bx, by) < enough:
            return False
    for b in range(len(others)):
        if b != a:
            x, y = others[b, 0], others[b, 1]
            enough = min(TWO * radius + HALF * SKIN, away(x, y, px, py, px, py)[2])
            if away(x, y, px, py, qx, qy)[2] < enough:
                return False
    return True


@njit(cache=True, error_model='numpy')
def committed(maps, m, others, a, radius, px, py, dx, dy):
    """The share of the move d that is safe to make: all of it, else a half, a quarter or an eighth, else nothing."""
    share = ONE
    for _ in range(HALVINGS + 1):
        if safe(maps, m, others, a, radius, px, py, px + share * dx, py + share * dy):
            return share
        share *= HALF
    return ZERO


@njit(cache=True, error_model='numpy')
def side_touched(maps, angle, nx, ny):
    """The side of an agent's outline that faces along the normal."""
    best, side = -TWO, 0
    cos, sin = np.cos(angle * DEGREE), np.sin(angle * DEGREE)
    for k in range(len(maps.outline)):
        (ax, ay), (bx, by) = maps.outline[k, 0], maps.outline[k, 1]
        x, y = cos * (ax + bx) - sin * (ay + by), sin * (ax + bx) + cos * (ay + by)
        if x * nx + y * ny > best:
            best, side = x * nx + y * ny, k
    return side


@njit(cache=True, error_model='numpy')
def move(maps, m, others, a, radius, px, py, vx, vy, step, slide):
    """Moves agent a for one step.

    Moves to the first impact, takes the part into the surface out of the rest of the move and of the velocity, and
    goes on with the rest, four times at most. Where two surfaces meet in a corner it stops.

    Returns:
        Position, velocity, the share of the move made before the first contact, the first line touched and the normal
        there.
    """
    dx, dy = vx * step, vy * step
    progress, touched, touched_x, touched_y = ONE, -1, ZERO, ZERO
    last_x, last_y, since = ZERO, ZERO, np.float32(np.inf)
    for bounce in range(SLIDES + 1):
        if dx == ZERO and dy == ZERO:
            break
        time, nx, ny, line = first_impact(maps, m, others, a, radius, px, py, dx, dy)
        share = committed(maps, m, others, a, radius, px, py, time * dx, time * dy)
        px, py = px + share * time * dx, py + share * time * dy
        if touched < 0 and (line >= 0 or share < ONE):
            progress, touched, touched_x, touched_y = share * time, line, nx, ny
        if share == ZERO and time > ZERO:
            return px, py, ZERO, ZERO, progress, touched, touched_x, touched_y
        if line < 0:
            break
        if not slide:
            return px, py, ZERO, ZERO, progress, touched, touched_x, touched_y
        since += time * np.sqrt(dx * dx + dy * dy)
        dx, dy = (ONE - time) * dx, (ONE - time) * dy
        into, speed_into = min(dx * nx + dy * ny, ZERO), min(vx * nx + vy * ny, ZERO)
        dx, dy = dx - (into - NUDGE) * nx, dy - (into - NUDGE) * ny
        vx, vy = vx - speed_into * nx, vy - speed_into * ny
        if since < SKIN and dx * last_x + dy * last_y < ZERO:
            return px, py, ZERO, ZERO, progress, touched, touched_x, touched_y
        last_x, last_y, since = nx, ny, ZERO
        if bounce == SLIDES - 1:
            break
    return px, py, vx, vy, progress, touched, touched_x, touched_y


@njit(cache=True, error_model='numpy')
def advance_agent(maps, agents, e, a, radius, step, slide, contacts, progress):
    """Moves and turns agent a of env e."""
    others, sides = agents.positions[e], len(maps.outline)
    (x, y), (vx, vy) = others[a], agents.velocities[e, a]
    x, y, vx, vy, made, line, nx, ny = move(maps, agents.map_ids[e], others, a, radius, x, y, vx, vy, step, slide)
    if 0 <= line < len(others) * sides:
        line += side_touched(maps, agents.angles[e, line // sides], nx, ny)
    others[a, 0], others[a, 1] = x, y
    agents.velocities[e, a, 0], agents.velocities[e, a, 1] = vx, vy
    contacts[e, a], progress[e, a] = line, made


@njit(cache=True, error_model='numpy')
def advance_env(maps, agents, e, radius, step, slide, turn, contacts, progress):
    """Moves an env's agents one after another, in an order that turns every step, then turns them."""
    num_agents = agents.positions.shape[1]
    for i in range(num_agents):
        advance_agent(maps, agents, e, (i + turn) % num_agents, radius, step, slide, contacts, progress)
    for a in range(num_agents):
        angle = agents.angles[e, a] + agents.angular_velocities[e, a] * step
        agents.angles[e, a] = angle - np.float32(360) * np.floor((angle + np.float32(180)) / np.float32(360))


@njit(cache=True, parallel=True, error_model='numpy')
def _advance(maps, agents, radius, step, slide, turn, contacts, progress):
    for e in prange(len(agents.positions)):  # only a call: Numba loses writes to a named tuple's arrays made here
        advance_env(maps, agents, e, radius, step, slide, turn, contacts, progress)


def advance(core, progress, *, slide):
    """Moves every agent for one step: see `megastep.physics.advance`."""
    _advance(
        buffers.maps(core.scenery),
        buffers.agents(core),
        np.float32(core.agent_radius),
        np.float32(1 / core.fps),
        slide,
        core.turn.item(),
        core.contacts.numpy(),
        progress.numpy(),
    )
