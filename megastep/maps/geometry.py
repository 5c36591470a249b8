"""One floorplan, on the CPU, as validated arrays."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import shapely
from jaxtyping import Float, Float32
from numpy.typing import ArrayLike
from shapely import Polygon

from megastep.maps import faces, freespace, picture
from megastep.maps.segments import area, clearances, join, planar_graph, windings

AGENT_RADIUS = 0.15 / math.sqrt(2)
"""An agent is a disc of this radius, in metres, to the walls and to the other agents."""

MARGIN = 0.05
"""Room to spare, in metres: an agent this much wider than it is could still go everywhere in a generated map."""

DOOR_REACH = 0.25
"""The distance from the middle of a door, in metres, within which the two rooms lie that it joins."""

JOIN = freespace.GRID / 2
"""Wall ends nearer than this, in metres, meet."""

LARGEST = 1e6
"""The largest coordinate, in metres: beyond it float64 can't tell neighbouring ends from ends that meet."""

MOVE = ' Add one and the same amount to all coordinates, as importers do.'
"""The remedy for a plan of which some lies below 0."""

ROUNDED = 1 - 1e-6
"""A length kept as a float32 may be this much of what it was."""


@dataclass(frozen=True, eq=False)
class Room:
    """A named part of the free space.

    Args:
        outline: The corners in order, in metres: (corner, 2). The last joins the first.
        kind: What the room is for: ``'bedroom'``, ``'corridor'``, or just ``'room'``.
    """

    outline: Float[np.ndarray, 'corner 2']
    kind: str = 'room'


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Geometry:
    """A floorplan: closed walls around free space. Lengths are metres; x is right and y is up.

    Walls are oriented: going from the first endpoint to the second, free space lies to the left. A thin wall that can
    be seen from both sides is stored once in each direction. `from_walls` sorts this out for any set of segments.

    Args:
        walls: Each wall's two endpoints: (wall, 2, 2).
        spawns: Where agents may start: (spawn, 2).
        lights: Each light's x, y and intensity: (light, 3).
        doors: Each opening between rooms, from jamb to jamb: (door, 2, 2).
        rooms: The rooms, as `Room`s or as outlines of (corner, 2).
        geodesics: How long an agent's shortest path between each two spawns is, in metres, infinite where there is no
            way: (spawn, spawn). Nothing unless asked for: `MapSet.with_geodesics` finds them.

    Raises:
        ValueError: if an array has the wrong shape; a coordinate isn't above 0 and up to 1,000 km; a wall has no
            length, an end that meets no other wall's, or no free space to its left; the walls enclose nothing; or a
            spawn lacks an agent's radius of clearance in the free space, or there is none; or geodesics that are given
            aren't symmetric, 0 from a spawn to itself and elsewhere at least the straight line.
    """

    walls: Float[np.ndarray, 'wall 2 2']
    spawns: Float[np.ndarray, 'spawn 2']
    lights: Float[np.ndarray, 'light 3'] = field(default_factory=lambda: np.empty((0, 3)))
    doors: Float[np.ndarray, 'door 2 2'] = field(default_factory=lambda: np.empty((0, 2, 2)))
    rooms: Sequence[Room] = ()
    geodesics: Float32[np.ndarray, 'spawn spawn'] | None = None

    def __post_init__(self) -> None:
        for name, shape in {'walls': (2, 2), 'spawns': (2,), 'lights': (3,), 'doors': (2, 2)}.items():
            object.__setattr__(self, name, _checked_array(getattr(self, name), name, shape))
        object.__setattr__(self, 'rooms', _checked_rooms(self.rooms))
        object.__setattr__(self, 'walls', _frozen(join(self.walls, within=JOIN)))
        _check_lengths(self.walls)
        _check_closed(self.walls)
        _check_facing(self.walls)
        _check_spawns(self.spawns, self.walls)
        if self.geodesics is not None:
            object.__setattr__(self, 'geodesics', _checked_geodesics(self.geodesics, self.spawns))

    @classmethod
    def unchecked(
        cls,
        *,
        walls: np.ndarray,
        spawns: np.ndarray,
        lights: np.ndarray,
        doors: np.ndarray,
        rooms: Sequence[Room],
        geodesics: np.ndarray | None = None,
    ) -> Geometry:
        """Makes a floorplan, without a copy, of arrays that were checked when it was first made."""
        geometry = cls.__new__(cls)
        arrays = {'walls': walls, 'spawns': spawns, 'lights': lights, 'doors': doors}
        for name, value in {**arrays, 'rooms': tuple(rooms), 'geodesics': geodesics}.items():
            object.__setattr__(geometry, name, value)
        return geometry

    @classmethod
    def from_walls(
        cls,
        walls: Float[np.ndarray, 'wall 2 2'],
        *,
        rooms: Sequence[Room | Float[np.ndarray, 'corner 2']] = (),
        inside: ArrayLike | None = None,
    ) -> Geometry:
        """Makes a floorplan of any closed set of segments, in any order and direction.

        The free space is the face around ``inside``, or else the largest face the segments enclose; a warning names
        others in which an agent has room and which are larger than a tenth of it. Segments that can't be seen from it
        are left out; segments that cross or touch are cut where they do; a segment with free space on both sides
        becomes two walls.
        Rooms that are given are clipped to the free space, and left out if most of them lies elsewhere. What they leave
        is parted into rooms by closing passages under 1.2 m. Each room gets a light.

        Args:
            walls: Segments, in metres: (segment, 2, 2). Ends nearer than a micrometre meet.
            rooms: The rooms that are known, as `Room`s or as outlines of (corner, 2).
            inside: A point (x, y) in the face that is meant, or several, in metres.

        Raises:
            ValueError: if a coordinate isn't above 0 and up to 1,000 km, a wall has no length, the walls enclose
                nothing, ``inside`` lies in no face or in several, or there is no spawn with an agent's radius of
                clearance.
        """
        walls = _checked_array(walls, 'walls', (2, 2))
        known = _checked_rooms(rooms)
        _check_lengths(walls)
        face, oriented = _meant(walls, faces.checked_points(inside))
        clipped = [(freespace.clip(room.outline, face), room.kind) for room in known]
        kept = [(shape, kind) for shape, kind in clipped if shape is not None]
        shapes = freespace.parted(kept, face, oriented, 'room')
        return cls(
            walls=oriented,
            spawns=freespace.spawns(face, oriented, radius=AGENT_RADIUS),
            lights=np.array([[*freespace.middle(shape, oriented), 1.0] for shape, _ in shapes]),
            rooms=[Room(freespace.outline(shape), kind) for shape, kind in shapes],
        )

    def __eq__(self, other: object) -> bool:
        """True if walls, doors, lights, spawns and rooms are the same, in the same order."""
        if not isinstance(other, Geometry):
            return NotImplemented
        if len(self.rooms) != len(other.rooms):
            return False
        pairs = [(getattr(self, name), getattr(other, name)) for name in ('walls', 'doors', 'lights', 'spawns')]
        pairs += [(one.outline, another.outline) for one, another in zip(self.rooms, other.rooms, strict=True)]
        kinds = [room.kind for room in self.rooms] == [room.kind for room in other.rooms]
        return kinds and all(np.array_equal(one, another) for one, another in pairs)

    def __hash__(self) -> int:
        return hash(self.walls.tobytes())

    @property
    def area(self) -> float:
        """The free space's area, in square metres."""
        return area(self.walls)

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """The least x and y and the greatest x and y of any wall, in metres."""
        corners = self.walls.reshape(-1, 2)
        return (*corners.min(0).tolist(), *corners.max(0).tolist())

    def __repr__(self) -> str:
        counts = ((name, len(getattr(self, name))) for name in ('walls', 'rooms', 'doors', 'lights', 'spawns'))
        return f'Geometry({", ".join(f"{count} {name}" for name, count in counts)}, {self.area:.1f} m²)'

    def _repr_svg_(self) -> str:
        rooms = [(room.outline, room.kind) for room in self.rooms]
        return picture.draw(walls=self.walls, spawns=self.spawns, lights=self.lights, doors=self.doors, rooms=rooms)


