"""From clear floor on the lattice to a floorplan in metres."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from megastep.geometry import Geometry, Room
from megastep.mapgen.lattice import PER_METRE, Point, Rect, Stretch, opening, rings
from megastep.mapgen.lights import place_lights
from megastep.mapgen.spawns import place_spawns
from megastep.mapgen.words import Words

MARGIN = PER_METRE
"""The least x and the least y of any wall."""


class Space(NamedTuple):
    """A room: what it is for, and the rectangles its clear floor is made of."""

    kind: str
    floor: tuple[Rect, ...]


def assemble(spaces: Sequence[Space], words: Words, *, doors: Sequence[Stretch] = (), wall: int = 0) -> Geometry:
    """Makes a floorplan of rooms, and of the doors that join them through the walls.

    Args:
        spaces: The rooms, in lattice units. They don't overlap.
        words: What the spawns' own words are forked from.
        doors: The stretches of wall to take out.
        wall: How thick the walls are, in lattice units.
    """
    floors = [space.floor for space in spaces]
    outlines = rings([*(rect for floor in floors for rect in floor), *(opening(door, wall) for door in doors)])
    shift = MARGIN - np.concatenate([np.array(ring) for ring in outlines]).min(axis=0)
    lights = (np.array(place_lights(floors)) + shift) / PER_METRE
    return Geometry(
        walls=np.concatenate([_walls(ring, shift) for ring in outlines]),
        spawns=(np.array(place_spawns(floors, words.fork('spawns'))) + shift) / PER_METRE,
        lights=np.concatenate([lights, np.ones((len(lights), 1))], axis=1),
        doors=(np.array([_twice(door, wall) for door in doors]).reshape(-1, 2, 2) + 2 * shift) / (2 * PER_METRE),
        rooms=[Room((np.array(_outline(space.floor)) + shift) / PER_METRE, space.kind) for space in spaces],
    )


def _walls(ring: list[Point], shift: Int[np.ndarray, ' 2']) -> Float[np.ndarray, 'wall 2 2']:
    corners = np.array(ring) + shift
    return np.stack([corners, np.roll(corners, -1, axis=0)], axis=1) / PER_METRE


def _outline(floor: tuple[Rect, ...]) -> list[Point]:
    """A room's outer corners."""
    if len(floor) > 1:
        return rings(floor)[0]
    left, bottom, right, top = floor[0]
    return [(left, bottom), (right, bottom), (right, top), (left, top)]


def _twice(door: Stretch, wall: int) -> tuple[Point, Point]:
    """Twice the ends of a door's centre line, which are whole."""
    middle, low, high = 2 * door.at + wall, 2 * door.low, 2 * door.high
    return ((middle, low), (middle, high)) if door.upright else ((low, middle), (high, middle))
