import hashlib
from collections import Counter
from dataclasses import FrozenInstanceError

import networkx as nx
import numpy as np
import pytest
import shapely

from megastep import mapgen
from megastep.mapgen.layout.room_kinds import DEAD_END_KINDS
from megastep.maps.geometry import AGENT_RADIUS
from megastep.maps.segments import clearances

GOLDEN = {
    ('box', 0, 0): '2c278f4d8f9986ee012b8cf46d3ba697',
    ('box', 1, 3): '4850605d46004a24e314bf9e52e1b83d',
    ('column', 0, 0): '6f0f3512d12f697962faa173555241cc',
    ('column', 1, 3): '0a1d71eaad5b55a4cb47b07ea27e098e',
    ('house', 0, 0): '2c7a35f4af351e4f7d99bdd83ead1dd7',
    ('house', 0, 7): '8f940ab74bc91474cafbf9d5e8e62f48',
    ('house', 1, 3): '335a6752eac44cd4bbd1ef8fbf2c901c',
    ('house', 12345678901234567890, 1): '55ba920ac44886defdb477b8f3f0cc57',
}


@pytest.fixture(scope='module')
def houses():
    return mapgen.generate('house', 300, seed=11)


def integers(geometry):
    """A map's coordinates in millimetres."""
    arrays = (geometry.walls, geometry.doors, geometry.lights[:, :2], geometry.spawns)
    return [np.rint(1000 * array).astype('<i8') for array in arrays]


def digest(geometry):
    return hashlib.sha256(b''.join(array.tobytes() for array in integers(geometry))).hexdigest()[:32]


def room_graph(geometry):
    """The graph of rooms that doors join."""
    rooms = np.array([shapely.Polygon(room.outline) for room in geometry.rooms])
    graph = nx.Graph()
    graph.add_nodes_from(range(len(rooms)))
    for door in geometry.doors:
        graph.add_edge(*np.argsort(shapely.distance(shapely.Point(door.mean(0)), rooms))[:2].tolist())
    return graph


@pytest.mark.parametrize('family, seed, index', GOLDEN)
def test_maps_are_what_they_have_always_been(family, seed, index):
    """A change that alters maps needs a new version of their family, and new hashes here."""
    maps = mapgen.generate(family, index + 1, seed=seed)
    assert digest(maps[index]) == GOLDEN[family, seed, index]


@pytest.mark.parametrize('family', sorted(mapgen.FAMILIES))
def test_coordinates_are_the_floats_nearest_to_whole_millimetres(family):
    for geometry in mapgen.generate(family, 3, seed=1):
        walls, doors, lights, spawns = integers(geometry)
        np.testing.assert_array_equal(geometry.walls, walls / 1000)
        np.testing.assert_array_equal(geometry.doors, doors / 1000)
        np.testing.assert_array_equal(geometry.lights[:, :2], lights / 1000)
        np.testing.assert_array_equal(geometry.spawns, spawns / 1000)
        assert geometry.bounds[:2] == (1.0, 1.0)


def test_workers_change_nothing():
    alone = mapgen.generate('house', 20, seed=3, rooms=(5, 9))
    together = mapgen.generate('house', 20, seed=3, rooms=(5, 9), workers=2)
    assert list(map(digest, alone)) == list(map(digest, together))
    assert [[room.kind for room in g.rooms] for g in alone] == [[room.kind for room in g.rooms] for g in together]
    assert alone.recipe == together.recipe


def test_more_maps_begin_with_the_same_maps():
    assert list(map(digest, mapgen.generate('house', 5)))[:3] == list(map(digest, mapgen.generate('house', 3)))


def test_the_recipe_makes_the_maps_again():
    recipe = mapgen.generate('house', 1, seed=3, rooms=(5, 9), wide=0.2).recipe
    assert recipe['family'] == 'house'
    assert recipe['version'] == mapgen.FAMILIES['house'].version
    assert recipe['seed'] == 3
    assert recipe['parameters']['rooms'] == [5, 9]
    assert recipe['parameters']['wall'] == [0.1, 0.15]
    again = mapgen.generate(recipe['family'], 1, seed=recipe['seed'], **recipe['parameters'])
    assert digest(again[0]) == digest(mapgen.generate('house', 1, seed=3, rooms=(5, 9), wide=0.2)[0])


def test_progress_shows_how_fast(capsys):
    mapgen.generate('box', 3, progress=True)
    assert 'box: 100%' in (shown := capsys.readouterr().err)
    assert 'maps/s' in shown
    mapgen.generate('box', 3)
    assert capsys.readouterr().err == ''


