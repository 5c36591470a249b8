"""Runs that were ended as they began, and folders in which something else lies: they go on, or say what is wrong."""

import os

import pytest
from trainings import STEPS, TINY, boxes, contents, train, weights

from megastep.cli.train import spelled_out
from megastep.learning.run.checkpoints import MANIFEST, Checkpoints, found, verified
from megastep.learning.run.run_folder import Run


class KilledError(BaseException):
    """A process that was ended where nothing of its own could be done about it."""


def killed_at_the_first_checkpoint(monkeypatch, out):
    def die(checkpoints):
        raise KilledError

    with monkeypatch.context() as patched:
        patched.setattr(Checkpoints, 'write', die)
        with pytest.raises(KilledError):
            train(out, 3)
    assert Run(out).description.is_file() and not found(Run(out).checkpoints)


def test_one_command_begins_goes_on_and_is_done(tmp_path, monkeypatch):
    out = tmp_path / 'run'
    killed_at_the_first_checkpoint(monkeypatch, out)
    assert train(out, 1, resume='auto').frames == STEPS
    begun = weights(out)
    assert train(out, 3, resume='auto').frames == 3 * STEPS
    assert weights(out) != begun
    once = contents(out / 'checkpoints')
    assert train(out, 3, resume='auto').frames == 3 * STEPS
    assert contents(out / 'checkpoints') == once
    train(tmp_path / 'whole', 3)
    assert weights(out) == weights(tmp_path / 'whole')


def test_a_run_without_a_checkpoint_says_how_it_begins_anew(tmp_path, monkeypatch):
    out = tmp_path / 'run'
    killed_at_the_first_checkpoint(monkeypatch, out)
    message = r"holds a run that ended before its first checkpoint, .* --resume auto .* resume='auto' or overwrite=True"
    for resume in (False, True):
        with pytest.raises(ValueError, match=message):
            train(out, 3, resume=resume)
    train(out, 1, overwrite=True)


def test_opponents_that_are_left_from_before_there_was_a_run_are_no_hindrance(tmp_path):
    out = tmp_path / 'run'
    for folder in ('opponents', '.opponents'):
        (out / folder / '000').mkdir(parents=True)
    train(out, 1)
    assert not (out / 'opponents').exists()
    other = tmp_path / 'other' / 'opponents' / 'mine'
    other.mkdir(parents=True)
    with pytest.raises(ValueError, match='other must be a new folder, or one of a run; it holds something else'):
        train(tmp_path / 'other', 1)
    assert other.is_dir()


LEFT = ['maps.safetensors', '.maps.safetensors.0123456789abcdef.safetensors', '.run.json.0123456789abcdef.json']


@pytest.mark.parametrize('left', LEFT)
def test_what_is_left_from_before_there_was_a_run_is_no_hindrance(tmp_path, left):
    out = tmp_path / 'run'
    out.mkdir()
    (out / left).write_bytes(b'half')
    train(out, 1)
    assert not list(out.glob('.*.json')) and not list(out.glob('.maps*'))


def test_a_run_that_differs_is_refused_before_anything_is_begun(tmp_path, monkeypatch):
    out = tmp_path / 'run'
    train(out, 1)
    with pytest.raises(ValueError, match='was begun with maps'):
        train(out, 2, maps=boxes(3), resume='auto')


@pytest.mark.parametrize('line', [
    b'\xff\xfe\n', b'{"updates": "x"}\n', b'{"updates": 1}\n', b'[1]\n',
    b'{"updates": 1, "frames": 2, "seconds": "3"}\n',
    b'[' * 50_000 + b'\n',
])  # fmt: skip
def test_lines_that_are_none_are_left_out_of_a_log(tmp_path, line):
    out = tmp_path / 'run'
    train(out, 1)
    lines = Run(out).lines()
    with open(Run(out).log, 'ab') as file:
        file.write(line)
    assert Run(out).lines() == lines
    assert train(out, 2, resume=True).frames == 2 * STEPS
    assert [each['updates'] for each in Run(out).lines()] == [1, 2]


def test_what_is_no_checkpoint_is_passed_over(tmp_path):
    out = tmp_path / 'run'
    train(out, 1)
    checkpoints = Run(out).checkpoints
    (checkpoints / '999999').write_text('a stray file')
    for name in ('7', '\uff10' * 6, '000002x', 'notes'):
        (checkpoints / name).mkdir()
    assert [path.name for path in found(checkpoints)] == ['000000', '000001']
    assert train(out, 2, resume=True).frames == 2 * STEPS


@pytest.mark.parametrize('text, message', [
    ('[' * 100_000, 'is damaged: is nested too deep'),
    ('{"env": 1, "env": 2}', "is damaged: an object must have each key once, got 'env' twice"),
    ('\udcff', 'is damaged: .*utf-8'),
])  # fmt: skip
def test_a_damaged_configuration_is_named(tmp_path, text, message):
    out = tmp_path / 'run'
    train(out, 1)
    Run(out).description.write_bytes(text.encode(errors='surrogateescape'))
    with pytest.raises(ValueError, match=f'{Run(out).description} {message}'):
        train(out, 2, resume=True)


def test_pipes_are_not_waited_for(tmp_path):
    out = tmp_path / 'run'
    train(out, 1)
    run = Run(out)
    for path, read in (
        (run.description, run.read),
        (run.log, run.lines),
        (found(run.checkpoints)[-1] / MANIFEST, None),
    ):
        path.unlink()
        os.mkfifo(path)
        with pytest.raises(ValueError, match=str(path)):
            read() if read else verified(path.parent)


@pytest.mark.parametrize('name', ['../run.json', '/etc/passwd', 'a/b'])
def test_manifests_name_files_beside_them(tmp_path, name):
    (tmp_path / MANIFEST).write_text(f'{{"files": {{"{name}": "0"}}}}')
    with pytest.raises(ValueError, match=f'{tmp_path / MANIFEST} must name files beside it, got '):
        verified(tmp_path)


@pytest.mark.parametrize('given, expected', [
    (['train', 'minimal', '--resume'], ['train', 'minimal', '--resume', 'yes']),
    (['train', '--resume', 'minimal', '--out', 'a'], ['train', '--resume', 'yes', 'minimal', '--out', 'a']),
    (['train', 'minimal', '--resume', 'auto'], ['train', 'minimal', '--resume', 'auto']),
    (['train', 'minimal', '--resume=auto'], ['train', 'minimal', '--resume=auto']),
    (['generate', 'house', '5', 'a', '--resume'], ['generate', 'house', '5', 'a', '--resume']),
    ([], []),
])  # fmt: skip
def test_resume_alone_means_yes(given, expected):
    assert spelled_out(given) == expected


def test_the_command_takes_auto(tmp_path):
    from megastep.cli import main

    maps = tmp_path / 'maps.safetensors'
    boxes().save(maps)
    command = ['train', 'minimal', '--maps', str(maps), '--out', str(tmp_path / 'run'), '--device', 'cpu']
    small = ['--num-envs', '4', '--horizon', '8', '--num-minibatches', '2', '--width', '8', '--stagger', '16']
    for updates in (1, 2):
        assert main([*command, *small, '--resume', 'auto', '--steps', str(updates * STEPS)]) == 0
    assert [line['updates'] for line in Run(tmp_path / 'run').lines()] == [1, 2]
    assert Run(tmp_path / 'run').read().settings == TINY
