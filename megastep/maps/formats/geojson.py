"""Reads floorplans from GeoJSON.

A map is a FeatureCollection: one a line, or one a file. A feature's ``properties.kind`` says what it is:

- ``wall``: a LineString, MultiLineString, Polygon or MultiPolygon, each side of which is a segment of wall;
- ``room``: a Polygon, whose outer ring is the room's outline and whose ``properties.type`` says what the room is for;
- ``door``: a LineString from jamb to jamb, or a MultiLineString of them;
- ``light``: a Point, whose ``properties.intensity`` is 1 unless it says otherwise;
- ``spawn``: a Point, or a MultiPoint.

Features of other kinds are left alone. Coordinates are metres, or as many units a metre as is said, or degrees of
longitude and latitude, and more than two a point are ignored. Free space is the face that is meant, see
`megastep.maps.faces`, a spawn lies in it, and what the file has no light, spawn or room for is found. A door across a
continuous wall opens it. Walls whose ``properties.oriented`` is true, as in the files that `MapSet.to_geojson` writes,
have free space to their left: in a map that has no others, and has spawns, nothing is looked for, and everything is as
the file has it, unless it is read at another scale or for another face.

A map's text may have `MOST_BYTES`, and reading it takes up to forty times as much memory; it may have as many walls as
any imported map, and `MOST_CORNERS` points of each kind. A file may have any number of maps.
"""

from __future__ import annotations

import json
import os
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np
from jaxtyping import Float

from megastep.maps import storage
from megastep.maps.formats import gaps
from megastep.maps.formats.bounds import MOST_SEGMENTS, check_count, check_scale
from megastep.maps.formats.building import build, unreachable_share
from megastep.maps.formats.drawing import NOWHERE, Drawing, Imported
from megastep.maps.formats.reading import Attempt, Collected, Inside, check_inside, collect, meant, opened
from megastep.maps.frame import Frame
from megastep.maps.geometry import Geometry, Room

MOST_BYTES = 8 << 20
"""The longest text of one map: about 200,000 corners."""

MOST_CORNERS = 2 * MOST_SEGMENTS
"""The features of one kind have at most so many points: walls may all be lines of their own."""

DEPTHS = {'Point': -1, 'MultiPoint': 0, 'LineString': 0, 'MultiLineString': 1, 'Polygon': 1, 'MultiPolygon': 2}
"""The depth to which each type of geometry nests its lists of points."""

EARTH_RADIUS = 6_378_137.0
"""The equator's radius, in metres, in WGS 84."""

ECCENTRICITY_SQUARED = 6.694_379_990_141_3e-3
"""That of WGS 84's meridians."""

LARGEST_COORDINATE = 1e9
"""The largest coordinate of a file, in its own units."""

LIKELY = 40
"""A floorplan is likely no longer than this, in metres, and more likely in centimetres than in millimetres."""

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


class Units(NamedTuple):
    """Units of a file: how its coordinates become metres, and the face that is meant."""

    scale: float = 1.0
    """How many of the file's units are a metre."""
    degrees: bool = False
    """Coordinates are degrees of longitude and latitude."""
    inside: Inside = None
    snap: float = gaps.SNAP


def read(
    path: str | os.PathLike,
    *,
    inside: Inside = None,
    scale: float = 1.0,
    degrees: bool = False,
    snap: float = gaps.SNAP,
    skip_invalid: bool = False,
) -> Collected:
    """Reads every map in a file.

    Args:
        path: The file: a FeatureCollection, or one on each line.
        inside: Points in the face that is meant, in the file's own coordinates.
        scale: How many of the file's units are a metre.
        degrees: Coordinates are degrees of longitude and latitude.
        snap: Ends no further apart than this, in metres, are joined.
        skip_invalid: Leave out the maps that can't be used, with a warning that lists them, instead of raising.

    Returns:
        The maps, with a light in each room, and with rooms of kind ``room`` where the file names none.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if a map can't be used, naming its line, its feature and the reason; or if none can.
    """
    path, units = Path(path), Units(scale, degrees, inside, snap)
    check_units(units)
    with opened(path) as file:
        return collect(str(path), _attempts(path, file, units), skip_invalid=skip_invalid)