def _checked_array(array: ArrayLike, name: str, shape: tuple[int, ...]) -> np.ndarray:
    """A copy of ``array`` that can't be written to, if its rows have this shape and its coordinates are positive."""
    wanted = f'{name} must be numbers of shape ({", ".join(map(str, ("n", *shape)))})'
    try:
        array = np.array(array, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f'{wanted}: {error}.') from error
    array = array.reshape(-1, *shape) if array.size == 0 else array
    if array.shape[1:] != shape:
        raise ValueError(f'{wanted}, got {array.shape}.')
    coordinates = array[:, :2] if name == 'lights' else array
    bad = ~((coordinates > 0) & (coordinates <= LARGEST))  # of a NaN, neither is true
    if bad.any():
        row = int(np.flatnonzero(bad.reshape(len(bad), -1).any(1))[0])
        value = coordinates[bad][0]
        remedy = MOVE if np.isfinite(coordinates).all() and value <= 0 else ''
        raise ValueError(
            f'{name} must have finite coordinates above 0 m and up to {LARGEST:g} m, got {value} in row {row}.{remedy}'
        )
    if name == 'lights' and not (np.isfinite(array[:, 2]) & (array[:, 2] >= 0)).all():
        raise ValueError(f'lights must have finite intensities of at least 0, got {array[:, 2].tolist()}.')
    return _frozen(array)


def _frozen(array: np.ndarray) -> np.ndarray:
    array.setflags(write=False)  # what has been checked should stay as it is
    return array


def _checked_rooms(rooms: Sequence[Room | np.ndarray]) -> tuple[Room, ...]:
    named = [room if isinstance(room, Room) else Room(room) for room in rooms]
    return tuple(_checked_room(room, i) for i, room in enumerate(named))


def _checked_room(room: Room, i: int) -> Room:
    outline = _checked_array(room.outline, f'room {i}', (2,))
    if len(outline) < 3:
        raise ValueError(f'room {i} must have at least 3 corners, got {len(outline)}.')
    if not isinstance(room.kind, str):
        raise ValueError(f'room {i} must have text for its kind, got {room.kind!r}.')  # noqa: TRY004
    return Room(outline, room.kind)


