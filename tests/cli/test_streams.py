"""The command with its output closed, full or cut off: it works, and what it could not say it says it could not."""

import os
import subprocess
import sys

import pytest

from megastep import MapSet, mapgen


def shell(command, *arguments):
    line = [sys.executable, '-m', 'megastep', *map(str, arguments)]
    return subprocess.run(['sh', '-c', f'exec "$@" {command}', 'sh', *line], capture_output=True, text=True)


@pytest.mark.parametrize('arguments', [['families'], ['--help']])
def test_output_that_is_lost_is_an_error(arguments):
    done = shell('>&-', *arguments)
    assert (done.returncode, done.stderr) == (
        2,
        'megastep: standard output is closed, so what there was to say is lost.\n',
    )


def test_output_that_does_not_fit_is_an_error():
    done = shell('>/dev/full', 'families')
    message = 'megastep: standard output can not be written: No space left on device.\n'
    assert (done.returncode, done.stderr) == (2, message)


@pytest.mark.parametrize('arguments', [['--help'], ['families'], ['doctor']])
def test_a_terminal_of_few_letters_gets_question_marks(arguments, monkeypatch):
    monkeypatch.setenv('PYTHONIOENCODING', 'ascii')
    done = shell('', *arguments)
    assert done.returncode < 2, done.stderr  # the doctor may have found something
    assert '?' in done.stdout


def test_files_whose_names_are_no_letters_are_named_all_the_same(tmp_path):
    out = os.fsdecode(bytes(tmp_path / 'maps') + b'\xff.safetensors')
    done = shell('', 'generate', 'box', 1, out)
    assert done.returncode == 0
    assert done.stdout.startswith(f'1 box map (median 1 room, 4 walls and 25 m²) is in {tmp_path}/maps?.safetensors (')
    assert len(MapSet.load(out)) == 1


def test_the_files_are_written_whole_all_the_same(tmp_path):
    """Nothing that is opened takes the place of a closed stream, and gets what is meant for it."""
    path, picture = tmp_path / 'maps.safetensors', tmp_path / 'maps.png'
    for command in ('<&- >&- 2>&-', '>&-'):
        shell(command, 'generate', 'box', 3, path)
        assert MapSet.load(path)[2].area == mapgen.generate('box', 3)[2].area
        shell(command, 'show', path, '--out', picture)
        assert picture.read_bytes()[1:4] == b'PNG'
        path.unlink()
        picture.unlink()
