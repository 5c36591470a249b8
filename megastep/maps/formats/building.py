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

What is meant of a file that encloses several faces, `faces.choose` decides. Ends that nearly meet are joined, walls are
cut where a door crosses them, and a `Frame` keeps where everything was.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import shapely
from jaxtyping import Float
from shapely import Polygon

from megastep.maps import faces, freespace
from megastep.maps.formats import doorways, gaps
from megastep.maps.frame import Frame
from megastep.maps.geometry import AGENT_RADIUS, LARGEST, MARGIN, Geometry, Room
from megastep.maps.segments import backwards, windings

MOST_SEGMENTS = 1 << 14
"""A map may have so many segments, and so many walls made of them."""

MOST_PAIRS = 1 << 18
"""So many ordered pairs of a map's segments may be near enough to meet: their bounding boxes do. Each meets itself."""

MOST_NEAR = 1 << 20
"""So many ordered pairs of a map's walls may be within reach of each other as passages close. Each reaches itself."""

REACH = freespace.NARROW / 2
"""Their bounding boxes, grown by this many metres, meet then: growing walls so takes time for each such pair."""

MOST_CLIPPED = 1 << 24
"""So many pairs of a room that a file names and a wall may be looked at, to clip rooms to the free space."""

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

FAR = 1e5
"""Coordinates larger than this, in metres, are moved to the origin first."""

SLIVER = 1e-6
"""What is left of a room where others cover it is none if it is no larger than this, in square metres."""

NOWHERE = np.empty((0, 2))
NO_DOORS = np.empty((0, 2, 2))
NO_LIGHTS = np.empty((0, 3))


class Drawing(NamedTuple):
    """A floorplan as a file draws it. Lengths are metres, y points up, and the origin may be anywhere."""

    segments: Float[np.ndarray, 'segment 2 2']
    """The walls' sides, in any order and direction."""
    starts: Float[np.ndarray, 'start 2'] = NOWHERE
    """Starting places of agents. Without a better word, the free space is the largest face that holds one."""
    first: Float[np.ndarray, 'start 2'] = NOWHERE
    """Those of them that decide before the others do."""
    others: Float[np.ndarray, 'other 2'] = NOWHERE
    """Other places where they may start."""
    rooms: Sequence[Room] = ()
    """The rooms that the file knows."""
    doors: Float[np.ndarray, 'door 2 2'] = NO_DOORS
    """Its openings, from jamb to jamb. Walls that run across one are cut."""
    lights: Float[np.ndarray, 'light 3'] = NO_LIGHTS
    """Its lights; where there are none, they are found."""
    kind: str = 'room'
    """The kind of the rooms that are found."""
    frame: Frame = Frame()
    """How the file's coordinates became metres."""
    floor: Float[np.ndarray, 'place 2'] = NOWHERE
    """Places known to be free. Where there are some, a face that holds none is solid, and wasn't dropped."""
    dropped: tuple[float, float] = (0.0, 0.0)
    """The area that was free and was dropped already, and that in which an agent could stand, in square metres."""
    spread: bool = True
    """Spawns are spread over the free space too, beside the starts that there are."""
    hall_lights: bool = True
    """Large rooms get more than one light."""
    notes: Mapping[str, Any] = MappingProxyType({})
    """Notes on the map, beside those of `Imported`."""
    warnings: tuple[str, ...] = ()
    """What the user should know of the file."""
    hint: str = ''
    """What may be wrong if the map is far too large or small, for errors: a space and a sentence."""


class Imported(NamedTuple):
    """A map, and what became of it on its way."""

    geometry: Geometry
    notes: dict[str, Any]
    """``shift``, ``scale`` and ``flip``: the `Frame` from the file's coordinates to the map's. ``dropped_area``: the
    free area that isn't part of the map, in square metres: of all faces that an agent has room in. ``unreachable``: the
    share of the places where an agent has `MARGIN` to spare that can't be reached from the spawns, dropped faces
    included. ``starts_outside``: the file's starting places that aren't in the free space, in its own coordinates, if
    there are any."""
    warnings: tuple[str, ...] = ()
    """What the user should know."""


