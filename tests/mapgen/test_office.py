from itertools import combinations

import numpy as np
import pytest
from floorplans.plans import areas, flat_plan_digest, of_kind, plan, room_graph
from hypothesis import given, settings
from hypothesis import strategies as st

from megastep import mapgen
from megastep.mapgen.geometry.lattice import Rect, shared
from megastep.mapgen.geometry.symmetry import SquareSymmetry
from megastep.mapgen.layout.corridor_lots import allot_lots, fitted, lot_capacity, sliced
from megastep.mapgen.layout.footprint import FOOTPRINT_SHAPES, Band, draw_footprint
from megastep.mapgen.layout.solids import COLUMN_CLEARANCE, column_grid
from megastep.mapgen.rng import Rng

BRANCHES = {'bar': 0, 'ell': 1, 'tee': 1, 'zed': 2, 'cup': 2, 'cross': 2, 'aitch': 4, 'core': 2}

GOLDEN = {
    (0, 0): '8aaf0d0218a730e5083bedf2dd7bae4c',
    (0, 7): 'c6b3a8dacd711f2a08e4b2da7207fc3e',
    (1, 3): '0781d0a5b37949d1cf995a8f78091573',
    (12345678901234567890, 1): '83b9d7ea0f8825ec3139215c772e5a87',
}


def footprint_of(shape, seed, *, depth=100, corridor=40, needed=4000, halls=50):
    def enough(footprint, quarters):
        return quarters == 4 and sum(band.length for band in footprint.bands) >= needed

    rng = Rng(f'wings {seed}')
    shapes = [shape]
    return draw_footprint(rng, enough, shapes=shapes, depth=depth, corridor=corridor, most=30, plot=9999, halls=halls)


@settings(max_examples=80, deadline=None)
@given(
    shape=st.sampled_from(FOOTPRINT_SHAPES),
    seed=st.integers(0, 99),
    depth=st.integers(50, 200),
    corridor=st.integers(25, 80),
)
def test_the_land_of_footprints_lies_along_corridors(shape, seed, depth, corridor):
    footprint = footprint_of(shape, seed, depth=depth, corridor=corridor)
    corridors = [tile for tiles in footprint.corridors for tile in tiles]
    tiles = [*corridors, *(band.tile for band in footprint.bands), *footprint.halls]
    assert not any(one.overlaps(other) for one, other in combinations(tiles, 2))
    assert sum(band.length for band in footprint.bands) >= 4000
    for band in footprint.bands:
        front = Band(band.part(Rect(0, 0, band.length, 1)), band.facing).tile
        assert band.depth == depth
        assert any((found := shared(front, tile, 0)) and found.length == band.length for tile in corridors)
    for hall in footprint.halls:
        assert any((found := shared(hall, tile, 0)) and found.length >= corridor for tile in corridors)
    for first, *others in footprint.corridors:
        assert all(shared(first, other, 0) for other in others)


@pytest.mark.parametrize('shape', sorted(BRANCHES))
def test_shapes_have_the_branches_that_their_names_say(shape):
    footprint = footprint_of(shape, 1)
    assert len(footprint.corridors[0]) == 1 + BRANCHES[shape]
    assert len(footprint.corridors) == (2 if shape == 'core' else 1)


@settings(max_examples=80, deadline=None)
@given(
    lengths=st.lists(st.integers(40, 900), min_size=1, max_size=12),
    seed=st.integers(0, 99),
    share=st.floats(0, 1),
)
def test_rooms_are_shared_out_as_they_fit(lengths, seed, share):
    least = 40
    most = lot_capacity(lengths, least)
    count = len(lengths) + round(share * (most - len(lengths)))
    rng = Rng(f'lots {seed}')
    widths = [rng.between(30, 200) for _ in range(count)]
    shares = allot_lots(widths, lengths, least)
    assert sorted(room for share in shares for room in share) == list(range(count))
    for length, rooms in zip(lengths, shares, strict=True):
        assert 1 <= len(rooms) <= length // least
        found = fitted([widths[room] for room in rooms], length, [least] * len(rooms))
        assert sum(found) == length and min(found) >= least
        parts = sliced(Band(Rect(5, 7, 5 + length, 90), 'top'), found)
        assert [part.length for part in parts] == found
        assert all(part.tile.bottom == 7 and part.tile.top == 90 for part in parts)


def test_what_is_to_be_no_wider_keeps_its_width():
    assert fitted([30, 80, 60], 200, [30, 40, 40]) == [30, 100, 70]


