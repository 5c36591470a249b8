"""Reads maps of the insides of buildings: Apple's and OGC's IMDF, and OpenStreetMap's indoor tags as GeoJSON.

Coordinates are degrees of longitude and latitude, and each level is a map. In IMDF (a folder or a ZIP of GeoJSON files,
or one file of their features) units are rooms with walls around them, and openings are doors. In OpenStreetMap rooms
and corridors (``indoor=room``, ``indoor=corridor``) have walls around them and ``indoor=wall`` is one; points with
``door`` or ``indoor=door`` are doors, as wide as their ``width`` says, or `DOOR` m. Walkways and corridors that touch
are one.

A file may have `MOST_BYTES`, and a level as many walls as any imported map.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from operator import itemgetter
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import shapely
from jaxtyping import Float
from shapely.geometry import shape as from_mapping

from megastep.maps import freespace
from megastep.maps.formats import gaps
from megastep.maps.formats.bounds import MOST_SEGMENTS
from megastep.maps.formats.building import build
from megastep.maps.formats.drawing import NO_DOORS, Drawing, Imported
from megastep.maps.formats.geojson import tangent_plane
from megastep.maps.formats.reading import (
    Attempt,
    Collected,
    Inside,
    Paths,
    check_inside,
    check_names,
    collect,
    in_each,
    meant,
    paths,
    read_bytes,
)  # fmt: skip
from megastep.maps.frame import Frame
from megastep.maps.geometry import Room
from megastep.maps.storage import json_files

MOST_BYTES = 32 << 20

MOST_LEVELS = 256

DOOR = 0.9
"""The width of a door that is a point, in metres, where it says none."""

OPEN = ('walkway', 'corridor', 'area')
"""What is no room of its own: where two of them touch, there is no wall."""

CLOSED = ('structure', 'column', 'opentobelow', 'nonpublic', 'wall')
"""Units of IMDF that nobody stands in."""

IMDF_FILES = ('unit', 'opening', 'level')

RANGE = re.compile(r'(-?[0-9]+)-(-?[0-9]+)')


class Element(NamedTuple):
    """Something on a level."""

    level: str
    role: str
    """``'room'``, ``'open'``, ``'wall'`` or ``'door'``."""
    kind: str
    """What it is for."""
    shape: shapely.Geometry
    """Its shape, in degrees."""
    width: float = DOOR
    """How wide a door is, in metres, that is a point."""


def read(
    path: Paths, form: str, *, inside: Inside = None, snap: float = gaps.SNAP, skip_invalid: bool = False
) -> Collected:
    """Reads a map of each level in each file.

    Args:
        path: The file, or several; of IMDF the folder or ZIP, too.
        form: ``'imdf'`` or ``'osm'``.
        inside: Points in the face that is meant, as longitudes and latitudes, or such by the maps' names.
        snap: Ends no further apart than this, in metres, are joined.
        skip_invalid: Leave out the maps that can't be used, with a warning that lists them, instead of raising.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if a file can't be read; if a map can't be used, naming the level and the reason; or if none can.
    """
    gaps.check_snap(snap)
    check_inside(inside)
    found, unreadable = in_each(path, partial(_levels, form=form), skip_invalid=skip_invalid)
    check_names(inside, [name for _, name, _ in found])
    attempts = [
        Attempt(name, f'{file}, {name}', partial(_level, elements, meant(inside, name), snap))
        for file, name, elements in found
    ]
    source = ', '.join(map(str, paths(path)[:3]))
    return collect(source, attempts, skip_invalid=skip_invalid, passed_over=unreadable)


def _levels(path: Path, form: str) -> list[tuple[str, list[Element]]]:
    """The features of each level, with its name."""
    levels: dict[str, list[Element]] = {}
    features = [feature for text in _texts(path, form) for feature in _features(text)]
    for element in _imdf(features) if form == 'imdf' else _osm(features):
        levels.setdefault(element.level, []).append(element)
        if len(levels) > MOST_LEVELS:
            raise ValueError(f'must have at most {MOST_LEVELS} levels, got more.')
    return sorted(levels.items(), key=itemgetter(0))


def _texts(path: Path, form: str) -> Iterator[bytes]:
    """The GeoJSON files that there are: the file itself, or those of a folder or ZIP of IMDF."""
    if form == 'imdf' and path.is_dir():
        yield from (read_bytes(path / f'{name}.geojson', MOST_BYTES) for name in IMDF_FILES if _is_there(path, name))
    elif form == 'imdf' and path.suffix.lower() == '.zip':
        read_bytes(path, MOST_BYTES)  # is bounded
        yield from _unzipped(path)
    else:
        yield read_bytes(path, MOST_BYTES)


def _is_there(path: Path, name: str) -> bool:
    return (path / f'{name}.geojson').is_file()


def _unzipped(path: Path) -> Iterator[bytes]:
    try:
        with zipfile.ZipFile(path) as archive:
            for name in archive.namelist():
                if Path(name).name in {f'{file}.geojson' for file in IMDF_FILES}:
                    with archive.open(name) as file:
                        content = file.read(MOST_BYTES + 1)
                    if len(content) > MOST_BYTES:
                        raise ValueError(f'{name} must be at most {MOST_BYTES} bytes long, got more.')
                    yield content
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, OSError) as error:
        raise ValueError(f'not a ZIP that can be read: {error}.') from error


def _features(text: bytes) -> list[dict[str, Any]]:
    try:
        collection = json_files.parse_json(text)
    except ValueError as error:
        raise ValueError(f'not JSON that can be read: {error}') from error
    features = collection.get('features') if isinstance(collection, dict) else None
    if not isinstance(features, list) or not all(isinstance(feature, dict) for feature in features):
        raise ValueError('must be a FeatureCollection with a list of features.')
    return features


def _imdf(features: Iterable[dict[str, Any]]) -> Iterator[Element]:
    """Units and openings, by the names of their levels."""
    features = list(features)
    names = {
        str(feature.get('id')): _level_name(feature, number)
        for number, feature in enumerate(features)
        if _sort(feature, _properties(feature, number)) == 'level'
    }
    for number, feature in enumerate(features):
        properties = _properties(feature, number)
        sort = _sort(feature, properties)
        if sort not in ('unit', 'opening') or feature.get('geometry') is None:
            continue
        identity = str(properties.get('level_id'))
        level = names.get(identity, f'level {identity[:40]}')
        category = str(properties.get('category', 'room'))[:40]
        role = 'door' if sort == 'opening' else _role(category)
        yield Element(level, role, category.replace('.', ' '), _shape(feature, number))


def _sort(feature: Mapping[str, Any], properties: Mapping[str, Any]) -> Any:
    """A feature's type; some programs write it among its properties."""
    return feature.get('feature_type', properties.get('feature_type'))


