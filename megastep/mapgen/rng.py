"""A counter-based pseudo-random number generator (PRNG) whose integers never change: raw Philox words, and our own
arithmetic on them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TypeVar

import numpy as np

Item = TypeVar('Item')

BATCH_WORDS = 256
"""The number of words drawn at a time. It changes the speed, not the words."""


class Rng:
    """A counter-based pseudo-random number generator (PRNG): a stream of 64-bit words and of integers made from them.

    It gives the same on any machine and under any NumPy. The words are the raw output of Philox4x64-10 (Salmon and
    others, "Parallel random numbers: as easy as 1, 2, 3", 2011) for the counters 1, 2, and so on. Its 128-bit key is
    the BLAKE2b hash of the stream's name in UTF-8, read as a little-endian number. A number below n is the upper half
    of the 128-bit product of a word and n, and the few words that would favour some numbers are thrown away (Lemire,
    "Fast random integer generation in an interval", 2019).

    Args:
        name: What the numbers are for. Streams of different names have nothing to do with each other.
    """

    def __init__(self, name: str) -> None:
        key = int.from_bytes(hashlib.blake2b(name.encode(), digest_size=16).digest(), 'little')
        self.name = name
        self._philox = np.random.Philox(key=key, counter=0)
        self._ahead: list[int] = []

    def fork(self, name: str) -> Rng:
        """An independent stream for a step, so that what other steps draw doesn't change it.

        Args:
            name: What the step is, in the stream's own name after this one's.
        """
        return Rng(f'{self.name}/{name}')

    def word(self) -> int:
        """The next random word: a whole number from 0 to 2^64 - 1."""
        if not self._ahead:
            self._ahead = self._philox.random_raw(BATCH_WORDS)[::-1].tolist()
        return self._ahead.pop()

    def below(self, count: int) -> int:
        """A uniform random integer from 0 to ``count`` - 1, by rejection sampling."""
        product = self.word() * count
        if product & 0xFFFF_FFFF_FFFF_FFFF < count:
            favoured = (1 << 64) % count
            while product & 0xFFFF_FFFF_FFFF_FFFF < favoured:
                product = self.word() * count
        return product >> 64

    def between(self, low: int, high: int) -> int:
        """A uniform random integer from ``low`` to ``high``, both included."""
        return low + self.below(high - low + 1)

    def chance(self, part: int, whole: int) -> bool:
        """A Bernoulli trial: true in ``part`` of ``whole`` cases."""
        return self.below(whole) < part

    def pick(self, items: Sequence[Item]) -> Item:
        """A uniform random choice: one of the items, each as likely as the others."""
        return items[self.below(len(items))]

    def shuffled(self, items: Sequence[Item]) -> list[Item]:
        """A uniform random permutation of the items, by the shuffle of Fisher and Yates."""
        order = list(items)
        for i in range(len(order) - 1, 0, -1):
            j = self.below(i + 1)
            order[i], order[j] = order[j], order[i]
        return order
