"""Random numbers for envs: counter-based, a stream for each env or for each fixed episode."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int64, Shaped
from torch import Tensor

from megastep.world.kernels import implementation

MANY = 2**63 - 1
"""Integers are drawn from so many that a remainder is as likely as any other."""

PHASES = ('act', 'begin', 'noise', 'observe', 'outcome', 'reset')
"""The phases of a step, in each of which draws are counted anew; and what is done outside of steps."""

STEP, DRAW = -0x61C8864680B583EB, -0x3AF6B14B3C91B6A5
"""Odd numbers by which steps, and draws in them, are told apart; the first is SplitMix64's."""

UNIFORM, NORMAL, EXPONENTIAL = range(3)
"""The kinds of numbers that kernels draw."""


class Draw(NamedTuple):
    """A draw of random numbers: what a kernel that draws them itself is given.

    Args:
        keys: Each row's key.
        steps: The number of the step that each row is in.
        number: The draw's term in what is hashed.
    """

    keys: Int64[Tensor, ' row']
    steps: Int64[Tensor, ' row']
    number: int


class KeyedStreams:
    """Counter-based random numbers: a stream for each row, the same on any device and however many rows there are.

    A number is a hash of the row's key, the step, how many draws there have been in this phase of it, and the place in
    the row: the finaliser of SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators",
    2014). So there is nothing to be kept but the key and the step. A draw is one kernel, and doesn't wait for the
    device.

    Args:
        keys: Each row's key: 64 random bits.
        steps: The number of the step that each row is in.

    Attributes:
        keys: The keys.
        steps: The numbers of the steps.
    """

    def __init__(self, keys: Int64[Tensor, ' row'], steps: Int64[Tensor, ' row']) -> None:
        self.keys, self.steps, self._draws = keys, steps, 0

    def phase(self, name: str) -> None:
        """Counts draws anew, so that what was drawn in phases before changes nothing."""
        self._draws = (PHASES.index(name) + 1) << 32

    def draw(self) -> Draw:
        """The next draw, for a kernel that hashes what it needs of it: as many numbers a row as it likes."""
        return Draw(*self._rows(), self._next_draw())

    def integers(self, shape: tuple[int, ...]) -> Int64[Tensor, 'row ...']:
        """Uniform integers from 0 to `MANY`: a remainder of one is uniform as well."""
        integers = torch.empty(shape, dtype=torch.int64, device=self.keys.device)
        draw = implementation(integers.device).draw_integers
        draw(*self._rows(), self._next_draw(), _flat(integers))
        return integers

    def uniform_(self, tensor: Float[Tensor, 'row ...'], low: float = 0.0, high: float = 1.0) -> Tensor:
        """Fills a tensor with uniform numbers from low to below high, 2^24 of them, and returns it."""
        return self._fill(tensor, UNIFORM, low, high - low)

    def normal_(self, tensor: Float[Tensor, 'row ...']) -> Tensor:
        """Fills a tensor with standard normal numbers, and returns it (Box and Muller, 1958)."""
        return self._fill(tensor, NORMAL)

    def exponential_(self, tensor: Float[Tensor, 'row ...']) -> Tensor:
        """Fills a tensor with exponential numbers of mean 1, and returns it."""
        return self._fill(tensor, EXPONENTIAL)

    def _fill(self, tensor: Tensor, kind: int, low: float = 0.0, span: float = 1.0) -> Tensor:
        """Fills a tensor with random numbers of a kind, and returns it."""
        fits = tensor.dtype == torch.float32 and tensor.is_contiguous()
        reals = tensor if fits else torch.empty(tensor.shape, device=tensor.device)
        draw = implementation(tensor.device).draw_reals
        draw(*self._rows(), self._next_draw(), low, span, _flat(reals), kind)
        return reals if fits else tensor.copy_(reals)

    def _rows(self) -> tuple[Int64[Tensor, ' row'], Int64[Tensor, ' row']]:
        """The key and the step of each row that draws."""
        return self.keys, self.steps

    def _next_draw(self) -> int:
        """The next draw's term in what is hashed."""
        self._draws += 1
        return wrapped(self._draws * DRAW)


class EnvStreams(KeyedStreams):
    """Random numbers of a core's envs: what one gets depends on the seed and on its own number, steps and resets alone.

    Args:
        seed: The seed.
        steps: The number of the step that each env is in, resets counted: whoever makes steps counts them.
    """

    def __init__(self, seed: int, steps: Int64[Tensor, ' env']) -> None:
        super().__init__(torch.zeros_like(steps), steps)
        self._phase = 0
        self.restart(seed)

    def restart(self, seed: int | Int64[Tensor, ' env'], mask: Bool[Tensor, ' env'] | None = None) -> None:
        """Begins the streams of a seed, or those of a seed for each env, in the envs in the mask, or in all."""
        mask = torch.ones_like(self.steps, dtype=torch.bool) if mask is None else mask
        if isinstance(seed, int):
            numbers = torch.arange(1, len(self.keys) + 1, device=self.keys.device)
            keys = mixed(numbers * STEP + mixed(torch.full_like(numbers, wrapped(seed))))
        else:
            keys = mixed(mixed(seed) * DRAW)
        torch.where(mask, keys, self.keys, out=self.keys)
        self.steps.masked_fill_(mask, 0)

    def phase(self, name: str) -> None:
        """Counts draws anew. A step that begins an episode when another has ended goes through some phases twice."""
        self._phase = 0 if name in ('act', 'reset') else self._phase + 1
        self._draws = self._phase << 32

    def count(self, mask: Bool[Tensor, ' env']) -> None:
        """Counts what is done outside of steps in the envs in the mask, before it and after it."""
        self.steps.add_(mask)


def mixed(words: Int64[Tensor, '*shape']) -> Int64[Tensor, '*shape']:
    """Hashes words of 64 bits: the finaliser of SplitMix64, in integers whose sign is a bit like the others."""
    words = (words ^ _right(words, 30)) * -0x40A7B892E31B1A47
    words = (words ^ _right(words, 27)) * -0x6B2FB644ECCEEE15
    return words ^ _right(words, 31)


def wrapped(number: int) -> int:
    """A whole number's lowest 64 bits, as a signed one."""
    return (number + (1 << 63)) % (1 << 64) - (1 << 63)


def _flat(tensor: Shaped[Tensor, 'row ...']) -> Shaped[Tensor, 'row place']:
    """A view with one dimension beside that of rows."""
    return tensor.view(len(tensor), math.prod(tensor.shape[1:]))


def _right(words: Tensor, bits: int) -> Tensor:
    """Words moved to the right, zeros coming in."""
    return (words >> bits) & ((1 << (64 - bits)) - 1)
