"""A floorplan at night: its floor, its walls in their own colours, and the light that falls on both."""

from __future__ import annotations

import numpy as np
import shapely
from jaxtyping import Bool, Float
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.colors import to_rgba_array
from matplotlib.patches import Patch

from megastep.plotting.figures import DEEP, frame_on, free_space, patch
from megastep.world.snapshot import Snapshot

WALL, LAMP, FLOOR_IN_SHADE, FLOOR_IN_LIGHT = '#2c333e', '#fff0cc', '#14181e', '#30343a'

PAINT, THIN = 0.065, 0.02
"""A wall's own colour is a band this deep in the wall, and walls that have no thickness are drawn this thick each side,
in metres."""

MESH, FINEST = 0.1, 150
"""The light on the floor is worked out for points about this far apart, in metres, and at most so many a side."""

REACH = 6.0
"""The range of a light, in metres: what it adds further off is too faint to be drawn."""


def draw_map(axes: Axes, snapshot: Snapshot) -> list[Artist]:
    """Draws the map, which stands still: floor, walls in their lit colours, lights."""
    corners = snapshot.walls.reshape(-1, 2)
    frame_on(axes, corners.min(axis=0) - 2 * DEEP, corners.max(axis=0) + 2 * DEEP)
    free = free_space(snapshot.walls)
    outer = free.buffer(DEEP, join_style='mitre')
    body = outer.difference(free).union(shapely.union_all(shapely.buffer(shapely.linestrings(snapshot.walls), THIN)))
    x, y = snapshot.lights[:, 0], snapshot.lights[:, 1]
    floor = axes.add_patch(patch(free, facecolor=FLOOR_IN_SHADE))
    light = _draw_light(axes, snapshot, floor)
    walls = axes.add_patch(patch(body, facecolor=WALL, zorder=2))
    halos, lamps = (axes.scatter(x, y, s=s, color=LAMP, alpha=a, linewidths=0) for s, a in ((30, 0.15), (5, 1)))
    return [floor, light, walls, _draw_paint(axes, snapshot, walls), halos, lamps]


def _draw_paint(axes: Axes, snapshot: Snapshot, walls: Patch) -> Artist:
    """Draws the walls' colours on the walls."""
    along = snapshot.texels[:, 1] - snapshot.texels[:, 0]
    inwards = np.stack([along[:, 1], -along[:, 0]], axis=-1) / np.linalg.norm(along, axis=-1, keepdims=True)
    bands = np.concatenate([snapshot.texels, snapshot.texels[:, ::-1] + PAINT * inwards[:, None]], axis=1)
    colours = shown(snapshot.texel_colours)
    paint = PolyCollection(list(bands), facecolors=colours, edgecolors=colours, linewidths=0.3)  # edges hide seams
    paint.set_zorder(3)
    axes.add_collection(paint, autolim=False)
    paint.set_clip_path(walls)
    return paint


def _draw_light(axes: Axes, snapshot: Snapshot, floor: Patch) -> Artist:
    """Draws how much light falls on the floor."""
    low, high = snapshot.walls.min(axis=(0, 1)), snapshot.walls.max(axis=(0, 1))
    columns, rows = np.ceil((high - low) / MESH).clip(max=FINEST).astype(int)
    x = low[0] + (high - low)[0] * (np.arange(columns) + 0.5) / columns
    y = low[1] + (high - low)[1] * (np.arange(rows) + 0.5) / rows
    points = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)
    light = _floor_light(points, snapshot).reshape(rows, columns, 1)
    shade, bright = to_rgba_array([FLOOR_IN_SHADE, FLOOR_IN_LIGHT])[:, None, None, :3]
    window = axes.axis()
    image = axes.imshow(
        shade + light * (bright - shade),
        extent=(low[0], high[0], low[1], high[1]),
        origin='lower',
        aspect='auto',
        interpolation='bilinear',
    )
    image.set_clip_path(floor)
    image.set_zorder(1)
    axes.axis(window)
    return image


def _floor_light(points: Float[np.ndarray, 'point 2'], snapshot: Snapshot) -> Float[np.ndarray, ' point']:
    """The light that falls on points, by the rule that walls are lit by: see `megastep.world.rendering.bake`."""
    total = np.full(len(points), 0.1)
    lows, highs = snapshot.walls.min(axis=1), snapshot.walls.max(axis=1)
    for x, y, intensity in snapshot.lights:
        light = np.array([x, y])
        squares = ((points - light) ** 2).sum(axis=-1)
        near = np.flatnonzero(squares < REACH**2)
        walls = snapshot.walls[((lows < light + REACH) & (highs > light - REACH)).all(axis=1)]
        lit = near[~_hidden(points[near], light, walls)]
        total[lit] += 2 * intensity / squares[lit].clip(min=1)
    return total.clip(max=1)


def _hidden(
    points: Float[np.ndarray, 'point 2'], light: Float[np.ndarray, ' 2'], walls: Float[np.ndarray, 'wall 2 2']
) -> Bool[np.ndarray, ' point']:
    """Occlusion of a light from each point by a wall: each ends on another side of the other's line."""
    starts, steps = walls[:, 0] - light, walls[:, 1] - walls[:, 0]
    ways = points - light
    of_start, of_end = (ways[:, :1] * w[:, 1] - ways[:, 1:] * w[:, 0] for w in (starts, starts + steps))
    of_light = starts[:, 0] * steps[:, 1] - starts[:, 1] * steps[:, 0]
    of_point = of_light - (ways[:, :1] * steps[:, 1] - ways[:, 1:] * steps[:, 0])
    return (((of_start > 0) != (of_end > 0)) & ((of_light > 0) != (of_point > 0))).any(axis=1)


def shown(colours: Float[np.ndarray, '*batch']) -> Float[np.ndarray, '*batch']:
    """Gamma encoding: linear RGB as a screen shows it."""
    return np.clip(colours, 0, 1) ** (1 / 2.2)
