"""Collision detection and response: discs that sweep through walls and each other, and slide along what they touch.

The comments of the twin, `megastep.numba.collisions`, hold here too. Where it loops over walls, here a block of walls
is tried at once; what is the same for all walls is a scalar.
"""

from typing import NamedTuple, no_type_check

import triton
import triton.language as tl

from megastep.triton import buffers
from megastep.triton.bits import LANES, bits, lowest
from megastep.triton.constants import DEGREE
from megastep.triton.impacts import NEVER, NUDGE, away, chord_clearance, impact
from megastep.triton.launching import device_guard
from megastep.triton.wall_boxes import boxes_met, load_walls, walls_of

SKIN = tl.constexpr(1e-4)
LONGEST = tl.constexpr(1024.0)
SLIDES, HALVINGS = tl.constexpr(4), tl.constexpr(3)


class Obstacles(NamedTuple):
    """Obstacles: what an agent may touch."""

    walls: NamedTuple  # its map's
    xs: tl.tensor  # all the env's agents' positions
    ys: tl.tensor
    is_other: tl.tensor
    radius: tl.tensor  # an agent's
    markers: NamedTuple  # all that are solid
    first_marker: tl.tensor  # the env's first among them


class Outcome(NamedTuple):
    """Results of a step besides the agents' state: an entry an agent in each."""

    contacts: tl.tensor
    non_finite: tl.tensor
    stops: tl.tensor
    progress: tl.tensor


class Sizes(NamedTuple):
    """Constants of `_advance`."""

    num_agents: int
    agents: int  # as many, or more, to be a power of 2
    num_markers: int
    markers: int  # likewise
    sides: int
    per_box: int


@triton.jit
@no_type_check
def earliest(times, nx, ny, intos, lines, time, best_x, best_y, into, line):
    """The first of a block of impacts, if it is before the best so far; at the same time the one led into the most."""
    soonest = tl.min(times, 0)
    deepest, i = tl.min(tl.where(times == soonest, intos, float('inf')), 0, return_indices=True)
    chosen = tl.arange(0, times.shape[0]) == i
    sooner = (soonest < time) | ((soonest == time) & (deepest < into))
    best_x = tl.where(sooner, tl.sum(tl.where(chosen, nx, 0.0), 0), best_x)
    best_y = tl.where(sooner, tl.sum(tl.where(chosen, ny, 0.0), 0), best_y)
    line = tl.where(sooner, tl.sum(tl.where(chosen, lines, 0), 0), line)
    return tl.minimum(soonest, time), best_x, best_y, tl.where(sooner, deepest, into), line


@triton.jit
@no_type_check
def finite(x):
    """True where a number is neither NaN nor infinite."""
    return tl.abs(x) <= 3.4028234663852886e38


@triton.jit
@no_type_check
def solid_discs(obstacles, SIZES: tl.constexpr):
    """An env's solid markers: where they are, how far an agent's middle must keep from theirs, and which are there."""
    k, markers = tl.arange(0, SIZES.markers), obstacles.markers
    there, at = k < SIZES.num_markers, obstacles.first_marker + k
    there &= tl.load(markers.visible + at, mask=there, other=0) != 0
    radii = tl.load(markers.radii + at, mask=there, other=0.0)
    xs, ys = (
        tl.load(markers.positions + 2 * at, mask=there, other=0.0),
        tl.load(markers.positions + 2 * at + 1, mask=there, other=0.0),
    )
    return xs, ys, radii + obstacles.radius, (radii > 0) & finite(radii) & finite(xs) & finite(ys)


