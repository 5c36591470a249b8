import networkx as nx
import numpy as np
import pytest
import shapely
from floorplans.plans import plan, plan_digest
from hypothesis import given, settings
from hypothesis import strategies as st

from megastep import mapgen
from megastep.mapgen.families.voronoi_cells import HalfPlane, cells, clipped, least_width, lloyd_sites, outline, section
from megastep.mapgen.geometry.polygons import doubled_area
from megastep.mapgen.rng import Rng

SQUARE = [(0, 0), (10_000, 0), (10_000, 10_000), (0, 10_000)]
GOLDEN = {
    (0, 0): '58084a05dbdcdcefecec55b4f133a7e8',
    (0, 7): '5b58c591b1d7c48a21ea2a59a37e6f87',
    (1, 3): 'db670bde64c6f59916c56a55e60d6876',
    (12345678901234567890, 1): '04f9ca6c681b1a8105025ec3f2744f93',
}


def polygons(building):
    return np.array([shapely.Polygon(room.outline) for room in building.rooms])


def area(ring):
    """In square metres."""
    return doubled_area(ring) / 2e6


def narrowest(polygon):
    """The least width of a polygon among directions a degree apart."""
    angles = np.radians(np.arange(180))
    corners = shapely.get_coordinates(polygon) @ np.stack([np.cos(angles), np.sin(angles)])
    return np.ptp(corners, axis=0).min()


def corners(sides):
    return [side.start for side in sides]


@pytest.fixture(scope='module')
def buildings():
    return [plan('voronoi', index) for index in range(30)]


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**6), count=st.integers(2, 30))
def test_each_cell_is_what_is_nearest_to_its_site(seed, count):
    sites = lloyd_sites(Rng(f'sites {seed}'), SQUARE, count, 1)
    shapes = np.array([shapely.Polygon(corners(sides)) for sides in cells(sites, outline(SQUARE), 0)])
    points = np.random.default_rng(seed).uniform(0, 10_000, (500, 2))
    distances = np.linalg.norm(points[:, None] - np.array(sites), axis=-1)
    near, next_nearest = np.sort(distances, axis=1)[:, :2].T
    inside = shapely.contains_xy(shapes[:, None], *points.T)
    assert (inside.sum(0) <= 1).all()
    clear = next_nearest - near > 200  # short sides are cut off
    assert (inside.argmax(0) == distances.argmin(1))[clear & inside.any(0)].all()
    assert inside.any(0)[clear].mean() > 0.98


def test_cells_with_walls_keep_apart():
    left, right = cells([(2500, 5000), (7500, 5000)], outline(SQUARE), 300)
    assert sorted(corners(left)) == [(0, 0), (0, 10_000), (4850, 0), (4850, 10_000)]
    assert sorted(corners(right)) == [(5150, 0), (5150, 10_000), (10_000, 0), (10_000, 10_000)]
    assert {side.neighbour for side in left} == {-1, 1}


def test_half_planes_cut_polygons():
    square, below = outline(SQUARE), HalfPlane((0, 4000), (-1, 0))
    half = clipped(square, below, 7)
    assert sorted(corners(half)) == [(0, 0), (0, 4000), (10_000, 0), (10_000, 4000)]
    assert [side.start for side in half if side.neighbour == 7] == [(10_000, 4000)]
    assert clipped(half, HalfPlane((0, 5000), (1, 0)), 8) == []
    assert least_width(half) == 4000
    assert section(square, below, 1000) == (-10_000, 0)
    assert section(half, below, -1) is None


def test_sites_even_out():
    rough, smooth = (
        np.std([shapely.Polygon(corners(sides)).area for sides in cells(sites, outline(SQUARE), 0)])
        for sites in (lloyd_sites(Rng('sites'), SQUARE, 20, rounds) for rounds in (0, 20))
    )
    assert smooth < rough / 3


def test_rooms_are_convex_and_wide(buildings):
    """But for a few centimetres, where short sides were cut off and a door's jambs stand."""
    for building in buildings:
        for room in polygons(building):
            assert room.area > 0.98 * room.convex_hull.area
            assert narrowest(room) > 1190


