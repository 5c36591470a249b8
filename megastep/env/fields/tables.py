"""The tables of geodesic fields, as buffers on a device: made on a GPU in batches of maps, else by the CPU one by one.

`fits` says which maps the GPU is for; the others are always made by the CPU.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor

from megastep.maps.geodesics import MOST_TURN, SLACK
from megastep.maps.geodesics.lookup import CELL_SIDE, MOST, TOLERANCE, LookupTable, lookup_table
from megastep.maps.geometry import Geometry
from megastep.maps.mapset import MapSet
from megastep.maps.ragged import Ragged
from megastep.maps.threads import mapped
from megastep.world.buffers import on_device, picked_rows
from megastep.world.kernels import compile_ahead

RAGGEDS = ('visible', 'entries', 'hops', 'nodes', 'lengths', 'spawns')
"""The ragged buffers of a `GeodesicField`, by name."""

TENSORS = ('corners', 'shapes')
"""Its other buffers."""

MOST_GOALS, MOST_SIDE, MOST_BYTES = 512, 512.0, 4 << 30
"""The GPU makes the tables of maps with at most so many goals, no side longer than so many metres, and for which it
needs at most so many bytes. float32 is out by up to a fifth of a millimetre on such a side."""

BYTES_AT_ONCE = 3 << 29
"""Maps are worked on together if it needs at most so many bytes for them, which it does for some 2,000 houses."""

CELL_BYTES, WALL_BYTES = 256, 0.375
"""It needs about so many for a cell, and for each cell and wall: three nodes a wall, with a bit each."""


def make(
    maps: MapSet | Sequence[Geometry], radius: float, device: torch.device, *, workers: int, progress: bool
) -> dict[str, Any]:
    """Makes the tables of maps; returns the buffers of a `megastep.env.navigation.GeodesicField` by name.

    Args:
        maps: The maps.
        radius: The radius of agents, in metres.
        device: Where the buffers go. If it is a GPU it makes them, but for the maps that it doesn't fit.
        workers: How many threads the CPU may use for what is left to it.
        progress: Show a bar of that.
    """
    by_cpu = partial(_by_cpu, radius=radius, device=device, workers=workers, progress=progress)
    return in_batches(maps, radius, device, by_cpu) if device.type == 'cuda' else by_cpu(maps)


def in_batches(
    maps: MapSet | Sequence[Geometry], radius: float, device: torch.device, otherwise: Callable[[Any], dict[str, Any]]
) -> dict[str, Any]:
    """Makes the tables of maps by the GPU's kernels, in batches, and otherwise those of maps that it doesn't fit."""
    walls, spawns = rows_of(maps)
    fitting = fits(walls, spawns)
    there, rest = np.flatnonzero(fitting), np.flatnonzero(~fitting)
    parts = []
    if len(there):
        compile_ahead(device, partial(on_gpu, *one_of_most_spawns(walls, spawns, there), radius, device))
    for rows in batches(walls, there):
        given = (walls, spawns) if len(rows) == len(fitting) else (walls.rows(rows), spawns.rows(rows))
        parts.append(on_gpu(*given, radius, device))
    if not len(rest):
        return joined(parts)
    parts.append(otherwise([maps[int(row)] for row in rest]))
    return picked(joined(parts), np.argsort(np.concatenate([there, rest])))


def joined(parts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The tables of several sets of maps as those of one set, one after another."""
    if len(parts) == 1:
        return dict(parts[0])

    def one(values: Sequence[Any]) -> Any:
        if isinstance(values[0], Ragged):
            return Ragged(*(torch.cat([getattr(value, of) for value in values]) for of in ('vals', 'widths')))
        return torch.cat(list(values))

    return {name: one([part[name] for part in parts]) for name in parts[0]}


def picked(tables: Mapping[str, Any], rows: Int64[np.ndarray, ' picked']) -> dict[str, Any]:
    """The tables of some of the maps, in the order of their numbers. Waits for a GPU."""
    indices = torch.tensor(rows, device=tables['corners'].device)
    return {
        name: picked_rows(buffer, indices) if isinstance(buffer, Ragged) else buffer[indices]
        for name, buffer in tables.items()
    }


def rows_of(maps: MapSet | Sequence[Geometry]) -> tuple[Ragged[np.ndarray], Ragged[np.ndarray]]:
    """The walls and the spawns of maps, one map after another."""
    if isinstance(maps, MapSet):
        return maps.walls, maps.spawns
    walls, spawns = ([getattr(geometry, name) for geometry in maps] for name in ('walls', 'spawns'))
    widths = (np.array([len(row) for row in rows], np.int32) for rows in (walls, spawns))
    return Ragged(np.concatenate(walls), next(widths)), Ragged(np.concatenate(spawns), next(widths))


