"""From what a file draws to a floorplan, and what every imported map promises.

A file can be anything, so everything it asks for is bounded before it is done: how much of it is read, how many
segments a map has, and how many pairs of them may meet. So no map makes an import take more than about 20 s and 1.2 GB;
a level of Doom takes 0.1 s.

An imported map promises what `Geometry` does, and what the certificate of generated maps asks of any map, but for the
shape that others gave it:

- it reaches from 1 m to at most 500 m, which is as far as the simulator goes;
- all its spawns lie in one stretch in which an agent with `MARGIN` to spare can go from each to each other;
- its lights lie in the free space, there is one in each room at least, and its rooms don't overlap.

There may be corners that no agent fits into, and stretches that can't be reached: what share is noted as `unreachable`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import shapely
from jaxtyping import Float
from shapely import Polygon

from megastep.maps import freespace
from megastep.maps.geometry import AGENT_RADIUS, LARGEST, MARGIN, Geometry, Room
from megastep.maps.segments import backwards, windings

MOST_SEGMENTS = 1 << 14
"""A map may have so many segments, and so many walls made of them."""

MOST_PAIRS = 1 << 19
"""So many ordered pairs of a map's segments may be near enough to meet: their bounding boxes do. Each meets itself."""

SEGMENTS_AT_ONCE = 128
"""So many segments' neighbours are looked for at once, so that a file with too many costs little memory."""

CORNER = 1.0
"""The least x and the least y of any wall, in metres."""

EXTENT = 499.0
"""The greatest width and height of a map, in metres, that the simulator takes."""

MOST_SPAWNS = 64

UNLIT = 5.0
"""In large rooms, lights are this far apart, in metres, or further and stronger where they would be too many."""

OFF_WALLS = 0.5
"""Those lights are at least this far from walls, in metres."""

MOST_LIGHTS = 64
"""About how many lights a map gets beyond one a room."""

NOWHERE = np.empty((0, 2))


class Drawing(NamedTuple):
    """A floorplan as a file draws it. Lengths are metres, and the origin may be anywhere."""

    segments: Float[np.ndarray, 'segment 2 2']
    """The walls' sides, in any order and direction."""
    starts: Float[np.ndarray, 'start 2'] = NOWHERE
    """Starting places of agents. The free space is the largest face that holds one, where any does."""
    others: Float[np.ndarray, 'other 2'] = NOWHERE
    """Other places where they may start."""
    kind: str = 'room'
    """The rooms' kind."""
    notes: Mapping[str, Any] = MappingProxyType({})
    """Notes on the map, beside those of `Imported`."""


class Imported(NamedTuple):
    """A map, and what became of it on its way."""

    geometry: Geometry
    notes: dict[str, Any]
    """``shift``: what to add to the file's coordinates, in metres, to get the map's. ``unreachable``: the share of the
    places where an agent has `MARGIN` to spare that can't be reached from the spawns."""


def build(drawing: Drawing) -> Imported:
    """Makes a floorplan of a drawing: of the largest face its segments enclose, or the largest that holds a start.

    Raises:
        ValueError: if there are too many segments or too many that may meet, they enclose nothing, what they enclose
            is larger than the simulator takes, or an agent has no room in it.
    """
    walls, face = enclose(drawing.segments, holding=drawing.starts)
    low, high = walls.reshape(-1, 2).min(axis=0), walls.reshape(-1, 2).max(axis=0)
    if (high - low).max() > EXTENT:
        width, height = high - low
        raise ValueError(
            f'must be at most {EXTENT:g} m wide and high to be simulated, got {width:g} m by {height:g} m.'
        )
    shift = CORNER - low
    walls, face = walls + shift, shapely.transform(face, lambda corners: corners + shift)
    part, unreachable = _reachable(face, walls, drawing.starts + shift)
    spawns = _spawns(part, np.concatenate([drawing.starts, drawing.others]) + shift)
    geometry = _furnished(walls, face, spawns, drawing.kind)
    _check_promises(geometry)
    return Imported(geometry, {'shift': shift.tolist(), 'unreachable': round(unreachable, 4), **drawing.notes})


def check_segments(segments: Float[np.ndarray, 'segment 2 2']) -> None:
    """Refuses segments that would take too long to sort out.

    Raises:
        ValueError: if there are too many, or too many that may meet, or a coordinate is not finite or too large.
    """
    if len(segments) > MOST_SEGMENTS:
        raise ValueError(f'must have at most {MOST_SEGMENTS} segments of wall, got {len(segments)}.')
    bad = ~(np.abs(segments) <= LARGEST)  # of a NaN, neither is true
    if bad.any():
        raise ValueError(f'coordinates must be finite and up to {LARGEST:g} m, got {segments[bad][0]}.')
    check_pairs(shapely.linestrings(segments))


