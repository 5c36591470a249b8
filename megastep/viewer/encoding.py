"""Gamma encoding of colours as bytes, by a look-up table: exact, the same on every device, and soon done."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from megastep.viewer.rows import native
from megastep.world.kernels import implementation

GAMMA = 2.2
"""The exponent that colours are encoded by."""

LOW_BITS = 16
"""The bits of a float32 that don't number its entry in a table: of the others there are enough that no entry has more
than one step from a level to the next."""


def gamma_table(device: torch.device) -> Any:
    """Look-up table of gamma encoding: the levels 255 * value ** (1 / 2.2), as rounded from real numbers.

    The entry of floats that begin with the same bits has the level of the first of them above its low bits, and in
    these as much as lacks for the first float of the next level to carry into it. It is as `native` has it.
    """
    steps = ((np.arange(255) + 0.5) / 255) ** GAMMA
    nearest = steps.astype(np.float32)
    firsts = np.where(nearest < steps, np.nextafter(nearest, np.float32(2)), nearest).view(np.int32)
    entries = np.arange((np.float32(1).view(np.int32) >> LOW_BITS) + 1)
    table = np.searchsorted(firsts, entries << LOW_BITS) << LOW_BITS
    table[firsts >> LOW_BITS] += (1 << LOW_BITS) - (firsts & ((1 << LOW_BITS) - 1))
    return native(torch.from_numpy(table.astype(np.int32)).to(device))


def encoded(colours: Float[Tensor, '*batch']) -> UInt8[Tensor, '*batch']:
    """Gamma encoding of linear colours, as bytes; what is beyond 0 to 1 has the level of the nearer."""
    levels, device = torch.empty(colours.shape, dtype=torch.uint8, device=colours.device), colours.device
    implementation(device).quantize(native(colours.contiguous()), gamma_table(device), native(levels))
    return levels


def encoded_array(colours: Float[np.ndarray, '*batch']) -> Float[np.ndarray, '*batch']:
    """Gamma encoding of linear colours, from 0 to 1."""
    return np.clip(colours, 0, 1) ** (1 / GAMMA)
