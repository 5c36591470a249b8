"""Free space from loose segments: the face that they enclose, its rooms, the configuration space, and spawns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import shapely
from jaxtyping import Bool, Float, Int
from shapely import MultiPolygon, Polygon

from megastep.maps.segments import clearances, thin

GRID = 1e-6
"""Segment ends are snapped to this grid, in metres, so that ends meant to meet do."""

NARROW = 1.2
"""A passage narrower than this, in metres, parts two rooms."""

SPACING = 0.4
"""Spawns are this far apart, in metres, or further where that would be too many to choose from."""

CANDIDATES = 4096
"""At most about this many points are looked at to find spawns, so that a vast map costs no more than a large one."""


class Subdivision(NamedTuple):
    """A planar subdivision: segments cut wherever they cross or touch, and the faces that they enclose."""

    lines: np.ndarray
    """The segments as they were given, as lines."""
    noded: np.ndarray
    """Their pieces between the points where they meet."""
    faces: np.ndarray
    """What they enclose, as polygons, anticlockwise."""


def subdivide(segments: Float[np.ndarray, 'segment 2 2']) -> Subdivision:
    """Finds the planar subdivision of segments in any order and direction, in metres. It may have no faces."""
    lines = shapely.linestrings(segments)
    noded = shapely.get_parts(shapely.union_all(lines, grid_size=GRID))
    faces = shapely.get_parts(shapely.polygonize(noded))
    return Subdivision(lines, noded, shapely.orient_polygons(faces))


def check_enclosed(subdivision: Subdivision) -> None:
    """Raises a `ValueError` if there are no faces."""
    if not len(subdivision.faces):
        raise ValueError(f'walls enclose nothing: no closed outline is among the {len(subdivision.lines)} given.')


def walls_around(face: Polygon, subdivision: Subdivision) -> Float[np.ndarray, 'wall 2 2']:
    """The walls seen from inside a face: free space is to the left of each, in the order of the segments."""
    pieces = _chains(subdivision.noded)
    inner = pieces[_inside(face, pieces)]  # free space on both sides
    walls = np.concatenate([sides(face), inner, inner[:, ::-1]])
    return walls[_order(walls, subdivision.lines)]


def sides(face: Polygon) -> Float[np.ndarray, 'wall 2 2']:
    """The sides of a polygon and of its holes, one ring after another."""
    return _chains([face.exterior, *face.interiors])


def _chains(lines: np.ndarray | list[shapely.LineString]) -> Float[np.ndarray, 'wall 2 2']:
    """A wall between each two successive corners of each line."""
    corners, owners = shapely.get_coordinates(lines, return_index=True)
    return np.stack([corners[:-1], corners[1:]], axis=1)[owners[:-1] == owners[1:]]


def _inside(face: Polygon, walls: Float[np.ndarray, 'wall 2 2']) -> Bool[np.ndarray, ' wall']:
    """A mask of the walls that run through the face's inside rather than along its boundary, or outside."""
    middles, boundary = shapely.points(walls.mean(axis=1)), shapely.boundary(face)
    shapely.prepare(face)
    shapely.prepare(boundary)
    return shapely.contains(face, middles) & ~shapely.dwithin(boundary, middles, GRID)


def _near(face: Polygon | MultiPolygon, walls: Float[np.ndarray, 'wall 2 2']) -> Float[np.ndarray, 'near 2 2']:
    """The walls whose middles lie in the face's bounding box: a map of many rooms is not looked through for each."""
    left, bottom, right, top = np.array(shapely.bounds(face)) + GRID * np.array([-1, -1, 1, 1])
    x, y = (walls[:, 0] + walls[:, 1]).T / 2
    return walls[(left <= x) & (x <= right) & (bottom <= y) & (y <= top)]


def _order(walls: Float[np.ndarray, 'wall 2 2'], lines: np.ndarray) -> Int[np.ndarray, ' wall']:
    """Sorts walls by the segment they came from, then along it."""
    middles = shapely.points(walls.mean(axis=1))
    parents = shapely.STRtree(lines).query_nearest(middles, all_matches=False)[1]
    along = shapely.line_locate_point(lines[parents], middles)
    return np.lexsort([along, parents])


def configuration_space(
    face: Polygon, walls: Float[np.ndarray, 'wall 2 2'], radius: float, *, join_style: str = 'round'
) -> Polygon | MultiPolygon:
    """The configuration space of a disc: the free space less the Minkowski sum of the walls and the disc.

    The disc overlaps no wall while its centre is there.

    Args:
        face: The free space, in metres.
        walls: The walls around it and in it: one with free space on both sides is there in both directions.
        radius: The disc's radius, in metres.
        join_style: How the sum goes around corners: ``'round'``, or ``'mitre'`` to keep them sharp.
    """
    shrunk = face.buffer(-radius, join_style=join_style, quad_segs=4)
    near = _near(face, walls)
    within = near[thin(near)]
    within = within[_inside(face, within)] if len(within) else within
    if not len(within):
        return shrunk
    return shrunk.difference(shapely.union_all(shapely.linestrings(within)).buffer(radius, join_style=join_style))


def rooms(face: Polygon, walls: Float[np.ndarray, 'wall 2 2']) -> list[Polygon]:
    """Parts free space into rooms by closing its narrow passages; where all of it is narrow, it is one room."""
    return wide_parts(face, face, walls) or [face]


