"""Flaws of a sketch: what keeps it from being a floorplan, or may not be meant, and where in it that is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import shapely
from jaxtyping import Bool, Float
from shapely import MultiPolygon, Polygon

from megastep.maps import faces, freespace
from megastep.maps.formats import doorways
from megastep.maps.geometry import AGENT_RADIUS, MARGIN, Room
from megastep.maps.segments import clearances
from megastep.viewer.drawing.sketch import Sketch

NEEDED = AGENT_RADIUS + MARGIN
"""The clearance, in metres, that an agent must have to get about in a map."""

NEARLY = 0.5
"""An end no further than this from another wall, in metres, nearly meets it."""

SPECK = 0.05
"""A part of the free space smaller than this, in square metres, is no place that anybody would miss."""

CLOSET = 1.0
"""A face no smaller than this, in square metres, is taken for a room without a door, a smaller one for a gap."""

Points = Float[np.ndarray, 'point 2']
Segments = Float[np.ndarray, 'segment 2 2']


@dataclass(frozen=True, eq=False)
class Flaw:
    """Flaw of a sketch: a message, and the places that it is about, in metres.

    Args:
        message: What is wrong, or may not be meant.
        grave: True if the sketch is no floorplan for it.
        points: The points that it is about.
        lines: The segments that it is about: gaps, walls and doors.
        areas: The outlines of the areas that it is about.
    """

    message: str
    grave: bool = True
    points: Points | Sequence[Points] = ()
    lines: Segments | Sequence[Segments] = ()
    areas: Sequence[Points] = ()

    def __str__(self) -> str:
        places = [np.asarray(each[0]).reshape(-1, 2)[0] for each in (self.points, self.lines, self.areas) if len(each)]
        where = f' at ({places[0][0]:g}, {places[0][1]:g}) m' if places else ''
        return f'{self.message.rstrip(".")}{where}'

    def json(self) -> dict[str, Any]:
        """The flaw as a page has it."""
        places = {
            name: [np.round(each, 4).tolist() for each in getattr(self, name)] for name in ('points', 'lines', 'areas')
        }
        return {'message': self.message, 'grave': self.grave, **places}


class Opened(NamedTuple):
    """Walls in which the doors are open."""

    segments: Segments
    doors: Segments
    """The doors that could be opened."""
    flaws: list[Flaw]
    """The others."""


def open_doors(sketch: Sketch) -> Opened:
    """Cuts the walls of a sketch where they run across its doors."""
    segments, doors, flaws = sketch.walls, [], []
    if not len(segments):
        return Opened(segments, sketch.doors[:0], [])
    found = freespace.subdivide(segments).faces
    for door in sketch.doors:
        try:
            segments, kept = doorways.cut(segments, door[None], found, np.asarray)
        except ValueError:
            flaws.append(Flaw('This door lies on no wall.', lines=door[None]))
            continue
        if len(kept):
            doors.append(door)
        else:
            flaws.append(Flaw('This door leads outside, and stays closed.', grave=False, lines=door[None]))
        if (width := float(np.hypot(*(door[1] - door[0])))) < 2 * NEEDED:
            narrow = f'This door is {width:.2f} m wide. An agent needs {2 * NEEDED:.2f} m.'
            flaws.append(Flaw(narrow, grave=False, lines=door[None]))
    return Opened(segments, np.array(doors).reshape(-1, 2, 2), flaws)


def flaws_of(sketch: Sketch, opened: Opened) -> list[Flaw]:
    """Finds the flaws of a sketch, those first that it is no floorplan for."""
    if not len(opened.segments):
        return [Flaw('There are no walls yet.')]
    subdivision = freespace.subdivide(opened.segments)
    ends, lines = _loose_ends(subdivision.noded)
    if not len(subdivision.faces):
        shown = ~_jambs(ends, opened.doors)
        found = list(_open_outline(ends[shown], lines[shown]) if shown.any() else _open_outline(ends, lines))
    else:
        choice = faces.choose(subdivision.faces, inside=np.empty((0, 2)), starts=(sketch.spawns,), to_file=np.asarray)
        face, others = subdivision.faces[choice.chosen], np.delete(subdivision.faces, choice.chosen)
        walls = freespace.walls_around(face, subdivision)
        found = [
            *_cramped(face, walls, sketch.spawns),
            *_ends_beside(face, ends, lines, opened.doors),
            *_left_out(face, others, sketch.rooms),
            *_outside(face, others, sketch),
        ]
    return sorted([*opened.flaws, *found], key=lambda flaw: not flaw.grave)


def _loose_ends(noded: np.ndarray) -> tuple[Points, Segments]:
    """The ends that meet nothing, and for each the line to the nearest wall that it isn't an end of."""
    corners = shapely.get_coordinates(shapely.get_point(noded, [[0], [-1]])).reshape(2, -1, 2).swapaxes(0, 1)
    points, counts = np.unique(corners.reshape(-1, 2), axis=0, return_counts=True)
    ends = points[counts == 1]
    gaps = [_gap(end, noded, (corners == end).all(-1).any(-1)) for end in ends]
    return ends, np.array(gaps).reshape(-1, 2, 2)


def _gap(end: Float[np.ndarray, ' 2'], noded: np.ndarray, own: Bool[np.ndarray, ' piece']) -> Float[np.ndarray, '2 2']:
    """The line from an end to the nearest of the other pieces; of no length if there are none."""
    others = noded[~own]
    if not len(others):
        return np.array([end, end])
    place = shapely.points(end)
    return shapely.get_coordinates(shapely.shortest_line(place, others[shapely.distance(place, others).argmin()]))