@triton.jit
@no_type_check
def first_impact(obstacles, px, py, dx, dy, SIZES: tl.constexpr):
    """The first thing an agent touches on its move d: when, as a share of d; its normal; and its line, -1 for none.

    Last comes 1 if anything is near the way at all, else 0: then the move needs no other check.
    """
    time, nx, ny, into, line, near = NEVER, 0.0, 0.0, 0.0, -1, 0
    walls, radius = obstacles.walls, obstacles.radius
    margin = radius + 2 * SKIN
    left, right = tl.minimum(px, px + dx) - margin, tl.maximum(px, px + dx) + margin
    bottom, top = tl.minimum(py, py + dy) - margin, tl.maximum(py, py + dy) + margin
    for some in range(0, walls.num_boxes, LANES):
        met = boxes_met(walls, some, left, bottom, right, top)
        while met != 0:
            start = (some + lowest(met)) * SIZES.per_box
            met &= met - 1
            ax, ay, bx, by = load_walls(walls, start, SIZES)
            beside = (right < tl.minimum(ax, bx)) | (left > tl.maximum(ax, bx))
            beside = beside | (top < tl.minimum(ay, by)) | (bottom > tl.maximum(ay, by))
            if bits(~beside) != 0:
                near = 1
                times, x, y = impact(px, py, dx, dy, ax, ay, bx, by, radius + SKIN)
                lines = SIZES.num_agents * SIZES.sides + start + tl.arange(0, SIZES.per_box)
                time, nx, ny, into, line = earliest(times, x, y, dx * x + dy * y, lines, time, nx, ny, into, line)
    if SIZES.num_agents > 1:
        near = 1
        xs, ys = obstacles.xs, obstacles.ys
        times, x, y = impact(px, py, dx, dy, xs, ys, xs, ys, 2 * radius + SKIN)
        times, lines = tl.where(obstacles.is_other, times, NEVER), tl.arange(0, xs.shape[0]) * SIZES.sides
        time, nx, ny, into, line = earliest(times, x, y, dx * x + dy * y, lines, time, nx, ny, into, line)
    if SIZES.num_markers > 0:
        near = 1
        xs, ys, reaches, there = solid_discs(obstacles, SIZES)
        times, x, y = impact(px, py, dx, dy, xs, ys, xs, ys, reaches + SKIN)
        times, lines = tl.where(there, times, NEVER), obstacles.markers.first_line + tl.arange(0, SIZES.markers)
        time, nx, ny, into, line = earliest(times, x, y, dx * x + dy * y, lines, time, nx, ny, into, line)
    touches = time <= 1
    nx, ny, line = tl.where(touches, nx, 0.0), tl.where(touches, ny, 0.0), tl.where(touches, line, -1)
    return tl.minimum(time, 1.0), nx, ny, line, near


@triton.jit
@no_type_check
def safe(obstacles, px, py, qx, qy, SIZES: tl.constexpr):
    """A flag: 1 if the way from p to q keeps clear of everything by the radius, or as clear as p is if that is less."""
    ok = 1
    walls, radius = obstacles.walls, obstacles.radius
    margin = radius + 2 * SKIN
    left, right = tl.minimum(px, qx) - margin, tl.maximum(px, qx) + margin
    bottom, top = tl.minimum(py, qy) - margin, tl.maximum(py, qy) + margin
    for some in range(0, walls.num_boxes, LANES):
        met = boxes_met(walls, some, left, bottom, right, top)
        while met != 0:
            start = (some + lowest(met)) * SIZES.per_box
            met &= met - 1
            ax, ay, bx, by = load_walls(walls, start, SIZES)
            clearance, before = chord_clearance(px, py, qx, qy, ax, ay, bx, by)
            enough = tl.minimum(radius + SKIN / 2, before)
            ok = tl.minimum(ok, tl.min((clearance >= enough).to(tl.int32), 0))
    if SIZES.num_agents > 1:
        xs, ys = obstacles.xs, obstacles.ys
        before, clearance = away(xs, ys, px, py, px, py)[2], away(xs, ys, px, py, qx, qy)[2]
        keeps = (clearance >= tl.minimum(2 * radius + SKIN / 2, before)) | ~obstacles.is_other
        ok = tl.minimum(ok, tl.min(keeps.to(tl.int32), 0))
    if SIZES.num_markers > 0:
        xs, ys, reaches, there = solid_discs(obstacles, SIZES)
        before, clearance = away(xs, ys, px, py, px, py)[2], away(xs, ys, px, py, qx, qy)[2]
        keeps = (clearance >= tl.minimum(reaches + SKIN / 2, before)) | ~there
        ok = tl.minimum(ok, tl.min(keeps.to(tl.int32), 0))
    return ok


