import numpy as np
import pytest
import shapely
from floorplans.plans import plan, plan_digest

from megastep import mapgen
from megastep.mapgen.families import arena_obstacles
from megastep.mapgen.families.arena import FAMILY
from megastep.mapgen.finishing.finish import finish
from megastep.mapgen.geometry.symmetry import SYMMETRIES, images, is_symmetrical, orbit, transformed
from megastep.mapgen.plan import Plan, PlannedRoom
from megastep.mapgen.rng import Rng

MATRICES = {
    'mirror': [[-1, 0], [0, 1]],
    'half_turn': [[-1, 0], [0, -1]],
    'quarter_turns': [[0, -1], [1, 0]],
}
SQUARE = [(-1, -1), (1, -1), (1, 1), (-1, 1)]
GOLDEN = {
    (0, 0): 'cae915c39dfcab25270e8f146a689848',
    (0, 7): 'cc1747a7afd6dcb1df95e2e15cee3e2c',
    (1, 3): 'e6f54f6fd2a91ecaca496020797578ec',
    (12345678901234567890, 1): '20b9b0c67044f6a3ad27bb24cdec2f10',
}


def edges(rings):
    """A plan's walls, each as a pair of points, whichever ring they are in."""
    return {(*one, *other) for ring in rings for one, other in zip(ring, [*ring[1:], ring[0]], strict=True)}


def image(walls, matrix):
    """The walls under a matrix, still with the free space to their left."""
    ends = np.array(sorted(walls)).reshape(-1, 2, 2) @ np.array(matrix).T
    ends = ends[:, ::-1] if round(np.linalg.det(matrix)) < 0 else ends
    return {tuple(wall) for wall in ends.reshape(-1, 4).tolist()}


@pytest.mark.parametrize('outline', ['cross', 'octagon', 'rectangle'])
@pytest.mark.parametrize('symmetry', MATRICES)
def test_symmetrical_arenas_are_so_to_the_millimetre(symmetry, outline):
    for index in range(6):
        walls = edges(plan('arena', index, symmetry=symmetry, outline=outline).rings)
        assert len(walls) > 12
        assert image(walls, MATRICES[symmetry]) == walls


def test_maps_of_symmetrical_arenas_are_symmetrical():
    for geometry in mapgen.generate('arena', 5, symmetry='quarter_turns'):
        corners = np.rint(1000 * geometry.walls).astype(int)
        middle = corners.min((0, 1)) + corners.max((0, 1))
        walls = {tuple(wall) for wall in (2 * corners - middle).reshape(-1, 4).tolist()}
        assert image(walls, MATRICES['quarter_turns']) == walls


def turned_points(points, symmetry):
    return [{(a * x + b * y, c * x + d * y) for x, y in points} for a, b, c, d in SYMMETRIES[symmetry]]


@pytest.mark.parametrize('rotation', [(0, 0), (33.3, 33.3)])
@pytest.mark.parametrize('symmetry', MATRICES)
def test_spawns_and_lights_are_as_symmetrical_as_their_arena(symmetry, rotation):
    """Turned by an angle, an arena still has its half turns and quarter turns; a mirror's axis is turned too."""
    for index in range(5):
        rng, values = FAMILY.rng(3, index), FAMILY.complete({'symmetry': symmetry, 'rotation': rotation})
        drawn = FAMILY.vary(FAMILY.draw(rng, values), rng, values)
        assert drawn.symmetry == ('none' if symmetry == 'mirror' and rotation[0] else symmetry)
        geometry = finish(drawn, rng)
        origin = np.rint(1000 * geometry.walls.min((0, 1))).astype(int) - np.array(drawn.rings[0]).min(0)
        for points in (geometry.spawns, geometry.lights[:, :2]):
            places = {tuple(place) for place in (np.rint(1000 * points).astype(int) - origin).tolist()}
            assert len(places) == len(points) >= 4
            assert all(image == places for image in turned_points(places, drawn.symmetry))


