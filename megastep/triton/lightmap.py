"""Lightmap: bakes the light that falls on walls. The twin is `megastep.numba.lightmap`."""

from typing import no_type_check

import torch
import triton
import triton.language as tl

from megastep.triton.bits import halves
from megastep.triton.light import brightness


@triton.jit
@no_type_check
def _bake(
    # in
    map_of_wall, walls, wall_starts, wall_widths, lights, light_starts, light_widths, texels, texel_starts,
    # out
    light,
    BLOCK: tl.constexpr,
):  # fmt: skip
    """Program w bakes the texels of wall w, a BLOCK at a time."""
    w = tl.program_id(0).to(tl.int64)
    m = tl.load(map_of_wall + w)
    first_wall, first_light = tl.load(wall_starts + m), tl.load(light_starts + m)
    last_wall, last_light = first_wall + tl.load(wall_widths + m), first_light + tl.load(light_widths + m)
    ax, ay = halves(tl.load(walls + 2 * w))
    bx, by = halves(tl.load(walls + 2 * w + 1))
    vx, vy = bx - ax, by - ay
    first, count = tl.load(texel_starts + m) + tl.load(texels + 2 * w), tl.load(texels + 2 * w + 1)
    for start in range(0, count, BLOCK):
        k = start + tl.arange(0, BLOCK)  # [BLOCK]
        along = (k + 0.5) / count
        x, y = ax + along * vx, ay + along * vy
        lit = brightness(walls, first_wall, last_wall, lights, first_light, last_light, x, y, -vy, vx)
        tl.store(light + first + k, lit, mask=k < count)


def bake(scenery, light):
    """Writes how much light falls on the middle of each texel: see `megastep.world.scenery.bake`."""
    walls, lights = scenery.walls, scenery.lights
    maps = torch.arange(len(walls), device=light.device)
    map_of_wall = torch.repeat_interleave(maps, walls.widths.long(), output_size=len(walls.vals))
    _bake[(len(walls.vals),)](
        map_of_wall, walls.vals.view(torch.int64), walls.starts, walls.widths,
        lights.vals, lights.starts, lights.widths, scenery.texels, scenery.albedo.starts, light,
        BLOCK=32, num_warps=1, enable_fp_fusion=True,
    )  # fmt: skip
