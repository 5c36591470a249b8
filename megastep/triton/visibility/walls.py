"""Walls in float64, in which what is compared of float32 coordinates is as good as exact.

The twin is `megastep.numba.visibility.walls`.
"""

from typing import NamedTuple, no_type_check

import torch
import triton
import triton.language as tl

from megastep.triton.bits import halves


class Walls(NamedTuple):
    """Maps' walls: those of map m begin at number ``starts[m]`` and are ``widths[m]``."""

    ends: torch.Tensor  # each end's x and y in one word
    starts: torch.Tensor
    widths: torch.Tensor


def walls_of(ragged) -> Walls:
    """The buffers of ragged (wall, 2, 2) float32."""
    return Walls(ragged.vals.view(torch.int64), ragged.starts, ragged.widths)


@triton.jit
@no_type_check
def ends_of(ends, w, mask):
    """The ends of walls, whose numbers are counted from where ``ends`` points: x and y of the first and the second."""
    ax, ay = halves(tl.load(ends + 2 * w, mask=mask, other=0))
    bx, by = halves(tl.load(ends + 2 * w + 1, mask=mask, other=0))
    return ax.to(tl.float64), ay.to(tl.float64), bx.to(tl.float64), by.to(tl.float64)
