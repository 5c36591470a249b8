"""Ray casting: finds each ray's nearest line, shades it, and takes the mean of each pixel's rays.

The twin is `megastep.triton.raycasting.by_ray`, with `culling` beside it; `by_interval` there sees the same.
"""

import math
from typing import NamedTuple

import numpy as np
from numba import njit, prange

from megastep.numba import buffers
from megastep.numba.constants import DEGREE, HALF, ONE, ZERO
from megastep.numba.raycasting.markers import draw_markers
from megastep.numba.raycasting.marking import mark
from megastep.numba.raycasting.shading import shade

EPSILON = np.float32(1e-6)
"""Metres ahead of a camera, or a share of a cross product, that may be due to rounding alone."""


class Optics(NamedTuple):
    """Optics: what all cameras share."""

    mounts: np.ndarray
    slopes: np.ndarray  # (ray,) how far to the left a ray goes for each metre forward
    half: np.float32  # the leftmost edge's slope
    near: np.float32
    max_depth: np.float32
    subsample: int


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


class Hits(NamedTuple):
    """The nearest line that each ray of a frame meets."""

    depths: np.ndarray  # metres forward, not along the ray
    lines: np.ndarray
    locations: np.ndarray


@njit(cache=True, error_model='numpy')
def columns(af, al, bf, bl, half, num_rays):
    """The rays that may meet a line that faces the camera, with one more at either side for rounding.

    Seen from its free side a line runs from its first endpoint on the right to its second on the left; where an
    endpoint is behind the camera the line leaves the view on that side.
    """
    first, last = 0, num_rays - 1
    if bf > EPSILON:
        first = int(min(max((ONE - bl / bf / half) * num_rays * HALF - ONE, ZERO), np.float32(num_rays)))
    if af > EPSILON:
        last = int(min(max((ONE - al / af / half) * num_rays * HALF + ONE, -ONE), np.float32(num_rays - 1)))
    return first, last


@njit(cache=True, error_model='numpy')
def draw(af, al, bf, bl, line, optics, hits):
    """Draws one line, its ends given as metres forward and left, over the rays that it covers and is nearest to.

    Which side of a ray an endpoint lies on is computed alike for the two lines that share it, and an endpoint on the
    ray counts for both: no ray slips between them. The depth is interpolated between the ends, so that a line seen
    edge-on is as far away as one of them.
    """
    facing = af * bl - al * bf
    behind = af <= ZERO and bf <= ZERO
    if behind or facing < -EPSILON * (abs(af * bl) + abs(al * bf)):
        return
    first, last = columns(af, al, bf, bl, optics.half, len(optics.slopes))
    for r in range(first, last + 1):
        slope = optics.slopes[r]
        right, left = al - slope * af, bl - slope * bf
        if right <= ZERO <= left and right < left:
            location = right / (right - left)
            depth = af + location * (bf - af)
            if depth < hits.depths[r] and depth * np.sqrt(ONE + slope * slope) > optics.near:
                hits.depths[r], hits.lines[r], hits.locations[r] = depth, line, location


@njit(cache=True, error_model='numpy')
def draw_walls(maps, m, first_line, camera, optics, hits):
    """Draws a map's walls."""
    x, y, cos, sin = camera
    start = maps.wall_starts[m]
    for k in range(maps.wall_widths[m]):
        ax, ay = maps.walls[start + k, 0, 0] - x, maps.walls[start + k, 0, 1] - y
        bx, by = maps.walls[start + k, 1, 0] - x, maps.walls[start + k, 1, 1] - y
        af, al, bf, bl = cos * ax + sin * ay, cos * ay - sin * ax, cos * bx + sin * by, cos * by - sin * bx
        draw(af, al, bf, bl, first_line + k, optics, hits)


