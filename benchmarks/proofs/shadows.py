"""Proves that lists of lights and of what hides them cast the shadows that all walls cast: ways by the million."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float64, Int
from torch import Tensor

from benchmarks.proofs.sightlines import PAIRS, maps_of, packed, places
from megastep import mapgen
from megastep.maps.geometry import AGENT_RADIUS, Geometry
from megastep.maps.ragged import Ragged
from megastep.world import textures, visible_lights, visible_walls
from megastep.world.visible_lights import VisibleLights

WAYS = 100_000_000
"""How many ways from lights to points on agents are looked at in the maps of each kind."""

ALMOST = 1 - 1e-4
"""A wall hides a light only from points behind it, not from those on it."""


def prove(device: torch.device, ways: int = WAYS) -> Iterator[dict[str, Any]]:
    """Looks from lights to agents in maps of each family, in real apartments and in grids: a row for each."""
    for kind in (*mapgen.FAMILIES, 'real apartments', 'grids of rooms'):
        yield {'kind': kind, **look(maps_of(kind), ways, device)}


def look(maps: Sequence[Geometry], ways: int, device: torch.device, *, seed: int = 0) -> dict[str, Any]:
    """Looks from all lights of some maps to points on agents: of how many the lists don't say what all walls do."""
    walls, lights = packed(maps, device), packed_lights(maps, device)
    sets = visible_walls.build(walls, AGENT_RADIUS)
    girth = float(textures.outline(torch.device('cpu')).norm(dim=-1).max())
    began = time.perf_counter()
    lists = visible_lights.build(walls, lights, sets, girth)
    generator = torch.Generator(device).manual_seed(seed)
    wrong = looked = 0
    for m in range(len(walls)):
        count = -(-ways // len(walls) // max(len(lights[m]), 1))
        looked += count * len(lights[m])
        own = walls[m].double(), lights[m][:, :2].double()
        chunk = max(PAIRS // max(len(own[0]) * len(own[1]), 1), 1)
        told = falling(lists, m, *map(len, own))
        for start in range(0, count, chunk):
            cells, points = on_agents(places(sets, m, min(chunk, count - start), generator), girth, generator)
            wrong += misjudged(*own, points, *(part[cells] for part in told))
    known = int((sets.extents.vals[:, 0] < sets.extents.vals[:, 2]).sum())
    return {
        'maps': len(walls),
        'lights': len(lights.vals) / len(walls),
        'pairs a cell': len(lists.pairs.vals) / max(known, 1),
        'ways': looked,
        'wrong': wrong,
        'seconds': time.perf_counter() - began,
        'holds': wrong == 0,
    }


def packed_lights(maps: Sequence[Geometry], device: torch.device) -> Ragged[Tensor]:
    """Maps' lights."""
    rows = [torch.tensor(np.asarray(geometry.lights), dtype=torch.float32).reshape(-1, 3) for geometry in maps]
    widths = torch.tensor([len(row) for row in rows], dtype=torch.int32)
    return Ragged(torch.cat(rows).to(device), widths.to(device))


def falling(
    lists: VisibleLights, m: int, num_walls: int, num_lights: int
) -> tuple[Bool[Tensor, 'cell light'], Bool[Tensor, 'cell light wall']]:
    """Masks of the lights that each cell of a map lists, and of the walls for each."""
    counts, (numbers, places) = lists.firsts[m].long().diff(), lists.pairs[m].long().unbind(1)
    cells = torch.repeat_interleave(torch.arange(len(counts), device=counts.device), counts)
    falls = torch.zeros((len(counts), num_lights), dtype=torch.bool, device=counts.device)
    falls[cells, numbers] = True
    hides = torch.zeros((len(counts), num_lights, num_walls), dtype=torch.bool, device=counts.device)
    on_wall = places >= 0
    hides[cells[on_wall], numbers[on_wall], places[on_wall]] = True
    return falls, hides


def on_agents(
    standing: tuple[Int[Tensor, ' point'], Float64[Tensor, 'point 2']], girth: float, generator: torch.Generator
) -> tuple[Int[Tensor, ' point'], Float64[Tensor, 'point 2']]:
    """Points at most so far from where agents stand, half of them as far, and the cells that these are in."""
    cells, middles = standing
    draws = torch.rand((2, len(cells)), dtype=torch.float64, device=cells.device, generator=generator)
    away = girth * (2 * draws[0]).clamp(max=1).sqrt()
    angles = 2 * torch.pi * draws[1]
    return cells, middles + away[:, None] * torch.stack([angles.cos(), angles.sin()], -1)


def misjudged(
    walls: Float64[Tensor, 'wall 2 2'],
    lights: Float64[Tensor, 'light 2'],
    points: Float64[Tensor, 'point 2'],
    falls: Bool[Tensor, 'point light'],
    hides: Bool[Tensor, 'point light wall'],
) -> int:
    """The number of ways from a light to a point of which the walls that are listed don't say what all walls do."""
    crossed = crosses(walls, lights, points)
    return int((crossed.any(-1) == (falls & ~(crossed & hides).any(-1))).sum())


def crosses(
    walls: Float64[Tensor, 'wall 2 2'], lights: Float64[Tensor, 'light 2'], points: Float64[Tensor, 'point 2']
) -> Bool[Tensor, 'point light wall']:
    """True where a wall stands between a light and a point."""
    x, y = (points[:, None] - lights).unbind(-1)
    x, y = x[..., None], y[..., None]
    (ax, ay), (bx, by) = ((walls[:, end] - lights[:, None]).unbind(-1) for end in range(2))
    straddles = (x * ay - y * ax > 0) != (x * by - y * bx > 0)
    reached = (ax * (by - ay) - ay * (bx - ax)) / (x * (by - ay) - y * (bx - ax))
    return straddles & (reached >= 0) & (reached <= ALMOST)
