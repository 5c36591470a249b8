"""Constants that several kernels share, as float32, so that nothing becomes a float64; and how they are compiled.

The twin is `megastep.triton.constants`.
"""

import math
from typing import Any

import numpy as np

from megastep.numba.jit.linking import LAUNCHED as LAUNCHED
from megastep.numba.jit.linking import PART as PART

ZERO, HALF, ONE, TWO = np.float32(0), np.float32(0.5), np.float32(1), np.float32(2)
DEGREE = np.float32(math.pi / 180)
"""In radians."""

KERNEL: dict[str, Any] = {**PART, '_nrt': False}
"""How it compiles what allocates nothing: counting references to its arrays would take most of the time.

Such a function must not return an array, to which its caller would own a reference that was never counted."""

ONCE: dict[str, Any] = {**KERNEL, 'forceinline': True}
"""How it compiles what is called in one place alone: passing groups of arrays on would take longer than it does."""
