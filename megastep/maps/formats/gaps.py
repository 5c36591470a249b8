"""Gaps in drawn outlines: ends that nearly meet are joined, and an outline that stays open is named.

Who draws by hand or converts between programs leaves ends that should meet some millimetres apart. An outline with such
a gap encloses nothing, and the free space would be found elsewhere: inside of a wall.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import shapely
from jaxtyping import Complex128, Float, Int
from shapely import Polygon

from megastep.checks import check_numbers
from megastep.maps import faces, freespace
from megastep.maps.segments import PlanarGraph, join, planar_graph

SNAP = 0.002
"""Ends no further apart than this, in metres, are joined unless another distance is given."""

WIDEST = 0.05
"""An outline with no gap wider than this, in metres, is taken for one that should be closed."""

MOST_SNAP = 0.5
"""The greatest distance that may be asked for, in metres."""

MOST_NEAR = 1 << 19
"""Where more pairs of a point and a segment are that near, no gaps are looked for: everything is near everything."""

POINTS_AT_ONCE = 512

MUCH = 1.02
"""Closing a gap makes a face worth speaking of where it is so many times as large as the one that there is without."""


class Gap(NamedTuple):
    """A face that an outline would enclose if its gap were closed."""

    face: Polygon
    middle: Float[np.ndarray, ' axis']
    """The middle of the widest gap in its boundary, in metres."""
    width: float
    """That gap's width, in metres."""


def check_snap(snap: float) -> None:
    """Raises a `ValueError` unless ends may be joined that are so many metres apart."""
    check_numbers(snap=snap)
    if not 0 <= snap <= MOST_SNAP:
        raise ValueError(f'snap must be from 0 to {MOST_SNAP:g} m, got {snap}.')


def snap_ends(segments: Float[np.ndarray, 'segment 2 2'], within: float) -> Float[np.ndarray, 'kept 2 2']:
    """Joins ends to ends no further than ``within`` metres apart, and then ends to segments as near."""
    if not within or not len(segments):
        return segments
    graph = planar_graph(_with_length(join(segments, within=within)))
    points = graph.points.copy()
    which, bridges = _near(graph, within)
    points[which] = bridges[:, 1]
    moved = np.stack([points[graph.starts], points[graph.ends]], axis=1)
    return _with_length(moved.view(np.float64).reshape(-1, 2, 2))


def _with_length(segments: Float[np.ndarray, 'segment 2 2']) -> Float[np.ndarray, 'kept 2 2']:
    return segments[(segments[:, 0] != segments[:, 1]).any(-1)]


def _near(graph: PlanarGraph, within: float) -> tuple[Int[np.ndarray, ' point'], Complex128[np.ndarray, 'point 2']]:
    """The points that come near a segment without touching it, and bridges to the nearest place on such a segment.

    Where too many are near, there are none.
    """
    corners = np.stack([graph.points[graph.starts], graph.points[graph.ends]], axis=1)
    lines, points = shapely.linestrings(corners.view(np.float64).reshape(-1, 2, 2)), _as_points(graph.points)
    tree = shapely.STRtree(lines)
    found = [np.empty((2, 0), np.int64)]
    for i in range(0, len(points), POINTS_AT_ONCE):
        pairs = tree.query(points[i : i + POINTS_AT_ONCE], predicate='dwithin', distance=within)
        found.append(pairs + [[i], [0]])
        if sum(batch.shape[1] for batch in found) > MOST_NEAR:
            return np.empty(0, np.int64), np.empty((0, 2), np.complex128)
    which, other = _nearest(points, lines, np.concatenate(found, axis=1), within)
    onto = shapely.get_coordinates(shapely.shortest_line(points[which], lines[other]))
    return which, onto.view(np.complex128).reshape(-1, 2)


def _as_points(places: Complex128[np.ndarray, ' point']) -> np.ndarray:
    return shapely.points(places.real, places.imag)


def _nearest(
    points: np.ndarray, lines: np.ndarray, pairs: Int[np.ndarray, '2 pair'], within: float
) -> tuple[Int[np.ndarray, ' kept'], Int[np.ndarray, ' kept']]:
    """Of pairs of a point and a segment, the nearest of each point, among segments that are longer than it is far."""
    which, other = pairs
    apart = shapely.distance(points[which], lines[other])
    kept = (apart > freespace.GRID) & (shapely.length(lines[other]) > within)
    which, other, apart = which[kept], other[kept], apart[kept]
    order = np.lexsort([apart, which])
    firsts = order[np.unique(which[order], return_index=True)[1]]
    return which[firsts], other[firsts]


def widest_left_open(
    segments: Float[np.ndarray, 'segment 2 2'], found: np.ndarray, chosen: Polygon | None, deciding: faces.Points
) -> Gap | None:
    """The largest face that gaps of up to `WIDEST` keep from being one, where that is what is likely meant.

    Args:
        segments: The walls' sides.
        found: The faces that there are.
        chosen: The one that is taken, if there is any.
        deciding: Points that should lie in free space: where there are some, only a face around one counts.
    """
    bridges = _near(planar_graph(segments), WIDEST)[1].view(np.float64).reshape(-1, 2, 2)
    if not len(bridges):
        return None
    every = freespace.subdivide(np.concatenate([segments, bridges])).faces
    larger = every[shapely.area(every) > (MUCH * chosen.area if chosen is not None else freespace.GRID)]
    new = larger[_outside(larger, found)]
    new = new[np.isin(np.arange(len(new)), faces.holding(new, deciding))] if len(deciding) and len(new) else new
    return _gap(freespace.largest(new), bridges) if len(new) else None


def _outside(candidates: np.ndarray, found: np.ndarray) -> np.ndarray:
    """A mask of the candidates that lie in no face of those that there are."""
    if not len(candidates) or not len(found):
        return np.ones(len(candidates), bool)
    return faces.holding(found, shapely.get_coordinates(shapely.point_on_surface(candidates))) < 0


def _gap(face: Polygon, bridges: Float[np.ndarray, 'bridge 2 2']) -> Gap:
    lines = shapely.linestrings(bridges)
    along = lines[
        shapely.dwithin(shapely.boundary(face), shapely.line_interpolate_point(lines, 0.5, normalized=True), 1e-5)
    ]
    widest = max(along if len(along) else lines, key=lambda line: line.length)
    return Gap(face, shapely.get_coordinates(widest).mean(0), widest.length)
