"""Envs by what finds them: names, import paths, Gymnasium ids; and those that only Python can hand over."""

import os
import subprocess
import sys
from functools import partial

import gymnasium
import pytest
from trainings import ARGUMENTS, STEPS, TINY, boxes, train, weights

import megastep
from envs import Explorer, Minimal, Waypoint
from megastep import learning
from megastep.cli import filming, main
from megastep.env import Env
from megastep.evaluation.entry_points import class_of, find
from megastep.evaluation.registry import Task
from megastep.learning.run.run_folder import Run
from megastep.learning.run.run_log import RunLog
from megastep.learning.settings import PRESETS, Settings

MODULE = """
from envs import Minimal, Waypoint
from megastep import mapgen

class Shy(Minimal):
    class Younger(Waypoint):
        pass

    @classmethod
    def default_maps(cls, *, seed=0):
        return mapgen.generate('box', 3, seed=seed)

def hasty(maps, num_envs, device, seed, haste: float = 1.0, mood='good', **options) -> Shy:
    return Shy(maps, num_envs, device, fps=10 * haste, seed=seed, **options)

def none(maps, **options):
    return 'nothing'

number = 5
"""


@pytest.fixture(autouse=True)
def undrawn(monkeypatch):
    """Drawing curves takes longer than these runs."""
    monkeypatch.setattr(RunLog, 'draw', lambda log: None)


@pytest.fixture
def mine(tmp_path, monkeypatch):
    """A module in the working directory, that isn't on Python's path."""
    (tmp_path / 'my_own_tasks.py').write_text(MODULE)
    (tmp_path / 'my_broken_tasks.py').write_text('import numpy\n1 / 0')
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, 'path', [place for place in sys.path if place])
    yield tmp_path
    sys.modules.pop('my_own_tasks', None)


@pytest.mark.parametrize('name', ['my_own_tasks:Shy', 'my_own_tasks:hasty', 'my_own_tasks:Shy.Younger'])
def test_a_task_of_the_working_directory_is_trained_resumed_watched_and_loaded(mine, monkeypatch, capsys, name):
    arguments = ['train', name, *ARGUMENTS[1:], '--out', 'run', '--options', 'time_limit=.9', '--steps']
    assert main([*arguments, str(STEPS)]) == 0
    assert main(['train', name, '--out', 'run', '--resume', '--steps', str(2 * STEPS)]) == 0
    assert [line['updates'] for line in Run(mine / 'run').lines()] == [1, 2]
    assert Run(mine / 'run').read().env == name
    filmed = {}
    monkeypatch.setattr(filming, 'film', lambda act, env, out, **how: filmed.update(env=env) or mine / 'run/run.json')
    assert main(['watch', 'run', '--device', 'cpu']) == 0
    assert main(['record', name, 'run/maps.safetensors', 'out.gif', '--steps', '1']) == 0
    assert str(mine) not in sys.path
    assert isinstance(megastep.load('run', device='cpu').env(num_envs=2), find(name.replace('hasty', 'Shy')))


def test_options_of_a_function_are_its_own_and_those_of_every_env(mine, monkeypatch):
    monkeypatch.syspath_prepend(mine)
    task = Task.of('my_own_tasks:hasty', {'haste': 2, 'mood': 'bad', 'fov': 60})
    env = task.make(boxes(1), 2, device='cpu')
    assert (env.core.fps, env.cameras.fov, len(task.default_maps())) == (20, 60, 3)
    with pytest.raises(ValueError, match=r'hasty may be haste, mood, fov, .*, got taste'):
        Task.of('my_own_tasks:hasty', {'taste': 1})
    with pytest.raises(ValueError, match='mood must be a word, got 5'):
        Task.of('my_own_tasks:hasty', {'mood': 5})


def test_a_gymnasium_id_stands_for_an_env(monkeypatch):
    monkeypatch.setattr(gymnasium.envs.registration, 'registry', dict(gymnasium.registry))
    monkeypatch.setattr(gymnasium, 'registry', gymnasium.envs.registration.registry)
    assert Task.of('envs:megastep/Explorer-v0') == Task.of('megastep/Explorer-v0') == Task.of(Explorer)
    assert Task.of('envs:megastep/Explorer-v0').name == 'explorer'
    gymnasium.register('mine/Slow-v0', vector_entry_point=Waypoint, kwargs={'fps': 5})
    task = Task.of('mine/Slow-v0')
    assert (task.name, task.is_found) == ('mine/Slow-v0', True)
    assert task.make(boxes(1), 2, device='cpu').core.fps == 5
    gymnasium.register('mine/Alone-v0', entry_point=Waypoint)
    with pytest.raises(ValueError, match="got 'mine/Alone-v0': it has no vector_entry_point"):
        Task.of('mine/Alone-v0')


def test_a_run_of_a_gymnasium_id_goes_on(tmp_path):
    arguments = ['train', 'envs:megastep/Minimal-v0', '--out', str(tmp_path / 'run')]
    assert main([*arguments, *ARGUMENTS[1:], '--steps', str(STEPS)]) == 0
    assert main([*arguments, '--resume', '--steps', str(2 * STEPS)]) == 0
    train(tmp_path / 'whole', 2, maps=Minimal.default_maps()[: TINY.num_envs])
    assert weights(tmp_path / 'run') == weights(tmp_path / 'whole')


