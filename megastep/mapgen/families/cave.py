"""A cave: random rock after a cellular automaton, with tunnels between its caverns."""

from __future__ import annotations

from heapq import heappop, heappush
from types import MappingProxyType

import numpy as np
from jaxtyping import Int
from scipy import ndimage

from megastep.mapgen.families.cave_contours import Mask, Node, contours, without_touching
from megastep.mapgen.family import Family, Parameter
from megastep.mapgen.geometry.polygons import smoothed
from megastep.mapgen.plan import MILLIMETRES_PER_METRE, Plan, PlannedRoom
from megastep.mapgen.rng import Rng

LEAST_CAVERN_POINTS = 12
"""The number of lattice points below which hollows are filled."""

ROCK_COST, MOST_EXTRA_COST = 3, 24
"""The cost of a step of a tunnel through rock: the first, and less than the second more at random. Air costs 1."""

WALL_DENSITY = 104
"""The level of the density that walls follow. At less than 128, half of the greatest, walls lean towards the rock."""


def build(
    rng: Rng, *, width: float, height: float, spacing: float, air: float, rounds: int, pillar: float, rough: float
) -> Plan:
    """The plan of a cave. `FAMILY` says what the parameters mean.

    An agent with 0.05 m to spare, which is 0.156 m from its middle to its side, can go from each point of the lattice
    in the air to the next: `contours` keeps 0.177 m away, at the least spacing.
    """
    step = round(spacing * MILLIMETRES_PER_METRE)
    shape = [max(1, round(size * MILLIMETRES_PER_METRE / step)) + 3 for size in (height, width)]
    hollow = _hollowed(rng.fork('rock'), shape, round(100 * air), rounds)
    joined = _joined(rng.fork('tunnels'), hollow)
    cave = _without_pillars(without_touching(joined), pillar * MILLIMETRES_PER_METRE**2 / step**2)
    density = _density(rng.fork('walls'), cave, rough)
    rings = [smoothed(ring) for ring in contours(cave, density, level=WALL_DENSITY, spacing=step)]
    return Plan(rings, [PlannedRoom('cave', rings[0])])


