"""Floorplans of a replay: what stands still in it, as arrays off the device."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int, UInt8

from megastep.maps.geometry import Geometry, Room
from megastep.maps.mapset import MapSet, listed
from megastep.viewer.encoding import encoded
from megastep.world.scenery import Scenery


@dataclass(frozen=True, eq=False)
class Floorplan:
    """Floorplan in the light that falls on it.

    Args:
        map_id: The map's number.
        walls: Its walls, in metres, free space to the left of each.
        texel_counts: How many texels each wall has.
        texel_colours: How each texel looks face on, gamma-encoded.
        lights: Each light's x, y and intensity.
        rooms: Its rooms, if they are known.
        doors: Its doors, if they are known.
    """

    map_id: int
    walls: Float[np.ndarray, 'wall 2 2']
    texel_counts: Int[np.ndarray, ' wall']
    texel_colours: UInt8[np.ndarray, 'texel 3']
    lights: Float[np.ndarray, 'light 3']
    rooms: Sequence[Room] = ()
    doors: Float[np.ndarray, 'door 2 2'] | None = None


def take_floorplan(scenery: Scenery, map_id: int, geometry: Geometry | None = None) -> Floorplan:
    """Copies one map off the device.

    Args:
        scenery: The maps.
        map_id: Which of them.
        geometry: The map that was packed, which knows its rooms and doors.
    """
    first_wall, first = int(scenery.walls.starts[map_id]), int(scenery.albedo.starts[map_id])
    albedo, walls = scenery.albedo[map_id], scenery.walls[map_id]
    light = scenery.light[first : first + len(albedo)].to(torch.float32) / 255
    return Floorplan(
        map_id=map_id,
        walls=walls.cpu().numpy(),
        texel_counts=scenery.texels[first_wall : first_wall + len(walls), 1].cpu().numpy(),
        texel_colours=encoded(albedo.to(torch.float32) / 255 * light[:, None]).cpu().numpy(),
        lights=scenery.lights[map_id].cpu().numpy(),
        rooms=() if geometry is None else geometry.rooms,
        doors=None if geometry is None else geometry.doors,
    )


def checked_maps(
    maps: MapSet | Geometry | Iterable[Geometry] | None, scenery: Scenery
) -> MapSet | list[Geometry] | None:
    """The maps that a scenery was packed from; one alone is a list of it.

    Raises:
        ValueError: if they are others, as far as their numbers of walls tell, or no maps.
    """
    if maps is None:
        return None
    found = listed(maps)
    counts = [len(geometry.walls) for geometry in found] if isinstance(found, list) else found.walls.widths
    if not np.array_equal(counts, scenery.walls.widths.cpu().numpy()):
        raise ValueError("maps must be those of the env's scenery, got others: they have other numbers of walls.")
    return found
