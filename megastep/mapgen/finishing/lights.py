"""Lights of a floorplan: at maxima of the distance transform, one for each part of a room."""

from __future__ import annotations

import numpy as np
from jaxtyping import Int
from scipy.spatial import cKDTree

from megastep.mapgen.finishing.survey import SPAWN_CLEARANCE_MILLIMETRES, Survey
from megastep.mapgen.geometry.polygons import squared_distance
from megastep.mapgen.geometry.raster import concatenated_ranges
from megastep.mapgen.geometry.symmetry import images
from megastep.mapgen.plan import Point

PART_SIZE = 4000
"""The length and the width of the part of a room that has a light, about, in millimetres."""

MOST_PARTS = 8
"""The greatest number of parts along the length or the width of a room."""

ENOUGH_DEPTH = 1000
"""The distance from what isn't clear that is enough, in millimetres: of points as far or further, the one nearest the
part's middle is best."""

CENTRAL_DISTANCE = 150
"""The distance from the middle of its part within which a light of a room of four corners is moved there, in
millimetres."""

CLOSE_DISTANCE = 2000
"""The distance of two lights in a room at which only the one further from walls stays, in millimetres. So it is up to
`PART_SIZE`, if one is twice as far from walls."""


def place_lights(survey: Survey, symmetry: str = 'none') -> Int[np.ndarray, 'light 2']:
    """The places of lights in each room: one in each part of about 4 m by 4 m, away from walls.

    Args:
        survey: The rooms; one, if there is a symmetry.
        symmetry: The symmetry of the plan, of `symmetry.SYMMETRIES`: a light hangs with all its images, or not at all.

    Returns:
        At least one point a room, in millimetres.
    """
    survey = survey._replace(depths=np.minimum(survey.depths, ENOUGH_DEPTH))
    part, middles = _parts(survey)
    middle = middles[part]
    away = survey.points - middle
    off = away[:, 0] * away[:, 0] + away[:, 1] * away[:, 1]
    best = _first_best(part, survey.depths * (1 << 28) - off)
    if symmetry != 'none':
        return _with_images(survey, best, symmetry)
    kept = _suppressed(survey, best)
    even = np.array([len(outline) == 4 for outline in survey.outlines])[survey.rooms[kept]]
    central = even & (off[kept] < CENTRAL_DISTANCE * CENTRAL_DISTANCE) & (survey.depths[kept] > CENTRAL_DISTANCE)
    return np.where(central[:, None], middle[kept], survey.points[kept])


def _parts(survey: Survey) -> tuple[Int[np.ndarray, ' point'], Int[np.ndarray, 'part 2']]:
    """The parts of the bounding box of each room: the part that each point is in, and each part's middle."""
    corners = np.concatenate(survey.outlines)
    firsts = np.cumsum([0, *map(len, survey.outlines[:-1])])
    low = np.minimum.reduceat(corners, firsts)
    size = np.maximum.reduceat(corners, firsts) - low
    counts = np.clip((size + PART_SIZE // 2) // PART_SIZE, 1, MOST_PARTS)
    across, up = counts.T
    owner, part = concatenated_ranges(np.zeros_like(across), across * up)
    place = np.stack([part // up[owner], part % up[owner]], axis=1)
    middles = low[owner] + (2 * place + 1) * size[owner] // (2 * counts[owner])

    points = np.bincount(survey.rooms, minlength=len(low))
    low, scale, last = (np.repeat(each, points, axis=0) for each in (low, counts / size, counts - 1))
    x, y = np.minimum((survey.points - low) * scale, last).astype(np.int64).T
    start = np.cumsum(across * up) - across * up
    return np.repeat(start, points) + x * np.repeat(up, points) + y, middles


def _first_best(groups: Int[np.ndarray, ' point'], scores: Int[np.ndarray, ' point']) -> Int[np.ndarray, ' group']:
    """The first of the points with each group's best score, in the groups' order. Empty groups are left out."""
    best = np.full(groups.max() + 1, np.iinfo(np.int64).min)
    np.maximum.at(best, groups, scores)
    winners = np.flatnonzero(scores == best[groups])
    return winners[np.unique(groups[winners], return_index=True)[1]]


def _suppressed(survey: Survey, lights: Int[np.ndarray, ' light']) -> Int[np.ndarray, ' kept']:
    """Non-maximum suppression: the lights without those that are close to another of their room further from walls."""
    lights = lights[np.argsort(-survey.depths[lights], kind='stable')]
    points, rooms, away = (
        survey.points[lights],
        survey.rooms[lights],
        survey.depths[lights] + SPAWN_CLEARANCE_MILLIMETRES,
    )
    better, worse = np.sort(cKDTree(points).query_pairs(PART_SIZE, output_type='ndarray'), axis=1).T
    close = ((points[better] - points[worse]) ** 2).sum(axis=1) <= CLOSE_DISTANCE * CLOSE_DISTANCE
    rivals = (rooms[better] == rooms[worse]) & (close | (2 * away[worse] <= away[better]))
    kept = np.ones(len(lights), dtype=bool)
    for i, j in sorted(zip(better[rivals].tolist(), worse[rivals].tolist(), strict=True)):
        kept[j] &= not kept[i]
    return np.sort(lights[kept])


def _with_images(survey: Survey, lights: Int[np.ndarray, ' light'], symmetry: str) -> Int[np.ndarray, 'light 2']:
    """The lights and their images, but for those that are close to another that is further from walls, or to an image
    of theirs.

    There are some even if they are close to their images.
    """
    lights = lights[np.argsort(-survey.depths[lights], kind='stable')]
    groups = [images((x, y), symmetry) for x, y in survey.points[lights].tolist()]
    aways = (survey.depths[lights] + SPAWN_CLEARANCE_MILLIMETRES).tolist()
    kept: list[tuple[Point, int]] = []
    for group, away in zip(groups, aways, strict=True):
        alone = all(squared_distance(group[0], image) > CLOSE_DISTANCE * CLOSE_DISTANCE for image in group[1:])
        if alone and not any(_outdone(group[0], away, *other) for other in kept):
            kept += [(image, away) for image in group]
    return np.array(sorted(point for point, _ in kept) or groups[0])


def _outdone(light: Point, away: int, other: Point, further: int) -> bool:
    """True if a light isn't needed beside another that is as far from walls or further."""
    square = squared_distance(light, other)
    return square <= CLOSE_DISTANCE * CLOSE_DISTANCE or (square <= PART_SIZE * PART_SIZE and 2 * away <= further)
