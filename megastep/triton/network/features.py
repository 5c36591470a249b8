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
    num_rows, length, FIRSTS: tl.constexpr, SIZES: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    """Each program writes a BLOCK of all rows' values of one part into rows that are ``length`` apart."""
    block = tl.program_id(0)
    for part in tl.static_range(len(SIZES)):
        num_blocks = tl.cdiv(num_rows * SIZES[part], BLOCK)
        if (block >= 0) & (block < num_blocks):
            place = block * BLOCK + tl.arange(0, BLOCK)
            mask, row, column = place < num_rows * SIZES[part], place // SIZES[part], FIRSTS[part] + place % SIZES[part]
            value = tl.load(values[part] + place, mask=mask, other=0).to(tl.float32)
            scaled = value - tl.load(middle + column, mask=mask, other=0)
            scaled *= tl.load(scale + column, mask=mask, other=0)
            squashed = tl.where(value < 0, -1.0, 1.0) * tl.log(1 + tl.abs(value))
            feature = tl.where(tl.load(bounded + column, mask=mask, other=1) != 0, scaled, squashed)
            tl.store(features + row.to(tl.int64) * length + column, feature, mask=mask)
        block -= num_blocks


@device_guard
def write_scaled(middle, scale, bounded, values, firsts, features):
    """Writes features of numbers: see `megastep.learning.model.feature_scaling.write_scaled`."""
    num_rows, sizes = len(features), [each.shape[1] for each in values]
    num_blocks = sum(triton.cdiv(num_rows * size, BLOCK) for size in sizes)
    _write_scaled[(num_blocks,)](
        tuple(each.contiguous() for each in values), middle, scale, bounded, features, num_rows, features.stride(0),
        FIRSTS=tuple(firsts), SIZES=tuple(sizes), BLOCK=BLOCK,
    )  # fmt: skip