SCRIPT = """
import megastep
from envs import Minimal
from megastep import learning

class Own(Minimal):
    pass

if __name__ == '__main__':
    small = {'num_envs': 4, 'horizon': 4, 'width': 8, 'steps': 16, 'device': 'cpu', 'bar': False}
    learning.train(Own, 'run', **small)
    assert isinstance(megastep.load('run', device='cpu').env(num_envs=2), Own)
"""


def test_a_class_of_a_script_is_found_within_it_alone(mine, capsys):
    (mine / 'script.py').write_text(SCRIPT)
    done = subprocess.run([sys.executable, 'script.py'], capture_output=True, text=True, env=os.environ)
    assert done.returncode == 0, done.stderr
    assert "UserWarning: __main__:Own, which is trained, can't be found again by its name" in done.stderr
    assert main(['watch', 'run', '--device', 'cpu']) == 2
    message = 'megastep: run is of __main__:Own, which must be found or handed over as task: env must be in its module'
    assert capsys.readouterr().err.startswith(message)


def test_what_cannot_be_found_again_is_trained_and_has_to_be_handed_over(tmp_path):
    class Hidden(Minimal):
        pass

    message = r"<locals>.Hidden, which is trained, can't be found again.* megastep.load\('.*run', task=...\)"
    with pytest.warns(UserWarning, match=message):
        train(tmp_path / 'run', 1, Hidden)
    with pytest.warns(UserWarning, match=message):
        train(tmp_path / 'run', 2, Hidden, resume=True)
    agent = megastep.load(tmp_path / 'run', device='cpu')
    with pytest.raises(ValueError, match=r'run is of .*Hidden, which must be found or handed over as task: '):
        agent.env()
    assert isinstance(megastep.load(tmp_path / 'run', task=Hidden, device='cpu').env(num_envs=2), Hidden)


def test_any_callable_that_makes_an_env_is_trained(tmp_path):
    quick = partial(Minimal, fps=20)
    with pytest.warns(UserWarning, match=r'partial\(minimal\), which is trained, can'):
        train(tmp_path / 'run', 1, quick)
    agent = megastep.load(tmp_path / 'run', task=quick, device='cpu')
    assert agent.env(num_envs=2).core.fps == 20
    assert (class_of(quick), class_of(lambda maps, **options: None)) == (Minimal, Env)


def test_training_has_defaults_by_device_and_takes_hyperparameters_by_keyword(tmp_path):
    options = {'maps': list(boxes(1)), 'device': 'cpu', 'steps': 1, 'bar': False}
    small = {'num_envs': 4, 'horizon': 4, 'width': 8, 'epochs': 1}
    learning.train(Minimal, tmp_path / 'run', **options, **small)
    assert Run(tmp_path / 'run').read().settings == Settings(**{**vars(PRESETS['cpu']), **small})
    learning.train(Minimal, tmp_path / 'run', resume=True, device='cpu', steps=20, bar=False)
    assert len(Run(tmp_path / 'run').lines()) == 2
    with pytest.raises(ValueError, match='train takes hyperparameters by the names in Settings, got luck'):
        learning.train(Minimal, tmp_path / 'other', **options, luck=7)
    with pytest.raises(ValueError, match='gamma must be from 0 to 1, got 2'):
        learning.train(Minimal, tmp_path / 'other', TINY, **options, gamma=2)
    assert not (tmp_path / 'other').exists()


def test_what_makes_no_env_that_can_be_trained_is_refused(mine, monkeypatch):
    monkeypatch.syspath_prepend(mine)
    with pytest.raises(ValueError, match=r'none must make a megastep.env.Env, got str'):
        Task.of('my_own_tasks:none').make(boxes(1), 2, device='cpu')
    with pytest.raises(ValueError, match=r'lambda> must take maps, num_envs, device, seed: got an unexpected keyword'):
        Task.of(lambda maps: None).make(boxes(1), 2, device='cpu')


@pytest.mark.parametrize(
    'name, message',
    [
        ('nowhere:Env', r"a module that can be imported, got 'nowhere:Env': ModuleNotFoundError: No module named"),
        ('my_broken_tasks:Env', "can be imported, got 'my_broken_tasks:Env': ZeroDivisionError: division by zero"),
        (
            'my_own_tasks:Shyer',
            "env must be in its module, got 'my_own_tasks:Shyer': there is no Shyer in",
        ),
        ('my_own_tasks:number', 'env must be a class of megastep.env.Env or a function that makes one, got 5'),
        ('trainings:Settings', 'a class of megastep.env.Env or a function that makes one, got <class'),
        ('envs:megastep/Chess-v0', "a vector env, got 'envs:megastep/Chess-v0': nothing is registered so"),
        ('nowhere:a/Chess-v0', "can be imported, got 'nowhere:a/Chess-v0': ModuleNotFoundError"),
    ],
)
def test_what_is_no_env_is_refused_by_name(mine, monkeypatch, name, message):
    monkeypatch.syspath_prepend(mine)
    with pytest.raises(ValueError, match=message):
        Task.of(name)
