"""Time of impact of a moving disc with each of a block of walls, and how near its way comes to them.

The comments of the twin, `megastep.numba.impacts`, hold here too.
"""

from typing import no_type_check

import triton
import triton.language as tl

NUDGE = tl.constexpr(2e-6)
ROUNDING = tl.constexpr(1e-7)
NEVER = tl.constexpr(2.0)


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
def disc_impact(px, py, dx, dy, cx, cy, radius, slack):
    """The share of the move d after which p comes within ``radius`` of c, from further away; NEVER if it doesn't."""
    length = tl.sqrt(dx * dx + dy * dy)
    mx, my = cx - px, cy - py
    ahead, aside = (mx * dx + my * dy) / length, (dx * my - dy * mx) / length
    half_chord_square = (radius - aside) * (radius + aside)
    time = tl.maximum((ahead - tl.sqrt(tl.maximum(half_chord_square, 0.0))) / length, 0.0)
    return tl.where((ahead > 0) & (half_chord_square > slack * radius), time, NEVER)


@triton.jit
@no_type_check
def impact(px, py, dx, dy, ax, ay, bx, by, reach):
    """The times of impact: the shares of move d after which p is first within ``reach`` of segments; and normals."""
    nx, ny, distance = away(px, py, ax, ay, bx, by)
    touching = distance <= reach
    slack = (tl.abs(px) + tl.abs(py)) * (2 * ROUNDING) + 2 * NUDGE
    at_once = tl.where(dx * nx + dy * ny < 0, 0.0, NEVER)

    vx, vy = bx - ax, by - ay
    length = tl.sqrt(vx * vx + vy * vy)
    scale = 1 / tl.maximum(length, 1e-30)
    ux, uy = vx * scale, vy * scale
    height = ux * (py - ay) - uy * (px - ax)
    side = tl.where(height >= 0, 1.0, -1.0)
    approach = side * (uy * dx - ux * dy)
    flat = tl.maximum((side * height - reach) / tl.where(approach > 0, approach, 1.0), 0.0)
    start, speed = ux * (px - ax) + uy * (py - ay), ux * dx + uy * dy
    along = start + flat * speed
    before, beyond = (along < 0) & (speed > 0), (along > length) & (speed < 0)
    entry = tl.where(before, 0.0, length)
    flat = tl.where(before | beyond, (entry - start) / tl.where(speed != 0, speed, 1.0), flat)
    along = tl.where(before | beyond, entry, along)
    deep = side * height - flat * approach + slack < reach
    meets = (length > 0) & (approach > 0) & (along >= 0) & (along <= length) & ~deep
    time = tl.where(meets, flat, NEVER)
    mx, my = -side * uy, side * ux

    end = disc_impact(px, py, dx, dy, ax, ay, reach, slack)
    mx, my = (
        tl.where(end < time, (px + end * dx - ax) / reach, mx),
        tl.where(end < time, (py + end * dy - ay) / reach, my),
    )
    time = tl.minimum(time, end)
    end = disc_impact(px, py, dx, dy, bx, by, reach, slack)
    mx, my = (
        tl.where(end < time, (px + end * dx - bx) / reach, mx),
        tl.where(end < time, (py + end * dy - by) / reach, my),
    )
    time = tl.minimum(time, end)
    return tl.where(touching, at_once, time), tl.where(touching, nx, mx), tl.where(touching, ny, my)


@triton.jit
@no_type_check
def chord_clearance(px, py, qx, qy, ax, ay, bx, by):
    """The distances between the way from p to q and segments, 0 where they cross."""
    dx, dy, vx, vy = qx - px, qy - py, bx - ax, by - ay
    side_a, side_b = dx * (ay - py) - dy * (ax - px), dx * (by - py) - dy * (bx - px)
    side_p, side_q = vx * (py - ay) - vy * (px - ax), vx * (qy - ay) - vy * (qx - ax)
    from_p, from_q = away(px, py, ax, ay, bx, by)[2], away(qx, qy, ax, ay, bx, by)[2]
    from_a, from_b = away(ax, ay, px, py, qx, qy)[2], away(bx, by, px, py, qx, qy)[2]
    nearest = tl.minimum(tl.minimum(from_p, from_q), tl.minimum(from_a, from_b))
    return tl.where((side_a * side_b < 0) & (side_p * side_q < 0), 0.0, nearest)


@triton.jit
@no_type_check
def clearance_at(px, py, ax, ay, bx, by):
    """The distances of p from segments, by the terms of `chord_clearance`."""
    from_a, from_b = away(ax, ay, px, py, px, py)[2], away(bx, by, px, py, px, py)[2]
    return tl.minimum(away(px, py, ax, ay, bx, by)[2], tl.minimum(from_a, from_b))
