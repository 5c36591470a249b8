"""What cameras see: finds each ray's nearest line, shades it, and takes the mean of each pixel's rays.

A frame is a camera of an agent of an env, and one warp's work. First, a group of lines at a time and a line a lane,
it takes down the lines that face the camera and reach between the rays of a block. Then it draws those, one after
another, over all the block's rays. Most lines never get that far.
"""

import math
from functools import lru_cache
from typing import no_type_check

import torch
import triton
import triton.language as tl

from megastep.triton.light import disc_brightness
from megastep.triton.shading import agent_colour, wall_colour

DEGREE = tl.constexpr(math.pi / 180)
RECORD = tl.constexpr(8)
"""A line taken down is eight numbers: its ends, forward and left, the two of its inverse depth, and its number."""
EDGE_ON = tl.constexpr(2e-6)
"""Of a line whose plane comes this close to the camera, rounding leaves nothing of how depth varies along it."""
PROGRAMS = 256
"""How many programs there are for each multiprocessor: most wait, so that none that is done early stays idle."""
SCRATCH = 1 << 29
"""How many bytes the programs' scratch may take."""
BLOCK_RAYS = 128
"""How many rays a program casts at a time: fewer would take lines down more often, more would need more registers."""


@triton.jit
@no_type_check
def take_down(records, plain_count, close_count, capacity, af, al, bf, bl, line, there, leftmost, rightmost, near):
    """Takes down the lines of a group that face the camera and reach into its view.

    Those that rays may have to pass over, since their plane comes near to the camera or through it, are put at the end
    of the records instead, from the back. Seen from its free side a line runs from its first end on the right to its
    second on the left, and the inverse of its depth is linear in a ray's slope.

    Returns:
        How many lines have been taken down, those at the front and those at the back.
    """
    one, other = af * bl, al * bf
    facing, size = one - other, tl.abs(one) + tl.abs(other)
    front, back = tl.maximum(af, bf), tl.minimum(af, bf)
    edge_on = (facing < EDGE_ON * size) & (back > 0)
    ahead = (front > 0) & ((facing > 0) | (edge_on & (facing > -EDGE_ON * size)))
    not_left = (al <= leftmost * af) | (bl <= leftmost * bf)
    not_right = (al >= rightmost * af) | (bl >= rightmost * bf)
    seen = there & ahead & not_left & not_right
    scale = 1 / tl.maximum(facing, 1e-20)
    base = tl.where(edge_on, 1 / back, (bl - al) * scale)
    rise = tl.where(edge_on, 0.0, (af - bf) * scale)
    length_square = (bf - af) * (bf - af) + (bl - al) * (bl - al)
    is_close = edge_on | (facing * facing < 1.01 * near * near * length_square)
    plain, close = (seen & ~is_close).to(tl.int32), (seen & is_close).to(tl.int32)
    from_front, from_back = plain_count + tl.cumsum(plain, 0) - 1, capacity - close_count - tl.cumsum(close, 0)
    slot = tl.where(is_close, from_back, from_front)
    record = records + RECORD * slot
    tl.store(record, af, mask=seen)
    tl.store(record + 1, al, mask=seen)
    tl.store(record + 2, bf, mask=seen)
    tl.store(record + 3, bl, mask=seen)
    tl.store(record + 4, base, mask=seen)
    tl.store(record + 5, rise, mask=seen)
    tl.store(record + 6, line.to(tl.float32, bitcast=True), mask=seen)
    return plain_count + tl.sum(plain, 0), close_count + tl.sum(close, 0)


@triton.jit
@no_type_check
def draw(records, slot, slopes, limits, inverses, slots, CLOSE: tl.constexpr):
    """Draws one line over the rays that it covers and is nearest to.

    Which side of a ray an end lies on is computed alike for the two lines that share it, and an end on the ray counts
    for both: no ray slips between them.
    """
    record = records + RECORD * slot
    right = tl.load(record + 1) - slopes * tl.load(record)
    left = tl.load(record + 3) - slopes * tl.load(record + 2)
    inverse = tl.load(record + 4) + slopes * tl.load(record + 5)
    hit = (right <= 0) & (left >= 0) & (inverse > inverses)
    if CLOSE:
        hit &= (inverse < limits) & (right < left)
    return tl.where(hit, inverse, inverses), tl.where(hit, slot, slots)


