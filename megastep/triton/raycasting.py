"""What cameras see: finds each ray's nearest line, shades it, and takes the mean of each pixel's rays."""

import math
from functools import lru_cache
from typing import no_type_check

import torch
import triton
import triton.language as tl

from megastep.triton.shading import agent_colour, wall_colour

DEGREE = tl.constexpr(math.pi / 180)


@triton.jit
@no_type_check
def nearer(af, al, bf, bl, line, slopes, limits, inverses, lines):
    """Draws one line, its ends given as metres forward and left, over the rays that it covers and is nearest to.

    The inverse of the depth is linear in the slope. It is held between those of the ends, so that a line seen edge-on,
    whose plane all but goes through the camera, is as far away as one of them.
    """
    facing = af * bl - al * bf
    front, back = tl.maximum(af, bf), tl.minimum(af, bf)
    if (front > 0) & ((facing > 0) | (back > 0)):
        right, left = al - slopes * af, bl - slopes * bf
        inverse = (left - right) * (1 / tl.maximum(facing, 1e-12))
        nearest = tl.where(back > 0, 1 / back, float('inf'))
        inverse = tl.minimum(tl.maximum(inverse, 1 / front), nearest)
        covered = (right <= 0) & (left >= 0) & (right < left)
        hit = covered & (inverse > inverses) & (inverse < limits)
        inverses = tl.where(hit, inverse, inverses)
        lines = tl.where(hit, line, lines)
    return inverses, lines


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
def _render(
    # the envs
    positions, angles, map_ids,
    # the maps
    walls, wall_starts, wall_widths, lights, light_starts, light_widths,
    texels, texel_starts, albedo, light, outline, outline_albedo,
    # the cameras
    mounts, half, near, max_depth,
    # out
    rgb, depth, distances, lines, locations,
    # sizes
    NUM_AGENTS: tl.constexpr, NUM_CAMERAS: tl.constexpr, SIDES: tl.constexpr, SIDE_TEXELS: tl.constexpr,
    RES: tl.constexpr, SUBSAMPLE: tl.constexpr, PER_RAY: tl.constexpr, PIXELS: tl.constexpr, RAYS: tl.constexpr,
):  # fmt: skip
    """Program (f, b) renders the bth block of PIXELS pixels, of SUBSAMPLE <= RAYS rays each, of frame f.

    A frame is a camera of an agent of an env. Its program tries every line, drops those that face away or lie behind,
    and shades only what each ray met.
    """
    frame = tl.program_id(0).to(tl.int64)
    agent, c = frame // NUM_CAMERAS, frame % NUM_CAMERAS
    e, a = agent // NUM_AGENTS, agent % NUM_AGENTS
    m = tl.load(map_ids + e)
    x, y, cos, sin = camera_of(positions, angles, mounts, agent, c)

    pixel = tl.program_id(1) * PIXELS + tl.arange(0, PIXELS)
    ray = pixel[:, None] * SUBSAMPLE + tl.arange(0, RAYS)[None, :]  # [PIXELS, RAYS]
    seen = (pixel < RES)[:, None] & (tl.arange(0, RAYS) < SUBSAMPLE)[None, :]
    slopes = (RES * SUBSAMPLE - 2 * ray - 1).to(tl.float32) / (RES * SUBSAMPLE) * half
    norms = tl.sqrt(1 + slopes * slopes)
    limits = norms / near
    inverses = tl.zeros([PIXELS, RAYS], tl.float32)
    line = tl.full([PIXELS, RAYS], -1, tl.int32)

    if NUM_AGENTS > 1:
        for i in range(NUM_AGENTS * SIDES):
            if i // SIDES != a:
                ax, ay, bx, by = side_ends(outline, positions, angles, e * NUM_AGENTS + i // SIDES, i % SIDES, x, y)
                af, al, bf, bl = cos * ax + sin * ay, cos * ay - sin * ax, cos * bx + sin * by, cos * by - sin * bx
                inverses, line = nearer(af, al, bf, bl, i, slopes, limits, inverses, line)
    first_wall, width = tl.load(wall_starts + m), tl.load(wall_widths + m)
    for k in range(width):
        wall = walls + 4 * (first_wall + k)
        ax, ay, bx, by = tl.load(wall) - x, tl.load(wall + 1) - y, tl.load(wall + 2) - x, tl.load(wall + 3) - y
        af, al, bf, bl = cos * ax + sin * ay, cos * ay - sin * ax, cos * bx + sin * by, cos * by - sin * bx
        inverses, line = nearer(af, al, bf, bl, NUM_AGENTS * SIDES + k, slopes, limits, inverses, line)

    hit = seen & (line >= 0)
    wall = walls + 4 * (first_wall + tl.maximum(line - NUM_AGENTS * SIDES, 0))
    ax, ay, bx, by = tl.load(wall) - x, tl.load(wall + 1) - y, tl.load(wall + 2) - x, tl.load(wall + 3) - y
    if NUM_AGENTS > 1:
        is_agent = hit & (line < NUM_AGENTS * SIDES)
        side = tl.where(is_agent, line, 0)
        sx, sy, tx, ty = side_ends(outline, positions, angles, e * NUM_AGENTS + side // SIDES, side % SIDES, x, y)
        ax, ay = tl.where(is_agent, sx, ax), tl.where(is_agent, sy, ay)
        bx, by = tl.where(is_agent, tx, bx), tl.where(is_agent, ty, by)
    af, al, bf, bl = cos * ax + sin * ay, cos * ay - sin * ax, cos * bx + sin * by, cos * by - sin * bx
    right, left = al - slopes * af, bl - slopes * bf
    location = right / (right - left)
    distance = (af + location * (bf - af)) * norms

    red, green, blue = wall_colour(
        texels, texel_starts, albedo, light, m, first_wall + tl.maximum(line - NUM_AGENTS * SIDES, 0), location, hit
    )
    if NUM_AGENTS > 1:
        if tl.max(tl.max(is_agent.to(tl.int32), 1), 0) > 0:
            hit_x = x + distance * (cos - slopes * sin) / norms
            hit_y = y + distance * (sin + slopes * cos) / norms
            agent_red, agent_green, agent_blue = agent_colour(
                walls, first_wall, first_wall + width, lights, light_starts, light_widths,
                outline_albedo, m, side % SIDES, SIDE_TEXELS, location, hit_x, hit_y, is_agent,
            )  # fmt: skip
            red, green = tl.where(is_agent, agent_red, red), tl.where(is_agent, agent_green, green)
            blue = tl.where(is_agent, agent_blue, blue)

    vf, vl = bf - af, bl - al
    cosine = (vf + slopes * vl) / (norms * tl.sqrt(vf * vf + vl * vl))
    slant = tl.where(hit, (1 - cosine * cosine) / SUBSAMPLE, 0.0)
    closeness = 1 - tl.minimum(tl.maximum((distance - near) / max_depth, 0.0), 1.0)
    out = rgb + frame * 3 * RES + pixel
    tl.store(out, tl.sum(tl.where(hit, slant * red, 0.0), 1), mask=pixel < RES)
    tl.store(out + RES, tl.sum(tl.where(hit, slant * green, 0.0), 1), mask=pixel < RES)
    tl.store(out + 2 * RES, tl.sum(tl.where(hit, slant * blue, 0.0), 1), mask=pixel < RES)
    tl.store(depth + frame * RES + pixel, tl.sum(tl.where(hit, closeness / SUBSAMPLE, 0.0), 1), mask=pixel < RES)
    if PER_RAY:
        at = frame * (RES * SUBSAMPLE) + ray
        tl.store(distances + at, tl.where(hit, distance, float('inf')), mask=seen)
        tl.store(lines + at, line, mask=seen)
        tl.store(locations + at, tl.where(hit, location, float('nan')), mask=seen)


def render(core, cameras, view):
    """Writes what every camera sees into ``view``: see `megastep.rendering.render`."""
    scenery, agents, per_ray = core.scenery, core.agents, view.distances is not None
    walls, lights = scenery.walls, scenery.lights
    rays = triton.next_power_of_2(cameras.subsample)
    pixels = min(triton.next_power_of_2(cameras.res), max(256 // rays, 1))
    frames = core.num_envs * core.num_agents * cameras.num_cameras
    _render[frames, triton.cdiv(cameras.res, pixels)](
        agents.positions, agents.angles, core.map_ids,
        walls.vals, walls.starts, walls.widths, lights.vals, lights.starts, lights.widths,
        scenery.texels, scenery.albedo.starts, scenery.albedo.vals, scenery.light,
        scenery.outline, scenery.outline_albedo,
        mounts_on(cameras, core.device), math.tan(math.radians(cameras.fov) / 2), core.agent_radius, cameras.max_depth,
        view.rgb, view.depth, *((view.distances, view.lines, view.locations) if per_ray else (view.depth,) * 3),
        NUM_AGENTS=core.num_agents, NUM_CAMERAS=cameras.num_cameras, SIDES=len(scenery.outline),
        SIDE_TEXELS=len(scenery.outline_albedo) // len(scenery.outline), RES=cameras.res,
        SUBSAMPLE=cameras.subsample, PER_RAY=per_ray, PIXELS=pixels, RAYS=rays, num_warps=1, enable_fp_fusion=True,
    )  # fmt: skip


@lru_cache(maxsize=64)  # copying them there waits for the device
def mounts_on(cameras, device):
    """The cameras' mounts on a device."""
    return torch.tensor(cameras.mounts, dtype=torch.float32, device=device)
