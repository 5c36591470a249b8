"""Pixels: shades what rays meet, with what is known of each line by then, and takes the mean of each pixel's rays.

The rule is that of `megastep.numba.raycasting.shading`; here whatever is the same all along a line has been worked out
once, in `intervals.append`, and whatever is linear along it is linear in a ray's slope, over its inverse depth.
"""

from typing import NamedTuple, no_type_check

import triton
import triton.language as tl

from megastep.triton.bits import LANES, halves
from megastep.triton.raycasting.by_ray import Rays
from megastep.triton.raycasting.cameras import Camera, has_written, is_written, slope
from megastep.triton.raycasting.culling import any_of
from megastep.triton.raycasting.intervals import FIRST_ENDS, NAMES, PLACES, SECOND_ENDS, SPANS, load_pairs
from megastep.triton.raycasting.markers import (
    colour_markers,
    depths_of_markers,
    draw_markers,
    locations_on_markers,
    markers_met,
)
from megastep.triton.raycasting.marking import mark
from megastep.triton.raycasting.shading import byte_between
from megastep.triton.raycasting.winners import FAR, FEW, winners
from megastep.triton.wall_boxes import walls_of


class Frame(NamedTuple):
    """A frame: its number, and whose it is."""

    number: tl.tensor
    e: tl.tensor
    m: tl.tensor
    first_texel: tl.tensor
    deferred: tl.tensor  # whether it is left to `by_ray`


class Unlit(NamedTuple):
    """Pieces of frames with rays that meet an agent: `agent_shading` adds that light to their pixels.

    A piece is as many neighbouring pixels as have 32 rays, or one: ``SIZES.few``.
    """

    count: tl.tensor
    pieces: tl.tensor  # their numbers: those of the first frame, of the second, and so on
    lines: tl.tensor  # of each of their rays the agents' line that it meets, or how many agents' lines there are


class Met(NamedTuple):
    """Lines and markers that a block's rays meet first."""

    slots: tl.tensor  # the line's record, 0 for none, or a marker's number: see `markers_met`
    record: tl.tensor  # that, 0 for a marker
    line: tl.tensor
    texels: tl.tensor  # the first of the line's texels
    distance: tl.tensor
    square: tl.tensor  # the inverse of its square: of the line's, if a marker is before that
    inverse_norms: tl.tensor
    place: tl.tensor  # words that give where among the line's texels rays end
    shape: tl.tensor  # and how slanted that is


@triton.jit
@no_type_check
def mean(values, valid, SIZES: tl.constexpr):
    """The means of pixels' rays."""
    if SIZES.rays == 1:
        return values
    else:  # of two types
        if SIZES.rays != SIZES.subsample:
            values = tl.where(valid, values, 0.0)
        return tl.sum(values, 1) * (1 / SIZES.subsample)


@triton.jit
@no_type_check
def channel(one, other, weight, other_weight, SHIFT: tl.constexpr, valid, SIZES: tl.constexpr):
    """The means of a colour's byte in two texels a ray, each with its weight."""
    low, high = ((one >> SHIFT) & 255).to(tl.float32), ((other >> SHIFT) & 255).to(tl.float32)
    return mean(weight * low, valid, SIZES) + mean(other_weight * high, valid, SIZES)


@triton.jit
@no_type_check
def meet(room, slots, inverses, markers, frame, camera, rays, SIZES: tl.constexpr):
    """Intersections of rays with what they meet first: the lines in those records, or markers before them."""
    if SIZES.num_markers > 0:
        before = tl.where(slots > 0, inverses, 0.0)
        slots = draw_markers(markers, frame.e, camera, rays, before, slots, SIZES)[1]
        inverses = tl.where(slots >= 0, inverses, FAR)
    record = tl.maximum(slots, 0)
    inverse_norms = tl.rsqrt(1 + rays.slopes * rays.slopes)
    across = inverses * inverse_norms
    square = across * across
    distance = tl.rsqrt(square)  # a division would take four times as long
    word = slots.to(tl.int64)
    if SIZES.colours or SIZES.per_ray or SIZES.marks:
        word = tl.load(room.records + NAMES + record)
    place = word, word
    if SIZES.colours or SIZES.marks:
        place = load_pairs(room.records + PLACES, record)
    line = (word >> 32).to(tl.int32)
    if SIZES.num_markers > 0:
        on_marker, k = markers_met(slots, rays)
        depth = depths_of_markers(markers, frame.e, k, on_marker, camera, rays, SIZES)
        distance, line = (
            tl.where(on_marker, depth * rays.norms, distance),
            tl.where(on_marker, markers.first_line + k, line),
        )
    return Met(slots, record, line, word.to(tl.int32), distance, square, inverse_norms, place[0], place[1])


