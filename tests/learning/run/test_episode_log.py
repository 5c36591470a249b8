"""A run keeps its episodes, so that it can be analysed again when it has ended."""

import json
from dataclasses import replace

import numpy as np
import pytest
from trainings import TINY, boxes, train, unseen

from megastep.evaluation import evaluate_in
from megastep.learning import load, read_episodes
from megastep.learning.run import episode_log
from megastep.learning.run.episode_log import EpisodeLog
from megastep.learning.run.run_folder import Run


@pytest.fixture
def path(tmp_path):
    return tmp_path / 'episodes.bin'


def appended(path, *lengths, updates=1, names=('length', 'steps')):
    with EpisodeLog(path, names) as log:
        columns = {'map': range(len(lengths)), 'episodes': [1] * len(lengths), 'length': lengths}
        log.append('evaluation', columns, updates=updates, frames=10 * updates)


def test_rows_are_appended_and_read(path):
    appended(path, 3, 4)
    appended(path, 5, updates=2)
    found = read_episodes(path.parent)
    assert list(found) == ['set', 'updates', 'frames', 'map', 'episodes', 'length', 'steps']
    assert found['set'].tolist() == ['evaluation'] * 3
    assert found['updates'].tolist() == [1, 1, 2] and found['frames'].tolist() == [10, 10, 20]
    assert found['map'].tolist() == [0, 1, 0] and found['length'].tolist() == [3, 4, 5]
    assert np.isnan(found['steps']).all()


def test_a_row_that_was_cut_short_is_left_out_and_removed(path):
    appended(path, 3, 4)
    whole = path.read_bytes()
    path.write_bytes(whole[:-5])
    assert read_episodes(path.parent)['length'].tolist() == [3]
    episode_log.keep(path, 1)
    appended(path, 6)
    assert read_episodes(path.parent)['length'].tolist() == [3, 6]


def test_rows_of_updates_that_are_made_again_are_removed(path):
    for updates in (1, 2, 3):
        appended(path, updates, updates=updates)
    episode_log.keep(path, 2)
    assert read_episodes(path.parent)['length'].tolist() == [1, 2]


@pytest.mark.parametrize(
    'content, message',
    [
        (b'', 'is damaged: its first line must name the columns'),
        (b'\x00\xff\n', 'is damaged: its first line must name the columns'),
        (b'{"columns": ["length"]}\n', 'is damaged: its first line must name the columns'),
        (b'{"columns": [""], "episodes": "1"}\n', 'is damaged: its first line must name the columns'),
        (b'{"columns": [7], "episodes": "1"}\n', 'is damaged: its first line must name the columns'),
        (b'{"columns": ["map"], "episodes": "1"}\n', 'is damaged: its first line must name the columns'),
        (b'[' * 100_000, 'is damaged: its first line must name the columns'),
        (b'{"columns": [], "episodes": "0"}\n', 'must be of version 1, got 0'),
        (b'{"columns": [], "episodes": "1"}\n' + b'\x09' * 21, 'is damaged: a row is of no set that there is'),
    ],
)
def test_what_is_damaged_is_refused(path, content, message):
    path.write_bytes(content)
    with pytest.raises(ValueError, match=message):
        read_episodes(path.parent)


def test_other_columns_and_no_file_are_refused(path):
    with pytest.raises(ValueError, match=r'episodes.bin must have the episodes of a run, got no such file'):
        read_episodes(path.parent)
    appended(path, 1)
    with pytest.raises(ValueError, match='must have the columns a, got length, steps'):
        appended(path, 1, names=('a',))


def test_a_log_of_fewer_columns_goes_on_with_all(path):
    """As that of a run does that was begun before episodes' starts were kept."""
    appended(path, 3)
    appended(path, 4, names=('length', 'start_x', 'steps'))
    found = read_episodes(path.parent)
    assert list(found) == ['set', 'updates', 'frames', 'map', 'episodes', 'length', 'start_x', 'steps']
    assert found['length'].tolist() == [3, 4] and np.isnan(found['start_x']).all()


SETTINGS = replace(TINY, num_envs=4, horizon=32, stagger=0)


def test_a_finished_run_can_be_analysed_by_episode_and_map(tmp_path):
    """Its last evaluation is what evaluating its agent again gives; its log has the mean of training's maps."""
    tests = unseen(2)
    options = {'name': 'waypoint', 'settings': SETTINGS, 'options': {'time_limit': 2.0}, 'eval_episodes': 3}
    train(tmp_path / 'run', 2, maps=boxes(2), eval_maps=tests, eval_every=0, **options)
    found = read_episodes(tmp_path / 'run')
    assert {name: found['updates'][found['set'] == name].tolist() for name in ('training', 'evaluation')} == {
        'training': [1, 1, 2, 2, 2, 2], 'evaluation': [1] * 6 + [2] * 12,
    }  # fmt: skip
    last = {name: values[-6:] for name, values in found.items()}
    assert last['map'].tolist() == [0, 0, 0, 1, 1, 1]
    agent = load(tmp_path / 'run', device='cpu')
    again = evaluate_in(agent, agent.env(tests, num_envs=6), seed=SETTINGS.seed)
    for name, values in {**again.scores, **again.measures}.items():
        np.testing.assert_allclose(last[name], values.flatten(), rtol=1e-6)
    for end in ('start', 'goal'):
        spawns = tests.spawns.vals[:, None].astype(np.float32)
        places = np.stack([last[f'{end}_x'], last[f'{end}_y']], axis=-1)
        assert (np.abs(places - spawns).max(-1).min(0) < 1e-6).all()
    assert (last['shortest_path'] > 0).all() and (last['metres_walked'] > 0).any()
    training = {name: values[(found['set'] == 'training')][-2:] for name, values in found.items()}
    line = next(line for line in reversed(Run(tmp_path / 'run').lines()) if 'evaluation' not in line)
    assert training['map'].tolist() == [0, 1]
    assert training['length'].mean() == pytest.approx(line['length'])
    assert np.isnan(training['metres_walked']).all()


def test_a_run_that_goes_on_keeps_the_episodes_that_it_had(tmp_path):
    options = {'eval_maps': unseen(1), 'eval_every': 0, 'eval_episodes': 1, 'checkpoint_every': 0}
    train(tmp_path / 'run', 2, **options)
    train(tmp_path / 'whole', 3, **options)
    train(tmp_path / 'run', 3, resume=True, **options)
    one, other = (read_episodes(tmp_path / name) for name in ('run', 'whole'))
    kept, whole = (np.unique(table['updates'], return_counts=True) for table in (one, other))
    assert kept[0].tolist() == whole[0].tolist() == [1, 2, 3]
    last = {name: values[-1] for name, values in one.items()}
    assert last == {name: values[-1] for name, values in other.items()}
    assert json.loads((tmp_path / 'run' / 'run.json').read_text())['steps'] == 96
