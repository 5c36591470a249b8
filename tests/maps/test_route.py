"""The points of a shortest path: as long as the path, and clear of walls."""

import numpy as np
import pytest
import shapely

from megastep import Geometry, mapgen
from megastep.maps.geodesics import distances
from megastep.maps.geodesics.route import route
from megastep.maps.geometry import AGENT_RADIUS


@pytest.mark.parametrize('family', ['house', 'cave', 'arena'])
def test_is_as_long_as_the_shortest_path_and_clear_of_walls(family):
    (geometry,) = mapgen.generate(family, 1, seed=3)
    points = geometry.spawns[:5]
    lengths = distances(geometry.walls, points, AGENT_RADIUS)
    walls = shapely.multilinestrings(geometry.walls)
    for i, j in np.ndindex(5, 5):
        found = route(geometry.walls, points[i], points[j], AGENT_RADIUS)
        assert found[0].tolist() == points[i].tolist()
        assert found[-1].tolist() == points[j].tolist()
        assert np.linalg.norm(np.diff(found, axis=0), axis=1).sum() == pytest.approx(lengths[i, j], abs=1e-3)
        assert shapely.LineString(found).distance(walls) >= AGENT_RADIUS - 1e-4


def test_there_is_none_where_no_path_is():
    def box(left):
        ring = np.array([[left, 1], [left + 2, 1], [left + 2, 3], [left, 3]], float)
        return [[ring[i], ring[(i + 1) % 4]] for i in range(4)]

    walls = np.concatenate([Geometry.from_walls(box(left)).walls for left in (1, 5)])
    assert route(walls, np.array([2.0, 2.0]), np.array([6.0, 2.0]), AGENT_RADIUS).shape == (0, 2)
