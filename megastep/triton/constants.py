"""Constants that several kernels share. The twin is `megastep.numba.constants`."""

import math

import triton.language as tl

DEGREE = tl.constexpr(math.pi / 180)
"""In radians."""
