"""A maze: corridors on a grid of cells, perfect or with loops, and open places among them."""

from __future__ import annotations

from itertools import pairwise
from types import MappingProxyType

import numpy as np
from jaxtyping import Int

from megastep.mapgen.families.maze_growth import Walls, backtracker, prim, wilson
from megastep.mapgen.family import Choice, Family, Parameter
from megastep.mapgen.geometry.extent import check_extent
from megastep.mapgen.geometry.lattice import Rect, trace, units
from megastep.mapgen.parameters import FloatRange, IntRange
from megastep.mapgen.plan import LATTICE_STEP, Plan, PlannedRoom
from megastep.mapgen.rng import Rng

GROWTHS = MappingProxyType({'backtracker': backtracker, 'prim': prim, 'wilson': wilson})
"""The algorithms that draw a spanning tree, by name."""

CHAMBER_TRIES = 8
"""The number of places tried for each chamber."""

WALL, FREE, RIM = 0, 1, 2
"""The states of a square of the plan: cells are free, between them are walls and the junctions that these meet at."""

Squares = Int[np.ndarray, 'y x']
"""The plan of a maze: cell (i, j) is square (2i + 1, 2j + 1)."""


def build(
    rng: Rng,
    *,
    width: IntRange,
    height: IntRange,
    corridor: FloatRange,
    wall: FloatRange,
    growth: str,
    braid: FloatRange,
    chambers: IntRange,
    chamber: IntRange,
) -> Plan:
    """The plan of a maze. `FAMILY` says what the parameters mean.

    Raises:
        ValueError: if the largest maze that may be drawn is too large.
    """
    pitch = units(corridor[1]) + units(wall[1])
    check_extent('maze', 'width and height, a corridor and a wall for each cell,', max(width[1], height[1]) * pitch)
    sizes = rng.fork('sizes')
    thickness, clear = sizes.between(*map(units, wall)), sizes.between(*map(units, corridor))
    shape = sizes.between(*height), sizes.between(*width)
    loops = sizes.between(*(round(100 * share) for share in braid))
    rule = sizes.pick(sorted(GROWTHS)) if growth == 'any' else growth
    places = _chambers(rng.fork('chambers'), shape, sizes.between(*chambers), chamber)
    squares = carve_maze(rng.fork('growth'), shape, rule, places)
    braid_maze(rng.fork('braid'), squares, loops)
    return _plan(squares, clear, thickness)


