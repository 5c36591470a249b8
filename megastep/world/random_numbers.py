"""Random numbers for envs: one stream that all share, or a counter-based stream for each episode."""

from __future__ import annotations

import math
from typing import Protocol

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor

MANY = 2**63 - 1
"""Integers are drawn from so many that a remainder is as likely as any other."""

PHASES = ('act', 'begin', 'noise', 'observe', 'outcome')
"""The phases of a step, in each of which draws are counted anew."""

STEP, DRAW, ELEMENT = -0x61C8864680B583EB, -0x3AF6B14B3C91B6A5, 0x5851F42D4C957F2D
"""Odd numbers by which the step, the draw in it and the element of that are told apart; the first is SplitMix64's."""


class RandomNumbers(Protocol):
    """Source of all random numbers of a core: tensors with a row for each env, drawn without waiting for the device."""

    def phase(self, name: str) -> None:
        """Says which of the `PHASES` of a step begins."""

    def renew(self, mask: Bool[Tensor, ' env']) -> None:
        """Says which envs are reset outside of a step, so that they don't draw what they have drawn in it."""

    def integers(self, shape: tuple[int, ...]) -> Int64[Tensor, 'env ...']:
        """Uniform integers from 0 to `MANY`: a remainder of one is uniform as well."""

    def uniform_(self, tensor: Float[Tensor, 'env ...'], low: float = 0.0, high: float = 1.0) -> Tensor:
        """Fills a tensor with uniform numbers from low to below high, and returns it."""

    def normal_(self, tensor: Float[Tensor, 'env ...']) -> Tensor:
        """Fills a tensor with standard normal numbers, and returns it."""


class SharedStream:
    """Random numbers of a generator that all envs share: what one gets depends on how many there are.

    Args:
        generator: The generator.
    """

    def __init__(self, generator: torch.Generator) -> None:
        self._generator = generator

    def phase(self, name: str) -> None:
        """Does nothing: there is one stream."""

    def renew(self, mask: Bool[Tensor, ' env']) -> None:
        """Does nothing: what was drawn isn't drawn again."""

    def integers(self, shape: tuple[int, ...]) -> Int64[Tensor, 'env ...']:
        """Uniform integers from 0 to below `MANY`."""
        return torch.randint(MANY, shape, device=self._generator.device, generator=self._generator)

    def uniform_(self, tensor: Float[Tensor, 'env ...'], low: float = 0.0, high: float = 1.0) -> Tensor:
        """Fills a tensor with uniform numbers from low to below high, and returns it."""
        return tensor.uniform_(low, high, generator=self._generator)

    def normal_(self, tensor: Float[Tensor, 'env ...']) -> Tensor:
        """Fills a tensor with standard normal numbers, and returns it."""
        return tensor.normal_(generator=self._generator)


class KeyedStreams:
    """Counter-based random numbers: a stream for each row, the same on any device and however many rows there are.

    A number is a hash of the row's key, the step, how many draws there have been in this phase of it, and the place in
    the row: the finaliser of SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators",
    2014). So there is nothing to be kept but the key and the step.

    Args:
        keys: Each row's key: 64 random bits.
        steps: The number of the step that each row's episode is in.
    """

    def __init__(self, keys: Int64[Tensor, ' row'], steps: Int64[Tensor, ' row']) -> None:
        self._keys, self._steps, self._draws = keys, steps, 0

    def phase(self, name: str) -> None:
        """Counts draws anew, so that what was drawn in phases before changes nothing."""
        self._draws = (PHASES.index(name) + 1) << 32

    def renew(self, mask: Bool[Tensor, ' row']) -> None:
        """Does nothing: an episode's numbers are its own, whenever it begins."""

    def words(self, shape: tuple[int, ...]) -> Int64[Tensor, 'row ...']:
        """Random words of 64 bits."""
        self._draws += 1
        first = self._keys + self._steps * STEP + wrapped(self._draws * DRAW)
        places = torch.arange(math.prod(shape[1:]), device=first.device)
        return mixed(first[:, None] + places * ELEMENT).view(shape)

    def integers(self, shape: tuple[int, ...]) -> Int64[Tensor, 'row ...']:
        """Uniform integers from 0 to `MANY`."""
        return self.words(shape).bitwise_and_(MANY)

    def uniform_(self, tensor: Float[Tensor, 'row ...'], low: float = 0.0, high: float = 1.0) -> Tensor:
        """Fills a tensor with uniform numbers from low to below high, 2^24 of them, and returns it."""
        return tensor.copy_(_share(self.words(tuple(tensor.shape)))).mul_(high - low).add_(low)

    def normal_(self, tensor: Float[Tensor, 'row ...']) -> Tensor:
        """Fills a tensor with standard normal numbers, and returns it (Box and Muller, 1958)."""
        words = self.words(tuple(tensor.shape))
        angles = (words & 0xFFFFFF) * (2 * math.pi / (1 << 24))
        return tensor.copy_((-2 * _positive_share(words).log()).sqrt_().mul_(angles.float().cos_()))

    def exponential_(self, tensor: Float[Tensor, 'row ...']) -> Tensor:
        """Fills a tensor with exponential numbers of mean 1, and returns it."""
        return tensor.copy_(-_positive_share(self.words(tuple(tensor.shape))).log())


class SeededStreams(KeyedStreams):
    """Random numbers of a stream for each env, which goes on from episode to episode.

    Args:
        seeds: Each env's seed.
        steps: How many steps each env has had.

    Attributes:
        keys: The keys of the streams: another after each reset outside of a step.
    """

    def __init__(self, seeds: Int64[Tensor, ' env'], steps: Int64[Tensor, ' env']) -> None:
        self.keys = mixed(seeds * ELEMENT + STEP)
        super().__init__(self.keys, steps)

    def renew(self, mask: Bool[Tensor, ' env']) -> None:
        """Gives the envs that are reset outside of a step other keys, which follow from those they had."""
        self.keys.copy_(torch.where(mask, mixed(self.keys + STEP), self.keys))


def mixed(words: Int64[Tensor, '*shape']) -> Int64[Tensor, '*shape']:
    """Hashes words of 64 bits: the finaliser of SplitMix64, in integers whose sign is a bit like the others."""
    words = (words ^ _right(words, 30)) * -0x40A7B892E31B1A47
    words = (words ^ _right(words, 27)) * -0x6B2FB644ECCEEE15
    return words ^ _right(words, 31)


def wrapped(number: int) -> int:
    """A whole number's lowest 64 bits, as a signed one."""
    return (number + (1 << 63)) % (1 << 64) - (1 << 63)


def _right(words: Tensor, bits: int) -> Tensor:
    """Words moved to the right, zeros coming in."""
    return (words >> bits) & ((1 << (64 - bits)) - 1)


def _share(words: Tensor) -> Tensor:
    """The upper 24 bits, as a number from 0 to below 1, exact in float32."""
    return _right(words, 40).float() * (1 / (1 << 24))


def _positive_share(words: Tensor) -> Tensor:
    """The upper 24 bits, as a number from above 0 to 1."""
    return (_right(words, 40) + 1).float() * (1 / (1 << 24))
