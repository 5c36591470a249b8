"""Map sets: indexing, statistics, and how a notebook shows them."""

import base64
import pickle
import re

import numpy as np
import pytest
from floorplans.small_maps import ARRAYS, GEOMETRIES, assert_same, make
from worlds import box

from megastep.maps.geometry import Geometry, Room
from megastep.maps.mapset import MapSet


@pytest.fixture
def maps():
    return MapSet(GEOMETRIES, recipe={'family': 'test', 'seed': 3})


class TestIndexing:
    def test_maps_come_back_as_they_went_in(self, maps):
        assert len(maps) == 12
        for geometry, original in zip(maps, GEOMETRIES, strict=True):
            assert_same(geometry, original)
        assert_same(maps[-1], GEOMETRIES[-1])
        assert_same(maps[np.int64(2)], GEOMETRIES[2])

    @pytest.mark.parametrize(
        'index',
        [slice(2, 9), slice(None, None, -3), [4, 4, -1], np.array([7, 0]), np.arange(12) % 5 == 1, [], slice(0, 0)],
    )
    def test_parts_are_map_sets(self, maps, index):
        part, expected = maps[index], np.arange(12)[np.array(index, int) if isinstance(index, list) else index]
        assert part.indices.tolist() == expected.tolist()
        assert len(part) == len(list(part)) == len(expected)
        for geometry, i in zip(part, expected, strict=True):
            assert_same(geometry, GEOMETRIES[i])
        assert part.recipe == maps.recipe

    def test_parts_of_parts(self, maps):
        assert maps[2:9][[1, -1]][::-1].indices.tolist() == [8, 3]

    @pytest.mark.parametrize('name', ARRAYS)
    def test_arrays_of_a_part_are_those_of_its_maps(self, maps, name):
        part, anew = maps[[5, 1, 4, 9]], MapSet([GEOMETRIES[i] for i in (5, 1, 4, 9)])
        expected, actual = getattr(anew, name), getattr(part, name)
        np.testing.assert_array_equal(actual.widths, expected.widths)
        if name == 'kinds':
            assert [part.vocabulary[c] for c in actual.vals] == [anew.vocabulary[c] for c in expected.vals]
        else:
            np.testing.assert_array_equal(actual.vals, expected.vals)
        assert getattr(part, name) is actual, 'gathered twice'

    def test_arrays_are_flat(self, maps):
        assert maps.walls.vals.shape == (72, 2, 2)
        assert maps.walls.vals.dtype == np.float64
        assert maps.walls.widths.dtype == np.int32
        assert maps.walls.starts.tolist() == list(range(0, 72, 6))

    @pytest.mark.parametrize('index', [12, -13, [0, 12], np.zeros(3, bool)])
    def test_rejects_maps_that_are_not_there(self, maps, index):
        with pytest.raises(
            IndexError, match=r'map must be from -12 to 11, got|a mask must have a value for each of the 12'
        ):
            maps[index]

    @pytest.mark.parametrize('index', [[0.5], [[1, 2]], 'abc'])
    def test_rejects_what_is_no_index(self, maps, index):
        with pytest.raises(TypeError, match='maps are chosen by whole numbers, got'):
            maps[index]

    def test_rejects_no_maps(self):
        with pytest.raises(ValueError, match='a map set needs at least 1 geometry, got 0'):
            MapSet([])

    @pytest.mark.parametrize('things, kinds', [('a.safetensors', 'str'), ([None, box(), 3], 'NoneType, int')])
    def test_rejects_what_are_no_geometries(self, things, kinds):
        with pytest.raises(ValueError, match=f'a map set is made of geometries, got {kinds}; MapSet.load reads a file'):
            MapSet(things)

    @pytest.mark.parametrize('recipe', [{'a': object()}, {'a': np.nan}])
    def test_rejects_a_recipe_json_cannot_hold(self, recipe):
        with pytest.raises(ValueError, match='recipe must be what JSON can hold, got'):
            MapSet(GEOMETRIES, recipe=recipe)

    def test_filter(self, maps):
        assert maps.filter(lambda geometry: geometry.rooms).indices.tolist() == [0, 1, 3, 4, 6, 7, 9, 10]
        assert len(maps.filter(lambda geometry: False)) == 0

    def test_survives_pickling(self, maps):
        assert_same(pickle.loads(pickle.dumps(maps[3:5]))[1], GEOMETRIES[4])


class TestStats:
    def test_agree_with_the_geometries(self, maps):
        part = maps[[7, 2, 3]]
        stats = part.stats()
        for i, geometry in enumerate(part):
            left, bottom, right, top = geometry.bounds
            assert stats['area'][i] == pytest.approx(geometry.area)
            assert stats['width'][i] == pytest.approx(right - left)
            assert stats['height'][i] == pytest.approx(top - bottom)
            assert stats['wall_length'][i] == pytest.approx(2 * (right - left + top - bottom))
            for name in ('walls', 'rooms', 'doors', 'lights', 'spawns'):
                assert stats[name][i] == len(getattr(geometry, name))

    def test_of_no_maps_are_empty(self, maps):
        assert {len(values) for values in maps[:0].stats().values()} == {0}


def widths(page):
    """The widths of a page's pictures, in pixels."""
    pictures = [base64.b64decode(text).decode() for text in re.findall(r'base64,([^"]+)"', page)]
    return [float(re.search(r'<svg [^>]*width="(\d+)"', picture)[1]) for picture in pictures]


class TestNotebook:
    def test_draws_twelve_and_a_line_of_statistics(self):
        page = MapSet([*GEOMETRIES, make(12)], recipe={'family': '<house>'})._repr_html_()
        assert page.count('<img') == 12 and '<svg' not in page  # which notebooks that aren't trusted strip
        assert 'walls 6.0' in page
        assert 'MapSet(13 maps, &lt;house&gt;)' in page

    def test_maps_have_one_scale_numbers_areas_and_a_legend(self):
        def room(side):
            corners = np.array([(1, 1), (1 + side, 1), (1 + side, 1 + side), (1, 1 + side)], float)
            return Geometry.from_walls(
                np.stack([corners, np.roll(corners, -1, 0)], 1), rooms=[Room(corners, 'wine_cellar')]
            )

        page = MapSet([room(2), room(4)])._repr_html_()
        small, large = widths(page)
        assert large / small == pytest.approx(2, abs=0.2)
        assert '<b>0</b>' in page and '<b>1</b>' in page and '4.0 m²' in page and '16.0 m²' in page
        assert page.count('</span> wine cellar') == 1 and page.count('</span> 1 m') == 1

    def test_an_empty_set_draws_too(self, maps):
        assert maps[:0]._repr_html_().count('<img') == 0
        assert repr(maps[:0]) == 'MapSet(0 maps, test)'
