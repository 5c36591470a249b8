import numpy as np
import pytest
import shapely
from floorplans.plans import door_widths, flat_plan_digest, of_kind, outlines, plan, room_graph
from hypothesis import given, settings
from hypothesis import strategies as st

from megastep import mapgen
from megastep.mapgen.geometry.lattice import Rect, difference

FULL = {'missing': 0.0, 'pallets': 0.0}

GOLDEN = {
    (0, 0): '052eaaf7d2203a1ffb9156afca75caea',
    (0, 7): 'd3061268fa5b883ff8e5abef4b4d66b7',
    (1, 3): '8b786f440d6564975748d59f304e6c2a',
    (12345678901234567890, 1): '1dda5e20f5f04e7fb8585205a83ce895',
}

RECTS = st.builds(
    lambda x, y, width, height: Rect(x, y, x + width, y + height),
    st.integers(0, 20),
    st.integers(0, 20),
    st.integers(1, 20),
    st.integers(1, 20),
)


def islands(warehouse):
    return np.array([shapely.Polygon(ring) for ring in warehouse.rings[1:]])


@settings(max_examples=60, deadline=None)
@given(rects=st.lists(RECTS, min_size=1, max_size=5), solids=st.lists(RECTS, max_size=5))
def test_what_solid_rectangles_leave_of_others(rects, solids):
    found = difference(rects, solids)
    whole, holes = (shapely.union_all([shapely.box(*rect) for rect in group]) for group in (rects, solids))
    left = [shapely.box(*rect) for rect in found]
    assert shapely.union_all(left).symmetric_difference(whole - holes).area == 0
    assert sum(part.area for part in left) == (whole - holes).area


@pytest.mark.parametrize('rows, sections', [(1, 1), (5, 2), (20, 5)])
def test_there_are_as_many_racks_as_asked_for(rows, sections):
    warehouse = plan('warehouse', shape='bar', rows=(rows, rows), sections=(sections, sections), **FULL)
    assert len(islands(warehouse)) == rows * sections


@pytest.mark.parametrize('shape, least', [('ell', 1), ('tee', 1), ('cup', 2)])
def test_blocks_behind_have_racks_of_their_own(shape, least):
    for index in range(10):
        warehouse = plan('warehouse', index, shape=shape, rows=(4, 4), sections=(2, 2), **FULL)
        racks = np.array([np.ptp(ring, axis=0) for ring in warehouse.rings[1:]])
        lying = (racks[:, 0] > racks[:, 1]).sum()
        assert min(lying, len(racks) - lying) >= least and len(racks) >= 8 + least


@pytest.mark.parametrize('shape', ['bar', 'ell', 'tee', 'cup'])
def test_aisles_are_as_wide_as_asked_for(shape):
    for index in range(10):
        parameters = {'aisle': (1.6, 1.6), 'cross': (2.5, 2.5), 'rack': (1.2, 1.2), 'length': (8.0, 8.0)}
        warehouse = plan('warehouse', index, shape=shape, rows=(6, 6), **parameters, **FULL)
        racks = islands(warehouse)
        gaps = shapely.distance(racks[:, None], racks) + 9999 * np.eye(len(racks))
        assert 1600 <= gaps.min() <= 1650
        walls = shapely.Polygon(warehouse.rings[0]).exterior
        assert shapely.distance(walls, racks).min() >= 1599.999


def test_pallets_keep_clear_of_everything():
    for index in range(10):
        warehouse = plan('warehouse', index, pallets=1.0)
        solid = islands(warehouse)
        assert len(solid) > len(islands(plan('warehouse', index, pallets=0.0)))
        gaps = shapely.distance(solid[:, None], solid) + 9999 * np.eye(len(solid))
        assert gaps.min() >= 1400
        assert shapely.distance(shapely.Polygon(warehouse.rings[0]).exterior, solid).min() >= 1399.999


def test_racks_are_missing_as_asked_for():
    assert not len(islands(plan('warehouse', missing=1.0, pallets=0.0)))


def test_docks_and_offices_open_onto_the_hall():
    for index in range(10):
        warehouse = plan('warehouse', index, docks=(4, 4), offices=(3, 3))
        graph = room_graph(warehouse)
        assert len(of_kind(warehouse, 'dock')) == 4 and len(warehouse.rooms) == 8
        assert sorted(graph[0]) == list(range(1, 8))
        assert len(warehouse.doors) == 7 and sorted(door_widths(warehouse))[3:] == [3.0] * 4
        rest = shapely.union_all(outlines(warehouse)[1:])
        assert not shapely.intersects(rest, islands(warehouse)).any()


def test_a_warehouse_may_have_no_docks_and_one_office():
    warehouse = plan('warehouse', docks=(0, 0), offices=(1, 1))
    assert [room.kind for room in warehouse.rooms] == ['storage_hall', 'office']


def test_default_warehouses_differ_and_are_not_too_large():
    maps = mapgen.generate('warehouse', 20)
    assert len({geometry.walls.tobytes() for geometry in maps}) == 20
    assert max(max(geometry.bounds) for geometry in maps) < 100


@pytest.mark.parametrize(
    'parameters, message',
    [
        ({'rows': (0, 4)}, 'warehouse: rows must be from 1 to 20, got 0'),
        ({'aisle': (1.0, 2.0)}, 'warehouse: aisle must be from 1.6 to 3.5 m, got 1.0'),
        ({'shape': 'ring'}, 'warehouse: shape must be one of any, bar, ell, tee, cup, got .ring'),
    ],
)
def test_bad_parameters(parameters, message):
    with pytest.raises(ValueError, match=message):
        mapgen.generate('warehouse', 1, **parameters)


@pytest.mark.parametrize('seed, index', GOLDEN)
def test_warehouses_are_what_they_have_always_been(seed, index):
    """A change that alters maps needs a new version of their family, and new hashes here."""
    assert flat_plan_digest(plan('warehouse', index, seed)) == GOLDEN[seed, index]