@triton.jit
@no_type_check
def committed(obstacles, px, py, dx, dy, SIZES: tl.constexpr):
    """The share of the move d that is safe to make, 1, a half, a quarter, an eighth or 0; and where it leads."""
    share, tries, qx, qy = 1.0, 0, px + dx, py + dy
    ok = safe(obstacles, px, py, qx, qy, SIZES)
    while (ok == 0) & (tries < HALVINGS):
        share *= 0.5
        tries += 1
        qx, qy = px + share * dx, py + share * dy
        ok = safe(obstacles, px, py, qx, qy, SIZES)
    return tl.where(ok == 1, share, 0.0), tl.where(ok == 1, qx, px), tl.where(ok == 1, qy, py)


@triton.jit
@no_type_check
def side_touched(outline, angle, nx, ny, SIDES: tl.constexpr):
    """The side of an agent's outline that faces along the normal."""
    side = outline + 4 * tl.arange(0, SIDES)
    x, y = tl.load(side) + tl.load(side + 2), tl.load(side + 1) + tl.load(side + 3)
    cos, sin = tl.cos(angle * DEGREE), tl.sin(angle * DEGREE)
    return tl.argmax((cos * x - sin * y) * nx + (sin * x + cos * y) * ny, 0)


@triton.jit
@no_type_check
def move(obstacles, px, py, vx, vy, dx, dy, SLIDE: tl.constexpr, SIZES: tl.constexpr):
    """Moves an agent by d: see `megastep.numba.collisions.move`."""
    progress, touched, touched_x, touched_y, stopped = 1.0, -1, 0.0, 0.0, 0
    last_x, last_y, since, slides = 0.0, 0.0, float('inf'), 0
    going = (dx != 0) | (dy != 0)
    while going:
        time, nx, ny, line, near = first_impact(obstacles, px, py, dx, dy, SIZES)
        share, qx, qy = 1.0, px + time * dx, py + time * dy
        if near == 1:
            share, qx, qy = committed(obstacles, px, py, time * dx, time * dy, SIZES)
        px, py = qx, qy
        is_first = (touched < 0) & ((line >= 0) | (share < 1))
        progress, touched = tl.where(is_first, share * time, progress), tl.where(is_first, line, touched)
        touched_x, touched_y = tl.where(is_first, nx, touched_x), tl.where(is_first, ny, touched_y)
        blocked = share == 0
        over = (line < 0) & ~blocked
        since += time * tl.sqrt(dx * dx + dy * dy)
        dx, dy = (1 - time) * dx, (1 - time) * dy
        into, speed_into = tl.minimum(dx * nx + dy * ny, 0.0), tl.minimum(vx * nx + vy * ny, 0.0)
        dx, dy = dx - (into - NUDGE) * nx, dy - (into - NUDGE) * ny
        vx, vy = vx - speed_into * nx, vy - speed_into * ny
        stops = blocked | (~over & (since < SKIN) & (dx * last_x + dy * last_y < 0))
        if not SLIDE:
            stops = stops | ~over
        vx, vy = tl.where(stops, 0.0, vx), tl.where(stops, 0.0, vy)
        stopped += blocked.to(tl.int32)
        last_x, last_y, since, slides = nx, ny, 0.0, slides + 1
        going = ~over & ~stops & (slides < SLIDES) & ((dx != 0) | (dy != 0))
    return px, py, vx, vy, progress, touched, touched_x, touched_y, stopped


