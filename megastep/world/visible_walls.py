"""Potentially visible sets: a uniform grid over each map, whose cells list the walls that may be seen from within.

A camera need only be shown the walls that its cell lists (Teller and Séquin, "Visibility preprocessing for interactive
walkthroughs", 1991). The lists are conservative: all that can be seen is in them, and a little that can't.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Float32, Float64, Int, Int32, UInt8
from torch import Tensor

from megastep.maps.ragged import Ragged
from megastep.world.kernels import implementation
from megastep.world.near_walls import SIDE, Grids, grids_around

CLEARANCE = 0.9
"""Of an agent's radius: its middle is taken to be this far from walls at least. Physics keeps it at a whole radius."""

PIECES = 16
"""In how many pieces a cell's side is cut to say which part of it a list is made for."""

MARGIN = 1e-3
"""Lists are made for parts this much larger on every side, in metres: more than rounding moves a camera."""

CELLS = 1 << 20
"""How many cells are looked at together, at least those of one map."""

PAIRS = 1 << 27
"""How many pairs of a cell and a wall of its map are marked together, at least those of one cell: a byte each."""


@dataclass(frozen=True, eq=False)
class VisibleWalls:
    """Potentially visible sets of each map: the walls that can be seen from anywhere in a part of a cell.

    They hold for any camera in a cell's extent, whichever way it looks and whoever put it there: a wall of which a
    point can be seen, from the wall's free side and with no other wall's front before it, is in the cell's list. A cell
    in which no agent's middle can be has an empty list, and an extent of 255, 255, 0, 0, which nothing lies in. A map
    whose walls cross each other has no sets: its grid has 0 columns and 0 rows.

    A map takes 8 bytes a cell and 2 a wall listed: about 20 KB for a house.

    Args:
        grids: Each map's lower left corner, in metres, and how many cells a metre has.
        shapes: How many columns and rows of cells each map has.
        extents: The part of each cell that its list is made for: left, bottom, right and top in 16ths of a cell's side
            from its lower left corner: ragged (cell, 4) uint8.
        firsts: For each cell of a map, row after row, the place of its first wall in the map's lists; and where the
            last one's end: ragged (cell + 1) int32.
        numbers: The lists: each map's, ragged int16, or int32 where a map has more walls than that can count. They are
            walls' numbers in the order of `WallBoxes`, in which each list is as well.
    """

    grids: Float32[Tensor, 'map 3']
    shapes: Int32[Tensor, 'map 2']
    extents: Ragged[Tensor]
    firsts: Ragged[Tensor]
    numbers: Ragged[Tensor]


class _Links(NamedTuple):
    """Neighbours along outlines: the wall that goes on where each ends, the one that ends where it begins, or -1."""

    nexts: Int32[Tensor, ' wall']
    previous: Int32[Tensor, ' wall']


class _Lists(NamedTuple):
    """The lists of some maps: their cells' extents, where each list begins and the last one ends, and their walls."""

    extents: UInt8[Tensor, 'cell 4']
    firsts: Int32[Tensor, ' first']
    numbers: Int[Tensor, ' listed']


def build(walls: Ragged[Tensor], agent_radius: float, *, side: float = SIDE) -> VisibleWalls:
    """Builds the potentially visible sets of walls, for agents of a radius.

    Args:
        walls: Each map's, in the order of their boxes: ragged (wall, 2, 2) float32, in metres.
        agent_radius: In metres.
        side: How wide a cell is, in metres, unless a map has too many.
    """
    maps = torch.repeat_interleave(torch.arange(len(walls), device=walls.vals.device), walls.widths.long())
    links, crossed = _linked(walls, maps)
    grids = grids_around(walls, maps, side)
    grids = grids._replace(shapes=torch.where(crossed[:, None], 0, grids.shapes))
    dtype = torch.int16 if int(walls.widths.max()) <= torch.iinfo(torch.int16).max else torch.int32
    parts = (_listed(walls, links, grids, group, agent_radius, dtype) for group in groups(grids.counts, CELLS))
    extents, firsts, numbers = joined(parts, maps.device)
    return VisibleWalls(
        torch.cat([grids.corners, 1 / grids.sides[:, None]], 1),
        grids.shapes.int(),
        Ragged(extents, grids.counts),
        *ragged_lists(firsts, numbers, grids.counts),
    )


def _linked(walls: Ragged[Tensor], maps: Int[Tensor, ' wall']) -> tuple[_Links, Bool[Tensor, ' map']]:
    """The walls' links, and which maps have walls that cross."""
    links = _Links(*(torch.empty(len(maps), dtype=torch.int32, device=maps.device) for _ in range(2)))
    crosses = torch.empty(len(maps), dtype=torch.bool, device=maps.device)
    implementation(maps.device).link_walls(maps, walls, links.nexts, links.previous, crosses)
    crossed = torch.zeros(len(walls), dtype=torch.int64, device=maps.device).index_add(0, maps, crosses.long())
    return links, crossed > 0


def groups(costs: Int[Tensor, ' row'], most: int) -> Iterator[slice]:
    """Neighbouring rows whose costs sum to so much at most, or single ones."""
    ends = costs.cumsum(0)
    start, total = 0, 0
    while start < len(costs):
        stop = max(int(torch.searchsorted(ends, total + most, right=True)), start + 1)
        yield slice(start, stop)
        start, total = stop, int(ends[stop - 1])


