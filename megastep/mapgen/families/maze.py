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
from megastep.mapgen.plan import FINE, Plan, PlannedRoom
from megastep.mapgen.rng import Rng

Pair = tuple[int, int]

GROWTHS = MappingProxyType({'backtracker': backtracker, 'prim': prim, 'wilson': wilson})

TRIES = 8
"""How many places are tried for each chamber."""

WALL, FREE, RIM = 0, 1, 2
"""What is in a square of the plan: rows and columns of cells, with walls and the posts they meet at between them."""

Squares = Int[np.ndarray, 'row column']
"""A maze's plan: cell (i, j) is square (2i + 1, 2j + 1)."""


def build(
    rng: Rng,
    *,
    width: Pair,
    height: Pair,
    corridor: tuple[float, float],
    wall: tuple[float, float],
    growth: str,
    braid: tuple[float, float],
    chambers: Pair,
    chamber: Pair,
) -> Plan:
    """Makes a maze. See `FAMILY` for what the parameters mean.

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
    squares = carve(rng.fork('growth'), shape, rule, places)
    braided(rng.fork('braid'), squares, loops)
    return _plan(squares, clear, thickness)


def _chambers(rng: Rng, shape: Pair, count: int, sides: Pair) -> list[Rect]:
    """Draws open places of whole cells, at least a cell apart and at most half as long and as wide as the maze."""
    rows, columns = shape
    found: list[Rect] = []
    for _ in range(TRIES * count):
        width, height = min(rng.between(*sides), columns // 2), min(rng.between(*sides), rows // 2)
        left, bottom = rng.below(columns - width + 1), rng.below(rows - height + 1)
        place = Rect(left, bottom, left + width, bottom + height)
        if len(found) < count and not any(place.grown(1).overlaps(other) for other in found):
            found.append(place)
    return found


def carve(rng: Rng, shape: Pair, growth: str, chambers: list[Rect]) -> Squares:
    """Digs a perfect maze: between any two cells or chambers there is one way.

    Args:
        rng: Drawn from.
        shape: How many rows and columns of cells.
        growth: A key of `GROWTHS`.
        chambers: Rectangles of cells without walls between them. They don't overlap.

    Returns:
        What is in each square.
    """
    rows, columns = shape
    squares = np.full((2 * rows + 1, 2 * columns + 1), RIM)
    squares[1:-1, 1:-1] = WALL
    squares[1::2, 1::2] = FREE
    places = np.arange(rows * columns).reshape(shape)
    for left, bottom, right, top in chambers:
        squares[2 * bottom + 1 : 2 * top, 2 * left + 1 : 2 * right] = FREE
        places[bottom:top, left:right] = places[bottom, left]
    start = int(places.flat[rng.below(rows * columns)])
    squares.flat[GROWTHS[growth](rng, _walls(places), start)] = FREE
    return squares


def _walls(places: Int[np.ndarray, 'row column']) -> Walls:
    """What may be opened between the places that the cells belong to, a wall by its square's number."""
    rows, columns = places.shape
    numbers = np.arange((2 * rows + 1) * (2 * columns + 1)).reshape(2 * rows + 1, 2 * columns + 1)
    walls = np.concatenate([numbers[1::2, 2:-1:2].ravel(), numbers[2:-1:2, 1::2].ravel()])
    one = np.concatenate([places[:, :-1].ravel(), places[:-1].ravel()])
    other = np.concatenate([places[:, 1:].ravel(), places[1:].ravel()])
    sums = np.zeros(numbers.size, dtype=np.int64)
    sums[walls] = one + other
    beside = np.concatenate([one, other])[np.tile(one != other, 2)]
    order = np.argsort(beside, kind='stable')
    around = np.tile(walls[one != other], 2)[order].tolist()
    bounds = np.searchsorted(beside[order], np.arange(rows * columns + 1)).tolist()
    return Walls([around[low:high] for low, high in pairwise(bounds)], sums.tolist())


def braided(rng: Rng, squares: Squares, share: int) -> None:
    """Opens dead ends, in place: each into another dead end if it is beside one, else into any cell.

    Args:
        rng: Drawn from.
        squares: A maze of at least two rows and two columns.
        share: How many of a hundred dead ends to open.
    """
    dead = set(dead_ends(squares))
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


def dead_ends(squares: Squares) -> list[int]:
    """The numbers of the cells with one way out."""
    free = squares == FREE
    exits = 1 * free[1::2, :-1:2] + free[1::2, 2::2] + free[:-1:2, 1::2] + free[2::2, 1::2]
    row, column = np.nonzero(exits == 1)
    return ((2 * row + 1) * squares.shape[1] + 2 * column + 1).tolist()


def _plan(squares: Squares, corridor: int, wall: int) -> Plan:
    """Sets the walls up, but for posts that no wall is left at."""
    free = squares == FREE
    across = free[2:-1:2, 1:-2:2] & free[2:-1:2, 3::2]
    free[2:-1:2, 2:-1:2] = across & free[1:-2:2, 2:-1:2] & free[3::2, 2:-1:2]
    ys, xs = (_lines(count // 2, corridor, wall) for count in squares.shape)
    rings = trace(free.astype(np.int8), xs, ys)
    return Plan(rings, [PlannedRoom('maze', rings[0])])


def _lines(cells: int, corridor: int, wall: int) -> list[int]:
    """Where each cell of a row begins and ends, in millimetres."""
    return [FINE * at for low in range(0, cells * (corridor + wall), corridor + wall) for at in (low, low + corridor)]


FAMILY = Family(
    name='maze',
    version=1,
    about='A maze of corridors: perfect or with loops, and with open places.',
    parameters=MappingProxyType(
        {
            'width': Parameter((8, 14), 2, 64, 'cells', 'How many cells it has along x.'),
            'height': Parameter((8, 14), 2, 64, 'cells', 'How many cells it has along y.'),
            'corridor': Parameter((1.0, 1.5), 0.75, 3.0, 'm', 'How wide corridors are.'),
            'wall': Parameter((0.1, 0.4), 0.05, 1.0, 'm', 'How thick walls are.'),
            'growth': Choice(
                'any',
                ('any', *sorted(GROWTHS)),
                'How corridors grow: long and winding, bushy, any maze as likely as the others; or one of these.',
            ),
            'braid': Parameter((0.0, 0.5), 0.0, 1.0, '', 'The share of dead ends opened: 0 leaves a perfect maze.'),
            'chambers': Parameter((0, 3), 0, 32, '', 'How many open places, if as many fit.'),
            'chamber': Parameter((2, 3), 2, 8, 'cells', 'How long and wide they are, at most half of the maze.'),
        }
    ),
    build=build,
)
