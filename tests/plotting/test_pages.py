"""Pictures without a ground of their own: they read on light pages and on dark ones."""

import io

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from PIL import Image

from megastep import mapgen, plotting
from megastep.plotting.curves import curves
from megastep.plotting.distributions import COLOURS
from megastep.plotting.figures import FADED, INK
from megastep.plotting.live_curves import live_curves

WHITE, DARK = '#ffffff', '#131416'
"""The grounds of Jupyter's and Furo's pages; of their dark themes the lighter one."""

HOUSES = mapgen.generate('house', 2, seed=0)

PICTURES = {
    'gallery': lambda: plotting.gallery(HOUSES),
    'rows': lambda: plotting.rows({'house': HOUSES}),
    'distributions': lambda: plotting.distributions({'house': HOUSES.stats('area', 'rooms')}),
    'curves': lambda: curves([{'frames': n, 'return': n} for n in range(1, 9)]),
}


def luminance(colour):
    """Relative luminance: https://www.w3.org/TR/WCAG22/#dfn-relative-luminance."""
    channels = np.array(to_rgb(colour))
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return linear @ [0.2126, 0.7152, 0.0722]


def contrast(colour, other):
    darker, lighter = sorted(0.05 + luminance(each) for each in (colour, other))
    return lighter / darker


@pytest.mark.parametrize('ground', [WHITE, DARK])
def test_what_is_written_reads_on_any_page(ground):
    assert contrast(INK, ground) >= 4
    assert contrast(FADED, ground) >= 3.3
    assert all(contrast(colour, ground) >= 3 for colour in COLOURS)


@pytest.mark.parametrize('name', PICTURES)
def test_the_page_is_seen_through_a_picture(name):
    with Image.open(io.BytesIO(PICTURES[name]()._repr_png_())) as picture:
        opacity = np.asarray(picture.convert('RGBA'))[:, :, 3]
    assert opacity[0, 0] == opacity[-1, -1] == 0
    assert (opacity == 0).mean() > 0.4 and opacity.max() == 255


def test_the_page_is_seen_through_curves_that_move():
    drawn = live_curves({'return': np.array([[1.0, 2.0], [3.0, 4.0]])}, {}, share=0.5, caption='half')
    assert drawn.count('<rect') == 2  # the bar, and what is done of it
    assert INK in drawn and '#fff' not in drawn
