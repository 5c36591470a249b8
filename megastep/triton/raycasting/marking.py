"""Marking: which texels rays end on. The twin is `megastep.numba.raycasting.marking`."""

from typing import NamedTuple, no_type_check

import torch
import triton
import triton.language as tl


class Seen(NamedTuple):
    """Visibility bitmaps, and how many of their bits have been set."""

    bits: torch.Tensor
    found: torch.Tensor
    num_words: int  # of an env's


@triton.jit
@no_type_check
def mark(seen, e, texels, hit):
    """Marks the texels of env e that a block of rays end on.

    Rays that hit a texel together set its bit one after another, and the one that finds it unset counts.
    """
    word, bit = seen.bits + e * seen.num_words + (texels >> 5), 1 << (texels & 31)
    unseen = hit & ((tl.load(word, mask=hit, other=0) & bit) == 0)  # most have been: this spares their atomics
    held = tl.atomic_or(word, bit, mask=unseen, sem='relaxed')
    number = tl.sum(tl.sum((unseen & ((held & bit) == 0)).to(tl.int32), 1), 0)
    if number > 0:
        tl.atomic_add(seen.found + e, number, sem='relaxed')