def _properties(feature: Mapping[str, Any], number: int) -> dict[str, Any]:
    properties = feature.get('properties') or {}
    if not isinstance(properties, dict):
        raise ValueError(f'feature {number}: properties must be an object.')  # noqa: TRY004
    return properties


def _role(category: str) -> str:
    return 'open' if category in OPEN else 'wall' if category in CLOSED else 'room'


def _level_name(feature: Mapping[str, Any], number: int) -> str:
    """A level's name: in English, or in any language, or its number."""
    properties = _properties(feature, number)
    labels = properties.get('name') or properties.get('short_name') or {}
    if isinstance(labels, dict) and labels:
        return str(labels.get('en', next(iter(labels.values()))))[:40]
    return f'level {properties.get("ordinal", feature.get("id"))}'


def _osm(features: Iterable[dict[str, Any]]) -> Iterator[Element]:
    """The features with an indoor tag, on each of their levels."""
    for number, feature in enumerate(features):
        properties = _properties(feature, number)
        nested = properties.get('tags')
        tags: dict[str, Any] = nested if isinstance(nested, dict) else properties
        indoor = str(tags.get('indoor', ''))
        is_door = indoor == 'door' or (tags.get('door') not in (None, 'no') and 'level' in tags)
        if (not is_door and indoor not in ('room', 'corridor', 'wall', 'area')) or feature.get('geometry') is None:
            continue
        role = 'door' if is_door else {'corridor': 'open', 'area': 'open', 'wall': 'wall'}.get(indoor, 'room')
        kind = str(tags.get('room', tags.get('amenity', indoor)))[:40].replace('_', ' ')
        shape = _shape(feature, number)
        for level in _levels_of(str(tags.get('level', '0'))):
            yield Element(f'level {level}', role, 'room' if kind == 'yes' else kind, shape, _width(tags.get('width')))


