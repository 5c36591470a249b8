import copy

import numpy as np
import pytest

from megastep import mapgen
from megastep.mapgen import CertificateError, certify
from megastep.mapgen.finishing import certificate
from megastep.mapgen.plan import Plan, PlannedRoom
from megastep.maps.geometry import Geometry, Room

ORIGIN = 'house version 1, seed 0, index 0'


@pytest.fixture(scope='module')
def house():
    return mapgen.generate('house', 1, rooms=(6, 6))[0]


@pytest.fixture(scope='module')
def box():
    return mapgen.generate('box', 1)[0]


def broken(geometry, **changes):
    """A copy with other arrays, which `Geometry` itself wouldn't take."""
    copied = copy.copy(geometry)
    for name, value in changes.items():
        object.__setattr__(copied, name, value)
    return copied


def ring(*corners):
    corners = np.array(corners, dtype=float)
    return np.stack([corners, np.roll(corners, -1, axis=0)], axis=1)


def assert_fails(geometry, match):
    with pytest.raises(CertificateError, match=match):
        certify(geometry, ORIGIN)


def test_a_good_map_passes(house, box):
    certify(house, ORIGIN)
    certify(box, ORIGIN)


def test_the_error_says_which_map_and_that_it_is_a_bug(house):
    with pytest.raises(RuntimeError, match=r'^house version 1, seed 0, index 0 is not a valid map: .* bug in the gen'):
        certify(broken(house, walls=house.walls[1:]), ORIGIN)


def test_coordinates_are_above_zero(house):
    assert_fails(broken(house, walls=house.walls - 1), r'walls reach a coordinate of 0\.0 m')


def test_coordinates_are_within_what_can_be_simulated(house):
    from megastep.world import scenery  # here, since these tests also run where there is no PyTorch

    assert scenery.LARGEST == 500
    far = house.walls + 499.9 - house.walls.max()
    assert not list(certificate._check_walls(broken(house, walls=far)))
    assert_fails(
        broken(house, walls=far + 0.2), r'walls reach a coordinate of 500\.\d+ m, and should stay within 500 m'
    )


def test_no_wall_has_zero_length(house):
    point = np.repeat(house.walls[:1, :1], 2, axis=1)
    assert_fails(broken(house, walls=np.concatenate([house.walls, point])), rf'walls \[{len(house.walls)}\] have zero')


def test_no_wall_is_there_twice(house):
    assert_fails(broken(house, walls=np.concatenate([house.walls, house.walls[:1]])), 'there are walls twice')


def test_walls_are_closed(house):
    assert_fails(broken(house, walls=house.walls[1:]), 'not one wall that begins where each wall ends')


def test_walls_do_not_cross(box):
    assert_fails(broken(box, walls=ring((1, 1), (3, 3), (3, 1), (1, 3))), 'not a polygon: Self-intersection')


def test_a_hole_is_inside(box):
    outside = ring((11, 11), (11, 12), (12, 12), (12, 11))
    assert_fails(broken(box, walls=np.concatenate([box.walls, outside])), 'not a polygon: Hole lies outside shell')


def test_free_space_lies_to_the_left(box):
    column = ring((3, 3), (4, 3), (4, 4), (3, 4))
    assert_fails(broken(box, walls=np.concatenate([box.walls, column])), r'24\.0 m², but the walls enclose 26\.0 m²')


def test_an_agent_fits_through(box):
    neck = ring(
        (1, 1), (3, 1), (3, 2), (3.3, 2), (3.3, 1), (6, 1), (6, 3), (3.3, 3), (3.3, 2.3), (3, 2.3), (3, 3), (1, 3)
    )
    assert_fails(broken(box, walls=neck), 'falls into 2 parts for an agent with 0.05 m to spare')


def test_rooms_do_not_overlap(house):
    assert_fails(broken(house, rooms=(*house.rooms, house.rooms[2])), 'rooms 2 and 6 overlap')


def test_doors_are_in_the_free_space(house):
    doors = house.doors.copy()
    doors[1] += 100
    assert_fails(broken(house, doors=doors), r'doors \[1\] are not in the free space')


def test_a_door_joins_two_rooms(box):
    assert_fails(broken(box, doors=np.array([[[3.0, 3.0], [3.0, 4.0]]])), 'door 0 joins 1 rooms')


def test_every_room_can_be_reached_through_doors(house):
    assert_fails(broken(house, doors=house.doors[1:][:0]), 'rooms fall into 6 groups without a way between them')


@pytest.mark.parametrize('name, size', [('spawns', 2), ('lights', 3)])
def test_every_room_has_a_spawn_and_a_light(house, name, size):
    points = getattr(house, name)
    elsewhere = points[points[:, 0] > points[:, 0].min() + 1]
    assert_fails(broken(house, **{name: elsewhere[:1, :size]}), rf'rooms \[.*\] have no {name[:-1]}')


def test_spawns_keep_clear_of_walls(box):
    spawns = np.concatenate([box.spawns, [[1.2, 3.0]]])
    assert_fails(
        broken(box, spawns=spawns), rf'spawn {len(box.spawns)} has 0\.200 m of clearance, and should have 0\.25'
    )


def test_lights_are_inside(box):
    lights = np.concatenate([box.lights, [[9.0, 9.0, 1.0]]])
    assert_fails(broken(box, lights=lights), rf'light {len(box.lights)} has -inf m of clearance')


