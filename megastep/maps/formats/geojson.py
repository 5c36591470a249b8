"""Reads floorplans from GeoJSON, and writes them.

A map is a FeatureCollection: one a line, or one a file. A feature's ``properties.kind`` says what it is:

- ``wall``: a LineString, MultiLineString, Polygon or MultiPolygon, each side of which is a segment of wall;
- ``room``: a Polygon, whose outer ring is the room's outline and whose ``properties.type`` says what the room is for;
- ``door``: a LineString from jamb to jamb, or a MultiLineString of them;
- ``light``: a Point, whose ``properties.intensity`` is 1 unless it says otherwise;
- ``spawn``: a Point, or a MultiPoint.

Features of other kinds are left alone. Coordinates are metres, and more than two a point are ignored. Free space is the
largest face that the walls enclose, and what the file has no light, spawn or room for is found. Walls whose
``properties.oriented`` is true, as in the files written here, have free space to their left: in a map that has
no others, and has spawns, nothing is looked for, and everything is as the file has it.

A map's text may have `MOST_BYTES`, and reading it takes up to forty times as much memory; a file may have any number.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from jaxtyping import Float

from megastep.maps import storage
from megastep.maps.formats.building import Imported, check_segments
from megastep.maps.formats.reading import Attempt, Collected, collect
from megastep.maps.geometry import LARGEST, Geometry, Room
from megastep.maps.segments import polylines

MOST_BYTES = 8 << 20
"""The longest text of one map: about 200,000 corners."""

DEPTHS = {'Point': -1, 'MultiPoint': 0, 'LineString': 0, 'MultiLineString': 1, 'Polygon': 1, 'MultiPolygon': 2}
"""The depth to which each type of geometry nests its lists of points."""

GEOMETRY_TYPES = {
    'wall': ('LineString', 'MultiLineString', 'Polygon', 'MultiPolygon'),
    'room': ('Polygon',),
    'door': ('LineString', 'MultiLineString'),
    'light': ('Point',),
    'spawn': ('Point', 'MultiPoint'),
}
"""The types of geometry that each kind of feature may have."""


@dataclass
class Found:
    """The features of a map by kind, as far as they have been read."""

    walls: list[Float[np.ndarray, 'segment 2 2']] = field(default_factory=list)
    rooms: list[Room] = field(default_factory=list)
    doors: list[Float[np.ndarray, '2 2']] = field(default_factory=list)
    lights: list[list[float]] = field(default_factory=list)
    spawns: list[Float[np.ndarray, 'spawn 2']] = field(default_factory=list)
    oriented: bool = True


def read(path: str | os.PathLike, *, skip_invalid: bool = False) -> Collected:
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
    path = Path(path)
    with open(path, 'rb') as file:
        return collect(str(path), _attempts(path, file), skip_invalid=skip_invalid)


def write(path: str | os.PathLike, geometries: Iterable[Geometry]) -> None:
    """Writes maps, a FeatureCollection a line, in place of what was there once all of it is safely on disk.

    Raises:
        ValueError: if there are no maps.
    """
    path = Path(path)
    lines = [json.dumps(_collection(geometry), separators=(',', ':')) for geometry in geometries]
    if not lines:
        raise ValueError(f'a map set needs at least 1 map to be written, got 0 for {path}.')
    storage.replace(path, '\n'.join([*lines, '']).encode())


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


def _attempts(path: Path, file: BinaryIO) -> Iterator[Attempt]:
    """Each map of a file: a file whose first line is whole has a map a line."""
    lines = ((number, line) for number, line in enumerate(iter(partial(file.readline, MOST_BYTES + 1), b''), 1))
    written = ((number, line) for number, line in lines if line.strip())
    first, second = next(written, None), next(written, None)
    if first is None:
        return
    if second is None:
        yield _attempt(path.name, str(path), first[1])
    elif not _is_json(first[1]):
        file.seek(0)
        yield _attempt(path.name, str(path), file.read(MOST_BYTES + 1))
    else:
        for number, line in chain([first, second], written):
            yield _attempt(f'line {number}', f'{path}, line {number}', line)


def _attempt(name: str, where: str, text: bytes) -> Attempt:
    return Attempt(name, where, partial(_parse, text))


def _is_json(text: bytes) -> bool:
    try:
        _loaded(text)
    except ValueError:
        return False
    return True


def _loaded(text: bytes) -> Any:
    """Parses a text, if it isn't too long, is UTF-8 and is JSON."""
    if len(text) > MOST_BYTES:
        raise ValueError(f'a map must be at most {MOST_BYTES} bytes of text, got more.')
    try:
        return json.loads(text.decode('utf-8-sig'))
    except UnicodeDecodeError as error:
        raise ValueError(f'not UTF-8 text: {error}.') from error
    except (ValueError, RecursionError) as error:
        raise ValueError(f'not JSON: {error}.') from error


def _parse(text: bytes) -> Imported:
    """Makes a floorplan of a FeatureCollection's text."""
    collection = _loaded(text)
    if not isinstance(collection, dict) or collection.get('type') != 'FeatureCollection':
        raise ValueError(f'must be a FeatureCollection, got {_shortened(collection)}.')
    features = collection.get('features')
    if not isinstance(features, list):
        raise ValueError(f'features must be a list, got {_shortened(features)}.')  # noqa: TRY004
    found = _sort(features)
    if not found.walls:
        raise ValueError(f'none of the {len(features)} features has properties.kind "wall".')
    return Imported(_geometry(found), {})


