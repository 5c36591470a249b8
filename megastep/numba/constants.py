"""Constants that several kernels share, as float32, so that nothing becomes a float64.

The twin is `megastep.triton.constants`.
"""

import math

import numpy as np

ZERO, HALF, ONE, TWO = np.float32(0), np.float32(0.5), np.float32(1), np.float32(2)
DEGREE = np.float32(math.pi / 180)
"""In radians."""
