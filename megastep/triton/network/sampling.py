"""Samples of categorical distributions. The twin is `megastep.learning.model.sampling`."""

from typing import no_type_check

import torch
import triton
import triton.language as tl

from megastep.triton.buffers import device_guard

BLOCK = 128


@triton.jit
@no_type_check
def _draw(
    # in
    logits, noise,
    # out
    samples,
    # sizes
    num_rows, logit_stride, noise_stride, COUNTS: tl.constexpr, WIDTH: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    """Each lane draws one row's integers."""
    row = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    there, column, first = (row < num_rows)[:, None], tl.arange(0, WIDTH)[None, :], 0
    for i in tl.static_range(len(COUNTS)):
        known = there & (column < COUNTS[i])
        logit = tl.load(logits + row[:, None] * logit_stride + first + column, mask=known, other=0)
        drawn = tl.load(noise + row[:, None] * noise_stride + first + column, mask=known, other=1)
        best = tl.argmax(tl.where(column < COUNTS[i], logit - tl.log(drawn), float('-inf')), 1)
        sample = tl.minimum(best, COUNTS[i] - 1)  # where logits are NaN, it may be anything
        tl.store(samples + row * len(COUNTS) + i, sample.to(tl.int64), mask=row < num_rows)
        first = first + COUNTS[i]


@device_guard
def sampled(logits, noise, counts):
    """Draws integers: see `megastep.learning.model.sampling.sampled`."""
    samples = torch.empty((*logits.shape[:-1], len(counts)), dtype=torch.int64, device=logits.device)
    logits, noise = (each.reshape(-1, each.shape[-1]) for each in (logits, noise))
    num_rows = len(logits)
    _draw[(triton.cdiv(num_rows, BLOCK),)](
        logits, noise, samples, num_rows, logits.stride(0), noise.stride(0),
        COUNTS=tuple(counts), WIDTH=triton.next_power_of_2(max(counts)), BLOCK=BLOCK,
    )  # fmt: skip
    return samples
