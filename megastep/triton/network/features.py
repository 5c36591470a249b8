"""Features of numbers, written where they belong. The twin is `megastep.learning.model.feature_scaling`."""

from typing import no_type_check

import triton
import triton.language as tl

from megastep.triton.buffers import device_guard

BLOCK = 1024


@triton.jit
@no_type_check
def _write_scaled(
    # in
    values, middle, scale, bounded,
    # out
    features,
    # sizes
    num_values, size, length, BLOCK: tl.constexpr,
):  # fmt: skip
    """Program b writes the bth BLOCK of all rows' values into rows that are ``length`` apart."""
    place = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    mask, row, column = place < num_values, place // size, place % size
    value = tl.load(values + place, mask=mask, other=0).to(tl.float32)
    scaled = (value - tl.load(middle + column, mask=mask, other=0)) * tl.load(scale + column, mask=mask, other=0)
    squashed = tl.where(value < 0, -1.0, 1.0) * tl.log(1 + tl.abs(value))
    feature = tl.where(tl.load(bounded + column, mask=mask, other=1) != 0, scaled, squashed)
    tl.store(features + row.to(tl.int64) * length + column, feature, mask=mask)


@device_guard
def write_scaled(values, middle, scale, bounded, features):
    """Writes features of numbers: see `megastep.learning.model.feature_scaling.write_scaled`."""
    _write_scaled[(triton.cdiv(values.numel(), BLOCK),)](
        values, middle, scale, bounded, features, values.numel(), values.shape[1], features.stride(0), BLOCK=BLOCK,
    )  # fmt: skip
