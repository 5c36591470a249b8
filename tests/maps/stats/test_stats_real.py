"""How near maps are to real apartments, and what `megastep stats` says of it."""

import numpy as np
import pytest
from apartments import APARTMENTS, DATA
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats as scipy_stats

from benchmarks import apartments as figures
from megastep import MapSet, mapgen, plotting
from megastep.cli import main
from megastep.maps.stats import apartments
from megastep.maps.stats.table import STATISTICS

REAL, FLOORS = APARTMENTS, DATA / 'real-floorplan-statistics.json'

NEAR = ('rooms', 'doors', 'opening_width', 'room_area', 'aspect', 'rectangularity', 'mean_degree', 'diameter', 'loops')
"""Statistics that houses share with the floors, but for noise; the area and the visible share with both references."""


@pytest.fixture(scope='module')
def houses():
    return mapgen.generate('house', 250, seed=21)


@pytest.fixture
def files(houses, tmp_path):
    paths = [tmp_path / 'houses.safetensors', tmp_path / 'boxes.safetensors']
    houses[:5].save(paths[0])
    mapgen.generate('box', 3).save(paths[1])
    return paths


class TestDistance:
    @settings(deadline=None, max_examples=50)
    @given(
        st.lists(st.floats(-5, 5, allow_subnormal=False), min_size=1, max_size=30),
        st.lists(st.floats(-5, 5, allow_subnormal=False), min_size=1, max_size=30, unique=True),
    )
    def test_to_a_sample_known_in_full(self, one, other):
        points = [(value, (i + 1) / len(other)) for i, value in enumerate(sorted(other))]
        expected = scipy_stats.ks_2samp(one, other).statistic
        assert apartments.kolmogorov_smirnov(np.array(one), points) <= expected + 1e-9

    def test_of_quantiles_to_themselves_is_nothing(self):
        sample = np.random.default_rng(0).normal(size=4001)
        shares = np.arange(1, 20) / 20
        points = list(zip(np.quantile(sample, shares).tolist(), shares.tolist(), strict=True))
        assert apartments.kolmogorov_smirnov(sample, points) < 1e-3
        assert apartments.kolmogorov_smirnov(sample + 9, points) == pytest.approx(0.95)

    def test_to_steps(self):
        """Three quarters are 0 and the others 1: quantiles on a step say how much lies up to it, and below it."""
        points = [(0.0, 0.25), (0.0, 0.5), (1.0, 0.9)]
        assert apartments.kolmogorov_smirnov(np.array([0, 0, 0, 1]), points) == 0
        assert apartments.kolmogorov_smirnov(np.array([0, 1, 1, 1]), points) == pytest.approx(0.25)
        assert apartments.kolmogorov_smirnov(np.array([0, 0, 0, 2, 2, 2]), points) == pytest.approx(0.4)


class TestHouses:
    def test_are_like_real_homes(self, houses):
        """The documentation has the figures of 10,000 houses, all below 0.15; a few hundred are noisier."""
        found = apartments.distances(houses, houses.stats(*NEAR, 'area', 'visible'))
        assert max(found[name].floors for name in NEAR) < 0.18
        assert max(*found['area'], *found['visible']) < 0.18

    def test_are_unlike_boxes(self):
        boxes = mapgen.generate('box', 20)
        found = apartments.distances(boxes, boxes.stats('area', 'visible', 'opening_width', 'lights'))
        assert found['visible'].apartments > 0.9
        assert np.isnan(found['opening_width']).all()
        assert set(found) == {'area', 'visible', 'opening_width'}

    def test_rooms_are_measured_up_to_the_middle_of_walls(self):
        boxes = mapgen.generate('box', 2, width=4, height=3)
        measured = apartments.as_floors(boxes, boxes.stats('rooms'))
        np.testing.assert_allclose(measured['room_area'], 4.12 * 3.12)
        np.testing.assert_allclose(measured['area'], 4.12 * 3.12)
        np.testing.assert_allclose(measured['aspect'], 4.12 / 3.12)


