"""The points of a shortest path: as long as the path, and clear of walls."""

import numpy as np
import pytest
import shapely
import worlds

from megastep import Geometry, mapgen
from megastep.maps.geodesics import distances, shortest_path
from megastep.maps.geometry import AGENT_RADIUS


@pytest.mark.parametrize('family', ['house', 'cave', 'arena'])
def test_is_as_long_as_the_shortest_path_and_clear_of_walls(family):
    (geometry,) = mapgen.generate(family, 1, seed=3)
    points = geometry.spawns[:5]
    lengths = distances(geometry.walls, points, AGENT_RADIUS)
    walls = shapely.multilinestrings(geometry.walls)
    for i, j in np.ndindex(5, 5):
        found = shortest_path(geometry.walls, points[i], points[j], AGENT_RADIUS)
        assert found[0].tolist() == points[i].tolist()
        assert found[-1].tolist() == points[j].tolist()
        assert np.linalg.norm(np.diff(found, axis=0), axis=1).sum() == pytest.approx(lengths[i, j], rel=1e-6, abs=1e-6)
        assert shapely.LineString(found).distance(walls) >= AGENT_RADIUS - 1e-4


def test_there_is_none_where_no_path_is():
    def box(left):
        ring = np.array([[left, 1], [left + 2, 1], [left + 2, 3], [left, 3]], float)
        return [[ring[i], ring[(i + 1) % 4]] for i in range(4)]

    walls = np.concatenate([Geometry.from_walls(box(left)).walls for left in (1, 5)])
    assert shortest_path(walls, np.array([2.0, 2.0]), np.array([6.0, 2.0]), AGENT_RADIUS).shape == (0, 2)


def test_two_ways_as_long_are_not_mixed():
    """Around a pillar in the middle both sides are as long: the path takes one."""
    hall = worlds.box(1, 1, 7, 5, pillars=[worlds.pillar(3.5, 2.5, 4.5, 3.5)], spawns=[(2, 3), (6, 3)])
    found = shortest_path(hall.walls, *hall.spawns, AGENT_RADIUS)
    above = found[1:-1, 1] > 3
    assert len(above) > 1
    assert above.all() or not above.any()


def test_without_corners_it_is_a_line_or_none():
    box = worlds.box()
    ends = np.array([(2.0, 2.0), (4.0, 3.0)])
    np.testing.assert_array_equal(shortest_path(box.walls, *ends, AGENT_RADIUS), ends)