def test_box():
    geometry = mapgen.generate('box', 1, width=4, height=2.5)[0]
    corners = [(1, 1), (5, 1), (5, 3.5), (1, 3.5)]
    np.testing.assert_array_equal(geometry.walls[:, 0], corners)
    np.testing.assert_array_equal(geometry.walls[:, 1], np.roll(corners, -1, axis=0))
    np.testing.assert_array_equal(geometry.lights, [[3, 2.25, 1]])
    np.testing.assert_array_equal(geometry.rooms[0].outline, corners)


def test_column():
    geometry = mapgen.generate('column', 1, width=5, height=4, column=1)[0]
    assert len(geometry.walls) == 8
    assert geometry.area == pytest.approx(19)
    np.testing.assert_array_equal(geometry.walls[4:, 0], [(3, 2.5), (3, 3.5), (4, 3.5), (4, 2.5)])


def test_no_two_houses_are_the_same(houses):
    shapes = {integers(geometry)[0].tobytes() for geometry in houses}
    assert len(shapes) == 300


def test_houses_have_the_loops_asked_for():
    for count in (0, 2):
        maps = mapgen.generate('house', 20, seed=2, loops=(count, count), rooms=(12, 12))
        loops = [len(g.doors) - len(g.rooms) + 1 for g in maps]
        assert max(loops) == count
    assert np.mean(loops) > 0.5  # where so many suit


def test_nobody_walks_through_a_bathroom_or_a_closet(houses):
    for geometry in houses[:50]:
        graph = room_graph(geometry)
        for i, room in enumerate(geometry.rooms):
            others = [j for j in graph[i] if geometry.rooms[j].kind != 'closet']
            if room.kind in DEAD_END_KINDS:
                assert len(others) == 1


def test_closets_belong_to_houses_that_ask_for_them():
    kinds = Counter(room.kind for g in mapgen.generate('house', 20, closets=(0, 0)) for room in g.rooms)
    assert 'closet' not in kinds
    kinds = Counter(room.kind for g in mapgen.generate('house', 20, closets=(2, 2), rooms=(12, 12)) for room in g.rooms)
    assert 25 <= kinds['closet'] <= 40


def test_every_house_has_the_rooms_a_home_needs(houses):
    for geometry in houses:
        kinds = Counter(room.kind for room in geometry.rooms)
        assert kinds['living_room'] == 1
        assert kinds['bathroom'] >= 1
    homes = [{room.kind for room in geometry.rooms} for geometry in houses if len(geometry.rooms) >= 9]
    assert sum('bedroom' in kinds for kinds in homes) > 0.85 * len(homes)


def test_doors_are_of_two_widths(houses):
    """A quarter of real openings are at most 0.75 m wide and a quarter at least 1.62 m, with few in between."""
    widths = np.ptp(houses.doors.vals, axis=1).max(1)
    assert widths.min() >= 0.75 - 1e-9
    assert widths.max() <= 2.7 + 1e-9
    narrow, between, wide = (
        (widths < 0.93).mean(),
        ((widths >= 0.93) & (widths < 1.53)).mean(),
        (widths >= 1.53).mean(),
    )
    assert 0.4 < narrow < 0.6 and between < 0.35 and wide > 0.15


def test_houses_are_about_as_large_as_real_apartments(houses):
    """Half of 200 real ones have 39 m² or less."""
    assert 34 <= np.median(houses.stats('area')['area']) <= 44


def test_large_houses_have_the_walls_of_the_world_that_others_measure_in():
    walls = mapgen.generate('house', 40, rooms=(17, 21)).stats('walls')['walls']
    assert 152 <= np.median(walls) <= 172


@pytest.mark.parametrize('family', sorted(mapgen.FAMILIES))
def test_spawns_are_apart_and_clear_of_walls_and_in_every_room(family):
    for geometry in mapgen.generate(family, 10, seed=5):
        spawns = geometry.spawns
        assert clearances(spawns, geometry.walls).min() >= 0.25 - 1e-9
        gaps = np.hypot(*(spawns[:, None] - spawns[None]).transpose(2, 0, 1)) + 9 * np.eye(len(spawns))
        assert gaps.min() >= 0.5 - 1e-9
        assert 16 <= len(spawns) <= max(64, len(geometry.rooms))
        homes = [shapely.contains_xy(shapely.Polygon(room.outline), spawns).sum() for room in geometry.rooms]
        assert min(homes) >= 1 and sum(homes) == len(spawns)


def test_successive_spawns_are_seldom_neighbours(houses):
    steps = np.concatenate([np.hypot(*np.diff(geometry.spawns, axis=0).T) for geometry in houses[:50]])
    assert np.median(steps) > 3