@triton.jit
@no_type_check
def write_rays(room, view, markers, frame, camera, ray, rays, met, SIZES: tl.constexpr):
    """Writes what rays meet, how far away and where on it: of lines as `by_ray` tells it."""
    af, al = halves(tl.load(room.records + FIRST_ENDS + met.record))
    bf, bl = halves(tl.load(room.records + SECOND_ENDS + met.record))
    right, left = al - rays.slopes * af, bl - rays.slopes * bf
    location = tl.where(right < left, right / (right - left), 0.0)
    distance = (af + location * (bf - af)) * rays.norms
    if SIZES.num_markers > 0:
        on_marker, k = markers_met(met.slots, rays)
        depth = met.distance / rays.norms
        around = locations_on_markers(markers, frame.e, k, on_marker, depth, camera, rays, SIZES)
        location, distance = tl.where(on_marker, around, location), tl.where(on_marker, met.distance, distance)
    at = frame.number * (SIZES.stop_ray - SIZES.first_ray) + ray - SIZES.first_ray
    written = is_written(ray, rays.valid, SIZES)
    tl.store(view.distances + at, tl.where(met.slots != 0, distance, float('inf')), mask=written)
    tl.store(view.lines + at, met.line, mask=written)
    tl.store(view.locations + at, tl.where(met.slots != 0, location, float('nan')), mask=written)


@triton.jit
@no_type_check
def add_markers(red, green, blue, maps, markers, frame, camera, rays, met, SIZES: tl.constexpr):
    """The colours of pixels, with those of the rays that meet a marker added."""
    on_marker, k = markers_met(met.slots, rays)
    if any_of(on_marker):
        none = tl.zeros_like(rays.slopes)
        one_red, one_green, one_blue, slant = colour_markers(
            none, none, none, none, maps, frame.m, walls_of(maps, frame.m, SIZES), markers, frame.e, k, on_marker,
            met.distance / rays.norms, camera, rays, SIZES,
        )  # fmt: skip
        red += mean(slant * one_red, rays.valid, SIZES)
        green += mean(slant * one_green, rays.valid, SIZES)
        blue += mean(slant * one_blue, rays.valid, SIZES)
    return red, green, blue


@triton.jit
@no_type_check
def places(met, rays):
    """Places among lines' texels where rays end, 0 in the middle of the first."""
    p, q = halves(met.place)
    last = halves(met.shape)[1]
    depth = met.distance * met.inverse_norms
    return tl.minimum(tl.maximum((p + q * rays.slopes) * depth, 0.0), last)


@triton.jit
@no_type_check
def mark_texels(seen, frame, rays, met, at, SIZES: tl.constexpr):
    """Marks the texels that rays end on; of a frame that is left to `by_ray`, none."""
    on_wall = rays.valid & (met.slots > 0) & (met.line >= SIZES.num_agents * SIZES.sides) & ~frame.deferred
    mark(seen, frame.e, met.texels + (at + 0.5).to(tl.int32), on_wall)


@triton.jit
@no_type_check
def write_colours(view, maps, markers, frame, pixel, camera, rays, met, at, is_agent, SIZES: tl.constexpr):
    """Writes the colours of pixels: of what their rays meet, dark where it is seen edge-on."""
    height_square = halves(met.shape)[0]
    near = at.to(tl.int32)
    share = at - near.to(tl.float32)
    texel = maps.surface + frame.first_texel + (met.texels + near)
    one, other = tl.load(texel), tl.load(texel + 1)
    lit = byte_between(one, other, share, 24) * (height_square * met.square * (1 / 255 / 255))
    if SIZES.num_agents > 1:
        lit = tl.where(is_agent, 0.0, lit)
    other_weight = lit * share
    weight = lit - other_weight
    red = channel(one, other, weight, other_weight, 0, rays.valid, SIZES)
    green = channel(one, other, weight, other_weight, 8, rays.valid, SIZES)
    blue = channel(one, other, weight, other_weight, 16, rays.valid, SIZES)
    if SIZES.num_markers > 0:
        red, green, blue = add_markers(red, green, blue, maps, markers, frame, camera, rays, met, SIZES)
    RES: tl.constexpr = SIZES.res
    out = view.rgb + frame.number * 3 * RES + pixel
    tl.store(out, red, mask=pixel < RES)
    tl.store(out + RES, green, mask=pixel < RES)
    tl.store(out + 2 * RES, blue, mask=pixel < RES)


