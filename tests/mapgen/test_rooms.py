from itertools import combinations, pairwise

import networkx as nx
import numpy as np
import pytest
import shapely
from floorplans.plans import plan, plan_digest, room_graph
from hypothesis import given, settings
from hypothesis import strategies as st

from megastep import mapgen
from megastep.mapgen.families import rooms_grid
from megastep.mapgen.rng import Rng

COUNTS = st.integers(2, 24)
SEEDS = st.integers(0, 999)
GOLDEN = {
    (0, 0): '99b492ada4e8b1a4f4f74309a3b26418',
    (0, 7): 'e246d6083c6c2f85f391097e0f058172',
    (1, 3): '106ed9a787f61149ae992f967abcdaa7',
    (12345678901234567890, 1): '868891935cf0da74b921e5383c6aa866',
}


def beside(edge):
    (i, j), (k, m) = edge
    return abs(i - k) + abs(j - m) == 1


@settings(max_examples=60, deadline=None)
@given(count=COUNTS, spare=st.integers(0, 20), seed=SEEDS)
def test_a_chain_of_slots_is_a_path_that_never_meets_itself(count, spare, seed):
    rng = Rng(f'chain {seed}')
    shape = rng.pick(rooms_grid.shapes(count + spare))
    edges = rooms_grid.chain(rng, shape, count)
    path = [edges[0][0], *(second for _, second in edges)]
    assert edges == list(pairwise(path))
    assert len(set(path)) == count
    assert all(map(beside, edges))
    assert all(0 <= i < shape[0] and 0 <= j < shape[1] for i, j in path)


@settings(max_examples=60, deadline=None)
@given(count=COUNTS, spare=st.integers(0, 20), loops=st.integers(0, 9), seed=SEEDS)
def test_a_tree_of_slots_is_one_and_loops_are_new(count, spare, loops, seed):
    rng = Rng(f'tree {seed}')
    shape = rng.pick(rooms_grid.shapes(count + spare))
    edges = rooms_grid.tree(rng, shape, count)
    graph = nx.Graph(edges)
    assert len(graph) == count and nx.is_tree(graph)
    more = rooms_grid.loops(rng, edges, loops)
    assert all(map(beside, edges + more))
    possible = sum(map(beside, combinations(graph, 2)))
    graph.add_edges_from(more)
    assert len(graph) == count
    assert graph.number_of_edges() == min(count - 1 + loops, possible)


@settings(max_examples=60, deadline=None)
@given(count=COUNTS, least=st.integers(22, 60), more=st.integers(0, 120), seed=SEEDS)
def test_tiles_have_their_sizes_and_joined_ones_touch_and_none_overlap(count, least, more, seed):
    rng = Rng(f'tiles {seed}')
    edges = rooms_grid.tree(rng, rng.pick(rooms_grid.shapes(count + 5)), count)
    tiles = rooms_grid.tiles(rng, edges, least, least + more, 10)
    assert set(tiles) == {slot for edge in edges for slot in edge}
    assert all(least <= size <= least + more for tile in tiles.values() for size in (tile.width, tile.height))
    assert not any(one.overlaps(other) for one, other in combinations(tiles.values(), 2))
    for one, other in edges:
        touching = shapely.box(*tiles[one]).intersection(shapely.box(*tiles[other]))
        assert touching.length >= 20


@pytest.mark.parametrize('count, expected', [(2, [(1, 2), (2, 1)]), (3, [(2, 2)]), (12, [(2, 6), (3, 4), (4, 3)])])
def test_grids_are_not_too_long(count, expected):
    assert rooms_grid.shapes(count) == expected


def test_all_paths_through_a_small_grid_are_found():
    """A grid of two by three slots has 16 paths through all of them, both ways counted."""
    rng = Rng('paths')
    found = {tuple(rooms_grid.chain(rng, (3, 2), 6)) for _ in range(800)}
    assert len(found) == 16


@pytest.mark.parametrize('index', range(8))
def test_a_chain_of_rooms_is_one(index):
    rooms = plan('rooms', index, layout='chain', loops=(0, 0), rooms=(9, 9))
    assert len(rooms.rooms) == 9
    assert sorted(tuple(sorted(edge)) for edge in room_graph(rooms).edges()) == list(pairwise(range(9)))


@pytest.mark.parametrize('index', range(8))
def test_branching_rooms_are_a_tree_and_loops_are_added(index):
    assert nx.is_tree(room_graph(plan('rooms', index, layout='tree', loops=(0, 0), rooms=(14, 14))))
    graph = room_graph(plan('rooms', index, layout='tree', loops=(2, 2), rooms=(14, 14), spare=0.0))
    assert nx.is_connected(graph) and graph.number_of_edges() == 15


def test_some_trees_branch_and_some_maps_are_chains():
    degrees = [max(degree for _, degree in room_graph(plan('rooms', i, loops=(0, 0))).degree) for i in range(20)]
    assert 2 in degrees and 3 in degrees


@pytest.mark.parametrize('size', [(1.5, 1.5), (2.0, 2.35), (3.0, 3.0), (1.5, 9.0)])
def test_rooms_are_as_large_as_asked(size):
    sides = [
        np.ptp(room.outline, axis=0) / 1000
        for i in range(8)
        for room in plan('rooms', i, size=size, rooms=(12, 12)).rooms
    ]
    assert np.min(sides) >= size[0] and np.max(sides) <= size[1]
    assert np.max(sides) - np.min(sides) >= 0.7 * (size[1] - size[0])


@pytest.mark.parametrize('seed, index', GOLDEN)
def test_maps_are_what_they_have_always_been(seed, index):
    """A change that alters maps needs a new version of the family, and new hashes here."""
    assert plan_digest(plan('rooms', index, seed)) == GOLDEN[seed, index]


def test_default_rooms_differ():
    maps = mapgen.generate('rooms', 50)
    assert len({geometry.walls.tobytes() for geometry in maps}) == 50


@pytest.mark.parametrize(
    'parameters, message',
    [
        ({'rooms': (1, 8)}, 'rooms: rooms must be from 2 to 64, got 1'),
        ({'size': (1.0, 8.0)}, 'rooms: size must be from 1.5 to 12.0 m, got 1.0'),
        ({'wall': (0.1, 0.5)}, 'rooms: wall must be from 0.05 to 0.4 m, got 0.5'),
        ({'layout': 'ring'}, "rooms: layout must be one of any, chain, tree, got 'ring'"),
        (
            {'rooms': (4, 60), 'size': (10.0, 10.0), 'wall': (0.2, 0.2)},
            'rooms: the places that rooms are put in must come to at most 98 m, got up to 163.2 m',
        ),
    ],
)
def test_bad_parameters(parameters, message):
    with pytest.raises(ValueError, match=message):
        mapgen.generate('rooms', 1, **parameters)
