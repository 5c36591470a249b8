"""Ray casting: finds each ray's nearest line, shades it, and takes the mean of each pixel's rays.

A frame is a camera of an agent of an env, and one warp's work. A box of walls at a time and a wall a lane, it appends
to its records the walls that face the camera and reach between the rays of a block. It draws those, one after another,
over all the block's rays, and goes on with the next box that may be nearer than what has been drawn. Most walls never
get that far. The twin is `megastep.numba.raycasting`.
"""

import math
from functools import cache
from typing import no_type_check

import torch
import triton
import triton.language as tl

from megastep.triton.bits import LANES, halves
from megastep.triton.constants import DEGREE
from megastep.triton.culling import (
    NONE,
    RECORD,
    any_of,
    append_visible_agents,
    append_visible_walls,
    boxes_in_view,
    may_be_seen,
)
from megastep.triton.shading import colour_agents, pixel_means, wall_colour

PROGRAMS = 256
"""How many programs there are for each multiprocessor: most wait, so that none that is done early stays idle."""
SCRATCH = 1 << 29
"""How many bytes the programs' scratch may take."""
BLOCK_RAYS = 128
"""How many rays a program casts at a time: fewer would cull lines more often, more would need more registers."""
SKIP = True
"""Whether boxes of walls that can't be seen are skipped: it changes no picture, as the tests see by turning it off."""


@triton.jit
@no_type_check
def draw(records, slot, slopes, limits, inverses, slots, CLOSE: tl.constexpr):
    """Draws one line over the rays that it covers and is nearest to.

    Which side of a ray an end lies on is computed alike for the two lines that share it, and an end on the ray counts
    for both: no ray slips between them.
    """
    record = records + slot * RECORD
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
def camera_of(positions, angles, mounts, agent, c):
    """A camera's position in metres and the cosine and sine of its bearing."""
    bearing = tl.load(angles + agent) * DEGREE
    cos, sin = tl.cos(bearing), tl.sin(bearing)
    mx, my, turn = tl.load(mounts + 3 * c), tl.load(mounts + 3 * c + 1), tl.load(mounts + 3 * c + 2) * DEGREE
    x = tl.load(positions + 2 * agent) + cos * mx - sin * my
    y = tl.load(positions + 2 * agent + 1) + sin * mx + cos * my
    return x, y, tl.cos(bearing + turn), tl.sin(bearing + turn)


@triton.jit
@no_type_check
def slope(ray, NUM_RAYS: tl.constexpr, half):
    """The slopes of rays: how far to the left they go for each metre forward."""
    return (NUM_RAYS - 2 * ray - 1).to(tl.float32) / NUM_RAYS * half


@triton.jit
@no_type_check
def draw_new(records, old_plain, plain, old_close, close, capacity, slopes, norms, near, inverses, slots):
    """Draws the lines appended since there were ``old_plain`` and ``old_close`` of them.

    Returns:
        For each ray the inverse depth of the nearest line so far, and that line's record: 0 and -1 for none.
    """
    tl.debug_barrier()  # what one lane appended, all draw
    for slot in range(old_plain, plain):
        inverses, slots = draw(records, slot, slopes, slopes, inverses, slots, False)
    for slot in range(capacity - close, capacity - old_close):
        inverses, slots = draw(records, slot, slopes, norms / near, inverses, slots, True)
    return inverses, slots


@triton.jit
@no_type_check
def draw_walls(
    records, plain, close, capacity, walls, first_wall, width, numbers, boxes, first_box, first_line,
    x, y, cos, sin, leftmost, rightmost, near, slopes, norms, valid, inverses, slots,
    PER_BOX: tl.constexpr, SKIP: tl.constexpr,
):  # fmt: skip
    """Draws a map's walls, the nearest boxes first; those out of view or behind what has been drawn are skipped."""
    num_boxes = (width + PER_BOX - 1) // PER_BOX
    for some in range(0, num_boxes, LANES):
        keys = boxes_in_view(boxes, first_box, some, num_boxes, x, y, cos, sin, leftmost, rightmost, SKIP)
        key = tl.min(keys, 0)
        while key < NONE:
            box, depth = some + (key & (LANES - 1)), (key & -LANES).to(tl.float32, bitcast=True)
            keys = tl.where(keys == key, NONE, keys)
            key = tl.min(keys, 0)
            seen = may_be_seen(boxes, first_box + box, depth, x, y, cos, sin, slopes, inverses, valid)
            if not SKIP:
                seen = box >= 0
            if seen:
                old_plain, old_close = plain, close
                plain, close = append_visible_walls(
                    records, plain, close, capacity, walls, first_wall, box * PER_BOX, width, numbers, first_line,
                    x, y, cos, sin, leftmost, rightmost, near, PER_BOX,
                )  # fmt: skip
                inverses, slots = draw_new(
                    records, old_plain, plain, old_close, close, capacity, slopes, norms, near, inverses, slots
                )
    return slots, plain + close