def test_generate_raises_what_the_certificate_finds(monkeypatch):
    def build(rng, *, width, height):
        outline = [(0, 0), (3000, 0), (3000, 3000), (0, 3000)]
        corner = [(0, 0), (1500, 0), (1500, 1500), (0, 1500)]
        return Plan(rings=[outline], rooms=[PlannedRoom('room', outline), PlannedRoom('room', corner)])

    family = copy.copy(mapgen.FAMILIES['box'])
    object.__setattr__(family, 'build', build)
    monkeypatch.setattr(mapgen.generation, 'FAMILIES', {'box': family})
    with pytest.raises(
        CertificateError, match='box version 2, seed 7, index 0 is not a valid map: rooms 0 and 1 overlap'
    ):
        mapgen.generate('box', 3, seed=7)


def rooms(*outlines):
    return tuple(Room(np.array(outline, dtype=float)) for outline in outlines)


def square(x, y, size=2.0):
    return [(x, y), (x + size, y), (x + size, y + size), (x, y + size)]


def test_rooms_may_share_an_open_border(box):
    halves = rooms([(1, 1), (3, 1), (3, 6), (1, 6)], [(3, 1), (6, 1), (6, 6), (3, 6)])
    lights = np.array([[2.0, 3.0, 1.0], [4.0, 3.0, 1.0]])
    certify(broken(box, rooms=halves, lights=lights), ORIGIN)


def test_a_border_with_a_wall_on_it_joins_nothing():
    walls = ring((1, 1), (2.9, 1), (2.9, 4), (3.1, 4), (3.1, 1), (5, 1), (5, 5), (1, 5))
    points = np.array([(2.0, 2.0), (4.0, 2.0), (2.0, 4.6), (4.0, 4.6)])
    left, right = [(1, 1), (2.9, 1), (2.9, 4), (1, 4)], [(3.1, 1), (5, 1), (5, 4), (3.1, 4)]
    geometry = Geometry(walls=walls, spawns=points, lights=np.insert(points, 2, 1, axis=1), rooms=rooms(left, right))
    assert_fails(geometry, 'rooms fall into 2 groups without a way between them')
    corridor = [(1, 4), (5, 4), (5, 5), (1, 5)]
    certify(broken(geometry, rooms=rooms(left, right, corridor)), ORIGIN)


def test_corners_may_be_off_by_a_millimetre(box):
    halves = rooms([(1, 1), (3, 1), (3.001, 6), (1, 6)], [(3, 1), (6, 1), (6, 6), (3, 6)])
    lights = np.array([[2.0, 3.0, 1.0], [4.0, 3.0, 1.0]])
    door = np.array([[[3.0, 0.999], [3.0, 6.001]]])
    certify(broken(box, rooms=halves, lights=lights, doors=door), ORIGIN)
    assert_fails(broken(box, rooms=rooms(square(1, 1, 2.01), square(3, 1)), lights=lights), 'rooms 0 and 1 overlap')


def test_rooms_are_polygons(box):
    assert_fails(broken(box, rooms=rooms([(1, 1), (6, 6), (6, 1), (1, 6)])), 'room 0 is not a polygon: Self-inters')


def test_there_are_rooms(box):
    assert_fails(broken(box, rooms=()), 'there are no rooms')


def test_an_agent_fits_into_every_room(box):
    apart = rooms([(1.2, 1), (6, 1), (6, 6), (1.2, 6)], [(1, 1), (1.1, 1), (1.1, 6), (1, 6)])
    assert_fails(broken(box, rooms=apart), r'rooms \[1\] have no place for an agent with 0\.05 m to spare')


def test_a_second_door_that_is_too_narrow_is_found(box):
    """Between two rooms there is a wide door and, where nobody could go, a narrow one."""
    outer, island = ring((1, 1), (6, 1), (6, 6), (1, 6)), ring((1.25, 3), (1.25, 3.1), (5, 3.1), (5, 3))
    points = np.array([(3.0, 2.0), (3.0, 5.0)])
    geometry = Geometry(walls=np.concatenate([outer, island]), spawns=points, lights=np.insert(points, 2, 1, axis=1))
    halves = rooms([(1, 1), (6, 1), (6, 3), (1, 3)], [(1, 3.1), (6, 3.1), (6, 6), (1, 6)])
    wide, narrow = [[5.0, 3.05], [6.0, 3.05]], [[1.0, 3.05], [1.25, 3.05]]
    certify(broken(geometry, rooms=halves, doors=np.array([wide])), ORIGIN)
    assert_fails(
        broken(geometry, rooms=halves, doors=np.array([wide, narrow])), r'doors \[1\] are too narrow for an ag'
    )


def test_two_agents_fit_on_two_spawns(box):
    spawns = np.array([(3.0, 3.0), (3.2, 3.0)])
    assert_fails(broken(box, spawns=spawns), 'spawns 0 and 1 are nearer than two agents')


def test_coordinates_are_finite(box):
    walls = box.walls.copy()
    walls[0, 0] = walls[3, 1] = np.nan
    assert_fails(broken(box, walls=walls), 'walls reach a coordinate of nan m')


def test_walls_may_come_in_any_order(house):
    order = np.random.default_rng(0).permutation(len(house.walls))
    certify(broken(house, walls=house.walls[order]), ORIGIN)