def check_pairs(shapes: np.ndarray) -> None:
    """Refuses shapes of which so many may meet that it would take too long to find out where they do.

    Raises:
        ValueError: if more than `MOST_PAIRS` of their bounding boxes do.
    """
    tree, pairs = shapely.STRtree(shapes), 0
    for i in range(0, len(shapes), SEGMENTS_AT_ONCE):
        pairs += tree.query(shapes[i : i + SEGMENTS_AT_ONCE]).shape[1]
        if pairs > MOST_PAIRS:
            raise ValueError(f'must have at most {MOST_PAIRS} pairs of pieces that may meet, got {pairs} and more.')


def _distinct(segments: Float[np.ndarray, 'segment 2 2']) -> Float[np.ndarray, 'kept 2 2']:
    """The segments that have a length, each once, whichever way they are drawn."""
    segments = segments[(segments[:, 0] != segments[:, 1]).any(-1)]
    if not len(segments):
        raise ValueError('walls enclose nothing: there is no segment that has a length.')
    forwards = np.where(backwards(segments)[:, None, None], segments[:, ::-1], segments)
    _, firsts = np.unique(forwards.reshape(-1, 4), axis=0, return_index=True)
    return segments[np.sort(firsts)]


def enclose(
    segments: Float[np.ndarray, 'segment 2 2'], *, holding: Float[np.ndarray, 'point 2'] = NOWHERE
) -> tuple[Float[np.ndarray, 'wall 2 2'], Polygon]:
    """Finds the face that segments enclose, as `freespace.enclose` does, for segments that may be anything.

    Raises:
        ValueError: if there are too many segments, too many that may meet or too many walls, a coordinate is not finite
            or too large, or they enclose nothing.
    """
    segments = _distinct(segments)
    check_segments(segments)
    try:
        walls, face = freespace.enclose(segments, holding=holding)
    except shapely.GEOSException as error:
        raise ValueError(f'walls could not be sorted out: {error}.') from error
    if len(walls) > MOST_SEGMENTS:
        raise ValueError(f'must have at most {MOST_SEGMENTS} walls where segments are cut, got {len(walls)}.')
    return walls, face


def _reachable(
    face: Polygon, walls: Float[np.ndarray, 'wall 2 2'], starts: Float[np.ndarray, 'start 2']
) -> tuple[Polygon, float]:
    """The component of the configuration space that agents move about in, and the share of it that they can't reach."""
    free = freespace.configuration_space(face, walls, AGENT_RADIUS + MARGIN)
    if free.is_empty:
        widest = shapely.length(shapely.maximum_inscribed_circle(face, tolerance=1e-3))
        raise ValueError(
            f'there must be somewhere with {AGENT_RADIUS + MARGIN:.3f} m of clearance, got at most {widest:.3f} m.'
        )
    part = freespace.largest_holding(shapely.get_parts(free), starts)
    return part, 1 - part.area / free.area


def _furnished(
    walls: Float[np.ndarray, 'wall 2 2'], face: Polygon, spawns: Float[np.ndarray, 'spawn 2'], kind: str
) -> Geometry:
    """Finds the rooms and lights them."""
    shapes = _apart(freespace.rooms(face, walls))
    return Geometry(
        walls=walls,
        spawns=spawns,
        lights=np.concatenate([_lights(shape, walls, face.area) for shape in shapes]),
        rooms=[Room(freespace.outline(shape), kind) for shape in shapes],
    )


def _apart(shapes: Sequence[Polygon]) -> list[Polygon]:
    """The shapes, less what those before them cover."""
    kept: list[Polygon] = []
    for shape in shapes:
        near = [other for other in kept if other.intersects(shape)]
        rest = shape.difference(shapely.union_all(near)) if near else shape
        kept.extend([freespace.largest(rest)] if rest.area > 0 else [])
    return kept


def _spawns(part: Polygon, places: Float[np.ndarray, 'place 2']) -> Float[np.ndarray, 'spawn 2']:
    """The places that lie in a part of the free space and, where they are few, points spread over it."""
    shapely.prepare(part)
    inside = places[shapely.contains_xy(part, places)] if len(places) else places
    _, firsts = np.unique(inside, axis=0, return_index=True)
    known = freespace.thinned(inside[np.sort(firsts)], MOST_SPAWNS) if len(inside) else inside
    return np.concatenate([known, freespace.spread(part, MOST_SPAWNS)])[:MOST_SPAWNS]


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


def _check_promises(geometry: Geometry) -> None:
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
