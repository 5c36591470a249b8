"""Furnishing: rooms, lights, doors and spawns of a free space that was found, and what every imported map promises."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import shapely
from jaxtyping import Float
from shapely import Polygon

from megastep.maps import freespace
from megastep.maps.formats.drawing import NO_LIGHTS, NOWHERE, Drawing
from megastep.maps.geometry import Geometry, Room
from megastep.maps.segments import windings

MOST_CLIPPED = 1 << 24
"""So many pairs of a room that a file names and a wall may be looked at, to clip rooms to the free space."""

MOST_SPAWNS = 64

UNLIT = 5.0
"""In large rooms, lights are this far apart, in metres, or further and stronger where they would be too many."""

OFF_WALLS = 0.5
"""Those lights are at least this far from walls, in metres."""

MOST_LIGHTS = 64
"""About how many lights a map gets beyond one a room."""

SLIVER = 1e-6
"""What is left of a room where others cover it is none if it is no larger than this, in square metres."""


def furnished(walls: Float[np.ndarray, 'wall 2 2'], face: Polygon, part: Polygon, drawing: Drawing) -> Geometry:
    """Finds the rooms, lights them, and adds the doors and spawns."""
    if (pairs := len(drawing.rooms) * len(walls)) > MOST_CLIPPED:
        raise ValueError(f'must have at most {MOST_CLIPPED} pairs of a named room and a wall, got {pairs}.')
    clipped = [(freespace.clip(room.outline, face), room.kind) for room in drawing.rooms]
    known = [(shape, kind) for shape, kind in clipped if shape is not None]
    shapes = _apart(freespace.parted(known, face, walls, drawing.kind))
    lights = drawing.lights[shapely.contains_xy(face, drawing.lights[:, :2])] if len(drawing.lights) else NO_LIGHTS
    doors = drawing.doors
    if len(doors):
        doors = doors[shapely.dwithin(face, shapely.points(doors.mean(axis=1)), freespace.GRID)]
    return Geometry(
        walls=walls,
        spawns=_spawns(part, drawing),
        lights=lights if len(lights) else _all_lights([shape for shape, _ in shapes], walls, face.area, drawing),
        doors=doors,
        rooms=[Room(freespace.outline(shape), kind) for shape, kind in shapes],
    )


def _apart(shapes: Sequence[tuple[Polygon, str]]) -> list[tuple[Polygon, str]]:
    """The rooms, less what those before them cover."""
    kept: list[tuple[Polygon, str]] = []
    for shape, kind in shapes:
        near = [other for other, _ in kept if other.intersects(shape)]
        rest = shape.difference(shapely.union_all(near)) if near else shape
        kept.extend([(freespace.largest(rest), kind)] if rest.area > SLIVER else [])
    return kept


def _spawns(part: Polygon, drawing: Drawing) -> Float[np.ndarray, 'spawn 2']:
    """The file's places that lie in a part of the free space and, where they are few, points spread over it."""
    shapely.prepare(part)
    places = np.concatenate([drawing.first, drawing.starts, drawing.others])
    inside = places[shapely.contains_xy(part, places)] if len(places) else places
    _, firsts = np.unique(inside, axis=0, return_index=True)
    known = freespace.thinned(inside[np.sort(firsts)], MOST_SPAWNS) if len(inside) else inside
    if len(known) and not drawing.spread:
        return known
    return np.concatenate([known, freespace.spread(part, MOST_SPAWNS)])[:MOST_SPAWNS]


def _all_lights(
    shapes: Sequence[Polygon], walls: Float[np.ndarray, 'wall 2 2'], total: float, drawing: Drawing
) -> Float[np.ndarray, 'light 3']:
    """The lights of all rooms."""
    if not drawing.hall_lights:
        return np.array([[*freespace.middle(shape, walls), 1.0] for shape in shapes])
    return np.concatenate([_lights(shape, walls, total) for shape in shapes])


def _lights(room: Polygon, walls: Float[np.ndarray, 'wall 2 2'], total: float) -> Float[np.ndarray, 'light 3']:
    """One in the middle of a room and, over one as large as a hall, as many as are its share of the map's area."""
    first = freespace.middle(room, walls)
    spacing = max(UNLIT, np.sqrt(total / MOST_LIGHTS))
    strength = (spacing / UNLIT) ** 2  # so that it's as bright between lights, however far apart they are
    inner = freespace.configuration_space(room, walls, OFF_WALLS)
    parts = [part for part in shapely.get_parts(inner) if part.area > 0]
    others = np.concatenate([NOWHERE, *(freespace.lattice(part, spacing) for part in parts)])
    others = others[np.hypot(*(others - first).T) > spacing / 2]
    return np.array([[*first, max(1.0, strength) if len(others) else 1.0], *([x, y, strength] for x, y in others)])


def check_promises(geometry: Geometry) -> None:
    """Holds a map against what the module promises. `Geometry` itself has checked the walls and the spawns."""
    dark = np.flatnonzero(windings(geometry.lights[:, :2], geometry.walls) != 1)
    if len(dark):
        raise ValueError(f'lights must lie in the free space, but lights {dark.tolist()} do not.')
    shapes = np.array([Polygon(room.outline) for room in geometry.rooms])
    if not shapely.is_valid(shapes).all():
        raise ValueError(f'rooms must be polygons: {shapely.is_valid_reason(shapes[~shapely.is_valid(shapes)][0])}.')
    for i, j in shapely.STRtree(shapes).query(shapes, predicate='overlaps').T.tolist():
        if shapes[i].intersection(shapes[j]).area > 1e-6:
            raise ValueError(f'rooms must not overlap, but rooms {i} and {j} do.')