@pytest.mark.parametrize('option', [{'chamfers': 0.5}, {'curves': 0.5}])
def test_an_arena_that_options_make_uneven_says_so(option):
    rng, values = FAMILY.rng(3, 1), FAMILY.complete({'symmetry': 'mirror', **option})
    plain = FAMILY.draw(rng, values)
    assert plain.symmetry == 'mirror' and FAMILY.vary(plain, rng, values).symmetry == 'none'


def test_a_point_has_as_many_images_as_places():
    assert images((3, 4), 'quarter_turns') == [(3, 4), (-4, 3), (-3, -4), (4, -3)]
    assert images((0, 4), 'mirror') == [(0, 4)] and images((0, 0), 'quarter_turns') == [(0, 0)]


def test_what_is_symmetrical():
    square = [[(x, y) for x, y in SQUARE]]
    assert all(is_symmetrical(square, symmetry) for symmetry in SYMMETRIES)
    house = [[(-1, -1), (1, -1), (1, 1), (0, 2), (-1, 1)]]
    assert [symmetry for symmetry in SYMMETRIES if is_symmetrical(house, symmetry)] == ['none', 'mirror']


@pytest.mark.parametrize('symmetry', MATRICES)
def test_small_symmetrical_rooms_have_spawns_that_are_apart(symmetry):
    ring = [(400 * x, 400 * y) for x, y in SQUARE]
    geometry = finish(Plan([ring], [PlannedRoom('room', ring)], symmetry=symmetry), Rng('a'))
    assert len(geometry.spawns) == len(geometry.lights) == len(SYMMETRIES[symmetry])
    mapgen.certify(geometry, symmetry)
    narrow = [(330 * x, 330 * y) for x, y in SQUARE]
    with pytest.raises(ValueError, match='room 0 has no place for a spawn that is 220 mm from those'):
        finish(Plan([narrow], [PlannedRoom('room', narrow)], symmetry=symmetry), Rng('a'))


def test_arenas_without_symmetry_have_none():
    walls = edges(plan('arena', symmetry='none', outline='rectangle', width=(20, 20), height=(20, 20)).rings)
    assert all(image(walls, matrix) != walls for matrix in MATRICES.values())


@pytest.mark.parametrize('outline, corners', [('rectangle', 4), ('octagon', 8), ('cross', 12)])
def test_outlines(outline, corners):
    for index in range(6):
        ring = plan('arena', index, outline=outline, symmetry='none', width=(12, 12), height=(30, 30)).rings[0]
        assert len(ring) == corners
        assert np.ptp(ring, axis=0).tolist() == [12000, 30000]


def test_quarter_turns_make_an_arena_as_high_as_wide():
    ring = plan('arena', symmetry='quarter_turns', width=(12, 12), height=(30, 30)).rings[0]
    assert np.ptp(ring, axis=0).tolist() == [12000, 12000]


def test_any_is_each_of_them():
    plans = [plan('arena', index) for index in range(40)]
    assert {len(arena.rings[0]) for arena in plans} == {4, 8, 12}
    found = {
        name for arena in plans for name, matrix in MATRICES.items() if image(w := edges(arena.rings), matrix) == w
    }
    assert found == set(MATRICES)


@pytest.mark.parametrize('passage', [0.75, 1.2, 2.0])
def test_obstacles_leave_passages(passage):
    for index in range(10):
        rings = plan('arena', index, passage=passage, cover=(0.3, 0.3), diagonal=0.5).rings
        shapes = np.array([shapely.LinearRing(ring) for ring in rings])
        gaps = shapely.distance(shapes[:, None], shapes) + np.diag(np.full(len(shapes), np.inf))
        assert len(shapes) > 3
        assert 1000 * passage <= gaps.min() < 2500


def test_obstacles_are_added_until_they_cover_what_is_asked():
    assert len(plan('arena', cover=(0.0, 0.0)).rings) == 1
    for index in range(10):
        outline, *rest = map(
            shapely.Polygon, plan('arena', index, cover=(0.03, 0.03), width=(24, 24), height=(24, 24)).rings
        )
        covered = [ring.area / outline.area for ring in rest]
        assert 0.03 <= sum(covered) < 0.03 + 4 * max(covered)


