"""`megastep evaluate` and `megastep suite`: what they make, what they print, and how they take bad input."""

import shutil
from dataclasses import replace

import numpy as np
import pytest
from trainings import TINY, train
from worlds import houses

from megastep.cli import main
from megastep.cli.evaluate import variations_by_name
from megastep.evaluation import Results, Suite
from megastep.evaluation.variations import VARIATIONS


@pytest.fixture
def maps(tmp_path):
    for name, chosen in {'near': houses(2), 'far': houses(3)[2:]}.items():
        chosen.save(tmp_path / f'{name}.safetensors')
    return [str(tmp_path / f'{name}.safetensors') for name in ('near', 'far')]


@pytest.fixture(scope='module')
def run(tmp_path_factory):
    out = tmp_path_factory.mktemp('runs') / 'trained'
    train(out, 1)
    return out


@pytest.fixture
def suite(tmp_path, maps, capsys):
    folder = tmp_path / 'suite'
    assert main(['suite', str(folder), *maps, '--task', 'minimal', '--per-map', '2']) == 0
    assert 'near: 4 episodes in 2 maps' in capsys.readouterr().out
    return str(folder)


def test_draws_a_suite_and_says_what_is_in_it(tmp_path, suite, capsys):
    found = Suite.load(suite)
    assert {name: len(episodes) for name, episodes in found.items()} == {'near': 4, 'far': 2}
    assert main(['suite', suite]) == 0
    out = capsys.readouterr().out
    assert found.sha256 in out
    assert 'far: 2 episodes in 1 map' in out


def test_a_suite_is_written_over_if_that_is_asked_for(suite, maps, capsys):
    before, command = Suite.load(suite).sha256, ['suite', suite, *maps, '--task', 'minimal', '--per-map', '1']
    assert main(command) == 2
    assert f'{suite} holds a suite already: say --overwrite to have another in its place.' in capsys.readouterr().err
    assert Suite.load(suite).sha256 == before
    assert main([*command, '--overwrite']) == 0
    assert {name: len(episodes) for name, episodes in Suite.load(suite).items()} == {'near': 2, 'far': 1}


def test_warnings_are_lines_without_the_place_in_the_code(tmp_path, maps, capsys):
    assert main(['suite', str(tmp_path / 'suite'), *maps, '--task', 'pointgoal', '--per-map', '2']) == 0
    error = capsys.readouterr().err
    assert 'megastep: no map has shortest paths of ' in error
    assert 'Warning' not in error and '.py' not in error


def test_evaluates_runs_and_baselines_and_writes_a_report(tmp_path, run, suite, capsys):
    again = tmp_path / 'again'
    shutil.copytree(run, again)
    out = tmp_path / 'report'
    names = [f'ours={run}', f'theirs={again}', '--baselines', 'random']
    assert main(['evaluate', *names, '--suite', suite, '--out', str(out), '--device', 'cpu']) == 0
    said = capsys.readouterr().out
    assert f'The report is {out}/index.html.' in said
    assert all(f'{name} ' in said for name in ('ours', 'theirs', 'random'))
    found = Results.load(next(out.glob('results.*')))
    assert len(found) == 3 * 6
    assert found.suite_sha256 == Suite.load(suite).sha256
    ours, theirs = (found.select(agent=name).table['return'] for name in ('ours', 'theirs'))
    assert np.array_equal(ours, theirs)


def test_runs_that_differ_in_nothing_but_the_seed_are_one_agent(tmp_path, run, suite, capsys):
    other = tmp_path / 'other'
    train(other, 1, seed=5)
    out = tmp_path / 'report'
    assert main(['evaluate', str(run), str(other), '--suite', suite, '--out', str(out), '--device', 'cpu']) == 0
    found = Results.load(next(out.glob('results.*')))
    assert found.agents == ['trained']
    assert sorted(set(found.table['run'].tolist())) == [0, 1]


def test_agents_that_would_have_one_name_are_refused(tmp_path, run, suite, capsys):
    """Runs of other settings, in folders of one name, were taken for runs of one agent; a baseline for a run."""
    other, baseline = tmp_path / 'other' / run.name, shutil.copytree(run, tmp_path / 'random')
    train(other, 1, settings=replace(TINY, gamma=0.5))
    for texts, name in (
        ([str(run), str(other)], run.name),
        ([f'{run.name}={run}', str(other)], run.name),
        ([str(baseline), '--baselines', 'random'], 'random'),
    ):
        assert main(['evaluate', *texts, '--suite', suite, '--device', 'cpu']) == 2
        message = f'agents must have names of their own, got {name} twice. NAME=FOLDER gives a run another.'
        assert message in capsys.readouterr().err
    assert main(['evaluate', str(run), f'other={other}', '--suite', suite, '--device', 'cpu']) == 0