@settings(max_examples=50, deadline=None)
@given(width=st.integers(10, 400), height=st.integers(10, 400), pitch=st.integers(50, 200))
def test_columns_keep_clear_of_walls_and_of_each_other(width, height, pitch):
    room = Rect(3, 4, 3 + width, 4 + height)
    found = column_grid(room, pitch, 8)
    assert bool(found) == (min(width, height) >= 8 + 2 * COLUMN_CLEARANCE)
    for left, bottom, right, top in found:
        assert (right - left, top - bottom) == (8, 8)
        assert min(left - room.left, bottom - room.bottom, room.right - right, room.top - top) >= COLUMN_CLEARANCE
    for one, other in combinations(found, 2):
        assert max(abs(one.left - other.left), abs(one.bottom - other.bottom)) >= pitch


def test_symmetries_of_the_square_are_eight():
    tile = Rect(1, 2, 5, 4)
    images = {SquareSymmetry(*map(bool, flags))(tile) for flags in np.ndindex(2, 2, 2)}
    assert len(images) == 8
    assert {part.area for part in images} == {8}


@pytest.mark.parametrize('shape', FOOTPRINT_SHAPES)
@pytest.mark.parametrize('count', [24, 250])
def test_there_are_as_many_rooms_as_asked_for(shape, count):
    office = plan('office', rooms=(count, count), shape=shape)
    assert len(office.rooms) == count
    assert (len(office.rings) > 1) or shape not in ('ring', 'core')


def test_every_room_opens_onto_a_corridor():
    for index in range(20):
        office = plan('office', index)
        graph, corridors = room_graph(office), set(of_kind(office, 'corridor'))
        for room in set(graph) - corridors:
            assert corridors & set(graph[room])
            if office.rooms[room].kind in ('stairs', 'restroom', 'kitchen', 'storage', 'server_room'):
                assert len(graph[room]) == 1


def test_offices_have_the_sizes_of_offices_and_services_are_there():
    found = np.concatenate([areas(plan('office', index), 'office') for index in range(20)])
    low, middle, high = np.percentile(found, [5, 50, 95])
    assert low > 8 and 11 < middle < 18 and high < 25
    for index in range(20):
        office = plan('office', index)
        for kind in ('stairs', 'restroom', 'kitchen', 'corridor'):
            assert of_kind(office, kind)
        assert all(areas(office, 'open_plan') >= 34)


def test_open_plan_areas_and_meeting_rooms_come_as_asked_for():
    bare = [plan('office', index, open_plan=0.0, meeting=0.0) for index in range(5)]
    full = [plan('office', index, open_plan=1.0, meeting=1.0) for index in range(5)]
    assert not any(of_kind(office, 'open_plan', 'meeting_room', 'lobby') for office in bare)
    for office in full:
        assert len(of_kind(office, 'open_plan')) >= 5 and len(of_kind(office, 'meeting_room')) >= 5
        assert len(office.rings) > len(of_kind(office, 'open_plan')) / 2


def test_neighbours_are_connected_as_asked_for():
    parted, joined = (plan('office', connected=share, shape='bar', rooms=(40, 40)) for share in (0.0, 1.0))
    assert len(parted.doors) == 39
    assert len(joined.doors) > 55


def test_default_offices_differ_and_are_not_too_large():
    maps = mapgen.generate('office', 20)
    assert len({geometry.walls.tobytes() for geometry in maps}) == 20
    assert max(max(geometry.bounds) for geometry in maps) < 100


@pytest.mark.parametrize(
    'parameters, message',
    [
        ({'rooms': (10, 40)}, 'office: rooms must be from 24 to 300, got 10'),
        ({'shape': 'castle'}, 'office: shape must be one of any, bar, ell, .*core, got .castle'),
        ({'depth': (4.0, 9.0)}, 'office: depth must be from 3.5 to 8.0 m, got 9.0'),
        ({'open_plan': 1.5}, 'office: open_plan must be from 0.0 to 1.0, got 1.5'),
    ],
)
def test_bad_parameters(parameters, message):
    with pytest.raises(ValueError, match=message):
        mapgen.generate('office', 1, **parameters)


@pytest.mark.parametrize('seed, index', GOLDEN)
def test_offices_are_what_they_have_always_been(seed, index):
    """A change that alters maps needs a new version of their family, and new hashes here."""
    assert flat_plan_digest(plan('office', index, seed)) == GOLDEN[seed, index]