class Enclosed(NamedTuple):
    """The face that is taken for free space, the walls around it, and the faces that are not taken."""

    face: Polygon
    walls: Float[np.ndarray, 'wall 2 2']
    others: np.ndarray
    by: str
    """What decided: see `faces.Choice`."""


def build(drawing: Drawing, *, inside: Float[np.ndarray, 'point 2'] = NOWHERE, snap: float | None = None) -> Imported:
    """Makes a floorplan of a drawing: of the face that is meant, see `faces.choose`.

    Args:
        drawing: What the file draws.
        inside: Points in the face that is meant, in the file's own coordinates.
        snap: Ends no further apart than this, in metres, are joined, and outlines that stay open nevertheless are
            looked for. Without it the drawing's outlines are closed for sure.

    Raises:
        ValueError: if there are too many segments or too many that may meet, they enclose nothing, an outline has a
            gap, what they enclose is larger than the simulator takes, or an agent has no room in it.
    """
    drawing, wanted = _near_origin(drawing, inside)
    segments, drawing = _prepared(drawing, snap)
    enclosed, words = _enclosed(segments, drawing, wanted, gaps_matter=snap is not None)
    low, high = _extent(enclosed.walls)
    if (high - low).max() > EXTENT:
        width, height = high - low
        raise ValueError(
            f'must be at most {EXTENT:g} m wide and high to be simulated, got {width:g} m by {height:g} m.'
            f'{drawing.hint}'
        )
    moved = _moved(drawing, CORNER - low)
    walls, face = enclosed.walls + (CORNER - low), _translated(enclosed.face, CORNER - low)
    part, unreachable = _reachable(face, walls, moved, enclosed.others)
    geometry = _furnished(walls, face, part, moved)
    _check_promises(geometry)
    outside = _outside(face, np.concatenate([moved.first, moved.starts]))
    notes = {
        **moved.frame.notes,
        'dropped_area': round(float(shapely.area(enclosed.others).sum()) + drawing.dropped[0], 4),
        'unreachable': round(unreachable, 4),
        **({'starts_outside': moved.frame.to_file(outside).tolist()} if len(outside) else {}),
        **drawing.notes,
    }
    return Imported(geometry, notes, (*drawing.warnings, *words))


def _extent(walls: Float[np.ndarray, 'wall 2 2']) -> Float[np.ndarray, '2 2']:
    corners = walls.reshape(-1, 2)
    return np.array([corners.min(axis=0), corners.max(axis=0)])


def _translated(shape: Polygon, by: Float[np.ndarray, ' axis']) -> Polygon:
    return shapely.transform(shape, lambda corners: corners + by)


def _moved(drawing: Drawing, by: Float[np.ndarray, ' axis']) -> Drawing:
    """The drawing somewhere else."""
    frame = drawing.frame._replace(shift=tuple((drawing.frame.shift + by).tolist()))
    return drawing._replace(
        segments=drawing.segments + by,
        starts=drawing.starts + by,
        first=drawing.first + by,
        others=drawing.others + by,
        rooms=[Room(room.outline + by, room.kind) for room in drawing.rooms],
        doors=drawing.doors + by,
        lights=drawing.lights + [*by, 0],
        floor=drawing.floor + by,
        frame=frame,
    )


def _near_origin(
    drawing: Drawing, inside: Float[np.ndarray, 'point 2']
) -> tuple[Drawing, Float[np.ndarray, 'point 2']]:
    """The drawing, moved where its coordinates are so large that they would lose digits, and the points meant."""
    segments = drawing.segments
    if len(segments) and np.isfinite(segments).all() and np.abs(segments).max() > FAR:
        drawing = _moved(drawing, -_extent(segments)[0])
    return drawing, drawing.frame.to_map(inside)


