"""The benchmarks run, and their reports have the form that is promised. How fast anything is, no test says."""

import json
import signal
import subprocess
import sys
import warnings
from importlib import metadata
from pathlib import Path

import numba
import numpy as np
import pytest
import torch
import worlds
from gymnasium.spaces import Box, Discrete
from PIL import Image

from megastep import Scenery
from megastep.learning import Policy, Settings
from megastep.learning.learner import Learner

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def from_the_root(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT))


@pytest.mark.parametrize(
    'subject, columns',
    [
        ('envs', {'env', 'envs', 'walls', 'rays', 'steps/s', 'render/s', 'physics/s'}),
        ('render', {'sweep', 'maps', 'envs', 'agents', 'walls', 'rays', 'render/s'}),
        ('physics', {'sweep', 'maps', 'envs', 'agents', 'walls', 'physics/s'}),
        ('step', {'env', 'envs', 'walls', 'rays', 'steps/s', 'uncopied/s', 'eager/s'}),
        ('geodesics', {'maps', 'count', 'walls', 'spawns', 'ms a map', 'slowest, ms', 'kB a map'}),
        ('mapgen', {'family', 'parameters', 'maps', 'workers', 'walls', 'seconds', 'maps/s a core'}),
    ],
)
def test_prints_a_table_and_writes_it(tmp_path, capsys, subject, columns):
    from benchmarks.__main__ import main

    device = 'cpu' if subject == 'geodesics' else None  # a GPU packs many maps at once, in which none is the slowest
    main(subject, device=device, out=tmp_path / 'new' / 'report.json', commit='abc', quick=True)
    report = json.loads((tmp_path / 'new' / 'report.json').read_text())
    assert set(report) == {'subject', 'device', 'rows', 'commit', 'date', 'versions'}
    assert (report['subject'], report['commit']) == (subject, 'abc')
    assert report['versions']['torch'] == metadata.version('torch')
    assert len(report['rows']) == 2
    for row in report['rows']:
        assert set(row) == columns
        assert all(value > 0 for value in row.values() if not isinstance(value, str))
    text = capsys.readouterr().out
    assert all(name in text for name in columns)
    assert f'Written to {tmp_path}' in text.replace('\n', '')


@pytest.mark.gpu
def test_geodesic_fields_are_timed_on_a_gpu(tmp_path):
    from benchmarks.__main__ import main

    main('geodesics', device='cuda', out=tmp_path / 'report.json', commit='abc', quick=True)
    rows = json.loads((tmp_path / 'report.json').read_text())['rows']
    assert [set(row) for row in rows] == [{'maps', 'count', 'walls', 'spawns', 'maps/s', 'ms a map', 'kB a map'}] * 2


def test_evaluations_are_timed_for_agents_that_fail_and_one_that_does_not(tmp_path, capsys):
    from benchmarks.__main__ import main

    with warnings.catch_warnings():
        warnings.simplefilter('ignore')  # a house has no long paths
        main('evaluation', device='cpu', out=tmp_path / 'report.json', commit='abc', quick=True)
    rows = json.loads((tmp_path / 'report.json').read_text())['rows']
    assert [row['agent'] for row in rows] == ['random', 'LSTM of 8', 'LSTM of 8, and oracle']
    assert rows[-1]['success'] == 1
    assert all(row['seconds'] > 0 and 0 < row['steps used'] < 1 for row in rows)


def test_recordings_are_timed_beside_a_plain_copy(tmp_path):
    from benchmarks.__main__ import main

    threads = torch.get_num_threads(), numba.get_num_threads()
    main('recording', device='cpu', out=tmp_path / 'report.json', commit='abc', quick=True)
    rows = json.loads((tmp_path / 'report.json').read_text())['rows']
    assert [(row['task'], row['recorded']) for row in rows] == [('Explorer', 1)]
    step = 1e3 * rows[0]['ms a step']
    assert all(abs(row[f'us to {what}']) < 100 * step for row in rows for what in ('record', 'copy'))  # of few steps
    assert (torch.get_num_threads(), numba.get_num_threads()) == threads


