"""Shading: the colour of each ray.

The twin, `megastep.numba.raycasting.shading`, says how that differs from Lambert's law.
"""

from typing import no_type_check

import triton
import triton.language as tl

from megastep.triton.raycasting.agent_light import agent_brightness
from megastep.triton.raycasting.culling import NONE


@triton.jit
@no_type_check
def blend(vals, first, last, share, channel, CHANNELS: tl.constexpr, mask):
    """Linear texture filtering: a value of texels, linear between the texels ``first`` and ``last``."""
    near = tl.load(vals + first * CHANNELS + channel, mask=mask, other=0).to(tl.float32)
    far = tl.load(vals + last * CHANNELS + channel, mask=mask, other=0).to(tl.float32)
    return near + share * (far - near)


@triton.jit
@no_type_check
def neighbours(location, count):
    """Linear texture filtering: the texels whose middles a location is between, and the share of the second, 0 to 1."""
    at = tl.minimum(tl.maximum(location * count - 0.5, 0.0), (count - 1).to(tl.float32))
    near = at.to(tl.int32)
    return near, tl.minimum(near + 1, count - 1), at - near


@triton.jit
@no_type_check
def byte_between(near, far, share, SHIFT: tl.constexpr):
    """A byte of two words that hold texels, as a number ``share`` of the way from one to the other."""
    low, high = ((near >> SHIFT) & 255).to(tl.float32), ((far >> SHIFT) & 255).to(tl.float32)
    return low + share * (high - low)


@triton.jit
@no_type_check
def texel_range(word):
    """A wall's first texel, counted from its map's first, and how many texels it has: the two halves of a word."""
    return word.to(tl.int32), (word >> 32).to(tl.int32)


@triton.jit
@no_type_check
def wall_colour(maps, m, wall, location, mask):
    """Albedo times the light baked on walls: a texel is one word of four bytes, its light above its colour."""
    first, count = texel_range(tl.load(maps.texels + wall, mask=mask, other=1 << 32))
    near, far, share = neighbours(tl.where(mask, location, 0.0), count)
    start = maps.surface + tl.load(maps.texel_starts + m)
    near, far = tl.load(start + first + near, mask=mask, other=0), tl.load(start + first + far, mask=mask, other=0)
    lit = byte_between(near, far, share, 24) * (1 / 255 / 255)
    red, green = lit * byte_between(near, far, share, 0), lit * byte_between(near, far, share, 8)
    return red, green, lit * byte_between(near, far, share, 16)


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
def next_met(number, there, one):
    """The number of the next agent or marker after one that a ray meets; NONE if there is none."""
    return tl.min(tl.min(tl.where(there & (number > one), number, NONE), 1), 0)


@triton.jit
@no_type_check
def colour_agents(red, green, blue, maps, sets, m, agents, e, line, location, x, y, is_agent, SIZES: tl.constexpr):
    """The colours given, with those of the rays that meet an agent put in: albedo times the light there."""
    light, met = tl.zeros_like(x), line // SIZES.sides
    one = next_met(met, is_agent, -1)
    while one < NONE:
        centre = agents.positions + 2 * (e * SIZES.num_agents + one)
        falls = agent_brightness(maps, sets, m, tl.load(centre), tl.load(centre + 1), x, y, SIZES)
        light = tl.where(met == one, falls, light)
        one = next_met(met, is_agent, one)
    side = tl.where(is_agent, line, 0) % SIZES.sides
    agent_red, agent_green, agent_blue = agent_colour(
        maps.outline_albedo, side, SIZES.side_texels, location, light, is_agent
    )
    red, green = tl.where(is_agent, agent_red, red), tl.where(is_agent, agent_green, green)
    return red, green, tl.where(is_agent, agent_blue, blue)


@triton.jit
@no_type_check
def pixel_means(out, values, hit, there, SUBSAMPLE: tl.constexpr):
    """Writes pixels, each the mean of its rays; a ray that meets nothing is black and furthest away."""
    tl.store(out, tl.sum(tl.where(hit, values, 0.0), 1) / SUBSAMPLE, mask=there)