def wide_parts(space: Polygon | MultiPolygon, face: Polygon, walls: Float[np.ndarray, 'wall 2 2']) -> list[Polygon]:
    """Morphological opening: the parts of the free space that remain when narrow passages close, left to right."""
    wide = shapely.get_parts(configuration_space(space, walls, NARROW / 2, join_style='mitre'))
    spread = [shapely.make_valid(part.buffer(NARROW / 2, join_style='mitre')) for part in wide]  # mitres may cross
    grown = [part.intersection(face) for part in spread]
    return sorted((largest(part) for part in grown if part.area > 0), key=lambda part: part.bounds)


def parted(
    known: Sequence[tuple[Polygon, str]], face: Polygon, walls: Float[np.ndarray, 'wall 2 2'], kind: str
) -> list[tuple[Polygon, str]]:
    """Parts free space into the rooms that are known, with their kinds, and the wide parts of what they leave."""
    rest = face.difference(shapely.union_all([shape for shape, _ in known])) if known else face
    found = wide_parts(rest, face, walls) if known else rooms(face, walls)
    return [*known, *((shape, kind) for shape in found)]


def clip(outline: Float[np.ndarray, 'corner 2'], face: Polygon) -> Polygon | None:
    """The largest part of an outline that is free space, or nothing if less than half of the outline's area is.

    Wobbles along the outline of less than 2 cm are straightened.
    """
    drawn = shapely.make_valid(shapely.polygons(outline))
    free = drawn.intersection(face)
    if free.area < drawn.area / 2 or free.area == 0:
        return None
    return largest(largest(free).simplify(0.02))


def largest(shape: shapely.Geometry) -> Polygon:
    """The largest part of a shape of several."""
    return max(shapely.get_parts(shape), key=lambda part: part.area)


def largest_holding(parts: np.ndarray, points: Float[np.ndarray, 'point 2'] | None) -> Polygon:
    """The largest of the parts that hold one of the points; of all of them, where none does."""
    held = parts[:0]
    if points is not None and len(points):
        held = parts[np.unique(shapely.STRtree(parts).query(shapely.points(points), predicate='within')[1])]
    return largest(held if len(held) else parts)


def outline(room: Polygon) -> Float[np.ndarray, 'corner 2']:
    """A room's corners, anticlockwise."""
    return shapely.get_coordinates(shapely.orient_polygons(room).exterior)[:-1]


def pole(face: Polygon) -> tuple[float, float]:
    """The pole of inaccessibility: the point furthest from a face's boundary, inside even where the centroid isn't."""
    x, y = shapely.get_coordinates(shapely.maximum_inscribed_circle(face, tolerance=0.01))[0].tolist()
    return x, y


def middle(room: Polygon, walls: Float[np.ndarray, 'wall 2 2']) -> Float[np.ndarray, ' xy']:
    """The centroid of a room or, where that's in a corner, a wall or another room, the point furthest from walls."""
    open_space = configuration_space(room, walls, 0.1)
    points = np.array(
        [shapely.get_coordinates(room.centroid)[0], pole(room if open_space.is_empty else largest(open_space))]
    )
    near, far = clearances(points, walls)
    return points[0 if near > far / 2 and room.contains(room.centroid) else 1]


def spawns(
    face: Polygon, walls: Float[np.ndarray, 'wall 2 2'], *, radius: float, most: int = 64
) -> Float[np.ndarray, 'spawn 2']:
    """Spreads points over the largest part of a face in which a disc can move about.

    Args:
        face: The free space, in metres.
        walls: The walls around it and in it.
        radius: The disc's radius, in metres. Points keep a tenth more than this from the boundary.
        most: How many points at the most.

    Raises:
        ValueError: if no disc of this radius fits.
    """
    free = configuration_space(face, walls, 1.1 * radius)
    if free.is_empty:
        widest = shapely.length(shapely.maximum_inscribed_circle(face, tolerance=1e-3))
        raise ValueError(f'walls enclose no spawn with {radius:.3f} m of clearance: at most {widest:.3f} m is free.')
    return spread(largest(free), most)


def spread(part: Polygon, most: int) -> Float[np.ndarray, 'point 2']:
    """Spreads at most so many points over a polygon: its pole, and points of a lattice."""
    first, others = np.array(pole(part)), lattice(part, SPACING)
    apart = np.hypot(*(others - first).T) >= SPACING
    return thinned(np.concatenate([first[None], others[apart]]), most)


def thinned(points: Float[np.ndarray, 'point 2'], most: int) -> Float[np.ndarray, 'kept 2']:
    """At most so many of the points, in order, as many between each two: the first is among them."""
    return points[np.linspace(0, len(points) - 1, min(most, len(points))).round().astype(int)]


def lattice(part: Polygon, spacing: float) -> Float[np.ndarray, 'point 2']:
    """The points of a square lattice that lie in a polygon, further apart where they would be too many."""
    left, bottom, right, top = part.bounds
    spacing = max(spacing, np.sqrt((right - left) * (top - bottom) / CANDIDATES))
    columns, rows = np.arange(left + spacing / 2, right, spacing), np.arange(bottom + spacing / 2, top, spacing)
    x, y = np.meshgrid(columns, rows)
    points = np.stack([x.ravel(), y.ravel()], axis=1)
    return points[shapely.contains_xy(part, points)]
