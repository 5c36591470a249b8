"""Samples, the points that cells' entries are of."""

from typing import NamedTuple

import numpy as np


class Samples(NamedTuple):
    """The points that cells' entries are of."""

    points: np.ndarray  # (cell, 2): where it isn't the middle
    kinds: np.ndarray  # (cell,) uint8: `NONE`, `MIDDLE`, `OTHER` or `SLIVER`


NONE, MIDDLE, OTHER, SLIVER = (np.uint8(kind) for kind in range(4))
"""Kinds of samples: there is none, the cell's middle, another point of it, or a sliver in which none was found."""


def make_samples(cells: int) -> Samples:
    """Samples of so many cells, none yet."""
    return Samples(np.empty((cells, 2)), np.zeros(cells, np.uint8))
