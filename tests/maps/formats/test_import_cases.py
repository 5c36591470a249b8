"""Files of the kinds that people have, and what is meant by each: the right area, in square metres, and place."""

import importlib.util
import warnings
from pathlib import Path

import numpy as np
import pytest

from megastep import MapSet

needs_ezdxf = pytest.mark.skipif(importlib.util.find_spec('ezdxf') is None, reason='ezdxf is not installed')

FILES = Path(__file__).parents[1] / 'files'


def read(name, **options):
    kind = {'other/l.dxf': 'dxf', 'other/house-expo.json': 'houseexpo'}.get(name, name.partition('/')[0])
    return getattr(MapSet, f'from_{kind}')(FILES / name, **options)


@pytest.mark.parametrize(
    'name, options, area',
    [
        ('occupancy/trinary.yaml', {}, 12),
        ('occupancy/scale.yaml', {}, 12),
        ('occupancy/TenByTen.yaml', {}, 78),
        ('svg/block.svg', {'inside': (50, 50)}, 36),
        ('svg/block.svg', {'inside': [(500, 500), (600, 400)]}, 64),
        ('svg/cubicasa.svg', {}, 32.18),
        ('svg/bg_rect.svg', {}, 10),
        ('svg/bg_big.svg', {}, 10),
        ('svg/hid_vis.svg', {}, 10),
        ('svg/hid_opacity.svg', {}, 10),
        ('svg/hid_nostroke.svg', {}, 10),
        ('svg/tf_css.svg', {}, 40),
        ('svg/doctype.svg', {}, 10),
        ('geojson/slabs.json', {'snap': 0.01}, 40),
        ('geojson/slabs_closed.json', {}, 40),
        ('geojson/lonlat.json', {'degrees': True}, 24.24),
        ('geojson/swiss.json', {}, 23),
        ('geojson/neg.json', {}, 24),
        ('geojson/mm.json', {'scale': 1000}, 24),
        ('geojson/dup.json', {}, 24),
        ('geojson/door.json', {}, 32),
        ('other/house-expo.json', {}, 20),
        pytest.param('other/l.dxf', {}, 35.22, marks=needs_ezdxf),
        ('wad/blockplayers.wad', {}, 64),
        ('wad/bin_mbf21_blockplayers.wad', {}, 64),
        ('wad/n_E1M10.wad', {}, 128),
    ],
)
def test_the_area_that_is_meant(name, options, area):
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        assert read(name, **options)[0].area == pytest.approx(area, abs=0.01)


@pytest.mark.parametrize(
    'name, area, warned',
    [
        ('svg/block.svg', 64, r'64 m² around \(500, 500\); left out: 36 m² around \(50, 500\)'),
        ('occupancy/g0.25.yaml', 66.56, 'unknown cells count as free, 83% of all: 205 is less than 0.25 occupied'),
        ('occupancy/g0.25.yaml', 66.56, r'66.56 m² around .*; left out: 12 m² around \(4.45, 4.05\). inside=\(x, y\)'),
        ('geojson/spawnout.json', 24, 'none of the 1 starting places lies in a face that walls enclose'),
    ],
)
def test_what_is_doubtful_is_said(name, area, warned):
    with pytest.warns(UserWarning, match=warned) as caught:
        assert read(name)[0].area == pytest.approx(area, rel=1e-3)
    assert {Path(one.filename) for one in caught} == {Path(__file__)}
    assert all(str(one.message).startswith(str(FILES / name)) for one in caught)


@pytest.mark.parametrize(
    'name, message',
    [
        ('geojson/slabs.json', r'stays open: at \(1.4, 6.3975\) there is a gap of 5 mm, .* 40 m² .*snap=0.0055 does'),
        ('geojson/lonlat.json', 'If the coordinates are degrees of longitude and latitude, degrees=True reads them'),
        ('geojson/mm.json', 'got 6000 m by 4000 m. If the coordinates are millimetres, scale=1000 reads them'),
    ],
)
def test_what_is_likely_wrong_is_said(name, message):
    with pytest.raises(ValueError, match=f'{FILES / name}: .*{message}'):
        read(name)


@pytest.mark.parametrize('name, importer', [('house-expo.json', 'houseexpo'), ('imdf.geojson', 'imdf')])
def test_another_importer_is_named(name, importer):
    with pytest.raises(ValueError, match=f'MapSet.from_{importer} reads such a file'):
        MapSet.from_geojson(FILES / 'other' / name)


@pytest.mark.parametrize(
    'name, shift', [('occupancy/TenByTen.yaml', [1, 1]), ('geojson/swiss.json', [-2683000, -1247000])]
)
def test_the_shift_is_what_is_added_to_the_files_coordinates(name, shift):
    assert read(name).recipe['notes'][0]['shift'] == pytest.approx(shift)


def test_a_door_is_kept_where_it_is():
    maps = read('geojson/door.json')
    np.testing.assert_allclose(maps[0].doors, [[[5, 2], [5, 3]]])
    assert len(maps[0].rooms) == 2
    assert maps.recipe['notes'][0]['unreachable'] == 0


def test_a_start_that_is_outside_is_noted():
    with pytest.warns(UserWarning, match='none of the 1'):
        maps = read('geojson/spawnout.json')
    assert maps.recipe['notes'][0]['starts_outside'] == [[20, 20]]
