"""Sketch: a floorplan as a person draws it, which need not be one yet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from numbers import Real
from typing import Any

import numpy as np
from jaxtyping import Float

from megastep.maps.geometry import Geometry, Room
from megastep.maps.segments import backwards, thin

MOST = 10_000
"""The number of things of each sort, at most."""

FURTHEST = 10_000.0
"""The largest coordinate, in metres."""

SHAPES: Mapping[str, tuple[int, ...]] = {'walls': (2, 2), 'doors': (2, 2), 'lights': (3,), 'spawns': (2,)}
"""The shape of each thing of a sort that is kept as numbers."""


@dataclass(frozen=True, eq=False)
class Sketch:
    """Sketch of a floorplan: segments in any order and direction, and what else was drawn. Lengths are metres.

    Args:
        walls: The walls, as segments.
        doors: The doors, from jamb to jamb: walls that run across one are cut.
        lights: Each light's x, y and intensity; without any, each room gets one.
        spawns: Where agents may start; without any, they may everywhere.
        rooms: The rooms that are named.

    Raises:
        ValueError: if a shape is wrong, a number isn't finite or too large, an intensity is below 0, a wall or a door
            has no length, a room has fewer than 3 corners or no text for its kind, or there are too many of a sort.
    """

    walls: Float[np.ndarray, 'wall 2 2'] = field(default_factory=lambda: np.empty((0, 2, 2)))
    doors: Float[np.ndarray, 'door 2 2'] = field(default_factory=lambda: np.empty((0, 2, 2)))
    lights: Float[np.ndarray, 'light 3'] = field(default_factory=lambda: np.empty((0, 3)))
    spawns: Float[np.ndarray, 'spawn 2'] = field(default_factory=lambda: np.empty((0, 2)))
    rooms: Sequence[Room] = ()

    def __post_init__(self) -> None:
        for name, shape in SHAPES.items():
            object.__setattr__(self, name, _numbers(name, getattr(self, name), shape))
        for name in ('walls', 'doors'):
            short = np.flatnonzero((getattr(self, name)[:, 0] == getattr(self, name)[:, 1]).all(-1))
            if len(short):
                raise ValueError(f'{name} must be longer than 0 m, got 0 m for number {short[0]}.')
        if (self.lights[:, 2] < 0).any():
            raise ValueError(f'lights must have intensities of at least 0, got {self.lights[:, 2].min()}.')
        if not isinstance(self.rooms, Sequence):
            raise ValueError(f'rooms must be a list of rooms, got {self.rooms!r}.')  # noqa: TRY004, as for other values
        if len(self.rooms) > MOST:
            raise ValueError(f'rooms must be at most {MOST:,}, got {len(self.rooms):,}.')
        object.__setattr__(self, 'rooms', tuple(map(_checked_room, range(len(self.rooms)), self.rooms)))

    @classmethod
    def of(cls, geometry: Geometry) -> Sketch:
        """The sketch that a floorplan may have been made of. Its spawns are left out: they are found anew."""
        walls = geometry.walls
        walls = walls[~(thin(walls) & backwards(walls))]  # one of two that are seen from both sides
        return cls(walls=walls, doors=geometry.doors, lights=geometry.lights, rooms=geometry.rooms)

    @classmethod
    def parse(cls, document: Mapping[str, Any]) -> Sketch:
        """Reads a sketch from what JSON holds of it: see `json`.

        Raises:
            ValueError: if it is none, or holds something unknown.
        """
        if not isinstance(document, Mapping):
            raise ValueError(f'a sketch must be an object, got {type(document).__name__}.')  # noqa: TRY004
        if unknown := sorted(set(document) - {*SHAPES, 'rooms'}):
            raise ValueError(f'a sketch may hold {", ".join((*SHAPES, "rooms"))}, got {unknown[0]!r}.')
        rooms = document.get('rooms', ())
        if not isinstance(rooms, Sequence) or not all(isinstance(room, Mapping) for room in rooms):
            raise ValueError('rooms must be a list of objects with an outline and a kind.')
        return cls(
            **{name: document[name] for name in SHAPES if name in document},
            rooms=[Room(room.get('outline'), room.get('kind', 'room')) for room in rooms],
        )

    def json(self) -> dict[str, Any]:
        """The sketch as a page has it, to the micrometre."""
        rooms = [{'kind': room.kind, 'outline': np.round(room.outline, 6).tolist()} for room in self.rooms]
        return {**{name: np.round(getattr(self, name), 6).tolist() for name in SHAPES}, 'rooms': rooms}


def _numbers(name: str, values: Any, shape: tuple[int, ...]) -> Float[np.ndarray, 'row ...']:
    wanted = f'{name} must be numbers of shape ({", ".join(map(str, ("n", *shape)))})'
    odd = [value for value in _leaves(values) if isinstance(value, bool) or not isinstance(value, Real)]
    if odd:
        raise ValueError(f'{wanted}, got {odd[0]!r}.')
    try:
        array = np.array(values, dtype=np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError(f'{wanted}: {error}.') from error
    array = array.reshape(-1, *shape) if array.size == 0 else array
    if array.shape[1:] != shape:
        raise ValueError(f'{wanted}, got {array.shape}.')
    if len(array) > MOST:
        raise ValueError(f'{name} must be at most {MOST:,}, got {len(array):,}.')
    bad = ~(np.abs(array) <= FURTHEST)  # of a NaN it isn't true
    if bad.any():
        raise ValueError(f'{name} must be finite and up to {FURTHEST:,.0f} m from the origin, got {array[bad][0]}.')
    array.setflags(write=False)
    return array


def _leaves(values: Any) -> Iterator[Any]:
    """Values in lists of lists. Arrays, which hold numbers alone, are left out."""
    for value in values if isinstance(values, (list, tuple)) else ():
        if isinstance(value, (list, tuple)):
            yield from _leaves(value)
        elif not isinstance(value, np.ndarray):
            yield value


def _checked_room(number: int, room: Room) -> Room:
    outline = _numbers(f'the corners of room {number}', room.outline, (2,))
    if len(outline) < 3:
        raise ValueError(f'room {number} must have at least 3 corners, got {len(outline)}.')
    if not isinstance(room.kind, str):
        raise ValueError(f'room {number} must have text for its kind, got {room.kind!r}.')  # noqa: TRY004
    return Room(outline, room.kind)