@pytest.mark.parametrize('kind', sorted({*arena_obstacles.OBSTACLE_KINDS, *arena_obstacles.SYMMETRICAL_KINDS}))
def test_obstacles_are_as_long_as_asked(kind):
    rng = Rng(kind)
    for half in (3, 4, 9, 40, 80):
        for _ in range(10):
            ring = arena_obstacles.draw(rng, kind, half, mouth=24)
            shape = shapely.Polygon(ring)
            assert shape.is_valid and shape.exterior.is_ccw
            assert np.ptp(ring, axis=0)[0] == 100 * half
            assert 100 <= np.ptp(ring, axis=0)[1] <= 100 * half
            assert len(shapely.get_parts(shape.buffer(-49))) == 1


def test_bays_are_wide_enough_to_enter():
    rng = Rng('bays')
    for _ in range(50):
        bay = shapely.Polygon(arena_obstacles.draw(rng, 'bay', rng.between(3, 80), mouth=24))
        filled = bay.buffer(599, join_style='mitre').buffer(-599, join_style='mitre')
        assert filled.area == pytest.approx(bay.area)


def test_half_a_right_angle_keeps_whole_millimetres():
    assert arena_obstacles.half_right([(50, 0), (0, 50), (-100, 50)]) == [(35, 35), (-35, 35), (-105, -35)]
    ring = arena_obstacles.half_right(arena_obstacles.draw(Rng('diagonal'), 'box', 20, mouth=24))
    steps = np.abs(np.diff(ring, axis=0))
    assert (steps[:, 0] == steps[:, 1]).all()


@pytest.mark.parametrize('symmetry, count', [('none', 1), ('mirror', 2), ('half_turn', 2), ('quarter_turns', 4)])
def test_orbits(symmetry, count):
    assert len(SYMMETRIES[symmetry]) == count
    images = orbit([(x + 5, y + 3) for x, y in SQUARE], symmetry)
    assert len(images) == count
    assert all(shapely.LinearRing(ring).is_ccw for ring in images)
    assert len(orbit(SQUARE, symmetry)) == 1


def test_a_mirrored_ring_runs_the_same_way():
    assert transformed([(1, 0), (2, 0), (2, 1)], (-1, 0, 0, 1)) == [(-2, 0), (-1, 0), (-2, 1)]


@pytest.mark.parametrize('kind', arena_obstacles.SYMMETRICAL_KINDS)
def test_even_obstacles_stay_themselves(kind):
    ring = arena_obstacles.draw(Rng(kind), kind, 12, mouth=24)
    for shape in (ring, arena_obstacles.half_right(ring)):
        assert all(len(orbit(shape, symmetry)) == 1 for symmetry in SYMMETRIES)


@pytest.mark.parametrize('seed, index', GOLDEN)
def test_maps_are_what_they_have_always_been(seed, index):
    """A change that alters maps needs a new version of the family, and new hashes here."""
    assert plan_digest(plan('arena', index, seed)) == GOLDEN[seed, index]


def test_default_arenas_differ():
    maps = mapgen.generate('arena', 30)
    assert len({geometry.walls.tobytes() for geometry in maps}) == 30


@pytest.mark.parametrize(
    'parameters, message',
    [
        ({'width': (5.0, 8.0)}, 'arena: width must be from 6.0 to 98.0 m, got 5.0'),
        ({'height': (8.0, 120.0)}, 'arena: height must be from 6.0 to 98.0 m, got 120.0'),
        ({'symmetry': 'half'}, "symmetry must be one of any, none, mirror, half_turn, quarter_turns, got 'half'"),
        ({'outline': 'heart'}, "arena: outline must be one of any, cross, octagon, rectangle, got 'heart'"),
        ({'passage': 0.5}, 'arena: passage must be from 0.75 to 2.0 m, got 0.5'),
    ],
)
def test_bad_parameters(parameters, message):
    with pytest.raises(ValueError, match=message):
        mapgen.generate('arena', 1, **parameters)
