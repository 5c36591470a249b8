"""Moves agents: discs that sweep through walls and each other, and slide along what they touch.

The comments of the twin, `megastep.numba.collisions`, hold here too. Where it loops over walls, here a block of walls
is tried at once; what is the same for all walls is a scalar.
"""

import math
from typing import no_type_check

import triton
import triton.language as tl

SKIN = tl.constexpr(1e-4)
NUDGE = tl.constexpr(2e-6)
NEVER = tl.constexpr(2.0)
SLIDES, HALVINGS = tl.constexpr(4), tl.constexpr(3)
DEGREE = tl.constexpr(math.pi / 180)


@triton.jit
@no_type_check
def away(px, py, ax, ay, bx, by):
    """The unit vectors to p from the nearest points of segments, and the distances."""
    vx, vy, dx, dy = bx - ax, by - ay, px - ax, py - ay
    square, along = vx * vx + vy * vy, dx * vx + dy * vy
    inside = (along > 0) & (along < square)
    length = tl.sqrt(tl.maximum(square, 1e-30))
    height = (vx * dy - vy * dx) / length
    side = tl.where(height >= 0, 1.0, -1.0)
    ex, ey = tl.where(along > 0, px - bx, dx), tl.where(along > 0, py - by, dy)
    end = tl.sqrt(ex * ex + ey * ey)
    distance = tl.where(inside, side * height, end)
    flat = inside | (distance <= 0)
    side = tl.where(distance <= 0, 1.0, side)
    scale = 1 / tl.maximum(end, 1e-30)
    return tl.where(flat, -side * vy / length, ex * scale), tl.where(flat, side * vx / length, ey * scale), distance


@triton.jit
@no_type_check
def disc_impact(px, py, dx, dy, cx, cy, radius):
    """The share of the move d after which p comes within ``radius`` of c, from further away; NEVER if it doesn't."""
    length = tl.sqrt(dx * dx + dy * dy)
    mx, my = cx - px, cy - py
    ahead, aside = (mx * dx + my * dy) / length, (dx * my - dy * mx) / length
    half_chord_square = (radius - aside) * (radius + aside)
    time = tl.maximum((ahead - tl.sqrt(tl.maximum(half_chord_square, 0.0))) / length, 0.0)
    return tl.where((ahead <= 0) | (half_chord_square <= 0), NEVER, time)


@triton.jit
@no_type_check
def impact(px, py, dx, dy, ax, ay, bx, by, reach):
    """When the move d first brings p within ``reach`` of each segment, as a share of d, and the normals there."""
    nx, ny, distance = away(px, py, ax, ay, bx, by)
    touching = distance <= reach
    at_once = tl.where(dx * nx + dy * ny < 0, 0.0, NEVER)

    vx, vy = bx - ax, by - ay
    length = tl.sqrt(vx * vx + vy * vy)
    scale = 1 / tl.maximum(length, 1e-30)
    ux, uy = vx * scale, vy * scale
    height = ux * (py - ay) - uy * (px - ax)
    side = tl.where(height >= 0, 1.0, -1.0)
    approach = side * (uy * dx - ux * dy)
    flat = tl.maximum((side * height - reach) / tl.where(approach > 0, approach, 1.0), 0.0)
    along = ux * (px + flat * dx - ax) + uy * (py + flat * dy - ay)
    meets = (length > 0) & (approach > 0) & (along >= 0) & (along <= length)
    time = tl.where(meets, flat, NEVER)
    mx, my = -side * uy, side * ux

    end = disc_impact(px, py, dx, dy, ax, ay, reach)
    mx, my = (
        tl.where(end < time, (px + end * dx - ax) / reach, mx),
        tl.where(end < time, (py + end * dy - ay) / reach, my),
    )
    time = tl.minimum(time, end)
    end = disc_impact(px, py, dx, dy, bx, by, reach)
    mx, my = (
        tl.where(end < time, (px + end * dx - bx) / reach, mx),
        tl.where(end < time, (py + end * dy - by) / reach, my),
    )
    time = tl.minimum(time, end)
    return tl.where(touching, at_once, time), tl.where(touching, nx, mx), tl.where(touching, ny, my)


@triton.jit
@no_type_check
def chord_clearance(px, py, qx, qy, ax, ay, bx, by):
    """The distances between the way from p to q and segments; 0 where they cross."""
    dx, dy, vx, vy = qx - px, qy - py, bx - ax, by - ay
    side_a, side_b = dx * (ay - py) - dy * (ax - px), dx * (by - py) - dy * (bx - px)
    side_p, side_q = vx * (py - ay) - vy * (px - ax), vx * (qy - ay) - vy * (qx - ax)
    from_p, from_q = away(px, py, ax, ay, bx, by)[2], away(qx, qy, ax, ay, bx, by)[2]
    from_a, from_b = away(ax, ay, px, py, qx, qy)[2], away(bx, by, px, py, qx, qy)[2]
    nearest = tl.minimum(tl.minimum(from_p, from_q), tl.minimum(from_a, from_b))
    return tl.where((side_a * side_b < 0) & (side_p * side_q < 0), 0.0, nearest), from_p


