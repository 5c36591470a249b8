"""Ray casting ray by ray, with a depth buffer: finds each ray's nearest line, shades it, and averages pixels' rays.

A frame is a camera of an agent of an env, and one warp's work. A box of walls at a time and a wall a lane, it appends
to its records the walls that face the camera and reach between the rays of a block. It draws those, one after another,
over all the block's rays, and goes on with the next box that may be nearer than what has been drawn. Most walls never
get that far. The twin is `megastep.numba.raycasting.by_ray`.
"""

from typing import NamedTuple, no_type_check

import triton
import triton.language as tl

from megastep.triton.bits import LANES, halves
from megastep.triton.raycasting.cameras import camera_of, has_written, is_written, slope
from megastep.triton.raycasting.culling import (
    NONE,
    RECORD,
    Records,
    any_of,
    append_visible_agents,
    append_visible_walls,
    boxes_in_view,
    may_be_seen,
)
from megastep.triton.raycasting.markers import (
    colour_markers,
    depths_of_markers,
    draw_markers,
    locations_on_markers,
    markers_met,
)
from megastep.triton.raycasting.marking import mark
from megastep.triton.raycasting.shading import colour_agents, pixel_means, texel_range, wall_colour
from megastep.triton.wall_boxes import walls_of


class Rays(NamedTuple):
    """A block's rays."""

    slopes: tl.tensor  # how far to the left each goes for each metre forward
    norms: tl.tensor  # how long it is then
    valid: tl.tensor  # whether it is one of the frame's


class Hits(NamedTuple):
    """Hits of a block's rays on what they meet first."""

    hit: tl.tensor  # whether a ray meets anything
    slots: tl.tensor  # its record, or a marker's number: see `markers_met`
    line: tl.tensor  # the line's number, -1 for none
    location: tl.tensor  # where on a line, 0 to 1
    distance: tl.tensor  # metres along the ray
    af: tl.tensor  # how far forward and left of the camera the line's first end is, in metres
    al: tl.tensor
    bf: tl.tensor  # and its second
    bl: tl.tensor


@triton.jit
@no_type_check
def draw(records, slot, slopes, limits, inverses, slots, CLOSE: tl.constexpr):
    """Draws one line over the rays that it covers and is nearest to.

    Which side of a ray an end lies on is computed alike for the two lines that share it, and an end on the ray counts
    for both: no ray slips between them.
    """
    record = records.words + slot * RECORD
    af, al = halves(tl.load(record))
    bf, bl = halves(tl.load(record + 1))
    base, rise = halves(tl.load(record + 2))
    right, left, inverse = al - slopes * af, bl - slopes * bf, base + slopes * rise
    hit = (right <= 0) & (left >= 0) & (inverse > inverses)
    if CLOSE:
        hit &= (inverse < limits) & (right < left)
    return tl.where(hit, inverse, inverses), tl.where(hit, slot, slots)


@triton.jit
@no_type_check
def draw_new(records, old_plain, plain, old_close, close, near, rays, inverses, slots):
    """Draws the lines appended since there were ``old_plain`` and ``old_close`` of them.

    Returns:
        For each ray the inverse depth of the nearest line so far, and that line's record: 0 and -1 for none.
    """
    tl.debug_barrier()  # what one lane appended, all draw
    slopes, limits = rays.slopes, rays.norms / near
    for slot in range(old_plain, plain):
        inverses, slots = draw(records, slot, slopes, slopes, inverses, slots, False)
    for slot in range(records.capacity - close, records.capacity - old_close):
        inverses, slots = draw(records, slot, slopes, limits, inverses, slots, True)
    return inverses, slots


@triton.jit
@no_type_check
def draw_walls(records, plain, close, walls, first_line, camera, rays, inverses, slots, SIZES: tl.constexpr):
    """Draws a map's walls, the nearest boxes first; those out of view or behind what has been drawn are skipped."""
    for some in range(0, walls.num_boxes, LANES):
        keys = boxes_in_view(walls, some, camera, SIZES)
        key = tl.min(keys, 0)
        while key < NONE:
            box, depth = some + (key & (LANES - 1)), (key & -LANES).to(tl.float32, bitcast=True)
            keys = tl.where(keys == key, NONE, keys)
            key = tl.min(keys, 0)
            seen = may_be_seen(walls, box, depth, camera, rays, inverses)
            if not SIZES.skip:
                seen = box >= 0
            if seen:
                old_plain, old_close, start = plain, close, box * SIZES.per_box
                plain, close = append_visible_walls(records, plain, close, walls, start, first_line, camera, SIZES)
                inverses, slots = draw_new(
                    records, old_plain, plain, old_close, close, camera.near, rays, inverses, slots
                )
    return slots


