"""Intervals: the rays that each line in view covers, from one number up to another."""

from typing import NamedTuple, no_type_check

import triton
import triton.language as tl

from megastep.triton.bits import LANES, halves, joined, ranks
from megastep.triton.raycasting.cameras import EDGE_ON, cosine_and_sine, forward_and_left
from megastep.triton.raycasting.headers import load_listed, load_places

FIELD = tl.constexpr(256)
"""A field has so many words."""
CAPACITY = tl.constexpr(255)
"""So many lines in view there is room for; the first is for rays that meet nothing, and one more ends them."""
SPANS, PLACES, NAMES, FIRST_ENDS, SECOND_ENDS = (tl.constexpr(field * 256) for field in (0, 2, 4, 5, 6))
"""Where the words of lines in view are, those of a field side by side: a warp that reads them reads few cache lines.

Two fields are pairs of words, read in one: the rays that a line covers, and base and rise of its inverse depth; what
gives the place among its texels, and the square of how far its own straight line passes the camera by with the last
place. Then there are its number and its first texel; and its ends.
"""
FIELDS = tl.constexpr(7)
"""How many those are."""
CLOSER = tl.constexpr(1.0003)
"""Times the square of the near distance: what is closer is left to the other kernel, rounding included."""

ALMOST = tl.constexpr(1 - 2**-23)
"""Times a number of texels: what is less, so that no place is on the last one, which has no neighbour."""


class Room(NamedTuple):
    """Scratch of one program."""

    records: tl.tensor
    numbers: tl.tensor  # the same as float32
    marks: tl.tensor


class Found(NamedTuple):
    """Numbers of the lines that have been appended, and of those of which this kernel can't tell what rays see."""

    count: tl.tensor
    doubts: tl.tensor


@triton.jit
@no_type_check
def inverse_of(number):
    """One over a number above 0, to a few parts in ten million: a division takes four times as long."""
    root = tl.rsqrt(number)
    return root * root


@triton.jit
@no_type_check
def rays_left_of(forward, left, optics, ON: tl.constexpr, SIZES: tl.constexpr):
    """The number of rays that pass an end of a line, ahead of the camera, on its left; ON, those through it too.

    The quotient says which ray is nearest to the end, and that ray's side is told as `by_ray.draw` tells it. That holds
    for the two lines that share an end: no ray slips between them.
    """
    NUM_RAYS: tl.constexpr = SIZES.res * SIZES.subsample
    place = (NUM_RAYS - 1) * 0.5 - left * inverse_of(forward) * (0.5 / optics.step)
    nearest = tl.floor(tl.minimum(tl.maximum(place, -1.0), NUM_RAYS) + 0.5)
    side = left - (NUM_RAYS - 1 - 2 * nearest) * optics.step * forward
    passes = side <= 0 if ON else side < 0
    return tl.where(passes, nearest + 1, nearest)


@triton.jit
@no_type_check
def comes_close(af, al, bf, bl, facing, length_square, near):
    """True where any point of a line is within the near distance: rays may have to pass over it."""
    limit = CLOSER * near * near
    along = af * (af - bf) + al * (al - bl)
    beside = (along > 0) & (along < length_square) & (facing * facing < limit * length_square)
    return beside | (tl.minimum(af * af + al * al, bf * bf + bl * bl) < limit)


