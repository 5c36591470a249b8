"""`megastep train` and `megastep watch`: what they make, what they print, and how they take bad input."""

import math
import shutil
import signal
from dataclasses import asdict, replace

import pytest
import torch
from PIL import Image
from trainings import ARGUMENTS, STEPS, boxes, contents, train, unseen
from worlds import arenas

from envs import Explorer
from envs.gunner import Gunner
from megastep import mapgen
from megastep.cli import filming, main
from megastep.cli.train import training
from megastep.evaluation.registry import Task
from megastep.learning.learner import Learner
from megastep.learning.run.checkpoints import found
from megastep.learning.run.run_folder import Run
from megastep.learning.run.run_log import RunLog
from megastep.learning.settings import PRESETS, Settings
from megastep.plotting import video


@pytest.fixture(autouse=True)
def undrawn(monkeypatch):
    """Drawing curves takes longer than these runs."""
    monkeypatch.setattr(RunLog, 'draw', lambda log: None)


@pytest.fixture
def maps(tmp_path):
    path = tmp_path / 'boxes.safetensors'
    boxes().save(path)
    return path


@pytest.fixture
def eval_maps(tmp_path):
    path = tmp_path / 'unseen.safetensors'
    unseen(2).save(path)
    return path


@pytest.fixture(scope='module')
def trained(tmp_path_factory):
    out = tmp_path_factory.mktemp('runs') / 'trained'
    train(out, 1)
    return out


def test_trains_and_evaluates(tmp_path, maps, eval_maps, capsys):
    out = tmp_path / 'deep' / 'run'
    options = ['--out', str(out), '--maps', str(maps), '--eval-maps', str(eval_maps), '--steps', str(2 * STEPS)]
    options.append('--greedy')
    assert main(['train', *ARGUMENTS, *options, '--learning-rate', '1e-3']) == 0
    assert f'64 steps are made; {out}/checkpoints/000002 holds the agent.' in capsys.readouterr().out
    config = Run(out).read()
    assert (config.maps_file, config.eval_maps_file, config.weights) == (str(maps), str(eval_maps), None)
    assert (config.settings.learning_rate, config.settings.gamma) == (1e-3, Settings().gamma)
    assert [line['updates'] for line in Run(out).lines()] == [1, 2, 2]
    assert main(['train', *ARGUMENTS, *options, '--learning-rate', '1e-3', '--resume', '--steps', '96']) == 0
    assert found(out / 'checkpoints')[-1].name == '000003'


def test_trains_an_agent_on_in_other_maps(tmp_path, maps, trained):
    mapgen.generate('box', 3, seed=1).save(tmp_path / 'others.safetensors')
    options = ['--out', str(tmp_path / 'on'), '--maps', str(tmp_path / 'others.safetensors'), '--steps', '32']
    assert main(['train', *ARGUMENTS, *options, '--weights', str(trained)]) == 0
    assert Run(tmp_path / 'on').read().weights == str(trained)
    begun = found(tmp_path / 'on' / 'checkpoints')[0] / 'policy.safetensors'
    assert begun.read_bytes() == (found(trained / 'checkpoints')[-1] / 'policy.safetensors').read_bytes()


@pytest.mark.parametrize(
    'arguments, name',
    [
        ([], 'gpu'),
        (['--preset', 'cpu'], 'cpu'),
        (['train', 'x', '--preset=cpu', '--out', 'a=b'], 'cpu'),
        (['--preset', 'gpu'], 'gpu'),
    ],
)
def test_a_preset_gives_the_defaults(arguments, name):
    assert asdict(training(arguments).keywords['settings']) == asdict(PRESETS[name])


