"""Marking: which texels rays end on. The twin is `megastep.triton.raycasting.marking`."""

import numpy as np
from numba import njit

from megastep.numba.constants import KERNEL


@njit(**KERNEL)
def mark(texels, first_wall, first_wall_line, first_marker_line, hits, bits):
    """Marks the texels that a frame's rays end on, bit k % 32 of word k // 32 for texel k; returns how many are new."""
    new = 0
    for r in range(len(hits.lines)):
        if not first_wall_line <= hits.lines[r] < first_marker_line:  # an agent, a marker or nothing
            continue
        first, count = texels[first_wall + hits.lines[r] - first_wall_line]
        texel = first + min(int(hits.locations[r] * np.float32(count)), count - 1)  # a location may be 1
        bit = np.uint32(1) << np.uint32(texel % 32)
        if not bits[texel // 32] & bit:
            bits[texel // 32] |= bit
            new += 1
    return new
