"""Lightmap baking: the light that falls on walls, worked out once a map. The twin is `megastep.triton.lightmap`."""

import numpy as np
from numba import njit

from megastep.numba import buffers
from megastep.numba.constants import HALF, KERNEL, LAUNCHED
from megastep.numba.jit.parallel import in_blocks
from megastep.numba.light import brightness


@njit(**KERNEL)
def bake_walls(map_of_wall, maps, light, first_wall, last_wall):
    """Each wall's texels, at their middles. A light behind a wall is hidden by it."""
    for w in range(first_wall, last_wall):
        m, first, count = map_of_wall[w], maps.texels[w, 0], maps.texels[w, 1]
        ax, ay = maps.walls[w, 0, 0], maps.walls[w, 0, 1]
        vx, vy = maps.walls[w, 1, 0] - ax, maps.walls[w, 1, 1] - ay
        length = np.sqrt(vx * vx + vy * vy)
        for k in range(count):
            along = (np.float32(k) + HALF) / np.float32(count)
            x, y = ax + along * vx, ay + along * vy
            light[maps.texel_starts[m] + first + k] = brightness(maps, m, x, y, -vy / length, vx / length)


@njit(**LAUNCHED)
def _bake(map_of_wall, maps, light):
    in_blocks(bake_walls, (map_of_wall, maps, light), len(maps.walls), 1)


def bake(scenery, light):
    """Writes how much light falls on the middle of each texel: see `megastep.world.scenery.bake`."""
    map_of_wall = np.repeat(np.arange(len(scenery.walls)), scenery.walls.widths.numpy())
    _bake(map_of_wall, buffers.maps(scenery), light.numpy())
