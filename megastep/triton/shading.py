"""Shading: the colour of each ray. The twin, `megastep.numba.shading`, says how that differs from Lambert's law."""

from typing import no_type_check

import triton
import triton.language as tl

from megastep.triton.bits import halves
from megastep.triton.culling import any_of
from megastep.triton.light import disc_brightness


@triton.jit
@no_type_check
def blend(vals, first, last, share, channel, CHANNELS: tl.constexpr, mask):
    """A value of texels, linear between the texels ``first`` and ``last``."""
    near = tl.load(vals + first * CHANNELS + channel, mask=mask, other=0).to(tl.float32)
    far = tl.load(vals + last * CHANNELS + channel, mask=mask, other=0).to(tl.float32)
    return near + share * (far - near)


@triton.jit
@no_type_check
def neighbours(location, count):
    """The two texels whose middles a location lies between, and how far it is to the second, 0 to 1."""
    at = tl.minimum(tl.maximum(location * count - 0.5, 0.0), (count - 1).to(tl.float32))
    near = at.to(tl.int32)
    return near, tl.minimum(near + 1, count - 1), at - near


@triton.jit
@no_type_check
def channel(near, far, share, SHIFT: tl.constexpr):
    """A byte of two words that hold colours, as a number ``share`` of the way from one to the other."""
    low, high = ((near >> SHIFT) & 255).to(tl.float32), ((far >> SHIFT) & 255).to(tl.float32)
    return low + share * (high - low)


@triton.jit
@no_type_check
def wall_colour(texels, texel_starts, surface, m, wall, location, mask):
    """Albedo times the light baked on walls: a texel is one word, its light above its colour."""
    texel_range = tl.load(texels + wall, mask=mask, other=1 << 32)
    first, count = texel_range.to(tl.int32), (texel_range >> 32).to(tl.int32)
    near, far, share = neighbours(tl.where(mask, location, 0.0), count)
    start = surface + tl.load(texel_starts + m)
    near, far = tl.load(start + first + near, mask=mask, other=0), tl.load(start + first + far, mask=mask, other=0)
    near_light, far_light = halves(near)[1], halves(far)[1]
    lit = (near_light + share * (far_light - near_light)) * (1 / 255)
    near, far = near.to(tl.int32), far.to(tl.int32)
    red, green = lit * channel(near, far, share, 0), lit * channel(near, far, share, 8)
    return red, green, lit * channel(near, far, share, 16)


@triton.jit
@no_type_check
def agent_colour(outline_albedo, side, SIDE_TEXELS: tl.constexpr, location, light, mask):
    """Albedo times light on sides of an agent's outline."""
    lit = light * (1 / 255)
    near, far, share = neighbours(tl.where(mask, location, 0.0), side * 0 + SIDE_TEXELS)
    near, far = side * SIDE_TEXELS + near, side * SIDE_TEXELS + far
    red = blend(outline_albedo, near, far, share, 0, 3, mask)
    green = blend(outline_albedo, near, far, share, 1, 3, mask)
    return lit * red, lit * green, lit * blend(outline_albedo, near, far, share, 2, 3, mask)


@triton.jit
@no_type_check
def colour_agents(
    red, green, blue, walls, first_wall, width, boxes, first_box, lights, light_starts, light_widths,
    outline_albedo, positions, m, line, location, x, y, is_agent, girth,
    NUM_AGENTS: tl.constexpr, SIDES: tl.constexpr, SIDE_TEXELS: tl.constexpr, PER_BOX: tl.constexpr,
):  # fmt: skip
    """The colours given, with those of the rays that meet an agent put in: albedo times the light there."""
    first_light, light = tl.load(light_starts + m), tl.zeros_like(x)
    last_light = first_light + tl.load(light_widths + m)
    for b in range(NUM_AGENTS):
        is_b = is_agent & (line // SIDES == b)
        if any_of(is_b):
            cx, cy = tl.load(positions + 2 * b), tl.load(positions + 2 * b + 1)
            falls = disc_brightness(
                walls, first_wall, width, boxes, first_box, lights, first_light, last_light, cx, cy, girth, x, y,
                PER_BOX,
            )  # fmt: skip
            light = tl.where(is_b, falls, light)
    side = tl.where(is_agent, line, 0) % SIDES
    agent_red, agent_green, agent_blue = agent_colour(outline_albedo, side, SIDE_TEXELS, location, light, is_agent)
    red, green = tl.where(is_agent, agent_red, red), tl.where(is_agent, agent_green, green)
    return red, green, tl.where(is_agent, agent_blue, blue)


@triton.jit
@no_type_check
def pixel_means(out, values, hit, there, SUBSAMPLE: tl.constexpr):
    """Writes pixels, each the mean of its rays; a ray that meets nothing is black and furthest away."""
    tl.store(out, tl.sum(tl.where(hit, values, 0.0), 1) / SUBSAMPLE, mask=there)
