"""Training: the same however it is interrupted and watched, and stopped where it goes wrong."""

import errno
import fcntl
import json
import math
import shutil
import signal
import sys
from dataclasses import replace
from types import ModuleType

import pytest
import torch
from child_processes import wait_until
from matplotlib.figure import Figure
from trainings import ARGUMENTS, STEPS, TINY, boxes, command, contents, train, unseen, weights
from worlds import arenas

from envs import Minimal
from megastep import MapSet, learning, mapgen, plotting
from megastep.evaluation.entry_points import tasks
from megastep.evaluation.registry import Task
from megastep.learning import Actor
from megastep.learning.learner import Learner
from megastep.learning.run.checkpoints import found
from megastep.learning.run.run_folder import Run
from megastep.learning.settings import Settings

OTHER = replace(TINY, seed=1)


@pytest.fixture(scope='module')
def six(tmp_path_factory):
    """A run of six updates, with the settings and the maps that `train` has by default."""
    out = tmp_path_factory.mktemp('runs') / 'six'
    train(out, 6)
    return out


def at_update(monkeypatch, number, action):
    """Has something done once a learner has made an update, and to what it returns."""
    update = Learner.update

    def acting(learner):
        values = update(learner)
        return (action(values) or values) if learner.updates == number else values

    monkeypatch.setattr(Learner, 'update', acting)


# The same however it is done


@pytest.mark.parametrize('name', ['minimal', 'waypoint', 'deathmatch'])
def test_resuming_changes_nothing(tmp_path, name):
    """Nothing in the weights, nor in the log, but for how long things took."""
    maps = None if name != 'deathmatch' else arenas(2)
    train(tmp_path / 'whole', 4, name, maps=maps)
    train(tmp_path / 'parts', 2, name, maps=maps)
    ending = train(tmp_path / 'parts', 4, name, maps=maps, resume=True)
    assert (ending.signal, ending.frames, ending.checkpoint.name) == (0, 4 * STEPS, '000004')
    assert weights(tmp_path / 'parts') == weights(tmp_path / 'whole')
    logs = [[timeless(line) for line in Run(tmp_path / run).lines()] for run in ('whole', 'parts')]
    assert logs[0] == logs[1]
    assert [line['updates'] for line in logs[0]] == [1, 2, 3, 4]


def timeless(line):
    return {name: value for name, value in line.items() if name not in ('seconds', 'steps_per_second')}


def test_a_killed_run_goes_on_as_if_it_had_not_been(tmp_path, six):
    """Killed for good, by the system, at some moment after its second checkpoint; perhaps while it writes another."""
    out = tmp_path / 'killed'
    maps = tmp_path / 'boxes.safetensors'
    boxes().save(maps)
    options = ('--out', out, '--maps', maps, '--steps', 100_000 * STEPS, '--checkpoint-every', 0)
    process = command('train', *ARGUMENTS, *options)
    wait_until(lambda: any(int(checkpoint.name) >= 2 for checkpoint in found(out / 'checkpoints')), process)
    process.kill()
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    made = int(found(out / 'checkpoints')[-1].name)

    train(out, made + 2, resume=True)
    train(tmp_path / 'whole', made + 2)
    assert weights(out) == weights(tmp_path / 'whole')
    assert [line['updates'] for line in Run(out).lines()] == list(range(1, made + 3))
    assert not list((out / 'checkpoints').glob('.*'))


def test_evaluations_and_checkpoints_change_nothing(tmp_path, six):
    out = tmp_path / 'watched'
    train(out, 6, eval_maps=unseen(3), eval_every=0, checkpoint_every=0, keep=2)
    assert weights(out) == weights(six)
    evaluations = [line for line in Run(out).lines() if 'evaluation' in line]
    assert [line['updates'] for line in evaluations] == [1, 2, 3, 4, 5, 6, 6]
    assert evaluations[0]['evaluation']['length'] > 0
    assert [path.name for path in found(out / 'checkpoints')] == ['000005', '000006']


def test_a_run_with_opponents_goes_on_as_if_it_had_not_been_interrupted(tmp_path):
    maps = arenas(2)
    how = {'name': 'deathmatch', 'settings': replace(TINY, num_envs=8), 'maps': maps}
    train(tmp_path / 'whole', 4, opponents=2, **how)
    train(tmp_path / 'parts', 2, opponents=2, **how)
    with pytest.raises(ValueError, match='was begun with opponents 2, got 0'):
        train(tmp_path / 'parts', 4, resume=True, **how)
    train(tmp_path / 'parts', 4, opponents=2, resume=True, **how)
    train(tmp_path / 'alone', 4, **how)
    assert weights(tmp_path / 'parts') == weights(tmp_path / 'whole') != weights(tmp_path / 'alone')


