"""Geodesic distances from anywhere to the spawns of maps, on the device, in steps that never wait for it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from megastep.checks import check_counts
from megastep.maps import storage
from megastep.maps.geodesics.lookup import CELL_SIDE, LookupTable, lookup_table
from megastep.maps.geometry import AGENT_RADIUS, Geometry
from megastep.maps.mapset import MapSet
from megastep.maps.ragged import Ragged
from megastep.maps.threads import mapped
from megastep.world.buffers import on_device
from megastep.world.device import default_device, num_cores
from megastep.world.kernels import implementation

VERSION = '1'
"""The version of how geodesic fields are computed, and of the layout of their file. A file of any other is refused."""

TENSORS, RAGGEDS = ('corners', 'shapes', 'nodes'), ('visible', 'hop_rows', 'hops', 'lengths', 'spawns')
"""The buffers of a `GeodesicField`, by name."""


@dataclass(frozen=True, eq=False)
class GeodesicField:
    """Geodesic fields of M maps, packed on one device: how long the shortest paths from anywhere to the spawns are.

    They are looked up by cell: `megastep.maps.geodesics.lookup` explains a cell's entry. A map takes 8 bytes a
    cell with up to 32 spawns and 12 with up to 64, 44 cells a square metre of its bounding box; 4 bytes a node and
    spawn; and little else. For a house of 43 m² and 64 spawns that is 70 KB, for a maze of 51 x 51 cells of 1 m about
    4 MB.

    Args:
        corners: Each map's grid's lower left corner, in metres.
        shapes: How many columns and rows of cells it has.
        visible: Each map's cells' words: ragged (cell * word,). Bit g % 32 of word g // 32 is for spawn g.
        hop_rows: Each map's cells' rows of ``hops``: ragged (cell,).
        hops: The nodes that paths go through: ragged (hop,), each the number of one. Row 0 is no map's and names node
            0, which is no map's either and infinitely far from every spawn: it stands in where a row has fewer hops
            than others.
        nodes: Where all maps' nodes are, in metres.
        lengths: The shortest paths from each node to its map's spawns: ragged (spawn,), in metres.
        spawns: Each map's spawns: ragged (spawn, 2), in metres.
        fingerprint: The SHA-256 of the maps' walls and spawns, in hexadecimal.
        agent_radius: The radius of the agents whose paths they are, in metres.
    """

    corners: Float[Tensor, 'map 2']
    shapes: Int[Tensor, 'map 2']
    visible: Ragged[Tensor]
    hop_rows: Ragged[Tensor]
    hops: Ragged[Tensor]
    nodes: Float[Tensor, 'node 2']
    lengths: Ragged[Tensor]
    spawns: Ragged[Tensor]
    fingerprint: str
    agent_radius: float = AGENT_RADIUS

    @classmethod
    def pack(
        cls,
        maps: MapSet | Sequence[Geometry],
        device: str | torch.device | None = None,
        *,
        agent_radius: float = AGENT_RADIUS,
        workers: int | None = None,
        progress: bool = False,
    ) -> GeodesicField:
        """Computes the field of every map, at 40 houses a second and worker. It is the same however many work.

        Args:
            maps: The maps.
            device: Where the buffers go; by default the GPU if there is one, else the CPU.
            agent_radius: The agents' radius, in metres.
            workers: How many threads to use; by default one for each CPU core that this process may use.
            progress: Show a bar.

        Raises:
            ValueError: if there are no maps, or workers is below 1.
        """
        workers = num_cores() if workers is None else workers
        device, tables = default_device(device), _lookups(maps, agent_radius, workers, progress)
        nowhere, unreached = np.zeros((1, 2)), np.full(max(len(geometry.spawns) for geometry in maps), np.inf)
        nodes = np.cumsum([1, *(len(table.nodes) for table in tables)])
        rows = np.cumsum([1, *(len(table.hops) for table in tables)])
        hop_rows = [table.hop_rows + row for table, row in zip(tables, rows[:-1], strict=True)]
        hops = [hops + node for table, node in zip(tables, nodes[:-1], strict=True) for hops in table.hops]
        return cls(
            corners=torch.tensor([table.corner for table in tables], device=device),
            shapes=torch.tensor([table.shape for table in tables], device=device),
            visible=_packed([table.visible.reshape(-1) for table in tables], np.int32, device),
            hop_rows=_packed(hop_rows, np.int32, device),
            hops=_packed([np.zeros(1), *hops], np.int32, device),
            nodes=torch.from_numpy(np.concatenate([nowhere, *(table.nodes for table in tables)])).float().to(device),
            lengths=_packed([unreached, *(row for table in tables for row in table.lengths)], np.float32, device),
            spawns=_packed([geometry.spawns for geometry in maps], np.float32, device),
            fingerprint=_fingerprint(maps),
            agent_radius=agent_radius,
        )

    def save(self, path: str | os.PathLike) -> None:
        """Writes the field to a file, replacing what was there once all of it is safely on disk."""
        raggeds = {name: getattr(self, name) for name in RAGGEDS}
        buffers = {name: getattr(self, name) for name in TENSORS}
        buffers |= {name: ragged.vals for name, ragged in raggeds.items()}
        buffers |= {f'{name}.widths': ragged.widths for name, ragged in raggeds.items()}
        arrays = {name: buffer.cpu().numpy() for name, buffer in buffers.items()}
        radius = repr(self.agent_radius)
        metadata = {'geodesic_field': VERSION, 'fingerprint': self.fingerprint, 'agent_radius': radius}
        storage.write(Path(path), arrays, metadata)

    @classmethod
    def load(
        cls, path: str | os.PathLike, maps: MapSet | Sequence[Geometry], device: str | torch.device | None = None
    ) -> GeodesicField:
        """Reads the field of some maps from a file that `save` wrote.

        Args:
            path: The file.
            maps: The maps, to make sure that the field is theirs.
            device: Where the buffers go; by default the GPU if there is one, else the CPU.

        Raises:
            FileNotFoundError: if there is no such file.
            ValueError: if the file is damaged, or holds no geodesic field, or one of another version or of other maps.
        """
        arrays, metadata = storage.read(Path(path))
        if metadata.get('geodesic_field') != VERSION:
            found = metadata.get('geodesic_field')
            raise ValueError(f'{path} must hold a geodesic field of version {VERSION}, got {found}.')
        storage.check_digest(Path(path), arrays, metadata['sha256'])
        if metadata['fingerprint'] != _fingerprint(maps):
            raise ValueError(f'{path} must hold the geodesic field of the {len(maps)} maps, got that of other maps.')
        device = default_device(device)
        buffers: dict[str, Any] = {name: torch.tensor(arrays[name], device=device) for name in TENSORS}
        buffers |= {name: on_device(Ragged(arrays[name], arrays[f'{name}.widths']), device) for name in RAGGEDS}
        radius = float(metadata.get('agent_radius', AGENT_RADIUS))  # files from before it could be another don't say
        return cls(**buffers, fingerprint=metadata['fingerprint'], agent_radius=radius)

    def distances(
        self,
        positions: Float[Tensor, 'env agent 2'],
        map_ids: Int[Tensor, ' env'],
        goals: Int[Tensor, 'env agent'],
    ) -> Float[Tensor, 'env agent']:
        """Geodesic distances: the lengths of the shortest paths from agents to their goals.

        From where an agent can be that is within 2 % or 5 cm of the truth but for about one place and goal in 2,000,
        beside corners. Elsewhere it means nothing. It never waits for the GPU, so that a CUDA graph can repeat it, and
        so goals that a map hasn't are not refused: they are taken as its last.

        Args:
            positions: Where the agents are, in metres.
            map_ids: The map each env stands in.
            goals: The number, in its map, of the spawn that each agent is to reach.

        Returns:
            In metres; infinite where there is no way.

        Raises:
            ValueError: if the shapes don't go together, positions aren't float32, map_ids or goals aren't integers, or
                one isn't on the field's device.
        """
        _check(positions, map_ids, goals, self.nodes.device)
        found = positions.new_empty(goals.shape)
        kernels, given = implementation(positions.device), (positions, map_ids, goals)
        kernels.distances(self, *(values.contiguous() for values in given), found)
        return found

    def check_agents(self, radius: float) -> None:
        """Raises a `ValueError` unless it is of agents of this radius, in metres."""
        if radius != self.agent_radius:
            raise ValueError(f'field must be for agents of radius {radius:g} m, got one for {self.agent_radius:g} m.')

    def check_spawns(self, spawns: Ragged[Tensor]) -> None:
        """Raises unless it is of maps with these spawns. Waits for the GPU.

        Raises:
            ValueError: if it isn't, or is on another device.
        """
        if spawns.vals.device != self.nodes.device:
            raise ValueError(f'geodesic_field must be on {spawns.vals.device}, got {self.nodes.device}.')
        same = torch.equal(spawns.widths, self.spawns.widths) and torch.equal(spawns.vals, self.spawns.vals)
        if not same:
            raise ValueError(f'geodesic_field must be of the {len(spawns)} maps, got that of maps with other spawns.')

    @property
    def cell_side(self) -> float:
        """The side of a cell, in metres."""
        return CELL_SIDE


def _fingerprint(maps: MapSet | Sequence[Geometry]) -> str:
    return (maps if isinstance(maps, MapSet) else MapSet(maps)).digest('walls', 'spawns')


def _lookups(maps: MapSet | Sequence[Geometry], agent_radius: float, workers: int, progress: bool) -> list[LookupTable]:
    if not len(maps):
        raise ValueError('maps must hold at least 1 map, got 0.')
    check_counts(workers=workers)
    lookup = partial(_lookup, agent_radius=agent_radius)
    return mapped(lookup, maps, len(maps), name='geodesic field', workers=workers, progress=progress)


def _lookup(geometry: Geometry, agent_radius: float) -> LookupTable:
    return lookup_table(geometry.walls, geometry.spawns, agent_radius)


def _packed(rows: Sequence[np.ndarray], dtype: type, device: torch.device) -> Ragged[Tensor]:
    widths = np.array([len(row) for row in rows], np.int32)
    return on_device(Ragged(np.concatenate(rows).astype(dtype), widths), device)


def _check(positions: Tensor, map_ids: Tensor, goals: Tensor, device: torch.device) -> None:
    if map_ids.ndim != 1 or goals.shape[:1] != map_ids.shape or positions.shape != (*goals.shape, 2) or goals.ndim != 2:
        raise ValueError(
            'positions, map_ids and goals must be of shapes (env, agent, 2), (env,) and (env, agent), '
            f'got {tuple(positions.shape)}, {tuple(map_ids.shape)} and {tuple(goals.shape)}.'
        )
    if positions.dtype != torch.float32:
        raise ValueError(f'positions must be torch.float32, got {positions.dtype}.')
    for name, ids in {'map_ids': map_ids, 'goals': goals}.items():
        if ids.is_floating_point() or ids.dtype == torch.bool:
            raise ValueError(f'{name} must be integers, got {ids.dtype}.')
    for name, values in {'positions': positions, 'map_ids': map_ids, 'goals': goals}.items():
        if values.device != device:
            raise ValueError(f'{name} must be on {device}, got {values.device}.')
