"""The last step of generation: from a plan to a floorplan in metres, with lights and spawns."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int

from megastep.mapgen.finishing.lights import place_lights
from megastep.mapgen.finishing.spawns import place_spawns
from megastep.mapgen.finishing.survey import survey
from megastep.mapgen.geometry.raster import edges
from megastep.mapgen.plan import MILLIMETRES_PER_METRE, Plan
from megastep.mapgen.rng import Rng
from megastep.maps.geometry import Geometry, Room

LEAST_COORDINATE = 1000
"""The least x and the least y of any wall, in millimetres."""


def finish(plan: Plan, rng: Rng) -> Geometry:
    """The floorplan of a plan: lights hung, spawns found, and moved to where its coordinates are above zero.

    What it gives is as good as the plan: `certify` checks all that `Geometry` itself would, and more.

    Args:
        plan: Free space and rooms, wherever its origin is.
        rng: The generator that the spawns' own is forked from.

    Raises:
        ValueError: if a room has no place for a spawn.
    """
    walls = edges(plan.rings)
    surveyed = survey(plan, walls)
    shift = LEAST_COORDINATE - walls[:, 0].min(axis=0)
    lights = place_lights(surveyed, plan.symmetry) + shift
    spawns = place_spawns(surveyed, rng.fork('spawns'), symmetry=plan.symmetry) + shift
    return Geometry.unchecked(
        walls=_metres(walls + shift),
        spawns=_metres(spawns),
        lights=_metres(np.concatenate([lights, np.full((len(lights), 1), MILLIMETRES_PER_METRE)], axis=1)),
        doors=_metres(np.array(plan.doors, dtype=np.int64).reshape(-1, 2, 2) + shift),
        rooms=[
            Room(_metres(ring + shift), room.kind) for room, ring in zip(plan.rooms, surveyed.outlines, strict=True)
        ],
    )


def _metres(millimetres: Int[np.ndarray, '*size']) -> Float[np.ndarray, '*size']:
    """Lengths in metres, which can't be written to."""
    metres = millimetres / MILLIMETRES_PER_METRE
    metres.setflags(write=False)
    return metres