def _hollowed(rng: Rng, shape: list[int], air: int, rounds: int) -> Mask:
    """Random rock after so many rounds of the cellular automaton: a point is air where most of the nine around it were.

    A square of four by four points in the middle begins as air. Without its corners, it stays.
    """
    height, width = shape
    free = np.zeros((height, width), dtype=bool)
    free[1:-1, 1:-1] = np.array([rng.below(100) < air for _ in range(free[1:-1, 1:-1].size)]).reshape(height - 2, -1)
    free[height // 2 - 2 : height // 2 + 2, width // 2 - 2 : width // 2 + 2] = True
    for _ in range(rounds):
        counts = _box(free.astype(np.int64), (1, 1, 1))
        free[1:-1, 1:-1] = counts[1:-1, 1:-1] >= 5
    return _opened(free)


def _box(values: Int[np.ndarray, 'y x'], weights: tuple[int, int, int]) -> Int[np.ndarray, 'y x']:
    """A separable convolution: the weighted sum of each value and its eight neighbours, which are 0 beyond the
    border.
    """
    for axis in (0, 1):
        low, middle, high = weights
        padded = np.pad(values, [(1, 1) if axis == i else (0, 0) for i in (0, 1)]).swapaxes(0, axis)
        values = (low * padded[:-2] + middle * padded[1:-1] + high * padded[2:]).swapaxes(0, axis)
    return values


def _opened(free: Mask) -> Mask:
    """Morphological opening: the air that squares of two by two points fit in. Passages of one point are closed."""
    fits = free[:-1, :-1] & free[1:, :-1] & free[:-1, 1:] & free[1:, 1:]
    opened = np.zeros_like(free)
    for below in (slice(None, -1), slice(1, None)):
        for left in (slice(None, -1), slice(1, None)):
            opened[below, left] |= fits
    return opened


def _joined(rng: Rng, hollow: Mask) -> Mask:
    """The large connected components of the air, by flood fill, and tunnels of two points from each to the largest."""
    labels, count = ndimage.label(hollow)
    sizes = np.bincount(labels.ravel(), minlength=count + 1)
    sizes[0] = 0
    largest = int(sizes.argmax())
    caverns = [i for i in range(1, count + 1) if sizes[i] >= LEAST_CAVERN_POINTS]
    joined = np.isin(labels, caverns)
    if len(caverns) > 1:
        cost, via = _paths(rng, joined, labels == largest)
        for cavern in caverns:
            nodes = [node for node in map(tuple, np.argwhere(labels == cavern).tolist()) if node in cost]
            _dig(joined, via, min(nodes, key=lambda node: cost[node]))
    return joined


def _dig(free: Mask, via: dict[Node, Node], node: Node) -> None:
    """Opens the way back from a point, and the points above it and to its right."""
    while via[node] != node:
        i, j = node = via[node]
        free[i : i + 2, j : j + 2] = True


def _paths(rng: Rng, free: Mask, start: Mask) -> tuple[dict[Node, int], dict[Node, Node]]:
    """Shortest paths from the start to every point (Dijkstra, 1959): their costs, and the predecessor of each point.

    The last points along x and y are left out, as tunnels are a point wider than their path.
    """
    height, width = free.shape
    price = {
        (i, j): 1 if free[i, j] else ROCK_COST + rng.below(MOST_EXTRA_COST)
        for i in range(1, height - 2)
        for j in range(1, width - 2)
    }
    ahead = [(0, node, node) for node in map(tuple, np.argwhere(start).tolist()) if node in price]
    cost: dict[Node, int] = {}
    via: dict[Node, Node] = {}
    while ahead:
        spent, node, before = heappop(ahead)
        if node not in cost:
            cost[node], via[node] = spent, before
            i, j = node
            for other in ((i - 1, j), (i, j - 1), (i, j + 1), (i + 1, j)):
                if other in price and other not in cost:
                    heappush(ahead, (spent + price[other], other, node))
    return cost, via


def _without_pillars(free: Mask, least: float) -> Mask:
    """The air with the connected components of rock opened that stand alone and have fewer points than the least."""
    labels, count = ndimage.label(~free, structure=np.ones((3, 3), dtype=int))
    sizes = np.bincount(labels.ravel(), minlength=count + 1)
    small = [i for i in range(1, count + 1) if i != labels[0, 0] and sizes[i] < least]
    return free | np.isin(labels, small)


def _density(rng: Rng, free: Mask, rough: float) -> Int[np.ndarray, 'y x']:
    """The density of air around each point: from 0 to 256, and at random up to 64 more or less."""
    noise = np.array([rng.below(129) - 64 for _ in range(free.size)]).reshape(free.shape)
    return 16 * _box(free.astype(np.int64), (1, 2, 1)) + noise * round(100 * rough) // 100


FAMILY = Family(
    name='cave',
    version=1,
    about='A cave: caverns with rough walls, and winding tunnels between them.',
    parameters=MappingProxyType(
        {
            'width': Parameter(18.0, 3.0, 80.0, 'm', 'The greatest length of the cave along x.'),
            'height': Parameter(14.0, 3.0, 80.0, 'm', 'The greatest length of the cave along y.'),
            'spacing': Parameter(
                0.65, 0.5, 1.0, 'm', 'The spacing of its lattice: passages are about twice as wide as this.'
            ),
            'air': Parameter(
                0.48, 0.4, 0.65, '', 'The share of air before the automaton runs: more gives wider caverns.'
            ),
            'rounds': Parameter(
                4, 1, 10, '', 'The number of rounds of the automaton: more gives smoother, rounder caverns.'
            ),
            'pillar': Parameter(4.0, 0.0, 20.0, 'm²', 'The least area of rock that stands alone.'),
            'rough': Parameter(0.7, 0.0, 1.0, '', 'The roughness of the walls.'),
        }
    ),
    build=build,
)
