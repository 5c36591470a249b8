"""What colour each ray is."""

from typing import no_type_check

import triton
import triton.language as tl

from megastep.triton.light import brightness


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
def wall_colour(texels, texel_starts, albedo, light, m, wall, location, mask):
    """Albedo times the light baked on walls."""
    count = tl.load(texels + 2 * wall + 1, mask=mask, other=1)
    start = tl.load(texel_starts + m) + tl.load(texels + 2 * wall, mask=mask, other=0)
    near, far, share = neighbours(tl.where(mask, location, 0.0), count)
    near, far = start + near, start + far
    lit = blend(light, near, far, share, 0, 1, mask) * (1 / 255)
    red, green = blend(albedo, near, far, share, 0, 3, mask), blend(albedo, near, far, share, 1, 3, mask)
    return lit * red, lit * green, lit * blend(albedo, near, far, share, 2, 3, mask)


@triton.jit
@no_type_check
def agent_colour(
    walls, first_wall, last_wall, lights, light_starts, light_widths,
    outline_albedo, m, side, SIDE_TEXELS: tl.constexpr, location, x, y, mask,
):  # fmt: skip
    """Albedo times the light at (x, y) on sides of an agent's outline."""
    first_light = tl.load(light_starts + m)
    last_light = first_light + tl.load(light_widths + m)
    nowhere = tl.zeros_like(x)
    lit = brightness(walls, first_wall, last_wall, lights, first_light, last_light, x, y, nowhere, nowhere) * (1 / 255)
    near, far, share = neighbours(tl.where(mask, location, 0.0), side * 0 + SIDE_TEXELS)
    near, far = side * SIDE_TEXELS + near, side * SIDE_TEXELS + far
    red = blend(outline_albedo, near, far, share, 0, 3, mask)
    green = blend(outline_albedo, near, far, share, 1, 3, mask)
    return lit * red, lit * green, lit * blend(outline_albedo, near, far, share, 2, 3, mask)
