"""Learning curves: a panel a statistic, those that matter most first."""

import numpy as np
import pytest

from megastep.plotting.curves import curves


def lines_of(count):
    return [
        {'updates': i, 'frames': 10 * i, 'seconds': i, 'episodes': 1, 'return': i, 'entropy': None}
        for i in range(count)
    ]


def test_curves_have_a_panel_a_statistic():
    lines = [{**line, 'steps_per_second': 1.0, 'length': 2.0} for line in lines_of(50)]
    lines.append({'updates': 50, 'frames': 500, 'evaluation': {'return': 7.0, 'success': 0.5}})
    figure = curves(lines, ['success', 'grace'])
    assert [axes.get_title(loc='left') for axes in figure.axes] == ['return', 'success', 'length', 'steps per second']
    trained, smooth, tested = figure.axes[0].lines
    assert np.array_equal(trained.get_ydata(), np.arange(50))
    assert np.allclose(smooth.get_ydata(), np.arange(50))  # a mean over neighbours leaves a straight line as it is
    assert (tested.get_xdata(), tested.get_ydata()) == ([500], [7])


def test_curves_need_something_to_draw():
    with pytest.raises(ValueError, match='lines must have a number to draw, got 0 lines'):
        curves([])
    with pytest.raises(ValueError, match='columns must be an integer of at least 1, got 0'):
        curves(lines_of(3), columns=0)
    for lines, name in ((None, 'NoneType'), ('log', 'str'), ({}, 'dict')):
        with pytest.raises(ValueError, match=f'lines must be a list of the lines of a log, got {name}'):
            curves(lines)
    for line in (3, {'return': 1}, {'frames': 'a', 'return': 1}):
        with pytest.raises(ValueError, match='a line must have names and numbers, frames among them, got '):
            curves([line])
