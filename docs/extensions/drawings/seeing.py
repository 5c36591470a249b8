"""Drawings of rays, of depth across the screen, and of boxes of walls."""

from __future__ import annotations

import numpy as np
import torch

from drawings.svg import Picture, arc
from megastep import Ragged, mapgen
from megastep.world import wall_boxes as boxes

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


def wall_boxes() -> Picture:
    """A house's walls in Hilbert order, a box around every few, and what of them a camera has to look at."""
    house = mapgen.make('house', 5, seed=0, rooms=(24, 24))
    walls = torch.tensor(np.array(house.walls), dtype=torch.float32)
    built = boxes.build(Ragged(walls, torch.tensor([len(walls)], dtype=torch.int32)))
    low, high = house.walls.reshape(-1, 2).min(axis=0), house.walls.reshape(-1, 2).max(axis=0)
    picture = Picture(low - 0.3, high + 0.3, min((620, 460) / (high - low + 0.6)))
    camera = house.spawns[int((house.spawns @ [1, 0.5]).argmin())]  # in a corner
    facing = 40.0
    wedge = [camera, *arc(camera, 3.2, facing - 50, facing + 50)]
    picture.line(wedge, 'glow', closed=True)
    for number, box in enumerate(built.boxes.vals.numpy()):
        left, bottom, right, top = box
        corners = [(left, bottom), (right, bottom), (right, top), (left, top)]
        style = 'accent' if _overlaps(box, np.array(wedge)) else 'faint'
        picture.line(np.array(corners), f'{style} dashed', closed=True)
        for wall in built.walls[number * boxes.WALLS_PER_BOX : (number + 1) * boxes.WALLS_PER_BOX].numpy():
            picture.line(wall, 'ink thick' if style == 'accent' else 'faint thick')
    picture.circle(camera, 0.12, 'accent full')
    return picture


def _overlaps(box: np.ndarray, points: np.ndarray) -> bool:
    """Whether a box has a place in common with a fan of points around its first."""
    shares = np.linspace(0, 1, 40)[:, None, None]
    places = (points[:1] + shares * (points[1:] - points[:1])).reshape(-1, 2)
    return bool(((places >= box[:2]) & (places <= box[2:])).all(axis=1).any())
