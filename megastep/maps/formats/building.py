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

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import shapely
from jaxtyping import Float
from shapely import Polygon

from megastep.maps import faces, freespace
from megastep.maps.formats import doorways, gaps
from megastep.maps.formats.bounds import MOST_SEGMENTS, check_near, check_segments
from megastep.maps.formats.drawing import NOWHERE, Drawing, Imported, moved
from megastep.maps.formats.furnishing import check_promises, furnished
from megastep.maps.geometry import AGENT_RADIUS, MARGIN, Geometry
from megastep.maps.segments import backwards, windings

CORNER = 1.0
"""The least x and the least y of any wall, in metres."""

EXTENT = 499.0
"""The greatest width and height of a map, in metres, that the simulator takes."""

FAR = 1e5
"""Coordinates larger than this, in metres, are moved to the origin first."""


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
    placed = moved(drawing, CORNER - low)
    walls, face = enclosed.walls + (CORNER - low), _translated(enclosed.face, CORNER - low)
    part, unreachable = _reachable(face, walls, placed, enclosed.others)
    geometry = furnished(walls, face, part, placed)
    check_promises(geometry)
    notes = _notes(placed, face, enclosed.others) | {'unreachable': round(unreachable, 4), **drawing.notes}
    return Imported(geometry, notes, (*drawing.warnings, *words))


def _notes(placed: Drawing, face: Polygon, others: np.ndarray) -> dict[str, Any]:
    """Notes of where the map lies and of what isn't part of it."""
    dropped = round(float(shapely.area(others).sum()) + placed.dropped[0], 4)
    outside = _outside(face, np.concatenate([placed.first, placed.starts]))
    starts = {'starts_outside': placed.frame.to_file(outside).tolist()} if len(outside) else {}
    return {**placed.frame.notes, 'dropped_area': dropped, **starts}


def _extent(walls: Float[np.ndarray, 'wall 2 2']) -> Float[np.ndarray, '2 2']:
    corners = walls.reshape(-1, 2)
    return np.array([corners.min(axis=0), corners.max(axis=0)])


def _translated(shape: Polygon, by: Float[np.ndarray, ' axis']) -> Polygon:
    return shapely.transform(shape, lambda corners: corners + by)


def _near_origin(
    drawing: Drawing, inside: Float[np.ndarray, 'point 2']
) -> tuple[Drawing, Float[np.ndarray, 'point 2']]:
    """The drawing, moved where its coordinates are so large that they would lose digits, and the points meant."""
    segments = drawing.segments
    if len(segments) and np.isfinite(segments).all() and np.abs(segments).max() > FAR:
        drawing = moved(drawing, -_extent(segments)[0])
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
    check_near(walls)
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


def unreachable_share(geometry: Geometry) -> float:
    """The unreachable share of a floorplan's configuration space, of an agent with `MARGIN` to spare.

    It is what can't be reached from the spawns, which may themselves lie in the margin.
    """
    found = freespace.subdivide(geometry.walls).faces
    middles = shapely.get_coordinates(shapely.point_on_surface(found))
    free = [
        freespace.configuration_space(face, geometry.walls, AGENT_RADIUS + MARGIN)
        for face in found[windings(middles, geometry.walls) > 0]
    ]
    parts = shapely.get_parts(free)
    parts = parts[~shapely.is_empty(parts)]
    if not len(parts):
        return 0.0
    held = shapely.STRtree(parts).query(shapely.points(geometry.spawns), predicate='dwithin', distance=MARGIN)[1]
    areas = shapely.area(parts)
    return float(1 - areas[np.unique(held)].sum() / areas.sum())


def _narrow(widest: float) -> str:
    return f'there must be somewhere with {AGENT_RADIUS + MARGIN:.3f} m of clearance, got at most {widest:.3f} m.'


def _outside(face: Polygon, places: Float[np.ndarray, 'place 2']) -> Float[np.ndarray, 'outside 2']:
    """The places that don't lie in a face, each once."""
    return np.unique(places[~shapely.contains_xy(face, places)], axis=0) if len(places) else places
