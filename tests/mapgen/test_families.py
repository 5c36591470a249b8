"""Maps of every family, with parameters from their whole ranges, and what the families promise of them."""

import pickle
from collections import Counter

import numpy as np
import pytest

from benchmarks.proofs.certification import PARAMETER_DRAWS, draw
from megastep import mapgen
from megastep.mapgen import FAMILIES
from megastep.mapgen.rng import Rng

COUNT = 60
"""Of each family; `python -m benchmarks mapgen-proof` makes a hundred thousand by the same draws."""

FURNISHED = 20
"""One map in so many has options, too: these take long in large buildings."""


def random_map(name, index, options):
    """A map, and its parameters: the first drawn that go together."""
    family, rng = FAMILIES[name], Rng(f'families/{name}/{index}')
    drawn = {key: each for key, each in family.parameters.items() if options or key not in family.options}
    for _ in range(PARAMETER_DRAWS):
        parameters = draw(drawn, rng)
        try:
            return mapgen.make(name, index, seed=1, **parameters), parameters
        except ValueError as error:
            refusal = error
    raise refusal


@pytest.mark.parametrize('name', FAMILIES)
def test_families_can_be_pickled(name):
    family = FAMILIES[name]
    copy = pickle.loads(pickle.dumps(family))
    assert copy == family
    assert copy.options == family.options


def kinds(geometry):
    return [room.kind for room in geometry.rooms]


def is_within(number, pair):
    return pair[0] <= number <= pair[1]


def check_apartments(block, *, flats, **_):
    assert is_within(kinds(block).count('stairs'), [-(-count // 8) for count in flats])


def check_arena(arena, **_):
    assert kinds(arena) == ['arena']
    assert max(arena.bounds) <= 99.001


def check_box(box, *, width, height):
    assert len(box.walls) == 4
    assert box.area == pytest.approx(width * height, abs=0.05 * (width + height))


def check_cave(cave, **_):
    assert kinds(cave) == ['cave']
    assert cave.area > 1.5


def check_column(room, *, width, height, column):
    assert len(room.walls) == 8
    assert room.area == pytest.approx(width * height - column**2, abs=0.05 * (width + height + 2 * column))


def check_hotel(hotel, *, guest_rooms, **_):
    assert is_within(kinds(hotel).count('guest_room'), guest_rooms)
    assert kinds(hotel).count('bathroom') == kinds(hotel).count('guest_room')


def check_house(house, *, rooms, **_):
    assert is_within(len(house.rooms), rooms)
    for room in house.rooms:
        assert min(np.ptp(room.outline, axis=0)) >= (0.6 if room.kind == 'closet' else 0.95) - 1e-9


def check_maze(maze, **_):
    assert kinds(maze) == ['maze']
    assert max(maze.bounds) <= 99


def check_office(office, *, rooms, **_):
    assert is_within(len(office.rooms), rooms)


def check_rooms(chain, *, rooms, **_):
    assert is_within(len(chain.rooms), rooms)
    assert set(kinds(chain)) == {'room'}
    assert max(chain.bounds) <= 99


def check_track(track, **_):
    assert set(kinds(track)) == {'track'}
    assert len(track.rooms) > 1


def check_voronoi(building, *, rooms, **_):
    assert is_within(len(building.rooms), rooms)


def check_warehouse(warehouse, *, docks, offices, **_):
    counts = Counter(kinds(warehouse))
    assert counts['storage_hall'] >= 1
    assert is_within(counts['dock'], docks)
    assert is_within(counts.total() - counts['storage_hall'] - counts['dock'], offices)


PROMISES = {
    'apartments': check_apartments,
    'arena': check_arena,
    'box': check_box,
    'cave': check_cave,
    'column': check_column,
    'hotel': check_hotel,
    'house': check_house,
    'maze': check_maze,
    'office': check_office,
    'rooms': check_rooms,
    'track': check_track,
    'voronoi': check_voronoi,
    'warehouse': check_warehouse,
}


@pytest.mark.parametrize('name', sorted(FAMILIES))
def test_maps_of_random_parameters_are_certified_and_what_was_asked_for(name):
    """`make` certifies each map. This adds what the certificate doesn't say."""
    for index in range(COUNT):
        furnished = index % FURNISHED == 0
        geometry, parameters = random_map(name, index, furnished)
        assert geometry.bounds[:2] == (1, 1)
        if not furnished:
            PROMISES[name](geometry, **parameters)
