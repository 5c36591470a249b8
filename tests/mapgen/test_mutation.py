import numpy as np
import pytest
import shapely
from apartments import APARTMENTS

from megastep import Geometry, MapSet, mapgen
from megastep.mapgen import certify, mutate
from megastep.mapgen.finishing.certificate import free_space
from megastep.mapgen.rng import Rng
from megastep.maps.segments import clearances


@pytest.fixture(scope='module')
def houses():
    return list(mapgen.generate('house', 6, seed=8, rooms=(7, 10)))


def box(width=5.0, height=5.0, *holes):
    corners = [(1, 1), (1 + width, 1), (1 + width, 1 + height), (1, 1 + height)]
    walls = [ring(corners), *(ring(hole) for hole in holes)]
    lights = [(1.5, 1.5, 1)]
    return Geometry(walls=np.concatenate(walls), spawns=[(1.5, 1.5)], lights=lights, rooms=[np.array(corners)])


def ring(corners):
    corners = np.array(corners, dtype=float)
    return np.stack([corners, np.roll(corners, -1, axis=0)], axis=1)


def walls(geometry):
    return set(map(tuple, geometry.walls.reshape(-1, 4).round(6).tolist()))


@pytest.mark.parametrize('edit', ['door', 'wall', 'furniture'])
def test_an_edit_is_small_and_valid(houses, edit):
    for i, house in enumerate(houses):
        changed = mutate(house, np.random.default_rng(i), edits=[edit])
        certify(changed, 'a changed house')
        kept = walls(house) & walls(changed)
        assert walls(changed) != walls(house)
        if edit != 'wall':
            assert len(walls(house)) - len(kept) <= 8
        assert [room.kind for room in changed.rooms] == [room.kind for room in house.rooms]
        assert len(changed.doors) == len(house.doors)


def test_a_door_stays_as_wide_and_in_its_wall(houses):
    for i, house in enumerate(houses):
        changed = mutate(house, np.random.default_rng(i), edits=['door'])
        (moved,) = np.flatnonzero((changed.doors != house.doors).any(axis=(1, 2)))
        old, new = house.doors[moved], changed.doors[moved]
        np.testing.assert_allclose(new[1] - new[0], old[1] - old[0], atol=1e-9)
        step, along = new[0] - old[0], old[1] - old[0]
        assert abs(step[0] * along[1] - step[1] * along[0]) < 1e-9
        assert 0.1 - 1e-9 <= np.hypot(*step) <= 1.2 + 1e-9
        assert abs(changed.area - house.area) < 1e-9
        assert all((a.outline == b.outline).all() for a, b in zip(house.rooms, changed.rooms, strict=True))


def test_a_wall_moves_with_the_rooms_on_both_sides(houses):
    for i, house in enumerate(houses):
        changed = mutate(house, np.random.default_rng(i), edits=['wall'])
        sizes = [[shapely.Polygon(room.outline).area for room in each.rooms] for each in (house, changed)]
        differences = np.array(sizes[1]) - np.array(sizes[0])
        assert (differences > 0.01).any() and (differences < -0.01).any()
        widths = [np.hypot(*np.diff(each.doors, axis=1)[:, 0].T) for each in (house, changed)]
        np.testing.assert_allclose(*widths, atol=1e-9)


def test_edits_follow_the_generator(houses):
    one, same, other = (mutate(houses[0], np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert one.walls.tobytes() == same.walls.tobytes() and one.spawns.tobytes() == same.spawns.tobytes()
    assert one.walls.tobytes() != other.walls.tobytes()
    assert mutate(houses[0], Rng('a')).walls.tobytes() == mutate(houses[0], Rng('a')).walls.tobytes()


def test_the_first_floorplan_is_left_as_it_is(houses):
    before = houses[1].walls.copy()
    mutate(houses[1], np.random.default_rng(0))
    np.testing.assert_array_equal(houses[1].walls, before)


def test_edits_add_up(houses):
    rng, geometry = np.random.default_rng(0), houses[2]
    for _ in range(20):
        geometry = mutate(geometry, rng)
    certify(geometry, 'a house changed twenty times')
    assert not walls(geometry) >= walls(houses[2])


def test_furniture_comes_and_goes():
    rng, geometry, counts = np.random.default_rng(3), box(9.0, 9.0), []
    for _ in range(30):
        geometry = mutate(geometry, rng, edits=['furniture'])
        counts.append(len(free_space(geometry).interiors))
    steps = np.diff(counts)
    assert {-1, 0, 1} == set(steps.tolist())


def test_spawns_and_lights_that_are_covered_are_replaced():
    start = box(2.6, 2.6)
    found = [mutate(start, np.random.default_rng(seed), edits=['furniture']) for seed in range(12)]
    assert {(1.5, 1.5)} < {tuple(spawn) for geometry in found for spawn in geometry.spawns.tolist()}
    for geometry in found:
        assert len(geometry.spawns) >= 1 and len(geometry.lights) >= 1
        assert clearances(geometry.spawns, geometry.walls).min() >= 0.25 - 1e-9


def test_doors_in_slanted_walls_move():
    for i, geometry in enumerate(mapgen.generate('house', 4, seed=2, rotation=(20.0, 70.0), rooms=(7, 9))):
        certify(mutate(geometry, np.random.default_rng(i), edits=['door']), 'a turned house')


def test_where_there_are_neither_doors_nor_rooms_furniture_is_put():
    for i, geometry in enumerate(mapgen.generate('cave', 12, seed=1)):
        assert walls(mutate(geometry, np.random.default_rng(i))) != walls(geometry)


@pytest.mark.skipif(not APARTMENTS.exists(), reason=f'there are no real apartments at {APARTMENTS}')
def test_real_apartments_change_too(tmp_path):
    with APARTMENTS.open() as lines:
        (tmp_path / 'few.geojsonl').write_text(''.join(line for line, _ in zip(lines, range(8), strict=False)))
    for i, apartment in enumerate(MapSet.from_geojson(tmp_path / 'few.geojsonl')):
        changed = mutate(apartment, np.random.default_rng(i))
        assert walls(changed) != walls(apartment)
        assert len(changed.rooms) == len(apartment.rooms)


@pytest.mark.parametrize(
    'edits, message',
    [
        ([], r'edits must be some of door, wall, furniture, got \[\]'),
        (['roof'], r"edits must be some of door, wall, furniture, got \['roof'\]"),
        (['door'], r'nothing can be changed in Geometry\(4 walls, .* 200 changes \(door\) were tried'),
        (['wall', 'door'], r'400 changes \(door, wall\) were tried'),
    ],
)
def test_what_cannot_be_changed(edits, message):
    with pytest.raises(ValueError, match=message):
        mutate(box(), np.random.default_rng(0), edits=edits)


def test_a_seed_is_no_generator():
    with pytest.raises(ValueError, match=r'rng must be a numpy\.random\.Generator, got 0'):
        mutate(box(), 0)


def test_walls_that_touch_at_a_corner_are_refused():
    columns = [[(2, 2), (2, 3), (3, 3), (3, 2)], [(3, 3), (3, 4), (4, 4), (4, 3)]]
    with pytest.raises(ValueError, match='walls must begin at points of their own, but 12 walls begin at 11 points'):
        mutate(box(5.0, 5.0, *columns), np.random.default_rng(0))
