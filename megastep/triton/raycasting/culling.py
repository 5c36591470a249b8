"""Frustum, back-face and occlusion culling: which lines a block of a camera's rays can see.

Those are appended to records (stream compaction), so that the others are never drawn. The twin,
`megastep.numba.raycasting.by_ray`, culls only lines that face away or lie behind, one at a time.
"""

from typing import NamedTuple, no_type_check

import triton
import triton.language as tl

from megastep.triton.bits import LANES, joined
from megastep.triton.raycasting.cameras import EDGE_ON, cosine_and_sine, forward_and_left
from megastep.triton.wall_boxes import load_walls

RECORD = tl.constexpr(4)
"""A line appended is four words: its ends, each forward and left, the two of its inverse depth, and its number."""
REACH = tl.constexpr(1e-3)
"""Boxes are taken as this much larger than they are, in metres, and so as visible where rounding leaves a doubt."""
SAFE = tl.constexpr(0.75)
"""A box counts as hidden only if it is further than what hides it by a third: rounding may make lines that are seen
almost edge-on out to be nearer than they are."""
NONE = tl.constexpr(0x7FFFFFFF)


class Records(NamedTuple):
    """Room for the lines that are appended."""

    words: tl.tensor
    capacity: tl.tensor


@triton.jit
@no_type_check
def any_of(mask):
    """True if anything in a block of rays is set."""
    return tl.max(tl.max(mask.to(tl.int32), 1), 0) > 0


@triton.jit
@no_type_check
def append_visible(records, plain_count, close_count, camera, ax, ay, bx, by, line, there):
    """Appends those of a block of lines, their ends relative to the camera, that face it and reach into its frustum.

    Those that rays may have to pass over, since their plane comes near to the camera or through it, are put at the end
    of the records instead, from the back. Seen from its free side a line runs from its first end on the right to its
    second on the left, and the inverse of its depth is linear in a ray's slope.

    Returns:
        How many lines have been appended, those at the front and those at the back.
    """
    leftmost, rightmost, near = camera.leftmost, camera.rightmost, camera.near
    af, al = forward_and_left(camera, ax, ay)
    bf, bl = forward_and_left(camera, bx, by)
    one, other = af * bl, al * bf
    facing, size = one - other, tl.abs(one) + tl.abs(other)
    front, back = tl.maximum(af, bf), tl.minimum(af, bf)
    edge_on = (facing < size * EDGE_ON) & (back > 0)
    ahead = (front > 0) & ((facing > 0) | (edge_on & (facing > size * -EDGE_ON)))
    not_left = (al <= leftmost * af) | (bl <= leftmost * bf)
    not_right = (al >= rightmost * af) | (bl >= rightmost * bf)
    seen = there & ahead & not_left & not_right
    scale = 1 / tl.maximum(facing, 1e-20)
    base = tl.where(edge_on, 1 / back, (bl - al) * scale)
    rise = tl.where(edge_on, 0.0, (af - bf) * scale)
    length_square = (bf - af) * (bf - af) + (bl - al) * (bl - al)
    is_close = edge_on | (facing * facing < 1.01 * near * near * length_square)
    counts = tl.where(seen, tl.where(is_close, 1 << 16, 1), 0)  # two counts in one number, to scan them at once
    upto, all_counts = tl.cumsum(counts, 0), tl.sum(counts, 0)
    slot = tl.where(is_close, records.capacity - close_count - (upto >> 16), plain_count + (upto & 0xFFFF) - 1)
    record = records.words + slot * RECORD
    tl.store(record, joined(af, al), mask=seen)
    tl.store(record + 1, joined(bf, bl), mask=seen)
    tl.store(record + 2, joined(base, rise), mask=seen)
    tl.store(record + 3, line.to(tl.int64), mask=seen)
    return plain_count + (all_counts & 0xFFFF), close_count + (all_counts >> 16)


@triton.jit
@no_type_check
def side_ends(outline, agents, agent, k, x, y):
    """The ends, relative to (x, y), of side k of an agent's outline."""
    cos, sin = cosine_and_sine(tl.load(agents.angles + agent))
    at = agents.positions + 2 * agent
    dx, dy = tl.load(at) - x, tl.load(at + 1) - y
    sx, sy = tl.load(outline + 4 * k), tl.load(outline + 4 * k + 1)
    tx, ty = tl.load(outline + 4 * k + 2), tl.load(outline + 4 * k + 3)
    return dx + cos * sx - sin * sy, dy + sin * sx + cos * sy, dx + cos * tx - sin * ty, dy + sin * tx + cos * ty


