"""Several processes that train together: one shard of the maps each, one set of weights, and no end when one dies."""

import json
import os
import shutil
import signal
import socket
from pathlib import Path

import pytest
import torch
from child_processes import wait_until
from trainings import ARGUMENTS, STEPS, boxes, command, contents, train, weights

from megastep.cli import main
from megastep.learning.run import distributed
from megastep.learning.run.checkpoints import _check_weights, found, verified
from megastep.learning.run.distributed import ProcessGroup, device_for, joined, restarts
from megastep.learning.run.run_folder import Run

CPU = torch.device('cpu')
SIZE = 3
"""How many processes train together. Two numbers' sum is the same in any order; three numbers' isn't."""

UPDATES = 24
"""More than can be made in the time it takes to kill a process."""


def arguments(folder, checkpoint_every):
    maps = folder / 'boxes.safetensors'
    boxes(4).save(maps)
    steps = SIZE * STEPS * UPDATES
    options = {
        '--out': folder / 'run', '--maps': maps, '--steps': steps, '--checkpoint-every': checkpoint_every,
        '--weights': folder.parent / 'before',
    }  # fmt: skip
    return ['train', *ARGUMENTS, *(str(part) for option in options.items() for part in option)]


def by_hand(folder, monkeypatch):
    """Trains in this process and others, without a launcher."""
    with socket.socket() as place:
        place.bind(('localhost', 0))
        port = place.getsockname()[1]
    variables = {'MASTER_ADDR': 'localhost', 'MASTER_PORT': str(port), 'WORLD_SIZE': str(SIZE)}
    others = [command(*arguments(folder, 300), **variables, RANK=rank, LOCAL_RANK=rank) for rank in ('1', '2')]
    for name, value in {**variables, 'RANK': '0', 'LOCAL_RANK': '0'}.items():
        monkeypatch.setenv(name, value)
    assert main(arguments(folder, 300)) == 0
    for other in others:
        output, errors = other.communicate()
        assert (other.returncode, output) == (0, ''), errors  # one of them speaks


def process_of(launcher, rank):
    """The number of the process that a launcher has started for a rank."""
    children = Path(f'/proc/{launcher.pid}/task/{launcher.pid}/children').read_text().split()
    variables = {int(pid): Path(f'/proc/{pid}/environ').read_bytes().split(b'\0') for pid in children}
    return next(pid for pid, environment in variables.items() if f'RANK={rank}'.encode() in environment)


@pytest.mark.skipif(not Path('/proc/self/task').exists(), reason='finds the processes to kill in /proc')
def test_processes_train_as_one_even_if_one_is_killed(tmp_path, monkeypatch):
    """The one that is killed isn't the one that writes. What comes of it is what comes of a run that nobody killed.

    Both begin with the weights of a run before, which isn't needed any more when the processes are restarted.
    """
    train(tmp_path / 'before', 1)
    begun = weights(tmp_path / 'before')
    for name in ('killed', 'whole'):
        (tmp_path / name).mkdir()
    torchrun = ('torch.distributed.run', '--standalone', f'--nproc-per-node={SIZE}', '--max-restarts=1', '-m')
    launcher = command(*arguments(tmp_path / 'killed', 0), launcher=torchrun)
    killed, whole = tmp_path / 'killed' / 'run', tmp_path / 'whole' / 'run'
    wait_until(lambda: len(found(killed / 'checkpoints')) >= 3, launcher)
    (tmp_path / 'before').rename(tmp_path / 'elsewhere')
    os.kill(process_of(launcher, 1), signal.SIGKILL)
    output, errors = launcher.communicate()
    assert launcher.returncode == 0, errors
    assert 'exitcode: -9' in errors
    assert output.count(f'{SIZE * STEPS * UPDATES:,} steps are made; ') == 1

    (tmp_path / 'elsewhere').rename(tmp_path / 'before')
    by_hand(tmp_path / 'whole', monkeypatch)
    assert (Run(whole).checkpoints / '000000' / 'policy.safetensors').read_bytes() == begun
    assert weights(killed) == weights(whole)
    assert [line['updates'] for line in Run(killed).lines()] == list(range(1, UPDATES + 1))
    assert [line['frames'] for line in Run(killed).lines()][:2] == [SIZE * STEPS, 2 * SIZE * STEPS]
    assert [line['episodes'] for line in Run(killed).lines()] == [line['episodes'] for line in Run(whole).lines()]
    assert json.loads(Run(killed).description.read_text())['processes'] == SIZE

    path = found(killed / 'checkpoints')[-1]
    states = [f'learner-{rank}.pt' for rank in range(SIZE)]
    assert set(verified(path)['files']) == {'policy.safetensors', 'optimizer.pt', *states}
    first, *_, last = (torch.load(path / name, weights_only=True) for name in states)
    assert not torch.equal(first['generators']['policy'], last['generators']['policy'])
    assert first['env']['core']['map_ids'].max() == 1  # two of the four maps
    assert last['env']['core']['map_ids'].max() == 0


