"""Runs that are killed as they write a log or a checkpoint, wherever that is: what they had stays, and they go on."""

import json
import shutil
from types import SimpleNamespace

import pytest
import torch
from child_processes import kills, listing
from trainings import train

import megastep
from megastep.learning.run import checkpoints
from megastep.learning.run.checkpoints import Checkpoints
from megastep.learning.run.distributed import ProcessGroup
from megastep.learning.run.episode_log import EpisodeLog, read_episodes
from megastep.learning.run.run_folder import Run


@pytest.fixture(scope='module')
def trained(tmp_path_factory):
    out = tmp_path_factory.mktemp('runs') / 'run'
    train(out, 1)
    return out


def test_of_logs_what_is_no_more_to_be_made_stays(trained, tmp_path):
    """A run that goes on removes what it makes again, and appends: a killed one goes on once more."""
    folder = tmp_path / 'run'
    shutil.copytree(trained, folder)
    run = Run(folder)
    config, lines, rows = run.read(), run.lines(), read_episodes(folder)
    line, columns = {'updates': 2, 'frames': 2, 'seconds': 1.0}, [name for name in rows if rows[name].dtype == 'f4'][1:]
    names = sorted(listing(folder))

    def go_on():
        run.go_on(config, 1)
        with open(run.log, 'a') as log, EpisodeLog(run.episodes, columns) as episodes:
            log.write(json.dumps(line) + '\n')
            log.flush()
            episodes.append('training', {'map': [7], 'episodes': [1]}, updates=2, frames=2)

    for place in kills(go_on, folder, sizes=(1, 40, len(run.log.read_bytes()) + 9, len(run.episodes.read_bytes()) + 9)):
        assert run.read() == config, place
        assert [found for found in run.lines() if found['updates'] < 2] == lines, place
        assert [found for found in run.lines() if found['updates'] == 2] in ([], [line]), place
        found = read_episodes(folder)
        assert found['map'][found['updates'] < 2].tolist() == rows['map'].tolist(), place
        go_on()
        assert [found['updates'] for found in run.lines()] == [found['updates'] for found in lines] + [2], place
        assert read_episodes(folder)['map'].tolist() == [*rows['map'].tolist(), 7], place
        assert sorted(listing(folder)) == names, place


def test_of_checkpoints_the_last_one_stays(trained, tmp_path):
    policy = megastep.load(trained, device='cpu').policy
    learner = SimpleNamespace(
        policy=policy, optimizer=torch.optim.Adam(policy.parameters()), updates=1, frames=0, state=lambda: {'frames': 0}
    )
    writer = Checkpoints(tmp_path, learner, ProcessGroup(0, 1, torch.device('cpu')), keep=2)
    for learner.updates in (1, 2):
        writer.write()
    for place in kills(_after(writer, learner), tmp_path, sizes=(1, 40, 900)):
        last = int(checkpoints.last_good(tmp_path).name)
        assert last in (learner.updates, learner.updates + 1), place
        learner.updates = last + 1
        writer.write()
        found = [f'{learner.updates - 1:06}', f'{learner.updates:06}']
        assert sorted(path.name for path in tmp_path.iterdir()) == found, place
        assert all(checkpoints.verified(tmp_path / name)['updates'] == int(name) for name in found), place


def _after(writer, learner):
    """Writes the checkpoint after the last one."""

    def write():
        learner.updates += 1
        writer.write()

    return write
