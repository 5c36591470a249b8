"""The graph, rings and thin walls that oriented walls form, with known answers."""

import numpy as np
import pytest

from megastep.maps import segments


def ring(*corners):
    return np.stack([corners, np.roll(corners, -1, axis=0)], axis=1).astype(float)


ROOM = ring((1, 1), (5, 1), (5, 4), (1, 4))
PILLAR = ring((2, 2), (2, 3), (3, 3), (3, 2))
WALLS = np.concatenate([ROOM, PILLAR])
THIN = np.array([[[3, 1], [3, 2]], [[3, 2], [3, 1]]], float)


def test_walls_meet_at_points_that_are_sorted():
    graph = segments.planar_graph(ROOM)
    assert graph.points.tolist() == [1 + 1j, 1 + 4j, 5 + 1j, 5 + 4j]
    assert graph.starts.tolist() == [0, 2, 3, 1]
    assert graph.ends.tolist() == [2, 3, 1, 0]


@pytest.mark.parametrize('seed', range(5))
def test_rings_are_found_in_any_order(seed):
    shuffled = WALLS[np.random.default_rng(seed).permutation(len(WALLS))]
    found = segments.rings(shuffled)
    assert sorted(segments.area(ring(*corners)) for corners in found) == [-1, 12]
    sides = np.concatenate([ring(*corners) for corners in found])
    assert sorted(sides.tolist()) == sorted(WALLS.tolist())
    assert found[0][0].tolist() == shuffled[0, 0].tolist()


def test_a_ring_goes_around_a_thin_wall():
    cut = np.concatenate([ring((1, 1), (3, 1), (5, 1), (5, 4), (1, 4)), THIN])
    (corners,) = segments.rings(cut)
    assert len(corners) == len(cut)
    assert segments.area(ring(*corners)) == segments.area(cut) == 12


def test_rings_of_no_walls_are_none():
    assert segments.rings(WALLS[:0]) == []


def test_thin_walls_are_there_in_both_directions():
    walls = np.concatenate([ROOM, THIN, PILLAR])
    assert segments.thin(walls).tolist() == [False] * 4 + [True] * 2 + [False] * 4
    assert not segments.thin(WALLS).any()


def test_of_opposite_segments_one_goes_backwards():
    assert segments.backwards(THIN).tolist() == [False, True]
    assert segments.backwards(ROOM).tolist() == [False, False, True, True]


def test_polylines_keep_the_order_of_walls():
    found = segments.polylines(WALLS)
    assert [line.tolist() for line in found] == [[*part[:, 0].tolist(), part[0, 0].tolist()] for part in (ROOM, PILLAR)]
    assert len(segments.polylines(WALLS[[0, 2, 1]])) == 3
