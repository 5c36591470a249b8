"""Drawings: floorplans as files draw them, before it is known which face is meant, and maps as they are imported."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

from megastep.maps.frame import Frame
from megastep.maps.geometry import Geometry, Room

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


def moved(drawing: Drawing, by: Float[np.ndarray, ' axis']) -> Drawing:
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