@triton.jit
@no_type_check
def colours(maps, m, walls, agents, e, camera, rays, depth, line, location, hit, SIZES: tl.constexpr):
    """Albedo times light where rays meet a line, ``depth`` metres forward."""
    FIRST_WALL_LINE: tl.constexpr = SIZES.num_agents * SIZES.sides
    wall = walls.first + tl.maximum(line - FIRST_WALL_LINE, 0)
    red, green, blue = wall_colour(maps, m, wall, location, hit & (line >= FIRST_WALL_LINE))
    if SIZES.num_agents > 1:
        is_agent = hit & (line < FIRST_WALL_LINE)
        if any_of(is_agent):
            x = camera.x + depth * (camera.cos - rays.slopes * camera.sin)
            y = camera.y + depth * (camera.sin + rays.slopes * camera.cos)
            red, green, blue = colour_agents(
                red, green, blue, maps, None, m, agents, e, line, location, x, y, is_agent, SIZES
            )
    return red, green, blue


@triton.jit
@no_type_check
def draw_all(records, maps, agents, e, a, walls, markers, camera, rays, SIZES: tl.constexpr):
    """Draws all that a camera may see: the other agents, markers, and walls.

    Returns:
        For each ray the nearest line's record, or the marker's number, and -1 for none.
    """
    NUM_AGENTS: tl.constexpr = SIZES.num_agents
    plain, close, inverses, slots = 0, 0, tl.zeros_like(rays.slopes), tl.full(rays.slopes.shape, -1, tl.int32)
    if NUM_AGENTS > 1:
        plain, close = append_visible_agents(records, maps.outline, agents, e * NUM_AGENTS, a, camera, SIZES)
        inverses, slots = draw_new(records, 0, plain, 0, close, camera.near, rays, inverses, slots)
    if SIZES.num_markers > 0:
        inverses, slots = draw_markers(markers, e, camera, rays, inverses, slots, SIZES)
    return draw_walls(records, plain, close, walls, NUM_AGENTS * SIZES.sides, camera, rays, inverses, slots, SIZES)


@triton.jit
@no_type_check
def hits_of(records, slots, markers, e, camera, rays, SIZES: tl.constexpr):
    """Hits of rays on the lines and markers that were drawn last."""
    hit = rays.valid & (slots >= 0)
    record = records.words + tl.maximum(slots, 0) * RECORD
    af, al = halves(tl.load(record))
    bf, bl = halves(tl.load(record + 1))
    line = tl.where(hit, tl.load(record + 3).to(tl.int32), -1)
    right, left = al - rays.slopes * af, bl - rays.slopes * bf
    location = tl.where(right < left, right / (right - left), 0.0)
    distance = (af + location * (bf - af)) * rays.norms
    if SIZES.num_markers > 0:
        on_marker, k = markers_met(slots, rays)
        hit, line = hit | on_marker, tl.where(on_marker, markers.first_line + k, line)
        depth = depths_of_markers(markers, e, k, on_marker, camera, rays, SIZES)
        distance = tl.where(on_marker, depth * rays.norms, distance)
    return Hits(hit, slots, line, location, distance, af, al, bf, bl)


@triton.jit
@no_type_check
def write_colours(view, frame, pixel, maps, m, agents, e, walls, markers, camera, rays, hits, SIZES: tl.constexpr):
    """Writes the colours of pixels: of what their rays hit, dark where it is seen edge-on."""
    on_line, norms = hits.hit, rays.norms
    if SIZES.num_markers > 0:
        on_marker, k = markers_met(hits.slots, rays)
        on_line &= ~on_marker
    depth = hits.distance / norms
    red, green, blue = colours(maps, m, walls, agents, e, camera, rays, depth, hits.line, hits.location, on_line, SIZES)
    along, across = hits.bf - hits.af, hits.bl - hits.al
    slant = 1 - (along + rays.slopes * across) * (along + rays.slopes * across) / (
        norms * norms * (along * along + across * across)
    )
    if SIZES.num_markers > 0:
        if any_of(on_marker):
            red, green, blue, slant = colour_markers(
                red, green, blue, slant, maps, m, walls, markers, e, k, on_marker, depth, camera, rays, SIZES
            )
    RES: tl.constexpr = SIZES.res
    out = view.rgb + frame * 3 * RES + pixel
    pixel_means(out, slant * red, hits.hit, pixel < RES, SIZES.subsample)
    pixel_means(out + RES, slant * green, hits.hit, pixel < RES, SIZES.subsample)
    pixel_means(out + 2 * RES, slant * blue, hits.hit, pixel < RES, SIZES.subsample)


