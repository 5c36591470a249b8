"""Deferred shading of agents: the colours of the rays that meet one are added when all frames have been rendered.

Few rays meet an agent, but light there is found by a chain of loads, and an agent nearby fills a frame: whoever
rendered that frame would be waited for. So pieces of frames that show agents are listed, and shared out evenly here.
The twin is `megastep.numba.raycasting.shading.colour_agents`.
"""

from typing import no_type_check

import triton
import triton.language as tl

from megastep.triton.raycasting.cameras import forward_and_left, slope
from megastep.triton.raycasting.headers import load_camera
from megastep.triton.raycasting.intervals import outline_ends
from megastep.triton.raycasting.pixels import mean, rays_of
from megastep.triton.raycasting.shading import colour_agents


@triton.jit
@no_type_check
def meet_outlines(maps, agents, first_agent, line, is_agent, camera, slopes, SIZES: tl.constexpr):
    """Intersections of rays with the agents' lines that they meet: depths, locations on them, and slants."""
    agent = first_agent + tl.where(is_agent, line // SIZES.sides, 0)
    ax, ay, bx, by = outline_ends(maps, agents, agent, tl.where(is_agent, line % SIZES.sides, 0), camera.x, camera.y)
    af, al = forward_and_left(camera, ax, ay)
    bf, bl = forward_and_left(camera, bx, by)
    right, left = al - slopes * af, bl - slopes * bf
    location = tl.where(right < left, right / (right - left), 0.0)
    depth, facing = af + location * (bf - af), af * bl - al * bf
    away = depth * depth * (1 + slopes * slopes) * ((bf - af) * (bf - af) + (bl - al) * (bl - al))
    return depth, location, tl.where(is_agent, tl.minimum(facing * facing / away, 1.0), 0.0)


@triton.jit
@no_type_check
def add_to(out, values, there):
    """Adds to pixels that have been written."""
    tl.store(out, tl.load(out, mask=there, other=0.0) + values, mask=there)


@triton.jit
@no_type_check
def add_agents(unlit, number, first, headers, maps, sets, agents, optics, view, SIZES: tl.constexpr):
    """Adds the colours of the rays that meet an agent to some pixels of a frame, from number ``first`` on."""
    RES: tl.constexpr = SIZES.res
    pixel, ray, valid = rays_of(first, SIZES.few, SIZES)
    line = tl.load(unlit.lines + number * (RES * SIZES.subsample) + ray, mask=valid, other=0).to(tl.int32)
    is_agent = valid & (line < SIZES.num_agents * SIZES.sides)
    e = number // (SIZES.num_cameras * SIZES.num_agents)
    m = tl.load(agents.map_ids + e)
    camera, slopes = load_camera(headers, number, optics), slope(ray, optics, SIZES)
    depth, location, slant = meet_outlines(maps, agents, e * SIZES.num_agents, line, is_agent, camera, slopes, SIZES)
    x = camera.x + depth * (camera.cos - slopes * camera.sin)
    y = camera.y + depth * (camera.sin + slopes * camera.cos)
    none = tl.zeros_like(x)
    red, green, blue = colour_agents(none, none, none, maps, sets, m, agents, e, line, location, x, y, is_agent, SIZES)
    out = view.rgb + number * 3 * RES + pixel
    add_to(out, mean(slant * red, valid, SIZES), pixel < RES)
    add_to(out + RES, mean(slant * green, valid, SIZES), pixel < RES)
    add_to(out + 2 * RES, mean(slant * blue, valid, SIZES), pixel < RES)


@triton.jit
@no_type_check
def _shade_agents(unlit, headers, maps, sets, agents, optics, view, SIZES: tl.constexpr):
    """Program p shades the p-th piece that is listed, and so on."""
    IN_FRAME: tl.constexpr = (SIZES.res + SIZES.few - 1) // SIZES.few
    count, piece = tl.load(unlit.count), tl.load(unlit.pieces + tl.program_id(0))  # both at once
    for k in range(tl.program_id(0), count, tl.num_programs(0)):
        after = k + tl.num_programs(0)
        piece_after = tl.load(unlit.pieces + after, mask=after < count, other=0)
        first = (piece % IN_FRAME).to(tl.int32) * SIZES.few
        add_agents(unlit, piece // IN_FRAME, first, headers, maps, sets, agents, optics, view, SIZES)
        piece = piece_after