def test_rewards_of_games_are_counted_of_random_agents_and_of_one_who_knows(tmp_path):
    from benchmarks import rewarded

    rewarded.main(device='cpu', out=tmp_path / 'report.json', commit='abc', quick=True)
    (row,) = json.loads((tmp_path / 'report.json').read_text())['rows']
    assert row['game'] == 'the defaults' and 0 <= row['in view'] <= 1
    for each in ('random', 'Gunner'):
        assert all(0 <= row[f'{each}: {what}'] <= 1000 for what in ('pays', 'costs', 'kills'))


def test_learning_says_what_its_time_goes_into(tmp_path):
    from benchmarks.__main__ import main

    main('learning', out=tmp_path / 'report.json', commit='abc', quick=True)
    (row,) = json.loads((tmp_path / 'report.json').read_text())['rows']
    assert row['steps/s'] > 0 and row['FLOP/s'] > 0
    parts = sum(row[f'{part} ms'] for part in ('env', 'policy', 'update', 'rest'))
    assert parts == pytest.approx(1e3 * row['horizon'] * row['envs'] / row['steps/s'])


def test_operations_are_those_of_matrix_products():
    """Of the intake's two layers, the LSTM's two of four gates each, the one behind it, and the two outputs."""
    from benchmarks.speed.learning import operations_a_step

    width, features, actions = 8, 5, 3
    policy = Policy(Box(0, 1, (features,)), Discrete(actions), width)
    products = features * width + 2 * width * width + 2 * width * 4 * width + (actions + 1) * width
    learnt = operations_a_step(policy, Settings(horizon=4, epochs=2, width=width))
    assert learnt == pytest.approx(2 * products * (1 + 2 * 3), rel=0.05)  # nothing goes back to what was observed


@pytest.mark.parametrize('task', ['pointgoal', 'explorer', 'deathmatch', 'racing'])
def test_what_is_learnt_is_tested_in_other_maps(task, tmp_path):
    from benchmarks.learnt import main

    how = {'out': tmp_path, 'report': tmp_path / 'report.json', 'commit': 'abc', 'device': 'cpu', 'quick': True}
    main(task, seeds=(3,), options=('time_limit=2.0',), **how)
    rows = json.loads((tmp_path / 'report.json').read_text())['rows']
    assert [row['steps'] for row in rows] == [0, 256]
    assert all(row['seed'] == 3 and row['task'] == task and row['holds'] in (True, False) for row in rows)
    assert [point['steps'] for point in rows[-1]['curve']] == [64, 128, 192, 256]
    assert all('value_loss' in point for point in rows[-1]['curve'])


def test_what_is_learnt_is_not_told_of_training_that_was_ended(tmp_path, monkeypatch):
    from benchmarks.learnt import main

    update = Learner.update
    monkeypatch.setattr(Learner, 'update', lambda learner: signal.raise_signal(signal.SIGTERM) or update(learner))
    with pytest.raises(SystemExit, match='143'):
        main('explorer', out=tmp_path, report=tmp_path / 'report.json', commit='abc', device='cpu', quick=True)
    assert not (tmp_path / 'report.json').exists()


def test_there_is_no_ratio_to_nothing():
    from benchmarks.learnt import _ratio

    assert (_ratio(3.0, 1.5), _ratio(3.0, 0.0)) == (2, None)


def test_what_other_seeds_learnt_stays_if_it_is_of_the_same_commit(tmp_path):
    from benchmarks.learnt import main

    path = tmp_path / 'report.json'
    runs = [(0, 'abc', ()), (1, 'abc', ()), (0, 'abc', ()), (2, 'def', ()), (3, 'def', ('gamma=.9',))]
    for number, (seed, commit, settings) in enumerate(runs):
        how = {'out': tmp_path / str(number), 'report': path, 'device': 'cpu', 'quick': True}
        how |= {'options': ('time_limit=1.0', 'patience=0.5')}
        main('explorer', seeds=(seed,), commit=commit, settings=settings, **how)
        seeds = [row['seed'] for row in json.loads(path.read_text())['rows']]
        assert seeds == [[0, 0], [0, 0, 1, 1], [1, 1, 0, 0], [2, 2], [3, 3]][number]


