"""Writes floorplans as GeoJSON, which is read back as it was."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from megastep.checks import check_paths
from megastep.maps.geometry import Geometry
from megastep.maps.segments import polylines
from megastep.maps.storage import atomic


def write(path: str | os.PathLike, geometries: Iterable[Geometry]) -> None:
    """Writes maps, a FeatureCollection a line, in place of what was there once all of it is safely on disk.

    Raises:
        ValueError: if there are no maps.
    """
    check_paths(path=path)
    path = Path(path)
    lines = [json.dumps(_collection(geometry), separators=(',', ':')) for geometry in geometries]
    if not lines:
        raise ValueError(f'a map set needs at least 1 map to be written, got 0 for {path}.')
    atomic.replace(path, '\n'.join([*lines, '']).encode())


def _collection(geometry: Geometry) -> dict[str, Any]:
    """A map as GeoJSON. Floats are written so that the very same are read."""
    lines = [line.tolist() for line in polylines(geometry.walls)]
    features = [_feature('MultiLineString', lines, kind='wall', oriented=True)]
    for room in geometry.rooms:
        ring = [*room.outline.tolist(), room.outline[0].tolist()]
        features.append(_feature('Polygon', [ring], kind='room', type=room.kind))
    features += [_feature('LineString', door, kind='door') for door in geometry.doors.tolist()]
    features += [_feature('Point', [x, y], kind='light', intensity=much) for x, y, much in geometry.lights.tolist()]
    features += [_feature('MultiPoint', geometry.spawns.tolist(), kind='spawn')]
    return {'type': 'FeatureCollection', 'features': features}


def _feature(shape: str, coordinates: list, **properties: Any) -> dict[str, Any]:
    geometry = {'type': shape, 'coordinates': coordinates}
    return {'type': 'Feature', 'properties': properties, 'geometry': geometry}
