"""Proves that potentially visible sets miss nothing: rays by the million, in float64, against every wall."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float64, Int
from torch import Tensor

from benchmarks.speed.worlds import dim_grid
from megastep import mapgen
from megastep.maps.apartments import real_apartments
from megastep.maps.geometry import AGENT_RADIUS, Geometry
from megastep.maps.ragged import Ragged
from megastep.world import visible_walls, wall_boxes
from megastep.world.visible_walls import VisibleWalls

RAYS = 100_000_000
"""How many rays are cast in the maps of each kind."""

PAIRS = 1 << 26
"""How many pairs of a ray and a wall are looked at together."""

PAST = 1e-3
"""Every other ray is aimed at a wall's end, or past it by up to so many metres."""

NEAR = 1e-9
"""Of walls that an aimed ray meets within so many metres any may be the first: it goes through a point of both."""


def prove(device: torch.device, rays: int = RAYS) -> Iterator[dict[str, Any]]:
    """Casts rays in maps of each family, in real apartments and in grids of 1,010 walls: a row for each."""
    for kind in (*mapgen.FAMILIES, 'real apartments', 'grids of rooms'):
        yield {'kind': kind, **cast(maps_of(kind), rays, device)}


def maps_of(kind: str) -> Sequence[Geometry]:
    """Some maps of a kind."""
    if kind == 'real apartments':
        return [real_apartments()[i] for i in range(8)]
    if kind == 'grids of rooms':
        return [dim_grid(11, 12, seed=seed) for seed in range(2)]
    generated = mapgen.generate(kind, 2, seed=7)
    return [generated[i] for i in range(2)]


def cast(maps: Sequence[Geometry], rays: int, device: torch.device, *, seed: int = 0) -> dict[str, Any]:
    """Casts as many rays in some maps, from where their sets hold: how many meet first what isn't listed."""
    walls = packed(maps, device)
    sets = visible_walls.build(walls, AGENT_RADIUS)
    generator, began = torch.Generator(device).manual_seed(seed), time.perf_counter()
    missed = sum(missing(walls, sets, m, rays // len(walls), generator) for m in range(len(walls)))
    known = int((sets.extents.vals[:, 0] < sets.extents.vals[:, 2]).sum())
    return {
        'maps': len(walls),
        'walls': len(walls.vals) / len(walls),
        'listed': len(sets.numbers.vals) / max(known, 1),
        'rays': rays // len(walls) * len(walls),
        'missed': missed,
        'seconds': time.perf_counter() - began,
        'holds': missed == 0,
    }


def packed(maps: Sequence[Geometry], device: torch.device) -> Ragged[Tensor]:
    """Maps' walls in the order of their boxes."""
    rows = [torch.tensor(np.asarray(geometry.walls), dtype=torch.float32) for geometry in maps]
    widths = torch.tensor([len(row) for row in rows], dtype=torch.int32)
    walls = Ragged(torch.cat(rows).to(device), widths.to(device))
    return Ragged(wall_boxes.build(walls).walls, walls.widths)


def missing(walls: Ragged[Tensor], sets: VisibleWalls, m: int, rays: int, generator: torch.Generator) -> int:
    """The number of rays of a map that meet first only walls that their cells don't list."""
    own, marks = walls[m].double(), listed(sets, m, len(walls[m]))
    chunk, count = max(PAIRS // len(own), 2), 0
    for start in range(0, rays, chunk):
        cells, origins = places(sets, m, min(chunk, rays - start), generator)
        firsts = first_walls(own, origins, directions(own, origins, generator))
        count += int((firsts.any(1) & ~(firsts & marks[cells]).any(1)).sum())
    return count


def listed(sets: VisibleWalls, m: int, num_walls: int) -> Bool[Tensor, 'cell wall']:
    """True for the walls that each cell of a map lists."""
    counts = sets.firsts[m].long().diff()
    marks = torch.zeros((len(counts), num_walls), dtype=torch.bool, device=counts.device)
    marks[torch.repeat_interleave(torch.arange(len(counts), device=counts.device), counts), sets.numbers[m].long()] = (
        True
    )
    return marks


def places(
    sets: VisibleWalls, m: int, count: int, generator: torch.Generator
) -> tuple[Int[Tensor, ' ray'], Float64[Tensor, 'ray 2']]:
    """Random points of random cells' extents, and those cells."""
    extents, device = sets.extents[m].double(), sets.grids.device
    known = (extents[:, 0] < extents[:, 2]).nonzero()[:, 0]
    cells = known[torch.randint(len(known), (count,), device=device, generator=generator)]
    share = torch.rand((count, 2), dtype=torch.float64, device=device, generator=generator)
    pieces = extents[cells, :2] + share * (extents[cells, 2:] - extents[cells, :2])
    columns = sets.shapes[m, 0].long()
    corners = torch.stack([cells % columns, cells // columns], -1)
    return cells, sets.grids[m, :2].double() + (corners + pieces / visible_walls.PIECES) / sets.grids[m, 2].double()


def directions(
    walls: Float64[Tensor, 'wall 2 2'], origins: Float64[Tensor, 'ray 2'], generator: torch.Generator
) -> Float64[Tensor, 'ray 2']:
    """Unit vectors: every other in a random direction, the others towards walls' ends or past them by very little."""
    draws = torch.rand((4, len(origins)), dtype=torch.float64, device=origins.device, generator=generator)
    angles = 2 * torch.pi * draws[0]
    around = torch.stack([angles.cos(), angles.sin()], -1)
    ends = walls.reshape(-1, 2)
    ahead = ends[(draws[1] * len(ends)).long().clamp(max=len(ends) - 1)] - origins
    length = ahead.norm(dim=-1, keepdim=True).clamp(min=1e-9)
    past = ((3 * draws[2]).floor() - 1) * PAST * 10 ** (-9 * draws[3])
    aimed = ahead + past[:, None] * torch.stack([-ahead[:, 1], ahead[:, 0]], -1) / length
    aimed = aimed / aimed.norm(dim=-1, keepdim=True)
    return torch.where((torch.arange(len(origins), device=origins.device) % 2 == 0)[:, None], around, aimed)


def first_walls(
    walls: Float64[Tensor, 'wall 2 2'], origins: Float64[Tensor, 'ray 2'], rays: Float64[Tensor, 'ray 2']
) -> Bool[Tensor, 'ray wall']:
    """True for the walls that each ray meets first from their fronts; of aimed ones for those as near, too."""

    def seen(end: int) -> tuple[Tensor, Tensor]:
        """An end's distance ahead along each ray, and to its left."""
        x, y = (walls[None, :, end, axis] - origins[:, axis, None] for axis in range(2))
        return rays[:, :1] * x + rays[:, 1:] * y, rays[:, :1] * y - rays[:, 1:] * x

    (ahead, right), (further, left) = seen(0), seen(1)
    distances = ahead + right / (right - left) * (further - ahead)
    hit = (right <= 0) & (left >= 0) & (right < left) & (distances > 0)
    distances = distances.masked_fill(~hit, torch.inf)
    nearest = distances.amin(1, keepdim=True)
    nearest[1::2] += NEAR
    return hit & (distances <= nearest)
