"""Groups of the buffers that kernels read, and the device that they are on. The twin is `megastep.numba.buffers`.

A group is a named tuple, which Triton takes as one argument. Beside those here a kernel is given its constants as one,
`SIZES`, where the twin asks its arrays for their shapes.
"""

from functools import wraps
from typing import NamedTuple
from weakref import WeakKeyDictionary

import torch

OUTER = 1.01
"""Times an outline's girth: in this distance of an agent's middle any point of it is found, rounding included."""


class Maps(NamedTuple):
    """A scenery's buffers. Map m's walls begin at number ``wall_starts[m]`` and are ``wall_widths[m]``, and so on.

    A pair of float32 or int32 numbers is read as one word: of a wall each end, of a texel's range its two numbers. So
    are the four bytes of a texel, its colour and above that its light.
    """

    walls: torch.Tensor
    wall_starts: torch.Tensor
    wall_widths: torch.Tensor
    boxed_walls: torch.Tensor  # the walls in the order of their boxes
    numbers: torch.Tensor  # each of those's among its map's walls
    boxes: torch.Tensor  # bounding volumes: one around every few walls
    box_starts: torch.Tensor
    grids: torch.Tensor  # cell lists: each map's corner and cells a metre
    shapes: torch.Tensor
    firsts: torch.Tensor
    first_starts: torch.Tensor
    near_numbers: torch.Tensor  # the lists: numbers in the order of the boxes
    number_starts: torch.Tensor
    furthest: float  # moves up to this long have their walls listed
    lights: torch.Tensor
    light_starts: torch.Tensor
    light_widths: torch.Tensor
    texels: torch.Tensor
    texel_starts: torch.Tensor
    surface: torch.Tensor
    outline: torch.Tensor
    outline_albedo: torch.Tensor
    girth: float  # no point of an outline is further from its middle


class VisibleWalls(NamedTuple):
    """A scenery's potentially visible sets. Map m's lists are those from ``first_starts[m]`` on.

    Beside them are the lists of lights that may fall on agents: None where no light on agents is wanted.
    """

    grids: torch.Tensor  # each map's corner and cells a metre
    shapes: torch.Tensor
    extents: torch.Tensor  # the part of each cell that its list is for: a byte for each of its sides
    firsts: torch.Tensor
    first_starts: torch.Tensor
    places: torch.Tensor  # the lists: places in the order of the boxes
    place_starts: torch.Tensor
    texels: torch.Tensor  # of walls in that order: a word's two numbers
    lit_firsts: torch.Tensor | None  # for each cell the first of its pairs in its map's lists
    lit_pairs: torch.Tensor | None  # a word of two numbers: a light's, and above it a wall's that may hide it, plus 1
    lit_shift: int | None  # so many bits of it are the light's
    lit_starts: torch.Tensor | None


class Agents(NamedTuple):
    """A core's state."""

    map_ids: torch.Tensor
    positions: torch.Tensor
    velocities: torch.Tensor
    angles: torch.Tensor
    angular_velocities: torch.Tensor


class Markers(NamedTuple):
    """A core's markers."""

    positions: torch.Tensor
    radii: torch.Tensor
    colours: torch.Tensor | None
    visible: torch.Tensor
    first_line: int  # the number of an env's first marker among its lines


class Rows(NamedTuple):
    """A ragged array: row i is ``vals[starts[i]:starts[i] + widths[i]]``."""

    vals: torch.Tensor
    starts: torch.Tensor
    widths: torch.Tensor


SEEN = (
    'walls', 'lights', 'light_starts', 'light_widths', 'texels', 'texel_starts', 'surface', 'outline_albedo', 'girth',
)  # fmt: skip
"""What light and colours are made of, and moves aren't."""
TOUCHED = ('grids', 'shapes', 'firsts', 'first_starts', 'near_numbers', 'number_starts', 'furthest')
"""What moves alone take."""

_MAPS: WeakKeyDictionary = WeakKeyDictionary()
"""What has been gathered of each scenery that is still there: that takes a third as long as a launch."""
_VISIBLE: WeakKeyDictionary = WeakKeyDictionary()
"""Its potentially visible sets, which are built when a camera first looks, with light on agents and without."""


