"""What maps are like, as numbers: known answers in rooms that can be worked out by hand."""

import math
import subprocess
import sys

import networkx as nx
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from megastep import Geometry, MapSet, mapgen
from megastep.maps.geometry import AGENT_RADIUS, Room
from megastep.maps.ragged import Ragged
from megastep.maps.segments import clearances
from megastep.maps.stats import grid, room_graph, routes, visibility
from megastep.maps.stats.rooms import shapes
from megastep.maps.stats.table import SIZES, STATISTICS


def outline(*corners):
    return np.stack([corners, np.roll(corners, -1, axis=0)], axis=1).astype(float)


def rectangle(left, bottom, right, top):
    return np.array([(left, bottom), (right, bottom), (right, top), (left, top)], float)


SQUARE = outline((1, 1), (5, 1), (5, 5), (1, 5))
ELL = outline((1, 1), (9, 1), (9, 3), (3, 3), (3, 9), (1, 9))
"""Two arms, 2 m wide and 8 m long."""


def make(walls, spawns, rooms=(), doors=()):
    return Geometry(walls=walls, spawns=spawns, rooms=rooms, doors=doors or np.empty((0, 2, 2)))


def chain(count, gap=0.125):
    """Square rooms of 2 m in a row, and doors of 1 m between neighbours."""
    rooms = [Room(rectangle(1 + i * (2 + gap), 1, 3 + i * (2 + gap), 3)) for i in range(count)]
    doors = [[(room.outline[1, 0] + gap / 2, 1.5), (room.outline[1, 0] + gap / 2, 2.5)] for room in rooms[:-1]]
    free = shapely.union_all(
        [shapely.Polygon(room.outline) for room in rooms]
        + [shapely.box(x - gap / 2, low, x + gap / 2, high) for (x, low), (_, high) in doors]
    )
    corners = shapely.get_coordinates(shapely.orient_polygons(free).exterior)[:-1]
    return Geometry(
        walls=outline(*corners), spawns=[(2, 2), (2 + (count - 1) * (2 + gap), 2)], rooms=rooms, doors=doors
    )


@pytest.fixture(scope='module')
def houses():
    return mapgen.generate('house', 12, seed=4)


class TestTable:
    def test_every_statistic_is_measured(self, houses):
        stats = houses.stats()
        assert list(stats) == list(STATISTICS)
        assert all(
            values.shape == (12,) and values.dtype in (np.int64, np.float64, np.uint64) for values in stats.values()
        )
        assert all(np.isfinite(values).all() for values in stats.values())

    def test_what_is_asked_for_is_what_is_given(self, houses):
        everything = houses.stats()
        some = houses.stats('visible', 'rooms', 'loops')
        assert list(some) == ['visible', 'rooms', 'loops']
        for name, values in some.items():
            np.testing.assert_array_equal(values, everything[name])

    def test_workers_change_nothing(self, houses):
        alone, together = houses.stats(), houses.stats(workers=3)
        assert all((alone[name] == together[name]).all() for name in STATISTICS)

    def test_parts_have_their_own(self, houses):
        stats, part = houses.stats(), houses[[7, 2]].stats()
        assert all((part[name] == stats[name][[7, 2]]).all() for name in STATISTICS)

    @pytest.mark.parametrize(
        'name, arrays', [('rooms', {'kinds'}), ('walls', {'walls'}), ('area', {'walls'}), ('opening_width', {'doors'})]
    )
    def test_of_a_subset_only_the_arrays_needed_are_copied(self, houses, name, arrays):
        part = houses[[7, 2]]
        part.stats(name)
        assert vars(part).keys() & {'walls', 'spawns', 'lights', 'doors', 'kinds', 'outlines', 'geodesics'} == arrays

    @pytest.mark.parametrize('heavy', ['megastep.mapgen', 'numba'])
    def test_what_is_looked_up_waits_for_no_compiler_and_no_family(self, heavy):
        measure = (
            'import sys, numpy as np; from megastep import Geometry, MapSet;'
            'walls = np.array([[[1, 1], [5, 1]], [[5, 1], [5, 5]], [[5, 5], [1, 5]], [[1, 5], [1, 1]]], float);'
            'MapSet([Geometry.from_walls(walls)]).stats("rooms", "area", "aspect", "opening_width", "symmetry_hash");'
            f'sys.exit({heavy!r} in sys.modules)'
        )
        assert subprocess.run([sys.executable, '-c', measure]).returncode == 0

    def test_of_no_maps_there_are_none(self, houses):
        assert {len(values) for values in houses[:0].stats().values()} == {0}

    def test_equal_maps_have_equal_hashes(self, houses):
        turned = [
            Geometry(
                walls=np.stack([30 - g.walls[..., 1], g.walls[..., 0]], -1),
                spawns=np.stack([30 - g.spawns[:, 1], g.spawns[:, 0]], -1),
            )
            for g in houses
        ]
        hashes = houses.stats('symmetry_hash')['symmetry_hash']
        assert (MapSet(turned).stats('symmetry_hash')['symmetry_hash'] == hashes).all()
        assert len(set(hashes.tolist())) == 12

    def test_progress_shows_how_fast(self, houses, capsys):
        houses.stats('visible', progress=True)
        assert 'maps/s' in capsys.readouterr().err

    def test_rejects_what_it_does_not_know(self, houses):
        with pytest.raises(ValueError, match="unknown statistic 'mood'; the statistics are rooms, walls, doors"):
            houses.stats('rooms', 'mood')

    @pytest.mark.parametrize('workers', [0, 1.5])
    def test_rejects_no_workers(self, houses, workers):
        with pytest.raises(ValueError, match=f'workers must be an integer of at least 1, got {workers}'):
            houses.stats(workers=workers)

    def test_what_is_not_there_is_nan(self):
        stats = MapSet([make(SQUARE, [(2, 2)])]).stats()
        missing = [name for name, values in stats.items() if np.isnan(values[0])]
        shapes, ways = ['room_area', 'aspect', 'rectangularity', 'opening_width'], list(routes.Detours._fields)
        graph = ['diameter', 'loops', 'mean_degree', 'connected']
        assert missing == [*shapes, *graph, *(f'detour_{way}' for way in ways), *routes.Difficulty._fields]


