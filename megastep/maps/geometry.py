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

from megastep.maps import faces, freespace, geometry_checks, picture
from megastep.maps.segments import area, join
from megastep.maps.words import counted

AGENT_RADIUS = 0.15 / math.sqrt(2)
"""An agent is a disc of this radius, in metres, to the walls and to the other agents."""

MARGIN = 0.05
"""Room to spare, in metres: an agent this much wider than it is could still go everywhere in a generated map."""

DOOR_REACH = 0.25
"""The distance from the middle of a door, in metres, within which the two rooms lie that it joins."""


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
            object.__setattr__(self, name, geometry_checks.checked_array(getattr(self, name), name, shape))
        object.__setattr__(self, 'rooms', _checked_rooms(self.rooms))
        object.__setattr__(self, 'walls', geometry_checks.frozen(join(self.walls, within=geometry_checks.JOIN)))
        geometry_checks.check_lengths(self.walls)
        geometry_checks.check_closed(self.walls)
        geometry_checks.check_facing(self.walls)
        geometry_checks.check_spawns(self.spawns, self.walls, AGENT_RADIUS)
        if self.geodesics is not None:
            object.__setattr__(self, 'geodesics', geometry_checks.checked_geodesics(self.geodesics, self.spawns))

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
        walls = geometry_checks.checked_array(walls, 'walls', (2, 2))
        known = _checked_rooms(rooms)
        geometry_checks.check_lengths(walls)
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
        counts = (counted(len(getattr(self, f'{noun}s')), noun) for noun in ('wall', 'room', 'door', 'light', 'spawn'))
        return f'Geometry({", ".join(counts)}, {self.area:.1f} m²)'

    def _repr_svg_(self) -> str:
        rooms = [(room.outline, room.kind) for room in self.rooms]
        return picture.draw(walls=self.walls, spawns=self.spawns, lights=self.lights, doors=self.doors, rooms=rooms)


def _checked_rooms(rooms: Sequence[Room | np.ndarray]) -> tuple[Room, ...]:
    named = [room if isinstance(room, Room) else Room(room) for room in rooms]
    return tuple(_checked_room(room, i) for i, room in enumerate(named))


def _checked_room(room: Room, i: int) -> Room:
    outline = geometry_checks.checked_array(room.outline, f'room {i}', (2,))
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
