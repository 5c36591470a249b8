"""Features of GeoJSON: walls, rooms, doors, lights and spawns, sorted by kind and checked one by one."""

from __future__ import annotations

import json
import sys
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from jaxtyping import Float

from megastep.maps.formats.bounds import MOST_SEGMENTS
from megastep.maps.geometry import Room

MOST_CORNERS = 2 * MOST_SEGMENTS
"""The features of one kind have at most so many points: walls may all be lines of their own."""

DEPTHS = {'Point': -1, 'MultiPoint': 0, 'LineString': 0, 'MultiLineString': 1, 'Polygon': 1, 'MultiPolygon': 2}
"""The depth to which each type of geometry nests its lists of points."""

LARGEST_COORDINATE = 1e9
"""The largest coordinate of a file, in its own units."""

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


def sort_features(features: list) -> Found:
    """Sorts features by kind, each checked by itself so that an error can name it."""
    found, corners = Found(), Counter[str]()
    for number, feature in enumerate(features):
        try:
            kind, properties = _kind(feature)
            if kind in GEOMETRY_TYPES:
                parts = _parts(feature['geometry'], kind)
                corners[kind] += sum(len(part) if isinstance(part, list) else 1 for part in parts)
                _check_corners(kind, corners[kind])
                _add(found, kind, properties, _lines(feature['geometry']['type'], parts))
        except ValueError as error:
            raise ValueError(f'feature {number}: {error}') from error
    return found


def _check_corners(kind: str, corners: int) -> None:
    if corners > MOST_CORNERS:
        raise ValueError(f'a map must have at most {MOST_CORNERS} points of kind {kind}, got {corners} and more.')


def _add(found: Found, kind: str, properties: dict, lines: list[Float[np.ndarray, 'point 2']]) -> None:
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
        raise ValueError(f'must be a Feature with a geometry, got {shortened(feature)}.')
    properties = feature.get('properties') or {}
    if not isinstance(properties, dict):
        raise ValueError(f'properties must be an object, got {shortened(properties)}.')  # noqa: TRY004
    kind = properties.get('kind')
    return kind if isinstance(kind, str) else None, properties


def _room(lines: list[Float[np.ndarray, 'point 2']], properties: dict) -> Room:
    kind = properties.get('type', 'room')
    if not isinstance(kind, str):
        raise ValueError(f"a room's type must be text, got {shortened(kind)}.")  # noqa: TRY004
    return Room(lines[0][:-1], kind)


def _door(line: Float[np.ndarray, 'point 2']) -> Float[np.ndarray, '2 2']:
    line = line[np.append(True, (line[1:] != line[:-1]).any(1))]
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
        raise ValueError(f"a light's intensity must be a number of at least 0, got {shortened(intensity)}.")
    return float(intensity)


def _parts(geometry: Any, kind: str) -> list[Any]:
    """Every line or ring of a geometry, or its points as one, as the file has them."""
    shapes = GEOMETRY_TYPES[kind]
    if not isinstance(geometry, dict) or geometry.get('type') not in shapes:
        raise ValueError(f"a {kind}'s geometry must be a {' or '.join(shapes)}, got {shortened(geometry)}.")
    shape = geometry['type']
    parts: list[Any] = [[geometry.get('coordinates')] if shape == 'Point' else geometry.get('coordinates')]
    for _ in range(DEPTHS[shape]):
        if not all(isinstance(part, list) and part for part in parts):
            raise ValueError(f'coordinates of a {shape} are nested wrongly: got {shortened(parts)}.')
        parts = [inner for part in parts for inner in part]
    return parts


def _lines(shape: str, parts: list[Any]) -> list[Float[np.ndarray, 'point 2']]:
    lines = [_points(part, least=1 if 'Point' in shape else 2) for part in parts]
    if 'Polygon' in shape and any(len(ring) < 4 or (ring[0] != ring[-1]).any() for ring in lines):
        raise ValueError('rings of a Polygon must have at least 4 points, the last the same as the first.')
    return lines


def _points(line: Any, least: int) -> Float[np.ndarray, 'point 2']:
    """A line's points, if they are at least so many pairs of finite numbers."""
    try:
        points = np.array(line)
    except (ValueError, OverflowError) as error:
        raise ValueError(f'coordinates must be lists of [x, y] pairs of numbers: got {shortened(line)}.') from error
    if points.dtype.kind not in 'iuf' or points.ndim != 2 or points.shape[1] < 2 or len(points) < least:
        raise ValueError(f'coordinates must be lists of [x, y] pairs of numbers: got {shortened(line)}.')
    if any(isinstance(value, bool) for point in line for value in point):  # among numbers, NumPy takes it for one
        raise ValueError(f'coordinates must be lists of [x, y] pairs of numbers: got {shortened(line)}.')
    points = points[:, :2].astype(np.float64)
    bad = ~(np.abs(points) <= LARGEST_COORDINATE).all(1)
    if bad.any():
        raise ValueError(f'coordinates must be finite and up to {LARGEST_COORDINATE:g}, got {points[bad][0].tolist()}.')
    return points


def shortened(value: Any) -> str:
    """A value as JSON, of at most 60 letters: for messages."""
    try:
        text = json.dumps(value)
    except RecursionError:
        text = 'something nested too deep'
    return text if len(text) <= 60 else f'{text[:57]}...'
