"""Geodesic distances from anywhere to the spawns of maps, on the device, in steps that never wait for it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, Int, Int64
from torch import Tensor

from megastep.checks import check_counts
from megastep.env.fields import files, tables
from megastep.env.fields.tables import RAGGEDS, TENSORS
from megastep.maps.geodesics.lookup import CELL_SIDE
from megastep.maps.geometry import AGENT_RADIUS, Geometry
from megastep.maps.mapset import MapSet
from megastep.maps.ragged import Ragged
from megastep.maps.storage import atomic
from megastep.world.device import default_device, num_cores
from megastep.world.kernels import implementation


@dataclass(frozen=True, eq=False)
class GeodesicField:
    """Geodesic fields of M maps, packed on one device: how long the shortest paths from anywhere to the spawns are.

    They are looked up by cell: `megastep.maps.geodesics.lookup` explains a cell's entry. A map takes 8 bytes a
    cell with up to 32 spawns and 12 with up to 64, 44 cells a square metre of its bounding box; 4 bytes a node and
    spawn; and little else. For a house of 43 m² and 64 spawns that is 80 KB, for a maze of 51 x 51 cells of 1 m about
    4 MB.

    Indexing picks maps as it does in a `MapSet`, but with a number, too, it gives a field: ``field[3]`` is that of one
    map. ``a + b`` has the maps of two fields, one after another.

    Args:
        corners: Each map's grid's lower left corner, in metres.
        shapes: How many columns and rows of cells it has.
        visible: Each map's cells' words: ragged (cell * word,). Bit g % 32 of word g // 32 is for spawn g.
        entries: Where among its map's ``hops`` each cell's list begins: ragged (cell,).
        hops: Each map's lists, one after another: how many nodes paths go through, and which: ragged (hop,).
        nodes: Where each map's nodes are, in metres: ragged (node, 2).
        lengths: The shortest paths from each map's nodes to its spawns, in metres: ragged (node * spawn,).
        spawns: Each map's spawns: ragged (spawn, 2), in metres.
        fingerprints: The SHA-256 of each map's walls and spawns, as four numbers.
        agent_radius: The radius of the agents whose paths they are, in metres.
    """

    corners: Float[Tensor, 'map 2']
    shapes: Int[Tensor, 'map 2']
    visible: Ragged[Tensor]
    entries: Ragged[Tensor]
    hops: Ragged[Tensor]
    nodes: Ragged[Tensor]
    lengths: Ragged[Tensor]
    spawns: Ragged[Tensor]
    fingerprints: Int64[np.ndarray, 'map 4']
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
        """Computes the field of every map. On a GPU all are made there at once, but for maps that are too large.

        Those have more than 512 spawns, or are longer than 512 m, or would take more than 4 GB meanwhile. They, and the
        maps of a field on the CPU, are made by the CPU at 370 houses a second and worker, the same however many work. A
        field made on a GPU may name other nodes, and so be out by other amounts within the bounds of `distances`.

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
        maps, device = [maps] if isinstance(maps, Geometry) else maps, default_device(device)
        if not len(maps):
            raise ValueError('maps must hold at least 1 map, got 0.')
        check_counts(workers=workers)
        buffers = tables.make(maps, agent_radius, device, workers=workers, progress=progress)
        return cls(**buffers, fingerprints=files.fingerprints_of(maps), agent_radius=agent_radius)

    def save(self, path: str | os.PathLike) -> None:
        """Writes the field to a file, replacing what was there once all of it is safely on disk."""
        files.write(Path(path), vars(self))

    @classmethod
    def load(
        cls,
        path: str | os.PathLike,
        maps: MapSet | Sequence[Geometry],
        device: str | torch.device | None = None,
        *,
        agent_radius: float | None = None,
    ) -> GeodesicField:
        """Reads the field of some maps from a file that `save` wrote.

        Args:
            path: The file.
            maps: The maps, in any order: all of those that the field in the file is of, or some.
            device: Where the buffers go; by default the GPU if there is one, else the CPU.
            agent_radius: The radius that the agents must be of, in metres; by default any.

        Raises:
            FileNotFoundError: if there is no such file.
            ValueError: if the file is damaged, or holds no geodesic field, or one of another version, of other maps or
                for other agents.
        """
        return cls(**files.read(Path(path), maps, default_device(device), agent_radius))

    @classmethod
    def kept(
        cls,
        path: str | os.PathLike,
        maps: MapSet | Sequence[Geometry],
        device: str | torch.device | None = None,
        *,
        agent_radius: float = AGENT_RADIUS,
        workers: int | None = None,
        progress: bool = False,
    ) -> GeodesicField:
        """Returns the field of some maps that a file keeps: reads it if it is there, else computes and writes it.

        Args:
            path: The file, such as the one `kept_beside` the maps' own.
            maps: The maps.
            device: Where the buffers go; by default the GPU if there is one, else the CPU.
            agent_radius: The agents' radius, in metres.
            workers: How many threads to use if it isn't there; by default one for each CPU core.
            progress: Show a bar.

        Raises:
            FileNotFoundError: if the file's folder isn't there.
            ValueError: as for `load` and `pack`. A file that doesn't hold the field of the maps is left as it is.
        """
        path = Path(path)
        if path.exists():
            return cls.load(path, maps, device, agent_radius=agent_radius)
        atomic.check_folder(path)
        field = cls.pack(maps, device, agent_radius=agent_radius, workers=workers, progress=progress)
        field.save(path)
        return field

    def of(self, maps: MapSet | Sequence[Geometry]) -> GeodesicField:
        """Picks the field of some maps, in their order, out of that of these maps and others.

        Raises:
            ValueError: if it isn't of all these maps.
        """
        fingerprints = files.fingerprints_of(maps)
        return self._picked(files.matching_rows(fingerprints, self.fingerprints, 'geodesic_field'))

    def covers(self, maps: MapSet | Sequence[Geometry]) -> bool:
        """True if it is of all these maps, so that `of` picks them."""
        known = {fingerprint.tobytes() for fingerprint in self.fingerprints}
        return all(fingerprint.tobytes() in known for fingerprint in files.fingerprints_of(maps))

    def __repr__(self) -> str:
        sizes = f'{len(self)} maps, {len(self.spawns.vals)} spawns'
        return f'GeodesicField({sizes}, agent_radius={self.agent_radius:.3f}, device={str(self.device)!r})'

    def __len__(self) -> int:
        return len(self.fingerprints)

    def __getitem__(self, index: int | slice | Sequence[int] | np.ndarray) -> GeodesicField:
        index = index if isinstance(index, slice) else np.asarray(index, None if np.size(index) else int)
        return self._picked(np.arange(len(self))[index].reshape(-1).copy())

    def _picked(self, rows: Int64[np.ndarray, ' picked']) -> GeodesicField:
        buffers = tables.picked({name: getattr(self, name) for name in (*TENSORS, *RAGGEDS)}, rows)
        return replace(self, **buffers, fingerprints=self.fingerprints[rows])

    @classmethod
    def concat(cls, fields: Iterable[GeodesicField]) -> GeodesicField:
        """Puts the fields of several map sets into one, one after another, as `MapSet.concat` does with the maps.

        Raises:
            ValueError: if there are no fields, or they are for agents of different radii.
        """
        fields = list(fields)
        if not fields:
            raise ValueError('fields must be at least 1 to be put together, got 0.')
        for field in fields[1:]:
            field.check_agents(fields[0].agent_radius)
        parts = [{name: getattr(field, name) for name in (*TENSORS, *RAGGEDS)} for field in fields]
        fingerprints = np.concatenate([field.fingerprints for field in fields])
        return cls(**tables.joined(parts), fingerprints=fingerprints, agent_radius=fields[0].agent_radius)

    def __add__(self, other: GeodesicField) -> GeodesicField:
        return GeodesicField.concat([self, other]) if isinstance(other, GeodesicField) else NotImplemented

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
        _check(positions, map_ids, goals, self.device)
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
        if spawns.vals.device != self.device:
            raise ValueError(f'geodesic_field must be on {spawns.vals.device}, got {self.device}.')
        same = torch.equal(spawns.widths, self.spawns.widths) and torch.equal(spawns.vals, self.spawns.vals)
        if not same:
            raise ValueError(f'geodesic_field must be of the {len(spawns)} maps, got that of maps with other spawns.')

    @property
    def device(self) -> torch.device:
        """The device that the buffers are on."""
        return self.corners.device

    @property
    def cell_side(self) -> float:
        """The side of a cell, in metres."""
        return CELL_SIDE


def kept_beside(maps: str | os.PathLike) -> Path:
    """The file for the geodesic field of a map set's file: ``a.geodesics.safetensors`` beside ``a.safetensors``."""
    path = Path(maps)
    return path.with_name(f'{path.stem}.geodesics{path.suffix}')


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