def _chambers(rng: Rng, shape: tuple[int, int], count: int, sides: IntRange) -> list[Rect]:
    """Random open places of whole cells, at least a cell apart and at most half as long and as wide as the maze."""
    up, across = shape
    found: list[Rect] = []
    for _ in range(CHAMBER_TRIES * count):
        width, height = min(rng.between(*sides), across // 2), min(rng.between(*sides), up // 2)
        left, bottom = rng.below(across - width + 1), rng.below(up - height + 1)
        place = Rect(left, bottom, left + width, bottom + height)
        if len(found) < count and not any(place.grown(1).overlaps(other) for other in found):
            found.append(place)
    return found


def carve_maze(rng: Rng, shape: tuple[int, int], growth: str, chambers: list[Rect]) -> Squares:
    """A random perfect maze, a spanning tree: between any two cells or chambers there is one way.

    Args:
        rng: The random number generator.
        shape: The number of cells along y and along x.
        growth: A key of `GROWTHS`.
        chambers: Rectangles of cells without walls between them. They don't overlap.

    Returns:
        The state of each square.
    """
    height, width = shape
    squares = np.full((2 * height + 1, 2 * width + 1), RIM)
    squares[1:-1, 1:-1] = WALL
    squares[1::2, 1::2] = FREE
    places = np.arange(height * width).reshape(shape)
    for left, bottom, right, top in chambers:
        squares[2 * bottom + 1 : 2 * top, 2 * left + 1 : 2 * right] = FREE
        places[bottom:top, left:right] = places[bottom, left]
    start = int(places.flat[rng.below(height * width)])
    squares.flat[GROWTHS[growth](rng, _walls(places), start)] = FREE
    return squares


def _walls(places: Int[np.ndarray, 'y x']) -> Walls:
    """The walls between the places that the cells belong to, each by the number of its square."""
    height, width = places.shape
    numbers = np.arange((2 * height + 1) * (2 * width + 1)).reshape(2 * height + 1, 2 * width + 1)
    walls = np.concatenate([numbers[1::2, 2:-1:2].ravel(), numbers[2:-1:2, 1::2].ravel()])
    one = np.concatenate([places[:, :-1].ravel(), places[:-1].ravel()])
    other = np.concatenate([places[:, 1:].ravel(), places[1:].ravel()])
    sums = np.zeros(numbers.size, dtype=np.int64)
    sums[walls] = one + other
    beside = np.concatenate([one, other])[np.tile(one != other, 2)]
    order = np.argsort(beside, kind='stable')
    around = np.tile(walls[one != other], 2)[order].tolist()
    bounds = np.searchsorted(beside[order], np.arange(height * width + 1)).tolist()
    return Walls([around[low:high] for low, high in pairwise(bounds)], sums.tolist())


def braid_maze(rng: Rng, squares: Squares, share: int) -> None:
    """Braids a maze in place: opens dead ends, each into another if it is beside one, else into any cell.

    Args:
        rng: The random number generator.
        squares: A maze of at least two cells along y and two along x.
        share: The number of a hundred dead ends to open.
    """
    dead = set(dead_end_cells(squares))
    left = len(dead) * (100 - share) // 100
    flat, stride = squares.reshape(-1), squares.shape[1]
    for cell in rng.shuffled(sorted(dead)):
        if len(dead) <= left:
            break
        if cell in dead:
            steps = [step for step in (1, -1, stride, -stride) if flat[cell + step] == WALL]
            step = rng.pick([step for step in steps if cell + 2 * step in dead] or steps)
            flat[cell + step] = FREE
            dead -= {cell, cell + 2 * step}


def dead_end_cells(squares: Squares) -> list[int]:
    """The numbers of the cells with one way out."""
    free = squares == FREE
    exits = 1 * free[1::2, :-1:2] + free[1::2, 2::2] + free[:-1:2, 1::2] + free[2::2, 1::2]
    i, j = np.nonzero(exits == 1)
    return ((2 * i + 1) * squares.shape[1] + 2 * j + 1).tolist()


def _plan(squares: Squares, corridor: int, wall: int) -> Plan:
    """The plan of a maze, without junctions that no wall is left at."""
    free = squares == FREE
    across = free[2:-1:2, 1:-2:2] & free[2:-1:2, 3::2]
    free[2:-1:2, 2:-1:2] = across & free[1:-2:2, 2:-1:2] & free[3::2, 2:-1:2]
    ys, xs = (_lines(count // 2, corridor, wall) for count in squares.shape)
    rings = trace(free.astype(np.int8), xs, ys)
    return Plan(rings, [PlannedRoom('maze', rings[0])])


def _lines(cells: int, corridor: int, wall: int) -> list[int]:
    """The places where each of some cells side by side begins and ends, in millimetres."""
    return [
        LATTICE_STEP * at
        for low in range(0, cells * (corridor + wall), corridor + wall)
        for at in (low, low + corridor)
    ]


FAMILY = Family(
    name='maze',
    version=1,
    about='A maze of corridors: perfect or with loops, and with open places.',
    parameters=MappingProxyType(
        {
            'width': Parameter((8, 14), 2, 64, 'cells', 'The number of cells along x.'),
            'height': Parameter((8, 14), 2, 64, 'cells', 'The number of cells along y.'),
            'corridor': Parameter((1.0, 1.5), 0.75, 3.0, 'm', 'The width of corridors.'),
            'wall': Parameter((0.1, 0.4), 0.05, 1.0, 'm', 'The thickness of walls.'),
            'growth': Choice(
                'any',
                ('any', *sorted(GROWTHS)),
                'The growth of corridors: long and winding, bushy, any maze as likely as the others; or one of these.',
            ),
            'braid': Parameter((0.0, 0.5), 0.0, 1.0, '', 'The share of dead ends opened: 0 leaves a perfect maze.'),
            'chambers': Parameter((0, 3), 0, 32, '', 'The number of open places, if as many fit.'),
            'chamber': Parameter((2, 3), 2, 8, 'cells', 'Their length and width, at most half of the maze.'),
        }
    ),
    build=build,
)
