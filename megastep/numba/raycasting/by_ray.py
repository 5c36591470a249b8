"""Ray casting with supersampling: finds each ray's nearest line, shades it, and takes the mean of each pixel's rays.

The twin is `megastep.triton.raycasting.by_ray`, with `culling` beside it; `by_interval` there sees the same.
"""

from typing import NamedTuple

import numpy as np
from numba import njit

from megastep.numba import buffers
from megastep.numba.constants import DEGREE, KERNEL, LAUNCHED, ONCE, PART, ZERO
from megastep.numba.jit.parallel import in_blocks
from megastep.numba.raycasting.casting import (
    Hits,
    Lines,
    Nearest,
    clear,
    draw_lines,
    locate,
    make_lines,
    make_optics,
    turn_lines,
)
from megastep.numba.raycasting.markers import draw_markers, locate_on_markers
from megastep.numba.raycasting.marking import mark
from megastep.numba.raycasting.shading import shade

ENVS = 16
"""How many envs are rendered as one piece of work."""


class View(NamedTuple):
    """Pictures that are written of each frame. Those that aren't asked for have no elements."""

    rgb: np.ndarray
    depth: np.ndarray
    distances: np.ndarray
    lines: np.ndarray
    locations: np.ndarray
    first_ray: int  # that the last three are of


class Seen(NamedTuple):
    """Visibility bitmaps, and how many of their bits have been set. If they aren't asked for they have no elements."""

    bits: np.ndarray
    found: np.ndarray


class Scratch(NamedTuple):
    """Scratch: what a frame is worked out in."""

    outline: np.ndarray
    lines: Lines
    nearest: Nearest
    hits: Hits
    shades: np.ndarray  # (4, ray), the colours and closeness of what rays meet


@njit(**KERNEL)
def camera_of(agents, e, a, mount):
    """A camera's position in metres and the cosine and sine of its bearing."""
    bearing = agents.angles[e, a] * DEGREE
    cos, sin = np.cos(bearing), np.sin(bearing)
    x = agents.positions[e, a, 0] + cos * mount[0] - sin * mount[1]
    y = agents.positions[e, a, 1] + sin * mount[0] + cos * mount[1]
    return x, y, np.cos(bearing + mount[2] * DEGREE), np.sin(bearing + mount[2] * DEGREE)


@njit(**ONCE)
def draw_agents(maps, agents, e, a, camera, optics, scratch):
    """Draws the outlines of all agents of env e but a itself."""
    x, y, cos, sin = camera
    sides, ends = len(maps.outline), scratch.outline
    for b in range(agents.positions.shape[1]):
        if b == a:
            continue
        bearing = agents.angles[e, b] * DEGREE
        bcos, bsin = np.cos(bearing), np.sin(bearing)
        dx, dy = agents.positions[e, b, 0] - x, agents.positions[e, b, 1] - y
        for k in range(sides):
            for end in range(2):
                sx, sy = maps.outline[k, end, 0], maps.outline[k, end, 1]
                ends[k, end, 0], ends[k, end, 1] = dx + bcos * sx - bsin * sy, dy + bsin * sx + bcos * sy
        turn_lines(ends, b * sides, (ZERO, ZERO, cos, sin), optics, scratch.lines)
        draw_lines(b * sides, (b + 1) * sides, scratch.lines, optics, scratch.nearest)


@njit(**ONCE)
def draw_walls(maps, m, first_line, camera, optics, scratch):
    """Draws a map's walls."""
    start, count = maps.wall_starts[m], maps.wall_widths[m]
    turn_lines(maps.walls[start : start + count], first_line, camera, optics, scratch.lines)
    draw_lines(first_line, first_line + count, scratch.lines, optics, scratch.nearest)


