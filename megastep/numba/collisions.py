"""Collision detection and response: discs that sweep through walls and each other, and slide along what they touch.

Continuous collision: each disc goes to the time of impact. The twin is `megastep.triton.collisions`.
"""

from typing import NamedTuple

import numpy as np
from numba import njit

from megastep.numba import buffers
from megastep.numba.constants import DEGREE, KERNEL, LAUNCHED, ONCE, ONE, PART, TWO, ZERO
from megastep.numba.impacts import NUDGE
from megastep.numba.jit.parallel import in_blocks
from megastep.numba.obstacles import SKIN, Obstacles, committed, first_impact, nearby, place_discs
from megastep.numba.steps.sensors import turned

LONGEST = np.float32(1024)
"""No step leads further than this, in metres along x or y: further than any map reaches."""
SLIDES = 4
TINY = np.float32(1e-30)
ENVS = 16
"""How many envs are advanced as one piece of work."""


class Outcome(NamedTuple):
    """Results of a step besides the agents' state: an entry an agent in each."""

    contacts: np.ndarray
    non_finite: np.ndarray
    stops: np.ndarray
    progress: np.ndarray


@njit(**KERNEL)
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


@njit(**ONCE)
def move(obstacles, near, a, px, py, vx, vy, dx, dy, slide):
    """Moves agent a by d, among the walls that are near.

    Moves to the first impact, takes the part into the surface out of the rest of the move and of the velocity, and
    goes on with the rest, up to the fourth impact. Where two surfaces meet in a corner it stops.
    """
    progress, touched, touched_x, touched_y, blocked = ONE, -1, ZERO, ZERO, False
    last_x, last_y, since = ZERO, ZERO, np.float32(np.inf)
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


@njit(**ONCE)
def advance_agent(maps, obstacles, agents, e, a, step, slide, outcome, scratch):
    """Moves agent a of env e. A velocity that isn't finite counts as none; one beyond `LONGEST` a step as that."""
    vx, vy = agents.velocities[e, a, 0], agents.velocities[e, a, 1]
    if not (np.isfinite(vx) and np.isfinite(vy)):
        vx, vy = ZERO, ZERO
        outcome.non_finite[e, a] += 1
    scale = min(LONGEST / max(abs(vx * step), abs(vy * step), TINY), ONE)
    vx, vy = scale * vx, scale * vy
    x, y = agents.positions[e, a, 0], agents.positions[e, a, 1]
    count = nearby(maps, agents.map_ids[e], obstacles.radius, x, y, vx * step, vy * step, scratch)
    moved = move(obstacles, scratch[:count], a, x, y, vx, vy, vx * step, vy * step, slide)
    line = moved.line
    if 0 <= line < len(obstacles.others) * obstacles.sides:
        line += side_touched(maps.outline, agents.angles[e, line // obstacles.sides], moved.nx, moved.ny)
    agents.positions[e, a, 0], agents.positions[e, a, 1] = moved.x, moved.y
    agents.velocities[e, a, 0], agents.velocities[e, a, 1] = moved.vx, moved.vy
    outcome.contacts[e, a], outcome.progress[e, a] = line, scale * moved.progress
    outcome.stops[e, a] += moved.blocked


@njit(**ONCE)
def advance_env(maps, agents, e, radius, step, slide, turn, discs, first_marker_line, outcome, scratch):
    """Moves an env's agents one after another, in an order that turns every step, then turns them."""
    num_agents, walls, others = agents.positions.shape[1], maps.boxed_walls, agents.positions[e]
    obstacles = Obstacles(walls, maps.numbers, len(maps.outline), others, radius, discs, first_marker_line)
    for i in range(num_agents):
        advance_agent(maps, obstacles, agents, e, (i + turn) % num_agents, step, slide, outcome, scratch)
    for a in range(num_agents):
        if not np.isfinite(agents.angular_velocities[e, a]):
            agents.angular_velocities[e, a] = ZERO
            outcome.non_finite[e, a] += 1
        angle = agents.angles[e, a] + agents.angular_velocities[e, a] * step
        agents.angles[e, a] = angle - np.float32(360) * np.floor((angle + np.float32(180)) / np.float32(360))


@njit(**KERNEL)
def advance_each(maps, agents, markers, first, last, radius, step, slide, turns, outcome, scratch, discs):
    """Advances some envs, one after another."""
    for e in range(first, last):
        place_discs(discs, markers, e)
        advance_env(maps, agents, e, radius, step, slide, turns[e], discs, markers.first_line, outcome, scratch)
        turns[e] += 1


@njit(**PART)
def advance_envs(maps, agents, markers, radius, step, slide, turns, outcome, first, last):
    """Advances some envs, which share a place for the numbers of walls and one for discs."""
    scratch, discs = np.empty(maps.most_walls, np.int64), np.empty((markers.visible.shape[1], 3), np.float32)
    advance_each(maps, agents, markers, first, last, radius, step, slide, turns, outcome, scratch, discs)


@njit(**LAUNCHED)
def _advance(maps, agents, markers, radius, step, turns, outcome, slide):
    in_blocks(advance_envs, (maps, agents, markers, radius, step, slide, turns, outcome), len(agents.positions), ENVS)


def advance(core, progress, displacements, *, slide):
    """Moves every agent for one step: see `megastep.world.physics.advance`."""
    before = core.agents.positions.clone()
    outcome = Outcome(core.contacts.numpy(), core.non_finite.numpy(), core.stops.numpy(), progress.numpy())
    maps, agents, markers = buffers.maps(core.scenery, seen=False), buffers.agents(core), buffers.solid_markers(core)
    radius, step = np.float32(core.agent_radius), np.float32(1 / core.fps)
    _advance(maps, agents, markers, radius, step, core.turn.numpy(), outcome, slide)
    if displacements is not None:
        displacements.copy_(turned(core.agents.positions - before, core.agents.angles, -1))
