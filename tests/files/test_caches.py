"""Kernels are compiled wherever megastep is installed: also where nothing can be written but temporary files."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from megastep.maps import caches


@pytest.fixture(autouse=True)
def surroundings(monkeypatch, tmp_path):
    for name in ('NUMBA_CACHE_DIR', 'TRITON_CACHE_DIR', 'XDG_CACHE_HOME', 'TRITON_HOME'):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv('HOME', str(tmp_path / 'home'))
    monkeypatch.setattr(caches.tempfile, 'tempdir', str(tmp_path))
    yield
    for name in ('NUMBA_CACHE_DIR', 'TRITON_CACHE_DIR'):
        os.environ.pop(name, None)


def read_only(monkeypatch, *places):
    monkeypatch.setattr(
        caches, 'can_write', lambda folder: not any(part in places for part in (folder, *folder.parents))
    )


def test_nothing_is_changed_where_all_can_be_written():
    caches.provide()
    assert 'NUMBA_CACHE_DIR' not in os.environ and 'TRITON_CACHE_DIR' not in os.environ


def test_a_read_only_installation_leaves_the_home(monkeypatch):
    read_only(monkeypatch, caches.PACKAGE)
    caches.provide()
    assert 'NUMBA_CACHE_DIR' not in os.environ and 'TRITON_CACHE_DIR' not in os.environ


def test_without_a_home_too_there_are_temporary_folders(monkeypatch, tmp_path):
    import numba

    monkeypatch.setattr(numba.config, 'CACHE_DIR', '')
    read_only(monkeypatch, caches.PACKAGE, tmp_path / 'home')
    caches.provide()
    numbas, tritons = Path(os.environ['NUMBA_CACHE_DIR']), Path(os.environ['TRITON_CACHE_DIR'])
    assert numbas.parent == tritons.parent == caches.temporary()
    assert (numbas.name.partition('-')[0], tritons.name.partition('-')[0]) == ('numba', 'triton')
    assert str(numbas) == numba.config.CACHE_DIR


def test_another_kernel_has_another_temporary_folder_however_deep_it_lies(monkeypatch, tmp_path):
    kernel = tmp_path / 'numba' / 'raycasting' / 'casting.py'
    kernel.parent.mkdir(parents=True)
    kernel.write_text('')
    monkeypatch.setattr(caches, 'PACKAGE', tmp_path)
    os.utime(kernel, ns=(1, 1))
    before = caches.newest()
    os.utime(kernel, ns=(2, 2))
    assert caches.newest() > before


def test_folders_that_are_named_are_used(monkeypatch, tmp_path):
    monkeypatch.setenv('NUMBA_CACHE_DIR', '/named')
    read_only(monkeypatch, caches.PACKAGE, tmp_path / 'home')
    caches.provide()
    assert os.environ['NUMBA_CACHE_DIR'] == '/named'


def test_the_temporary_folder_is_the_users_alone(tmp_path):
    folder = caches.temporary()
    assert folder == caches.temporary()
    assert folder.stat().st_mode & 0o777 == 0o700
    folder.chmod(0o777)
    assert caches.temporary() != folder
    folder.rmdir()
    folder.symlink_to(tmp_path)
    assert caches.temporary() != folder


def test_a_folder_below_one_that_can_be_written_can_be(tmp_path):
    assert caches.can_write(tmp_path / 'a' / 'b')
    (tmp_path / 'file').touch()
    assert not caches.can_write(tmp_path / 'file' / 'b')
    assert not caches.can_write(Path('/proc/none'))


def test_kernels_compile_where_only_temporary_files_can_be_written(tmp_path):
    """Numba can write neither beside the source nor to the user's cache, and is asked for a kernel."""
    code = (
        'import numba.core.caching as c, megastep\n'
        'def fail(self): raise OSError("read-only")\n'
        'c.InTreeCacheLocator.ensure_cache_path = c.UserWideCacheLocator.ensure_cache_path = fail\n'
        'from megastep.maps import caches\n'
        'caches.can_write = lambda folder: False\n'
        'caches.provide()\n'
        'from megastep.numba.raycasting import by_ray\n'
        'from pathlib import Path\n'
        'assert caches.temporary() in Path(str(by_ray._render.stats.cache_path)).parents\n'
    )
    subprocess.run([sys.executable, '-c', code], check=True, env={**os.environ, 'TMPDIR': str(tmp_path)})
