"""Map sets of small maps that all differ, and what tells maps apart."""

import numpy as np

from megastep.maps.geometry import Geometry, Room

ARRAYS = ['walls', 'spawns', 'lights', 'doors', 'kinds', 'outlines']


def ring(*corners):
    corners = np.array(corners, dtype=float)
    return np.stack([corners, np.roll(corners, -1, axis=0)], axis=1)


def l_shape(width, height, notch=1.0):
    """A room without symmetries of its own, unless its sides are equal."""
    right, top = 1 + width, 1 + height
    return ring((1, 1), (right, 1), (right, top), (1 + notch, top), (1 + notch, top - notch), (1, top - notch))


def make(i):
    """The ``i``th of a family of maps that all differ; every third has no rooms."""
    rooms = [] if i % 3 == 2 else [Room([[1, 1], [2, 1], [2, 2]], f'kind {i % 4}'), [[1, 1], [2, 1], [2, 2], [1, 2]]]
    doors = np.full((i % 2, 2, 2), 1.5)
    lights = np.full((i % 4, 3), 2.0)
    return Geometry(
        walls=l_shape(3 + 0.1 * i, 4), spawns=[[2.5, 1.5]] * (1 + i % 3), rooms=rooms, doors=doors, lights=lights
    )


def moved(geometry, turns=0, mirrored=False, shift=(0.0, 0.0)):
    """The same map turned by quarter turns, mirrored and shifted."""
    walls, spawns = geometry.walls - 20, geometry.spawns - 20
    for _ in range(turns):
        walls, spawns = (np.stack([-a[..., 1], a[..., 0]], axis=-1) for a in (walls, spawns))
    if mirrored:
        walls, spawns = (walls * [-1, 1])[:, ::-1], spawns * [-1, 1]
    return Geometry(walls=walls + 40 + shift, spawns=spawns + 40 + shift)


def assert_same(a, b):
    for name in ('walls', 'spawns', 'lights', 'doors'):
        np.testing.assert_array_equal(getattr(a, name), getattr(b, name))
    assert [room.kind for room in a.rooms] == [room.kind for room in b.rooms]
    for room_a, room_b in zip(a.rooms, b.rooms, strict=True):
        np.testing.assert_array_equal(room_a.outline, room_b.outline)


GEOMETRIES = [make(i) for i in range(12)]
