"""The worlds that benchmarks run in."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import torch
from jaxtyping import Float

from megastep import Geometry, MapSet, mapgen
from megastep.env.navigation import GeodesicField
from megastep.world.device import num_cores

LARGE_HOUSE: dict[str, Any] = {'rooms': (17, 21)}
"""A house of about 165 walls, as many as in the world's real floorplans that others measure themselves in."""

DIFFERENT = 1024
"""How many houses are generated, where more than so many are packed."""

GRID, SIDE, DOOR = (11, 12), 3.0, 0.9
"""How many rooms a grid has either way, how wide each is, and how wide the doors between them are, in metres."""


@cache
def houses(count: int) -> MapSet:
    """Generated houses of about 165 walls."""
    return mapgen.generate(
        'house', count, seed=0, workers=min(8, num_cores()) if count > 100 else 1, progress=True, **LARGE_HOUSE
    )


@cache
def own_houses(count: int) -> MapSet:
    """Generated houses, each with memory of its own: from the 1,025th on they are those before again."""
    some = houses(min(count, DIFFERENT))
    return some[np.arange(count) % len(some)]


@cache
def navigable_houses(count: int, device: torch.device) -> tuple[MapSet, GeodesicField]:
    """The same houses with the shortest paths between their spawns, and their geodesic field."""
    maps, workers = houses(count), num_cores()
    return maps.with_geodesics(workers=workers), GeodesicField.pack(maps, device, workers=workers, progress=True)


@cache
def grids(count: int) -> MapSet:
    """Grids of square rooms, of about 1,000 walls: more than the generator's largest houses have."""
    return MapSet([Geometry.from_walls(grid(*GRID, seed=seed)) for seed in range(count)])


def dim_grid(columns: int, rows: int, *, seed: int) -> Geometry:
    """A grid with few of its rooms' lights: baking takes as long as lights times walls times walls."""
    geometry = Geometry.from_walls(grid(columns, rows, seed=seed))
    return replace(geometry, lights=geometry.lights[:16])


def grid(columns: int, rows: int, *, seed: int) -> Float[np.ndarray, 'wall 2 2']:
    """Thin walls between square rooms, each with a door somewhere along it."""
    rng = np.random.default_rng(seed)
    width, height = columns * SIDE, rows * SIDE
    outline = [
        [(0, 0), (width, 0)],
        [(width, 0), (width, height)],
        [(width, height), (0, height)],
        [(0, height), (0, 0)],
    ]
    upright = [(x * SIDE, y * SIDE, 0, 1) for x in range(1, columns) for y in range(rows)]
    level = [(x * SIDE, y * SIDE, 1, 0) for x in range(columns) for y in range(1, rows)]
    walls = list(outline)
    for x, y, dx, dy in upright + level:
        door = rng.uniform(0.3, SIDE - DOOR - 0.3)
        for start, end in ((0, door), (door + DOOR, SIDE)):
            walls.append([(x + start * dx, y + start * dy), (x + end * dx, y + end * dy)])
    return 1 + np.round(np.array(walls) / 0.05) * 0.05  # on the lattice that maps are made on
