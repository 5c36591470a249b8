"""Visibility of lights from cells: for each cell of a grid, the lights that may fall on an agent there.

For each of these the walls are listed that may hide it: of a light in free space only those that face it. So the light
on an agent is mostly looked up: a light that isn't in its cell's list doesn't fall on it, and one that no wall may hide
falls on all of it. The lists are conservative: whoever tries the walls of a list finds the same shadows as with all
walls.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from jaxtyping import Float64, Int, Int32, UInt8
from torch import Tensor

from megastep.maps.ragged import Ragged
from megastep.world.kernels import implementation
from megastep.world.near_walls import Grids
from megastep.world.visible_walls import (
    CELLS,
    PAIRS,
    VisibleWalls,
    cells_of,
    firsts_of,
    groups,
    joined,
    places_of,
    ragged_lists,
)

OUTER = 1.02
"""Times an outline's girth: no point of an agent is further from its middle, rounding included."""


@dataclass(frozen=True, eq=False)
class VisibleLights:
    """The lights that may fall on an agent, for each cell of `VisibleWalls`, and what may hide them.

    They hold for any point that is at most an outline's girth away from a place in the cell's extent. A map takes 4
    bytes a cell and 2 a pair: about 8 KB for a house.

    Args:
        firsts: For each cell of a map, row after row, the place of its first pair in the map's lists; and where the
            last one's end: ragged (cell + 1) int32.
        words: The lists: each map's, ragged int16, or longer integers where those can't count so many walls and lights.
            A word is a pair of a light and a wall that may hide it, by their numbers in the map, the wall's in the
            order of `WallBoxes`: the light's number in the lowest ``shift`` bits, and above it the wall's plus 1; 0 is
            the wall of a light that falls on all of an agent. Each list is in the order of the lights, and for each
            light of the walls.
        shift: How many bits of a word the light's number has.
    """

    firsts: Ragged[Tensor]
    words: Ragged[Tensor]
    shift: int

    @property
    def pairs(self) -> Ragged[Tensor]:
        """The words' pairs: ragged (pair, 2) of a light and a wall, -1 for none."""
        words = self.words.vals
        pairs = torch.stack([words & ((1 << self.shift) - 1), (words >> self.shift) - 1], 1)
        return Ragged(pairs, self.words.widths)


class _Rows(NamedTuple):
    """Some cells, each with every light of its map: whose cell, which light, where it is, and the part of the cell."""

    maps: Int[Tensor, ' row']
    cells: Int[Tensor, ' row']
    numbers: Int[Tensor, ' row']
    lights: Float64[Tensor, 'row 2']
    parts: Float64[Tensor, 'row 4']


class _Lists(NamedTuple):
    """The lists of some maps: where each begins and the last one ends, and their pairs."""

    firsts: Int32[Tensor, ' first']
    words: Int[Tensor, ' pair']


def build(walls: Ragged[Tensor], lights: Ragged[Tensor], sets: VisibleWalls, girth: float) -> VisibleLights:
    """Finds the lights that may fall on agents, and the walls that may hide them.

    Args:
        walls: Each map's, in the order of their boxes: ragged (wall, 2, 2) float32, in metres.
        lights: Each map's: ragged (light, 3).
        sets: The maps' potentially visible sets, whose cells these are.
        girth: How far an outline reaches from its agent's middle, in metres.
    """
    cells, shift = sets.extents.widths.long(), bits_of(int(lights.widths.max()))
    dtype = shortest(shift + bits_of(int(walls.widths.max()) + 1))
    costs = cells * lights.widths.long()
    parts = (_listed(walls, lights, sets, group, OUTER * girth, shift, dtype) for group in groups(costs, CELLS))
    firsts, words = joined(parts, cells.device)
    return VisibleLights(*ragged_lists(firsts, words, cells), shift)


def bits_of(count: int) -> int:
    """The number of bits that numbers below a count take, at least 2."""
    return max((count - 1).bit_length(), 2)


def shortest(bits: int) -> torch.dtype:
    """The shortest integers, of two bytes at least, that so many bits leave positive."""
    return next(dtype for dtype in (torch.int16, torch.int32, torch.int64) if bits < torch.iinfo(dtype).bits)


def _listed(
    walls: Ragged[Tensor],
    lights: Ragged[Tensor],
    sets: VisibleWalls,
    group: slice,
    girth: float,
    shift: int,
    dtype: torch.dtype,
) -> _Lists:
    """The lists of some maps."""
    first = int(sets.extents.starts[group.start])
    extents = sets.extents.vals[first : first + int(sets.extents.widths[group].sum())]
    rows = _rows(lights, sets, group, extents, girth)
    widths = walls.widths[rows.maps].long()
    falls = torch.zeros(len(widths), dtype=torch.uint8, device=widths.device)
    found = [_hiding(walls, rows, widths, falls, batch) for batch in groups(widths, PAIRS)]
    none = torch.empty(0, dtype=torch.int64, device=widths.device)
    counts, hiding = (torch.cat([none, *column]) for column in zip((none, none), *found, strict=True))
    kept = falls.nonzero()[:, 0]
    counts = counts[kept]
    pairs = counts.clamp(min=1)
    words = rows.numbers[kept].repeat_interleave(pairs)
    words[(counts > 0).repeat_interleave(pairs)] += (hiding + 1) << shift
    lengths = torch.zeros(len(extents), dtype=torch.int64, device=counts.device).index_add(0, rows.cells[kept], pairs)
    return _Lists(firsts_of(lengths, sets.extents.widths[group].long()), words.to(dtype))


def _rows(
    lights: Ragged[Tensor], sets: VisibleWalls, group: slice, extents: UInt8[Tensor, 'cell 4'], girth: float
) -> _Rows:
    """Every cell of some maps that agents may stand in, with every light of its map."""
    grids = Grids(sets.grids[:, :2], 1 / sets.grids[:, 2], sets.shapes.long())
    maps, corners, sides = cells_of(grids, group)
    known = (extents[:, 0] < extents[:, 2]).nonzero()[:, 0]
    parts = places_of(corners[known], sides[known], extents[known])
    parts[:, 2:] += girth
    counts = lights.widths[maps[known]].long()
    rows = torch.repeat_interleave(torch.arange(len(known), device=counts.device), counts)
    numbers = torch.arange(len(rows), device=counts.device) - (counts.cumsum(0) - counts)[rows]
    maps = maps[known][rows]
    where = lights.vals[lights.starts[maps] + numbers, :2].double()
    return _Rows(maps, known[rows], numbers, where, parts[rows])


def _hiding(
    walls: Ragged[Tensor], rows: _Rows, widths: Int[Tensor, ' row'], falls: UInt8[Tensor, ' row'], batch: slice
) -> tuple[Int[Tensor, ' row'], Int[Tensor, ' hiding']]:
    """The counts of walls that may hide some rows' lights, and their numbers; what falls anywhere is written."""
    ends = widths[batch].cumsum(0)
    marks = torch.zeros(int(ends[-1]), dtype=torch.uint8, device=ends.device)
    starts = ends - widths[batch]
    lights, parts = rows.lights[batch].contiguous(), rows.parts[batch].contiguous()
    implementation(ends.device).find_lights(rows.maps[batch], walls, lights, parts, starts, falls[batch], marks)
    found = marks.nonzero()[:, 0]
    which = torch.searchsorted(ends, found, right=True)
    return torch.bincount(which, minlength=len(ends)), found - starts[which]
