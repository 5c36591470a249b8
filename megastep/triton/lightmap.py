"""Lightmap baking: the light that falls on walls, worked out once a map. The twin is `megastep.numba.lightmap`."""

from typing import no_type_check

import torch
import triton
import triton.language as tl

from megastep.triton import buffers
from megastep.triton.ahead import launch
from megastep.triton.bits import halves
from megastep.triton.light import brightness, lights_of
from megastep.triton.raycasting.shading import texel_range


@triton.jit
@no_type_check
def _bake(map_of_wall, maps, light, BLOCK: tl.constexpr):
    """Program w bakes the texels of wall w, a BLOCK at a time."""
    w = tl.program_id(0).to(tl.int64)
    m = tl.load(map_of_wall + w)
    first_wall, lights = tl.load(maps.wall_starts + m), lights_of(maps, m)
    last_wall = first_wall + tl.load(maps.wall_widths + m)
    ax, ay = halves(tl.load(maps.walls + 2 * w))
    bx, by = halves(tl.load(maps.walls + 2 * w + 1))
    vx, vy = bx - ax, by - ay
    length = tl.sqrt(vx * vx + vy * vy)
    first, count = texel_range(tl.load(maps.texels + w))
    first += tl.load(maps.texel_starts + m)
    for start in range(0, count, BLOCK):
        k = start + tl.arange(0, BLOCK)  # [BLOCK]
        along = (k + 0.5) / count
        x, y = ax + along * vx, ay + along * vy
        lit = brightness(maps.walls, first_wall, last_wall, lights, x, y, -vy / length, vx / length)
        tl.store(light + first + k, lit, mask=k < count)


@buffers.device_guard
def bake(scenery, light):
    """Writes how much light falls on the middle of each texel: see `megastep.world.scenery.bake`."""
    walls = scenery.walls
    numbers = torch.arange(len(walls), device=light.device)
    map_of_wall = torch.repeat_interleave(numbers, walls.widths.long(), output_size=len(walls.vals))
    launch(
        _bake, (len(walls.vals),),
        map_of_wall, buffers.maps(scenery), light, BLOCK=32, num_warps=1, enable_fp_fusion=True,
    )  # fmt: skip
