"""Time of impact of a moving disc with a wall, and how near its way comes to one.

A disc meets a wall when its centre meets the wall grown by its radius, a capsule: two lines and two circles. The twin
is `megastep.triton.impacts`.
"""

import numpy as np
from numba import njit

from megastep.numba.constants import LAUNCHED, ONE, PART, TWO, ZERO

NUDGE = np.float32(2e-6)
"""A slide leads this far, in metres, away from the surface, so that rounding doesn't lead it into it."""
ROUNDING = np.float32(1e-7)
"""Of a coordinate, more than half of the step from one float32 to the next."""
NEVER = np.float32(2)


@njit(**PART)
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


@njit(**PART)
def disc_impact(px, py, dx, dy, cx, cy, radius, slack):
    """The share of the move d after which p comes within ``radius`` of c, from further away; NEVER if it doesn't.

    A time that rounding has made a little negative is 0, not a miss. A disc that would go no deeper than half the slack
    passes: where one wall goes on as another, rounding must not make the second's end a bump.
    """
    length = np.sqrt(dx * dx + dy * dy)
    mx, my = cx - px, cy - py
    ahead = (mx * dx + my * dy) / length
    aside = (dx * my - dy * mx) / length
    half_chord_square = (radius - aside) * (radius + aside)
    if not (ahead > ZERO and half_chord_square > slack * radius):
        return NEVER
    return max((ahead - np.sqrt(half_chord_square)) / length, ZERO)


@njit(**LAUNCHED)
def impact(px, py, dx, dy, ax, ay, bx, by, reach):
    """The time of impact: the share of move d after which p is first within ``reach`` of the segment; and the normal.

    From within reach already, only a move that leads nearer is an impact, at once.
    """
    nx, ny, distance = away(px, py, ax, ay, bx, by)
    if distance <= reach:
        return (ZERO if dx * nx + dy * ny < ZERO else NEVER), nx, ny

    time, slack = NEVER, TWO * (NUDGE + ROUNDING * (abs(px) + abs(py)))
    vx, vy = bx - ax, by - ay
    length = np.sqrt(vx * vx + vy * vy)
    if length > ZERO:
        ux, uy = vx / length, vy / length
        height = ux * (py - ay) - uy * (px - ax)
        side = ONE if height >= ZERO else -ONE
        approach = side * (uy * dx - ux * dy)
        if approach > ZERO:
            flat = max((side * height - reach) / approach, ZERO)
            start, speed = ux * (px - ax) + uy * (py - ay), ux * dx + uy * dy
            along = start + flat * speed
            if along < ZERO and speed > ZERO:  # perhaps it has passed the end by a little less than its reach
                flat, along = -start / speed, ZERO
            elif along > length and speed < ZERO:
                flat, along = (length - start) / speed, length
            if ZERO <= along <= length and side * height - flat * approach >= reach - slack:
                time, nx, ny = flat, -side * uy, side * ux
    for ex, ey in ((ax, ay), (bx, by)):
        end = disc_impact(px, py, dx, dy, ex, ey, reach, slack)
        if end < time:
            time, nx, ny = end, (px + end * dx - ex) / reach, (py + end * dy - ey) / reach
    return time, nx, ny


@njit(**PART)
def chord_clearance(px, py, qx, qy, ax, ay, bx, by):
    """The distance between the way from p to q and the segment from a to b, 0 where they cross."""
    dx, dy, vx, vy = qx - px, qy - py, bx - ax, by - ay
    side_a, side_b = dx * (ay - py) - dy * (ax - px), dx * (by - py) - dy * (bx - px)
    side_p, side_q = vx * (py - ay) - vy * (px - ax), vx * (qy - ay) - vy * (qx - ax)
    if side_a * side_b < ZERO and side_p * side_q < ZERO:
        return ZERO
    from_p, from_q = away(px, py, ax, ay, bx, by)[2], away(qx, qy, ax, ay, bx, by)[2]
    return min(from_p, from_q, away(ax, ay, px, py, qx, qy)[2], away(bx, by, px, py, qx, qy)[2])


@njit(**PART)
def clearance_at(px, py, ax, ay, bx, by):
    """The distance of p from the segment from a to b.

    It is the least of the same terms as `chord_clearance`, so that a way that only leads away is never found nearer for
    rounding.
    """
    from_a, from_b = away(ax, ay, px, py, px, py)[2], away(bx, by, px, py, px, py)[2]
    return min(away(px, py, ax, ay, bx, by)[2], from_a, from_b)
