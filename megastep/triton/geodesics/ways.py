"""Ways of a disc past walls: whether it can go straight, how far walls are, and where a path may bend."""

from typing import no_type_check

import triton
import triton.language as tl

from megastep.triton.bits import bits, lowest

CHUNK = tl.constexpr(32)
"""So many walls are tested at once for whether they may be in the way."""


@triton.jit
@no_type_check
def blocks(ax, ay, bx, by, ux, uy, length, radius):
    """True where a wall keeps a disc from moving in direction u for a length; the wall is relative to where it is.

    It does if one of its ends is in the way or it crosses it: see `megastep.maps.geodesics`. Where it ends another
    begins, so that only the beginning is tried.
    """
    side_a, side_b = ux * ay - uy * ax, ux * by - uy * bx
    along_a, along_b = ux * ax + uy * ay, ux * bx + uy * by
    crossing = along_a + (along_b - along_a) * side_a / (side_a - side_b)
    begins = (tl.abs(side_a) < radius) & (along_a > 0) & (along_a < length)
    return begins | ((side_a * side_b < 0) & (crossing > 0) & (crossing < length))


@triton.jit
@no_type_check
def still_open(walls, count, screen, x, y, dx, dy, px, py, qx, qy, candidates, radius):
    """Visibility test: tells which of some ways are clear of so many walls, which begin where ``walls`` points.

    A way goes from p to q. All have one end at (x, y), and the other (dx, dy) from there. The walls that may be in the
    way of any of them are found a chunk at once, and then tried one by one until no way is open. Before, a wall is
    tried that hid all from another source, the screen; returned with the ways is the one to try next time.
    """
    left = tl.max(candidates.to(tl.int32), 0)
    if left > 0:
        far, begin = float('inf'), count * 0
        low_x, high_x = tl.min(tl.where(candidates, dx, far), 0), tl.max(tl.where(candidates, dx, -far), 0)
        low_y, high_y = tl.min(tl.where(candidates, dy, far), 0), tl.max(tl.where(candidates, dy, -far), 0)
        length = tl.sqrt((qx - px) * (qx - px) + (qy - py) * (qy - py))
        ux, uy = (qx - px) / length, (qy - py) / length
        candidates = candidates & ~_hides(walls + 4 * screen, px, py, ux, uy, length, radius)
        left = tl.max(candidates.to(tl.int32), 0)
        while (begin < count) & (left > 0):
            ways = in_the_way(walls, begin, count, x, y, low_x, high_x, low_y, high_y, radius)
            while (ways != 0) & (left > 0):
                w = begin + lowest(ways)
                ways = ways & (ways - 1)
                candidates = candidates & ~_hides(walls + 4 * w, px, py, ux, uy, length, radius)
                left = tl.max(candidates.to(tl.int32), 0)
                screen = tl.where(left > 0, screen, w)
            begin += CHUNK
    return candidates, screen


@triton.jit
@no_type_check
def _hides(wall, px, py, ux, uy, length, radius):
    """True where the wall that is stored at a place keeps a disc from moving from p in direction u for a length."""
    ax, ay, bx, by = tl.load(wall), tl.load(wall + 1), tl.load(wall + 2), tl.load(wall + 3)
    return blocks(ax - px, ay - py, bx - px, by - py, ux, uy, length, radius)


@triton.jit
@no_type_check
def in_the_way(walls, begin, count, px, py, low_x, high_x, low_y, high_y, radius):
    """Bits of the walls that may be in the way from a source to anywhere in a box, which is given relative to it.

    A wall isn't if it is beyond one side of the box around both, if both are on one side of its line, or if it is on
    one side of a band as wide as the box that goes from the source to it. A box whose middle is the source has a band
    of no direction, in which all walls are.
    """
    w = begin + tl.arange(0, CHUNK)
    there = w < count
    ax, ay = tl.load(walls + 4 * w, mask=there, other=0.0) - px, tl.load(walls + 4 * w + 1, mask=there, other=0.0) - py
    bx = tl.load(walls + 4 * w + 2, mask=there, other=0.0) - px
    by = tl.load(walls + 4 * w + 3, mask=there, other=0.0) - py
    there = there & (tl.minimum(ax, bx) <= tl.maximum(high_x, 0.0) + radius)
    there = there & (tl.maximum(ax, bx) >= tl.minimum(low_x, 0.0) - radius)
    there = there & (tl.minimum(ay, by) <= tl.maximum(high_y, 0.0) + radius)
    there = there & (tl.maximum(ay, by) >= tl.minimum(low_y, 0.0) - radius)
    middle_x, middle_y, half_x, half_y = (
        (low_x + high_x) / 2, (low_y + high_y) / 2, (high_x - low_x) / 2, (high_y - low_y) / 2,
    )  # fmt: skip
    vx, vy = bx - ax, by - ay
    reach = radius * tl.sqrt(vx * vx + vy * vy)
    here, beyond = vy * ax - vx * ay, vx * (middle_y - ay) - vy * (middle_x - ax)
    spread = tl.abs(vx) * half_y + tl.abs(vy) * half_x
    there = there & (tl.minimum(here, beyond - spread) <= reach) & (tl.maximum(here, beyond + spread) >= -reach)
    side_a, side_b = middle_x * ay - middle_y * ax, middle_x * by - middle_y * bx
    band = tl.abs(middle_x) * half_y + tl.abs(middle_y) * half_x
    band += radius * tl.sqrt(middle_x * middle_x + middle_y * middle_y)
    there = there & (tl.minimum(side_a, side_b) <= band) & (tl.maximum(side_a, side_b) >= -band)
    return bits(there)


@triton.jit
@no_type_check
def distance(ax, ay, bx, by, x, y):
    """The distance of points from a wall."""
    vx, vy = bx - ax, by - ay
    along = ((x - ax) * vx + (y - ay) * vy) / (vx * vx + vy * vy)
    along = tl.minimum(tl.maximum(along, 0.0), 1.0)
    dx, dy = x - ax - along * vx, y - ay - along * vy
    return tl.sqrt(dx * dx + dy * dy)


@triton.jit
@no_type_check
def is_taut(back_x, back_y, ahead_x, ahead_y, dx, dy, touching):
    """Tautness test: true where a shortest path can bend at a node on coming from or going to (dx, dy) from it.

    It can if the obstacle, back and ahead along which are given, lies to one side of the line.
    """
    back, ahead = dx * back_y - dy * back_x, dx * ahead_y - dy * ahead_x
    return ((back >= -touching) & (ahead >= -touching)) | ((back <= touching) & (ahead <= touching))
