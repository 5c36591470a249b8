"""Quantization of values from 0 to 1 as bytes. The twin is `megastep.triton.quantization`."""

import numpy as np
from numba import njit

from megastep.numba.constants import LAUNCHED, ONE, ZERO

LOW_BITS = np.int32(16)
"""The bits of a float32 that don't number its entry in a table."""
LOW = np.int32(0xFFFF)
TOP = np.float32(1).view(np.int32)
HIGHEST = np.float32(255)


@njit(**LAUNCHED)
def _look_up(words, table, levels):
    """Finds levels by a table. A float32's low bits, added to its entry, carry into the level from its step on."""
    for i in range(len(words)):
        word = min(max(words[i], np.int32(0)), TOP)
        levels[i] = (table[word >> LOW_BITS] + (word & LOW)) >> LOW_BITS


@njit(**LAUNCHED)
def _round(values, levels):
    for i in range(len(values)):
        levels[i] = np.uint8(np.rint(HIGHEST * min(max(values[i], ZERO), ONE)))


def quantize(values, table, levels):
    """Finds the level of each value, by a table, or by rounding if it is None: see `megastep.viewer.encoding`.

    All are arrays: much is recorded a little at a time, and from a tensor to its array is a way.
    """
    flat, found = values.reshape(-1), levels.reshape(-1)
    if table is None:
        _round(flat, found)
    else:
        _look_up(flat.view(np.int32), table, found)
