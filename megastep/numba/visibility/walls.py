"""Walls in float64, in which what is compared of float32 coordinates is as good as exact.

The twin is `megastep.triton.visibility.walls`.
"""

from typing import NamedTuple

import numpy as np


class Walls(NamedTuple):
    """Maps' walls: those of map m are ``ends[starts[m]:starts[m] + widths[m]]``."""

    ends: np.ndarray
    starts: np.ndarray
    widths: np.ndarray


def walls_of(ragged) -> Walls:
    """The buffers of ragged (wall, 2, 2) float32."""
    return Walls(ragged.vals.double().numpy(), ragged.starts.numpy(), ragged.widths.numpy())