def test_lights_hang_where_a_room_is_wide(houses):
    for geometry in houses[:50]:
        for room in geometry.rooms:
            outline = shapely.Polygon(room.outline)
            inside = shapely.contains_xy(outline, geometry.lights[:, :2])
            widest = shapely.length(shapely.maximum_inscribed_circle(outline, tolerance=0.01))
            assert clearances(geometry.lights[inside, :2], geometry.walls).max() > 0.5 * widest
    assert (houses.lights.vals[:, 2] == 1).all()
    assert clearances(houses[0].lights[:, :2], houses[0].walls).min() > AGENT_RADIUS


def test_rooms_and_doors_fill_the_free_space(houses):
    for geometry in houses[:20]:
        rooms = sum(shapely.Polygon(room.outline).area for room in geometry.rooms)
        widths = np.hypot(*(geometry.doors[:, 1] - geometry.doors[:, 0]).T)
        assert 0.1 - 1e-9 <= (geometry.area - rooms) / widths.sum() <= 0.15 + 1e-9


def test_families_describe_themselves_and_cannot_be_changed():
    assert {'box', 'column', 'house'} <= set(mapgen.FAMILIES)
    for name, family in mapgen.FAMILIES.items():
        assert family.name == name and family.version >= 1 and family.about
        assert all(parameter.about for parameter in family.parameters.values())
        assert family.complete({}) == {key: parameter.default for key, parameter in family.parameters.items()}
    with pytest.raises(TypeError):
        mapgen.FAMILIES['box'] = None
    with pytest.raises(TypeError):
        mapgen.FAMILIES['house'].parameters['rooms'] = None
    with pytest.raises(FrozenInstanceError):
        mapgen.FAMILIES['house'].version = 2


@pytest.mark.parametrize(
    'arguments, message',
    [
        ({'family': 'castle'}, "unknown family 'castle'; the families are .*box, .*column, .*house"),
        (
            {'towers': 4},
            "house has no parameter 'towers'; it has .*closets, .*corridor, .*rotation, ",
        ),
        (
            {'family': 'box', 'rooms': (4, 5)},
            "box has no parameter 'rooms'; it has chamfers, columns, curves, furniture, height, rotation, width",
        ),
        ({'rooms': (3, 9)}, r'house: rooms must be from 4 to 32, got 3'),
        ({'rooms': (9, 33)}, r'house: rooms must be from 4 to 32, got 33'),
        ({'rooms': (9, 8)}, r'house: rooms must be a pair of which the first is at most the second, got \(9, 8\)'),
        ({'rooms': 40}, 'house: rooms must be from 4 to 32, got 40'),
        ({'rooms': (8, 9.5)}, 'house: rooms must be a whole number, got 9.5'),
        ({'wall': (0.1, 0.35)}, 'house: wall must be from 0.1 to 0.3 m, got 0.35'),
        ({'wall': (0.1, float('nan'))}, 'house: wall must be a number, got nan'),
        ({'wide': 1.5}, 'house: wide must be from 0.0 to 1.0, got 1.5'),
        ({'wide': 'half'}, "house: wide must be a number, got 'half'"),
        ({'family': 'box', 'width': float('inf')}, 'box: width must be from 1.0 to 50.0 m, got inf'),
        ({'count': 0}, 'count must be a whole number of at least 1, got 0'),
        ({'count': 2.5}, 'count must be a whole number of at least 1, got 2.5'),
        ({'workers': 0}, 'workers must be a whole number of at least 1, got 0'),
        ({'seed': -1}, 'seed must be a whole number of at least 0, got -1'),
        ({'seed': 0.5}, 'seed must be a whole number of at least 0, got 0.5'),
        ({'seed': True}, 'seed must be a whole number of at least 0, got True'),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        mapgen.generate(**{'family': 'house', 'count': 1, **arguments})


def test_numpy_numbers_are_numbers():
    assert len(mapgen.generate('box', np.int64(2), seed=np.int32(1), width=np.float32(2))) == 2


def test_a_number_stands_for_a_pair_and_a_pair_of_one_for_a_number():
    assert mapgen.generate('house', 2, rooms=8) == mapgen.generate('house', 2, rooms=(8, 8))
    assert mapgen.generate('house', 2, wide=(0.5, 0.5)).recipe == mapgen.generate('house', 2, wide=0.5).recipe
    with pytest.raises(ValueError, match=r'house: wide must be one number, the same for every map, got \(0.1, 0.5\)'):
        mapgen.generate('house', 2, wide=(0.1, 0.5))
