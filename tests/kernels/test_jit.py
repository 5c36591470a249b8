"""How kernels are compiled for a CPU: what is kept, when it is forgotten, and how threads share work."""

import gc
import os
import subprocess
import sys
from functools import partial

import numpy as np
import pytest
from numba import njit
from numba.core.runtime import _nrt_python, rtsys

from megastep.numba.jit.linking import LAUNCHED, PART, uncollected
from megastep.numba.jit.parallel import in_blocks

KERNELS = """
from numba import njit
from megastep.numba.jit.linking import LAUNCHED
from planted.parts import part

@njit(**LAUNCHED)
def launched(x):
    return part(x)
"""
PARTS = """
from numba import njit
from megastep.numba.jit.linking import PART

@njit(**PART)
def part(x):
    return x + {}
"""
RUN = """
from planted.kernels import launched
print(launched(1), sum(launched.stats.cache_hits.values()))
"""
READ_ONLY = """
import numba.core.caching as caching
def fail(self): raise OSError('read-only')
caching.InTreeCacheLocator.ensure_cache_path = fail
"""


def plant(folder, added):
    """Writes a package of a kernel, and a function that it calls, which adds a number."""
    package = folder / 'planted'
    package.mkdir(exist_ok=True)
    init = 'from pathlib import Path\nfrom megastep.numba.jit.cache import forget_stale_code\n'
    (package / '__init__.py').write_text(f'{init}forget_stale_code(Path(__file__).parent)\n')
    (package / 'kernels.py').write_text(KERNELS)
    (package / 'parts.py').write_text(PARTS.format(added))
    for path in package.glob('*.py'):
        os.utime(path, (1, 1))  # older than whatever is compiled of them, as an installer may leave them


def run(folder, code, **variables):
    """Runs the kernel in a process of its own: what it returns, and how often it was loaded."""
    known = {**os.environ, 'PYTHONPATH': os.pathsep.join([str(folder), *sys.path]), **variables}
    command = [sys.executable, '-B', '-c', code]
    return [*map(int, subprocess.run(command, env=known, check=True, capture_output=True, text=True).stdout.split())]


@pytest.mark.parametrize('place', ['named', 'beside', 'user'])
def test_kernels_are_kept_until_what_they_call_changes(tmp_path, place, monkeypatch):
    monkeypatch.delenv('NUMBA_CACHE_DIR', raising=False)
    variables = {'XDG_CACHE_HOME': str(tmp_path / 'user')}
    if place == 'named':
        variables['NUMBA_CACHE_DIR'] = str(tmp_path / 'named')
    run_once = partial(run, tmp_path, (READ_ONLY if place == 'user' else '') + RUN, **variables)
    plant(tmp_path, 1)
    assert [run_once(), run_once()] == [[2, 0], [2, 1]]
    plant(tmp_path, 2)
    assert [run_once(), run_once()] == [[3, 0], [3, 1]]
    kept = [path.name.partition('-')[0] for path in tmp_path.rglob('*.nbi')]
    assert kept == ['kernels.launched']  # nothing of what it calls
    assert any((tmp_path / ('planted' if place == 'beside' else place)).rglob('*.nbi'))


SHARED = """
import sys
import numpy as np
from numba import njit
from megastep.numba.jit.linking import LAUNCHED, PART
from megastep.numba.jit.parallel import in_blocks

@njit(**PART)
def fill(counts, number, first, last):
    for row in range(first, last):
        counts[row] = number

@njit(**LAUNCHED)
def fill_ones(counts):
    in_blocks(fill, (counts, 1), len(counts), 1)

@njit(**LAUNCHED)
def fill_twos(counts):
    in_blocks(fill, (counts, 2), len(counts), 1)

if __name__ == '__main__':
    counts = np.zeros(3, np.int64)
    kernel = globals()[sys.argv[1]]
    kernel(counts)
    print(counts.sum(), sum(kernel.stats.cache_hits.values()))
"""


def test_threads_are_there_for_a_kernel_compiled_after_what_shares_its_work_was_kept(tmp_path):
    path, known = tmp_path / 'shared.py', {**os.environ, 'NUMBA_CACHE_DIR': str(tmp_path)}
    path.write_text(SHARED)
    found = []
    for kernel in ('fill_ones', 'fill_twos', 'fill_twos'):
        environment = {**known, 'PYTHONPATH': os.pathsep.join(sys.path)}
        command = [sys.executable, str(path), kernel]
        found.append(subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout)
    assert found == ['3 0\n', '6 0\n', '6 1\n']


@njit(**PART)
def count_up(counts, lengths, first, last):
    """Counts each row, and how many rows each piece of work has."""
    for row in range(first, last):
        counts[row] += 1
        lengths[row] = last - first


@njit(**{**LAUNCHED, 'cache': False})
def count_all(counts, lengths, size):
    """Counts each row in blocks."""
    in_blocks(count_up, (counts, lengths), len(counts), size)


@pytest.mark.parametrize('count, size', [(0, 4), (1, 4), (4, 4), (5, 4), (1000, 1), (1000, 16)])
def test_threads_do_each_row_once_in_blocks(count, size):
    counts, lengths = np.zeros((2, count), np.int64)
    count_all(counts, lengths, size)
    assert (counts == 1).all()
    whole = count // size * size
    assert (lengths[:whole] == size).all() and (lengths[whole:] == count - whole).all()


@njit(**PART)
def room_for(count):
    """Room for so many numbers, none of them written."""
    return np.empty(count, np.int64)


@njit(**{**LAUNCHED, 'cache': False})
def allocate(count):
    """Allocates room, and returns how many numbers it is for."""
    return len(room_for(count))


def test_what_a_kernel_allocates_is_freed():
    assert allocate(3) == 3  # compiled before anything is counted
    _nrt_python.memsys_enable_stats()
    try:
        before = rtsys.get_allocation_stats()
        assert allocate(5) == 5
        after = rtsys.get_allocation_stats()
    finally:
        _nrt_python.memsys_disable_stats()
    assert after.alloc - before.alloc == after.free - before.free == 1


@pytest.mark.parametrize('was_enabled', [True, False])
def test_the_garbage_collector_is_as_it_was_after_compiling(was_enabled):
    (gc.enable if was_enabled else gc.disable)()
    try:
        with uncollected():
            assert not gc.isenabled()
        assert gc.isenabled() == was_enabled
    finally:
        gc.enable()