def test_opponents_are_the_last_of_each_world():
    task = Task.of('deathmatch', {'num_agents': 3})
    env = task.make(arenas(1), 6, device='cpu')
    assert task.opponents(env, 1).rows.tolist() == [False, False, True] * 2
    assert task.opponents(env, 0) is None


def test_a_run_begins_with_anothers_weights(tmp_path, six):
    """The weights and nothing else: the optimiser, the envs and the count of steps are new."""
    train(tmp_path / 'on', 1, settings=OTHER, weights=six)
    first, last = found(tmp_path / 'on' / 'checkpoints')
    assert (first / 'policy.safetensors').read_bytes() == weights(six) != (last / 'policy.safetensors').read_bytes()
    assert [line['updates'] for line in Run(tmp_path / 'on').lines()] == [1]
    train(tmp_path / 'whole', 2, settings=OTHER, weights=found(six / 'checkpoints')[-1])  # named otherwise
    train(tmp_path / 'on', 2, settings=OTHER, weights=tmp_path / 'gone since', resume=True)
    assert weights(tmp_path / 'on') == weights(tmp_path / 'whole')


def test_another_seed_changes_something(tmp_path, six):
    train(tmp_path / 'other', 6, settings=Settings(**{**vars(TINY), 'seed': 1}))
    assert weights(tmp_path / 'other') != weights(six)


@pytest.mark.parametrize('name', tasks())
def test_every_task_can_be_trained_without_maps_of_ones_own(tmp_path, monkeypatch, name):
    generate = mapgen.generate
    monkeypatch.setattr(mapgen, 'generate', lambda family, count, **how: generate(family, 2, **how))
    assert train(tmp_path / 'run', 1, name, maps=tasks()[name].default_maps()).frames == STEPS


@pytest.mark.gpu
def test_a_run_on_a_gpu_goes_on(tmp_path):
    """Past the updates in which graphs are captured, and again after a resumption."""
    out, options = tmp_path / 'run', {'device': 'cuda', 'eval_maps': unseen(1), 'eval_every': 0, 'checkpoint_every': 0}
    assert train(out, 4, 'waypoint', **options).frames == 4 * STEPS
    assert train(out, 8, 'waypoint', resume=True, **options).frames == 8 * STEPS
    lines = Run(out).lines()
    assert [line['updates'] for line in lines if 'evaluation' not in line] == list(range(1, 9))
    assert all(math.isfinite(line['policy_loss']) for line in lines if 'evaluation' not in line)
    with pytest.raises(ValueError, match='was begun with device cuda, got cpu'):
        train(out, 9, 'waypoint', resume=True)


# What is left in the folder


def test_the_folder_says_how_the_run_was_begun_and_went(tmp_path, drawn):
    out, settings = tmp_path / 'run', Settings(num_envs=4, horizon=64, num_minibatches=1, width=8)
    train(out, 4, settings=settings)
    names = {path.name for path in out.iterdir() if not path.match('events.out.tfevents.*')}  # with TensorBoard only
    assert names == {'.lock', 'run.json', 'maps.safetensors', 'log.jsonl', 'episodes.bin', 'curves.png', 'checkpoints'}
    about = json.loads((out / 'run.json').read_text())
    assert (about['env'], about['processes'], about['maps']['count']) == ('minimal', 1, 2)
    assert about['settings'] == vars(settings)
    lines = [json.loads(line) for line in (out / 'log.jsonl').read_text().splitlines()]
    assert [line['frames'] for line in lines] == [256, 512, 768, 1024]
    assert all(line['steps_per_second'] > 0 and math.isfinite(line['policy_loss']) for line in lines)
    assert sum(line['episodes'] for line in lines) > 0
    assert all(50 <= line['length'] <= 200 for line in lines if 'length' in line)
    ended = [sum(line['episodes'] for line in lines[: number + 1]) for number in range(4)]
    assert ['length' in line for line in lines] == [count > 0 for count in ended]
    assert (out / 'curves.png').read_bytes().startswith(b'\x89PNG')


