import numpy as np
import pytest
import shapely
from floorplans.plans import areas, flat_plan_digest, of_kind, outlines, plan, room_graph

from megastep import mapgen
from megastep.mapgen.layout.footprint import FOOTPRINT_SHAPES

GOLDEN = {
    (0, 0): 'de63bebf869ac771edb3b37d2d5b40c1',
    (0, 7): 'b5ad9b43fdc333d78d89b74c9f48940c',
    (1, 3): 'fa91f6e18dd62a087c67da961625985a',
    (12345678901234567890, 1): '6fd3f2468e365940fc6683a1fffc87bc',
}


@pytest.mark.parametrize('shape', sorted({*FOOTPRINT_SHAPES} - {'core'}))
@pytest.mark.parametrize('count', [24, 101])
def test_there_are_as_many_guest_rooms_as_asked_for(shape, count):
    hotel = plan('hotel', guest_rooms=(count, count), shape=shape)
    assert len(of_kind(hotel, 'guest_room')) == len(of_kind(hotel, 'bathroom')) == count


def test_guest_rooms_are_equal_up_to_symmetry():
    for index in range(10):
        hotel = plan('hotel', index)
        for kind in ('guest_room', 'bathroom'):
            rooms = [shapely.Polygon(hotel.rooms[i].outline) for i in of_kind(hotel, kind)]
            sides = {tuple(sorted(np.ptp(np.array(room.exterior.coords), axis=0).tolist())) for room in rooms}
            assert len(sides) == 1 and len({room.area for room in rooms}) == 1


def test_a_guest_has_a_bathroom_and_a_door_to_the_corridor():
    for index in range(10):
        hotel = plan('hotel', index)
        graph = room_graph(hotel)
        for room in of_kind(hotel, 'guest_room'):
            assert sorted(hotel.rooms[other].kind for other in graph[room]) == ['bathroom', 'corridor']
        for room in of_kind(hotel, 'bathroom'):
            assert [hotel.rooms[other].kind for other in graph[room]] == ['guest_room']


def test_rooms_are_mirrored_in_pairs():
    """So most bathrooms lie back to back, with a wall of at most 30 cm between them."""
    for index in range(10):
        hotel = plan('hotel', index)
        baths = outlines(hotel)[of_kind(hotel, 'bathroom')]
        gaps = shapely.distance(baths[:, None], baths) + 9999 * np.eye(len(baths))
        assert (gaps.min(axis=1) <= 300).mean() > 0.4


def test_hotels_have_a_lobby_and_stairs():
    for index in range(20):
        hotel = plan('hotel', index)
        assert len(of_kind(hotel, 'lobby')) == 1
        assert len(of_kind(hotel, 'stairs')) >= 1
        assert areas(hotel, 'lobby')[0] > 30


def test_guest_rooms_have_the_sizes_of_guest_rooms():
    for index in range(20):
        hotel = plan('hotel', index)
        whole = areas(hotel, 'guest_room')[0] + areas(hotel, 'bathroom')[0]
        assert 18 <= whole <= 28
        assert 2.8 <= areas(hotel, 'bathroom')[0] <= 5.3


def test_default_hotels_differ_and_are_not_too_large():
    maps = mapgen.generate('hotel', 20)
    assert len({geometry.walls.tobytes() for geometry in maps}) == 20
    assert max(max(geometry.bounds) for geometry in maps) < 100


@pytest.mark.parametrize(
    'parameters, message',
    [
        ({'guest_rooms': (24, 181)}, 'hotel: guest_rooms must be from 24 to 180, got 181'),
        ({'shape': 'core'}, 'hotel: shape must be one of any, bar, .*ring, got .core'),
        ({'width': (2.0, 3.0)}, 'hotel: width must be from 3.0 to 4.5 m, got 2.0'),
    ],
)
def test_bad_parameters(parameters, message):
    with pytest.raises(ValueError, match=message):
        mapgen.generate('hotel', 1, **parameters)


@pytest.mark.parametrize('seed, index', GOLDEN)
def test_hotels_are_what_they_have_always_been(seed, index):
    """A change that alters maps needs a new version of their family, and new hashes here."""
    assert flat_plan_digest(plan('hotel', index, seed)) == GOLDEN[seed, index]
