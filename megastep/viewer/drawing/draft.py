"""Drafts: floorplans that are made of sketches, as far as they are ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import shapely
from jaxtyping import Float

from megastep.maps.formats.building import build
from megastep.maps.formats.drawing import Drawing
from megastep.maps.geometry import Geometry, Room
from megastep.viewer.archive import Archive
from megastep.viewer.document import floorplan_document
from megastep.viewer.drawing.flaws import Flaw, Opened, flaws_of, open_doors
from megastep.viewer.drawing.sketch import Sketch
from megastep.viewer.floorplan import take_floorplan
from megastep.world.scenery import Scenery

DIGITS = 6
"""Coordinates are kept to the micrometre: as finely as the walls' ends are told apart."""


@dataclass(frozen=True, eq=False)
class Draft:
    """Draft of a floorplan, made of a sketch.

    Args:
        geometry: The floorplan; None if the sketch is none.
        flaws: What is wrong with the sketch, or may not be meant.
        shift: The geometry's coordinates are the sketch's, plus these, in metres.
        shown: The floorplan that is to be seen: the geometry or, if there is none, what it would be without the spawns
            and doors that are wrong; None if it wouldn't be one either.
    """

    geometry: Geometry | None
    flaws: Sequence[Flaw]
    shift: Float[np.ndarray, ' 2']
    shown: Geometry | None

    @classmethod
    def of(cls, sketch: Sketch) -> Draft:
        """Makes a floorplan of a sketch, or finds why it is none.

        The floorplan stands where it was drawn if all of it has coordinates above 0, else it begins at 1 m.
        """
        try:
            opened = open_doors(sketch)
            flaws = flaws_of(sketch, opened)
            if any(flaw.grave for flaw in flaws):
                return cls(None, flaws, *_likely(sketch, opened))
            geometry, shift = _built(sketch, opened)
            return cls(geometry, flaws, shift, geometry)
        except (ValueError, shapely.GEOSException) as error:
            return cls(None, [Flaw(_sentence(str(error)))], np.zeros(2), None)

    def json(self) -> dict[str, Any]:
        """The draft as a page has it: its flaws, numbers, and the floorplan in its light."""
        flaws = [flaw.json() for flaw in self.flaws]
        if self.shown is None:
            return {'flaws': flaws, 'plan': None, 'valid': False}
        archive, scenery = Archive(), Scenery.pack([self.shown], 1, 'cpu')
        plan = floorplan_document(take_floorplan(scenery, 0, self.shown), archive)
        counts = {name: len(getattr(self.shown, name)) for name in ('walls', 'rooms', 'doors', 'lights', 'spawns')}
        return {
            'flaws': flaws,
            'valid': self.geometry is not None,
            'plan': {**plan, 'archive': archive.json()},
            'shift': self.shift.tolist(),
            'numbers': {'area': round(self.shown.area, 2), **counts},
            'spawns': np.round(self.shown.spawns, 3).tolist(),
        }


def _likely(sketch: Sketch, opened: Opened) -> tuple[Float[np.ndarray, ' 2'], Geometry | None]:
    """The floorplan that a sketch would be without its spawns and the doors that couldn't be opened, and its shift."""
    try:
        geometry, shift = _built(replace(sketch, spawns=np.empty((0, 2))), opened)
    except (ValueError, shapely.GEOSException):
        return np.zeros(2), None
    return shift, geometry


def _built(sketch: Sketch, opened: Opened) -> tuple[Geometry, Float[np.ndarray, ' 2']]:
    drawing = Drawing(
        opened.segments,
        starts=sketch.spawns,
        rooms=sketch.rooms,
        doors=opened.doors,
        lights=sketch.lights,
        spread=not len(sketch.spawns),
    )
    imported = build(drawing)
    return placed(imported.geometry, np.array(imported.notes['shift']))


def placed(geometry: Geometry, shift: Float[np.ndarray, ' 2']) -> tuple[Geometry, Float[np.ndarray, ' 2']]:
    """Moves a floorplan back to where it was drawn, if it may stand there."""
    if (np.array(geometry.bounds[:2]) - shift <= 0).any():
        return geometry, shift
    at = lambda points: np.round(points - shift, DIGITS)  # noqa: E731
    lights = np.concatenate([at(geometry.lights[:, :2]), geometry.lights[:, 2:]], axis=1)
    rooms = [Room(at(room.outline), room.kind) for room in geometry.rooms]
    moved = replace(
        geometry,
        walls=at(geometry.walls),
        spawns=at(geometry.spawns),
        doors=at(geometry.doors),
        lights=lights,
        rooms=rooms,
    )
    return moved, np.zeros(2)


def _sentence(message: str) -> str:
    return message[:1].upper() + message[1:]