def _meant(
    walls: Float[np.ndarray, 'wall 2 2'], inside: Float[np.ndarray, 'point 2']
) -> tuple[Polygon, Float[np.ndarray, 'wall 2 2']]:
    """The face that is meant and the walls around it, with a warning where there are others to choose from."""
    subdivision = freespace.subdivide(walls)
    freespace.check_enclosed(subdivision)
    choice = faces.choose(subdivision.faces, inside=inside, starts=(), to_file=np.asarray)
    face, others = subdivision.faces[choice.chosen], np.delete(subdivision.faces, choice.chosen)
    roomy = others[~shapely.is_empty(shapely.buffer(others, -AGENT_RADIUS, quad_segs=4))]
    if choice.by == 'area' and (warning := faces.left_out(roomy, face, to_file=np.asarray)):
        warnings.warn(warning, stacklevel=3)
    return face, freespace.walls_around(face, subdivision)


def _check_lengths(walls: Float[np.ndarray, 'wall 2 2']) -> None:
    if not len(walls):
        raise ValueError('walls enclose nothing: there are 0 of them.')
    short = np.flatnonzero((walls[:, 0] == walls[:, 1]).all(-1))
    if len(short):
        raise ValueError(f'walls must be longer than 0 m, but walls {short[:10].tolist()} have zero length.')


def _check_closed(walls: Float[np.ndarray, 'wall 2 2']) -> None:
    """Along closed outlines, as many walls begin at a point as end there."""
    points, starts, ends = planar_graph(walls)
    begin, end = (np.bincount(side, minlength=len(points)) for side in (starts, ends))
    loose = np.flatnonzero(begin != end)
    if len(loose):
        at, hint = points[loose[0]], 'Geometry.from_walls takes segments in any order and direction.'
        raise ValueError(
            f'walls have loose ends: at ({at.real:g}, {at.imag:g}) m {begin[loose[0]]} of them begin and '
            f'{end[loose[0]]} end, and as many should begin as end. {hint}'
        )
    if (enclosed := area(walls)) <= 0:
        raise ValueError(f'walls enclose nothing: the area to their left is {enclosed:g} m², and should be above 0.')


def _check_facing(walls: Float[np.ndarray, 'wall 2 2']) -> None:
    """At a point just to the left of each wall the walls should wind around once: it's free space, and no other's."""
    steps = walls[:, 1] - walls[:, 0]
    left = np.stack([-steps[:, 1], steps[:, 0]], axis=1) / np.hypot(*steps.T)[:, None]
    points = walls[:, 0] + 0.382 * steps + JOIN * left  # off the middle, where maps are often symmetrical
    wrong = np.flatnonzero(windings(points, walls) != 1)
    if len(wrong):
        raise ValueError(
            f'walls must have free space to their left and not overlap, but walls {wrong[:10].tolist()} do not. '
            'Geometry.from_walls takes segments in any order and direction.'
        )


def _check_spawns(spawns: Float[np.ndarray, 'spawn 2'], walls: Float[np.ndarray, 'wall 2 2']) -> None:
    if not len(spawns):
        raise ValueError(f'spawns: there is no spawn with {AGENT_RADIUS:.3f} m of clearance; at least 1 is needed.')
    room = np.where(windings(spawns, walls) > 0, clearances(spawns, walls), -np.inf)
    worst = int(room.argmin())
    if room[worst] < AGENT_RADIUS:
        where = f'has {room[worst]:.3f} m of clearance' if np.isfinite(room[worst]) else 'lies outside the free space'
        raise ValueError(f'spawns need {AGENT_RADIUS:.3f} m of clearance, but spawn {worst} {where}.')


def _checked_geodesics(
    geodesics: ArrayLike, spawns: Float[np.ndarray, 'spawn 2']
) -> Float32[np.ndarray, 'spawn spawn']:
    """A copy of ``geodesics`` that can't be written to, if they may be the lengths of paths between the spawns."""
    lengths = np.array(geodesics, dtype=np.float32)
    wanted = (len(spawns), len(spawns))
    if lengths.shape != wanted:
        raise ValueError(f'geodesics must have shape {wanted}, a row and a column a spawn, got {lengths.shape}.')
    if lengths.diagonal().any():
        raise ValueError(f'geodesics must be 0 m from a spawn to itself, got {lengths.diagonal().max()} m.')
    straight = np.hypot(*(spawns[:, None] - spawns).transpose(2, 0, 1))
    for wrong, rule in (
        (lengths != lengths.T, 'symmetric'),
        (~(lengths >= straight * ROUNDED), 'no shorter than a line'),
    ):
        if wrong.any():
            i, j = np.argwhere(wrong)[0].tolist()
            raise ValueError(
                f'geodesics must be {rule}, but from spawn {i} to spawn {j} it is {lengths[i, j]} m, back '
                f'{lengths[j, i]} m, and straight {straight[i, j]:.6g} m.'
            )
    return _frozen(lengths)