@triton.jit
@no_type_check
def append(room, found, camera, optics, ax, ay, bx, by, line, texels, count, there, SIZES: tl.constexpr):
    """Appends those of a block of lines, their ends relative to the camera, that face it and cover any ray.

    Seen from its free side a line runs from its first end on the right to its second on the left. The inverse of its
    depth is linear in a ray's slope; so is, over that, the place on the line.
    """
    NUM_RAYS: tl.constexpr = SIZES.res * SIZES.subsample
    af, al = forward_and_left(camera, ax, ay)
    bf, bl = forward_and_left(camera, bx, by)
    one, other = af * bl, al * bf
    facing, size = one - other, tl.abs(one) + tl.abs(other)
    front, back = tl.maximum(af, bf), tl.minimum(af, bf)
    edge_on = (facing < size * EDGE_ON) & (back > 0)
    ahead = (front > 0) & ((facing > 0) | (edge_on & (facing > size * -EDGE_ON)))
    first = tl.where(bf > 0, tl.maximum(rays_left_of(bf, bl, optics, False, SIZES), 0.0), 0.0)
    stop = tl.where(af > 0, tl.minimum(rays_left_of(af, al, optics, True, SIZES), NUM_RAYS), NUM_RAYS)
    seen = there & ahead & (first < stop)
    length_square = (bf - af) * (bf - af) + (bl - al) * (bl - al)
    doubtful = edge_on | comes_close(af, al, bf, bl, facing, length_square, camera.near)

    rank, count_seen = ranks(seen)
    slot = found.count + rank
    keeps = seen & (slot < CAPACITY)
    scale = inverse_of(tl.maximum(facing, 1e-20))
    base, rise = (bl - al) * scale, (af - bf) * scale
    record, pair = room.records + slot, tl.arange(0, 2)[None, :]
    tl.store(
        (room.records + SPANS + 2 * slot)[:, None] + pair,
        tl.join(joined(first, stop), joined(base, rise)),
        keeps[:, None],
    )
    if SIZES.colours or SIZES.marks:
        across = count.to(tl.float32) * scale
        p, q = -0.5 * base - al * across, -0.5 * rise + af * across
        # Two texels that are neighbours are read, also of a wall that has only one.
        last = tl.where(count > 1, count.to(tl.float32) * ALMOST - 1, 0.0)
        alone = (count == 1) & (texels > 0)
        p, q, last = tl.where(alone, 2 * base, p), tl.where(alone, 2 * rise, q), tl.where(alone, ALMOST, last)
        texels = tl.where(alone, texels - 1, texels)
        height = facing * tl.rsqrt(length_square)
        shape = joined(height * height, last)
        tl.store((room.records + PLACES + 2 * slot)[:, None] + pair, tl.join(joined(p, q), shape), keeps[:, None])
    tl.store(record + NAMES, (line.to(tl.int64) << 32) | texels.to(tl.int64), mask=keeps)
    if SIZES.per_ray:
        tl.store(record + FIRST_ENDS, joined(af, al), mask=keeps)
        tl.store(record + SECOND_ENDS, joined(bf, bl), mask=keeps)
    return Found(found.count + count_seen, found.doubts + tl.sum((seen & doubtful).to(tl.int32), 0))


@triton.jit
@no_type_check
def append_nothing(room, count):
    """Appends a line that covers no ray, and isn't counted: lines are looked at two at a time."""
    tl.store(room.records + SPANS + 2 * (count + 1), 0)  # from the first ray up to the first
    tl.store(room.records + SPANS + 2 * (count + 1) + 1, 0)


@triton.jit
@no_type_check
def load_pairs(words, slots):
    """The two words of records."""
    pair = tl.arange(0, 2)
    for _ in tl.static_range(len(slots.shape)):
        pair = tl.expand_dims(pair, 0)
    return tl.split(tl.load(tl.expand_dims(words + 2 * slots, len(slots.shape)) + pair))


@triton.jit
@no_type_check
def outline_ends(maps, agents, agent, side, x, y):
    """The ends of sides of agents' outlines, relative to (x, y)."""
    cos, sin = cosine_and_sine(tl.load(agents.angles + agent))
    at, outline = agents.positions + 2 * agent, maps.outline + 4 * side
    dx, dy = tl.load(at) - x, tl.load(at + 1) - y
    sx, sy = tl.load(outline), tl.load(outline + 1)
    tx, ty = tl.load(outline + 2), tl.load(outline + 3)
    ax, ay = dx + cos * sx - sin * sy, dy + sin * sx + cos * sy
    return ax, ay, dx + cos * tx - sin * ty, dy + sin * tx + cos * ty


@triton.jit
@no_type_check
def append_agents(room, found, maps, agents, first_agent, a, camera, optics, SIZES: tl.constexpr):
    """Appends the outlines of an env's agents but a, all at once: there are at most ``SIZES.outlines`` lines."""
    line = tl.arange(0, SIZES.outlines)
    there = (line < SIZES.num_agents * SIZES.sides) & (line // SIZES.sides != a)
    agent, side = first_agent + tl.where(there, line // SIZES.sides, 0), line % SIZES.sides
    ax, ay, bx, by = outline_ends(maps, agents, agent, side, camera.x, camera.y)
    count = line * 0 + SIZES.side_texels
    return append(room, found, camera, optics, ax, ay, bx, by, line, line * 0, count, there, SIZES)


@triton.jit
@no_type_check
def append_walls(room, found, maps, sets, header, words, places, camera, optics, SIZES: tl.constexpr):
    """Appends the walls that a frame's cell lists.

    Each loads what the next one needs: ``words`` are those of the first 32 walls, ``places`` where the next are.
    """
    for some in range(0, header.count, LANES):
        words_after = load_listed(maps, sets, header, places, some + LANES, SIZES)
        places = load_places(sets, header, some + 2 * LANES)
        tl.debug_barrier()  # or the compiler would load these when it needs them
        ax, ay = halves(words.first)
        bx, by = halves(words.second)
        ax, ay, bx, by = ax - camera.x, ay - camera.y, bx - camera.x, by - camera.y
        there = some + tl.arange(0, LANES) < header.count
        line = words.number + SIZES.num_agents * SIZES.sides
        texels, count = words.texels.to(tl.int32), (words.texels >> 32).to(tl.int32)
        found = append(room, found, camera, optics, ax, ay, bx, by, line, texels, count, there, SIZES)
        words = words_after
    return found
