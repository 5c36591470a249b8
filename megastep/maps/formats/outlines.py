"""Reads data sets of floorplans that are outlines of walls and rooms: HouseExpo's, and Modified Swiss Dwellings'.

HouseExpo has a JSON file a house: ``verts`` are the outline's corners in metres, and ``room_category`` has rooms as
boxes by what they are for. Swiss Dwellings, and MSD after it, are a CSV file in which a row is a wall, an opening or an
area, as well-known text in metres; a storey (``floor_id``, or ``plan_id``) is a map. Doors open the walls that they lie
in, windows don't.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import shapely
from jaxtyping import Float

from megastep.maps.formats import gaps
from megastep.maps.formats.bounds import MOST_SEGMENTS
from megastep.maps.formats.building import build
from megastep.maps.formats.doorways import door_of
from megastep.maps.formats.drawing import NO_DOORS, Drawing, Imported
from megastep.maps.formats.reading import (
    Attempt,
    Collected,
    Inside,
    Paths,
    check_inside,
    check_names,
    collect,
    drawn,
    in_each,
    meant,
    one_each,
    paths,
    read_text,
)
from megastep.maps.frame import Frame
from megastep.maps.geometry import Room
from megastep.maps.storage import json_files

MOST_JSON = 1 << 22
MOST_CSV = 1 << 28
"""The longest files, in bytes."""

WALLS = ('wall', 'column', 'railing')
DOORS = ('door', 'entrance_door')
"""What separates and opens, by `entity_subtype`."""


class Row(NamedTuple):
    """A row of a Swiss dwelling's table."""

    kind: str
    """Separator, opening, area or feature."""
    subtype: str
    shape: str
    """Well-known text."""


def read_houseexpo(
    path: Paths, *, inside: Inside = None, snap: float = gaps.SNAP, skip_invalid: bool = False
) -> Collected:
    """Reads a map of each of HouseExpo's files. `collect` says what may go wrong."""
    gaps.check_snap(snap)
    return one_each(path, drawn(_houseexpo, snap), inside=inside, skip_invalid=skip_invalid)


def _houseexpo(path: Path) -> Drawing:
    try:
        house = json_files.parse_json(read_text(path, MOST_JSON))
    except ValueError as error:
        raise ValueError(f'not JSON that can be read: {error}') from error
    verts = house.get('verts') if isinstance(house, dict) else None
    if verts is None:
        raise ValueError("must be one of HouseExpo's houses: an object with verts and room_category.")
    corners = _numbers(verts, 2, 'verts')
    if len(corners) > MOST_SEGMENTS:
        raise ValueError(f'must have at most {MOST_SEGMENTS} segments of wall, got {len(corners)}.')
    categories = house.get('room_category', {})
    if not isinstance(categories, dict):
        raise ValueError('room_category must be an object of lists of boxes.')  # noqa: TRY004
    rooms = [_box(box, kind) for kind, boxes in categories.items() for box in _numbers(boxes, 4, f'rooms of {kind!r}')]
    return Drawing(np.stack([corners, np.roll(corners, -1, axis=0)], axis=1), rooms=rooms, frame=Frame())


def _numbers(values: Any, width: int, name: str) -> Float[np.ndarray, 'row width']:
    try:
        rows = np.array(values, np.float64).reshape(-1, width) if values else np.empty((0, width))
    except (TypeError, ValueError) as error:
        raise ValueError(f'{name} must be lists of {width} numbers.') from error
    if not np.isfinite(rows).all():
        raise ValueError(f'{name} must be finite.')
    return rows


def _box(box: Float[np.ndarray, 4], kind: str) -> Room:
    left, bottom, right, top = box.tolist()
    outline = np.array([[left, bottom], [right, bottom], [right, top], [left, top]])
    return Room(outline, kind.replace('_', ' ').lower())


def read_swiss(path: Paths, *, inside: Inside = None, snap: float = gaps.SNAP, skip_invalid: bool = False) -> Collected:
    """Reads a map of each storey in tables of Swiss Dwellings or MSD. `collect` says what may go wrong."""
    gaps.check_snap(snap)
    check_inside(inside)
    found, unreadable = in_each(path, _storeys, skip_invalid=skip_invalid)
    check_names(inside, [name for _, name, _ in found])
    attempts = [
        Attempt(name, f'{file}, {name}', partial(_swiss, rows, meant(inside, name), snap)) for file, name, rows in found
    ]
    source = ', '.join(map(str, paths(path)[:3]))
    return collect(source, attempts, skip_invalid=skip_invalid, passed_over=unreadable)


def _storeys(path: Path) -> Iterable[tuple[str, list[Row]]]:
    """The rows of each storey in a table, with its name."""
    try:
        table = csv.DictReader(io.StringIO(read_text(path, MOST_CSV)))
        columns = _columns(table.fieldnames or ())
        storeys: dict[str, list[Row]] = {}
        for row in table:
            storeys.setdefault(f'{columns["storey"]} {row[columns["storey"]]}', []).append(_row(row, columns))
    except csv.Error as error:
        raise ValueError(f'not a table that can be read: {error}.') from error
    return storeys.items()


def _columns(names: Any) -> dict[str, str]:
    """The columns of storeys and of shapes, whose names differ."""
    found = {}
    for column, choices in {'storey': ('floor_id', 'plan_id'), 'shape': ('geom', 'geometry')}.items():
        present = [choice for choice in choices if choice in names]
        if not present or 'entity_subtype' not in names:
            raise ValueError(
                f'must be a table of Swiss dwellings: entity_type, entity_subtype and {" or ".join(choices)}, '
                f'got {list(names)[:12]}.'
            )
        found[column] = present[0]
    return found


def _row(row: Mapping[str, Any], columns: Mapping[str, str]) -> Row:
    texts = [str(row.get(name) or '') for name in ('entity_type', 'entity_subtype', columns['shape'])]
    return Row(texts[0].lower(), texts[1].lower(), texts[2])


def _swiss(rows: list[Row], inside: Float[np.ndarray, 'point 2'], snap: float) -> Imported:
    walls = [np.empty((0, 2, 2))]
    for row in rows:
        if row.kind == 'separator' and row.subtype in WALLS:
            walls.extend(np.stack([ring[:-1], ring[1:]], axis=1) for ring in _rings(row))
    segments = np.concatenate(walls)
    doors = [door_of(ring, segments) for row in rows if row.subtype in DOORS for ring in _rings(row)]
    rooms = [
        Room(ring[:-1], row.subtype.replace('_', ' ')) for row in rows if row.kind == 'area' for ring in _rings(row)[:1]
    ]
    return build(Drawing(segments, rooms=rooms, doors=np.array(doors) if doors else NO_DOORS), inside=inside, snap=snap)


def _rings(row: Row) -> list[Float[np.ndarray, 'corner 2']]:
    """The rings of a row's polygons."""
    try:
        shape = shapely.from_wkt(row.shape)
    except shapely.GEOSException as error:
        raise ValueError(f'{row.subtype} must have well-known text, got {row.shape[:40]!r}: {error}.') from error
    polygons = [part for part in shapely.get_parts(shape) if part.geom_type == 'Polygon' and not part.is_empty]
    return [shapely.get_coordinates(ring) for part in polygons for ring in (part.exterior, *part.interiors)]