def test_a_process_alone_is_a_group(monkeypatch):
    for name in distributed.LAUNCHED:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.delenv('TORCHELASTIC_RESTART_COUNT', raising=False)
    with joined('cpu') as group:
        assert (group, group.leads) == (ProcessGroup(0, 1, CPU), True)
        assert group.agree((0, True, 15)) == [0, 1, 15]
        assert group.gather('mine') == ['mine']
        assert group.once(lambda: 7) == 7
        assert len(group.shard(boxes(3))) == 3
    assert not torch.distributed.is_initialized()
    assert restarts() == 0


def test_restarted_processes_go_on_with_their_own_run_alone(tmp_path, monkeypatch):
    out = tmp_path / 'run'

    def restarted(launch, count):
        monkeypatch.setenv('TORCHELASTIC_RUN_ID', launch)
        monkeypatch.setenv('TORCHELASTIC_RESTART_COUNT', str(count))

    restarted('first', 0)
    train(out, 1)
    before = contents(out)
    for count in (0, 1):  # what was refused isn't done when torchrun tries again
        restarted('second', count)
        with pytest.raises(ValueError, match='run holds a run: --resume goes on with it'):
            train(out, 2)
        assert contents(out) == before
    restarted('first', 1)
    train(out, 2)
    assert [line['updates'] for line in Run(out).lines()] == [1, 2]
    restarted('second', 1)  # it died before it could overwrite what it was to overwrite
    train(out, 1, overwrite=True)
    assert [line['updates'] for line in Run(out).lines()] == [1]
    train(out, 2, overwrite=True)  # and now what it died in is its own
    assert [line['updates'] for line in Run(out).lines()] == [1, 2]
    shutil.rmtree(out / 'checkpoints')  # it died before the first
    train(out, 1)
    assert [line['updates'] for line in Run(out).lines()] == [1]


def test_launches_that_have_no_name_are_told_apart(tmp_path, monkeypatch):
    """As they may be where torchrun isn't told to stand alone: they log in folders of their own."""

    def attempt(launch, number):
        monkeypatch.setenv('TORCHELASTIC_RUN_ID', 'none')
        monkeypatch.setenv('TORCHELASTIC_RESTART_COUNT', str(number))
        monkeypatch.setenv('TORCHELASTIC_ERROR_FILE', f'{launch}/attempt_{number}/0/error.json' if launch else '')

    out = tmp_path / 'run'
    attempt('logs/none_a1', 0)
    train(out, 1)
    attempt('logs/none_a1', 1)
    train(out, 2)
    assert [line['updates'] for line in Run(out).lines()] == [1, 2]
    for launch in ('logs/none_b2', None):
        attempt(launch, 1)
        with pytest.raises(ValueError, match='run holds a run'):
            train(out, 3)
    train(tmp_path / 'other', 1)
    with pytest.raises(ValueError, match='other holds a run'):  # both are nobody's
        train(tmp_path / 'other', 2)


def test_what_goes_wrong_for_one_goes_wrong_for_all():
    def fail():
        raise ValueError('no room')

    with pytest.raises(ValueError, match='no room'):
        ProcessGroup(0, 1, CPU).once(fail)


@pytest.mark.parametrize('size', [1, 2, 5])
def test_every_map_is_in_one_shard(size):
    maps = boxes(5)
    shards = [ProcessGroup(rank, size, CPU).shard(maps) for rank in range(size)]
    assert sorted(number for shard in shards for number in shard.indices.tolist()) == list(range(5))
    with pytest.raises(ValueError, match='maps must be at least 1 a process, 6 in all, got 5'):
        ProcessGroup(0, 6, CPU).shard(maps)


def test_processes_have_a_gpu_each(monkeypatch):
    monkeypatch.setattr(torch.cuda, 'device_count', lambda: 2)
    assert device_for(None, 1) == torch.device('cuda', 1)
    assert device_for('cuda:1', 0) == torch.device('cuda', 1)
    assert device_for('cpu', 7) == CPU
    with pytest.raises(ValueError, match='device must be one of 2 GPUs, a process each, got number 2'):
        device_for(None, 2)
    monkeypatch.setattr(torch.cuda, 'device_count', lambda: 0)
    assert device_for(None, 3) == CPU
    with pytest.raises(ValueError, match="device must be 'cpu' where there is no GPU, got 'cuda'"):
        device_for('cuda')


def test_different_weights_are_never_saved(monkeypatch):
    monkeypatch.setattr(ProcessGroup, 'gather', lambda group, value: [value, 'another'])
    with pytest.raises(RuntimeError, match='the processes have come to different weights by update 3'):
        _check_weights({'a': torch.ones(2)}, 3, ProcessGroup(0, 2, CPU))