class TestLayout:
    def test_shapes(self):
        rooms = [rectangle(1, 1, 4, 3), np.array([(1, 1), (5, 1), (5, 2), (2, 2), (2, 3), (1, 3)], float)]
        areas, aspects, rectangularities = shapes(Ragged(np.concatenate(rooms), np.array([4, 6], np.int32)))
        np.testing.assert_allclose(areas, [6, 5])
        np.testing.assert_allclose(aspects, [1.5, 2])
        np.testing.assert_allclose(rectangularities, [1, 5 / 8])

    @given(
        st.lists(st.tuples(*[st.integers(1, 40)] * 4), min_size=1, max_size=3),
        st.integers(0, 5),
    )
    @settings(deadline=None, max_examples=50)
    def test_a_margin_grows_rooms(self, sizes, margin):
        """As shapely's buffer with mitred corners does."""
        union = shapely.union_all(
            [shapely.box(0, 0, w + 20, h + 20).union(shapely.box(0, 0, a, b + 60)) for w, h, a, b in sizes]
        )
        corners = shapely.get_coordinates(union.exterior)[:-1]
        areas, _, _ = shapes(Ragged(corners, np.array([len(corners)], np.int32)), margin=margin / 10)
        grown = union.simplify(0).buffer(margin / 10, join_style='mitre')
        np.testing.assert_allclose(areas, [grown.area])

    def test_means_are_of_a_maps_own_rooms(self):
        stats = MapSet([chain(2), chain(3)]).stats('room_area', 'aspect', 'opening_width')
        np.testing.assert_allclose(stats['room_area'], [4, 4])
        np.testing.assert_allclose(stats['aspect'], [1, 1])
        np.testing.assert_allclose(stats['opening_width'], [1, 1])

    @pytest.mark.parametrize('count', [2, 5])
    def test_rooms_in_a_row(self, count):
        stats = MapSet([chain(count)]).stats('diameter', 'loops', 'mean_degree', 'connected')
        assert stats['diameter'] == count - 1
        assert stats['loops'] == 0
        assert stats['mean_degree'] == pytest.approx(2 * (count - 1) / count)
        assert stats['connected'] == 1

    def test_one_room_is_its_own_graph(self):
        room = make(SQUARE, [(2, 2)], [Room(rectangle(1, 1, 5, 5))])
        values = MapSet([room]).stats('diameter', 'loops', 'mean_degree', 'connected').values()
        assert [value.item() for value in values] == [0, 0, 0, 1]

    def test_rooms_that_share_an_open_side_are_joined(self):
        halves = [Room(rectangle(1, 1, 3, 5)), Room(rectangle(3, 1, 5, 5))]
        stats = MapSet([make(SQUARE, [(2, 2)], halves)]).stats('diameter', 'connected')
        assert (stats['diameter'], stats['connected']) == (1, 1)

    def test_a_thin_wall_parts_rooms(self):
        """It leaves 20 cm open, at its end."""
        halves = [Room(rectangle(1, 1, 3, 5)), Room(rectangle(3, 1, 5, 5))]
        thin = [[(3, 1), (3, 4.8)], [(3, 4.8), (3, 1)]]
        parted = make(np.concatenate([SQUARE, thin]), [(2, 2)], halves)
        assert np.isnan(MapSet([parted]).stats('connected')['connected'])

    def test_the_largest_group_counts(self):
        maps = MapSet([Geometry(walls=g.walls, spawns=g.spawns, rooms=g.rooms, doors=g.doors[1:]) for g in [chain(4)]])
        stats = maps.stats('diameter', 'mean_degree', 'connected')
        assert (stats['diameter'], stats['connected']) == (2, 0.75)
        assert stats['mean_degree'] == pytest.approx(4 / 3)

    def test_houses_agree_with_networkx(self, houses):
        stats = houses.stats('diameter', 'loops', 'mean_degree', 'connected')
        for i, geometry in enumerate(houses):
            rooms = np.array([shapely.Polygon(room.outline) for room in geometry.rooms])
            ends = [np.argsort(shapely.distance(shapely.Point(door.mean(0)), rooms))[:2] for door in geometry.doors]
            graph = nx.Graph(sorted(map(tuple, np.sort(ends).tolist())))
            assert nx.diameter(graph) == stats['diameter'][i]
            assert graph.number_of_edges() - len(rooms) + 1 == stats['loops'][i]
            assert stats['mean_degree'][i] == pytest.approx(2 * graph.number_of_edges() / len(rooms))
            assert stats['connected'][i] == 1


