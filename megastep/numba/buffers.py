"""The tensors the kernels read, as NumPy arrays with names. Nothing is copied."""

from typing import NamedTuple

import numpy as np


class Maps(NamedTuple):
    """A scenery's buffers. Map m's walls are ``walls[wall_starts[m]:wall_starts[m] + wall_widths[m]]``, and so on."""

    walls: np.ndarray
    wall_starts: np.ndarray
    wall_widths: np.ndarray
    boxes: np.ndarray
    box_starts: np.ndarray
    box_widths: np.ndarray
    group: int  # how many walls share a box
    lights: np.ndarray
    light_starts: np.ndarray
    light_widths: np.ndarray
    texels: np.ndarray
    texel_starts: np.ndarray
    albedo: np.ndarray
    light: np.ndarray
    outline: np.ndarray
    outline_albedo: np.ndarray


class Agents(NamedTuple):
    """A core's state."""

    map_ids: np.ndarray
    positions: np.ndarray
    velocities: np.ndarray
    angles: np.ndarray
    angular_velocities: np.ndarray


def maps(scenery) -> Maps:
    """Returns the buffers of a `megastep.Scenery` on the CPU."""
    walls, boxes, lights, albedo = scenery.walls, scenery.boxes, scenery.lights, scenery.albedo
    tensors = (
        walls.vals, walls.starts, walls.widths, boxes.vals, boxes.starts, boxes.widths,
        lights.vals, lights.starts, lights.widths,
        scenery.texels, albedo.starts, albedo.vals, scenery.light, scenery.outline, scenery.outline_albedo,
    )  # fmt: skip
    arrays = [tensor.numpy() for tensor in tensors]
    return Maps(*arrays[:6], scenery.walls_per_box, *arrays[6:])


def agents(core) -> Agents:
    """Returns the state of a `megastep.Core` on the CPU."""
    a = core.agents
    tensors = (core.map_ids, a.positions, a.velocities, a.angles, a.angular_velocities)
    return Agents(*(tensor.numpy() for tensor in tensors))
