"""A run's numbers reach whoever is asked to log them; the libraries are the real ones, offline."""

import json
import os
import sqlite3
import subprocess
import sys
from types import SimpleNamespace

import pytest
from child_processes import wait_until
from worlds import houses

from envs import Minimal
from megastep import learning
from megastep.learning.run import loggers

TINY = {'num_envs': 2, 'horizon': 2, 'num_minibatches': 1, 'width': 8, 'stagger': 0}


def trained(folder, log, **options):
    return learning.train(Minimal, folder, maps=houses(1), steps=8, bar=False, device='cpu', log=log, **TINY, **options)


def test_a_function_and_an_object_are_told_what_the_log_has(tmp_path):
    told, other = [], SimpleNamespace(lines=[], closed=False)
    other.log = lambda numbers, frames: other.lines.append((frames, dict(numbers)))
    other.close = lambda: setattr(other, 'closed', True)
    run = trained(tmp_path / 'run', [lambda numbers, frames: told.append((frames, dict(numbers))), other]).run
    assert told == other.lines and other.closed
    assert [frames for frames, _ in told] == [line['frames'] for line in run.lines()] == [4, 8]
    assert told[0][1]['policy_loss'] == run.lines()[0]['policy_loss']
    assert not list((tmp_path / 'run').glob('events*'))  # TensorBoard is for those who ask for nothing, or for it


def test_tensorboard_is_asked_for_by_name(tmp_path):
    pytest.importorskip('tensorboard', reason='needs the extra rl')
    trained(tmp_path / 'run', 'tensorboard')
    assert list((tmp_path / 'run').glob('events*'))


def test_wandb_is_told_offline(tmp_path, monkeypatch):
    pytest.importorskip('wandb', reason='needs the extra wandb')
    monkeypatch.setenv('WANDB_MODE', 'offline')
    monkeypatch.setenv('WANDB_SILENT', 'true')
    trained(tmp_path / 'run', 'wandb')
    (folder,) = (tmp_path / 'run' / 'wandb').glob('offline-run-*')
    assert folder.name.endswith(loggers.identity(tmp_path / 'run'))
    (file,) = folder.glob('*.wandb')
    wait_until(lambda: b'policy_loss' in file.read_bytes())  # a process of W&B's writes it


def test_mlflow_is_told_in_a_file(tmp_path, monkeypatch):
    mlflow = pytest.importorskip('mlflow', reason='needs the extra mlflow')
    monkeypatch.setenv('MLFLOW_TRACKING_URI', f'sqlite:///{tmp_path}/mlflow.db')
    trained(tmp_path / 'run', 'mlflow')
    client = mlflow.MlflowClient()
    (run,) = client.search_runs([client.get_experiment_by_name('megastep').experiment_id])
    assert (run.info.status, run.data.params['env'], run.data.params['gamma']) == ('FINISHED', 'minimal', '0.99')
    assert [each.step for each in client.get_metric_history(run.info.run_id, 'policy_loss')] == [4, 8]


def test_trackio_is_told_in_a_database(tmp_path, monkeypatch):
    """No port is opened, and nothing is sent."""
    monkeypatch.setenv('TRACKIO_DIR', str(tmp_path / 'kept'))  # which is read as it is imported
    pytest.importorskip('trackio', reason='needs trackio')
    trained(tmp_path / 'run', 'trackio')
    with sqlite3.connect(tmp_path / 'kept' / 'megastep.db') as database:
        rows = database.execute('select run_name, step, metrics from metrics order by step').fetchall()
        (config,) = database.execute('select config from configs').fetchone()
    name = f'run-{loggers.identity(tmp_path / "run")[:8]}'
    assert [(found, step) for found, step, _ in rows] == [(name, 4), (name, 8)]
    assert all('policy_loss' in json.loads(numbers) for *_, numbers in rows)
    assert json.loads(config)['env'] == 'minimal'


def test_only_a_run_that_goes_on_continues_one_in_trackio(tmp_path, monkeypatch):
    trackio = pytest.importorskip('trackio', reason='needs trackio')
    asked = []
    init = lambda **given: asked.append(given['resume']) or SimpleNamespace(finish=lambda: None)  # noqa: E731
    monkeypatch.setattr(trackio, 'init', init)
    for purged in (None, 8):
        loggers.Trackio(tmp_path / 'run', {'env': 'minimal'}, purged).close()
    assert asked == ['never', 'allow']


def test_runs_of_one_name_are_two_in_trackio(tmp_path, monkeypatch):
    """Of runs with the same name it goes on with the one that was begun last."""
    trackio = pytest.importorskip('trackio', reason='needs trackio')
    names = []
    init = lambda **given: names.append(given['name']) or SimpleNamespace(finish=lambda: None)  # noqa: E731
    monkeypatch.setattr(trackio, 'init', init)
    for place in ('first', 'second', 'first'):
        loggers.Trackio(tmp_path / place / 'run', {'env': 'minimal'}, 8).close()
    assert names[0] == names[2] != names[1]
    assert all(name.startswith('run-') for name in names)


class Failing:
    """A logger that fails when it is closed, and notes that it was."""

    def __init__(self, closed):
        self.closed = closed

    def log(self, numbers, frames):
        pass

    def close(self):
        self.closed.append(self)
        raise OSError('no network')


def test_all_loggers_are_closed_where_one_fails(tmp_path, monkeypatch):
    closed = []
    with pytest.raises(OSError, match='no network'):
        trained(tmp_path / 'run', [Failing(closed), Failing(closed)])
    assert len(closed) == 2
    monkeypatch.setitem(sys.modules, 'wandb', None)
    monkeypatch.setitem(loggers.LOGGERS, 'failing', lambda *_: Failing(closed))
    with pytest.raises(OSError, match='no network'):
        trained(tmp_path / 'other', ['failing', 'wandb'])
    assert len(closed) == 3


@pytest.mark.parametrize('log', ['tensorbored', ['wandb', 3]])
def test_what_is_no_logger_is_refused_before_anything_is_written(log, tmp_path):
    wrong = log if isinstance(log, str) else log[-1]
    message = f'log must be one of tensorboard, wandb, trackio, mlflow, a logger or a function, got {wrong!r}'
    with pytest.raises(ValueError, match=message):
        trained(tmp_path / 'run', log)
    assert not (tmp_path / 'run').exists()


def test_what_brings_a_logger_that_is_missing_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, 'wandb', None)
    with pytest.raises(ValueError, match=r"log must be installed, got 'wandb': .*\. pip install 'wandb' brings it"):
        trained(tmp_path / 'run', 'wandb')


def test_the_command_takes_names(capsys):
    from megastep.cli import main

    assert main(['train', 'minimal', '--out', 'x', '--log', 'wandb', 'nothing']) == 2
    assert "log must be one of tensorboard, wandb, trackio, mlflow, a logger or a function, got 'nothing'" in (
        capsys.readouterr().err
    )


def test_no_logger_is_imported_unasked():
    code = "import sys, megastep.learning; print({'wandb', 'mlflow', 'trackio', 'tensorboard'} & set(sys.modules))"
    done = subprocess.run([sys.executable, '-c', code], env=dict(os.environ), capture_output=True, text=True)
    assert done.stdout.strip() == 'set()', done.stderr