def test_a_run_goes_on_as_it_was_begun_unless_told_otherwise(tmp_path, maps, eval_maps, capsys):
    out = ['waypoint', '--out', str(tmp_path / 'run')]
    asked = ['--maps', str(maps), '--eval-maps', str(eval_maps)]
    asked += ['--options', 'time_limit=0.9', 'reward=sparse', 'reach=.5']
    looked = ['--keep', '7', '--eval-episodes', '2', '--greedy', '--checkpoint-every', '9']
    assert main(['train', *out, *ARGUMENTS[1:], *asked, *looked, '--steps', str(STEPS)]) == 0
    begun = Run(tmp_path / 'run').read()
    assert main(['train', 'waypoint', f'--out={tmp_path}/run', '--resume', '--steps', str(2 * STEPS)]) == 0
    assert Run(tmp_path / 'run').read() == replace(begun, steps=2 * STEPS)
    course = {'steps': STEPS, 'eval_every': 60, 'eval_episodes': 2, 'greedy': True, 'checkpoint_every': 9, 'keep': 7}
    assert course.items() <= begun.json().items()
    assert ['evaluation' in line for line in Run(tmp_path / 'run').lines()] == [False, True, False, True]
    assert main(['train', *out, '--resume', '--width', '16']) == 2
    assert 'was begun with settings.width 8, got 16' in capsys.readouterr().err
    assert main(['train', *out, '--resume', '--preset', 'cpu']) == 2
    assert 'was begun with settings.epochs 1, got 3' in capsys.readouterr().err
    assert main(['train', 'waypoint', '--out', str(tmp_path / 'other'), '--resume']) == 2
    assert f'{tmp_path}/other holds no run' in capsys.readouterr().err
    assert main(['train', 'minimal', *out[1:], '--resume', '--device', 'cpu']) == 2
    assert 'was begun with env waypoint, got minimal' in capsys.readouterr().err


def test_a_run_goes_on_among_its_opponents(tmp_path):
    out = ['deathmatch', '--out', str(tmp_path / 'run')]
    assert main(['train', *out, *ARGUMENTS[1:], '--opponents', '2', '--steps', str(STEPS)]) == 0
    assert main(['train', *out, '--resume', '--steps', str(2 * STEPS)]) == 0
    assert Run(tmp_path / 'run').lines()[-1]['updates'] == 2


def test_help_shows_the_presets_defaults(capsys):
    with pytest.raises(SystemExit):
        main(['train', '--preset', 'cpu', '--help'])
    text = ' '.join(capsys.readouterr().out.split())
    assert '--eval-maps' in text and '--gamma FLOAT' in text
    assert f'(default: {PRESETS["cpu"].num_envs})' in text


def test_a_task_is_trained_resumed_and_watched_with_its_options(tmp_path, maps, capsys):
    arguments = ['waypoint', *ARGUMENTS[1:], '--out', str(tmp_path / 'run'), '--maps', str(maps), '--steps', str(STEPS)]
    assert main(['train', *arguments, '--options', 'time_limit=0.3', 'reward=sparse']) == 0
    assert Run(tmp_path / 'run').read().options == {'time_limit': 0.3, 'reward': 'sparse'}
    assert Run(tmp_path / 'run').lines()[-1]['length'] <= 3
    assert main(['train', *arguments, '--options', 'time_limit=0.4', 'reward=sparse', '--resume']) == 2
    assert 'was begun with options.time_limit 0.3, got 0.4' in capsys.readouterr().err
    film = ['--out', str(tmp_path / 'film.gif'), '--steps', '5', '--device', 'cpu']
    assert main(['watch', str(tmp_path / 'run'), *film]) == 0
    assert frames(tmp_path / 'film.gif') == 6