def test_there_are_as_many_rooms_and_as_much_floor_as_asked():
    for index in range(10):
        building = plan(
            'voronoi', index, rooms=(12, 12), area=(10.0, 10.0), wall=(0.1, 0.1), rounds=(10, 10), courtyards=(0, 0)
        )
        assert len(building.rooms) == 12
        assert 100 < sum(map(area, building.rings)) < 120


def test_walls_are_as_thick_as_asked():
    for index in range(5):
        building = plan('voronoi', index, wall=(0.25, 0.25))
        rooms = polygons(building)
        for door in building.doors:
            one, other = rooms[np.argsort(shapely.distance(shapely.LineString(door), rooms))[:2]]
            assert one.distance(other) == pytest.approx(250, abs=2)


def test_doors_are_a_tree_and_the_loops_asked_for(buildings):
    for loops in (0, 3):
        for index in range(10):
            building = plan('voronoi', index, rooms=(12, 12), loops=(loops, loops), courtyards=(0, 0))
            assert len(building.doors) == len(building.rooms) - 1 + loops
    for building in buildings:
        rooms, graph = polygons(building), nx.Graph()
        for (x, y), (u, v) in building.doors:
            graph.add_edge(*np.argsort(shapely.distance(shapely.Point((x + u) / 2, (y + v) / 2), rooms))[:2].tolist())
        assert nx.is_connected(graph) and len(graph) == len(rooms)


def test_doors_are_of_two_widths(buildings):
    """A door's ends are 3 mm from its jambs."""
    widths = np.array([np.hypot(u - x, v - y) + 6 for building in buildings for (x, y), (u, v) in building.doors])
    narrow, wide = widths[widths < 1200], widths[widths > 1200]
    assert narrow.min() > 748 and narrow.max() < 902
    assert wide.min() > 1548 and wide.max() < 1752
    assert not any(np.hypot(u - x, v - y) > 1200 for (x, y), (u, v) in plan('voronoi', wide=0.0).doors)


def test_courtyards_are_left_out():
    buildings = [plan('voronoi', index, rooms=(14, 14), courtyards=(2, 2), rounds=(6, 6)) for index in range(10)]
    assert all(len(building.rooms) == 14 for building in buildings)
    outlines = [shapely.Polygon(building.rings[0]) for building in buildings]
    solid = [
        shape.convex_hull.area / 1e6 - sum(map(area, building.rings))
        for shape, building in zip(outlines, buildings, strict=True)
    ]
    assert min(solid) > 2 * 8


def test_one_room_is_the_hall_and_the_others_are_called_after_their_size(buildings):
    for building in buildings:
        rooms = polygons(building)
        assert [room.kind for room in building.rooms].count('hall') == 1
        sizes = {
            kind: [room.area for room, planned in zip(rooms, building.rooms, strict=True) if planned.kind == kind]
            for kind in ('study', 'studio', 'gallery')
        }
        assert max(sizes['study'], default=0) < min(sizes['studio'], default=1e9)
        assert max(sizes['studio'], default=0) < min(sizes['gallery'], default=1e9)


@pytest.mark.parametrize('seed, index', GOLDEN)
def test_maps_are_what_they_have_always_been(seed, index):
    assert plan_digest(plan('voronoi', index, seed)) == GOLDEN[seed, index]


@pytest.mark.parametrize(
    'parameters, message',
    [
        ({'rooms': (0, 3)}, 'voronoi: rooms must be from 1 to 40, got 0'),
        ({'area': (5.0, 9.0)}, 'voronoi: area must be from 6.0 to 40.0 m², got 5.0'),
        ({'wall': (0.1, 0.5)}, 'voronoi: wall must be from 0.1 to 0.4 m, got 0.5'),
        ({'rounds': (9, 4)}, 'voronoi: rounds must be a pair of which the first is at most the second'),
        ({'wide': 2}, 'voronoi: wide must be from 0.0 to 1.0, got 2'),
    ],
)
def test_bad_parameters(parameters, message):
    with pytest.raises(ValueError, match=message):
        mapgen.generate('voronoi', 1, **parameters)