@njit(cache=True, error_model='numpy')
def draw_agents(maps, agents, e, a, camera, optics, hits):
    """Draws the outlines of all agents of env e but a itself."""
    x, y, cos, sin = camera
    for b in range(agents.positions.shape[1]):
        if b == a:
            continue
        bearing = agents.angles[e, b] * DEGREE
        bcos, bsin = np.cos(bearing), np.sin(bearing)
        dx, dy = agents.positions[e, b, 0] - x, agents.positions[e, b, 1] - y
        for k in range(len(maps.outline)):
            (sx, sy), (tx, ty) = maps.outline[k, 0], maps.outline[k, 1]
            ax, ay = dx + bcos * sx - bsin * sy, dy + bsin * sx + bcos * sy
            bx, by = dx + bcos * tx - bsin * ty, dy + bsin * tx + bcos * ty
            af, al, bf, bl = cos * ax + sin * ay, cos * ay - sin * ax, cos * bx + sin * by, cos * by - sin * bx
            draw(af, al, bf, bl, b * len(maps.outline) + k, optics, hits)


@njit(cache=True, error_model='numpy')
def camera_of(agents, e, a, mount):
    """A camera's position in metres and the cosine and sine of its bearing."""
    bearing = agents.angles[e, a] * DEGREE
    cos, sin = np.cos(bearing), np.sin(bearing)
    x = agents.positions[e, a, 0] + cos * mount[0] - sin * mount[1]
    y = agents.positions[e, a, 1] + sin * mount[0] + cos * mount[1]
    return x, y, np.cos(bearing + mount[2] * DEGREE), np.sin(bearing + mount[2] * DEGREE)


@njit(cache=True, error_model='numpy')
def render_frame(maps, agents, markers, optics, view, seen, e, a, c, norms):
    """Renders what camera c of agent a of env e sees: draws other agents, markers and walls, then shades rays."""
    num_rays = len(optics.slopes)
    camera = camera_of(agents, e, a, optics.mounts[c])
    hits = Hits(np.empty(num_rays, np.float32), np.empty(num_rays, np.int32), np.empty(num_rays, np.float32))
    hits.depths[:], hits.lines[:], hits.locations[:] = np.float32(np.inf), -1, np.float32(np.nan)
    draw_agents(maps, agents, e, a, camera, optics, hits)
    draw_markers(markers, e, camera, optics, hits)
    m, first_wall_line = agents.map_ids[e], agents.positions.shape[1] * len(maps.outline)
    draw_walls(maps, m, first_wall_line, camera, optics, hits)
    shade(maps, agents, markers, e, camera, optics, hits, view.rgb[e, a, c], view.depth[e, a, c])
    if view.lines.size:
        some = slice(view.first_ray, view.first_ray + view.lines.shape[3])
        view.distances[e, a, c] = (hits.depths * norms)[some]
        view.lines[e, a, c] = hits.lines[some]
        view.locations[e, a, c] = hits.locations[some]
    if seen.found.size:
        seen.found[e] += mark(maps.texels, maps.wall_starts[m], first_wall_line, markers.first_line, hits, seen.bits[e])


@njit(cache=True, error_model='numpy')
def render_env(maps, agents, markers, optics, view, seen, e, norms):
    """Renders what all cameras of env e see."""
    for a in range(agents.positions.shape[1]):
        for c in range(len(optics.mounts)):
            render_frame(maps, agents, markers, optics, view, seen, e, a, c, norms)


@njit(cache=True, parallel=True, error_model='numpy')
def _render(maps, agents, markers, optics, view, seen):
    norms = np.sqrt(ONE + optics.slopes * optics.slopes)
    for e in prange(len(agents.positions)):  # cameras of an env mark the same bitmap, one after another
        # only a call: Numba loses writes to a tuple's arrays
        render_env(maps, agents, markers, optics, view, seen, e, norms)


def render(core, cameras, view, seen=None):
    """Writes what every camera sees into ``view``: see `megastep.world.rendering.render`."""
    half = math.tan(math.radians(cameras.fov) / 2)
    step = np.float32(half / cameras.num_rays)
    numbers = np.arange(cameras.num_rays)
    optics = Optics(
        mounts=np.array(cameras.mounts, np.float32),
        slopes=(cameras.num_rays - 1 - 2 * numbers).astype(np.float32) * step,
        half=np.float32(half),
        near=np.float32(core.agent_radius),
        max_depth=np.float32(cameras.max_depth),
        subsample=cameras.subsample,
    )
    groups = buffers.maps(core.scenery), buffers.agents(core), buffers.markers(core)
    _render(*groups, optics, _written(view), _marked(seen))


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
