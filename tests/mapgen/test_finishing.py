import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from megastep.mapgen import certify
from megastep.mapgen.finishing.finish import finish
from megastep.mapgen.geometry.lattice import Rect
from megastep.mapgen.geometry.raster import Grid, cover, distance_transform, edges, fill, near
from megastep.mapgen.geometry.rotation import rotate
from megastep.mapgen.layout.assembly import Space, assemble
from megastep.mapgen.plan import Plan, PlannedRoom
from megastep.mapgen.rng import Rng
from megastep.maps.segments import clearances

SQUARE = [(0, 0), (1000, 0), (1000, 1000), (0, 1000)]
CORNERS = st.tuples(st.integers(-3000, 3000), st.integers(-3000, 3000))


def hole(x, y, size):
    return [(x, y), (x, y + size), (x + size, y + size), (x + size, y)]


def rectangle(width, height, *holes):
    outline = [(0, 0), (width, 0), (width, height), (0, height)]
    return Plan([outline, *holes], [PlannedRoom('room', outline)])


def assert_good(geometry):
    certify(geometry, 'a plan of the tests')
    assert clearances(geometry.spawns, geometry.walls).min() >= 0.25 - 1e-9
    gaps = shapely.distance(*np.meshgrid(*2 * [shapely.points(geometry.spawns)])) + 9 * np.eye(len(geometry.spawns))
    return gaps.min()


def test_the_least_wall_coordinate_is_a_metre():
    corners = [(-7321, 512), (-1000, 512), (-1000, 5000), (-7321, 5000)]
    geometry = finish(Plan([corners], [PlannedRoom('room', corners)]), Rng('a'))
    assert geometry.bounds == (1.0, 1.0, 1 + 6.321, 1 + 4.488)
    np.testing.assert_array_equal(geometry.rooms[0].outline, geometry.walls[:, 0])


def test_arrays_cannot_be_written_to():
    geometry = finish(rectangle(3000, 3000), Rng('a'))
    arrays = (geometry.walls, geometry.spawns, geometry.lights, geometry.doors, geometry.rooms[0].outline)
    assert not any(array.flags.writeable for array in arrays)


def test_the_same_random_numbers_give_the_same_spawns_and_others_give_others():
    one, same, other = (finish(rectangle(6000, 6000), Rng(name)).spawns for name in 'aab')
    np.testing.assert_array_equal(one, same)
    assert one.shape != other.shape or (one != other).any()


@pytest.mark.parametrize(
    'size, expected',
    [
        ((3000, 3000), [(2.5, 2.5)]),
        ((8000, 3000), [(3.0, 2.5), (7.0, 2.5)]),
        ((8000, 8000), [(3.0, 3.0), (3.0, 7.0), (7.0, 3.0), (7.0, 7.0)]),
        ((2700, 12000), [(2.35, 3.0), (2.35, 7.0), (2.35, 11.0)]),
    ],
)
def test_lights_hang_about_four_metres_apart(size, expected):
    lights = finish(rectangle(*size), Rng('a')).lights
    assert sorted(map(tuple, lights[:, :2].tolist())) == expected
    assert (lights[:, 2] == 1).all()


def test_an_l_has_its_light_where_it_is_wide_rather_than_at_its_centroid():
    outline = [(0, 0), (5000, 0), (5000, 1000), (1000, 1000), (1000, 5000), (0, 5000)]
    geometry = finish(Plan([outline], [PlannedRoom('room', outline)]), Rng('a'))
    assert_good(geometry)
    assert clearances(geometry.lights[:, :2], geometry.walls).min() > 0.35


def test_a_column_in_the_middle_is_not_where_the_light_is():
    geometry = finish(rectangle(4000, 4000, hole(1700, 1700, 600)), Rng('a'))
    assert_good(geometry)
    assert clearances(geometry.lights[:, :2], geometry.walls).min() > 0.6


def test_a_light_hangs_where_its_room_is_free_of_furniture():
    outline = [(0, 0), (4000, 0), (4000, 3000), (0, 3000)]
    free = [(0, 0), (4000, 0), (4000, 3000), (2000, 3000), (2000, 1000), (0, 1000)]
    geometry = finish(Plan([free], [PlannedRoom('room', outline)]), Rng('a'))
    assert geometry.lights[0, 0] > 3.25 and abs(clearances(geometry.lights[:1, :2], geometry.walls)[0] - 1) < 0.15


def test_no_map_has_more_spawns_than_64_unless_it_has_more_rooms():
    assert len(finish(rectangle(30_000, 30_000), Rng('a')).spawns) == 64
    tiles = [Rect(40 * i, 40 * j, 40 * i + 40, 40 * j + 40) for i in range(9) for j in range(9)]
    geometry = finish(assemble([Space('room', (tile,)) for tile in tiles]), Rng('a'))
    assert len(geometry.spawns) == 81
    certify(geometry, '81 rooms with open borders')