def check_units(units: Units) -> None:
    """Raises a `ValueError` unless coordinates can be read so."""
    check_inside(units.inside)
    gaps.check_snap(units.snap)
    check_scale(units.scale)
    if units.degrees and units.scale != 1:
        raise ValueError(f'scale must be 1 where coordinates are degrees, got {units.scale}.')


def _attempts(path: Path, file: BinaryIO, units: Units) -> Iterator[Attempt]:
    """Each map of a file: a file whose first line is whole has a map a line."""
    lines = ((number, line) for number, line in enumerate(iter(partial(file.readline, MOST_BYTES + 1), b''), 1))
    written = ((number, line) for number, line in lines if line.strip())
    first, second = next(written, None), next(written, None)
    if first is None:
        return
    if second is None:
        yield _attempt(path.name, str(path), first[1], units)
    elif not _is_json(first[1]):
        file.seek(0)
        yield _attempt(path.name, str(path), file.read(MOST_BYTES + 1), units)
    else:
        for number, line in chain([first, second], written):
            yield _attempt(f'line {number}', f'{path}, line {number}', line, units)


def _attempt(name: str, where: str, text: bytes, units: Units) -> Attempt:
    return Attempt(name, where, partial(_parse, text, name, units))


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
        return storage.parse_json(text.decode('utf-8-sig'))
    except UnicodeDecodeError as error:
        raise ValueError(f'not UTF-8 text: {error}.') from error
    except ValueError as error:
        raise ValueError(f'not JSON: {error}.') from error


def _parse(text: bytes, name: str, units: Units) -> Imported:
    """Makes a floorplan of a FeatureCollection's text."""
    collection = _loaded(text)
    if not isinstance(collection, dict) or collection.get('type') != 'FeatureCollection':
        raise ValueError(f'must be a FeatureCollection, got {_shortened(collection)}.{_remedy(collection)}')
    features = collection.get('features')
    if not isinstance(features, list):
        raise ValueError(f'features must be a list, got {_shortened(features)}.')  # noqa: TRY004
    found = _sort(features)
    if not found.walls:
        raise ValueError(f'none of the {len(features)} features has properties.kind "wall".{_remedy(collection)}')
    inside = meant(units.inside, name)
    check_count(sum(map(len, found.walls)))
    if found.oriented and found.spawns and not len(inside) and units.scale == 1 and not units.degrees:
        geometry = _as_it_stands(found)
        unreachable = round(unreachable_share(geometry), 4)
        return Imported(geometry, {**Frame().notes, 'dropped_area': 0.0, 'unreachable': unreachable})
    return build(_drawing(found, units), inside=inside, snap=units.snap)


def _remedy(collection: Any) -> str:
    """The importer that may be meant, if this looks like another one's file: a space and a sentence."""
    if not isinstance(collection, dict):
        return ''
    features = [feature for feature in collection.get('features') or [] if isinstance(feature, dict)]
    properties = [feature.get('properties') for feature in features]
    for importer, is_its in (
        ('houseexpo', 'verts' in collection),
        ('imdf', any('feature_type' in feature for feature in features)),
        ('osm', any(isinstance(one, dict) and ('indoor' in one or 'tags' in one) for one in properties)),
    ):
        if is_its:
            return f' MapSet.from_{importer} reads such a file.'
    return ''


def _as_it_stands(found: Found) -> Geometry:
    """The floorplan of a file that says all."""
    named: dict[str, Any] = {'doors': found.doors, 'lights': found.lights}
    named = {name: np.array(values) for name, values in named.items() if values}
    spawns = np.concatenate(found.spawns)
    return Geometry(walls=np.concatenate(found.walls), rooms=found.rooms, spawns=spawns, **named)


def _drawing(found: Found, units: Units) -> Drawing:
    """A drawing of the walls, in metres, with what the file has in it."""
    walls = np.concatenate(found.walls)
    frame = Frame(tangent_plane(walls) if units.degrees else 1 / units.scale)
    return Drawing(
        frame.to_map(walls),
        starts=frame.to_map(np.concatenate([NOWHERE, *found.spawns])),
        rooms=[Room(frame.to_map(room.outline), room.kind) for room in found.rooms],
        doors=frame.to_map(np.array(found.doors).reshape(-1, 2, 2)),
        lights=np.array([[*frame.to_map(np.array(light[:2])), light[2]] for light in found.lights]).reshape(-1, 3),
        frame=frame,
        spread=False,
        hall_lights=False,
        hint=_hint(walls, units),
    )