@triton.jit
@no_type_check
def earliest(times, nx, ny, lines, time, best_x, best_y, line):
    """The first of a block of impacts, if it is earlier than the best so far."""
    soonest, i = tl.min(times, 0, return_indices=True)
    chosen = tl.arange(0, times.shape[0]) == i
    sooner = soonest < time
    best_x = tl.where(sooner, tl.sum(tl.where(chosen, nx, 0.0), 0), best_x)
    best_y = tl.where(sooner, tl.sum(tl.where(chosen, ny, 0.0), 0), best_y)
    line = tl.where(sooner, tl.sum(tl.where(chosen, lines, 0), 0), line)
    return tl.minimum(soonest, time), best_x, best_y, line


@triton.jit
@no_type_check
def load_walls(walls, first, start, width, BLOCK: tl.constexpr):
    """A block of a map's walls; beyond the last one, walls too far away to touch."""
    k = start + tl.arange(0, BLOCK)
    wall, there = walls + 4 * (first + k), k < width
    ax, ay = tl.load(wall, mask=there, other=-1e6), tl.load(wall + 1, mask=there, other=-1e6)
    bx, by = tl.load(wall + 2, mask=there, other=-1e6), tl.load(wall + 3, mask=there, other=-1e6 + 1)
    return ax, ay, bx, by


@triton.jit
@no_type_check
def first_impact(
    walls,
    first,
    width,
    xs,
    ys,
    is_other,
    radius,
    px,
    py,
    dx,
    dy,
    SIDES: tl.constexpr,
    NUM: tl.constexpr,
    BLOCK: tl.constexpr,
):
    """The first thing an agent touches on its move d: when, as a share of d; its normal; and its line, -1 for none."""
    time, nx, ny, line = NEVER, 0.0, 0.0, -1
    for start in range(0, width, BLOCK):
        ax, ay, bx, by = load_walls(walls, first, start, width, BLOCK)
        times, x, y = impact(px, py, dx, dy, ax, ay, bx, by, radius + SKIN)
        lines = NUM * SIDES + start + tl.arange(0, BLOCK)
        time, nx, ny, line = earliest(times, x, y, lines, time, nx, ny, line)
    if NUM > 1:
        times, x, y = impact(px, py, dx, dy, xs, ys, xs, ys, 2 * radius + SKIN)
        lines = tl.arange(0, xs.shape[0]) * SIDES
        time, nx, ny, line = earliest(tl.where(is_other, times, NEVER), x, y, lines, time, nx, ny, line)
    met = time <= 1
    return tl.minimum(time, 1.0), tl.where(met, nx, 0.0), tl.where(met, ny, 0.0), tl.where(met, line, -1)


@triton.jit
@no_type_check
def safe(walls, first, width, xs, ys, is_other, radius, px, py, qx, qy, NUM: tl.constexpr, BLOCK: tl.constexpr):
    """1 if the way from p to q keeps clear of everything by the radius, or as clear as p is if that is less; else 0."""
    ok = 1
    for start in range(0, width, BLOCK):
        ax, ay, bx, by = load_walls(walls, first, start, width, BLOCK)
        clearance, before = chord_clearance(px, py, qx, qy, ax, ay, bx, by)
        enough = tl.minimum(radius + SKIN / 2, before)
        ok = tl.minimum(ok, tl.min((clearance >= enough).to(tl.int32), 0))
    if NUM > 1:
        before, clearance = away(px, py, xs, ys, xs, ys)[2], away(xs, ys, px, py, qx, qy)[2]
        keeps = (clearance >= tl.minimum(2 * radius + SKIN / 2, before)) | ~is_other
        ok = tl.minimum(ok, tl.min(keeps.to(tl.int32), 0))
    return ok


