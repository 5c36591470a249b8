import copy

import numpy as np
import pytest

from megastep import mapgen
from megastep.geometry import Geometry, Room
from megastep.mapgen import CertificateError, certify

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
    pillar = ring((3, 3), (4, 3), (4, 4), (3, 4))
    assert_fails(broken(box, walls=np.concatenate([box.walls, pillar])), r'24\.0 m², but the walls enclose 26\.0 m²')


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
    assert_fails(broken(house, doors=house.doors[1:][:0]), 'rooms fall into 6 groups without a door between them')


@pytest.mark.parametrize('name, column', [('spawns', 2), ('lights', 3)])
def test_every_room_has_a_spawn_and_a_light(house, name, column):
    points = getattr(house, name)
    elsewhere = points[points[:, 0] > points[:, 0].min() + 1]
    assert_fails(broken(house, **{name: elsewhere[:1, :column]}), rf'rooms \[.*\] have no {name[:-1]}')


def test_spawns_keep_clear_of_walls(box):
    spawns = np.concatenate([box.spawns, [[1.2, 3.0]]])
    assert_fails(
        broken(box, spawns=spawns), rf'spawn {len(box.spawns)} has 0\.200 m of clearance, and should have 0\.25'
    )


def test_lights_are_inside(box):
    lights = np.concatenate([box.lights, [[9.0, 9.0, 1.0]]])
    assert_fails(broken(box, lights=lights), rf'light {len(box.lights)} has -inf m of clearance')


def test_generate_raises_what_the_certificate_finds(monkeypatch):
    def build(words, *, width, height):
        walls = ring((1, 1), (1 + width, 1), (1 + width, 1 + height), (1, 1 + height))
        return Geometry(
            walls=walls, spawns=[(2, 2)], lights=[(2, 2, 1)], rooms=[Room(ring((1, 1), (9, 1), (9, 9))[:, 0])] * 2
        )

    family = copy.copy(mapgen.FAMILIES['box'])
    object.__setattr__(family, 'build', build)
    monkeypatch.setattr(mapgen.generation, 'FAMILIES', {'box': family})
    with pytest.raises(
        CertificateError, match='box version 1, seed 7, index 0 is not a valid map: rooms 0 and 1 overlap'
    ):
        mapgen.generate('box', 3, seed=7)
