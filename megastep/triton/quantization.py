"""Quantization of values from 0 to 1 as bytes. The twin is `megastep.numba.quantization`."""

from typing import no_type_check

import triton
import triton.language as tl

from megastep.triton.buffers import device_guard

BLOCK = 1024
LOW_BITS = tl.constexpr(16)
"""The bits of a float32 that don't number its entry in a table."""
LOW = tl.constexpr(0xFFFF)
TOP = tl.constexpr(0x3F800000)
"""The bits of 1."""
MAGIC = tl.constexpr(12582912.0)
"""1.5 * 2 ** 23: what is added to it is rounded to whole numbers, halves to even ones."""


@triton.jit
@no_type_check
def _quantize(values, table, levels, count, BLOCK: tl.constexpr):
    """Each lane finds a level: by a table, to whose entry a float32's low bits are added, which carry into the level
    from its step on; or, without one, by rounding.
    """
    i = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    there = i < count
    value = tl.load(values + i, mask=there, other=0.0)
    if table is None:
        level = (255 * tl.minimum(tl.maximum(value, 0.0), 1.0) + MAGIC - MAGIC).to(tl.int32)
    else:
        word = tl.minimum(tl.maximum(value.to(tl.int32, bitcast=True), 0), TOP)
        level = (tl.load(table + (word >> LOW_BITS)) + (word & LOW)) >> LOW_BITS
    tl.store(levels + i, level.to(tl.uint8), mask=there)


@device_guard
def quantize(values, table, levels):
    """Finds the level of each value, by a table, or by rounding if it is None: see `megastep.viewer.encoding`."""
    count = values.numel()
    _quantize[(triton.cdiv(count, BLOCK),)](values, table, levels, count, BLOCK=BLOCK, enable_fp_fusion=False)
