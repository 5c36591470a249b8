from collections import Counter

import networkx as nx
import numpy as np
import pytest
import shapely
from floorplans.plans import plan, plan_digest
from hypothesis import given, settings
from hypothesis import strategies as st

from megastep import mapgen
from megastep.mapgen.families.maze import FREE, GROWTHS, braid_maze, carve_maze, dead_end_cells
from megastep.mapgen.families.maze_growth import Walls, backtracker, prim, wilson
from megastep.mapgen.geometry.lattice import Rect
from megastep.mapgen.rng import Rng

SHAPES = st.tuples(st.integers(2, 9), st.integers(2, 9))
PLAIN = {'chambers': (0, 0), 'braid': (0.0, 0.0), 'corridor': (1.2, 1.2), 'wall': (0.2, 0.2)}
GOLDEN = {
    (0, 0): 'b1ed7f221e0866b5e229556609da0c21',
    (0, 7): 'b1b3d4c1a7f110b614b30ea86bb7cf8a',
    (1, 3): '7aad4603589740de9a535f9e2c0ea12d',
    (12345678901234567890, 1): 'ecf50795f6512eddb3cbeecddcfa1fe7',
}


def passages(squares):
    """The graph of cells, joined where the square between them is free."""
    graph = nx.grid_2d_graph(*(count // 2 for count in squares.shape))
    closed = [
        (one, other) for one, other in graph.edges if squares[one[0] + other[0] + 1, one[1] + other[1] + 1] != FREE
    ]
    graph.remove_edges_from(closed)
    return graph


def free_area(maze):
    return shapely.Polygon(maze.rings[0], maze.rings[1:]).area / 1e6


@settings(max_examples=40, deadline=None)
@given(shape=SHAPES, growth=st.sampled_from(sorted(GROWTHS)), seed=st.integers(0, 99))
def test_a_maze_without_chambers_is_a_spanning_tree_of_its_cells(shape, growth, seed):
    graph = passages(carve_maze(Rng(f'maze {seed}'), shape, growth, []))
    assert len(graph) == shape[0] * shape[1]
    assert nx.is_tree(graph)


@settings(max_examples=30, deadline=None)
@given(growth=st.sampled_from(sorted(GROWTHS)), seed=st.integers(0, 99))
def test_between_chambers_and_cells_there_is_one_way(growth, seed):
    chambers = [Rect(0, 0, 2, 3), Rect(4, 1, 7, 3)]
    graph = passages(carve_maze(Rng(f'chambers {seed}'), (6, 8), growth, chambers))
    for left, bottom, right, top in chambers:
        cells = [(i, j) for i in range(bottom, top) for j in range(left, right)]
        inside = graph.subgraph(cells)
        assert inside.number_of_edges() == nx.grid_2d_graph(top - bottom, right - left).number_of_edges()
        for cell in cells[1:]:
            graph = nx.contracted_nodes(nx.MultiGraph(graph), cells[0], cell, self_loops=False)
    assert nx.is_tree(graph)


@pytest.mark.parametrize('growth', sorted(GROWTHS))
@pytest.mark.parametrize('width, height', [(2, 2), (5, 8), (9, 3), (25, 25)])
def test_a_perfect_maze_has_one_outline_and_a_passage_less_than_cells(width, height, growth):
    """Its area says how many walls are open, and that it has no hole says that it has no loop."""
    maze = plan('maze', width=(width, width), height=(height, height), growth=growth, **PLAIN)
    cells = width * height
    assert len(maze.rings) == 1
    assert free_area(maze) == pytest.approx(cells * 1.2**2 + (cells - 1) * 1.2 * 0.2)
    assert np.ptp(maze.rings[0], axis=0).tolist() == [1400 * width - 200, 1400 * height - 200]


@settings(max_examples=40, deadline=None)
@given(shape=SHAPES, share=st.integers(0, 100), growth=st.sampled_from(sorted(GROWTHS)), seed=st.integers(0, 99))
def test_a_braided_maze_has_no_more_dead_ends_than_asked(shape, share, growth, seed):
    squares = carve_maze(Rng(f'maze {seed}'), shape, growth, [])
    before = len(dead_end_cells(squares))
    assert before == sum(degree == 1 for _, degree in passages(squares).degree)
    braid_maze(Rng(f'braid {seed}'), squares, share)
    left = sum(degree == 1 for _, degree in passages(squares).degree)
    most = before * (100 - share) // 100
    assert max(0, most - 1) <= left <= most
    assert nx.is_connected(passages(squares))


def test_junctions_that_no_wall_is_left_at_are_taken_away():
    """Two by two cells without dead ends are a room."""
    maze = plan('maze', width=(2, 2), height=(2, 2), **{**PLAIN, 'braid': (1.0, 1.0)})
    assert len(maze.rings) == 1 and len(maze.rings[0]) == 4


def test_wilson_draws_each_maze_as_often():
    """Two rows of three cells have fifteen spanning trees."""
    rng = Rng('wilson')
    counts = Counter(carve_maze(rng, (2, 3), 'wilson', []).tobytes() for _ in range(3000))
    assert len(counts) == 15
    assert min(counts.values()) > 150 and max(counts.values()) < 250


@pytest.mark.parametrize('grow', [backtracker, prim, wilson])
def test_growth_finds_the_only_tree_of_a_path(grow):
    """Wall 0 parts places 0 and 1; wall 1, places 1 and 2; and nothing leads to place 3."""
    assert sorted(grow(Rng('path'), Walls([[0], [0, 1], [1], []], [1, 3]), 1)) == [0, 1]


def test_backtracking_winds_and_prim_branches():
    ends = {
        growth: np.mean([len(dead_end_cells(carve_maze(Rng(f'{i}'), (15, 15), growth, []))) for i in range(10)])
        for growth in GROWTHS
    }
    assert ends['backtracker'] < 0.5 * ends['wilson']
    assert ends['wilson'] < ends['prim']


def test_chambers_are_open():
    """The middle of a chamber of two cells by two would be a junction; here it is free, and there are three at most."""
    closed = plan('maze', width=(12, 12), height=(12, 12), **PLAIN)
    opened = plan('maze', width=(12, 12), height=(12, 12), **{**PLAIN, 'chambers': (3, 3), 'chamber': (2, 2)})
    # a chamber takes its cells together: four walls and a junction are gone, and three passages of the tree
    gain = (4 - 3) * 1.2 * 0.2 + 0.2**2
    assert free_area(opened) == pytest.approx(free_area(closed) + 3 * gain)
    space = shapely.Polygon(opened.rings[0])
    assert len(shapely.get_parts(space.buffer(-900).buffer(1))) == 3


@pytest.mark.parametrize('seed, index', GOLDEN)
def test_maps_are_what_they_have_always_been(seed, index):
    """A change that alters maps needs a new version of the family, and new hashes here."""
    assert plan_digest(plan('maze', index, seed)) == GOLDEN[seed, index]


def test_default_mazes_differ():
    maps = mapgen.generate('maze', 20)
    assert len({geometry.walls.tobytes() for geometry in maps}) == 20


@pytest.mark.parametrize(
    'parameters, message',
    [
        ({'width': (8, 65)}, 'maze: width must be from 2 to 64 cells, got 65'),
        ({'height': (1, 8)}, 'maze: height must be from 2 to 64 cells, got 1'),
        ({'corridor': (0.5, 1.0)}, 'maze: corridor must be from 0.75 to 3.0 m, got 0.5'),
        ({'growth': 'kruskal'}, "maze: growth must be one of any, backtracker, prim, wilson, got 'kruskal'"),
        (
            {'width': (8, 50), 'corridor': (1.0, 2.0), 'wall': (0.1, 0.5)},
            'maze: width and height, a corridor and a wall for each cell, must come to at most 98 m, got up to 125 m',
        ),
    ],
)
def test_bad_parameters(parameters, message):
    with pytest.raises(ValueError, match=message):
        mapgen.generate('maze', 1, **parameters)
