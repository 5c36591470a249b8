import numpy as np
import pytest
import shapely
from floorplans.plans import plan, plan_digest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import ndimage

from megastep import mapgen
from megastep.mapgen.families.cave_contours import contours, without_touching
from megastep.mapgen.geometry.polygons import chained, doubled_area, smoothed, straightened
from megastep.maps.geometry import AGENT_RADIUS, MARGIN

SQUARE = [(0, 0), (8, 0), (8, 8), (0, 8)]
GOLDEN = {
    (0, 0): 'f8ca9551a5c329a03b43b6e34dd97805',
    (0, 7): '9aab218d7e4c76ce6ec091b5df1bb270',
    (1, 3): 'd3e1e1ad0c6802738cb1767b9c83fe2c',
    (12345678901234567890, 1): '6c53715c051e08988c483217d297946d',
}


def area(cave):
    """In square metres."""
    return sum(map(doubled_area, cave.rings)) / 2e6


def random_air(rng, shape, share):
    """The largest part of random points that are connected along a lattice."""
    free = np.zeros(shape, dtype=bool)
    free[1:-1, 1:-1] = rng.random((shape[0] - 2, shape[1] - 2)) < share
    free[shape[0] // 2, shape[1] // 2] = True
    labels, _ = ndimage.label(without_touching(free))
    return labels == np.bincount(labels[labels > 0]).argmax()


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10**6), share=st.floats(0.2, 0.8), level=st.integers(0, 200))
def test_an_agent_can_go_from_each_free_point_to_the_next(seed, share, level):
    """However the points lie, and whatever the density: passages of a single point, and walls where they are worst."""
    rng = np.random.default_rng(seed)
    free = random_air(rng, rng.integers(4, 12, 2), share)
    rings = [smoothed(ring) for ring in contours(free, rng.integers(0, 200, free.shape), level=level, spacing=500)]
    space = shapely.Polygon(rings[0], rings[1:])
    assert space.is_valid
    assert isinstance(space.buffer(-1000 * (AGENT_RADIUS + MARGIN), join_style='mitre'), shapely.Polygon)
    ways = [
        500 * np.stack([np.argwhere(beside)[:, ::-1], np.argwhere(beside)[:, ::-1] + step], axis=1)
        for step, beside in (((1, 0), free[:, :-1] & free[:, 1:]), ((0, 1), free[:-1] & free[1:]))
    ]
    ways = np.concatenate(ways)
    assume(len(ways))  # else the cave is a single point
    lines = shapely.linestrings(ways)
    assert shapely.covers(space, lines).all()
    assert shapely.distance(lines, space.boundary).min() > 1000 * (AGENT_RADIUS + MARGIN)


def test_walls_lie_where_the_density_has_the_level():
    free = np.zeros((3, 4), dtype=bool)
    free[1, 1:3] = True
    density = np.where(free, 16, 0)
    (ring,) = contours(free, density, level=6, spacing=160)
    assert ring == [(60, 160), (160, 60), (320, 60), (420, 160), (320, 260), (160, 260)]
    (ring,) = contours(free, density, level=12, spacing=160)
    assert min(ring) == (80, 160)  # not nearer than half the spacing
    (ring,) = contours(free, density, level=1, spacing=160)
    assert min(ring) == (20, 160)  # nor further than seven eighths


def test_points_that_touch_across_a_square_are_joined():
    free = np.zeros((5, 5), dtype=bool)
    free[1, 1] = free[2, 2] = free[3, 1] = True
    joined = without_touching(free)
    assert ndimage.label(joined)[1] == 1
    assert (joined | ~free).all()
    assert (without_touching(joined) == joined).all()


def test_smoothing_cuts_a_quarter_off_each_side():
    assert smoothed(SQUARE) == [(2, 0), (6, 0), (8, 2), (8, 6), (6, 8), (2, 8), (0, 6), (0, 2)]


def test_straightening_leaves_true_corners_only():
    assert straightened([(0, 0), (4, 0), (4, 0), (8, 0), (8, 8), (0, 8), (0, 4)]) == SQUARE
    assert straightened([(4, 0), (8, 0), (8, 8), (0, 8), (0, 0), (2, 0)]) == [*SQUARE[1:], SQUARE[0]]


def test_chaining_puts_outer_rings_first():
    hole = [(2, 2), (2, 4), (4, 4), (4, 2)]
    walls = [(ring[i - 1], ring[i]) for ring in (hole, SQUARE) for i in range(4)]
    assert chained(dict(walls)) == [SQUARE, hole]
    assert [doubled_area(ring) for ring in chained(dict(walls))] == [128, -8]


def test_more_air_makes_wider_caves():
    areas = [np.median([area(plan('cave', i, air=air)) for i in range(10)]) for air in (0.42, 0.48, 0.54, 0.6)]
    assert (np.diff(areas) > 15).all()


def test_rock_that_stands_alone_is_as_large_as_asked():
    """Walls lean towards the rock, so it is smaller than what its lattice points stand for."""
    caves = [plan('cave', i, air=0.54) for i in range(20)]
    holes = [-doubled_area(ring) / 2e6 for cave in caves for ring in cave.rings[1:]]
    assert len(holes) > 5
    assert min(holes) > 1.5
    assert sum(len(plan('cave', i, air=0.54, pillar=0.0).rings) - 1 for i in range(20)) > len(holes)


def test_roughness_makes_walls_longer():
    def length(cave):
        return sum(shapely.LinearRing(ring).length for ring in cave.rings)

    smooth, rough = (sum(length(plan('cave', i, rough=rough)) for i in range(5)) for rough in (0.0, 1.0))
    assert rough > 1.03 * smooth


def test_a_cave_stays_in_its_box():
    for i in range(10):
        corners = np.array(plan('cave', i, width=10.0, height=7.0, air=0.65).rings[0])
        assert (np.ptp(corners, axis=0) <= (10000 + 650 * 2, 7000 + 650 * 2)).all()
        assert (np.ptp(corners, axis=0) >= (8000, 5000)).all()


def test_caves_are_of_a_reasonable_size():
    maps = [plan('cave', i) for i in range(20)]
    assert 200 <= np.median([sum(map(len, cave.rings)) for cave in maps]) <= 320
    assert 60 <= np.median(list(map(area, maps))) <= 150


@pytest.mark.parametrize('seed, index', GOLDEN)
def test_maps_are_what_they_have_always_been(seed, index):
    assert plan_digest(plan('cave', index, seed)) == GOLDEN[seed, index]


@pytest.mark.parametrize(
    'parameters, message',
    [
        ({'width': 2.5}, 'cave: width must be from 3.0 to 80.0 m, got 2.5'),
        ({'spacing': 0.4}, 'cave: spacing must be from 0.5 to 1.0 m, got 0.4'),
        ({'air': 0.7}, 'cave: air must be from 0.4 to 0.65, got 0.7'),
        ({'rounds': 2.5}, 'cave: rounds must be a whole number, got 2.5'),
        ({'rooms': (3, 4)}, "cave has no parameter 'rooms'"),
    ],
)
def test_bad_parameters(parameters, message):
    with pytest.raises(ValueError, match=message):
        mapgen.generate('cave', 1, **parameters)