@triton.jit
@no_type_check
def side_ends(outline, positions, angles, agent, k, x, y):
    """The ends, relative to (x, y), of side k of an agent's outline."""
    bearing = tl.load(angles + agent) * DEGREE
    cos, sin = tl.cos(bearing), tl.sin(bearing)
    dx, dy = tl.load(positions + 2 * agent) - x, tl.load(positions + 2 * agent + 1) - y
    sx, sy = tl.load(outline + 4 * k), tl.load(outline + 4 * k + 1)
    tx, ty = tl.load(outline + 4 * k + 2), tl.load(outline + 4 * k + 3)
    return dx + cos * sx - sin * sy, dy + sin * sx + cos * sy, dx + cos * tx - sin * ty, dy + sin * tx + cos * ty


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
    """How far to the left rays go for each metre forward."""
    return (NUM_RAYS - 2 * ray - 1).to(tl.float32) / NUM_RAYS * half


@triton.jit
@no_type_check
def box_in_view(boxes, box, x, y, cos, sin, leftmost, rightmost):
    """Whether a box of walls may reach between two slopes of a camera's view."""
    at = boxes + 4 * box
    left, bottom, right, top = tl.load(at), tl.load(at + 1), tl.load(at + 2), tl.load(at + 3)
    cx, cy, wx, wy = (left + right) / 2 - x, (bottom + top) / 2 - y, (right - left) / 2, (top - bottom) / 2
    forward, sideways = cos * cx + sin * cy, cos * cy - sin * cx
    left_x, left_y = leftmost * cos + sin, leftmost * sin - cos
    right_x, right_y = rightmost * cos + sin, rightmost * sin - cos
    reach = 1e-3
    ahead = forward + tl.abs(cos) * wx + tl.abs(sin) * wy > -reach
    not_left = leftmost * forward - sideways + tl.abs(left_x) * wx + tl.abs(left_y) * wy > -reach
    not_right = sideways - rightmost * forward + tl.abs(right_x) * wx + tl.abs(right_y) * wy > -reach
    return ahead & not_right & not_left