def test_scaling_has_a_table_for_each_sweep(tmp_path, capsys):
    from benchmarks.__main__ import main

    main('scaling', out=tmp_path / 'report.json', commit='abc', quick=True)
    rows = json.loads((tmp_path / 'report.json').read_text())['rows']
    packed = {'bytes', 'seconds to pack', 'bytes seen', 'seconds to see'}
    packed |= {'bytes lit', 'seconds to light', 'peak bytes'} if torch.cuda.is_available() else set()
    columns = {
        'envs': {'env', 'envs', 'walls', 'rays', 'steps/s'},
        'walls': {'envs', 'agents', 'walls', 'rays', 'render/s', 'physics/s'},
        'maps': {'env', 'maps', 'envs', 'walls', 'rays', 'steps/s'} | packed,
    }
    for row in rows:
        assert set(row) == {'sweep'} | columns[row['sweep']]
        assert all(value > 0 for value in row.values() if not isinstance(value, str))
    assert [row['envs'] for row in rows if row['sweep'] == 'envs'] == [1, 2, 1, 2]
    assert [row['walls'] for row in rows if row['sweep'] == 'walls'] == [10, 24]
    packed = [row for row in rows if row['sweep'] == 'maps']
    assert [row['maps'] for row in packed] == [1, 3]
    for row in packed:
        assert row['bytes'] <= row['bytes seen']
        assert row['seconds to pack'] < row['seconds to see']
    assert capsys.readouterr().out.count('sweep') == 3