def _open_outline(ends: Points, gaps: Segments) -> Iterator[Flaw]:
    """The flaws of walls that enclose nothing: an end each, or one for all if there are many."""
    lengths = np.hypot(*(gaps[:, 1] - gaps[:, 0]).T)
    near = (lengths > 0) & (lengths <= NEARLY)
    both = (gaps[:, None, 1] == ends).all(-1) & near  # gaps between two ends, of which one is enough
    seen = np.triu(both & both.T, 1).any(axis=0)
    for gap, length in zip(gaps[near & ~seen], lengths[near & ~seen], strict=True):
        yield Flaw(f'The outline is open: {length:.2f} m are missing.', points=gap, lines=gap[None])
    if (~near).any():
        yield Flaw('Walls enclose nothing: these ends meet no other wall.', points=ends[~near])


def _jambs(ends: Points, doors: Segments) -> Bool[np.ndarray, ' end']:
    """A mask of the ends that are a door's jambs, near enough."""
    jambs = doors.reshape(-1, 1, 2)
    return (np.abs(jambs - ends).max(axis=-1) < 2 * doorways.ON).any(axis=0)


def _ends_beside(face: Polygon, ends: Points, gaps: Segments, doors: Segments) -> Iterator[Flaw]:
    """Notes on loose ends: those that aren't seen, and gaps that nobody fits through. Jambs of doors are none."""
    if not len(ends):
        return
    is_jamb = _jambs(ends, doors)
    inside = shapely.covers(face, shapely.points(ends))
    lengths = np.hypot(*(gaps[:, 1] - gaps[:, 0]).T)
    narrow = inside & ~is_jamb & (lengths > 0) & (lengths < 2 * NEEDED)
    for end, gap, length in zip(ends[narrow], gaps[narrow], lengths[narrow], strict=True):
        words = f'An agent needs {2 * NEEDED:.2f} m to pass, and this gap has {length:.2f} m.'
        yield Flaw(words, grave=False, points=end[None], lines=gap[None])
    if (outside := ~inside & ~is_jamb).any():
        words = 'These ends meet no wall: what they belong to encloses nothing, and is left out.'
        yield Flaw(words, grave=False, points=ends[outside], lines=gaps[outside & (lengths <= NEARLY)])


def _cramped(face: Polygon, walls: Segments, spawns: Points) -> Iterator[Flaw]:
    """Flaws of the free space in which an agent is to move about: too little of it, or parts that it can't get to."""
    free = freespace.configuration_space(face, walls, NEEDED)
    if free.is_empty:
        widest = shapely.length(shapely.maximum_inscribed_circle(face, tolerance=1e-3))
        words = f'An agent has no room here: {NEEDED:.2f} m from any wall are needed, and there are {widest:.2f} m.'
        yield Flaw(words, areas=[_outline(face)])
        return
    parts = shapely.get_parts(free)
    part = freespace.largest_holding(parts, spawns)
    cut_off = [each for each in parts if each.area > SPECK and not each.equals(part)]
    if cut_off:
        words = f'An agent can get here by no way: it needs {2 * NEEDED:.2f} m to pass.'
        yield Flaw(words, grave=False, areas=[_outline(each) for each in cut_off])
    yield from _misplaced(face, part, walls, spawns)


def _misplaced(face: Polygon, part: Polygon, walls: Segments, spawns: Points) -> Iterator[Flaw]:
    """The spawns that can't be: outside, too near a wall, or where the others can't be reached from."""
    room = clearances(spawns, walls)
    for spawn, clearance in zip(spawns, room, strict=True):
        place = shapely.points(spawn)
        if not face.covers(place):
            yield Flaw('This spawn lies outside of the free space.', points=spawn[None])
        elif clearance < NEEDED:
            words = f'A spawn needs {NEEDED:.2f} m to the nearest wall, and has {clearance:.2f} m.'
            yield Flaw(words, points=spawn[None])
        elif not part.covers(place):
            yield Flaw('No agent gets from this spawn to the others.', points=spawn[None])


def _left_out(face: Polygon, others: np.ndarray, rooms: Sequence[Room]) -> Iterator[Flaw]:
    """A note on the faces that are no part of the map, though they are said to be rooms or lie beside it.

    Those that it surrounds are taken for solid, as columns are and blocks that one walks around.
    """
    holes = [Polygon(ring) for ring in face.interiors]
    solid = np.isin(np.arange(len(others)), shapely.STRtree(holes).query(shapely.point_on_surface(others), 'within')[0])
    large = ~solid & (shapely.area(others) >= CLOSET)
    meant = [each for each, is_large in zip(others, large, strict=True) if is_large or _holds_room(each, rooms)]
    if meant:
        words = f'{sum(each.area for each in meant):.1f} m² are left out: no door leads there.'
        yield Flaw(words, grave=False, areas=[_outline(each) for each in meant])


def _holds_room(face: Polygon, rooms: Sequence[Room]) -> bool:
    return any(_is_in(room, face) for room in rooms)


def _is_in(room: Room, face: Polygon) -> bool:
    return freespace.clip(room.outline, face) is not None


def _outside(face: Polygon, others: np.ndarray, sketch: Sketch) -> Iterator[Flaw]:
    """Notes on lights and rooms that lie in no free space."""
    for light in sketch.lights[:, :2]:
        if not shapely.contains_xy(face, *light):
            yield Flaw('This light is in no free space, and is left out.', grave=False, points=light[None])
    for room in sketch.rooms:
        if not any(_is_in(room, each) for each in (face, *others)):
            words = f'This {room.kind.replace("_", " ")} has no walls around it any more, and its name is left out.'
            yield Flaw(words, grave=False, areas=[room.outline])


def _outline(shape: Polygon | MultiPolygon) -> Points:
    return freespace.outline(freespace.largest(shape))