class TestSight:
    def test_distances_in_a_square(self):
        found = visibility.fans(np.array([(2.0, 3.0)]), SQUARE, 8)[0]
        np.testing.assert_allclose(found, [3, 2 * 2**0.5, 2, 2**0.5, 1, 2**0.5, 2, 2 * 2**0.5])

    @settings(deadline=None, max_examples=30)
    @given(x=st.floats(1.2, 2.8), y=st.floats(3.2, 8.8))
    def test_the_inner_corner_hides_a_wedge(self, x, y):
        """From the upright arm of the L, all is seen of the other arm that lies below the ray past the corner."""
        corner = np.array([3.0, 3.0])
        beyond = corner + 20 * (corner - (x, y))
        hidden = shapely.Polygon(
            [corner, beyond, (beyond[0], 3), (60, 3)] if beyond[0] < 60 else [corner, beyond, (60, 3)]
        )
        expected = shapely.Polygon(ELL[:, 0]).difference(shapely.convex_hull(hidden)).area
        assert visibility.visible_areas(np.array([(x, y)]), ELL, 8192)[0] == pytest.approx(expected, rel=0.005)

    def test_a_convex_room_is_all_visible(self):
        assert MapSet([make(SQUARE, [(2, 2)])]).stats('visible')['visible'] == pytest.approx(1, abs=1e-3)

    def test_a_bent_room_is_not(self):
        assert 0.55 < MapSet([make(ELL, [(2, 2)])]).stats('visible')['visible'][0] < 0.75

    @pytest.mark.parametrize('seed', range(3))
    def test_no_ray_slips_out(self, houses, seed):
        points = np.random.default_rng(seed).choice(houses[seed].spawns, 20)
        assert np.isfinite(visibility.fans(points, houses[seed].walls, 4096)).all()

    def test_no_wall_is_nearer_than_it_is(self, houses):
        """Points of a lattice are in line with many walls, which they see edge-on."""
        for geometry in houses[:6]:
            grid_points = grid.make_grid(geometry.walls, AGENT_RADIUS)
            points = np.concatenate([grid_points.places(np.flatnonzero(grid_points.free)), geometry.spawns])
            nearest = visibility.fans(points, geometry.walls, 16).min(1)
            assert (nearest >= clearances(points, geometry.walls) - 1e-9).all()