@triton.jit
@no_type_check
def committed(walls, first, width, xs, ys, is_other, radius, px, py, dx, dy, NUM: tl.constexpr, BLOCK: tl.constexpr):
    """The share of the move d that is safe to make: all of it, else a half, a quarter or an eighth, else nothing."""
    share, tries = 1.0, 0
    ok = safe(walls, first, width, xs, ys, is_other, radius, px, py, px + dx, py + dy, NUM, BLOCK)
    while (ok == 0) & (tries < HALVINGS):
        share *= 0.5
        tries += 1
        ok = safe(walls, first, width, xs, ys, is_other, radius, px, py, px + share * dx, py + share * dy, NUM, BLOCK)
    return tl.where(ok == 1, share, 0.0)


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
def _advance(
    # the maps
    walls, wall_starts, wall_widths, outline,
    # the envs: read and written
    map_ids, positions, velocities, angles, angular_velocities, contacts,
    # out
    progress,
    turn, radius, seconds,
    SLIDE: tl.constexpr, SIDES: tl.constexpr, NUM: tl.constexpr, AGENTS: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    """Program e moves the NUM <= AGENTS agents of env e one after another, in an order that turns every step."""
    e = tl.program_id(0).to(tl.int64)
    m = tl.load(map_ids + e)
    first, width = tl.load(wall_starts + m), tl.load(wall_widths + m)
    number = tl.arange(0, AGENTS)
    xs = tl.load(positions + 2 * (e * NUM + number), mask=number < NUM, other=0.0)
    ys = tl.load(positions + 2 * (e * NUM + number) + 1, mask=number < NUM, other=0.0)
    offset = (tl.load(turn) % NUM).to(tl.int32)
    for i in range(NUM):
        a = (i + offset) % NUM
        agent, is_other = e * NUM + a, (number < NUM) & (number != a)
        px, py = tl.sum(tl.where(number == a, xs, 0.0), 0), tl.sum(tl.where(number == a, ys, 0.0), 0)
        vx, vy = tl.load(velocities + 2 * agent), tl.load(velocities + 2 * agent + 1)
        dx, dy = vx * seconds, vy * seconds
        made, touched, touched_x, touched_y = 1.0, -1, 0.0, 0.0
        last_x, last_y, since, bounces = 0.0, 0.0, float('inf'), 0
        going = (dx != 0) | (dy != 0)
        while going:
            time, nx, ny, line = first_impact(
                walls, first, width, xs, ys, is_other, radius, px, py, dx, dy, SIDES, NUM, BLOCK
            )
            share = committed(walls, first, width, xs, ys, is_other, radius, px, py, time * dx, time * dy, NUM, BLOCK)
            px, py = px + share * time * dx, py + share * time * dy
            is_first = (touched < 0) & ((line >= 0) | (share < 1))
            made, touched = tl.where(is_first, share * time, made), tl.where(is_first, line, touched)
            touched_x, touched_y = tl.where(is_first, nx, touched_x), tl.where(is_first, ny, touched_y)
            blocked = (share == 0) & (time > 0)
            going = (line >= 0) & ~blocked
            if SLIDE:
                since += time * tl.sqrt(dx * dx + dy * dy)
                dx, dy = (1 - time) * dx, (1 - time) * dy
                into, speed_into = tl.minimum(dx * nx + dy * ny, 0.0), tl.minimum(vx * nx + vy * ny, 0.0)
                nudge = tl.where(going, NUDGE, 0.0)
                dx, dy = dx - (into - nudge) * nx, dy - (into - nudge) * ny
                vx, vy = vx - speed_into * nx, vy - speed_into * ny
                cornered = going & (since < SKIN) & (dx * last_x + dy * last_y < 0)
                blocked = blocked | cornered
                last_x, last_y, since = nx, ny, 0.0
                bounces += 1
                going = going & ~cornered & (bounces < SLIDES) & ((dx != 0) | (dy != 0))
            else:
                blocked = blocked | going
                going = going & (bounces < 0)
            vx, vy = tl.where(blocked, 0.0, vx), tl.where(blocked, 0.0, vy)
        xs, ys = tl.where(number == a, px, xs), tl.where(number == a, py, ys)
        if NUM > 1:
            if (touched >= 0) & (touched < NUM * SIDES):
                touched += side_touched(
                    outline, tl.load(angles + e * NUM + touched // SIDES), touched_x, touched_y, SIDES
                )
        tl.store(positions + 2 * agent, px)
        tl.store(positions + 2 * agent + 1, py)
        tl.store(velocities + 2 * agent, vx)
        tl.store(velocities + 2 * agent + 1, vy)
        tl.store(contacts + agent, touched)
        tl.store(progress + agent, made)
    tl.debug_barrier()  # an agent's outline is looked up above at its angle before the step
    here = e * NUM + number
    angle = tl.load(angles + here, mask=number < NUM, other=0.0)
    angle += seconds * tl.load(angular_velocities + here, mask=number < NUM, other=0.0)
    tl.store(angles + here, angle - 360 * tl.floor((angle + 180) / 360), mask=number < NUM)


def advance(core, progress, *, slide):
    """Moves every agent for one step: see `megastep.physics.advance`."""
    scenery, agents = core.scenery, core.agents
    walls = scenery.walls
    _advance[(core.num_envs,)](
        walls.vals, walls.starts, walls.widths, scenery.outline,
        core.map_ids, agents.positions, agents.velocities, agents.angles, agents.angular_velocities, core.contacts,
        progress, core.turn, core.agent_radius, 1 / core.fps,
        SLIDE=slide, SIDES=len(scenery.outline), NUM=core.num_agents,
        AGENTS=triton.next_power_of_2(core.num_agents), BLOCK=64, num_warps=1, enable_fp_fusion=True,
    )  # fmt: skip