def test_small_rooms_fill_up():
    geometry = finish(rectangle(1500, 1500), Rng('a'))
    assert 3 <= len(geometry.spawns) <= 9
    assert assert_good(geometry) >= 0.5 - 1e-9


def test_rooms_without_a_wall_between_keep_their_spawns_two_agents_apart():
    tiles = [Rect(12 * i, 0, 12 * i + 12, 12) for i in range(6)]
    for name in 'abcdefgh':
        geometry = finish(assemble([Space('room', (tile,)) for tile in tiles]), Rng(name))
        assert assert_good(geometry) >= 0.22 - 1e-9


def test_a_room_that_is_too_narrow_is_refused():
    narrow = [(0, 0), (3000, 0), (3000, 480), (0, 480)]
    with pytest.raises(ValueError, match='room 0, a closet, has no place 250 mm clear of walls for a spawn'):
        finish(Plan([narrow], [PlannedRoom('closet', narrow)]), Rng('a'))


def test_a_room_that_is_barely_wide_enough_has_a_spawn():
    narrow = [(0, 0), (3000, 0), (3000, 560), (0, 560)]
    assert_good(finish(Plan([narrow], [PlannedRoom('closet', narrow)]), Rng('a')))


def test_a_room_without_a_place_away_from_others_is_refused():
    """Two rooms without a wall between, of which the second has a single place, and the first only those around it."""
    rooms = [PlannedRoom('room', outline) for outline in ([(0, 0), (290, 0), (290, 600), (0, 600)],)]
    rooms.append(PlannedRoom('room', [(290, 0), (600, 0), (600, 600), (290, 600)]))
    outline = [(0, 0), (600, 0), (600, 600), (0, 600)]
    with pytest.raises(ValueError, match='room 1 has no place for a spawn that is 220 mm from those of other rooms'):
        finish(Plan([outline], rooms), Rng('a'))


@pytest.mark.parametrize('degrees', [7, 30, 45, 181])
def test_turned_rooms_are_lit_and_peopled_as_well(degrees):
    plan = rotate(rectangle(9000, 4000, hole(4000, 1500, 500)), 100 * degrees)
    geometry = finish(plan, Rng('a'))
    assert assert_good(geometry) >= 0.5 - 1e-9
    assert 2 <= len(geometry.lights) <= 5
    assert clearances(geometry.lights[:, :2], geometry.walls).min() > 0.7


def test_a_round_cave_of_hundreds_of_walls():
    angles = np.linspace(0, 2 * np.pi, 400, endpoint=False)
    outline = list(
        map(tuple, np.rint(np.stack([6000 * np.cos(angles), 4000 * np.sin(angles)], 1)).astype(int).tolist())
    )
    geometry = finish(Plan([outline], [PlannedRoom('cave', outline)]), Rng('a'))
    assert assert_good(geometry) >= 0.5 - 1e-9
    assert len(geometry.spawns) == 64


def test_fill_of_a_square():
    grid = Grid(50, 50, 100, 12, 11)
    expected = np.zeros((12, 11), dtype=int)
    expected[:10, :10] = 7
    np.testing.assert_array_equal(fill(grid, edges([SQUARE]), 7), expected)
    np.testing.assert_array_equal(
        fill(grid, edges([SQUARE, hole(200, 300, 400)]))[5], [1, 1, 0, 0, 0, 0, 1, 1, 1, 1, 0]
    )


@settings(deadline=None, max_examples=60)
@given(st.lists(CORNERS, min_size=3, max_size=7, unique=True), st.integers(37, 400), st.integers(50, 700))
def test_rasters_agree_with_shapely(corners, step, reach):
    shape = shapely.Polygon(corners)
    if not shape.is_valid or shape.area == 0:
        return
    ring = [(int(x), int(y)) for x, y in shapely.orient_polygons(shape).exterior.coords[:-1]]
    grid = cover(np.array(ring), step)
    x, y = np.meshgrid(grid.x, grid.y)
    points = shapely.points(x, y)
    away = shapely.distance(shape.boundary, points)
    sure = away > 1e-6
    assert (fill(grid, edges([ring]))[sure] == shapely.contains(shape, points)[sure]).all()
    assert (near(grid, edges([ring]), reach) == (away < reach))[abs(away - reach) > 1e-6].all()


def test_the_distance_transform_counts_the_moves_of_a_king():
    free = np.ones((5, 7), dtype=bool)
    free[2, 0] = False
    assert distance_transform(free)[2].tolist() == [0, 1, 2, 3, 3, 2, 1]