@triton.jit
@no_type_check
def write_rays(view, frame, ray, markers, e, camera, rays, hits, SIZES: tl.constexpr):
    """Writes what rays hit, how far away and where on it."""
    location = hits.location
    if SIZES.num_markers > 0:
        on_marker, k = markers_met(hits.slots, rays)
        around = locations_on_markers(markers, e, k, on_marker, hits.distance / rays.norms, camera, rays, SIZES)
        location = tl.where(on_marker, around, location)
    at = frame * (SIZES.stop_ray - SIZES.first_ray) + ray - SIZES.first_ray
    written = is_written(ray, rays.valid, SIZES)
    tl.store(view.distances + at, tl.where(hits.hit, hits.distance, float('inf')), mask=written)
    tl.store(view.lines + at, hits.line, mask=written)
    tl.store(view.locations + at, tl.where(hits.hit, location, float('nan')), mask=written)


@triton.jit
@no_type_check
def mark_texels(seen, maps, walls, e, hits, SIZES: tl.constexpr):
    """Marks the texels that rays end on."""
    FIRST_WALL_LINE: tl.constexpr = SIZES.num_agents * SIZES.sides
    on_wall = hits.hit & (hits.slots >= 0) & (hits.line >= FIRST_WALL_LINE)
    wall = walls.first + tl.where(on_wall, hits.line - FIRST_WALL_LINE, 0)
    first, count = texel_range(tl.load(maps.texels + wall, mask=on_wall, other=1 << 32))
    place = tl.where(on_wall, hits.location * count, 0.0).to(tl.int32)
    mark(seen, e, first + tl.minimum(place, count - 1), on_wall)  # a location may be 1


@triton.jit
@no_type_check
def render_block(maps, agents, markers, optics, view, seen, records, frame, block, SIZES: tl.constexpr):
    """Renders a block of a frame's pixels."""
    RES: tl.constexpr = SIZES.res
    SUBSAMPLE: tl.constexpr = SIZES.subsample
    PIXELS: tl.constexpr = SIZES.pixels
    NUM_AGENTS: tl.constexpr = SIZES.num_agents
    NUM_CAMERAS: tl.constexpr = SIZES.num_cameras
    agent, e, a = frame // NUM_CAMERAS, frame // NUM_CAMERAS // NUM_AGENTS, frame // NUM_CAMERAS % NUM_AGENTS
    m = tl.load(agents.map_ids + e)
    walls = walls_of(maps, m, SIZES)
    leftmost = slope(block * PIXELS * SUBSAMPLE, optics, SIZES)
    rightmost = slope((block + 1) * PIXELS * SUBSAMPLE - 1, optics, SIZES)
    camera = camera_of(agents, optics, agent, frame % NUM_CAMERAS, leftmost, rightmost, SIZES)

    pixel, number = block * PIXELS + tl.arange(0, PIXELS), tl.arange(0, SIZES.rays)
    ray = pixel[:, None] * SUBSAMPLE + number[None, :]  # [PIXELS, RAYS]
    valid = (pixel < RES)[:, None] & (number < SUBSAMPLE)[None, :]
    slopes = slope(ray, optics, SIZES)
    rays = Rays(slopes, tl.sqrt(1 + slopes * slopes), valid)
    slots = draw_all(records, maps, agents, e, a, walls, markers, camera, rays, SIZES)
    hits = hits_of(records, slots, markers, e, camera, rays, SIZES)

    closeness = 1 - tl.minimum(tl.maximum((hits.distance - optics.near) / optics.max_depth, 0.0), 1.0)
    pixel_means(view.depth + frame * RES + pixel, closeness, hits.hit, pixel < RES, SUBSAMPLE)
    if view.rgb is not None:
        write_colours(view, frame, pixel, maps, m, agents, e, walls, markers, camera, rays, hits, SIZES)
    if SIZES.per_ray:
        if has_written(block * PIXELS, SIZES):
            write_rays(view, frame, ray, markers, e, camera, rays, hits, SIZES)
    if SIZES.marks:
        mark_texels(seen, maps, walls, e, hits, SIZES)
    tl.debug_barrier()  # the records are read before the next block's are written


@triton.jit
@no_type_check
def _render(maps, agents, markers, optics, view, seen, scratch, num_units, capacity, SIZES: tl.constexpr):
    """Program p renders units p, p + the number of programs, and so on.

    A unit is a block of a frame's pixels. ``scratch`` has room for every line of an env, for each program.
    """
    BLOCKS: tl.constexpr = (SIZES.res + SIZES.pixels - 1) // SIZES.pixels
    program, programs = tl.program_id(0), tl.num_programs(0)
    records = Records(scratch + program.to(tl.int64) * capacity * RECORD, capacity)
    for turn in range((num_units - program + programs - 1) // programs):
        unit = program + turn * programs
        frame = (unit // BLOCKS).to(tl.int64)
        render_block(maps, agents, markers, optics, view, seen, records, frame, unit % BLOCKS, SIZES)
