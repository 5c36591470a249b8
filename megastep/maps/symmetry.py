"""Canonical hashes: equal for maps that are equal but for turning, mirroring and moving them."""

import itertools

import numpy as np
from jaxtyping import Float, Int, UInt64

from megastep.maps.ragged import Ragged

LATTICE = 1e-3
"""Coordinates that differ by less than half of this, in metres, count as equal."""

WALLS_AT_ONCE = 1 << 17
"""About how many walls are worked on at once, which bounds the memory needed."""


def canonical_hashes(walls: Ragged[np.ndarray]) -> UInt64[np.ndarray, ' map']:
    """Hashes each map's walls to a number that the square's eight symmetries, a translation and a reordering keep.

    Args:
        walls: Each map's walls, a row of (wall, 2, 2) a map, in metres; no row is empty.
    """
    chunks = np.searchsorted(walls.starts, np.arange(0, len(walls.vals), WALLS_AT_ONCE))
    bounds = np.unique([*chunks, 0, len(walls)])
    pieces = [_hashes(walls.rows(np.arange(a, b))) for a, b in itertools.pairwise(bounds)]
    return np.concatenate([np.empty(0, np.uint64), *pieces])


def _hashes(walls: Ragged[np.ndarray]) -> UInt64[np.ndarray, ' map']:
    """The least, over the symmetries, of the sum of a map's wall hashes: a sum doesn't ask for the walls' order."""
    centred = _centred(walls)
    versions = [mix(version.reshape(-1, 4).T) for version in _symmetries(centred)]
    return np.min([np.add.reduceat(version, walls.starts) for version in versions], axis=0)


def _centred(walls: Ragged[np.ndarray]) -> Int[np.ndarray, 'wall 2 2']:
    """Walls in half steps of the lattice from the middle of their map's bounding box.

    Rounding a number and its negative gives a number and its negative, so a map and its mirror image round alike.
    """
    lows = np.minimum.reduceat(walls.vals.min(1), walls.starts)
    highs = np.maximum.reduceat(walls.vals.max(1), walls.starts)
    twice = 2 * walls.vals - np.repeat(lows + highs, walls.widths, axis=0)[:, None]
    return np.rint(twice / LATTICE).astype(np.int64)


def _symmetries(walls: Int[np.ndarray, 'wall 2 2']) -> list[Int[np.ndarray, 'wall 2 2']]:
    """Walls turned by each quarter turn, and each of these mirrored, with free space still to the left."""
    turns = [walls]
    for _ in range(3):
        x, y = turns[-1][..., 0], turns[-1][..., 1]
        turns.append(np.stack([-y, x], axis=-1))
    return turns + [(turn * [-1, 1])[:, ::-1] for turn in turns]


def mix(words: Float[np.ndarray, 'word *rest'] | Int[np.ndarray, 'word *rest']) -> UInt64[np.ndarray, ' *rest']:
    """Hashes 64-bit words, taken along the first axis, to one: SplitMix64's finaliser (Steele et al. 2014), chained."""
    state = np.zeros(np.shape(words)[1:], np.uint64)
    for word in words:
        state = state + word.astype(np.uint64) + np.uint64(0x9E3779B97F4A7C15)
        state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        state = state ^ (state >> np.uint64(31))
    return state
