"""Random spanning trees of places that walls part: recursive backtracker, Prim's and Wilson's algorithm."""

from __future__ import annotations

from typing import NamedTuple

from megastep.mapgen.rng import Rng


class Walls(NamedTuple):
    """The graph of places and walls between them, both by numbers, which are made faster than objects."""

    around: list[list[int]]
    """The walls around each place that have another place behind them."""
    sums: list[int]
    """The sum of the numbers of the two places that each wall parts: less one of them, it is the other."""


def backtracker(rng: Rng, walls: Walls, start: int) -> list[int]:
    """The recursive backtracker, a random depth-first search: long and winding, with few dead ends.

    It is the growing tree algorithm that digs on from the newest place that has one to dig to.

    Args:
        rng: The random number generator.
        walls: The walls that may be opened.
        start: The place to begin at.

    Returns:
        The walls opened: a spanning tree of the places that can be reached.
    """
    around, sums = walls
    opened, path, found = [], [start], {start}
    while path:
        place = path[-1]
        fresh = [wall for wall in around[place] if sums[wall] - place not in found]
        if fresh:
            wall = rng.pick(fresh)
            opened.append(wall)
            path.append(sums[wall] - place)
            found.add(path[-1])
        else:
            path.pop()
    return opened


def prim(rng: Rng, walls: Walls, start: int) -> list[int]:
    """Prim's algorithm with random walls: bushy, with many short dead ends. As `backtracker`.

    It digs on from any place found so far: walls are drawn from those at hand instead of weighed.
    """
    around, sums = walls
    opened, found = [], {start}
    frontier = [(wall, start) for wall in around[start]]
    while frontier:
        i = rng.below(len(frontier))
        frontier[i], frontier[-1] = frontier[-1], frontier[i]
        wall, beside = frontier.pop()
        place = sums[wall] - beside
        if place not in found:
            opened.append(wall)
            found.add(place)
            frontier += [(other, place) for other in around[place] if sums[other] - place not in found]
    return opened


def wilson(rng: Rng, walls: Walls, start: int) -> list[int]:
    """Wilson's algorithm: a uniform spanning tree, each as likely as the others. As `backtracker`.

    By loop-erased random walks: from each place it walks at random to the tree, and adds the walk less its loops
    (Wilson, "Generating random spanning trees more quickly than the cover time", 1996).
    """
    around, sums = walls
    opened, found = [], {start}
    for first in range(len(around)):
        place = first
        last: dict[int, int] = {}
        while place not in found and around[place]:
            last[place] = rng.pick(around[place])
            place = sums[last[place]] - place
        place = first
        while place in last and place not in found:
            found.add(place)
            opened.append(last[place])
            place = sums[last[place]] - place
    return opened