def test_another_seed_draws_other_actions_of_the_random_baseline_too(tmp_path, suite):
    returns = []
    for seed in '001':
        arguments = ['evaluate', '--baselines', 'random', '--suite', suite, '--task', 'minimal', '--seed', seed]
        assert main([*arguments, '--device', 'cpu', '--out', str(tmp_path / 'report')]) == 0
        returns.append(Results.load(next((tmp_path / 'report').glob('results.*'))).table['return'])
    assert np.array_equal(returns[0], returns[1]) and not np.allclose(returns[0], returns[2])


def test_draws_episodes_in_maps(maps, run, capsys):
    options = ['--per-map', '1', '--device', 'cpu', '--options', 'fov=90']
    assert main(['evaluate', str(run), '--maps', *maps, *options]) == 0
    assert 'near: 2 episodes in 2 maps' in capsys.readouterr().out


def test_varies_the_env(tmp_path, run, suite, capsys):
    out = tmp_path / 'report'
    options = ['--variations', 'light=0.5', 'depth_noise=0.1', '--device', 'cpu', '--out', str(out)]
    assert main(['evaluate', str(run), '--suite', suite, *options]) == 0
    assert 'by variation' in capsys.readouterr().out
    found = Results.load(next(out.glob('results.*')))
    assert set(found.table['variation']) == {'', 'light=0.5', 'depth_noise=0.1'}
    assert len(found) == 3 * 6


def test_folders_may_have_any_names(tmp_path, run, suite, capsys):
    folders = [shutil.copytree(run, tmp_path / 'runs' / name) for name in ('lr=0.1', 'a,b')]
    arguments = [str(folders[0]), f'ours={folders[1]}', '--suite', suite, '--device', 'cpu']
    assert main(['evaluate', *arguments]) == 0
    out = capsys.readouterr().out
    assert 'lr=0.1 ' in out and 'ours ' in out


@pytest.mark.parametrize('place', ['file', 'file/report'])
def test_nothing_is_played_where_no_report_can_be_written(tmp_path, suite, capsys, monkeypatch, place):
    (tmp_path / 'file').touch()
    monkeypatch.setattr('megastep.evaluation.evaluate_variations', None)
    out = tmp_path / place
    assert main(['evaluate', '--baselines', 'random', '--task', 'minimal', '--suite', suite, '--out', str(out)]) == 2
    assert f'{out} must be a folder for a report, but {tmp_path}/file is none.' in capsys.readouterr().err


def test_all_variations_have_a_name():
    assert variations_by_name(['all']) == dict(VARIATIONS)
    assert variations_by_name([]) == {}


@pytest.mark.parametrize(
    'arguments, message',
    [
        (['evaluate', '--suite', 'SUITE'], 'evaluate needs at least 1 run or baseline, got none.'),
        (['evaluate', '--baselines', 'random'], 'evaluate needs a suite or maps, and not both, got --suite None and 0'),
        (['evaluate', '--baselines', 'hans', '--suite', 'SUITE'], 'baselines must be among random, '),
        (['evaluate', 'RUN', '--suite', 'SUITE', '--variations', 'fog'], 'variations must be all or among fov=90, '),
        (
            ['evaluate', '--baselines', 'random', '--suite', 'standard'],
            'task must be said where no run does, got none.',
        ),
        (['evaluate', '--baselines', 'random', '--suite', '/none'], '/none must be the folder of a suite'),
        (
            ['evaluate', '/none', '--suite', 'SUITE'],
            'there is no folder /none, nor does an agent of that name come with megastep',
        ),
        (['evaluate', 'a=RUN', 'a=RUN', '--suite', 'SUITE'], 'agents must have names of their own, got a twice.'),
        (['evaluate', 'RUN', '--suite', 'SUITE', '--options', 'fov=wide'], "fov must be a number, got 'wide'"),
        (['evaluate', 'RUN', '--suite', 'SUITE', '--options', 'foo=1'], 'options of minimal may be'),
        (['evaluate', 'RUN', '--suite', 'SUITE', '--task', 'explorer', '--device', 'cpu'], 'observation space must be'),
        (['evaluate', '=RUN', '--suite', 'SUITE'], 'agents must have names before the =, got ='),
        (['evaluate', 'RUN', 'RUN', '--suite', 'SUITE'], 'runs of an agent must be different ones, got'),
        (['suite', 'OUT', 'MAPS'], 'suite needs --task to draw episodes in maps, got none.'),
        (['suite', 'OUT'], 'must be the folder of a suite'),
        (['suite', 'MAPS', 'MAPS', '--task', 'minimal'], 'out must be a folder, got the file'),
        (['suite', 'OUT', 'MAPS', 'MAPS', '--task', 'minimal'], 'maps must be files of different names'),
    ],
)
def test_refuses_what_it_cannot_do(tmp_path, maps, run, suite, arguments, message, capsys):
    words = {'SUITE': suite, 'RUN': str(run), 'MAPS': maps[0], 'OUT': str(tmp_path / 'out')}
    texts = [word.replace('RUN', words['RUN']) if '=RUN' in word else words.get(word, word) for word in arguments]
    assert main(texts) == 2
    assert message in capsys.readouterr().err
