"""Reads floorplans from GeoJSON.

A map is a FeatureCollection: one a line, or one a file. A feature's ``properties.kind`` says what it is:

- ``wall``: a LineString, MultiLineString, Polygon or MultiPolygon, each side of which is a segment of wall;
- ``room``: a Polygon, whose outer ring is the room's outline and whose ``properties.type`` says what the room is for.

Features of other kinds are left alone. Coordinates are metres, and more than two a point are ignored. Free space is the
largest face that the walls enclose.
"""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from megastep.geometry import LARGEST, Geometry, Room

DEPTHS = {'LineString': 0, 'MultiLineString': 1, 'Polygon': 1, 'MultiPolygon': 2}
"""How deep each type of geometry nests its lists of points."""


def read(path: str | os.PathLike, *, skip_invalid: bool = False) -> list[Geometry]:
    """Reads every map in a file.

    Args:
        path: The file: a FeatureCollection, or one on each line.
        skip_invalid: Leave out the maps that can't be used, with a warning that lists them, instead of raising.

    Returns:
        The maps, with a light in each room, and with rooms of kind ``room`` where the file names none.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if a map can't be used, naming its line, its feature and the reason; or if none can.
    """
    geometries, reasons = [], []
    for where, text in _texts(Path(path)):
        try:
            geometries.append(_parse(text))
        except ValueError as error:
            if not skip_invalid:
                raise ValueError(f'{where}: {error}') from error
            reasons.append(f'{where}: {error}')
    if not geometries:
        raise ValueError('\n'.join([f'{path} holds no map that can be used.', *reasons]))
    if reasons:
        warnings.warn(
            '\n'.join([f'{len(reasons)} maps were left out:', *reasons]), stacklevel=3
        )  # whoever called MapSet.from_geojson
    return geometries


def _texts(path: Path) -> Iterator[tuple[str, str]]:
    """Each map's text, and where it is: a file whose first line is whole has a map a line."""
    try:
        text = path.read_text(encoding='utf-8')
    except UnicodeDecodeError as error:
        raise ValueError(f'{path} is not UTF-8 text: {error}.') from error
    lines = [(number, line) for number, line in enumerate(text.splitlines(), 1) if line.strip()]
    if len(lines) > 1 and _is_json(lines[0][1]):
        yield from ((f'{path}, line {number}', line) for number, line in lines)
    elif lines:
        yield str(path), text


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except json.JSONDecodeError:
        return False
    return True


def _parse(text: str) -> Geometry:
    """Makes a floorplan of a FeatureCollection's text."""
    try:
        collection = json.loads(text)
    except (json.JSONDecodeError, RecursionError) as error:
        raise ValueError(f'not JSON: {error}.') from error
    if not isinstance(collection, dict) or collection.get('type') != 'FeatureCollection':
        raise ValueError(f'must be a FeatureCollection, got {_shortened(collection)}.')
    features = collection.get('features')
    if not isinstance(features, list):
        raise ValueError(f'features must be a list, got {_shortened(features)}.')  # noqa: TRY004
    walls, rooms = _sort(features)
    if not walls:
        raise ValueError(f'none of the {len(features)} features has properties.kind "wall".')
    return Geometry.from_walls(np.concatenate(walls), rooms=rooms)


def _sort(features: list) -> tuple[list[Float[np.ndarray, 'segment 2 2']], list[Room]]:
    """The walls' segments and the rooms, each checked feature by feature so that an error can name the feature."""
    walls: list[np.ndarray] = []
    rooms: list[Room] = []
    for number, feature in enumerate(features):
        try:
            kind, properties = _kind(feature)
            if kind == 'wall':
                walls.extend(np.stack([line[:-1], line[1:]], axis=1) for line in _lines(feature['geometry']))
            elif kind == 'room':
                rooms.append(_room(feature['geometry'], properties))
        except ValueError as error:
            raise ValueError(f'feature {number}: {error}') from error
    return walls, rooms


def _kind(feature: Any) -> tuple[Any, dict]:
    if not isinstance(feature, dict) or feature.get('type') != 'Feature' or 'geometry' not in feature:
        raise ValueError(f'must be a Feature with a geometry, got {_shortened(feature)}.')
    properties = feature.get('properties') or {}
    if not isinstance(properties, dict):
        raise ValueError(f'properties must be an object, got {_shortened(properties)}.')  # noqa: TRY004
    return properties.get('kind'), properties


def _room(geometry: Any, properties: dict) -> Room:
    lines = _lines(geometry)
    if geometry['type'] != 'Polygon':
        raise ValueError(f'a room must be a Polygon, got a {geometry["type"]}.')
    kind = properties.get('type', 'room')
    if not isinstance(kind, str):
        raise ValueError(f"a room's type must be text, got {_shortened(kind)}.")  # noqa: TRY004
    return Room(lines[0][:-1], kind)


def _lines(geometry: Any) -> list[Float[np.ndarray, 'point 2']]:
    """Every line or ring of a geometry."""
    if not isinstance(geometry, dict) or geometry.get('type') not in DEPTHS:
        raise ValueError(f'geometry must be a {", ".join(DEPTHS)}, got {_shortened(geometry)}.')
    parts: list[Any] = [geometry.get('coordinates')]
    for _ in range(DEPTHS[geometry['type']]):
        if not all(isinstance(part, list) and part for part in parts):
            raise ValueError(f'coordinates of a {geometry["type"]} are nested wrongly: got {_shortened(parts)}.')
        parts = [inner for part in parts for inner in part]
    lines = [_points(part) for part in parts]
    if 'Polygon' in geometry['type'] and any(len(ring) < 4 or (ring[0] != ring[-1]).any() for ring in lines):
        raise ValueError('rings of a Polygon must have at least 4 points, the last the same as the first.')
    return lines


def _points(line: Any) -> Float[np.ndarray, 'point 2']:
    """A line's points, if they are at least two pairs of finite, positive numbers."""
    try:
        points = np.array(line)
    except ValueError as error:
        raise ValueError(f'coordinates must be lists of [x, y] pairs of numbers: got {_shortened(line)}.') from error
    if points.dtype.kind not in 'iuf' or points.ndim != 2 or points.shape[1] < 2 or len(points) < 2:
        raise ValueError(f'coordinates must be lists of [x, y] pairs of numbers: got {_shortened(line)}.')
    points = points[:, :2].astype(np.float64)
    bad = ~((points > 0) & (points <= LARGEST)).all(1)
    if bad.any():
        raise ValueError(
            f'coordinates must be finite, above 0 m and up to {LARGEST:g} m, got {points[bad][0].tolist()}.'
        )
    return points


def _shortened(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 60 else f'{text[:57]}...'
