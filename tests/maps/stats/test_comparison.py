"""Map sets side by side: what they are like, beside real apartments."""

import base64
import re

import numpy as np
import pytest

from megastep import maps as houses
from megastep.maps.geometry import Geometry
from megastep.maps.mapset import MapSet


def square(side):
    corners = np.array([(1, 1), (1 + side, 1), (1 + side, 1 + side), (1, 1 + side)], float)
    return Geometry.from_walls(np.stack([corners, np.roll(corners, -1, 0)], 1))


def widths(page):
    """The widths of a page's floorplans, in pixels."""
    pictures = [base64.b64decode(text).decode() for text in re.findall(r'base64,([^"]+)" alt="map', page)]
    return [float(re.search(r'<svg [^>]*width="(\d+)"', picture)[1]) for picture in pictures]


SMALL, LARGE = MapSet([square(2), square(3), square(4)]), MapSet([square(4), square(5)])


def test_medians_and_quantiles_by_set():
    found = houses.compare({'small': SMALL, 'large': LARGE}, 'area')
    assert found.statistics == ['area']
    quantiles = found.quantiles('area')
    assert list(quantiles) == ['small', 'large', 'real apartments']
    assert quantiles['small'] == pytest.approx((4.5, 9, 15.3))
    assert quantiles['large'][1] == pytest.approx(20.5)
    assert 20 < quantiles['real apartments'][1] < 80
    first, second = repr(found).splitlines()
    assert first.split() == ['small', 'large', 'real', 'apartments']
    assert second.split()[:3] == ['area', '9', '20.5']


def test_what_no_map_has_is_a_dash():
    found = houses.compare([SMALL, LARGE], 'opening_width', 'rooms')
    assert np.isnan(found.quantiles('opening_width')['0']).all()
    assert repr(found).splitlines()[1].split()[2:4] == ['-', '-']
    assert 'opening width' in found._repr_html_()


def test_a_page_has_the_first_maps_of_each_to_one_scale():
    page = houses.compare({'small': SMALL, '<large>': LARGE}, count=2)._repr_html_()
    assert page.count('<figure') == 4 and '&lt;large&gt;' in page and '3 maps' in page
    found = widths(page)
    assert found[2] > 1.2 * found[1] > 1.3 * found[0]


def test_sets_whose_sizes_differ_too_much_have_scales_of_their_own():
    page = houses.compare([SMALL, MapSet([square(40)])], count=1)._repr_html_()
    small, large = widths(page)
    assert small == pytest.approx(large, rel=0.2)
    assert page.count('</span> 1 m') == 1 and page.count('</span> 10 m') == 1


@pytest.mark.parametrize(
    'compare, message',
    [
        (lambda: houses.compare([]), 'sets must be at least 1 to be compared, got 0'),
        (lambda: houses.compare({'a': SMALL[:0]}), 'a has no maps to compare'),
        (lambda: houses.compare({'a': 3}), 'sets must be map sets, got int for a'),
        (lambda: houses.compare(SMALL), 'sets must be a dict or a list of map sets, got a single one'),
        (lambda: houses.compare([SMALL], 'beauty'), "unknown statistic 'beauty'"),
        (lambda: houses.compare([SMALL], 'symmetry_hash'), 'symmetry_hash has no spread'),
        (lambda: houses.compare([SMALL], count=0), 'count must be an integer of at least 1, got 0'),
        (lambda: houses.compare([SMALL], workers=0), 'workers must be an integer of at least 1, got 0'),
    ],
)
def test_rejects(compare, message):
    with pytest.raises(ValueError, match=message):
        compare()


def test_maps_hand_on_no_other_name():
    with pytest.raises(AttributeError, match="has no attribute 'contrast'"):
        houses.contrast  # noqa: B018
