"""Random numbers: SplitMix64's hash of keys and counters. The twin is `megastep.triton.random_numbers`."""

import math
from typing import NamedTuple

import numpy as np
from numba import njit

from megastep.numba.constants import LAUNCHED, PART

STEP, ELEMENT = -0x61C8864680B583EB, 0x5851F42D4C957F2D
FIRST, SECOND = -0x40A7B892E31B1A47, -0x6B2FB644ECCEEE15
SHARE = np.float32(1 / (1 << 24))
TURN = np.float32(2 * math.pi / (1 << 24))
LOWEST = 0xFFFFFF
MANY = 2**63 - 1


@njit(**PART)
def word(key, step, draw, place):
    """A word of 64 random bits: hashes a row's key, its step, the draw and the place in it."""
    bits = key + step * STEP + draw + place * ELEMENT
    bits = (bits ^ ((bits >> 30) & 0x3FFFFFFFF)) * FIRST
    bits = (bits ^ ((bits >> 27) & 0x1FFFFFFFFF)) * SECOND
    return bits ^ ((bits >> 31) & 0x1FFFFFFFF)


class Draw(NamedTuple):
    """A draw: the buffers of a `megastep.world.random_numbers.Draw`."""

    keys: np.ndarray
    steps: np.ndarray
    number: np.int64


def drawn(draw) -> Draw:
    """Returns the buffers of a draw on the CPU."""
    return Draw(draw.keys.numpy(), draw.steps.numpy(), np.int64(draw.number))


@njit(**PART)
def integer(draw, row, place):
    """A random integer of 63 bits."""
    return word(draw.keys[row], draw.steps[row], draw.number, place) & MANY


@njit(**LAUNCHED)
def _draw_integers(keys, steps, draw, integers):
    for row in range(integers.shape[0]):
        for place in range(integers.shape[1]):
            integers[row, place] = word(keys[row], steps[row], draw, place) & MANY


def draw_integers(keys, steps, draw, integers):
    """Fills (row, place) with random integers of 63 bits: see `megastep.world.random_numbers.KeyedStreams`."""
    _draw_integers(keys.numpy(), steps.numpy(), np.int64(draw), integers.numpy())


@njit(**PART)
def real(bits, kind, low, span):
    """The uniform, normal or exponential number that a word stands for."""
    upper = (bits >> 40) & LOWEST
    if kind == 0:
        return np.float32(upper) * SHARE * span + low
    surprise = -math.log(np.float32(upper + 1) * SHARE)  # the share is above 0
    if kind == 1:
        return math.sqrt(np.float32(2) * surprise) * math.cos(np.float32(bits & LOWEST) * TURN)
    return surprise


@njit(**PART)
def uniform(draw, row, place, low, span):
    """A uniform number from low to below low + span."""
    return np.float32(real(word(draw.keys[row], draw.steps[row], draw.number, place), 0, low, span))


@njit(**LAUNCHED)
def _draw_reals(keys, steps, draw, low, span, reals, kind):
    for row in range(reals.shape[0]):
        for place in range(reals.shape[1]):
            reals[row, place] = real(word(keys[row], steps[row], draw, place), kind, low, span)


def draw_reals(keys, steps, draw, low, span, reals, kind):
    """Fills (row, place) with random numbers of a kind: see `megastep.world.random_numbers.KeyedStreams`."""
    _draw_reals(
        keys.numpy(), steps.numpy(), np.int64(draw), np.float32(low), np.float32(span), reals.numpy(), np.int64(kind)
    )