def _geometry(found: Found) -> Geometry:
    """The floorplan as it stands, if the file says all; else what the walls enclose, with what the file has in it."""
    walls = np.concatenate(found.walls)
    named: dict[str, Any] = {'doors': found.doors, 'lights': found.lights}
    named = {name: np.array(values) for name, values in named.items() if values}
    named |= {'spawns': np.concatenate(found.spawns)} if found.spawns else {}
    if found.oriented and found.spawns:
        return Geometry(walls=walls, rooms=found.rooms, **named)
    check_segments(walls)
    geometry = Geometry.from_walls(walls, rooms=found.rooms)
    return replace(geometry, **named) if named else geometry


def _sort(features: list) -> Found:
    """Sorts features by kind, each checked by itself so that an error can name it."""
    found = Found()
    for number, feature in enumerate(features):
        try:
            kind, properties = _kind(feature)
            if kind in GEOMETRY_TYPES:
                _add(found, kind, properties, feature['geometry'])
        except ValueError as error:
            raise ValueError(f'feature {number}: {error}') from error
    return found


def _add(found: Found, kind: str, properties: dict, geometry: Any) -> None:
    lines = _lines(geometry, kind)
    if kind == 'wall':
        found.walls.extend(np.stack([line[:-1], line[1:]], axis=1) for line in lines)
        found.oriented &= properties.get('oriented') is True
    elif kind == 'room':
        found.rooms.append(_room(lines, properties))
    elif kind == 'door':
        found.doors.extend(_door(line) for line in lines)
    elif kind == 'light':
        found.lights.append([*lines[0][0].tolist(), _intensity(properties)])
    else:
        found.spawns.extend(lines)


def _kind(feature: Any) -> tuple[Any, dict]:
    if not isinstance(feature, dict) or feature.get('type') != 'Feature' or 'geometry' not in feature:
        raise ValueError(f'must be a Feature with a geometry, got {_shortened(feature)}.')
    properties = feature.get('properties') or {}
    if not isinstance(properties, dict):
        raise ValueError(f'properties must be an object, got {_shortened(properties)}.')  # noqa: TRY004
    kind = properties.get('kind')
    return kind if isinstance(kind, str) else None, properties


def _room(lines: list[Float[np.ndarray, 'point 2']], properties: dict) -> Room:
    kind = properties.get('type', 'room')
    if not isinstance(kind, str):
        raise ValueError(f"a room's type must be text, got {_shortened(kind)}.")  # noqa: TRY004
    return Room(lines[0][:-1], kind)


def _door(line: Float[np.ndarray, 'point 2']) -> Float[np.ndarray, '2 2']:
    if len(line) != 2:
        raise ValueError(f'a door must be a line of 2 points, from jamb to jamb, got {len(line)} points.')
    return line


def _intensity(properties: dict) -> float:
    intensity = properties.get('intensity', 1.0)
    if (
        isinstance(intensity, bool)
        or not isinstance(intensity, int | float)
        or not 0 <= intensity <= sys.float_info.max
    ):
        raise ValueError(f"a light's intensity must be a number of at least 0, got {_shortened(intensity)}.")
    return float(intensity)


def _lines(geometry: Any, kind: str) -> list[Float[np.ndarray, 'point 2']]:
    """Every line or ring of a geometry, or its points as one."""
    shapes = GEOMETRY_TYPES[kind]
    if not isinstance(geometry, dict) or geometry.get('type') not in shapes:
        raise ValueError(f"a {kind}'s geometry must be a {' or '.join(shapes)}, got {_shortened(geometry)}.")
    shape = geometry['type']
    parts: list[Any] = [[geometry.get('coordinates')] if shape == 'Point' else geometry.get('coordinates')]
    for _ in range(DEPTHS[shape]):
        if not all(isinstance(part, list) and part for part in parts):
            raise ValueError(f'coordinates of a {shape} are nested wrongly: got {_shortened(parts)}.')
        parts = [inner for part in parts for inner in part]
    lines = [_points(part, least=1 if 'Point' in shape else 2) for part in parts]
    if 'Polygon' in shape and any(len(ring) < 4 or (ring[0] != ring[-1]).any() for ring in lines):
        raise ValueError('rings of a Polygon must have at least 4 points, the last the same as the first.')
    return lines


def _points(line: Any, least: int) -> Float[np.ndarray, 'point 2']:
    """A line's points, if they are at least so many pairs of finite, positive numbers."""
    try:
        points = np.array(line)
    except (ValueError, OverflowError) as error:
        raise ValueError(f'coordinates must be lists of [x, y] pairs of numbers: got {_shortened(line)}.') from error
    if points.dtype.kind not in 'iuf' or points.ndim != 2 or points.shape[1] < 2 or len(points) < least:
        raise ValueError(f'coordinates must be lists of [x, y] pairs of numbers: got {_shortened(line)}.')
    points = points[:, :2].astype(np.float64)
    bad = ~((points > 0) & (points <= LARGEST)).all(1)
    if bad.any():
        raise ValueError(
            f'coordinates must be finite, above 0 m and up to {LARGEST:g} m, got {points[bad][0].tolist()}.'
        )
    return points


def _shortened(value: Any) -> str:
    try:
        text = json.dumps(value)
    except RecursionError:
        text = 'something nested too deep'
    return text if len(text) <= 60 else f'{text[:57]}...'