def test_curves_are_drawn_now_and_then_and_in_the_end(tmp_path, monkeypatch, drawn):
    pictures = []
    monkeypatch.setattr(plotting, 'curves', lambda lines, scores: pictures.append(len(lines)) or Figure())
    train(tmp_path / 'run', 3, checkpoint_every=0)
    assert pictures == [1, 3]


def test_one_process_at_a_time_trains_in_a_folder(tmp_path):
    """The other is refused, whatever it was to do, and nothing is lost."""
    run = Run(tmp_path / 'run')
    with run.held():
        begun = contents(run.folder)
        with pytest.raises(ValueError, match='run must be of one process at a time; another trains in it'):
            train(run.folder, 1)
        assert contents(run.folder) == begun
    train(run.folder, 2)
    begun = contents(run.folder)
    with run.held():
        for asked in ({'overwrite': True}, {'resume': True}):
            with pytest.raises(ValueError, match='another trains in it'):
                train(run.folder, 3, **asked)
            assert contents(run.folder) == begun
    assert train(run.folder, 3, resume=True).frames == 3 * STEPS


def test_a_file_system_that_cannot_lock_is_named(tmp_path, monkeypatch):
    def refuse(*arguments):
        raise OSError(errno.ENOLCK, 'No locks available')

    monkeypatch.setattr(fcntl, 'flock', refuse)
    with pytest.raises(ValueError, match=r'\.lock must be on a file system that can lock files: No locks available'):
        train(tmp_path / 'run', 1)


def test_a_run_that_another_process_begins_meanwhile_is_left_alone(tmp_path, monkeypatch):
    out, init = tmp_path / 'run', Learner.__init__

    def late(learner, *arguments):
        monkeypatch.setattr(Learner, '__init__', init)
        train(out, 1)
        init(learner, *arguments)

    monkeypatch.setattr(Learner, '__init__', late)
    with pytest.raises(ValueError, match='run holds a run: --resume goes on with it'):
        train(out, 2)
    assert [line['updates'] for line in Run(out).lines()] == [1]


def test_tensorboard_is_written_where_it_is_installed(tmp_path, monkeypatch):
    boards = []

    class SummaryWriter:
        def __init__(self, folder, purge_step=None):
            self.folder, self.purge_step, self.scalars, self.closed = folder, purge_step, {}, False
            boards.append(self)

        def add_scalar(self, name, value, step):
            self.scalars.setdefault(name, {})[step] = value

        def close(self):
            self.closed = True

    module = ModuleType('torch.utils.tensorboard')
    module.SummaryWriter = SummaryWriter
    monkeypatch.setitem(sys.modules, 'torch.utils.tensorboard', module)
    train(tmp_path / 'run', 2, eval_maps=unseen(1))
    train(tmp_path / 'run', 3, resume=True)
    first, second = boards
    assert (first.folder, first.purge_step, second.purge_step) == (str(tmp_path / 'run'), None, 2 * STEPS + 1)
    assert list(first.scalars['value_loss']) == [STEPS, 2 * STEPS]
    assert list(first.scalars['evaluation/return']) == [2 * STEPS]
    assert list(second.scalars['value_loss']) == [3 * STEPS]
    assert first.closed and second.closed


def test_tensorboard_reads_what_is_written(tmp_path):
    reading = pytest.importorskip(
        'tensorboard.backend.event_processing.event_accumulator', reason='needs TensorBoard, which the extra rl brings'
    )
    out = tmp_path / 'run'
    train(out, 2)
    train(out, 3, resume=True)
    events = reading.EventAccumulator(str(out)).Reload()
    lines = [json.loads(line) for line in (out / 'log.jsonl').read_text().splitlines()]
    shown = [(event.step, event.value) for event in events.Scalars('value_loss')]
    assert shown == [(line['frames'], pytest.approx(line['value_loss'])) for line in lines]


# Signals


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
def test_a_signal_saves_and_ends(tmp_path, monkeypatch, six, number):
    handler = signal.getsignal(number)
    with monkeypatch.context() as patch:
        at_update(patch, 3, lambda values: signal.raise_signal(number))
        ending = train(tmp_path / 'run', 6)
    assert (ending.signal, ending.checkpoint.name) == (number, '000003')
    assert [line['updates'] for line in Run(tmp_path / 'run').lines()] == [1, 2, 3]
    assert signal.getsignal(number) is handler
    train(tmp_path / 'run', 6, resume=True)
    assert weights(tmp_path / 'run') == weights(six)