@triton.jit
@no_type_check
def leave_unlit(unlit, frame, first, ray, rays, line, is_agent, SIZES: tl.constexpr):
    """Lists the pieces of a block that have rays which meet an agent, from pixel number ``first`` of a frame on.

    Light on agents takes as long as all else, and an agent nearby fills a frame: so it isn't left to this program.
    """
    NUM_RAYS: tl.constexpr = SIZES.res * SIZES.subsample
    IN_FRAME: tl.constexpr = (SIZES.res + SIZES.few - 1) // SIZES.few
    IN_BLOCK: tl.constexpr = SIZES.pixels // SIZES.few
    tl.store(
        unlit.lines + frame.number * NUM_RAYS + ray,
        tl.where(is_agent, line, SIZES.num_agents * SIZES.sides),
        mask=rays.valid,
    )
    has_agent = tl.max(tl.reshape(is_agent.to(tl.int32), [IN_BLOCK, SIZES.few * SIZES.rays]), 1)
    place = tl.atomic_add(unlit.count, tl.sum(has_agent, 0), sem='relaxed') + tl.cumsum(has_agent, 0) - 1
    piece = frame.number * IN_FRAME + first // SIZES.few + tl.arange(0, IN_BLOCK)
    tl.store(unlit.pieces + place, piece, mask=has_agent != 0)


@triton.jit
@no_type_check
def rays_of(first, PIXELS: tl.constexpr, SIZES: tl.constexpr):
    """Some pixels, and their rays: a lane has neighbouring ones, so that it reads and writes them at once."""
    if SIZES.rays == 1:
        COLUMNS: tl.constexpr = max(PIXELS // LANES, 1)
        pixel = first + tl.arange(0, PIXELS // COLUMNS)[:, None] * COLUMNS + tl.arange(0, COLUMNS)[None, :]
        return pixel, pixel, pixel < SIZES.res
    else:  # of two types
        pixel, number = first + tl.arange(0, PIXELS), tl.arange(0, SIZES.rays)
        ray = pixel[:, None] * SIZES.subsample + number[None, :]
        return pixel, ray, (pixel < SIZES.res)[:, None] & (number < SIZES.subsample)[None, :]


@triton.jit
@no_type_check
def write_pixels(
    room, view, seen, maps, markers, unlit, frame, camera, optics, first, before, few, SIZES: tl.constexpr
):
    """Writes a block of a frame's pixels, from number ``first`` on.

    ``before`` is the last mark before the block. Returns the last one in it. What few rays meet is known: ``few``.
    """
    RES: tl.constexpr = SIZES.res
    pixel, ray, valid = rays_of(first, SIZES.pixels, SIZES)
    slopes = slope(ray, optics, SIZES)
    rays = Rays(slopes, tl.sqrt(1 + slopes * slopes), valid)
    if SIZES.res * SIZES.subsample > FEW:
        slots, before = winners(room, ray, valid, before, SIZES)
        base, rise = halves(tl.load(room.records + SPANS + 1 + 2 * slots))
        inverses = base + rise * slopes
    else:
        slots, inverses = few
    if SIZES.num_markers > 0:
        rightmost = slope((first + SIZES.pixels) * SIZES.subsample - 1, optics, SIZES)
        leftmost = slope(first * SIZES.subsample, optics, SIZES)
        camera = Camera(camera.x, camera.y, camera.cos, camera.sin, leftmost, rightmost, camera.near)
    met = meet(room, slots, inverses, markers, frame, camera, rays, SIZES)
    scale = 1 / optics.max_depth
    closeness = tl.minimum(tl.maximum(1 + optics.near * scale - met.distance * scale, 0.0), 1.0)
    tl.store(view.depth + frame.number * RES + pixel, mean(closeness, valid, SIZES), mask=pixel < RES)
    if SIZES.per_ray:
        if has_written(first, SIZES):
            write_rays(room, view, markers, frame, camera, ray, rays, met, SIZES)
    if SIZES.colours or SIZES.marks:
        at = places(met, rays)
        if SIZES.marks:
            mark_texels(seen, frame, rays, met, at, SIZES)
        if SIZES.colours:
            is_agent = valid & (met.slots > 0) & (met.line < SIZES.num_agents * SIZES.sides)
            write_colours(view, maps, markers, frame, pixel, camera, rays, met, at, is_agent, SIZES)
            if SIZES.num_agents > 1:
                if any_of(is_agent & ~frame.deferred):
                    leave_unlit(unlit, frame, first, ray, rays, met.line, is_agent, SIZES)
    return before