def fits(walls: Ragged[np.ndarray], spawns: Ragged[np.ndarray]) -> Bool[np.ndarray, ' map']:
    """True for the maps whose tables a GPU makes."""
    sides = _sizes(walls).max(axis=1)
    return (spawns.widths <= MOST_GOALS) & (sides <= MOST_SIDE) & (_bytes(walls) <= MOST_BYTES)


def batches(walls: Ragged[np.ndarray], rows: Int64[np.ndarray, ' picked']) -> Iterator[Int64[np.ndarray, ' batch']]:
    """Parts some maps into batches that need at most `BYTES_AT_ONCE`, or of one map."""
    first, total = 0, 0.0
    for number, needed in enumerate(_bytes(walls)[rows].tolist()):
        if number > first and total + needed > BYTES_AT_ONCE:
            yield rows[first:number]
            first, total = number, 0.0
        total += needed
    if first < len(rows):
        yield rows[first:]


def one_of_most_spawns(
    walls: Ragged[np.ndarray], spawns: Ragged[np.ndarray], rows: Int64[np.ndarray, ' picked']
) -> tuple[Ragged[np.ndarray], Ragged[np.ndarray]]:
    """Walls and spawns of one of the maps that have most spawns: how many there are is compiled for."""
    row = rows[spawns.widths[rows].argmax(keepdims=True)]
    return walls.rows(row), spawns.rows(row)


def _bytes(walls: Ragged[np.ndarray]) -> Float[np.ndarray, ' map']:
    """The bytes that a GPU needs for each map, more or less."""
    return np.ceil(_sizes(walls) / CELL_SIDE).prod(axis=1) * (CELL_BYTES + WALL_BYTES * walls.widths)


def _sizes(walls: Ragged[np.ndarray]) -> np.ndarray:
    """The extents of maps along both axes, in metres: (map, 2)."""
    ends, starts = walls.vals.reshape(-1, 2), 2 * walls.starts
    return np.maximum.reduceat(ends, starts) - np.minimum.reduceat(ends, starts)


def on_gpu(
    walls: Ragged[np.ndarray], spawns: Ragged[np.ndarray], radius: float, device: torch.device
) -> dict[str, Any]:
    """Makes the tables of maps on a GPU, all at once. What it takes is what a GPU has, and returns buffers by name."""
    from megastep.triton.geodesics import find_paths

    given = [torch.as_tensor(array, device=device) for each in (walls, spawns) for array in (each.vals, each.widths)]
    tables = find_paths(
        *given, side=CELL_SIDE, radius=radius, slack=SLACK, step=MOST_TURN, tolerance=TOLERANCE, most=MOST
    )  # fmt: skip
    cells, (_, _, goals, goal_widths) = tables.shapes.prod(1).int(), given
    return {
        'corners': tables.corners.float(),
        'shapes': tables.shapes,
        'visible': Ragged(tables.visible, cells * ((goal_widths + 31) // 32)),
        'entries': Ragged(tables.entries, cells),
        'hops': Ragged(tables.hops, tables.hop_widths),
        'nodes': Ragged(tables.nodes.float(), tables.node_widths),
        'lengths': Ragged(tables.lengths, tables.node_widths * goal_widths),
        'spawns': Ragged(goals.float(), goal_widths),
    }


def _by_cpu(
    maps: MapSet | Sequence[Geometry], radius: float, device: torch.device, *, workers: int, progress: bool
) -> dict[str, Any]:
    """Makes the tables of maps by the CPU, map by map, in so many threads; returns buffers on a device, by name."""
    lookup = partial(_lookup, agent_radius=radius)
    tables = mapped(lookup, maps, len(maps), name='geodesic field', workers=workers, progress=progress)
    return {
        'corners': torch.tensor([table.corner for table in tables], device=device),
        'shapes': torch.tensor([table.shape for table in tables], device=device),
        'visible': _packed([table.visible.reshape(-1) for table in tables], np.int32, device),
        'entries': _packed([table.entries for table in tables], np.int32, device),
        'hops': _packed([table.hops for table in tables], np.int32, device),
        'nodes': _packed([table.nodes for table in tables], np.float32, device),
        'lengths': _packed([table.lengths.reshape(-1) for table in tables], np.float32, device),
        'spawns': _packed([geometry.spawns for geometry in maps], np.float32, device),
    }


def _lookup(geometry: Geometry, agent_radius: float) -> LookupTable:
    return lookup_table(geometry.walls, geometry.spawns, agent_radius)


def _packed(rows: Sequence[np.ndarray], dtype: type, device: torch.device) -> Ragged[Tensor]:
    widths = np.array([len(row) for row in rows], np.int32)
    return on_device(Ragged(np.concatenate(rows).astype(dtype), widths), device)