@pytest.mark.skipif(not REAL.exists(), reason='the annotated apartments are not on this machine')
class TestFigures:
    def test_ship_as_they_are_measured(self):
        reference = apartments.reference()
        maps = MapSet.from_geojson(REAL)
        measured = maps.stats('walls', 'area', 'visible', workers=2)
        for name, values in measured.items():
            known, shares = np.array(reference.apartments[name]).T
            np.testing.assert_allclose(np.quantile(values, shares), known, atol=1e-3)
        assert max(each.apartments for each in apartments.distances(maps, measured).values()) < 0.05

    def test_of_floors_are_those_of_the_file(self):
        import json

        known = figures.known(json.loads(FLOORS.read_text()))['points']
        assert {name: [tuple(point) for point in points] for name, points in known.items()} == {
            name: [tuple(point) for point in points] for name, points in apartments.reference().floors.items()
        }


class TestPicture:
    def test_a_panel_a_statistic(self, houses):
        stats = houses[:9].stats('rooms', 'area', 'symmetry_hash')
        figure = plotting.distributions({'some': stats, 'the same': stats}, {'area': [(20.0, 0.1), (60.0, 0.9)]})
        titles = [axes.get_title(loc='left') for axes in figure.axes]
        assert titles == ['rooms', 'area']
        assert [len(axes.lines) for axes in figure.axes] == [2, 3]
        np.testing.assert_allclose(np.sort(figure.axes[1].lines[0].get_xdata())[1:], np.sort(stats['area']))

    def test_leaves_out_what_nobody_has(self):
        stats = mapgen.generate('box', 2).stats('opening_width', 'area')
        assert [axes.get_title(loc='left') for axes in plotting.distributions({'boxes': stats}).axes] == ['area']

    @pytest.mark.parametrize(
        'sets, columns, message',
        [
            ({}, 3, 'sets must have a statistic to draw, got 0 sets without any'),
            ({'a': {'loops': np.array([np.nan])}}, 3, 'sets must have a statistic to draw, got 1 sets without any'),
            ({'a': {'rooms': np.array([1])}}, 0, 'columns must be an integer of at least 1, got 0'),
        ],
    )
    def test_rejects_nothing(self, sets, columns, message):
        with pytest.raises(ValueError, match=message):
            plotting.distributions(sets, columns=columns)


class TestCommand:
    def test_prints_a_table_and_draws(self, files, tmp_path, capsys, monkeypatch):
        monkeypatch.setenv('COLUMNS', '200')
        out = tmp_path / 'stats.png'
        assert main(['stats', *map(str, files), '--out', str(out)]) == 0
        assert out.read_bytes().startswith(b'\x89PNG')
        text = capsys.readouterr().out
        assert all(name.replace('_', ' ') in text for name in STATISTICS)
        assert 'houses.safetensors' in text and '5 maps' in text and 'boxes.safetensors' in text
        assert '25 (25 to 25)' in text  # the boxes' area
        assert '5 different' in text

    @pytest.mark.parametrize('width, tables', [(115, 2), (116, 1)])
    def test_puts_as_many_sets_side_by_side_as_fit(self, files, tmp_path, capsys, monkeypatch, width, tables):
        monkeypatch.setenv('COLUMNS', str(width))
        monkeypatch.chdir(tmp_path)
        assert main(['stats', *map(str, files)]) == 0
        lines = capsys.readouterr().out.splitlines()
        for name in STATISTICS:
            assert sum(line.split('  ')[0].strip() == name.replace('_', ' ') for line in lines) == tables
        assert max(map(len, lines)) <= width

    def test_writes_names_as_they_are_and_whole(self, tmp_path, capsys, monkeypatch):
        """No part of a file's name is a style or a formula, and narrow terminals break words instead of cutting."""
        monkeypatch.setenv('COLUMNS', '40')
        monkeypatch.chdir(tmp_path)
        name = r'a[bold]$\foo$[red].safetensors'
        mapgen.generate('box', 1).save(name)
        assert main(['stats', name]) == 0
        text = capsys.readouterr().out
        head = [line[12:24] for line in text.splitlines()[:6]]
        assert name in ''.join(''.join(head).split()) and '…' not in text

    @pytest.mark.parametrize(
        'arguments, message',
        [
            ([], 'stats needs at least 1 file of maps, got 0'),
            (['none.safetensors', '--out', 'x.txt'], 'out must end in .png or .svg, got x.txt'),
            (['none.safetensors'], 'none.safetensors'),
            (['boxes', '--workers', '0'], 'workers must be an integer of at least 1, got 0'),
        ],
    )
    def test_bad_input(self, files, arguments, message, capsys, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        arguments = [str(files[1]) if argument == 'boxes' else argument for argument in arguments]
        assert main(['stats', *arguments]) == 2
        assert message in capsys.readouterr().err
