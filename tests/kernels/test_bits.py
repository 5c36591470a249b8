"""Masks of lanes as words, on a GPU and in the interpreter."""

import pytest
import torch
import triton
import triton.language as tl

from megastep.triton.bits import ones, ranks


@triton.jit
def _rank(masks, found, counts, width: tl.constexpr):
    lane = tl.arange(0, width)
    ranked, count = ranks(tl.load(masks + lane) != 0)
    tl.store(found + lane, ranked)
    tl.store(counts, count)


@triton.jit
def _count(words, found, width: tl.constexpr):
    lane = tl.arange(0, width)
    tl.store(found + lane, ones(tl.load(words + lane)))


@pytest.mark.parametrize('width', [1, 2, 8, 32, 64, 256])
@pytest.mark.parametrize('share', [0, 0.3, 1])
def test_ranks_are_sums_of_the_lanes_so_far(width, share, device, poisoned):
    mask = torch.rand(width, generator=torch.Generator().manual_seed(width)) < share
    found, counts = (torch.empty(n, dtype=torch.int32, device=device) for n in (width, 1))
    _rank[(1,)](mask.int().to(device), found, counts, width=width, num_warps=1)
    assert found.tolist() == mask.int().cumsum(0).tolist()
    assert counts.item() == mask.sum()


def test_bits_are_counted(device, poisoned):
    words = [0, 1, -1, 2**31, 2**31 - 1, 0xFFFFFFFF, 0x12345678, 5 << 40 | 7]
    found = torch.empty(8, dtype=torch.int32, device=device)
    _count[(1,)](torch.tensor(words, device=device), found, width=8, num_warps=1)
    assert found.tolist() == [(word & 0xFFFFFFFF).bit_count() for word in words]