def tangent_plane(places: Float[np.ndarray, '*place 2']) -> tuple[float, float]:
    """The metres of a degree of longitude and of one of latitude, in the plane that touches WGS 84's ellipsoid there.

    They are the radii of curvature of the parallel and of the meridian: Snyder, Map Projections, 1987, page 24 f.

    Raises:
        ValueError: if the places are no longitudes and latitudes.
    """
    if (np.abs(places) > [180, 90]).any():
        worst = places[(np.abs(places) > [180, 90]).any(-1)][0].tolist()
        raise ValueError(f'degrees must be from -180 to 180 and from -90 to 90, got {worst}.')
    low, high = places[..., 1].min(), places[..., 1].max()
    latitude = np.deg2rad((low + high) / 2)
    less = 1 - ECCENTRICITY_SQUARED * np.sin(latitude) ** 2
    east = EARTH_RADIUS / np.sqrt(less) * np.cos(latitude)
    north = EARTH_RADIUS * (1 - ECCENTRICITY_SQUARED) / less**1.5
    return float(np.deg2rad(east)), float(np.deg2rad(north))


def _hint(walls: Float[np.ndarray, 'segment 2 2'], units: Units) -> str:
    """A guess at what the coordinates may be, if they aren't what was said."""
    corners = walls.reshape(-1, 2)
    span = (corners.max(axis=0) - corners.min(axis=0)).max()
    if not units.degrees and span < 1 and (np.abs(corners) <= [180, 90]).all():
        return ' If the coordinates are degrees of longitude and latitude, degrees=True reads them.'
    for unit, scale in (('centimetres', 100), ('millimetres', 1000)):
        if not units.degrees and scale > units.scale and 3 <= span / scale <= LIKELY:
            return f' If the coordinates are {unit}, scale={scale} reads them.'
    return ''


def _sort(features: list) -> Found:
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
        raise ValueError(f"a light's intensity must be a number of at least 0, got {_shortened(intensity)}.")
    return float(intensity)


def _parts(geometry: Any, kind: str) -> list[Any]:
    """Every line or ring of a geometry, or its points as one, as the file has them."""
    shapes = GEOMETRY_TYPES[kind]
    if not isinstance(geometry, dict) or geometry.get('type') not in shapes:
        raise ValueError(f"a {kind}'s geometry must be a {' or '.join(shapes)}, got {_shortened(geometry)}.")
    shape = geometry['type']
    parts: list[Any] = [[geometry.get('coordinates')] if shape == 'Point' else geometry.get('coordinates')]
    for _ in range(DEPTHS[shape]):
        if not all(isinstance(part, list) and part for part in parts):
            raise ValueError(f'coordinates of a {shape} are nested wrongly: got {_shortened(parts)}.')
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
        raise ValueError(f'coordinates must be lists of [x, y] pairs of numbers: got {_shortened(line)}.') from error
    if points.dtype.kind not in 'iuf' or points.ndim != 2 or points.shape[1] < 2 or len(points) < least:
        raise ValueError(f'coordinates must be lists of [x, y] pairs of numbers: got {_shortened(line)}.')
    if any(isinstance(value, bool) for point in line for value in point):  # among numbers, NumPy takes it for one
        raise ValueError(f'coordinates must be lists of [x, y] pairs of numbers: got {_shortened(line)}.')
    points = points[:, :2].astype(np.float64)
    bad = ~(np.abs(points) <= LARGEST_COORDINATE).all(1)
    if bad.any():
        raise ValueError(f'coordinates must be finite and up to {LARGEST_COORDINATE:g}, got {points[bad][0].tolist()}.')
    return points


def _shortened(value: Any) -> str:
    try:
        text = json.dumps(value)
    except RecursionError:
        text = 'something nested too deep'
    return text if len(text) <= 60 else f'{text[:57]}...'
