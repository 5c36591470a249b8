"""Room to choose the nodes of a block's cells in."""

from typing import NamedTuple

import numpy as np

from megastep.maps.geodesics.compiled.cells import BLOCK
from megastep.maps.geodesics.compiled.entries.candidates import Candidates
from megastep.maps.geodesics.compiled.entries.choosing import Goals
from megastep.numba.jit.simd import LANES

CELLS = BLOCK * BLOCK
"""The cells of a block: each has a lane."""

MOST_CHOSEN = 64
"""So many nodes may be chosen for a block. Of one that needs more every cell chooses for itself."""

AT_ONCE = 4
"""Ways to so many goals are found at once: each has its register, and what is loaded serves all."""


class BlockRoom(NamedTuple):
    """Room to choose a block's nodes in."""

    steps: np.ndarray  # (2, cell) float32: x and y of cells' middles from the first one's, in metres
    sights: np.ndarray  # (goal,): bits of the cells that see each goal; all of them for what only fills up a word
    over: np.ndarray  # (goal,) float32: the candidate that the shortest path from the block's middle goes over
    left: np.ndarray  # (goal,) uint64: the goals that aren't settled
    nodes: np.ndarray  # (candidate,) uint64: the block's candidates
    masks: np.ndarray  # (candidate,): bits of the free cells that see them
    views: np.ndarray  # (4, candidate) float32: what of them is seen from the block's middle, see `look`
    doubts: np.ndarray  # (candidate,): not 0 if a path to a goal that is left may go over them
    places: np.ndarray  # (candidate,): their places among the nodes chosen, -1 if they aren't
    kept: np.ndarray  # (candidate,) uint64: those of the candidates that are chosen or in doubt
    hops: np.ndarray  # (candidate,): the places of these among the nodes chosen
    seen: np.ndarray  # (candidate,): bits of the free cells that see these
    dist: np.ndarray  # (candidate, cell) float32: how far they are from cells, `FAR` from those that don't see them
    least: np.ndarray  # (4, cell) float32: the shortest paths to the goals at hand
    found: np.ndarray  # (4, cell) float32: the shortest ways over nodes chosen
    chosen: np.ndarray  # (hop,) uint64: the nodes chosen
    served: np.ndarray  # (hop,): bits of the cells that they are given to
    given: np.ndarray  # (hop, cell) float32: how far they are from these, `FAR` from others


def make_block_room(found: Candidates, goals: Goals, side: float) -> BlockRoom:
    """Room to choose nodes for the blocks of some candidates in; cells have a side in metres."""
    most, count = int(np.diff(found.firsts).max()) + 1, goals.lengths.shape[1]
    steps = np.stack([np.arange(CELLS) % BLOCK, np.arange(CELLS) // BLOCK]) * side
    return BlockRoom(
        steps.astype(np.float32), np.full(count, -1), np.empty(count, np.float32), np.empty(count + AT_ONCE, np.uint64),
        np.empty(most, np.uint64), np.empty(most, np.int64), np.empty((4, -(-most // LANES) * LANES), np.float32),
        np.empty(most, np.int64), np.empty(most, np.int64), np.empty(most, np.uint64), np.empty(most, np.int64),
        np.empty(most, np.int64), np.empty((most, LANES), np.float32), np.empty((AT_ONCE, LANES), np.float32),
        np.empty((AT_ONCE, LANES), np.float32), np.empty(MOST_CHOSEN, np.uint64),
        np.empty(MOST_CHOSEN, np.int64), np.empty((MOST_CHOSEN, LANES), np.float32),
    )  # fmt: skip
