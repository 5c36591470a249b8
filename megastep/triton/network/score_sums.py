"""Sums of ended episodes' scores. The twin is `megastep.learning.score_sums`."""

from typing import no_type_check

import triton
import triton.language as tl

from megastep.triton.buffers import device_guard

BLOCK = 128
LARGEST = tl.constexpr(3.4028234663852886e38)
"""The largest float32, which infinity counts as."""


@triton.jit
@no_type_check
def _add(
    # in
    ended, excluded, map_ids, scores,
    # in and out
    sums,
    # sizes
    num_rows, num_lanes, BLOCK: tl.constexpr,
):  # fmt: skip
    """Each lane adds the scores of one row, if its episode has ended and counts."""
    row = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    counts = tl.load(excluded + row, mask=row < num_rows, other=1) == 0
    counts &= tl.load(ended + row, mask=row < num_rows, other=0) != 0
    place = tl.load(map_ids + row, mask=counts, other=0) * num_lanes + row % num_lanes
    place, one = place * (2 * len(scores) + 1), row * 0.0 + 1
    tl.atomic_add(sums + place, one, mask=counts, sem='relaxed')
    for i in tl.static_range(len(scores)):
        score = tl.load(scores[i] + row, mask=counts, other=0).to(tl.float32)
        known = counts & (score == score)
        score = tl.minimum(tl.maximum(score, -LARGEST), LARGEST)
        tl.atomic_add(sums + place + 1 + i, score, mask=known, sem='relaxed')
        tl.atomic_add(sums + place + 1 + len(scores) + i, one, mask=known, sem='relaxed')


@device_guard
def add(ended, excluded, map_ids, scores, sums, num_lanes):
    """Adds the scores of episodes that have ended: see `megastep.learning.score_sums.add`."""
    given = tuple(each.contiguous() for each in (ended, excluded, map_ids, *scores))
    _add[(triton.cdiv(len(ended), BLOCK),)](
        *given[:3], given[3:], sums, len(ended), num_lanes, BLOCK=BLOCK,
    )  # fmt: skip