@triton.jit
@no_type_check
def _render(
    # the envs
    positions, angles, map_ids,
    # the maps
    walls, wall_starts, wall_widths, boxes, box_starts, lights, light_starts, light_widths,
    texels, texel_starts, surface, outline, outline_albedo,
    # the cameras
    mounts, half, near, max_depth, girth,
    # out
    rgb, depth, distances, lines, locations,
    # scratch: room for every line of an env, for each program
    scratch,
    # sizes
    num_units, capacity,
    NUM_AGENTS: tl.constexpr, NUM_CAMERAS: tl.constexpr, SIDES: tl.constexpr, SIDE_TEXELS: tl.constexpr,
    OUTLINES: tl.constexpr, GROUP: tl.constexpr,
    RES: tl.constexpr, SUBSAMPLE: tl.constexpr, PER_RAY: tl.constexpr, PIXELS: tl.constexpr, RAYS: tl.constexpr,
):  # fmt: skip
    """Program p renders units p, p + the number of programs, and so on.

    A unit is a block of PIXELS pixels, of SUBSAMPLE <= RAYS rays each, of a frame.
    """
    program, programs = tl.program_id(0), tl.num_programs(0)
    records = scratch + program.to(tl.int64) * capacity * RECORD
    BLOCKS: tl.constexpr = (RES + PIXELS - 1) // PIXELS
    for turn in range((num_units - program + programs - 1) // programs):
        unit = program + turn * programs
        frame = (unit // BLOCKS).to(tl.int64)
        agent, c = frame // NUM_CAMERAS, frame % NUM_CAMERAS
        e, a = agent // NUM_AGENTS, agent % NUM_AGENTS
        m = tl.load(map_ids + e)
        first_wall, width, first_box = tl.load(wall_starts + m), tl.load(wall_widths + m), tl.load(box_starts + m)
        x, y, cos, sin = camera_of(positions, angles, mounts, agent, c)

        first_ray = (unit % BLOCKS) * PIXELS * SUBSAMPLE
        leftmost = slope(first_ray, RES * SUBSAMPLE, half)
        rightmost = slope(first_ray + PIXELS * SUBSAMPLE - 1, RES * SUBSAMPLE, half)
        plain, close = 0, 0
        if NUM_AGENTS > 1:
            i = tl.arange(0, OUTLINES)
            there = (i < NUM_AGENTS * SIDES) & (i // SIDES != a)
            b = tl.where(there, i, 0)
            ax, ay, bx, by = side_ends(outline, positions, angles, e * NUM_AGENTS + b // SIDES, b % SIDES, x, y)
            af, al, bf, bl = cos * ax + sin * ay, cos * ay - sin * ax, cos * bx + sin * by, cos * by - sin * bx
            plain, close = take_down(
                records, plain, close, capacity, af, al, bf, bl, i, there, leftmost, rightmost, near
            )
        for start in range(0, width, GROUP):
            if box_in_view(boxes, first_box + start // GROUP, x, y, cos, sin, leftmost, rightmost):
                k = start + tl.arange(0, GROUP)
                wall = walls + 4 * (first_wall + k)
                ax, ay = tl.load(wall, mask=k < width, other=0) - x, tl.load(wall + 1, mask=k < width, other=0) - y
                bx, by = tl.load(wall + 2, mask=k < width, other=0) - x, tl.load(wall + 3, mask=k < width, other=0) - y
                af, al, bf, bl = cos * ax + sin * ay, cos * ay - sin * ax, cos * bx + sin * by, cos * by - sin * bx
                line = NUM_AGENTS * SIDES + k
                plain, close = take_down(
                    records, plain, close, capacity, af, al, bf, bl, line, k < width, leftmost, rightmost, near
                )
        tl.debug_barrier()  # what one lane took down, all draw

        pixel = (unit % BLOCKS) * PIXELS + tl.arange(0, PIXELS)
        ray = pixel[:, None] * SUBSAMPLE + tl.arange(0, RAYS)[None, :]  # [PIXELS, RAYS]
        valid = (pixel < RES)[:, None] & (tl.arange(0, RAYS) < SUBSAMPLE)[None, :]
        slopes = slope(ray, RES * SUBSAMPLE, half)
        norms = tl.sqrt(1 + slopes * slopes)
        inverses = tl.zeros([PIXELS, RAYS], tl.float32)
        slots = tl.full([PIXELS, RAYS], -1, tl.int32)
        for slot in range(plain):
            inverses, slots = draw(records, slot, slopes, slopes, inverses, slots, False)
        for slot in range(capacity - close, capacity):
            inverses, slots = draw(records, slot, slopes, norms / near, inverses, slots, True)

        hit = valid & (slots >= 0)
        record = records + RECORD * tl.maximum(slots, 0)
        af, al, bf, bl = tl.load(record), tl.load(record + 1), tl.load(record + 2), tl.load(record + 3)
        line = tl.where(hit, tl.load(record + 6).to(tl.int32, bitcast=True), -1)
        right, left = al - slopes * af, bl - slopes * bf
        location = tl.where(right < left, right / (right - left), 0.0)
        distance = (af + location * (bf - af)) * norms

        red, green, blue = wall_colour(
            texels, texel_starts, surface, m, first_wall + tl.maximum(line - NUM_AGENTS * SIDES, 0), location, hit
        )
        if NUM_AGENTS > 1:
            is_agent = hit & (line < NUM_AGENTS * SIDES)
            if tl.max(tl.max(is_agent.to(tl.int32), 1), 0) > 0:
                hit_x = x + distance * (cos - slopes * sin) / norms
                hit_y = y + distance * (sin + slopes * cos) / norms
                first_light, lit = tl.load(light_starts + m), tl.zeros_like(hit_x)
                for number in range(NUM_AGENTS):
                    is_this = is_agent & (line // SIDES == number)
                    if tl.max(tl.max(is_this.to(tl.int32), 1), 0) > 0:
                        other = positions + 2 * (e * NUM_AGENTS + number)
                        light = disc_brightness(
                            walls, first_wall, width, boxes, first_box,
                            lights, first_light, first_light + tl.load(light_widths + m),
                            tl.load(other), tl.load(other + 1), girth, hit_x, hit_y, GROUP,
                        )  # fmt: skip
                        lit = tl.where(is_this, light, lit)
                agent_red, agent_green, agent_blue = agent_colour(
                    outline_albedo, tl.where(is_agent, line, 0) % SIDES, SIDE_TEXELS, location, lit, is_agent
                )
                red, green = tl.where(is_agent, agent_red, red), tl.where(is_agent, agent_green, green)
                blue = tl.where(is_agent, agent_blue, blue)

        vf, vl = bf - af, bl - al
        along = vf + slopes * vl
        slant = tl.where(hit, (1 - along * along / (norms * norms * (vf * vf + vl * vl))) / SUBSAMPLE, 0.0)
        closeness = 1 - tl.minimum(tl.maximum((distance - near) / max_depth, 0.0), 1.0)
        out = rgb + frame * 3 * RES + pixel
        tl.store(out, tl.sum(tl.where(hit, slant * red, 0.0), 1), mask=pixel < RES)
        tl.store(out + RES, tl.sum(tl.where(hit, slant * green, 0.0), 1), mask=pixel < RES)
        tl.store(out + 2 * RES, tl.sum(tl.where(hit, slant * blue, 0.0), 1), mask=pixel < RES)
        tl.store(depth + frame * RES + pixel, tl.sum(tl.where(hit, closeness / SUBSAMPLE, 0.0), 1), mask=pixel < RES)
        if PER_RAY:
            at = frame * (RES * SUBSAMPLE) + ray
            tl.store(distances + at, tl.where(hit, distance, float('inf')), mask=valid)
            tl.store(lines + at, line, mask=valid)
            tl.store(locations + at, tl.where(hit, location, float('nan')), mask=valid)
        tl.debug_barrier()  # the records are read before the next unit's are written


def render(core, cameras, view):
    """Writes what every camera sees into ``view``: see `megastep.rendering.render`."""
    scenery, agents, per_ray = core.scenery, core.agents, view.distances is not None
    walls, boxes, lights = scenery.walls, scenery.boxes, scenery.lights
    rays = triton.next_power_of_2(cameras.subsample)
    pixels = min(triton.next_power_of_2(cameras.res), max(BLOCK_RAYS // rays, 1))
    units = core.num_envs * core.num_agents * cameras.num_cameras * triton.cdiv(cameras.res, pixels)
    outlines = core.num_agents * scenery.lines_per_agent
    capacity = scenery.most_walls + outlines
    most = max(SCRATCH // (4 * RECORD.value * capacity), 1)
    programs = min(units, PROGRAMS * multiprocessors(core.device), most)
    scratch = torch.empty((programs, capacity, RECORD.value), device=core.device)
    _render[(programs,)](
        agents.positions, agents.angles, core.map_ids,
        walls.vals, walls.starts, walls.widths, boxes.vals, boxes.starts, lights.vals, lights.starts, lights.widths,
        scenery.texels.view(torch.int64), scenery.surface.starts, scenery.surface.vals.view(torch.int64),
        scenery.outline, scenery.outline_albedo,
        mounts_on(cameras, core.device), math.tan(math.radians(cameras.fov) / 2), core.agent_radius, cameras.max_depth,
        1.01 * scenery.girth, view.rgb, view.depth,
        *((view.distances, view.lines, view.locations) if per_ray else (view.depth,) * 3),
        scratch, units, capacity,
        NUM_AGENTS=core.num_agents, NUM_CAMERAS=cameras.num_cameras, SIDES=scenery.lines_per_agent,
        SIDE_TEXELS=len(scenery.outline_albedo) // scenery.lines_per_agent,
        OUTLINES=triton.next_power_of_2(outlines), GROUP=scenery.walls_per_box, RES=cameras.res,
        SUBSAMPLE=cameras.subsample, PER_RAY=per_ray, PIXELS=pixels, RAYS=rays, num_warps=1, enable_fp_fusion=True,
    )  # fmt: skip


@lru_cache(maxsize=64)
def mounts_on(cameras, device):
    """The cameras' mounts on a device: copied once, since a copy from the host waits for the GPU."""
    return torch.tensor(cameras.mounts, dtype=torch.float32, device=device)


def multiprocessors(device):
    """How many multiprocessors a GPU has; 1 where kernels are interpreted."""
    return torch.cuda.get_device_properties(device).multi_processor_count if device.type == 'cuda' else 1
