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
any imported map, and `features.MOST_CORNERS` points of each kind. A file may have any number of maps.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np
from jaxtyping import Float

from megastep.checks import check_paths
from megastep.maps.formats import gaps
from megastep.maps.formats.bounds import check_count, check_scale
from megastep.maps.formats.building import build, unreachable_share
from megastep.maps.formats.drawing import NOWHERE, Drawing, Imported
from megastep.maps.formats.geojson.features import Found, shortened, sort_features
from megastep.maps.formats.reading import Attempt, Collected, Inside, check_inside, collect, meant, opened
from megastep.maps.frame import Frame
from megastep.maps.geometry import Geometry, Room
from megastep.maps.storage import json_files

MOST_BYTES = 8 << 20
"""The longest text of one map: about 200,000 corners."""

EARTH_RADIUS = 6_378_137.0
"""The equator's radius, in metres, in WGS 84."""

ECCENTRICITY_SQUARED = 6.694_379_990_141_3e-3
"""That of WGS 84's meridians."""

LIKELY = 40
"""A floorplan is likely no longer than this, in metres, and more likely in centimetres than in millimetres."""


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
    check_paths(path=path)
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
        return json_files.parse_json(text.decode('utf-8-sig'))
    except UnicodeDecodeError as error:
        raise ValueError(f'not UTF-8 text: {error}.') from error
    except ValueError as error:
        raise ValueError(f'not JSON: {error}.') from error


def _parse(text: bytes, name: str, units: Units) -> Imported:
    """Makes a floorplan of a FeatureCollection's text."""
    collection = _loaded(text)
    if not isinstance(collection, dict) or collection.get('type') != 'FeatureCollection':
        raise ValueError(f'must be a FeatureCollection, got {shortened(collection)}.{_remedy(collection)}')
    features = collection.get('features')
    if not isinstance(features, list):
        raise ValueError(f'features must be a list, got {shortened(features)}.')  # noqa: TRY004
    found = sort_features(features)
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