@triton.jit
@no_type_check
def box_in_frame(boxes, box, there, camera):
    """Boxes in a camera's frame: how far forward and left their middles are, and half their sides along x and y."""
    at = boxes + 4 * box
    left, bottom = tl.load(at, mask=there, other=0.0), tl.load(at + 1, mask=there, other=0.0)
    right, top = tl.load(at + 2, mask=there, other=0.0), tl.load(at + 3, mask=there, other=0.0)
    cx, cy = (left + right) / 2 - camera.x, (bottom + top) / 2 - camera.y
    forward, sideways = forward_and_left(camera, cx, cy)
    return forward, sideways, (right - left) / 2 + REACH, (top - bottom) / 2 + REACH


@triton.jit
@no_type_check
def boxes_in_view(walls, start, camera, SIZES: tl.constexpr):
    """Frustum culling: those of up to 32 of a map's boxes, from ``start`` on, that may reach into a camera's view.

    Returns:
        For each that does, the depth of its nearest point, the bits of a float32 of which the last five are its lane
        instead, so that the least number is the nearest box; for the others `NONE`.
    """
    cos, sin, leftmost, rightmost = camera.cos, camera.sin, camera.leftmost, camera.rightmost
    lane = tl.arange(0, LANES)
    there = start + lane < walls.num_boxes
    forward, sideways, wx, wy = box_in_frame(walls.boxes, walls.first_box + start + lane, there, camera)
    left_x, left_y = leftmost * cos + sin, leftmost * sin - cos
    right_x, right_y = rightmost * cos + sin, rightmost * sin - cos
    reach = tl.abs(cos) * wx + tl.abs(sin) * wy
    in_view = forward + reach > 0
    in_view &= leftmost * forward - sideways + tl.abs(left_x) * wx + tl.abs(left_y) * wy > 0
    in_view &= sideways - rightmost * forward + tl.abs(right_x) * wx + tl.abs(right_y) * wy > 0
    depth = tl.maximum(forward - reach, 0.0)
    keys = (depth.to(tl.int32, bitcast=True) & -LANES) | lane
    if not SIZES.skip:
        in_view = there
    return tl.where(there & in_view, keys, NONE)


@triton.jit
@no_type_check
def may_be_seen(walls, box, depth, camera, rays, inverses):
    """Occlusion culling: true if anything in a box, at least ``depth`` deep, may be nearer than what rays meet."""
    forward, sideways, wx, wy = box_in_frame(walls.boxes, walls.first_box + box, box >= 0, camera)
    cos, sin, slopes = camera.cos, camera.sin, rays.slopes
    across = tl.abs(slopes * cos + sin) * wx + tl.abs(cos - slopes * sin) * wy
    met = rays.valid & (tl.abs(sideways - slopes * forward) <= across)
    return any_of(met & (inverses * (depth * SAFE) < 1))


@triton.jit
@no_type_check
def append_visible_agents(records, outline, agents, first_agent, a, camera, SIZES: tl.constexpr):
    """Appends the outlines of an env's agents but a, all at once: there are at most ``SIZES.outlines`` lines."""
    line = tl.arange(0, SIZES.outlines)
    there = (line < SIZES.num_agents * SIZES.sides) & (line // SIZES.sides != a)
    i = tl.where(there, line, 0)
    agent, side = first_agent + i // SIZES.sides, i % SIZES.sides
    ax, ay, bx, by = side_ends(outline, agents, agent, side, camera.x, camera.y)
    return append_visible(records, 0, 0, camera, ax, ay, bx, by, line, there)


@triton.jit
@no_type_check
def append_visible_walls(records, plain_count, close_count, walls, start, first_line, camera, SIZES: tl.constexpr):
    """Appends the walls of a map's box that begins at wall ``start``."""
    ax, ay, bx, by = load_walls(walls, start, SIZES)
    ax, ay, bx, by = ax - camera.x, ay - camera.y, bx - camera.x, by - camera.y
    k = start + tl.arange(0, SIZES.per_box)
    line = first_line + tl.load(walls.numbers + walls.first + k, mask=k < walls.width, other=0)
    return append_visible(records, plain_count, close_count, camera, ax, ay, bx, by, line, k < walls.width)