@triton.jit
@no_type_check
def _render(
    # the envs
    positions, angles, map_ids,
    # the maps
    walls, wall_starts, wall_widths, numbers, boxes, box_starts, lights, light_starts, light_widths,
    texels, texel_starts, surface, outline, outline_albedo,
    # the cameras
    mounts, half, near, max_depth, girth,
    # out
    rgb, depth, distances, lines, locations, drawn,
    # scratch: room for every line of an env, for each program
    scratch,
    # sizes
    num_units, capacity,
    NUM_AGENTS: tl.constexpr, NUM_CAMERAS: tl.constexpr, SIDES: tl.constexpr, SIDE_TEXELS: tl.constexpr,
    OUTLINES: tl.constexpr, PER_BOX: tl.constexpr,
    RES: tl.constexpr, SUBSAMPLE: tl.constexpr, RGB: tl.constexpr, PER_RAY: tl.constexpr,
    PIXELS: tl.constexpr, RAYS: tl.constexpr, SKIP: tl.constexpr, COUNT: tl.constexpr,
):  # fmt: skip
    """Program p renders units p, p + the number of programs, and so on.

    A unit is a block of PIXELS pixels, of SUBSAMPLE <= RAYS rays each, of a frame.
    """
    program, programs = tl.program_id(0), tl.num_programs(0)
    records = scratch + program.to(tl.int64) * capacity * RECORD
    BLOCKS: tl.constexpr = (RES + PIXELS - 1) // PIXELS
    FIRST_WALL_LINE: tl.constexpr = NUM_AGENTS * SIDES
    for turn in range((num_units - program + programs - 1) // programs):
        unit = program + turn * programs
        frame = (unit // BLOCKS).to(tl.int64)
        agent, e, a = frame // NUM_CAMERAS, frame // NUM_CAMERAS // NUM_AGENTS, frame // NUM_CAMERAS % NUM_AGENTS
        m = tl.load(map_ids + e)
        first_wall, width, first_box = tl.load(wall_starts + m), tl.load(wall_widths + m), tl.load(box_starts + m)
        x, y, cos, sin = camera_of(positions, angles, mounts, agent, frame % NUM_CAMERAS)

        pixel = (unit % BLOCKS) * PIXELS + tl.arange(0, PIXELS)
        ray = pixel[:, None] * SUBSAMPLE + tl.arange(0, RAYS)[None, :]  # [PIXELS, RAYS]
        valid = (pixel < RES)[:, None] & (tl.arange(0, RAYS) < SUBSAMPLE)[None, :]
        slopes = slope(ray, RES * SUBSAMPLE, half)
        norms = tl.sqrt(1 + slopes * slopes)
        leftmost = slope((unit % BLOCKS) * PIXELS * SUBSAMPLE, RES * SUBSAMPLE, half)
        rightmost = slope((unit % BLOCKS + 1) * PIXELS * SUBSAMPLE - 1, RES * SUBSAMPLE, half)

        plain, close, inverses, slots = 0, 0, tl.zeros_like(slopes), tl.full(slopes.shape, -1, tl.int32)
        if NUM_AGENTS > 1:
            plain, close = append_visible_agents(
                records, plain, close, capacity, outline, positions, angles, e * NUM_AGENTS, a, x, y, cos, sin,
                leftmost, rightmost, near, NUM_AGENTS, SIDES, OUTLINES,
            )  # fmt: skip
            inverses, slots = draw_new(records, 0, plain, 0, close, capacity, slopes, norms, near, inverses, slots)
        slots, num_drawn = draw_walls(
            records, plain, close, capacity, walls, first_wall, width, numbers, boxes, first_box, FIRST_WALL_LINE,
            x, y, cos, sin, leftmost, rightmost, near, slopes, norms, valid, inverses, slots, PER_BOX, SKIP,
        )  # fmt: skip

        hit = valid & (slots >= 0)
        record = records + tl.maximum(slots, 0) * RECORD
        af, al = halves(tl.load(record))
        bf, bl = halves(tl.load(record + 1))
        line = tl.where(hit, tl.load(record + 3).to(tl.int32), -1)
        right, left = al - slopes * af, bl - slopes * bf
        location = tl.where(right < left, right / (right - left), 0.0)
        distance = (af + location * (bf - af)) * norms

        closeness = 1 - tl.minimum(tl.maximum((distance - near) / max_depth, 0.0), 1.0)
        pixel_means(depth + frame * RES + pixel, closeness, hit, pixel < RES, SUBSAMPLE)
        if RGB:
            wall = first_wall + tl.maximum(line - FIRST_WALL_LINE, 0)
            red, green, blue = wall_colour(
                texels, texel_starts, surface, m, wall, location, hit & (line >= FIRST_WALL_LINE)
            )
            if NUM_AGENTS > 1:
                is_agent = hit & (line < FIRST_WALL_LINE)
                if any_of(is_agent):
                    far = distance / norms  # forward
                    red, green, blue = colour_agents(
                        red, green, blue, walls, first_wall, width, boxes, first_box, lights, light_starts,
                        light_widths, outline_albedo, positions + 2 * e * NUM_AGENTS, m, line, location,
                        x + far * (cos - slopes * sin), y + far * (sin + slopes * cos), is_agent, girth,
                        NUM_AGENTS, SIDES, SIDE_TEXELS, PER_BOX,
                    )  # fmt: skip
            along, across = bf - af, bl - al
            slant = 1 - (along + slopes * across) * (along + slopes * across) / (
                norms * norms * (along * along + across * across)
            )
            out = rgb + frame * 3 * RES + pixel
            pixel_means(out, slant * red, hit, pixel < RES, SUBSAMPLE)
            pixel_means(out + RES, slant * green, hit, pixel < RES, SUBSAMPLE)
            pixel_means(out + 2 * RES, slant * blue, hit, pixel < RES, SUBSAMPLE)
        if PER_RAY:
            at = frame * (RES * SUBSAMPLE) + ray
            tl.store(distances + at, tl.where(hit, distance, float('inf')), mask=valid)
            tl.store(lines + at, line, mask=valid)
            tl.store(locations + at, tl.where(hit, location, float('nan')), mask=valid)
        if COUNT:
            tl.store(drawn + unit, num_drawn)
        tl.debug_barrier()  # the records are read before the next unit's are written


def render(core, cameras, view, drawn=None):
    """Writes what every camera sees into ``view``: see `megastep.world.rendering.render`.

    Into ``drawn``, int32, if it is given, goes against how many lines the rays of each block were held: see `blocks`.
    """
    scenery, agents, per_ray = core.scenery, core.agents, view.distances is not None
    walls, bounds, lights = scenery.walls, scenery.wall_boxes, scenery.lights
    (pixels, rays), units = blocks(core, cameras)
    outlines = core.num_agents * scenery.lines_per_agent
    capacity = scenery.most_walls + outlines
    most = max(SCRATCH // (8 * RECORD.value * capacity), 1)
    programs = min(units, PROGRAMS * multiprocessors(core.device), most)
    scratch = torch.empty((programs, capacity, RECORD.value), dtype=torch.int64, device=core.device)
    _render[(programs,)](
        agents.positions, agents.angles, core.map_ids,
        bounds.walls.view(torch.int64), walls.starts, walls.widths, bounds.numbers, bounds.boxes.vals,
        bounds.boxes.starts, lights.vals, lights.starts, lights.widths,
        scenery.texels.view(torch.int64), scenery.surface.starts, scenery.surface.vals.view(torch.int64),
        scenery.outline, scenery.outline_albedo,
        mounts_on(cameras, core.device), math.tan(math.radians(cameras.fov) / 2), core.agent_radius, cameras.max_depth,
        1.01 * scenery.girth, view.depth if view.rgb is None else view.rgb, view.depth,
        *((view.distances, view.lines, view.locations) if per_ray else (view.depth,) * 3),
        view.depth if drawn is None else drawn,
        scratch, units, capacity,
        NUM_AGENTS=core.num_agents, NUM_CAMERAS=cameras.num_cameras, SIDES=scenery.lines_per_agent,
        SIDE_TEXELS=len(scenery.outline_albedo) // scenery.lines_per_agent,
        OUTLINES=triton.next_power_of_2(outlines), PER_BOX=scenery.walls_per_box, RES=cameras.res,
        SUBSAMPLE=cameras.subsample, RGB=view.rgb is not None, PER_RAY=per_ray,
        PIXELS=pixels, RAYS=rays, SKIP=SKIP, COUNT=drawn is not None,
        num_warps=1, enable_fp_fusion=True,
    )  # fmt: skip


def blocks(core, cameras):
    """The numbers of a block's pixels and of a pixel's rays; and the number of blocks."""
    rays = triton.next_power_of_2(cameras.subsample)
    pixels = min(triton.next_power_of_2(cameras.res), max(BLOCK_RAYS // rays, 1))
    return (pixels, rays), core.num_envs * core.num_agents * cameras.num_cameras * triton.cdiv(cameras.res, pixels)


@cache
def mounts_on(cameras, device):
    """The cameras' mounts on a device: copied once, since a copy from the host waits for the GPU."""
    return torch.tensor(cameras.mounts, dtype=torch.float32, device=device)


def multiprocessors(device):
    """The number of a GPU's multiprocessors; 1 where kernels are interpreted."""
    return torch.cuda.get_device_properties(device).multi_processor_count if device.type == 'cuda' else 1