def _levels_of(text: str) -> list[str]:
    """The levels that a tag names: ``'0'``, ``'0;1'`` or ``'0-2'``."""
    levels: list[str] = []
    for part in text[:200].split(';'):
        match = RANGE.fullmatch(part.strip())
        low, high = (int(match[1]), int(match[2])) if match and len(part) < 12 else (0, -1)
        levels.extend(map(str, range(low, min(high, low + MOST_LEVELS) + 1)) if match else [part.strip()])
    return levels


def _width(text: Any) -> float:
    try:
        width = float(str(text).removesuffix('m'))
    except ValueError:
        return DOOR
    return width if 0.3 <= width <= 20 else DOOR


def _shape(feature: Mapping[str, Any], number: int) -> shapely.Geometry:
    """A feature's shape, without heights."""
    try:
        shape = shapely.force_2d(from_mapping(feature['geometry']))
        usable = not shape.is_empty and bool(np.isfinite(shapely.get_coordinates(shape)).all())
    except Exception as error:  # whatever stands in the place of coordinates
        raise ValueError(f'feature {number}: its geometry can not be read: {type(error).__name__}.') from error
    if not usable:
        raise ValueError(f'feature {number}: its geometry must have finite coordinates.')
    return shape


def _level(elements: list[Element], inside: Float[np.ndarray, 'point 2'], snap: float) -> Imported:
    count = int(shapely.get_num_coordinates([element.shape for element in elements]).sum())
    if count > 2 * MOST_SEGMENTS:
        raise ValueError(f'a level must have at most {2 * MOST_SEGMENTS} corners, got {count}.')
    places = np.concatenate([shapely.get_coordinates(element.shape) for element in elements])
    frame = Frame(tangent_plane(places))
    moved = [element._replace(shape=shapely.transform(element.shape, frame.to_map)) for element in elements]
    open_ = [element.shape for element in moved if element.role == 'open' and 'Polygon' in element.shape.geom_type]
    joined = shapely.get_parts(shapely.union_all(open_, grid_size=freespace.GRID)) if open_ else []
    outlined = [*joined, *(element.shape for element in moved if element.role in ('room', 'wall'))]
    segments = np.concatenate([np.empty((0, 2, 2)), *(_sides(shape) for shape in outlined)])
    doors = [_door(element, segments) for element in moved if element.role == 'door' and len(segments)]
    rooms = [
        Room(freespace.outline(part), element.kind)
        for element in moved
        if element.role in ('room', 'open')
        for part in shapely.get_parts(element.shape)
        if part.geom_type == 'Polygon'
    ]
    drawing = Drawing(segments, rooms=rooms, doors=np.array(doors) if doors else NO_DOORS, frame=frame)
    return build(drawing, inside=inside, snap=snap)


def _sides(shape: shapely.Geometry) -> Float[np.ndarray, 'segment 2 2']:
    """The segments of a shape's lines or outlines."""
    corners, lines = shapely.get_coordinates(_lines(shape), return_index=True)
    return np.stack([corners[:-1], corners[1:]], axis=1)[lines[:-1] == lines[1:]]


def _lines(shape: shapely.Geometry) -> list[shapely.Geometry]:
    parts = shapely.get_parts(shape)
    rings = [ring for part in parts if part.geom_type == 'Polygon' for ring in (part.exterior, *part.interiors)]
    return [*rings, *(part for part in parts if part.geom_type == 'LineString')]


def _door(element: Element, segments: Float[np.ndarray, 'segment 2 2']) -> Float[np.ndarray, '2 2']:
    """A door from jamb to jamb: its line's ends, or, of a point, so wide along the wall that is nearest."""
    corners = shapely.get_coordinates(element.shape)
    if len(corners) > 1:
        return corners[[0, -1]]
    lines = shapely.linestrings(segments)
    wall = segments[int(shapely.distance(lines, shapely.Point(corners[0])).argmin())]
    along = (wall[1] - wall[0]) / np.hypot(*(wall[1] - wall[0]))
    return corners[0] + element.width / 2 * np.stack([-along, along])