@pytest.mark.parametrize('eval_every', [0, math.inf])  # while it trains, and in the end
def test_a_signal_cuts_an_evaluation_short(tmp_path, monkeypatch, six, eval_every):
    choose, out = Actor.__call__, tmp_path / 'run'
    options = {'eval_maps': unseen(1), 'eval_every': eval_every}
    with monkeypatch.context() as patch:
        patch.setattr(Actor, '__call__', lambda *given: signal.raise_signal(signal.SIGTERM) or choose(*given))
        ending = train(out, 6, **options)
    assert (ending.signal, ending.checkpoint.name) == (signal.SIGTERM, '000006' if eval_every else '000002')
    assert not any('evaluation' in line for line in Run(out).lines())
    assert train(out, 6, resume=True, **options).signal == 0
    assert 'evaluation' in Run(out).lines()[-1]
    assert weights(out) == weights(six)


# Where it goes wrong


@pytest.mark.parametrize('name', ['policy_loss', 'value_loss', 'grad_norm'])
@pytest.mark.parametrize('value', [math.nan, math.inf])
def test_a_loss_that_is_no_number_stops_training(tmp_path, monkeypatch, name, value):
    out = tmp_path / 'run'
    at_update(monkeypatch, 3, lambda values: {**values, name: torch.tensor(value)})
    message = rf'{name} is {value} in update 3, after 96 steps; the last good checkpoint is .*checkpoints/000002'
    with pytest.raises(FloatingPointError, match=message):
        train(out, 6, checkpoint_every=0)
    assert Run(out).lines()[-1][name] is None


class Undefined(Minimal):
    """Pays a share of nothing, or shows it."""

    def __init__(self, *args, rewards=0.0, depth=0.0, **options):
        super().__init__(*args, **options)
        self._added = rewards, depth

    def _observe(self):
        return super()._observe() + self._added[1]

    def _outcome(self):
        rewards, *ends = super()._outcome()
        return rewards + self._added[0], *ends


@pytest.mark.parametrize('what, named', [('rewards', 'rewards'), ('depth', 'observations')])
def test_what_the_env_gives_that_is_no_number_is_named(tmp_path, what, named):
    options = {what: math.nan}
    message = rf"after 32 steps, for the env's {named} aren't all finite; the last good checkpoint is .*000000"
    with pytest.raises(FloatingPointError, match=message):
        train(tmp_path / 'run', 2, Undefined, options=options)


def test_weights_that_are_no_numbers_are_not_saved(tmp_path, monkeypatch):
    def poison(learner):
        learner.policy.value.bias.detach().fill_(math.nan)
        learner.updates += 1
        return {name: torch.zeros(()) for name in ('episodes', 'policy_loss', 'value_loss', 'grad_norm')}

    monkeypatch.setattr(Learner, 'update', poison)
    message = r'weights that are not finite after update 1: value.bias; the last good checkpoint is .*000000'
    with pytest.raises(FloatingPointError, match=message):
        train(tmp_path / 'run', 1)
    assert [path.name for path in (tmp_path / 'run' / 'checkpoints').iterdir()] == ['000000']


def test_maps_that_nobody_learns_in_are_named(tmp_path):
    with pytest.warns(UserWarning, match='6 of the 10 maps are played by nobody: 1, 3, 4, .* at least 10, got 4'):
        train(tmp_path / 'run', 1, maps=boxes(10))


@pytest.mark.filterwarnings('error:.*played by nobody')
@pytest.mark.parametrize('name, count', [('minimal', 4), ('deathmatch', 1)])
def test_of_a_tasks_own_maps_as_many_are_learnt_in_as_there_are_worlds(tmp_path, name, count):
    learning.train(name, tmp_path / 'run', TINY, steps=STEPS, device='cpu', bar=False)
    maps = MapSet.load(tmp_path / 'run' / 'maps.safetensors')
    assert maps.digest('walls') == Task.of(name).default_maps()[:count].digest('walls')


def test_maps_to_be_evaluated_in_must_be_others(tmp_path):
    with pytest.raises(ValueError, match=r'eval_maps must have no map of maps, .* map 1 is map 0 of maps: '):
        train(tmp_path / 'run', 1, eval_maps=unseen(1) + boxes(1))
    assert not (tmp_path / 'run').exists()


# Refused