@njit(**ONCE)
def cast(maps, agents, markers, optics, e, a, camera, scratch):
    """Finds what each ray of a frame meets first: draws other agents, markers and walls."""
    first_wall_line = agents.positions.shape[1] * len(maps.outline)
    clear(scratch.nearest)
    draw_agents(maps, agents, e, a, camera, optics, scratch)
    draw_markers(markers, e, camera, optics, scratch.nearest)
    draw_walls(maps, agents.map_ids[e], first_wall_line, camera, optics, scratch)
    locate(scratch.lines, markers.first_line, optics, scratch.nearest, scratch.hits)
    if markers.visible.shape[1]:
        locate_on_markers(markers, e, camera, optics, scratch.nearest, scratch.hits)


@njit(**KERNEL)
def write_rays(view, e, a, c, optics, hits):
    """Writes what some of a frame's rays meet, how far along them, and where on it."""
    for i in range(view.lines.shape[3]):
        r = view.first_ray + i
        view.distances[e, a, c, i] = hits.depths[r] * optics.norms[r]
        view.lines[e, a, c, i] = hits.lines[r]
        view.locations[e, a, c, i] = hits.locations[r]


@njit(**ONCE)
def render_frame(maps, agents, markers, optics, view, seen, e, a, c, scratch):
    """Renders what camera c of agent a of env e sees: casts its optics, shades them, and marks where they end."""
    m, first_wall_line = agents.map_ids[e], agents.positions.shape[1] * len(maps.outline)
    camera, hits = camera_of(agents, e, a, optics.mounts[c]), scratch.hits
    cast(maps, agents, markers, optics, e, a, camera, scratch)
    rgb, depth = view.rgb[e, a, c], view.depth[e, a, c]
    shade(maps, agents, markers, e, camera, optics, scratch.lines, hits, scratch.shades, rgb, depth)
    if view.lines.size:
        write_rays(view, e, a, c, optics, hits)
    if seen.found.size:
        seen.found[e] += mark(maps.texels, maps.wall_starts[m], first_wall_line, markers.first_line, hits, seen.bits[e])


@njit(**PART)
def make_scratch(outline, num_lines, num_rays):
    """Returns scratch for frames."""
    floats, integers = np.empty((7, num_rays), np.float32), np.empty((2, num_rays), np.int32)
    nearest, hits = Nearest(floats[0], integers[0]), Hits(floats[1], integers[1], floats[2])
    return Scratch(np.empty_like(outline), make_lines(num_lines), nearest, hits, floats[3:])


@njit(**PART)
def render_envs(maps, agents, markers, optics, view, seen, first, last):
    """Renders what all cameras of some envs see, frame by frame, in the same scratch."""
    scratch = make_scratch(maps.outline, markers.first_line, len(optics.slopes))
    for e in range(first, last):  # cameras of an env mark the same bitmap, one after another
        for a in range(agents.positions.shape[1]):
            for c in range(len(optics.mounts)):
                render_frame(maps, agents, markers, optics, view, seen, e, a, c, scratch)


@njit(**LAUNCHED)
def _render(maps, agents, markers, optics, view, seen):
    in_blocks(render_envs, (maps, agents, markers, optics, view, seen), len(agents.positions), ENVS)


def render(core, cameras, view, seen=None):
    """Writes what every camera sees into ``view``: see `megastep.world.rendering.render`."""
    groups = buffers.maps(core.scenery), buffers.agents(core), buffers.markers(core)
    _render(*groups, make_optics(cameras, core.agent_radius), _written(view), _marked(seen))


def _written(view) -> View:
    """A view's tensors as arrays; of the right types, and without elements, where it has none."""
    depth = view.depth.numpy()
    rgb = np.empty((*depth.shape[:3], 0, depth.shape[3]), np.float32) if view.rgb is None else view.rgb.numpy()
    if view.lines is None:
        floats = np.empty((0, 0, 0, 0), np.float32)
        return View(rgb, depth, floats, floats.astype(np.int32), floats, 0)
    return View(rgb, depth, view.distances.numpy(), view.lines.numpy(), view.locations.numpy(), view.first_ray)


def _marked(seen) -> Seen:
    """Bitmaps' tensors as arrays, without elements if there are none."""
    if seen is None:
        return Seen(np.empty((0, 0), np.uint32), np.empty(0, np.int32))
    return Seen(seen.bits.numpy().view(np.uint32), seen.found.numpy())
