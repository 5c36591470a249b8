"""Bounding volumes of walls: axis-aligned boxes around neighbours, so that those out of reach are skipped as one.

They are a bounding-volume hierarchy of one level, built from a space-filling curve as linear hierarchies are
(Lauterbach et al., "Fast BVH Construction on GPUs", 2009).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int, Int32
from torch import Tensor

from megastep.maps.ragged import Ragged

WALLS_PER_BOX = 32
"""How many walls share a box: as many as a GPU's warp has lanes."""

CELLS = 1 << 15
"""How many cells a map is divided into along x and along y, to say which walls are neighbours."""


@dataclass(frozen=True, eq=False)
class WallBoxes:
    """A one-level bounding-volume hierarchy in Hilbert order: each map's walls sorted, and a box around every few.

    Args:
        walls: The walls, neighbours one after another. Those of a map are where they are in the maps' own walls.
        numbers: Each one's number among its map's walls.
        boxes: The least x and y and the greatest x and y of every `WALLS_PER_BOX` walls of a map: ragged (box, 4).
    """

    walls: Float[Tensor, 'wall 2 2']
    numbers: Int32[Tensor, ' wall']
    boxes: Ragged[Tensor]


def build(walls: Ragged[Tensor]) -> WallBoxes:
    """Builds the bounding volumes: sorts each map's walls along a Hilbert curve, and puts a box around every few."""
    maps = torch.repeat_interleave(torch.arange(len(walls), device=walls.vals.device), walls.widths.long())
    order = torch.argsort(maps * CELLS**2 + along_curve(_cells(walls, maps)), stable=True)
    chosen = Ragged(walls.vals[order], walls.widths)
    return WallBoxes(chosen.vals, (order - walls.starts[maps]).int(), _boxes(chosen, maps))


def along_curve(cells: Int[Tensor, 'cell 2']) -> Int[Tensor, ' cell']:
    """Distances along a Hilbert curve: those of cells of a square of `CELLS` by `CELLS`.

    From the largest quarters to the smallest: which quarter a cell is in, and the cell as seen from the curve within
    that quarter, which is turned (Hilbert, "Über die stetige Abbildung einer Linie auf ein Flächenstück", 1891).
    """
    x, y = cells.unbind(-1)
    distance = torch.zeros_like(x)
    side = CELLS // 2
    while side:
        right, upper = (x & side) > 0, (y & side) > 0
        distance += side * side * ((3 * right.long()) ^ upper.long())
        turned = right & ~upper
        x, y = torch.where(turned, CELLS - 1 - x, x), torch.where(turned, CELLS - 1 - y, y)
        x, y = torch.where(upper, x, y), torch.where(upper, y, x)
        side //= 2
    return distance


def _cells(walls: Ragged[Tensor], maps: Int[Tensor, ' wall']) -> Int[Tensor, 'wall 2']:
    """The cell of its map that each wall's middle lies in."""
    middles = walls.vals.mean(dim=1)
    low, high = (_reduce(middles, maps, len(walls), how) for how in ('amin', 'amax'))
    extent = (high - low).amax(dim=1).clamp(min=1e-6)
    return ((middles - low[maps]) / extent[maps, None] * (CELLS - 1)).long()


def _boxes(walls: Ragged[Tensor], maps: Int[Tensor, ' wall']) -> Ragged[Tensor]:
    counts = (walls.widths + WALLS_PER_BOX - 1) // WALLS_PER_BOX
    firsts = counts.cumsum(0) - counts
    boxes = firsts[maps] + (torch.arange(len(maps), device=maps.device) - walls.starts[maps]) // WALLS_PER_BOX
    low, high = walls.vals.amin(dim=1), walls.vals.amax(dim=1)
    count = int(counts.sum())
    return Ragged(torch.cat([_reduce(low, boxes, count, 'amin'), _reduce(high, boxes, count, 'amax')], -1), counts)


def _reduce(points: Float[Tensor, 'wall 2'], rows: Int[Tensor, ' wall'], count: int, how: str) -> Tensor:
    start = torch.full((count, 2), torch.inf if how == 'amin' else -torch.inf, device=points.device)
    return start.scatter_reduce(0, rows[:, None].expand(-1, 2), points, how)