@pytest.mark.parametrize(
    'options, message',
    [
        ({'updates': 0}, 'steps must be at least 1 and finite, got 0'),
        ({'updates': math.inf}, 'steps must be at least 1 and finite, got inf'),
        ({'eval_every': -1}, 'eval_every must be at least 0 seconds, got -1'),
        ({'checkpoint_every': math.nan}, 'checkpoint_every must be at least 0 seconds, got nan'),
        ({'eval_episodes': 0}, 'eval_episodes must be an integer of at least 1, got 0'),
        ({'keep': 0}, 'keep must be an integer of at least 1, got 0'),
        ({'name': 'chess'}, "env must be one of deathmatch, .* Gymnasium id, got 'chess'"),
        ({'maps': boxes()[:0]}, 'maps must be at least 1 a process, 1 in all, got 0'),
        ({'name': 'deathmatch', 'settings': Settings(num_envs=6, num_minibatches=2)}, 'multiple of num_agents'),
        ({'opponents': 1}, 'opponents must be 0 in minimal, which has no script for any, got 1'),
        ({'name': 'deathmatch', 'opponents': 4}, 'opponents must be an integer from 0 to 3 in deathmatch, got 4'),
        ({'name': 'deathmatch', 'opponents': -1}, 'opponents must be an integer from 0 to 3 in deathmatch, got -1'),
    ],
)
def test_what_cannot_be_leaves_no_folder(tmp_path, options, message):
    with pytest.raises(ValueError, match=message):
        train(tmp_path / 'run', **{'updates': 1, **options})
    assert not (tmp_path / 'run').exists()


def test_a_folder_in_use_is_refused(tmp_path, six):
    before = contents(six)
    with pytest.raises(
        ValueError, match=r'six holds a run: --resume goes on .*, --overwrite begins .*, resume=True or overwrite'
    ):
        train(six, 6)
    with pytest.raises(ValueError, match=r'holds no run: there is no run\.json in it'):
        train(tmp_path / 'nowhere', 6, resume=True)
    (tmp_path / 'letters').mkdir()
    (tmp_path / 'letters' / 'to whom.txt').write_text('Dear')
    with pytest.raises(ValueError, match='must be a new folder, or one of a run; it holds something else'):
        train(tmp_path / 'letters', 6, overwrite=True)
    assert contents(six) == before
    assert (tmp_path / 'letters' / 'to whom.txt').read_text() == 'Dear'


def test_weights_that_do_not_fit_are_refused(tmp_path, six):
    before, out = contents(six), tmp_path / 'run'
    for named, message in (
        ({'weights': tmp_path}, r'holds no run: there is no run\.json in it'),
        ({'weights': six, 'settings': replace(TINY, width=16)}, 'must be for width 16, got 8'),
        ({'weights': six, 'name': 'waypoint'}, 'must be for observation_space'),
    ):
        with pytest.raises(ValueError, match=message):
            train(out, 1, **named)
    for named in (six, found(six / 'checkpoints')[-1]):
        with pytest.raises(ValueError, match=r'weights must be of a run in another folder than .*six, got .*six'):
            train(six, 1, overwrite=True, weights=named)
    assert not out.exists() and contents(six) == before


def test_damaged_weights_are_refused(tmp_path, six):
    shutil.copytree(six, tmp_path / 'six')
    path = found(tmp_path / 'six' / 'checkpoints')[-1]
    (path / 'policy.safetensors').write_bytes(b'cut short')
    for named in (tmp_path / 'six', path):
        with pytest.raises(ValueError, match=r'policy\.safetensors is damaged'):
            train(tmp_path / 'run', 1, weights=named)
    assert not (tmp_path / 'run').exists()


def test_overwriting_removes_the_run_and_nothing_else(tmp_path):
    out = tmp_path / 'run'
    out.mkdir()  # an empty folder is as good as none
    train(out, 3)
    (out / 'film.mp4').write_text('mine')
    train(out, 1, overwrite=True)
    assert [path.name for path in found(out / 'checkpoints')] == ['000000', '000001']
    assert [line['updates'] for line in Run(out).lines()] == [1]
    assert (out / 'film.mp4').read_text() == 'mine'


@pytest.mark.parametrize(
    'options, message',
    [
        ({'name': 'waypoint'}, 'was begun with env minimal, got waypoint: resume with the arguments'),
        ({'maps': boxes(3)}, 'was begun with maps.count 2, got 3'),
        ({'settings': Settings(**{**vars(TINY), 'width': 16})}, 'was begun with settings.width 8, got 16'),
    ],
)
def test_a_run_goes_on_only_as_it_was_begun(six, options, message):
    before = contents(six)
    with pytest.raises(ValueError, match=message):
        train(six, 8, resume=True, **options)
    assert contents(six) == before
