"""Drawings of how a house comes about, and of the random words that it is made of."""

from __future__ import annotations

import itertools

import numpy as np

from drawings.svg import Picture
from megastep import Geometry, mapgen

PANELS = ('plan of rooms', 'what each is for', 'doors', 'walls', 'lights and spawns', 'furniture, if asked')
PUBLIC = ('living_room', 'hall', 'corridor', 'hallway', 'dining_room', 'entry')
"""Kinds of room that one goes through to get to others."""


def house() -> Picture:
    """One house in six steps."""
    index = 18
    plain = mapgen.make('house', index, seed=0, rooms=(12, 12))
    furnished = mapgen.make('house', index, seed=0, rooms=(12, 12), furniture=(5, 10))
    corners = plain.walls.reshape(-1, 2)
    low, high = corners.min(axis=0), corners.max(axis=0)
    size = high - low + [1.0, 1.6]
    picture = Picture((0, -2 * size[1]), (3 * size[0], 0), 720 / float(3 * size[0]))
    for step, name in enumerate(PANELS):
        origin = np.array([step % 3 * size[0] + 0.5, -(step // 3 + 1) * size[1] + 0.3]) - low
        _panel(picture, furnished if step == 5 else plain, step, origin)
        middle = origin + [(low[0] + high[0]) / 2, high[1] + 0.55]
        picture.words(middle, f'{step + 1}. {name}', 'title')
    return picture


def _panel(picture: Picture, house: Geometry, step: int, origin: np.ndarray) -> None:
    """What is known of a house after a step."""
    for room in house.rooms:
        style = 'soft' if step == 0 else 'glow' if room.kind in PUBLIC else 'soft'
        picture.line(np.asarray(room.outline) + origin, style if step < 3 else 'floor', closed=True)
    if step >= 3:
        for wall in house.walls:
            picture.line(wall + origin, 'ink')
    if step >= 2:
        for door in house.doors:
            picture.line(door + origin, 'accent thick' if step == 2 else 'accent thin')
    if step >= 4:
        for x, y, _ in house.lights:
            picture.circle(np.array([x, y]) + origin, 0.16, 'lamp')
        for spawn in house.spawns[:40]:
            picture.circle(spawn + origin, 0.06, 'second full')


def words() -> Picture:
    """From a name to a map: the same words, the same whole numbers, the same house."""
    picture = Picture((0, 0), (11.4, 2.3), 70)
    boxes = (
        (0.1, 2.4, ('house, version 1', 'seed 0, index 7')),
        (3.0, 2.0, ('Philox', '64-bit words')),
        (5.5, 2.6, ('whole numbers', 'on a 5 cm lattice')),
        (8.6, 2.7, ('a map, certified', 'the same everywhere')),
    )
    for left, width, lines in boxes:
        corners = [(left, 0.5), (left + width, 0.5), (left + width, 1.8), (left, 1.8)]
        picture.line(corners, 'soft', closed=True)
        for number, text in enumerate(lines):
            picture.words((left + width / 2, 1.22 - 0.36 * number), text, 'title' if number == 0 else 'note')
    for (left, width, _), (right, _, _) in itertools.pairwise(boxes):
        picture.arrow((left + width + 0.08, 1.15), (right - 0.08, 1.15), 'ink')
    return picture
