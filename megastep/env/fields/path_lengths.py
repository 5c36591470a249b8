"""The lengths of the shortest paths between maps' spawns: found on a GPU in batches of maps, else by the CPU."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import torch

from megastep.env.fields import tables
from megastep.env.fields.tables import batches, fits, one_of_most_spawns, rows_of
from megastep.maps.geodesics import MOST_TURN, SLACK
from megastep.maps.geodesics.lookup import CELL_SIDE
from megastep.maps.geometry import AGENT_RADIUS
from megastep.maps.mapset import MapSet
from megastep.maps.ragged import Ragged
from megastep.world.device import num_cores
from megastep.world.kernels import compile_ahead


def path_lengths(maps: MapSet, radius: float, device: torch.device) -> Ragged[np.ndarray]:
    """The lengths of the shortest paths between each map's spawns: see `MapSet.path_lengths`.

    They are the same wherever they are found, but for what float64's rounding decides.

    Args:
        maps: The maps. Those that have `Geometry.geodesics` keep them.
        radius: The radius of agents, in metres.
        device: Where they are found. A GPU spares compiling the CPU's search for paths.
    """
    if device.type == 'cuda':
        return in_batches(maps, radius, device, by_cpu)
    return by_cpu(maps, radius)


def by_cpu(maps: MapSet, radius: float) -> Ragged[np.ndarray]:
    """Finds them by the CPU, map by map, a thread a core."""
    return maps.path_lengths(agent_radius=radius, workers=num_cores())


def in_batches(
    maps: MapSet, radius: float, device: torch.device, otherwise: Callable[[MapSet, float], Ragged[np.ndarray]]
) -> Ragged[np.ndarray]:
    """Finds them by the GPU's kernels, in batches; otherwise those of maps that have them or that it doesn't fit.

    What is compiled ahead are the kernels of geodesic fields, too: most who need path lengths make one next.
    """
    walls, spawns = rows_of(maps)
    known = (maps.geodesics.widths > 0) & (radius == AGENT_RADIUS)
    there = fits(walls, spawns) & ~known
    if not there.any():
        return otherwise(maps, radius)
    one = *one_of_most_spawns(walls, spawns, np.flatnonzero(there)), radius, device
    compile_ahead(device, partial(_on_gpu, *one), partial(tables.on_gpu, *one))
    found = [
        _on_gpu(walls.rows(rows), spawns.rows(rows), radius, device) for rows in batches(walls, np.flatnonzero(there))
    ]
    if there.all():
        return Ragged(np.concatenate(found), spawns.widths**2)
    rest = np.flatnonzero(~there)
    found.append(otherwise(maps[rest], radius).vals)
    numbers = np.concatenate([np.flatnonzero(there), rest])
    return Ragged(np.concatenate(found), spawns.widths[numbers] ** 2).rows(np.argsort(numbers))


def _on_gpu(walls: Ragged[np.ndarray], spawns: Ragged[np.ndarray], radius: float, device: torch.device) -> np.ndarray:
    """Finds them on a GPU, those of all the maps at once."""
    from megastep.triton.geodesics.goal_distances import goal_distances

    given = [torch.as_tensor(array, device=device) for each in (walls, spawns) for array in (each.vals, each.widths)]
    return goal_distances(*given, side=CELL_SIDE, radius=radius, slack=SLACK, step=MOST_TURN).cpu().numpy()
