"""Drawings of rays, of depth across the screen, and of the walls that are looked at."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import torch

from drawings.svg import Picture, arc
from megastep import Geometry, Scenery, mapgen
from megastep.maps.segments import clearances
from megastep.world.cameras import Cameras
from megastep.world.core import Core
from megastep.world.rendering import render

SIDE = 0.5
"""How wide a cell is that has a potentially visible set, in metres."""

WALL = np.array([[2.2, 1.9], [3.72, -2.0]])
"""A wall before the camera, which stands at the origin and faces right."""


def _hit(slope: float, wall: np.ndarray = WALL) -> float:
    """How far forward a ray of a slope goes until it meets the wall's line."""
    along = wall[1] - wall[0]
    normal = np.array([along[1], -along[0]])
    return float(normal @ wall[0] / (normal @ [1, slope]))


def rays() -> Picture:
    """Rays through even places of a flat screen, up to a wall."""
    picture, reach, count = Picture((-0.6, -2.1), (4.9, 2.2), 110), 0.62, 8
    slopes = [(count - 1 - 2 * ray) / count * reach for ray in range(count)]
    for slope in slopes:
        depth = _hit(slope)
        picture.line([(0, 0), (depth, depth * slope)], 'accent thin')
        picture.circle((depth, depth * slope), 0.035, 'accent full')
        picture.circle((1, slope), 0.028, 'ink full')
    picture.line(WALL, 'ink thick')
    picture.line([(1, -reach), (1, reach)], 'ink')
    picture.line([(0, 0), (3.9, 3.9 * reach)], 'faint dashed')
    picture.line([(0, 0), (3.4, -3.4 * reach)], 'faint dashed')
    picture.arrow((0, 0), (0.62, 0), 'ink')
    picture.circle((0, 0), 0.106, 'soft')
    picture.line(arc((0, 0), 0.4, np.degrees(np.arctan(slopes[0])), np.degrees(np.arctan(slopes[1]))), 'second')
    picture.line(arc((0, 0), 0.4, np.degrees(np.arctan(slopes[3])), np.degrees(np.arctan(slopes[4]))), 'second')
    picture.words((0, -0.3), 'camera')
    picture.words((1.0, -0.85), 'flat screen')
    picture.words((1.08, slopes[0] + 0.05), '0', 'note', 'start')
    picture.words((1.08, slopes[-1] - 0.12), f'{count - 1}', 'note', 'start')
    picture.words((3.1, 1.2), 'wall', 'note', 'start')
    picture.words((4.0, 2.05), 'edge of the view', 'note')
    return picture


def inverse_depth() -> Picture:
    """Depth of a wall over the screen, which is a curve, and one over it, which is a straight line."""
    picture, slopes = Picture((-0.5, -0.75), (6.4, 2.6), 90), np.linspace(1, -1, 41) * 0.75
    depths = np.array([_hit(slope, np.array([[1.1, 0.9], [4.2, -3.0]])) for slope in slopes])
    for left, values, style, name in ((0, depths / 2, 'accent', 'depth'), (3.5, 1.6 / depths, 'second', '1 / depth')):
        columns = left + np.linspace(0, 2.5, len(slopes))
        picture.line([(left, 2.3), (left, 0), (left + 2.6, 0)], 'ink thin')
        for column, value in zip(columns[::2], values[::2], strict=True):
            picture.line([(column, 0), (column, value)], 'faint')
        picture.line(np.stack([columns, values], axis=1), f'{style} thick')
        picture.words((left + 1.25, -0.3), 'place on the screen, left to right')
        picture.words((left + 1.25, 2.35), name, 'title')
    return picture


def visible_walls() -> Picture:
    """A house on its grid of cells, and the walls that may be seen from one of those."""
    house = mapgen.make('house', 5, seed=0, rooms=(24, 24))
    low, high = house.walls.reshape(-1, 2).min(axis=0), house.walls.reshape(-1, 2).max(axis=0)
    corner = low + (house.spawns - low) // SIDE * SIDE
    open_cells = clearances(corner + SIDE / 2, house.walls) > SIDE
    chosen = np.flatnonzero(open_cells)[int((house.spawns[open_cells] @ [1, 0.5]).argmin())]
    seen = _seen(house, corner[chosen])
    picture = Picture(low - 0.3, high + 0.3, min((620, 460) / (high - low + 0.6)))
    for x in np.arange(low[0], high[0] + SIDE, SIDE):
        picture.line([(x, low[1] - 0.2), (x, high[1] + 0.2)], 'faint thin')
    for y in np.arange(low[1], high[1] + SIDE, SIDE):
        picture.line([(low[0] - 0.2, y), (high[0] + 0.2, y)], 'faint thin')
    cell = corner[chosen] + SIDE * np.array([(0, 0), (1, 0), (1, 1), (0, 1)])
    picture.line(cell, 'glow', closed=True)
    for number, wall in enumerate(house.walls):
        picture.line(wall, 'accent thick' if number in seen else 'faint thick')
    picture.circle(house.spawns[chosen], 0.12, 'accent full')
    return picture


def _seen(house: Geometry, corner: np.ndarray) -> set[int]:
    """The walls that rays meet, all round, from many places in a cell: sets are built by kernels that compile long."""
    scenery = Scenery.pack([house], device='cpu')
    places = np.stack(np.meshgrid(*2 * [np.linspace(0, SIDE, 12)]), -1).reshape(-1, 2)
    core = Core(scenery, len(places), seed=0)
    core.agents.positions[:, 0] = torch.as_tensor(corner + places)
    around = Cameras(res=512, subsample=1, fov=122, mounts=[(0, 0, 0), (0, 0, 120), (0, 0, 240)])
    lines = render(core, around, rgb=False, per_ray=True).lines.unique()
    return set((lines - scenery.lines_per_agent).tolist())


INVERSES = (
    (0, 3.2, 0.9, 0.5, 'ink'),
    (1.2, 2.2, 1.5, 1.3, 'second'),
    (2.0, 5.0, 0.75, 1.15, 'accent'),
    (4.2, 6, 1.2, 1.9, 'second'),
)
"""Walls over a screen: where each begins and ends, one over its depth there, and a style."""


def intervals() -> Picture:
    """Walls over the screen as straight lines of one over depth, and the topmost between beginnings and ends."""
    picture = Picture((-0.4, -0.95), (6.5, 2.3), 90)
    events = sorted({place for first, last, *_ in INVERSES for place in (first, last)})
    for place in events:
        picture.line([(place, -0.45), (place, 2.1)], 'faint dashed')
    for first, last, start, end, _ in INVERSES:
        picture.line([(first, start), (last, end)], 'ink thin')
    for left, right in pairwise(events):
        middle = (left + right) / 2
        over = [wall for wall in INVERSES if wall[0] <= middle <= wall[1]]
        if over:
            top = max(over, key=lambda wall: _inverse(wall, middle))
            picture.line([(left, _inverse(top, left)), (right, _inverse(top, right))], f'{top[4]} thick')
            picture.line([(left, -0.3), (right, -0.3)], f'{top[4]} thick')
    picture.line([(0, 2.2), (0, 0), (6.2, 0)], 'ink thin')
    picture.words((3.1, -0.75), 'place on the screen, left to right')
    picture.words((0.1, 2.05), '1 / depth', 'title', 'start')
    return picture


def _inverse(wall: tuple[float, float, float, float, str], place: float) -> float:
    """One over the depth of a wall at a place on the screen."""
    first, last, start, end, _ = wall
    return start + (place - first) / (last - first) * (end - start)
