"""Curves that move: as SVG, from points that stay few."""

import math
import xml.etree.ElementTree as ET

import numpy as np
import pytest

from megastep.plotting.curve_points import MOST, CurvePoints
from megastep.plotting.curves import axis_range
from megastep.plotting.live_curves import live_curves


def drawn(trained=None, tested=None, **changes):
    options = {'share': 0.5, 'caption': '5 of 10 steps', **changes}
    return live_curves(trained or {}, tested or {}, ['success'], **options)


def test_points_stay_few_however_long_a_run_is():
    points, count = CurvePoints(), 10 * MOST
    for frames in range(count):
        points.add(frames, {'return': float(frames), 'frames': frames, 'entropy': None, 'grad_norm': math.nan})
    (name, curve), *others = points.curves().items()
    assert (name, others) == ('return', [])
    assert MOST / 2 <= len(curve) <= MOST
    assert (np.diff(curve[:, 0]) > 0).all() and (np.diff(curve[:, 1]) > 0).all()
    assert curve[-1, 0] == count - 1  # the newest steps are there at once


def test_a_window_holds_a_mean():
    points = CurvePoints()
    for frames in range(MOST):
        points.add(frames, {'return': frames % 2})
    assert np.array_equal(points.curves()['return'], [(frames, 0.5) for frames in range(1, MOST, 2)])


def test_live_curves_are_a_document_with_what_matters_first():
    line = np.array([(0.0, 1.0), (10.0, 3.0)])
    root = ET.fromstring(drawn({'entropy': line, 'return': line, 'success': line / 100}, {'return': line}))
    words = [''.join(text.itertext()) for text in root.findall('.//{*}text')]
    assert [word for word in words if word in ('entropy', 'return', 'success')] == ['return', 'success', 'entropy']
    assert '3  3' in words  # the last of training's and of the evaluation's
    assert words[0] == '5 of 10 steps'
    assert len(root.findall('.//{*}circle')) == 2


def test_the_panels_of_the_scores_are_there_from_the_beginning():
    empty, begun = drawn(), drawn({'entropy': np.array([(1.0, 2.0)]), 'success': np.array([(1.0, 2.0)])})
    for picture in (empty, begun):
        root = ET.fromstring(picture)
        words = [''.join(text.itertext()) for text in root.findall('.//{*}text')]
        assert [word for word in words if word in ('return', 'success', 'length')] == ['return', 'success', 'length']
        assert root.attrib['height'] == ET.fromstring(empty).attrib['height']
    assert (empty.count('<circle'), begun.count('<circle')) == (0, 2)  # a point that is alone


def test_live_curves_are_there_before_there_is_a_point():
    assert ET.fromstring(drawn(caption='<0 of 1>')).attrib['aria-label'] == '<0 of 1>'


def test_at_most_eight_panels():
    lines = {f'statistic {i}': np.array([(1.0, i)]) for i in range(12)}
    assert drawn(lines).count('<polyline') == 8 - 3  # three are kept for the return, the score and the length


@pytest.mark.parametrize(
    'values, low, high',
    [
        ([1, 1], -0.08, 1.08),
        ([0, 0], -0.08, 0.08),
        ([-5, -5], -5.4, 0.4),
        ([1, 1.01], -0.08, 1.09),
        ([1, 2], 0.92, 2.08),
    ],
)
def test_a_flat_curve_has_an_axis_from_zero(values, low, high):
    assert axis_range([np.array(values)]) == pytest.approx((low, high), abs=3e-2)
