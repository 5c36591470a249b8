"""Runs' folders answer, whatever their files hold: an error that names the file, or what was written."""

import os

import pytest
from hostile.fuzz import mutations
from trainings import train
from work import at_most

from megastep.learning.run.checkpoints import MANIFEST, WEIGHTS, found, last_good, load_weights
from megastep.learning.run.episode_log import read_episodes
from megastep.learning.run.run_folder import Run

COUNT = int(os.environ.get('MEGASTEP_FUZZ', '40'))


@pytest.fixture(scope='module')
def run(tmp_path_factory):
    out = tmp_path_factory.mktemp('runs') / 'run'
    train(out, 1)
    return Run(out)


READERS = {
    'run.json': lambda run: run.read(),
    'log.jsonl': lambda run: run.lines(),
    'episodes.bin': lambda run: read_episodes(run.folder),
    f'checkpoints/000001/{MANIFEST}': lambda run: last_good(run.checkpoints),
    f'checkpoints/000001/{WEIGHTS}': lambda run: last_good(run.checkpoints),
    'checkpoints/000001/optimizer.pt': lambda run: last_good(run.checkpoints),
}


@pytest.mark.parametrize('name', READERS)
def test_a_damaged_run_is_refused_or_is_what_was_written(run, name):
    path, read = run.folder / name, READERS[name]
    content, whole = path.read_bytes(), read(run)
    try:
        for damaged in mutations(content, COUNT, seed=3):
            path.write_bytes(damaged)
            try:
                with at_most(1_000_000):
                    again = read(run)
            except ValueError as error:
                assert str(run.folder) in str(error)
            else:
                assert type(again) is type(whole)
                if name == 'run.json':
                    assert again == whole
                if name == 'log.jsonl':
                    assert all(type(line['updates']) is int for line in again)
    finally:
        path.write_bytes(content)


def test_damaged_weights_are_refused_or_are_those_of_a_policy(run):
    """Also past their digest, as of one who made both."""
    from megastep import load

    policy = load(run.folder, device='cpu').policy
    path = found(run.checkpoints)[-1] / WEIGHTS
    content = path.read_bytes()
    try:
        for damaged in mutations(content, COUNT, seed=4):
            path.write_bytes(damaged)
            try:
                load_weights(policy, path)
            except ValueError as error:
                assert str(path) in str(error)
    finally:
        path.write_bytes(content)