def maps(scenery, *, seen: bool = True) -> Maps:
    """The buffers of a `megastep.Scenery` that light and colours take if it is ``seen``, else those that moves take.

    The others are None: a launch takes 0.3 µs longer for each tensor that it is given in vain.
    """
    found = _MAPS.get(scenery)
    if found is None:
        everything = _gathered(scenery)._asdict()
        found = _MAPS[scenery] = tuple(Maps(**{**everything, **dict.fromkeys(names)}) for names in (SEEN, TOUCHED))
    return found[seen]


def _gathered(scenery) -> Maps:
    walls, bounds, near = scenery.walls, scenery.wall_boxes, scenery.near_walls
    lights, surface = scenery.lights, scenery.surface
    return Maps(
        walls=walls.vals.view(torch.int64),
        wall_starts=walls.starts,
        wall_widths=walls.widths,
        boxed_walls=bounds.walls.view(torch.int64),
        numbers=bounds.numbers,
        boxes=bounds.boxes.vals,
        box_starts=bounds.boxes.starts,
        grids=near.grids,
        shapes=near.shapes,
        firsts=near.firsts.vals,
        first_starts=near.firsts.starts,
        near_numbers=near.numbers.vals,
        number_starts=near.numbers.starts,
        furthest=near.furthest,
        lights=lights.vals,
        light_starts=lights.starts,
        light_widths=lights.widths,
        texels=scenery.texels.view(torch.int64),
        texel_starts=surface.starts,
        surface=surface.vals.view(torch.int32),
        outline=scenery.outline,
        outline_albedo=scenery.outline_albedo,
        girth=OUTER * scenery.girth,
    )


def visible_walls(scenery, *, lit: bool = False) -> VisibleWalls:
    """The potentially visible sets of a `megastep.Scenery`, with the lists for light on agents if that is ``lit``."""
    found = _VISIBLE.setdefault(scenery, {})
    if lit not in found:
        sets = _gathered_visible(scenery)
        found[lit] = _with_lights(sets, scenery) if lit else sets
    return found[lit]


def _gathered_visible(scenery) -> VisibleWalls:
    walls, sets = scenery.walls, scenery.visible_walls
    starts = torch.repeat_interleave(walls.starts, walls.widths.long())
    return VisibleWalls(
        grids=sets.grids,
        shapes=sets.shapes,
        extents=sets.extents.vals.view(torch.int32),
        firsts=sets.firsts.vals,
        first_starts=sets.firsts.starts,
        places=sets.numbers.vals,
        place_starts=sets.numbers.starts,
        texels=scenery.texels[starts + scenery.wall_boxes.numbers].view(torch.int64),
        lit_firsts=None,
        lit_pairs=None,
        lit_shift=None,
        lit_starts=None,
    )


def _with_lights(sets: VisibleWalls, scenery) -> VisibleWalls:
    lists = scenery.visible_lights
    return sets._replace(
        lit_firsts=lists.firsts.vals,
        lit_pairs=lists.words.vals,
        lit_shift=lists.shift,
        lit_starts=lists.words.starts,
    )


def agents(core) -> Agents:
    """The state of a `megastep.Core`."""
    a = core.agents
    return Agents(core.map_ids, a.positions, a.velocities, a.angles, a.angular_velocities)


def markers(core) -> Markers | None:
    """The markers of a `megastep.Core`; None if it has none, so that a launch takes no longer."""
    m = core.markers
    return Markers(m.positions, m.radii, m.colours, m.visible, core.first_marker_line) if core.num_markers else None


def solid_markers(core) -> Markers | None:
    """The markers that agents collide with, but for what they don't take of them; None if there are none."""
    found = markers(core) if core.solid else None
    return None if found is None else found._replace(colours=None)


def rows(ragged) -> Rows:
    """The buffers of a `megastep.Ragged`."""
    return Rows(ragged.vals, ragged.starts, ragged.widths)


def multiprocessors(device):
    """The number of a GPU's multiprocessors; 1 where kernels are interpreted."""
    return torch.cuda.get_device_properties(device).multi_processor_count if device.type == 'cuda' else 1


def device_guard(launch):
    """Device guard: makes a launch run on the device of its first argument, which has a ``device``.

    Triton itself takes the current one, whatever it is given.
    """

    @wraps(launch)
    def guarded(first, *args, **kwargs):
        if first.device.type != 'cuda':  # interpreted
            return launch(first, *args, **kwargs)
        with torch.cuda.device(first.device):
            return launch(first, *args, **kwargs)

    return guarded
