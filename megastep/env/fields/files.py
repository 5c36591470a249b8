"""Files of geodesic fields: written whole, and refused where they are damaged or of other maps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Int64

from megastep.env.fields.tables import RAGGEDS, TENSORS
from megastep.maps.geodesics import validity
from megastep.maps.geometry import Geometry
from megastep.maps.mapset import MapSet
from megastep.maps.ragged import Ragged
from megastep.maps.storage import digests, tensor_files
from megastep.world.buffers import on_device

VERSION = '6'
"""The version of how geodesic fields are computed, and of the layout of their file. A file of any other is refused."""


def write(path: Path, field: Mapping[str, Any]) -> None:
    """Writes a `megastep.env.navigation.GeodesicField` to a file.

    Args:
        path: The file.
        field: What the field has, by name.
    """
    raggeds = {name: field[name] for name in RAGGEDS}
    buffers = {name: field[name] for name in TENSORS}
    buffers |= {name: ragged.vals for name, ragged in raggeds.items()}
    buffers |= {f'{name}.widths': ragged.widths for name, ragged in raggeds.items()}
    arrays = {name: buffer.cpu().numpy() for name, buffer in buffers.items()}
    arrays['fingerprints'] = field['fingerprints']
    tensor_files.write(path, arrays, {'geodesic_field': VERSION, 'agent_radius': repr(field['agent_radius'])})


def read(
    path: Path, maps: MapSet | Sequence[Geometry], device: torch.device, agent_radius: float | None
) -> dict[str, Any]:
    """Reads the field of some maps: see `megastep.env.navigation.GeodesicField.load`. Returns what it has, by name."""
    arrays, metadata = tensor_files.read(path, 'geodesic field')
    radius = _check_header(path, arrays, metadata, agent_radius)
    fingerprints = fingerprints_of(maps)
    rows = matching_rows(fingerprints, arrays['fingerprints'], str(path))
    try:
        raggeds = {name: Ragged(arrays[name], arrays[f'{name}.widths']).rows(rows) for name in RAGGEDS}
        corners, shapes = (arrays[name][rows] for name in TENSORS)
    except (ValueError, IndexError, TypeError) as error:
        raise ValueError(f'{path} is damaged: {error}') from error
    validity.check(str(path), corners, shapes, raggeds)
    buffers: dict[str, Any] = {name: torch.tensor(arrays[name][rows], device=device) for name in TENSORS}
    buffers |= {name: on_device(ragged, device) for name, ragged in raggeds.items()}
    return {**buffers, 'fingerprints': fingerprints, 'agent_radius': radius}


def _check_header(
    path: Path, arrays: Mapping[str, np.ndarray], metadata: Mapping[str, str], agent_radius: float | None
) -> float:
    """Checks what a file's header says, and that nothing is missing; returns the radius of the agents it is for."""
    if metadata.get('geodesic_field') != VERSION:
        found = metadata.get('geodesic_field')
        raise ValueError(f'{path} must hold a geodesic field of version {VERSION}, got {found}.')
    digests.check_digest(path, arrays, metadata.get('sha256', ''))
    radius = _radius(path, metadata)
    if agent_radius not in (None, radius):
        wanted = f'agents of radius {agent_radius:g} m, got one for {radius:g} m'
        raise ValueError(f'{path} must hold the geodesic field for {wanted}.')
    if missing := sorted({*RAGGEDS, *TENSORS, 'fingerprints', *(f'{name}.widths' for name in RAGGEDS)} - {*arrays}):
        raise ValueError(f'{path} is damaged: it lacks {", ".join(missing)}.')
    return radius


def _radius(path: Path, metadata: Mapping[str, str]) -> float:
    """The radius of the agents that a file's field is for."""
    try:
        return float(metadata['agent_radius'])
    except (KeyError, ValueError) as error:
        raise ValueError(f'{path} is damaged: it lacks the radius of agents.') from error


def fingerprints_of(maps: MapSet | Sequence[Geometry]) -> Int64[np.ndarray, 'map 4']:
    """The SHA-256 of each map's walls and spawns, as four numbers."""
    if isinstance(maps, MapSet):
        each = ((maps.walls[row], maps.spawns[row]) for row in range(len(maps)))  # a third of the time of whole maps
    else:
        each = ((geometry.walls, geometry.spawns) for geometry in maps)
    hashes = [digests.digest({'walls': walls, 'spawns': spawns}) for walls, spawns in each]
    return np.frombuffer(bytes.fromhex(''.join(hashes)), '<i8').reshape(-1, 4)


def matching_rows(
    wanted: Int64[np.ndarray, 'wanted 4'], there: Int64[np.ndarray, 'map 4'], name: str
) -> Int64[np.ndarray, ' wanted']:
    """Numbers of the maps with some fingerprints, among those that are there; errors call these by the name."""
    numbers = {fingerprint.tobytes(): row for row, fingerprint in enumerate(there)}
    rows = np.array([numbers.get(fingerprint.tobytes(), -1) for fingerprint in wanted], np.int64)
    if (rows < 0).any():
        absent = f'got that of {len(there)} without map {rows.argmin()}'
        raise ValueError(f'{name} must hold the geodesic field of all the {len(wanted)} maps, {absent}.')
    return rows
