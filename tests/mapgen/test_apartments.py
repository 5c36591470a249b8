from itertools import combinations

import networkx as nx
import pytest
from floorplans.plans import flat_plan_digest, of_kind, outlines, plan, room_graph
from hypothesis import given, settings
from hypothesis import strategies as st

from megastep import mapgen
from megastep.mapgen.families.apartments import FEWEST_FLATS
from megastep.mapgen.geometry.lattice import Rect
from megastep.mapgen.layout.flats import LEAST_FLAT_ROOM_WIDTH, Lot, draw_flat, narrowest, room_sizes
from megastep.mapgen.layout.footprint import Band
from megastep.mapgen.layout.room_kinds import DEAD_END_KINDS
from megastep.mapgen.rng import Rng

GOLDEN = {
    (0, 0): '1b8b508ef780fffea4912e239ec4d09f',
    (0, 7): '7bdc9b4d19c78121d3d52b509c2ace7a',
    (1, 3): 'cc3b2eb0d5fbdd7d0ca913100edf4354',
    (12345678901234567890, 1): '4ed67fceab29675d1ce26141fa31851d',
}


def homes(block):
    """The rooms of each flat, and how many doors it has to landings."""
    graph, commons = room_graph(block), of_kind(block, 'landing', 'stairs')
    commons += [i for i in of_kind(block, 'storage') if set(graph[i]) <= set(commons)]
    inside = graph.subgraph(set(graph) - set(commons))
    for rooms in nx.connected_components(inside):
        yield rooms, sum(1 for one, other in graph.edges() if len({one, other} & rooms) == 1)


@settings(max_examples=80, deadline=None)
@given(
    facing=st.sampled_from(['left', 'bottom', 'right', 'top']),
    count=st.integers(3, 11),
    width=st.integers(100, 320),
    depth=st.integers(130, 240),
    hall=st.integers(22, 46),
    wall=st.integers(2, 6),
    seed=st.integers(0, 99),
)
def test_a_flat_fills_its_lot(facing, count, width, depth, hall, wall, seed):
    rng = Rng(f'flat {seed}')
    across, along = (depth, width) if facing in ('left', 'right') else (width, depth)
    land = Band(Rect(10, 20, 10 + across, 20 + along), facing)
    sizes = room_sizes(rng, count)
    flat = draw_flat(rng, Lot(land, 0, width), sizes, open_plan=False, closets=0, hall=hall, wall=wall)
    tiles = [tile for room in flat.rooms for tile in room]
    assert width >= narrowest(hall)
    assert sum(tile.area for tile in tiles) == land.tile.area
    assert not any(one.overlaps(other) for one, other in combinations(tiles, 2))
    assert len(flat.rooms) <= 1 + count
    assert min(tile.shorter for room in flat.rooms for tile in room) >= min(LEAST_FLAT_ROOM_WIDTH + wall, hall)
    assert flat.rooms[0][0].overlaps(land.part(Rect(0, 0, width, 1)))


@pytest.mark.parametrize('shape', sorted(FEWEST_FLATS))
def test_there_are_as_many_flats_as_asked_for(shape):
    for count in {FEWEST_FLATS[shape], 4 if shape == 'tower' else 17}:
        block = plan('apartments', flats=(count, count), shape=shape)
        assert len(list(homes(block))) == count
        assert len(of_kind(block, 'stairs')) == -(-count // 8)


def test_a_flat_has_one_entrance_and_the_rooms_that_a_home_needs():
    for index in range(30):
        block = plan('apartments', index)
        for rooms, entrances in homes(block):
            kinds = [block.rooms[room].kind for room in rooms]
            assert entrances == 1
            assert kinds.count('corridor') == 1 and kinds.count('living_room') == 1
            assert kinds.count('bathroom') >= 1
            assert 4 <= len(rooms) <= 9


def test_nobody_walks_through_a_bathroom():
    for index in range(10):
        block = plan('apartments', index)
        graph = room_graph(block)
        for room in of_kind(block, *DEAD_END_KINDS - {'closet', 'storage'}):
            assert sum(block.rooms[other].kind != 'closet' for other in graph[room]) == 1


def test_flats_have_the_sizes_of_flats():
    sizes = []
    for index in range(20):
        block = plan('apartments', index)
        found = outlines(block)
        sizes += [sum(found[i].area for i in rooms) / 1e6 for rooms, _ in homes(block)]
    sizes.sort()
    assert sizes[len(sizes) // 20] > 30 and 45 < sizes[len(sizes) // 2] < 90 and sizes[-1] < 160


def test_rooms_may_be_many_or_few():
    for count in (4, 12):
        block = plan('apartments', rooms=(count, count), closets=(0, 0), flats=(4, 4))
        found = [len(rooms) for rooms, _ in homes(block)]
        assert max(found) == count


def test_default_blocks_differ_and_are_not_too_large():
    maps = mapgen.generate('apartments', 20)
    assert len({geometry.walls.tobytes() for geometry in maps}) == 20
    assert max(max(geometry.bounds) for geometry in maps) < 100


@pytest.mark.parametrize(
    'parameters, message',
    [
        ({'flats': (1, 4)}, 'apartments: flats must be from 2 to 24, got 1'),
        ({'shape': 'ring'}, r"apartments: flats must be at least 12 for the shape 'ring', got \(3, 8\)"),
        ({'shape': 'tower'}, r"apartments: flats must be at most 4 for the shape 'tower', got \(3, 8\)"),
        ({'rooms': (3, 4)}, 'apartments: rooms must be from 4 to 12, got 3'),
    ],
)
def test_bad_parameters(parameters, message):
    with pytest.raises(ValueError, match=message):
        mapgen.generate('apartments', 1, **parameters)


@pytest.mark.parametrize('seed, index', GOLDEN)
def test_blocks_are_what_they_have_always_been(seed, index):
    """A change that alters maps needs a new version of their family, and new hashes here."""
    assert flat_plan_digest(plan('apartments', index, seed)) == GOLDEN[seed, index]
