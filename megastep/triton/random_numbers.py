"""Random numbers: SplitMix64's hash of keys and counters. The twin is `megastep.numba.random_numbers`."""

import math
from typing import no_type_check

import triton
import triton.language as tl

from megastep.triton.buffers import device_guard

BLOCK = 256
STEP, ELEMENT = tl.constexpr(-0x61C8864680B583EB), tl.constexpr(0x5851F42D4C957F2D)
FIRST, SECOND = tl.constexpr(-0x40A7B892E31B1A47), tl.constexpr(-0x6B2FB644ECCEEE15)
SHARE = tl.constexpr(1 / (1 << 24))
TURN = tl.constexpr(2 * math.pi / (1 << 24))
LOWEST = tl.constexpr(0xFFFFFF)
MANY = tl.constexpr(2**63 - 1)


@triton.jit
@no_type_check
def word(keys, steps, draw, row, place, there):
    """Words of 64 random bits: hashes of a row's key, its step, the draw and the place in it."""
    bits = tl.load(keys + row, mask=there, other=0) + tl.load(steps + row, mask=there, other=0) * STEP
    bits += draw + place * ELEMENT
    bits = (bits ^ ((bits >> 30) & 0x3FFFFFFFF)) * FIRST
    bits = (bits ^ ((bits >> 27) & 0x1FFFFFFFFF)) * SECOND
    return bits ^ ((bits >> 31) & 0x1FFFFFFFF)


@triton.jit
@no_type_check
def integer(draw, row, place, there):
    """Random integers of 63 bits."""
    return word(draw.keys, draw.steps, draw.number, row, place, there) & MANY


@triton.jit
@no_type_check
def uniform(draw, row, place, low, span, there):
    """Uniform numbers from low to below low + span."""
    upper = (word(draw.keys, draw.steps, draw.number, row, place, there) >> 40) & LOWEST
    return upper.to(tl.float32) * SHARE * span + low


@triton.jit(do_not_specialize=['draw'])
@no_type_check
def _draw_integers(keys, steps, draw, integers, count, width, BLOCK: tl.constexpr):
    """Each lane draws an integer."""
    i = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    there = i < count
    tl.store(integers + i, word(keys, steps, draw, i // width, i % width, there) & MANY, mask=there)


@device_guard
def draw_integers(keys, steps, draw, integers):
    """Fills (row, place) with random integers of 63 bits: see `megastep.world.random_numbers.KeyedStreams`."""
    count = integers.numel()
    _draw_integers[(triton.cdiv(count, BLOCK),)](keys, steps, draw, integers, count, integers.shape[1], BLOCK=BLOCK)


@triton.jit(do_not_specialize=['draw'])
@no_type_check
def _draw_reals(
    keys, steps, draw, low, span, reals, count, width, KIND: tl.constexpr, BLOCK: tl.constexpr
):  # fmt: skip
    """Each lane draws a number: a uniform, a normal or an exponential one."""
    i = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    there = i < count
    bits = word(keys, steps, draw, i // width, i % width, there)
    upper = (bits >> 40) & LOWEST
    number = -tl.log((upper + 1).to(tl.float32) * SHARE)  # the share is above 0
    if KIND == 0:
        number = upper.to(tl.float32) * SHARE * span + low
    elif KIND == 1:
        number = tl.sqrt_rn(2 * number) * tl.cos((bits & LOWEST).to(tl.float32) * TURN)
    tl.store(reals + i, number, mask=there)


@device_guard
def draw_reals(keys, steps, draw, low, span, reals, kind):
    """Fills (row, place) with random numbers of a kind: see `megastep.world.random_numbers.KeyedStreams`."""
    count = reals.numel()
    _draw_reals[(triton.cdiv(count, BLOCK),)](
        keys, steps, draw, low, span, reals, count, reals.shape[1], KIND=kind, BLOCK=BLOCK, enable_fp_fusion=False
    )