@pytest.mark.parametrize('number, status', [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_is_reported_as_a_shell_expects(tmp_path, maps, monkeypatch, capsys, number, status):
    update = Learner.update
    monkeypatch.setattr(Learner, 'update', lambda learner: signal.raise_signal(number) or update(learner))
    options = ['--out', str(tmp_path / 'run'), '--maps', str(maps), '--steps', '1000']
    assert main(['train', *ARGUMENTS, *options]) == status
    message = f'megastep: {signal.Signals(number).name}: {STEPS} steps are made; {tmp_path}/run/checkpoints/000001'
    assert f'{message} holds all of it. --resume goes on.' in capsys.readouterr().err


def test_learning_that_has_gone_wrong_is_reported(tmp_path, maps, monkeypatch, capsys):
    update = Learner.update
    monkeypatch.setattr(Learner, 'update', lambda learner: {**update(learner), 'value_loss': torch.tensor(math.nan)})
    options = ['--out', str(tmp_path / 'run'), '--maps', str(maps), '--steps', '1000']
    assert main(['train', *ARGUMENTS, *options]) == 1
    message = (
        'megastep: learning has gone wrong: value_loss is nan in update 1, after 32 steps; the last good checkpoint'
    )
    assert f'{message} is {tmp_path}/run/checkpoints/000000.' in capsys.readouterr().err


@pytest.mark.parametrize(
    'arguments, message',
    [
        (
            ['chess'],
            'env must be one of deathmatch, explorer, foraging, minimal, pointgoal, racing, ',
        ),
        (['waypoint', '--options', 'prize=5'], 'options of waypoint may be fps, nearest, furthest, reach, time_limit,'),
        (['waypoint', '--options', 'a'], "options must look like reward=sparse, trigger=True or bonus=5, got 'a'."),
        (['waypoint', '--options', 'fps=5', 'fps=9'], 'options must name each once, got fps=5 fps=9.'),
        (['deathmatch', '--options', 'num_agents=0'], 'num_agents must be an integer from 2 to 8, got 0.'),
        (['waypoint', '--options', 'reward=none'], "reward must be one of 'dense', 'sparse', got 'none'."),
        (['waypoint', '--options', 'reach=near'], "reach must be a number, got 'near'."),
        (['waypoint', '--options', 'time_limit=long'], "time_limit must be a number, got 'long'."),
        (['waypoint', '--options', 'fps=True'], 'fps must be a number, got True.'),
        (['deathmatch', '--options', 'trigger=2'], 'trigger must be True or False, got 2.'),
        (['waypoint', '--options', 'reward=2'], 'reward must be a word, got 2.'),
        (['minimal', '--maps', 'nowhere.safetensors'], 'nowhere.safetensors: No such file or directory.'),
        (['minimal', '--maps', 'full'], 'full must be the file of a map set, got a folder.'),
        (['minimal', '--seed', str(2**63)], f'seed must be from 0 to {2**63 - 1}, got {2**63}.'),
        (['minimal', '--seed', '-1'], f'seed must be from 0 to {2**63 - 1}, got -1.'),
        (['minimal', '--resume', '--overwrite'], 'resume and overwrite must not both be asked for.'),
        (['minimal', '--out', 'empty'], 'empty must be a new folder, or one of a run; it holds something else.'),
        (['minimal', '--maps', 'empty'], 'empty is not a map set, or is truncated'),
        (['minimal', '--eval-maps', 'empty'], 'empty is not a map set, or is truncated'),
        (
            ['minimal', '--num-envs', '10', '--num-minibatches', '4'],
            'num_minibatches must divide num_envs, 10, got 4: num_minibatches=2 does.',
        ),
        (['minimal', '--device', 'abacus'], "device must be such as 'cpu' or 'cuda', got 'abacus'."),
        (['minimal', '--steps', '0'], 'steps must be at least 1 and finite, got 0.0.'),
        (['minimal', '--out', 'full'], 'full must be a new folder, or one of a run; it holds something else.'),
        (['minimal', '--resume'], 'run holds no run: there is no run.json in it.'),
    ],
)
def test_what_a_user_gets_wrong_is_one_line(tmp_path, monkeypatch, capsys, arguments, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'empty').touch()
    (tmp_path / 'full').mkdir()
    (tmp_path / 'full' / 'thesis.tex').write_text('mine')
    before = contents(tmp_path)
    out = [] if '--out' in arguments else ['--out', 'run']
    device = [] if '--device' in arguments else ['--device', 'cpu']
    assert main(['train', *arguments, *out, *device, *SMALL]) == 2
    error = capsys.readouterr().err
    assert error.startswith(f'megastep: {message}')
    assert error.count('\n') == 1
    assert contents(tmp_path) == before
    assert not (tmp_path / 'run').exists()


SMALL = ['--width', '8', '--horizon', '4']


# Watching


def frames(path):
    with Image.open(path) as image:
        return image.n_frames


def test_films_the_trained_agent(trained, maps, tmp_path, capsys):
    out = tmp_path / 'film.gif'
    options = ['--maps', str(maps), '--out', str(out), '--steps', '3', '--map-id', '1', '--device', 'cpu']
    assert main(['watch', str(trained), *options, '--greedy']) == 0
    assert frames(out) == 4
    assert f'3 steps of the agent of {trained} in map 1 are in {out}' in capsys.readouterr().out


def test_films_in_the_runs_folder_unless_told_otherwise(trained, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(video, 'encoder', lambda: 'pillow')
    run = shutil.copytree(trained, tmp_path / 'run')
    assert main(['watch', str(run), '--steps', '1', '--device', 'cpu']) == 0
    assert frames(run / 'film.gif') == 2
    assert 'pip install "megastep[video]"' in capsys.readouterr().out


def test_the_agent_is_watched_among_the_opponents_it_learnt_with(tmp_path, monkeypatch):
    maps, seen = arenas(2), {}
    train(tmp_path / 'run', 1, 'deathmatch', maps=maps, eval_maps=arenas(2, seed=1), opponents=3)
    monkeypatch.setattr(filming, 'film', lambda act, env, out, **how: seen.update(act=act, env=env) or out)
    filming.film_run(tmp_path / 'run', tmp_path / 'film.gif', maps, device='cpu')
    env = seen['env']
    observations = env.reset(seed=0)[0]
    acted = seen['act'](observations, torch.ones(4, dtype=torch.bool))
    assert torch.equal(acted[1:], Gunner(env)(observations)[1:])


def test_the_agent_is_watched_in_maps_it_has_not_seen(tmp_path, monkeypatch):
    generate = mapgen.generate
    boxes(3).save(tmp_path / 'test.safetensors')
    monkeypatch.setattr(mapgen, 'generate', lambda family, count, **how: generate(family, 2, **how))
    houses = Explorer.default_maps(seed=filming.UNSEEN)
    task = Task.of('explorer')
    found = filming.unseen(task, None)
    assert (found.walls.vals == houses.walls.vals).all()
    assert not (found.walls.vals[:50] == Explorer.default_maps().walls.vals[:50]).all()
    assert len(filming.unseen(task, str(tmp_path / 'test.safetensors'))) == 3


@pytest.mark.parametrize(
    'arguments, message',
    [
        (['--steps', '0'], 'steps must be at least 1, got 0.'),
        (['--seed', '-1'], f'seed must be from 0 to {2**63 - 1}, got -1.'),
        (['--map-id', '8'], 'map_id must be from 0 to 7, got 8.'),
        (['--maps', 'nowhere.safetensors'], 'nowhere.safetensors: No such file or directory.'),
        (['--out', 'film.avi'], "path must end in .mp4 or .gif, got 'film.avi'."),
    ],
)
def test_what_cannot_be_watched_is_said(trained, tmp_path, monkeypatch, capsys, arguments, message):
    monkeypatch.chdir(tmp_path)
    assert main(['watch', str(trained), '--device', 'cpu', *arguments]) == 2
    assert f'megastep: {message}' in capsys.readouterr().err.splitlines()[-1]
    assert not list(tmp_path.iterdir())


def test_a_run_without_an_agent_cannot_be_watched(trained, tmp_path, capsys):
    assert main(['watch', str(tmp_path / 'nowhere')]) == 2
    known = 'nowhere, nor does an agent of that name come with megastep: deathmatch, explorer, pointgoal.'
    assert known in capsys.readouterr().err
    run = shutil.copytree(trained, tmp_path / 'run')
    (run / 'checkpoints' / '000001' / 'policy.safetensors').write_bytes(b'')
    assert main(['watch', str(run), '--device', 'cpu']) == 2
    assert '000001/policy.safetensors is damaged: it is not what was written; remove ' in capsys.readouterr().err
