"""Cell lists: a uniform grid over each map, whose cells list the walls near them. The broad phase of collisions.

An agent that goes no further in a step than the lists reach need only try the walls that its cell lists (Allen and
Tildesley, "Computer Simulation of Liquids", 1987, on cell structures and linked lists).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import torch
from jaxtyping import Float, Float32, Int, Int32
from torch import Tensor

from megastep.maps.ragged import Ragged

FURTHEST = 0.4
"""Moves up to this long, in metres, have their walls listed."""

SIDE = 0.5
"""How wide a cell is, in metres, unless a map has too many."""

MOST_CELLS, MOST_CELLS_A_WALL = 1 << 14, 16
"""A map with more cells than both the first, and the second times its walls, has larger ones."""

MARGIN = 1e-3
"""Walls are listed this much further than they need be, in metres: more than rounding moves a coordinate."""

BATCH = 1 << 22
"""How many pairs of a wall and a cell are looked at together, at least those of one map."""


@dataclass(frozen=True, eq=False)
class NearWalls:
    """Cell lists of each map: the walls that an agent may touch whose middle is in a cell.

    A map takes 4 bytes a cell and 2 a wall listed: 5 KB for a house of 162 walls, whose cells list 6 each on average.

    Args:
        grids: Each map's lower left corner, in metres, and how many cells a metre has.
        shapes: How many columns and rows of cells each map has.
        firsts: For each cell of a map, row after row, the place of its first wall in the map's lists; and where the
            last one's end: ragged (cell + 1) int32.
        numbers: The lists: each map's, ragged int16, or int32 where a map has more walls than that can count. They are
            walls' numbers in the order of `WallBoxes`, in which each list is as well.
        furthest: How long the moves are at most whose walls are listed, in metres.
    """

    grids: Float32[Tensor, 'map 3']
    shapes: Int32[Tensor, 'map 2']
    firsts: Ragged[Tensor]
    numbers: Ragged[Tensor]
    furthest: float = FURTHEST


class Grids(NamedTuple):
    """Uniform grids, one a map."""

    corners: Float[Tensor, 'map 2']
    sides: Float[Tensor, ' map']
    shapes: Int[Tensor, 'map 2']

    @property
    def counts(self) -> Int[Tensor, ' map']:
        """The number of cells of each."""
        return self.shapes.prod(1)


def build(walls: Ragged[Tensor], agent_radius: float) -> NearWalls:
    """Builds the cell lists of walls that are in the order of their boxes, for agents of a radius in metres."""
    maps = torch.repeat_interleave(torch.arange(len(walls), device=walls.vals.device), walls.widths.long())
    grids, reach = grids_around(walls, maps), agent_radius + FURTHEST + MARGIN
    low, high = _extents(walls.vals, grids, maps, reach)
    pairs = torch.zeros(len(walls), dtype=torch.int64, device=maps.device).index_add(0, maps, (high - low + 1).prod(1))
    dtype = torch.int16 if int(walls.widths.max()) <= torch.iinfo(torch.int16).max else torch.int32
    firsts, numbers = [], []
    for batch in _batches(pairs):
        own = slice(*(int(walls.starts[m]) if m < len(walls) else len(maps) for m in (batch.start, batch.stop)))
        wall, column, row = _pairs(low[own], high[own])
        wall += own.start
        meets = _meets(walls.vals[wall], column, row, grids, maps[wall], reach)
        wall, column, row = wall[meets], column[meets], row[meets]
        cells = row * grids.shapes[maps[wall], 0] + column
        first, order = _sorted(cells, maps[wall] - batch.start, grids.counts[batch])
        firsts.append(first)
        numbers.append((wall - walls.starts[maps[wall]])[order].to(dtype))
    places = torch.cat(firsts)
    ends = places[(grids.counts + 1).cumsum(0) - 1]
    return NearWalls(
        grids=torch.cat([grids.corners, 1 / grids.sides[:, None]], 1),
        shapes=grids.shapes.int(),
        firsts=Ragged(places, grids.counts + 1),
        numbers=Ragged(torch.cat(numbers), ends.long()),
    )


def grids_around(walls: Ragged[Tensor], maps: Int[Tensor, ' wall'], side: float = SIDE) -> Grids:
    """A uniform grid around each map: cells of a side in metres, or as small as its number of walls allows."""
    which = maps[:, None].expand(-1, 2)
    start = torch.full((len(walls), 2), torch.inf, device=maps.device)
    low = start.scatter_reduce(0, which, walls.vals.amin(1), 'amin')
    extent = (-start).scatter_reduce(0, which, walls.vals.amax(1), 'amax') - low
    most = (MOST_CELLS_A_WALL * walls.widths.long()).clamp(min=MOST_CELLS)
    sides = torch.full((len(walls),), side, device=maps.device)
    while True:
        shapes = (extent / sides[:, None]).long() + 1
        large = shapes.prod(1) > most
        if not large.any():
            return Grids(low, sides, shapes)
        sides = torch.where(large, 2 * sides, sides)


def _extents(
    ends: Float[Tensor, 'wall 2 2'], grids: Grids, maps: Int[Tensor, ' wall'], reach: float
) -> tuple[Int[Tensor, 'wall 2'], Int[Tensor, 'wall 2']]:
    """The first and the last column and row of the cells that the box around each wall, grown by the reach, meets."""
    low, high = ends.amin(1) - reach, ends.amax(1) + reach
    corners, sides, last = grids.corners[maps], grids.sides[maps, None], grids.shapes[maps] - 1
    first, final = (((points - corners) / sides).floor().long() for points in (low, high))
    return first.clamp(min=0).minimum(last), final.clamp(min=0).minimum(last)


def _batches(pairs: Int[Tensor, ' map']) -> Iterator[slice]:
    """Maps whose pairs are looked at together."""
    start, total = 0, 0
    for m, count in enumerate(pairs.tolist()):
        if m > start and total + count > BATCH:
            yield slice(start, m)
            start, total = m, 0
        total += count
    yield slice(start, len(pairs))


def _pairs(
    low: Int[Tensor, 'wall 2'], high: Int[Tensor, 'wall 2']
) -> tuple[Int[Tensor, ' pair'], Int[Tensor, ' pair'], Int[Tensor, ' pair']]:
    """Every wall with every cell of its extent: the wall's number, the column and the row, in the walls' order."""
    shapes = high - low + 1
    counts = shapes.prod(1)
    wall = torch.repeat_interleave(torch.arange(len(low), device=low.device), counts)
    k = torch.arange(len(wall), device=low.device) - (counts.cumsum(0) - counts)[wall]
    return wall, low[wall, 0] + k % shapes[wall, 0], low[wall, 1] + k // shapes[wall, 0]


def _meets(
    ends: Float[Tensor, 'pair 2 2'],
    column: Int[Tensor, ' pair'],
    row: Int[Tensor, ' pair'],
    grids: Grids,
    maps: Int[Tensor, ' pair'],
    reach: float,
) -> Tensor:
    """True where a wall's line comes within reach of a cell, by the separating axis across the wall.

    The other two axes are those of the extents. So a wall that comes within reach of any point of a cell is listed, and
    a few are that only come near a corner.
    """
    sides = grids.sides[maps]
    middle = grids.corners[maps] + (torch.stack([column, row], -1) + 0.5) * sides[:, None]
    along, to_middle = ends[:, 1] - ends[:, 0], middle - ends[:, 0]
    length = along.norm(dim=-1)
    aside = (along[:, 0] * to_middle[:, 1] - along[:, 1] * to_middle[:, 0]).abs()
    return aside <= reach * length + along.abs().sum(-1) * sides / 2


def _sorted(
    cells: Int[Tensor, ' pair'], maps: Int[Tensor, ' pair'], counts: Int[Tensor, ' map']
) -> tuple[Int32[Tensor, ' first'], Int[Tensor, ' pair']]:
    """The pairs in the order of their cells, those of a cell in the order they had; and each map's firsts."""
    rows = counts + 1
    before = rows.cumsum(0) - rows
    places = before[maps] + cells
    found = torch.zeros(int(rows.sum()), dtype=torch.int64, device=cells.device)
    found[1:] = torch.bincount(places, minlength=len(found))[:-1].cumsum(0)
    found -= torch.repeat_interleave(found[before], rows)
    return found.int(), torch.argsort(places, stable=True)
