"""Bits: a mask of lanes as the bits of one word, and two numbers as the halves of one. Nothing like it has the twin."""

from typing import no_type_check

import triton
import triton.language as tl

LANES = tl.constexpr(32)
"""A warp's."""


@triton.jit
@no_type_check
def bits(mask):
    """A bit for each of 32 lanes, the first lane's the lowest."""
    return tl.sum(mask.to(tl.int32) << tl.arange(0, mask.shape[0]), 0).to(tl.int64) & 0xFFFFFFFF


@triton.jit
@no_type_check
def lowest(word):
    """The number of the lowest bit of a word that is set: a power of two's exponent as a float32."""
    return ((word & -word).to(tl.float32).to(tl.int32, bitcast=True) >> 23) - 127


@triton.jit
@no_type_check
def ones(word):
    """The population count of a word's lower 32 bits: a compiler makes one instruction of these sums."""
    twos = word.to(tl.uint32) - ((word.to(tl.uint32) >> 1) & 0x55555555)
    fours = (twos & 0x33333333) + ((twos >> 2) & 0x33333333)
    eights = (fours + (fours >> 4)) & 0x0F0F0F0F
    return ((eights * 0x01010101) >> 24).to(tl.int32)


@triton.jit
@no_type_check
def ranks(mask):
    """A prefix sum of a mask: for each lane how many of its lanes come up to it, itself included; and of all of it."""
    if mask.shape[0] > LANES:
        counts = tl.cumsum(mask.to(tl.int32), 0), tl.sum(mask.to(tl.int32), 0)
    else:  # of one word
        word, lane = bits(mask), tl.arange(0, mask.shape[0])
        counts = ones(word & ((2 << lane) - 1)), ones(word)
    return counts


@triton.jit
@no_type_check
def halves(word):
    """The two float32 numbers whose bits are the lower and the upper half of a word."""
    return word.to(tl.int32).to(tl.float32, bitcast=True), (word >> 32).to(tl.int32).to(tl.float32, bitcast=True)


@triton.jit
@no_type_check
def joined(low, high):
    """The word whose halves are the bits of two float32 numbers."""
    upper = high.to(tl.int32, bitcast=True).to(tl.int64) << 32
    return upper | (low.to(tl.int32, bitcast=True).to(tl.int64) & 0xFFFFFFFF)