def _prepared(drawing: Drawing, snap: float | None) -> tuple[Float[np.ndarray, 'segment 2 2'], Drawing]:
    """The segments with what nearly meets joined and with the doorways cut, checked to be few enough.

    The drawing that is returned lacks the doors that lead outside.
    """
    segments = _distinct(drawing.segments)
    check_segments(segments)
    span = (_extent(segments)[1] - _extent(segments)[0]).max()
    if span < 2 * (AGENT_RADIUS + MARGIN):
        raise ValueError(f'{_narrow(span / 2)}{drawing.hint}')
    if snap:
        segments = _distinct(gaps.snap_ends(segments, snap))
    if len(drawing.doors):
        found = _subdivided(segments).faces
        segments, doors = doorways.cut(segments, drawing.doors, found, drawing.frame.to_file)
        segments, drawing = _distinct(segments), drawing._replace(doors=doors)
        check_segments(segments)
    return segments, drawing


def _enclosed(
    segments: Float[np.ndarray, 'segment 2 2'],
    drawing: Drawing,
    inside: Float[np.ndarray, 'point 2'],
    *,
    gaps_matter: bool,
) -> tuple[Enclosed, list[str]]:
    """Finds the face that is meant, with warnings of what it isn't."""
    to_file, starts = drawing.frame.to_file, (drawing.first, drawing.starts)
    subdivision = _subdivided(segments)
    found = subdivision.faces
    if gaps_matter:
        _check_closed(segments, found, inside, starts, to_file)
    if not len(found):
        freespace.check_enclosed(subdivision)
    choice = faces.choose(found, inside=inside, starts=starts, to_file=to_file)
    face = found[choice.chosen]
    walls = freespace.walls_around(face, subdivision)
    if len(walls) > MOST_SEGMENTS:
        raise ValueError(f'must have at most {MOST_SEGMENTS} walls where segments are cut, got {len(walls)}.')
    _check_near(walls)
    others = _roomy(np.delete(found, choice.chosen), drawing.floor)
    words = [faces.left_out(others, face, to_file=to_file)] if choice.by == 'area' else []
    if choice.by == 'area' and (count := len(drawing.first) + len(drawing.starts)):
        words.append(f'none of the {count} starting places lies in a face that walls enclose.')
    return Enclosed(face, walls, others, choice.by), [word for word in words if word]


def _subdivided(segments: Float[np.ndarray, 'segment 2 2']) -> freespace.Subdivision:
    try:
        return freespace.subdivide(segments)
    except shapely.GEOSException as error:
        raise ValueError(f'walls could not be sorted out: {error}.') from error


def _check_closed(
    segments: Float[np.ndarray, 'segment 2 2'],
    found: np.ndarray,
    inside: Float[np.ndarray, 'point 2'],
    starts: Sequence[Float[np.ndarray, 'start 2']],
    to_file: faces.ToFile,
) -> None:
    """Raises a `ValueError` if a larger face than the one that is taken is kept open by a gap."""
    deciding = inside if len(inside) else np.concatenate(starts)
    held = faces.holding(found, deciding)
    if (held >= 0).any():
        return
    chosen = freespace.largest(found) if len(found) and not len(deciding) else None
    if gap := gaps.widest_left_open(segments, found, chosen, deciding):
        x, y = to_file(gap.middle[None])[0].tolist()
        raise ValueError(
            f'an outline stays open: at ({x:.10g}, {y:.10g}) there is a gap of {1000 * gap.width:.3g} mm, and without '
            f'it {gap.face.area:.4g} m² would be enclosed. Close it, or snap={gap.width * 1.1:.2g} does.'
        )


def _roomy(others: np.ndarray, floor: Float[np.ndarray, 'place 2']) -> np.ndarray:
    """The faces in which an agent has room, and which may be free."""
    if len(others) and len(floor):
        others = others[np.setdiff1d(faces.holding(others, floor), [-1])]
    return others[~shapely.is_empty(_shrunk(others))]


def _shrunk(others: np.ndarray) -> np.ndarray:
    return shapely.buffer(others, -(AGENT_RADIUS + MARGIN), quad_segs=4)


