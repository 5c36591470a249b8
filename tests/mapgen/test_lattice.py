import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from megastep.mapgen.geometry.lattice import Rect, Stretch, clear, floor, opening, rings, shared, subtract, units

RECTS = st.builds(
    lambda x, y, w, h: Rect(x, y, x + w, y + h),
    *(st.integers(-9, 9), st.integers(-9, 9), st.integers(1, 8), st.integers(1, 8)),
)


def union(rects):
    return shapely.union_all([shapely.box(*rect) for rect in rects])


def signed_area(ring):
    x, y = np.array(ring).T
    return (x * np.roll(y, -1) - y * np.roll(x, -1)).sum() / 2


def test_ring_of_a_rectangle():
    assert rings([Rect(0, 0, 3, 2)]) == [[(0, 0), (3, 0), (3, 2), (0, 2)]]


def test_ring_of_an_l_has_no_corner_where_its_parts_meet():
    expected = [[(0, 0), (4, 0), (4, 2), (2, 2), (2, 5), (0, 5)]]
    assert rings([Rect(0, 0, 4, 2), Rect(0, 2, 2, 5)]) == expected
    assert rings([Rect(0, 0, 2, 5), Rect(2, 0, 3, 2), Rect(3, 0, 4, 2)]) == expected


def test_a_hole_runs_clockwise_and_comes_after_the_outside():
    around = subtract(Rect(0, 0, 9, 9), Rect(3, 3, 5, 6))
    assert rings(around) == [[(0, 0), (9, 0), (9, 9), (0, 9)], [(3, 3), (3, 6), (5, 6), (5, 3)]]


def test_rectangles_that_meet_in_a_corner_are_refused():
    with pytest.raises(ValueError, match='touches itself at a corner'):
        rings([Rect(0, 0, 1, 1), Rect(1, 1, 2, 2)])


@settings(deadline=None, max_examples=200)
@given(st.lists(RECTS, min_size=1, max_size=6), st.randoms(use_true_random=False))
def test_rings_outline_the_union_whatever_the_order(rects, random):
    try:
        found = rings(rects)
    except ValueError:
        assert any(len(set(hits)) < len(hits) for hits in [touching_corners(union(rects))])
        return
    whole = union(rects)
    assert sum(map(signed_area, found)) == whole.area
    outlines = [shapely.LinearRing(ring) for ring in found]
    assert shapely.union_all(outlines).equals(whole.boundary)
    assert rings(random.sample(rects, len(rects))) == found == sorted(found)
    assert all(ring[0] == min(ring) for ring in found)


def touching_corners(whole):
    """The corners of all rings: one that comes twice is where the union touches itself."""
    parts = shapely.get_parts(whole)
    return [corner for part in parts for ring in (part.exterior, *part.interiors) for corner in ring.coords[:-1]]


@settings(deadline=None)
@given(RECTS, RECTS)
def test_subtracting_leaves_what_the_hole_does_not_cover(rect, hole):
    parts = subtract(rect, hole)
    assert sum(part.area for part in parts) == shapely.box(*rect).difference(shapely.box(*hole)).area
    assert not any(part.overlaps(hole) for part in parts)


def test_walls_stand_on_the_low_sides():
    assert clear(Rect(0, 0, 10, 8), 2) == Rect(2, 2, 10, 8)


@pytest.mark.parametrize('flip', [False, True])
def test_neighbours_share_the_stretch_that_is_clear_on_both_sides(flip):
    tiles = [Rect(0, 0, 10, 10), Rect(10, 4, 20, 30)]
    stretch = shared(*(tiles[::-1] if flip else tiles), 2)
    assert stretch == Stretch(upright=True, at=10, low=6, high=10)
    assert stretch.length == 4
    assert opening(stretch, 2) == Rect(10, 6, 12, 10)


def test_above_and_below():
    assert shared(Rect(0, 0, 10, 10), Rect(3, 10, 30, 20), 1) == Stretch(upright=False, at=10, low=4, high=10)
    assert opening(Stretch(upright=False, at=10, low=4, high=10), 1) == Rect(4, 10, 10, 11)


def test_tiles_that_are_apart_or_meet_in_a_corner_share_nothing():
    assert shared(Rect(0, 0, 10, 10), Rect(11, 0, 20, 10), 1) is None
    assert shared(Rect(0, 0, 10, 10), Rect(10, 10, 20, 20), 1) is None


def test_a_room_of_two_tiles_has_no_wall_between_them():
    parts = floor([Rect(0, 0, 10, 10), Rect(10, 0, 20, 5)], 1)
    assert rings(parts) == [[(1, 1), (20, 1), (20, 5), (10, 5), (10, 10), (1, 10)]]


TEE = [Rect(0, 0, 10, 20), Rect(10, 0, 20, 9), Rect(10, 9, 20, 20)]
CROSS = [Rect(0, 0, 10, 9), Rect(10, 0, 20, 9), Rect(0, 9, 10, 20), Rect(10, 9, 20, 20)]


@pytest.mark.parametrize('mirrored', [False, True])
@pytest.mark.parametrize('swapped', [False, True])
@pytest.mark.parametrize('tiles', [TEE, CROSS])
def test_no_stub_is_left_where_walls_met(tiles, mirrored, swapped):
    tiles = [Rect(-tile.right, tile.bottom, -tile.left, tile.top) if mirrored else tile for tile in tiles]
    tiles = [Rect(tile.bottom, tile.left, tile.top, tile.right) if swapped else tile for tile in tiles]
    box = shapely.box(*union(tiles).bounds)
    left, bottom, right, top = map(int, box.bounds)
    assert rings(floor(tiles, 2)) == rings([Rect(left + 2, bottom + 2, right, top)])


def test_walls_that_are_not_the_rooms_own_keep_their_ends():
    tiles = [Rect(0, 0, 10, 10), Rect(10, 0, 20, 10), Rect(0, 10, 10, 20)]
    assert rings(floor(tiles, 2)) == [[(2, 2), (20, 2), (20, 10), (10, 10), (10, 20), (2, 20)]]


def test_units_are_five_centimetres():
    assert [units(metres) for metres in (0.05, 0.1, 0.15, 1.3, 2.5)] == [1, 2, 3, 26, 50]
