"""Groups of the buffers that kernels read: tensors as NumPy arrays, uncopied. The twin is `megastep.triton.buffers`."""

from typing import NamedTuple
from weakref import WeakKeyDictionary

import numpy as np
import torch


class Maps(NamedTuple):
    """A scenery's buffers. Map m's walls are ``walls[wall_starts[m]:wall_starts[m] + wall_widths[m]]``, and so on."""

    walls: np.ndarray
    wall_starts: np.ndarray
    wall_widths: np.ndarray
    boxed_walls: np.ndarray  # the walls in the order of their boxes
    numbers: np.ndarray  # each of those's among its map's walls
    boxes: np.ndarray  # bounding volumes: one around every few walls
    box_starts: np.ndarray
    box_widths: np.ndarray
    grids: np.ndarray  # cell lists: each map's corner and cells a metre
    shapes: np.ndarray
    firsts: np.ndarray
    first_starts: np.ndarray
    near_numbers: np.ndarray  # the lists: numbers in the order of the boxes
    number_starts: np.ndarray
    furthest: np.float32  # moves up to this long have their walls listed
    lights: np.ndarray
    light_starts: np.ndarray
    light_widths: np.ndarray
    texels: np.ndarray
    texel_starts: np.ndarray
    surface: np.ndarray  # texels, a word each: its last byte is the light, the others the colour
    outline: np.ndarray
    outline_albedo: np.ndarray
    walls_per_box: int
    most_walls: int  # a map's


class Agents(NamedTuple):
    """A core's state."""

    map_ids: np.ndarray
    positions: np.ndarray
    velocities: np.ndarray
    angles: np.ndarray
    angular_velocities: np.ndarray


class Markers(NamedTuple):
    """A core's markers."""

    positions: np.ndarray
    radii: np.ndarray
    colours: np.ndarray
    visible: np.ndarray
    first_line: int  # the number of an env's first marker among its lines


class Rows(NamedTuple):
    """A ragged array: row i is ``vals[starts[i]:starts[i] + widths[i]]``."""

    vals: np.ndarray
    starts: np.ndarray
    widths: np.ndarray


SEEN = ('walls', 'lights', 'light_starts', 'light_widths', 'texels', 'texel_starts', 'surface', 'outline_albedo')
"""What light and colours are made of, and moves aren't."""
TOUCHED = (
    'boxed_walls', 'numbers', 'boxes', 'box_starts', 'box_widths', 'grids', 'shapes', 'firsts', 'first_starts',
    'near_numbers', 'number_starts', 'furthest', 'walls_per_box',
)  # fmt: skip
"""What moves alone take."""

_MAPS: WeakKeyDictionary = WeakKeyDictionary()
"""What has been gathered of each scenery that is still there: it takes as long as a hundred moves."""


def maps(scenery, *, seen: bool = True) -> Maps:
    """The buffers of a `megastep.Scenery` on the CPU that light and colours take if it is ``seen``, else moves.

    The others are None: every function that is given an array takes longer to compile for it.
    """
    found = _MAPS.get(scenery)
    if found is None:
        everything = _gathered(scenery)._asdict()
        left_out = (dict.fromkeys(names) for names in (SEEN, TOUCHED))
        found = _MAPS[scenery] = tuple(Maps(**{**everything, **none}) for none in left_out)
    return found[seen]


def _gathered(scenery) -> Maps:
    walls, bounds, near = scenery.walls, scenery.wall_boxes, scenery.near_walls
    lights, surface = scenery.lights, scenery.surface
    return Maps(
        walls=walls.vals.numpy(),
        wall_starts=walls.starts.numpy(),
        wall_widths=walls.widths.numpy(),
        boxed_walls=bounds.walls.numpy(),
        numbers=bounds.numbers.numpy(),
        boxes=bounds.boxes.vals.numpy(),
        box_starts=bounds.boxes.starts.numpy(),
        box_widths=bounds.boxes.widths.numpy(),
        grids=near.grids.numpy(),
        shapes=near.shapes.numpy(),
        firsts=near.firsts.vals.numpy(),
        first_starts=near.firsts.starts.numpy(),
        near_numbers=near.numbers.vals.numpy(),
        number_starts=near.numbers.starts.numpy(),
        furthest=np.float32(near.furthest),
        lights=lights.vals.numpy(),
        light_starts=lights.starts.numpy(),
        light_widths=lights.widths.numpy(),
        texels=scenery.texels.numpy(),
        texel_starts=surface.starts.numpy(),
        surface=surface.vals.view(torch.int32).view(-1).numpy(),
        outline=scenery.outline.numpy(),
        outline_albedo=scenery.outline_albedo.numpy(),
        walls_per_box=scenery.walls_per_box,
        most_walls=scenery.most_walls,
    )


def agents(core) -> Agents:
    """Returns the state of a `megastep.Core` on the CPU."""
    a = core.agents
    tensors = (core.map_ids, a.positions, a.velocities, a.angles, a.angular_velocities)
    return Agents(*(tensor.numpy() for tensor in tensors))


def markers(core) -> Markers:
    """Returns the markers of a `megastep.Core` on the CPU."""
    m = core.markers
    positions, radii, colours, visible = (tensor.numpy() for tensor in (m.positions, m.radii, m.colours, m.visible))
    return Markers(positions, radii, colours, visible, core.first_marker_line)


def solid_markers(core) -> Markers:
    """Returns the markers that agents collide with: all or none."""
    if core.solid:
        return markers(core)
    none = np.empty((core.num_envs, 0), np.float32)
    return Markers(none[:, :, None].repeat(2, 2), none, none[:, :, None].repeat(3, 2), none > 0, core.first_marker_line)


def rows(ragged) -> Rows:
    """Returns the buffers of a `megastep.Ragged` on the CPU."""
    return Rows(ragged.vals.numpy(), ragged.starts.numpy(), ragged.widths.numpy())