@triton.jit
@no_type_check
def advance_agent(
    obstacles, outline, agents, e, agent, px, py, step, outcome, SLIDE: tl.constexpr, SIZES: tl.constexpr
):
    """Moves one agent of env e: see `megastep.numba.collisions.advance_agent`. Returns where it then is."""
    FIRST_WALL_LINE: tl.constexpr = SIZES.num_agents * SIZES.sides
    vx, vy = tl.load(agents.velocities + 2 * agent), tl.load(agents.velocities + 2 * agent + 1)
    is_finite = finite(vx) & finite(vy)
    vx, vy = tl.where(is_finite, vx, 0.0), tl.where(is_finite, vy, 0.0)
    tl.store(outcome.non_finite + agent, tl.load(outcome.non_finite + agent) + tl.where(is_finite, 0, 1))
    furthest = tl.maximum(tl.maximum(tl.abs(vx * step), tl.abs(vy * step)), 1e-30)
    scale = tl.minimum(LONGEST.value / furthest, 1.0)  # as a number: Triton 3.7 can't interpret the constant here
    vx, vy = scale * vx, scale * vy
    px, py, vx, vy, made, line, nx, ny, stopped = move(obstacles, px, py, vx, vy, vx * step, vy * step, SLIDE, SIZES)
    is_wall = line >= FIRST_WALL_LINE
    if SIZES.num_markers > 0:
        is_wall &= line < obstacles.markers.first_line
    if is_wall:
        line = FIRST_WALL_LINE + tl.load(obstacles.walls.numbers + obstacles.walls.first + line - FIRST_WALL_LINE)
    if SIZES.num_agents > 1:
        if (line >= 0) & (line < FIRST_WALL_LINE):
            angle = tl.load(agents.angles + e * SIZES.num_agents + line // SIZES.sides)
            line += side_touched(outline, angle, nx, ny, SIZES.sides)
    tl.store(agents.positions + 2 * agent, px)
    tl.store(agents.positions + 2 * agent + 1, py)
    tl.store(agents.velocities + 2 * agent, vx)
    tl.store(agents.velocities + 2 * agent + 1, vy)
    tl.store(outcome.contacts + agent, line)
    tl.store(outcome.stops + agent, tl.load(outcome.stops + agent) + stopped)
    tl.store(outcome.progress + agent, scale * made)
    return px, py


@triton.jit
@no_type_check
def _advance(maps, agents, markers, radius, step, turns, outcome, SLIDE: tl.constexpr, SIZES: tl.constexpr):
    """Program e moves the agents of env e one after another, in an order that turns every step."""
    NUM: tl.constexpr = SIZES.num_agents
    e = tl.program_id(0).to(tl.int64)
    walls = walls_of(maps, tl.load(agents.map_ids + e), SIZES)
    number = tl.arange(0, SIZES.agents)
    here, there = e * NUM + number, number < NUM
    xs, ys = (
        tl.load(agents.positions + 2 * here, mask=there, other=0.0),
        tl.load(agents.positions + 2 * here + 1, mask=there, other=0.0),
    )
    offset = (tl.load(turns + e) % NUM).to(tl.int32)
    for i in range(NUM):
        a = (i + offset) % NUM
        agent = e * NUM + a
        obstacles = Obstacles(walls, xs, ys, there & (number != a), radius, markers, e * SIZES.num_markers)
        px, py = tl.sum(tl.where(number == a, xs, 0.0), 0), tl.sum(tl.where(number == a, ys, 0.0), 0)
        px, py = advance_agent(obstacles, maps.outline, agents, e, agent, px, py, step, outcome, SLIDE, SIZES)
        xs, ys = tl.where(number == a, px, xs), tl.where(number == a, py, ys)
    tl.debug_barrier()  # angles are looked up above as they were before the step
    rate = tl.load(agents.angular_velocities + here, mask=there, other=0.0)
    counts = tl.load(outcome.non_finite + here, mask=there, other=0)
    tl.store(outcome.non_finite + here, counts + (~finite(rate)).to(tl.int32), mask=there)
    rate = tl.where(finite(rate), rate, 0.0)
    tl.store(agents.angular_velocities + here, rate, mask=there)
    angle = tl.load(agents.angles + here, mask=there, other=0.0) + step * rate
    tl.store(agents.angles + here, angle - 360 * tl.floor((angle + 180) / 360), mask=there)


@device_guard
def advance(core, progress, *, slide):
    """Moves every agent for one step: see `megastep.world.physics.advance`."""
    scenery, num_agents = core.scenery, core.num_agents
    num_markers = core.num_markers if core.solid else 0
    sizes = Sizes(
        num_agents=num_agents,
        agents=triton.next_power_of_2(num_agents),
        num_markers=num_markers,
        markers=triton.next_power_of_2(max(num_markers, 1)),
        sides=scenery.lines_per_agent,
        per_box=scenery.walls_per_box,
    )
    _advance[(core.num_envs,)](
        buffers.maps(scenery, seen=False), buffers.agents(core), buffers.solid_markers(core), core.agent_radius,
        1 / core.fps, core.turn,
        Outcome(core.contacts, core.non_finite, core.stops, progress),
        SLIDE=slide, SIZES=sizes, num_warps=1, enable_fp_fusion=False,
    )  # fmt: skip
