"""Shortest paths between spawns: known lengths, a dumb visibility graph, and what becomes of them in a map set."""

import math
import subprocess
import sys
from dataclasses import replace

import numpy as np
import paths
import pytest
import worlds
from apartments import APARTMENTS, apartments
from hypothesis import given, settings
from hypothesis import strategies as st
from numba import njit
from safetensors.numpy import load_file
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from megastep import mapgen
from megastep.maps import geodesics
from megastep.maps.geodesics import lookup
from megastep.maps.geodesics.compiled import cells as grids
from megastep.maps.geodesics.compiled import graph, occupied, strips, wedges
from megastep.maps.geodesics.compiled import walls as grid_walls
from megastep.maps.geodesics.compiled.entries import block_room, candidates, choosing, filling
from megastep.maps.geodesics.compiled.walls import KERNEL, is_clear
from megastep.maps.geometry import AGENT_RADIUS, Geometry
from megastep.maps.mapset import MapSet


@njit(**{**KERNEL, 'cache': False})
def clearance(grid, x, y):
    """What kernels call, for Python."""
    return grid_walls.clearance(grid, x, y)


LONGEST = math.tan(math.pi / 16) / (math.pi / 16)
"""What the paths may be longer than the shortest by, if no spawn is within 2 % of an agent's radius of a corner."""


def lengths(geometry, points=None):
    return geodesics.distances(geometry.walls, geometry.spawns if points is None else np.array(points), AGENT_RADIUS)


def cave(seed, corners=40):
    """A room whose wall goes in and out at random."""
    rng = np.random.default_rng(seed)
    turns = np.arange(corners) * 2 * np.pi / corners
    wall = 10 + rng.uniform(2.5, 8, (corners, 1)) * np.stack([np.cos(turns), np.sin(turns)], axis=1)
    return Geometry.from_walls(worlds.outline(wall))


def arena(seed, pillars=9):
    """A hall with pillars of any angle, some of which overlap."""
    rng = np.random.default_rng(seed)
    segments = [worlds.rectangle(1, 1, 11, 9)]
    for x, y in rng.uniform((2.2, 2.2), (9.8, 7.8), (pillars, 2)):
        turns = np.sort(rng.uniform(0, 2 * np.pi, 5))
        segments.append(worlds.outline((x, y) + rng.uniform(0.2, 1) * np.stack([np.cos(turns), np.sin(turns)], 1)))
    return Geometry.from_walls(np.concatenate(segments))


def lattice(side):
    """A hall with side x side square pillars of 0.5 m, 1 m apart."""
    pillars = [worlds.pillar(2 + i, 2 + j, 2.5 + i, 2.5 + j) for i in range(side) for j in range(side)]
    return worlds.box(1, 1, side + 2.5, side + 2.5, pillars=pillars, spawns=[(1.75, 1.5), (1.75, side + 2)])


def moved(walls, points):
    """A world turned by a third of a quarter turn and put elsewhere."""
    c, s = math.cos(math.pi / 6), math.sin(math.pi / 6)
    return tuple(array @ [[c, s], [-s, c]] + [30, 7] for array in (walls, points))


class TestKnownLengths:
    def test_in_an_open_room_paths_are_straight(self):
        room = worlds.box()
        straight = np.linalg.norm(room.spawns[:, None] - room.spawns, axis=-1)
        np.testing.assert_allclose(lengths(room), straight, rtol=1e-6)

    @pytest.mark.parametrize('off', [0.12, 0.3, 0.9])
    def test_around_the_end_of_a_thin_wall(self, off):
        """Two tangents of the disc around the wall's end, and the arc between them."""
        room = worlds.halved_box()
        far, angle = math.hypot(off, 0.4), math.pi - math.atan2(off, 0.4)
        arc = 2 * (angle - math.acos(AGENT_RADIUS / far))
        shortest = 2 * math.sqrt(far**2 - AGENT_RADIUS**2) + AGENT_RADIUS * arc
        found = lengths(room, [(3 - off, 2.4), (3 + off, 2.4)])[0, 1]
        assert shortest * (1 - 1e-6) <= found <= shortest * LONGEST

    @pytest.mark.parametrize('gap, passes', [(0.05, False), (0.21, False), (0.22, True), (1.0, True)])
    def test_a_gap_must_be_as_wide_as_an_agent(self, gap, passes):
        room = worlds.box(pillars=[worlds.pillar(2.9, 1 + gap, 3.1, 4 - 1e-3)], spawns=[(2, 3), (4, 3)])
        assert np.isfinite(lengths(room)[0, 1]) == passes

    def test_pillars_that_share_a_corner_leave_no_way_between(self):
        pillars = [worlds.pillar(2, 1.5, 3, 2.5), worlds.pillar(3, 2.5, 4, 3.5)]
        room = worlds.box(pillars=pillars, spawns=[(2.5, 3.0), (3.5, 2.0)])
        found = lengths(room)[0, 1]
        assert found > 2.5
        assert found == pytest.approx(paths.distances(room.walls, room.spawns, AGENT_RADIUS)[0, 1], rel=0.015)

    def test_a_spawn_that_touches_a_corner_reaches_the_others(self):
        touching = np.array((2.5, 3)) + 1.0001 * AGENT_RADIUS * np.array((-1, 1)) / math.sqrt(2)
        room = worlds.box(pillars=[worlds.pillar(2.5, 2, 3.5, 3)], spawns=[touching])
        found = lengths(room, [touching, (4.5, 1.5), (2, 3.5)])
        assert found[0, 2] == pytest.approx(np.hypot(*(touching - (2, 3.5))), rel=1e-6)
        clear = lengths(room, [touching + (-0.005, 0.005), (4.5, 1.5)])[0, 1]
        assert found[0, 1] == pytest.approx(clear, abs=0.05)


