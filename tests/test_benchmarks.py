"""The benchmarks run, and their reports have the form that is promised. How fast anything is, no test says."""

import json
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest
import torch

ROOT = Path(__file__).parents[1]


@pytest.fixture(autouse=True)
def from_the_root(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT))


@pytest.mark.parametrize(
    'subject, columns',
    [
        ('envs', {'env', 'envs', 'walls', 'rays', 'steps/s', 'render/s', 'physics/s'}),
        ('render', {'maps', 'envs', 'agents', 'walls', 'rays', 'render/s'}),
        ('physics', {'maps', 'envs', 'agents', 'walls', 'physics/s'}),
        ('step', {'env', 'envs', 'walls', 'rays', 'steps/s', 'uncopied/s', 'eager/s'}),
        ('mapgen', {'family', 'parameters', 'maps', 'workers', 'walls', 'seconds', 'maps/s a core'}),
    ],
)
def test_prints_a_table_and_writes_it(tmp_path, capsys, subject, columns):
    from benchmarks.__main__ import main

    main(subject, out=tmp_path / 'new' / 'report.json', commit='abc', quick=True)
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


def test_is_a_command():
    done = subprocess.run([sys.executable, '-m', 'benchmarks', '--help'], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0
    assert 'usage: python -m benchmarks' in done.stdout


def test_houses_measured_have_about_165_walls():
    from benchmarks.worlds import houses

    widths = houses(20).walls.widths
    assert 150 <= sorted(widths)[10] <= 180


def test_grids_measured_have_about_1000_walls_and_are_one_room():
    from benchmarks.worlds import grids

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
        (16384, '16,384'),
        ('a', 'a'),
    ],
)
def test_figures_are_written_for_people(value, expected):
    from benchmarks.report import written

    assert written(value) == expected


def test_default_path_names_subject_device_and_date():
    from benchmarks.report import RESULTS, Report

    report = Report('envs', 'NVIDIA H200 (TM)', [], 'abc', date='2026-01-02T03:04:05+00:00', versions={})
    assert report.default_path == RESULTS / 'envs-nvidia-h200-tm-2026-01-02.json'


def test_commit_is_unknown_outside_git(monkeypatch, tmp_path):
    from benchmarks import report

    monkeypatch.setattr(report, 'FOLDER', tmp_path)
    assert report.current_commit() == 'unknown'


def test_time_is_the_median_of_the_rounds(monkeypatch):
    from benchmarks import timing

    rounds = iter([9.0, 0.001, 5.0, 1.0, 3.0])  # the warm-up, the estimate, and three rounds
    asked = []

    def fake_round(call, device, calls):
        asked.append(calls)
        return next(rounds)

    monkeypatch.setattr(timing, '_round', fake_round)
    assert timing.seconds_a_call(lambda: None, torch.device('cpu'), rounds=3, round_seconds=0.5) == 3.0
    assert asked == [1, 3, 500, 500, 500]