def test_is_a_command():
    done = subprocess.run([sys.executable, '-m', 'benchmarks', '--help'], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0
    assert 'usage: python -m benchmarks' in done.stdout


def test_houses_measured_have_about_165_walls():
    from benchmarks.speed.worlds import houses

    widths = houses(20).walls.widths
    assert 150 <= sorted(widths)[10] <= 180


def test_pointgoal_is_measured_in_the_same_houses():
    from benchmarks.speed.cases import Case
    from benchmarks.speed.worlds import houses

    env = Case('PointGoal', 2, 2).make(torch.device('cpu'))
    assert torch.equal(env.core.scenery.walls.widths, torch.from_numpy(houses(2).walls.widths))


def test_houses_of_ones_own_are_the_same_again_in_memory_of_their_own(monkeypatch):
    from benchmarks.speed import worlds

    monkeypatch.setattr(worlds, 'DIFFERENT', 2)
    maps, some = worlds.own_houses(5), worlds.houses(2)
    assert len(maps) == 5
    assert len(maps.walls.vals) == sum(len(some[number].walls) for number in (0, 1, 0, 1, 0))
    np.testing.assert_array_equal(maps[3].walls, some[1].walls)


def test_grids_measured_have_about_1000_walls_and_are_one_room():
    from benchmarks.speed.worlds import grids

    maps = grids(2)
    assert all(950 <= width <= 1050 for width in maps.walls.widths)
    for geometry in (maps[0], maps[1]):
        assert geometry.area == pytest.approx(11 * 12 * 9)


@pytest.mark.parametrize(
    'value, expected',
    [
        (0.5, '0.5'),
        (12.34, '12.3'),
        (999.4, '999'),
        (12_345.0, '12.3 k'),
        (2.5e7, '25 M'),
        (1.11e9, '1.11 G'),
        (7.1e11, '710 G'),
        (2e12, '2 T'),
        (16384, '16,384'),
        ('a', 'a'),
    ],
)
def test_figures_are_written_for_people(value, expected):
    from benchmarks.report import written

    assert written(value) == expected


def test_rows_of_other_sweeps_may_have_other_columns():
    from benchmarks.report import Report

    rows = [{'sweep': 'envs', 'envs': 1}, {'sweep': 'maps', 'maps': 1, 'bytes': 2.0}, {'sweep': 'envs', 'envs': 2}]
    tables = Report('scaling', 'a device', rows, 'abc', versions={}).tables()
    assert [[column.header for column in table.columns] for table in tables] == [
        ['sweep', 'envs'],
        ['sweep', 'maps', 'bytes'],
    ]
    assert [table.row_count for table in tables] == [2, 1]


def test_default_path_names_subject_device_and_date():
    from benchmarks.report import RESULTS, Report

    report = Report('envs', 'NVIDIA H200 (TM)', [], 'abc', date='2026-01-02T03:04:05+00:00', versions={})
    assert report.default_path == RESULTS / 'envs-nvidia-h200-tm-2026-01-02.json'


def test_commit_is_unknown_outside_git(monkeypatch, tmp_path):
    from benchmarks import report

    monkeypatch.setattr(report, 'FOLDER', tmp_path)
    assert report.current_commit() == 'unknown'


def test_time_is_the_median_of_the_rounds(monkeypatch):
    from benchmarks.speed import timing

    rounds = iter([9.0, 0.001, 5.0, 1.0, 3.0])  # the warm-up, the estimate, and three rounds
    asked = []

    def fake_round(call, device, calls):
        asked.append(calls)
        return next(rounds)

    monkeypatch.setattr(timing, '_round', fake_round)
    assert timing.seconds_a_call(lambda: None, torch.device('cpu'), rounds=3, round_seconds=0.5) == 3.0
    assert asked == [1, 3, 500, 500, 500]


@pytest.mark.parametrize('type_, most, quoted', [('cuda', 65_536, 9), ('cpu', 4096, 4)])
def test_the_renderer_is_measured_over_rays_agents_and_envs(type_, most, quoted):
    from benchmarks.speed import kernels

    found = {}
    for case in kernels.cases('render', torch.device(type_), quick=False):
        found.setdefault(case.sweep, []).append(case)
    assert len(found['record']) == quoted
    assert [case.cameras.num_rays for case in found['rays']] == 2 * [64, 128, 256, 512, 1024]
    assert [case.maps for case in found['rays']] == 5 * ['houses'] + 5 * ['grids']
    assert [case.num_agents for case in found['agents']] == [1, 2, 4, 8]
    assert [case.num_envs for case in found['envs']] == [most // 256, most // 64, most // 16, most // 4, most]
    assert {case.sweep for case in kernels.cases('physics', torch.device(type_), quick=False)} == set(found) - {'rays'}


def test_buffers_that_are_views_of_others_are_counted_once():
    from benchmarks.speed.scaling import num_bytes

    scenery = Scenery.pack([worlds.box()], device='cpu')
    before = num_bytes(scenery)
    assert before > sum(part.nbytes for part in (scenery.surface.vals, scenery.walls.vals, scenery.wall_boxes.walls))
    assert scenery.light.numel() == scenery.albedo.vals.shape[0] > 200
    assert num_bytes(scenery) - before < 100  # where rows begin, which had not been asked for


def report(subject, device, date, rows, commit='abc'):
    return {'subject': subject, 'device': device, 'rows': rows, 'commit': commit, 'date': f'{date}T00:00:00+00:00'}


@pytest.fixture
def results(tmp_path):
    """Two devices' reports, one of them measured twice."""
    cpu, gpu = 'A Processor, 2 cores', 'NVIDIA H200'
    rows = {n: [{'sweep': 'envs', 'envs': e, 'render/s': n * e} for e in (16, 1)] for n in (1e4, 2e4, 3e7)}
    steps = [{'sweep': 'envs', 'env': name, 'envs': 4, 'steps/s': 1e5} for name in ('Minimal', 'Explorer')]
    quoted = [{'sweep': 'record', 'envs': 7, 'render/s': 1.0}]
    for number, each in enumerate([
        report('render', cpu, '2026-02-02', rows[2e4] + quoted),
        report('render', cpu, '2026-01-01', rows[1e4]),
        report('render', gpu, '2026-01-01', rows[3e7], commit='def'),
        report('scaling', cpu, '2026-01-01', steps),
    ]):  # fmt: skip
        (tmp_path / f'{each["subject"]}-{number}.json').write_text(json.dumps(each))
    return tmp_path


def test_curves_join_the_newest_points_of_each_device(results):
    from benchmarks import curves

    reports, envs = curves.newest(results), next(s for s in curves.SKETCHES if s.sweep == 'envs')
    steps, frames, moves = (curves.lines(reports, envs, panel) for panel in envs.panels)
    assert [(line.label, line.points) for line in frames] == [
        ('2 CPU cores', [(1, 2e4), (16, 32e4)]),
        ('H200', [(1, 3e7), (16, 48e7)]),
    ]
    assert [line.label for line in steps] == ['Minimal, 2 CPU cores', 'Explorer, 2 CPU cores']
    assert steps[0].style != steps[1].style
    assert frames[0].colour != frames[1].colour
    assert moves == []
    days = 'A Processor, 2 cores: abc of 2026-01-01, abc of 2026-02-02\nNVIDIA H200: def of 2026-01-01'
    assert curves.sources(reports) == days


def test_curves_are_drawn_where_there_is_something_to_draw(results, tmp_path, capsys):
    from benchmarks import curves

    curves.main(results=results, images=tmp_path / 'images')
    assert [path.name for path in (tmp_path / 'images').iterdir()] == ['envs.png']
    drawn, missing = capsys.readouterr().out.splitlines()
    assert drawn == f'Drawn: {tmp_path / "images" / "envs.png"}'
    assert missing == 'Not drawn, since nobody measured it: agents, maps, rays, walls'
    with Image.open(tmp_path / 'images' / 'envs.png') as picture:
        assert picture.width > picture.height  # two panels side by side
        assert len(picture.convert('RGB').getcolors(1 << 24)) > 10


def test_curves_need_reports(tmp_path):
    from benchmarks import curves

    old = report('render', 'a device', '2026-01-01', [{'envs': 1, 'render/s': 1.0}])
    (tmp_path / 'render-old.json').write_text(json.dumps(old))
    with pytest.raises(ValueError, match='must hold a report with sweeps on render, physics, scaling; it holds none'):
        curves.newest(tmp_path)


def test_ticks_are_powers_of_ten_or_finer():
    from benchmarks import curves

    assert curves.ticks(30, 2e4) == [100, 1000, 10_000]
    assert curves.ticks(0.04, 1) == [0.05, 0.1, 0.2, 0.5, 1]


def test_what_is_learnt_is_drawn_from_the_newest_reports(tmp_path, capsys):
    from benchmarks import learnt_curves

    training = [{'steps': 50, 'success': 0.2, 'spl': None}, {'steps': 100, 'success': 0.8, 'spl': 0.5}]
    rows = [
        {'seed': 0, 'steps': 0, 'success': 0.1, 'spl': 0.1},
        {'seed': 0, 'steps': 100, 'success': 0.7, 'spl': 0.6, 'curve': training},
    ]
    days = ('2026-02-02', '2026-01-01')
    for number, day in enumerate(days):
        written = report('learnt-pointgoal', 'a device', day, rows)
        (tmp_path / f'learnt-pointgoal-{number}.json').write_text(json.dumps(written))
    found = learnt_curves.newest(tmp_path)
    assert [(task, each['date'][:10]) for task, each in found.items()] == [('pointgoal', '2026-02-02')]
    (axes,) = learnt_curves.draw(found).axes
    tests, training = axes.lines[:2]
    assert tests.get_xydata().tolist() == [[0, 0.1], [1e-4, 0.7]] and tests.get_linestyle() == 'None'
    assert training.get_xydata().tolist() == [[5e-5, 0.2], [1e-4, 0.8]]
    learnt_curves.main(results=tmp_path, images=tmp_path / 'images')
    assert capsys.readouterr().out == f'Drawn: {tmp_path / "images" / "learnt.png"}\n'


def test_kills_a_death_are_drawn_where_somebody_has_died():
    from benchmarks import learnt_curves

    duels, fours = learnt_curves.PANELS['deathmatch'].scores
    curve = [{'kills': None, 'deaths': None}, {'kills': 0.0, 'deaths': 0.0}, {'kills': 3.0, 'deaths': 1.5}]
    assert np.array_equal(duels.trained(curve), [np.nan, np.nan, 2], equal_nan=True)
    assert not fours.training  # among four only tests are


def test_what_is_learnt_needs_reports(tmp_path):
    from benchmarks import learnt_curves

    with pytest.raises(ValueError, match='must hold a report on what was learnt; it holds none'):
        learnt_curves.newest(tmp_path)