def check_segments(segments: Float[np.ndarray, 'segment 2 2']) -> None:
    """Refuses segments that would take too long to sort out.

    Raises:
        ValueError: if there are too many, or too many that may meet, or a coordinate is not finite or too large.
    """
    check_count(len(segments))
    bad = ~(np.abs(segments) <= LARGEST)  # of a NaN, neither is true
    if bad.any():
        raise ValueError(f'coordinates must be finite and up to {LARGEST:g} m, got {segments[bad][0]}.')
    check_pairs(shapely.linestrings(segments))


def check_count(segments: int) -> None:
    """Raises a `ValueError` if there are too many segments."""
    if segments > MOST_SEGMENTS:
        raise ValueError(f'must have at most {MOST_SEGMENTS} segments of wall, got {segments}.')


def check_pairs(shapes: np.ndarray) -> None:
    """Refuses shapes of which so many may meet that it would take too long to find out where they do.

    Raises:
        ValueError: if more than `MOST_PAIRS` of their bounding boxes do.
    """
    _check_boxes(shapely.bounds(shapes), most=MOST_PAIRS, what='pieces that may meet')


def _check_near(walls: Float[np.ndarray, 'wall 2 2']) -> None:
    """Refuses walls that are packed so densely that it would take too long to close passages between them."""
    grown = np.concatenate([walls.min(axis=1) - REACH / 2, walls.max(axis=1) + REACH / 2], axis=1)
    _check_boxes(grown, most=MOST_NEAR, what=f'walls within {REACH:g} m of each other')


def _check_boxes(bounds: Float[np.ndarray, 'box 4'], *, most: int, what: str) -> None:
    boxes = shapely.box(*bounds.T)
    tree, pairs = shapely.STRtree(boxes), 0
    for i in range(0, len(boxes), SEGMENTS_AT_ONCE):
        pairs += tree.query(boxes[i : i + SEGMENTS_AT_ONCE]).shape[1]
        if pairs > most:
            raise ValueError(f'must have at most {most} pairs of {what}, got {pairs} and more.')


def _distinct(segments: Float[np.ndarray, 'segment 2 2']) -> Float[np.ndarray, 'kept 2 2']:
    """The segments that have a length, each once, whichever way they are drawn."""
    segments = segments[(segments[:, 0] != segments[:, 1]).any(-1)]
    if not len(segments):
        raise ValueError('walls enclose nothing: there is no segment that has a length.')
    forwards = np.where(backwards(segments)[:, None, None], segments[:, ::-1], segments)
    _, firsts = np.unique(forwards.reshape(-1, 4), axis=0, return_index=True)
    return segments[np.sort(firsts)]


def _reachable(
    face: Polygon, walls: Float[np.ndarray, 'wall 2 2'], drawing: Drawing, others: np.ndarray
) -> tuple[Polygon, float]:
    """The component of the configuration space that agents move about in, and the share of it that they can't reach."""
    free = freespace.configuration_space(face, walls, AGENT_RADIUS + MARGIN)
    if free.is_empty:
        widest = shapely.length(shapely.maximum_inscribed_circle(face, tolerance=1e-3))
        raise ValueError(f'{_narrow(widest)}{drawing.hint}')
    parts, starts = shapely.get_parts(free), np.concatenate([drawing.first, drawing.starts])
    part = freespace.largest_holding(
        parts, drawing.first if (faces.holding(parts, drawing.first) >= 0).any() else starts
    )
    total = free.area + float(shapely.area(_shrunk(others)).sum()) + drawing.dropped[1]
    return part, 1 - part.area / total


def _narrow(widest: float) -> str:
    return f'there must be somewhere with {AGENT_RADIUS + MARGIN:.3f} m of clearance, got at most {widest:.3f} m.'


def _outside(face: Polygon, places: Float[np.ndarray, 'place 2']) -> Float[np.ndarray, 'outside 2']:
    """The places that don't lie in a face, each once."""
    return np.unique(places[~shapely.contains_xy(face, places)], axis=0) if len(places) else places


def _furnished(walls: Float[np.ndarray, 'wall 2 2'], face: Polygon, part: Polygon, drawing: Drawing) -> Geometry:
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
