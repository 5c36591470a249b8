"""Writers that are killed lose nothing and leave nothing; a full disk is named; of two writers the later wins whole."""

import os
import resource
import signal
import subprocess
import sys

import numpy as np
import pytest
import worlds

from megastep import MapSet, plotting
from megastep.maps.storage import atomic, temporaries

MAPS = MapSet([worlds.box(), worlds.box(right=6.0)])

WRITERS = {
    'maps.safetensors': lambda path: MAPS.save(path),
    'maps.geojson': lambda path: MAPS.to_geojson(path),
    'picture.png': lambda path: plotting.gallery(MAPS, 2).savefig(path),
    'picture.svg': lambda path: plotting.gallery(MAPS, 2).savefig(path),
}

KILLED = """
import os, signal, sys
from pathlib import Path
from megastep.maps.storage import atomic
with atomic.replacing(Path(sys.argv[1])) as beside:
    if sys.argv[2]:
        beside.write_bytes(b'half')
    os.kill(os.getpid(), signal.SIGKILL)
"""

WAITS = """
import sys
from pathlib import Path
from megastep.maps.storage import atomic
with atomic.replacing(Path(sys.argv[1])) as beside:
    beside.write_bytes(b'slow')
    print('ready', flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def full_disk():
    """Files can have 100 bytes at the most."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)
    signal.signal(signal.SIGXFSZ, handler)


@pytest.mark.parametrize('name, write', WRITERS.items(), ids=WRITERS)
def test_a_full_disk_leaves_what_was_there_and_is_named(tmp_path, full_disk, name, write):
    path = tmp_path / name
    path.write_bytes(b'old')
    with pytest.raises(OSError, match=f"can not be written: File too large: '{path}'") as caught:
        write(path)
    assert caught.value.filename == str(path)
    assert path.read_bytes() == b'old'
    assert os.listdir(tmp_path) == [name]


@pytest.mark.parametrize('content', ['', 'half'])
def test_what_killed_writers_leave_goes_with_the_next_write(tmp_path, content):
    path, other = tmp_path / 'maps.x', tmp_path / 'maps.x.x'
    for target in (path, path, other):
        subprocess.run([sys.executable, '-c', KILLED, target, content], check=False)
    assert len(os.listdir(tmp_path)) == 2  # the second cleared what the first had left
    atomic.replace(path, b'new')
    assert path.read_bytes() == b'new'
    assert len(os.listdir(tmp_path)) == 2  # the other's are the other's
    atomic.replace(other, b'new')
    assert sorted(os.listdir(tmp_path)) == ['maps.x', 'maps.x.x']


def test_of_two_writers_the_later_wins_whole(tmp_path):
    """What another writer that lives is writing isn't taken from it."""
    path = tmp_path / 'maps'
    slow = subprocess.Popen(
        [sys.executable, '-c', WAITS, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert slow.stdout.readline() == 'ready\n'
    atomic.replace(path, b'quick')
    assert path.read_bytes() == b'quick'
    slow.communicate('')
    assert slow.returncode == 0
    assert path.read_bytes() == b'slow'
    assert os.listdir(tmp_path) == ['maps']


def test_one_that_is_taken_for_abandoned_is_made_anew(tmp_path, monkeypatch):
    answers = iter([False, True])
    monkeypatch.setattr(temporaries, '_lock', lambda handle: next(answers))
    with temporaries.beside(tmp_path / 'a.png') as beside:
        assert beside.exists()


def test_where_files_cannot_be_locked_none_is_cleared(tmp_path, monkeypatch):
    (tmp_path / f'.a.png.{"0" * 16}.png').write_bytes(b'of whom?')
    monkeypatch.setattr(temporaries.fcntl, 'flock', lambda *_: (_ for _ in ()).throw(OSError(95, 'not supported')))
    atomic.replace(tmp_path / 'a.png', b'new')
    assert len(os.listdir(tmp_path)) == 2


@pytest.mark.parametrize('name', ['x' * 240 + '.png', '\u00e9' * 110 + '.png'])
def test_names_may_be_long(tmp_path, name):
    atomic.replace(tmp_path / name, b'new')
    assert os.listdir(tmp_path) == [name]


def test_errors_of_other_files_stay_theirs(tmp_path):
    with pytest.raises(FileNotFoundError) as caught, atomic.replacing(tmp_path / 'a'):
        os.stat('/none/there')
    assert caught.value.filename == '/none/there'


def test_pictures_can_be_written_to_memory():
    assert plotting.gallery(MAPS, 2)._repr_png_()[1:4] == b'PNG'


@pytest.mark.parametrize('name', ['film.mp4', 'film.gif'])
def test_a_full_disk_is_named_by_films(tmp_path, request, name):
    from megastep.plotting import record

    if name.endswith('mp4'):
        pytest.importorskip('imageio_ffmpeg', reason='needs the extra video')
    request.getfixturevalue('full_disk')
    path = tmp_path / name
    path.write_bytes(b'old')
    noise = np.random.default_rng(0).integers(0, 256, (30, 120, 160, 3), dtype=np.uint8)
    with pytest.raises(OSError) as caught:
        record(noise, path)
    assert str(path) in str(caught.value)
    assert 'ffmpeg' not in str(caught.value)
    assert path.read_bytes() == b'old'
    assert os.listdir(tmp_path) == [name]
