"""Faces of a planar subdivision: which of those that walls enclose is the free space that is meant."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import shapely
from jaxtyping import Float, Int
from numpy.typing import ArrayLike
from shapely import Polygon

TENTH = 0.1
"""A face that is left out and larger than this part of the one that is taken is warned of."""

MOST_NAMED = 6
"""A message names at most so many faces."""

Points = Float[np.ndarray, 'point 2']

ToFile = Callable[[Points], Points]
"""Metres as the file has them, from metres as walls are given here: so that messages speak the file's language."""


class Choice(NamedTuple):
    """The face that was chosen, and how."""

    chosen: int
    """Its number."""
    by: str
    """What decided: ``'inside'``, ``'starts'``, or ``'area'``."""


def checked_points(inside: ArrayLike | None, name: str = 'inside') -> Points:
    """One point or several as an array of (point, 2); nothing is an empty one.

    Raises:
        ValueError: if these are no pairs of finite numbers.
    """
    try:
        points = np.array([] if inside is None else inside, np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f'{name} must be a point (x, y) or several, got {inside!r}.') from error
    points = points.reshape(-1, 2) if points.shape in ((0,), (2,)) else points
    if points.ndim != 2 or points.shape[1] != 2 or not np.isfinite(points).all():
        raise ValueError(f'{name} must be a point (x, y) or several, got {inside!r}.')
    return points


def holding(faces: np.ndarray, points: Points) -> Int[np.ndarray, ' point']:
    """The number of the face that each point lies in, -1 where it lies in none."""
    found = np.full(len(points), -1)
    if len(points):
        which, face = shapely.STRtree(faces).query(shapely.points(points), predicate='within')
        found[which] = face
    return found


def choose(faces: np.ndarray, *, inside: Points, starts: Sequence[Points], to_file: ToFile) -> Choice:
    """Chooses the face that is meant: the one around ``inside``; else around a start; else the largest.

    Args:
        faces: The faces, as polygons.
        inside: Points that the user says lie in it.
        starts: Starting places, in groups: the first group that has one in a face decides, by the largest such face.
        to_file: For the errors.

    Raises:
        ValueError: if a point of ``inside`` lies in no face, or they lie in several.
    """
    areas = shapely.area(faces)
    if len(inside):
        return Choice(_around(faces, inside, to_file), 'inside')
    for points in starts:
        held = np.unique(holding(faces, points))
        if len(held := held[held >= 0]):
            return Choice(int(held[areas[held].argmax()]), 'starts')
    return Choice(int(areas.argmax()), 'area')


def _around(faces: np.ndarray, inside: Points, to_file: ToFile) -> int:
    held = holding(faces, inside)
    if (held < 0).any():
        x, y = to_file(inside[held < 0][:1])[0].tolist()
        largest = shapely.area(faces).argsort()[::-1]
        raise ValueError(
            f'inside must be points in free space that walls enclose, but ({x:.10g}, {y:.10g}) lies in none. '
            f'They enclose {named(faces[largest], to_file)}.'
        )
    if len(several := np.unique(held)) > 1:
        raise ValueError(f'inside must be points of one face, but they lie in {named(faces[several], to_file)}.')
    return int(several[0])


def left_out(faces: np.ndarray, chosen: Polygon, *, to_file: ToFile) -> str:
    """A warning that names the faces in whose place the largest was chosen; empty if there are none to speak of.

    Args:
        faces: The others, of which those count that are larger than a tenth of the chosen one.
        chosen: The face that is taken.
        to_file: For the points it names.
    """
    large = faces[shapely.area(faces) > TENTH * chosen.area]
    if not len(large):
        return ''
    large = large[shapely.area(large).argsort()[::-1]]
    return (
        f'the free space is the largest face that walls enclose, {named(np.array([chosen]), to_file)}; left out: '
        f'{named(large, to_file)}. inside=(x, y) says which is meant.'
    )


def named(faces: np.ndarray, to_file: ToFile) -> str:
    """Faces by area and a point inside each, in the file's own coordinates."""
    shown = faces[:MOST_NAMED]
    points = to_file(shapely.get_coordinates(shapely.point_on_surface(shown))).tolist()
    areas = shapely.area(shown).tolist()
    texts = [f'{area:.4g} m² around ({x:.10g}, {y:.10g})' for area, (x, y) in zip(areas, points, strict=True)]
    more = len(faces) - len(shown)
    return ', '.join(texts) + (f' and {more} more' if more else '')