class TestGrid:
    def test_free_cells_are_clear_of_walls(self, houses):
        for geometry in houses[:4]:
            found = grid.make_grid(geometry.walls, AGENT_RADIUS)
            rows, columns = found.free.shape
            places = found.places(np.arange(found.free.size))
            rings = shapely.polygonize(shapely.get_parts(shapely.union_all(shapely.linestrings(geometry.walls))))
            space = max(shapely.get_parts(rings), key=lambda face: face.area)
            expected = shapely.contains_xy(space, places) & (
                shapely.distance(shapely.points(places), space.boundary) >= AGENT_RADIUS
            )
            assert rows * columns == len(places)
            assert (found.free.ravel() == expected).mean() > 0.999

    def test_large_maps_have_coarser_cells(self):
        assert grid.make_grid(SQUARE, 0.1).step == 0.1
        assert grid.make_grid(1 + 10 * SQUARE, 0.1).step == pytest.approx(40 / 256)
        assert grid.make_grid(1 + 20 * SQUARE, 0.1).step == 0.2

    def test_ways_are_hardly_too_long(self):
        """In an empty room the shortest way is the straight line."""
        empty = np.ones((50, 70), bool)
        lengths, _ = grid.distance_transform(empty, 10 * 70 + 12)
        rows, columns = np.divmod(np.arange(empty.size), 70)
        straight = np.hypot(rows - 10, columns - 12)
        assert (lengths >= straight - 1e-9).all()
        assert (lengths <= 1.028 * straight + 1e-9).all()

    def test_ways_agree_with_networkx(self):
        free = np.random.default_rng(2).random((12, 15)) > 0.3
        source = int(np.flatnonzero(free)[0])
        lengths, before = grid.distance_transform(free, source)
        graph = nx.Graph()
        for (row, column), _ in np.ndenumerate(free):
            for dx, dy in grid.MOVES.tolist():
                over = [(row + dy, column + dx), (row + int(dy / 2), column + int(dx / 2))]
                over += [(row + dy - int(dy / 2), column + dx - int(dx / 2)), (row, column)]
                inside = all(0 <= y < 12 and 0 <= x < 15 for y, x in over)
                if inside and all(free[place] for place in over):
                    graph.add_edge(row * 15 + column, (row + dy) * 15 + column + dx, weight=math.hypot(dx, dy))
        expected = nx.single_source_dijkstra_path_length(graph, source)
        for cell, length in enumerate(lengths):
            assert length == pytest.approx(expected.get(cell, np.inf))
            if np.isfinite(length):
                cells = grid.path(before, cell)
                assert (cells[0], cells[-1]) == (cell, source)

    def test_the_nearest_free_cell(self):
        room = grid.make_grid(SQUARE, 0.3)
        corner = room.places(np.array([room.cell(np.array([1.1, 1.1]))]))[0]
        assert np.hypot(*(corner - 1)) < 0.6
        assert room.cell(np.array([0.2, 0.2])) == -1


class TestRoutes:
    def test_detours_around_a_corner(self):
        """Around the inner corner of the L the way bends at an agent's radius from it."""
        stats = MapSet([make(ELL, [(2, 8), (8, 2)])]).stats('detour_mean', 'detour_p95', 'tortuosity')
        bend = 3 - AGENT_RADIUS / 2**0.5
        expected = 2 * math.hypot(8 - bend, bend - 2) / math.hypot(6, 6)
        for values in stats.values():
            assert values[0] == pytest.approx(expected, rel=0.01)

    def test_straight_ways_are_no_detours(self):
        spawns = np.random.default_rng(0).uniform(1.5, 4.5, (10, 2))
        stats = MapSet([make(SQUARE, spawns)]).stats('detour_mean', 'tortuosity')
        np.testing.assert_allclose([stats['detour_mean'], stats['tortuosity']], 1, atol=1e-6)

    def test_along_the_middle_of_a_corridor(self):
        """From the middle of a long corridor, 16 directions 22.5 degrees apart see its sides or its ends."""
        walls = outline((1, 1), (101, 1), (101, 3), (1, 3))
        lengths = np.array([[0, 90.0], [90.0, 0]])
        found = routes.difficulty(lengths, np.array([(6.0, 2.0), (96.0, 2.0)]), walls)
        aslant = [1 / math.sin(math.pi * k / 8) for k in range(1, 8)]
        assert found.closest_obstacle == pytest.approx(1, abs=0.15)
        assert found.characteristic_dimension == pytest.approx(2, abs=1e-6)
        assert found.visibility == pytest.approx((100 + 2 * sum(aslant)) / 16, rel=0.05)
        assert found.dispersion == 0
        assert found.tortuosity == 1

    def test_near_walls_are_counted(self):
        """In the middle of a corridor of 1 m the walls on both sides are near: four changes in a turn."""
        walls = outline((1, 1), (21, 1), (21, 2), (1, 2))
        found = routes.difficulty(np.array([[0, 15.0], [15.0, 0]]), np.array([(3.0, 1.5), (18.0, 1.5)]), walls)
        assert found.dispersion == pytest.approx(4)

    def test_spawns_apart_have_no_ways(self):
        lengths = np.array([[0, np.inf], [np.inf, 0]])
        assert np.isnan(routes.difficulty(lengths, np.array([(2.0, 2.0), (4.0, 4.0)]), SQUARE)).all()
        assert np.isnan(routes.detours(lengths, np.array([(2.0, 2.0), (4.0, 4.0)]))).all()

    def test_names_are_those_of_the_table(self):
        names = [*(f'detour_{field}' for field in routes.Detours._fields), *routes.Difficulty._fields]
        assert names == list(STATISTICS)[-7:]
        assert list(room_graph.Connections._fields) == ['diameter', 'loops', 'mean_degree', 'connected']
        assert set(SIZES) < set(STATISTICS)