def _listed(
    walls: Ragged[Tensor], links: _Links, grids: Grids, group: slice, agent_radius: float, dtype: torch.dtype
) -> _Lists:
    """The lists of the cells of some maps."""
    maps, corners, sides = cells_of(grids, group)
    extents = torch.empty((len(maps), 4), dtype=torch.uint8, device=maps.device)
    implementation(maps.device).find_extents(maps, walls, corners, sides, CLEARANCE * agent_radius, extents)
    known = (extents[:, 0] < extents[:, 2]).nonzero()[:, 0]
    maps, places = maps[known], places_of(corners[known], sides[known], extents[known])
    counts = torch.zeros(len(extents), dtype=torch.int64, device=maps.device)
    numbers = [torch.empty(0, dtype=dtype, device=maps.device)]
    widths = walls.widths[maps].long()
    for batch in groups(widths, PAIRS):
        found, number = _visible(walls, links, maps[batch], places[batch], widths[batch])
        counts[known[batch]] = found
        numbers.append(number.to(dtype))
    return _Lists(extents, firsts_of(counts, grids.counts[group]), torch.cat(numbers))


def cells_of(
    grids: Grids, group: slice
) -> tuple[Int[Tensor, ' cell'], Float64[Tensor, 'cell 2'], Float64[Tensor, ' cell']]:
    """The cells of some maps, row after row: which map's each is, its lower left corner, and its side."""
    counts = grids.counts[group]
    maps = torch.repeat_interleave(torch.arange(len(counts), device=counts.device), counts)
    k = torch.arange(len(maps), device=maps.device) - (counts.cumsum(0) - counts)[maps]
    columns, sides = grids.shapes[group][maps, 0], grids.sides[group].double()[maps]
    corners = grids.corners[group].double()[maps] + torch.stack([k % columns, k // columns], -1) * sides[:, None]
    return maps + group.start, corners, sides


def places_of(
    corners: Float64[Tensor, 'cell 2'], sides: Float64[Tensor, ' cell'], extents: UInt8[Tensor, 'cell 4']
) -> Float64[Tensor, 'cell 4']:
    """The middles of the parts of cells that lists are made for, and half their widths and heights with the margin."""
    low, high = (corners + some * (sides / PIECES)[:, None] for some in (extents[:, :2], extents[:, 2:]))
    return torch.cat([(low + high) / 2, (high - low) / 2 + MARGIN], 1)


def _visible(
    walls: Ragged[Tensor],
    links: _Links,
    maps: Int[Tensor, ' cell'],
    places: Float[Tensor, 'cell 4'],
    widths: Int[Tensor, ' cell'],
) -> tuple[Int[Tensor, ' cell'], Int[Tensor, ' listed']]:
    """The counts of walls that may be seen from parts of cells, and their numbers, one cell's after another's."""
    ends = widths.cumsum(0)
    seen = torch.zeros(int(ends[-1]), dtype=torch.uint8, device=maps.device)
    implementation(maps.device).find_visible(maps, walls, *links, places, ends - widths, seen)
    found = seen.nonzero()[:, 0]
    cells = torch.searchsorted(ends, found, right=True)
    return torch.bincount(cells, minlength=len(maps)), found - (ends - widths)[cells]


def firsts_of(counts: Int[Tensor, ' cell'], cells: Int[Tensor, ' map']) -> Int32[Tensor, ' first']:
    """The place where each list begins in its map's, and the last ends, of the lists' lengths and the maps' cells."""
    rows = cells + 1
    starts, before = rows.cumsum(0) - rows, cells.cumsum(0) - cells
    ends = torch.cat([counts.new_zeros(1), counts.cumsum(0)])
    maps = torch.repeat_interleave(torch.arange(len(cells), device=cells.device), rows)
    k = torch.arange(len(maps), device=maps.device) - starts[maps]
    return (ends[before[maps] + k] - ends[before[maps]]).int()


def joined(parts: Iterable[tuple[Tensor, ...]], device: torch.device) -> tuple[Tensor, ...]:
    """Each of the parts' columns, one part after another, on a device.

    Until all parts are there they wait on the host: a GPU would need room for everything twice.
    """
    columns = zip(*([column.cpu() for column in part] for part in parts), strict=True)
    return tuple(_concatenated(column, device) for column in columns)


def _concatenated(column: Sequence[Tensor], device: torch.device) -> Tensor:
    lengths = [len(part) for part in column]
    whole = torch.empty((sum(lengths), *column[0].shape[1:]), dtype=column[0].dtype, device=device)
    for rows, part in zip(whole.split(lengths), column, strict=True):
        rows.copy_(part)
    return whole


def ragged_lists(
    firsts: Int32[Tensor, ' first'], listed: Int[Tensor, ' listed'], cells: Int[Tensor, ' map']
) -> tuple[Ragged[Tensor], Ragged[Tensor]]:
    """Each map's lists: where they begin, and what they list."""
    return Ragged(firsts, cells + 1), Ragged(listed, firsts[(cells + 1).cumsum(0) - 1].long())