def cases():
    """Pairs of a map and how many of its spawns are looked at."""
    yield from ((f'house {i}', geometry, 10) for i, geometry in enumerate(worlds.houses(2)))
    if APARTMENTS.exists():
        yield from ((f'apartment {i}', Geometry.from_walls(walls), 8) for i, walls in enumerate(apartments(3)[::2]))
    yield from ((f'cave {seed}', cave(seed), 12) for seed in range(2))
    yield from ((f'arena {seed}', arena(seed), 12) for seed in range(2))
    yield from ((f'cluttered {seed}', worlds.cluttered(seed), 12) for seed in range(6))


@pytest.mark.parametrize('geometry, most', [pytest.param(*rest, id=name) for name, *rest in cases()])
def test_agrees_with_a_visibility_graph(geometry, most):
    points = geometry.spawns[:: max(1, len(geometry.spawns) // most)]
    expected = paths.distances(geometry.walls, points, AGENT_RADIUS)
    ratios = lengths(geometry, points)[expected > 0] / expected[expected > 0]
    assert ratios.min() > 1 - 1e-6
    assert ratios.max() < LONGEST + 5e-3


@pytest.fixture(params=['cluttered', 'lattice', 'house'], scope='module')
def world(request):
    room = {'cluttered': worlds.cluttered(3), 'lattice': lattice(3), 'house': worlds.houses(1)[0]}[request.param]
    found = geodesics.shortest_paths(room.walls, room.spawns, AGENT_RADIUS)
    (left, bottom), (width, height) = room.walls.reshape(-1, 2).min(0), np.ptp(room.walls.reshape(-1, 2), axis=0)
    cells = grids.Cells(float(left), float(bottom), 0.15, math.ceil(width / 0.15), math.ceil(height / 0.15))
    both = tuple(
        strips.make_strips(found.grid.walls, found.nodes.corners, cells, found.grid.radius, axis) for axis in range(2)
    )
    places = [(cell, *grids.middle.py_func(cells, cell)) for cell in range(cells.columns * cells.rows)]
    free = [place for place in places if clearance(found.grid, *place[1:]) >= found.grid.radius]
    return room, found, cells, both, [free[i] for i in np.random.default_rng(0).permutation(len(free))[:300]]


def wedges_of(found, goals):
    """The wedges in which paths to goals come to the nodes of a graph."""
    return wedges.find_wedges(found.nodes, found.graph, goals, found.direct, found.lengths)


def sources_of(cast, cells, cell):
    """The sources that a cell sees, by the words of its block."""
    row, column = divmod(cell, cells.columns)
    block, bit = grids.block_of.py_func(cast.columns, row, column), grids.bit_of.py_func(row, column)
    each = slice(cast.firsts[block], cast.firsts[block + 1])
    return cast.sources[each][(cast.masks[each] >> bit & 1) > 0].tolist()


class TestShadowCasting:
    """What is cast from points to all cells' middles, against tests of one pair of points after another."""

    def test_goals_in_sight_are_those_that_can_be_gone_to(self, world):
        room, found, cells, both, places = world
        goals = np.array(room.spawns)
        cast = candidates.find_candidates(found.grid, cells, both, goals, found.nodes, wedges_of(found, goals), 0.0)
        for cell, x, y in places:
            seen = {g for g in sources_of(cast, cells, cell) if g < len(room.spawns)}
            assert seen == {g for g, spawn in enumerate(room.spawns) if is_clear(found.grid, x, y, *spawn)}

    def test_candidates_are_the_nodes_seen_in_their_wedges(self, world):
        room, found, cells, both, places = world
        nodes, ways = found.nodes, wedges_of(found, np.array(room.spawns))
        cast = candidates.find_candidates(found.grid, cells, both, np.empty((0, 2)), nodes, ways, 0.0)
        for cell, x, y in places:
            seen = {
                i
                for i, (px, py) in enumerate(nodes.points)
                if wedges.is_within.py_func(ways, i, x - px, y - py) and is_clear(found.grid, x, y, px, py)
            }
            assert set(sources_of(cast, cells, cell)) == seen

    def test_no_path_is_lost_outside_the_wedges(self, world):
        """They hold all nodes that begin a shortest path, of those seen tautly, and not all of these."""
        room, found, _, _, places = world
        nodes, ways, counts = found.nodes, wedges_of(found, np.array(room.spawns)), np.zeros(2)
        for _, x, y in places:
            taut, within = np.zeros((2, len(nodes.points)), bool)
            for i, (px, py) in enumerate(nodes.points):
                if is_clear(found.grid, x, y, px, py):
                    near = math.hypot(x - px, y - py) < AGENT_RADIUS / 2
                    taut[i] = near or graph.is_taut.py_func(nodes.back, nodes.ahead, i, x - px, y - py)
                    within[i] = near or wedges.is_within.py_func(ways, i, x - px, y - py)
            counts += taut.sum(), within.sum()
            assert (taut | ~within).all()
            lengths = np.hypot(*(nodes.points - (x, y)).T)[:, None] + found.lengths
            hidden = [g for g, spawn in enumerate(room.spawns) if not is_clear(found.grid, x, y, *spawn)]
            shortest, kept = (lengths[some][:, hidden].min(axis=0, initial=np.inf) for some in (taut, within))
            np.testing.assert_allclose(kept, shortest, atol=2e-3)
        assert counts[1] < counts[0]

    def test_paths_to_all_goals_at_once_are_those_of_dijkstra(self, world):
        _, found, *_ = world
        edges = csr_array((found.graph.lengths, found.graph.others, found.graph.firsts), (len(found.nodes.points),) * 2)
        between = dijkstra(edges)
        expected = (found.direct[:, :, None] + between).min(axis=1)
        np.testing.assert_allclose(found.lengths.T, expected, rtol=1e-12)


class TestEntries:
    def test_lead_no_longer_way_than_their_tolerance_over_nodes_in_sight(self, world):
        room, found, _, _, places = world
        table, nodes, limit = lookup.lookup_table(room.walls, room.spawns, AGENT_RADIUS), found.nodes, 0.02
        for cell, x, y in places:
            entry = table.entries[cell]
            kept = table.hops[entry + 1 : entry + 1 + table.hops[entry]]
            assert len(kept) <= lookup.MOST
            assert all(is_clear(found.grid, x, y, *nodes.points[i]) for i in kept)
            seen = [i for i, point in enumerate(nodes.points) if is_clear(found.grid, x, y, *point)]
            ways = np.hypot(*(nodes.points - (x, y)).T)[:, None] + found.lengths
            for g, spawn in enumerate(room.spawns):
                sees = table.visible[cell, g // 32] >> (g % 32) & 1
                assert sees == is_clear(found.grid, x, y, *spawn)
                least, shortest = (ways[some, g].min(initial=np.inf) for some in (kept, seen))
                assert sees or least <= shortest + limit + 2e-3

    @pytest.mark.parametrize('most_chosen, most', [(3, 16), (64, 3)])
    def test_cells_do_with_longer_ways_where_there_is_too_little_room(self, most_chosen, most, monkeypatch):
        """They have as many nodes as they may, and none is without a way."""
        room = lattice(3)
        monkeypatch.setattr(block_room, 'MOST_CHOSEN', most_chosen)
        monkeypatch.setattr(lookup, 'MOST', most)
        spawns = np.random.default_rng(0).permutation(Geometry.from_walls(room.walls).spawns)[:40]
        found = geodesics.shortest_paths(room.walls, spawns, AGENT_RADIUS)
        table = lookup.lookup_table(room.walls, spawns, AGENT_RADIUS)
        assert table.hops[table.entries].max() <= most
        ways = (found.lengths[table.hops[i + 1 : i + 1 + table.hops[i]]].min(0) for i in table.entries if i)
        assert np.isfinite(list(ways)).all()

    def test_nothing_leads_out_of_a_room_without_a_door(self):
        """Its cells see no goal and have no nodes, those in its middle and those beside its walls."""
        walls = worlds.box(1, 1, 9, 9, pillars=[worlds.pillar(3, 3, 7, 7)], spawns=[(2, 2)]).walls
        walls = np.concatenate([walls, worlds.rectangle(3.5, 3.5, 6.47, 6.47)])
        table = lookup.lookup_table(walls, np.array([(2.0, 2.0), (8.0, 8.0)]), AGENT_RADIUS)
        columns, rows = table.shape
        inside = np.zeros((rows, columns), bool)
        inside[17:36, 17:36] = True  # from 3.55 to 6.4 m
        assert not table.visible[inside.reshape(-1)].any()
        assert not table.hops[table.entries[inside.reshape(-1)]].any()
        assert table.hops[table.entries].any()


def test_lists_are_the_same_however_little_room_there_is_at_first(world, monkeypatch):
    room = world[0]
    reference = lookup.lookup_table(room.walls, room.spawns, AGENT_RADIUS)
    monkeypatch.setattr(choosing, 'LEAST_ROOM', 512)
    monkeypatch.setattr(filling, 'make_lists', lambda cells: choosing.make_lists(cells // 64))
    table = lookup.lookup_table(room.walls, room.spawns, AGENT_RADIUS)
    assert len(table.hops) > 512
    np.testing.assert_array_equal(table.entries, reference.entries)
    np.testing.assert_array_equal(table.hops, reference.hops)


def test_occupied_cells_are_those_whose_middle_is_not_free(world):
    _, found, cells, *_ = world
    masks, columns = occupied.occupied_cells(found.grid, cells), -(-cells.columns // 4)
    for cell in range(cells.columns * cells.rows):
        row, column = divmod(cell, cells.columns)
        is_occupied = masks[grids.block_of.py_func(columns, row, column)] >> grids.bit_of.py_func(row, column) & 1
        assert is_occupied == (clearance(found.grid, *grids.middle.py_func(cells, cell)) < found.grid.radius)


class TestInvariants:
    @settings(max_examples=20, deadline=None)
    @given(seed=st.integers(0, 10_000))
    def test_distances_are_a_metric(self, seed):
        room = worlds.cluttered(seed)
        found = lengths(room)
        straight = np.linalg.norm(room.spawns[:, None] - room.spawns, axis=-1)
        assert (found == found.T).all()
        assert (found.diagonal() == 0).all()
        assert (found >= straight * (1 - 1e-6)).all()
        assert (found[:, None] <= (found[:, :, None] + found) * (1 + 1e-6) + 2 * (LONGEST - 1)).all()
        assert np.isfinite(found).all()  # its spawns are all in one part of it

    @settings(max_examples=20, deadline=None)
    @given(seed=st.integers(0, 10_000))
    def test_turning_the_world_changes_nothing(self, seed):
        room = worlds.cluttered(seed)
        walls, points = moved(room.walls, room.spawns)
        np.testing.assert_allclose(geodesics.distances(walls, points, AGENT_RADIUS), lengths(room), rtol=1e-5)

    def test_the_order_of_walls_changes_nothing(self):
        room = worlds.houses(1)[0]
        shuffled = np.random.default_rng(0).permutation(room.walls)
        np.testing.assert_allclose(geodesics.distances(shuffled, room.spawns, AGENT_RADIUS), lengths(room), rtol=1e-6)

    @pytest.mark.parametrize('side, walls', [(5, 104), (15, 904)])
    def test_many_walls(self, side, walls):
        hall = lattice(side)
        assert len(hall.walls) == walls
        found = lengths(hall)[0, 1]
        assert found == pytest.approx(side + 0.5, rel=1e-6)  # between two columns
        across = lengths(hall, [(1.5, 1.5), (side + 2, side + 2)])[0, 1]
        assert 1.01 * (side + 0.5) * math.sqrt(2) < across < 1.9 * (side + 0.5)

    def test_a_vast_map_of_few_walls(self):
        hall = worlds.box(1, 1, 90_001, 21, spawns=[(2, 2), (90_000, 20)])
        assert lengths(hall)[0, 1] == pytest.approx(math.hypot(89_998, 18), rel=1e-6)


class TestGeometry:
    ROOM = worlds.box(spawns=[(2, 2), (4, 3), (2, 3)])
    FINE = lengths(ROOM)

    def with_lengths(self, found):
        return Geometry(walls=self.ROOM.walls, spawns=self.ROOM.spawns, geodesics=found)

    def test_are_kept_as_float32_that_cannot_be_written(self):
        kept = self.with_lengths(self.FINE.tolist()).geodesics
        np.testing.assert_array_equal(kept, self.FINE)
        assert kept.dtype == np.float32
        with pytest.raises(ValueError, match='read-only'):
            kept[0, 1] = 7

    def test_are_none_unless_given(self):
        assert self.ROOM.geodesics is None

    def test_may_be_infinite(self):
        assert np.isinf(self.with_lengths(np.where(self.FINE > 0, np.inf, 0)).geodesics).sum() == 6

    @pytest.mark.parametrize(
        'change, message',
        [
            (lambda m: m[:2], r'geodesics must have shape \(3, 3\), a row and a column a spawn, got \(2, 3\)'),
            (lambda m: m + np.eye(3), r'geodesics must be 0 m from a spawn to itself, got 1.0 m'),
            (lambda m: m + np.eye(3, k=1), r'geodesics must be symmetric, but from spawn 0 to spawn 1 it is 3.2'),
            (lambda m: m * 0.999, r'geodesics must be no shorter than a line, but from spawn 0 to spawn 1 it is 2.23'),
            (lambda m: m * np.nan, r'geodesics must be 0 m from a spawn to itself, got nan m'),
            (lambda m: np.where(m > 0, np.nan, 0), r'geodesics must be symmetric, .* it is nan m'),
        ],
    )
    def test_rejects_what_cannot_be(self, change, message):
        with pytest.raises(ValueError, match=message):
            self.with_lengths(change(self.FINE))


@pytest.fixture(scope='module')
def maps():
    return MapSet([worlds.cluttered(seed) for seed in range(6)], recipe={'family': 'test'})


@pytest.fixture(scope='module')
def measured(maps):
    return maps.with_geodesics()


class TestMapSet:
    def assert_measured(self, maps):
        assert len(maps)
        for geometry in maps:
            np.testing.assert_array_equal(geometry.geodesics, lengths(geometry))

    def test_maps_get_them_when_asked(self, maps, measured):
        assert all(geometry.geodesics is None for geometry in maps)
        assert maps.geodesics.widths.tolist() == [0] * 6
        assert measured.geodesics.widths.tolist() == (maps.spawns.widths**2).tolist()
        assert measured.recipe == maps.recipe
        self.assert_measured(measured)
        self.assert_measured(maps[4:1:-1].with_geodesics(workers=2))

    def test_parts_keep_them(self, measured):
        self.assert_measured(measured[[3, 1]])
        self.assert_measured(measured.filter(lambda geometry: len(geometry.walls) > 5))
        for part in measured.split(0.5):
            self.assert_measured(part)

    def test_files_keep_them(self, measured, tmp_path):
        measured[1:4].save(tmp_path / 'a')
        loaded = MapSet.load(tmp_path / 'a')
        loaded.verify()
        self.assert_measured(loaded)

    def test_a_file_without_them_has_none_and_loads(self, maps, tmp_path):
        maps.save(tmp_path / 'a')
        assert not any(name.startswith('geodesics') for name in load_file(tmp_path / 'a'))
        assert MapSet.load(tmp_path / 'a')[0].geodesics is None

    def test_some_maps_may_have_them(self, maps, measured, tmp_path):
        MapSet([maps[0], measured[1]]).save(tmp_path / 'a')
        loaded = MapSet.load(tmp_path / 'a')
        assert loaded[0].geodesics is None
        self.assert_measured(loaded[1:])
        self.assert_measured(loaded.with_geodesics())

    def test_what_is_known_is_kept(self, measured):
        known = replace(measured[0], geodesics=measured[0].geodesics * 2)
        np.testing.assert_array_equal(MapSet([known]).with_geodesics()[0].geodesics, known.geodesics)

    def test_no_maps_have_none(self, maps):
        assert len(maps[:0].with_geodesics()) == 0

    def test_generated_maps_have_them_when_asked(self):
        self.assert_measured(mapgen.generate('house', 2, geodesics=True))
        assert mapgen.generate('house', 1)[0].geodesics is None

    @pytest.mark.parametrize('workers', [0, 1.5])
    def test_rejects_no_workers(self, maps, workers):
        with pytest.raises(ValueError, match=f'workers must be an integer of at least 1, got {workers}'):
            maps.with_geodesics(workers=workers)

    def test_rejects_a_row_that_is_no_square(self, measured):
        packed = measured._packed
        with pytest.raises(ValueError, match=r'geodesics must be none or \d+ of map 0, .* got 9'):
            replace(packed, geodesics=replace(packed.geodesics, vals=np.zeros(54), widths=np.full(6, 9)))


def test_map_sets_start_without_numba():
    check = "import sys, megastep.maps.mapset; sys.exit('numba' in sys.modules)"
    assert subprocess.run([sys.executable, '-c', check]).returncode == 0
