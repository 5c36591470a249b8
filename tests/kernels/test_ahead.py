"""What is compiled ahead is what is launched: each kernel once, in the background, and errors come up at its launch."""

import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import torch
import worlds
from child_processes import wait_until

from envs import Minimal
from megastep import triton
from megastep.triton import ahead
from megastep.world import rendering
from megastep.world.cameras import Cameras
from megastep.world.kernels import finish_compiling

ROOT = Path(__file__).parents[2]
FIRST_STEP = ROOT / 'tests' / 'support' / 'compiled_kernels.py'
BACKGROUND = 'megastep-compiling'


class Kernel:
    """A kernel that notes what is done with it, as Triton's are called.

    Args:
        until: What is waited for before it is compiled.
        error: What goes wrong then.
    """

    def __init__(self, until=None, error=None):
        self.until, self.error, self.done = until, error, []

    def warmup(self, *args, grid, **options):
        if self.until is not None:
            assert self.until.wait(60)
        if self.error is not None:
            raise self.error
        self.done.append(('compiled', threading.current_thread().name.startswith(BACKGROUND)))

    def __getitem__(self, grid):
        return lambda *args, **options: self.done.append(('launched', args, options))


def compile_ahead(kernel, *args, **options):
    with ahead.compiling_ahead():
        ahead.launch(kernel, (1,), *args, **options)


@pytest.fixture(autouse=True)
def nothing_is_left():
    yield
    wait_until(lambda: not ahead._UNDER_WAY)


def test_what_is_launched_is_launched_as_ever():
    kernel = Kernel()
    ahead.launch(kernel, (1,), 2, SIZE=3)
    assert kernel.done == [('launched', (2,), {'SIZE': 3})]


def test_a_launch_waits_for_what_is_compiled_ahead():
    may, kernel = threading.Event(), Kernel()
    kernel.until = may
    compile_ahead(kernel, torch.zeros(3))
    compile_ahead(kernel, torch.ones(5))  # of the same types: it is under way
    assert kernel.done == []
    threading.Timer(0.01, may.set).start()
    numbers = torch.zeros(4)
    ahead.launch(kernel, (1,), numbers)
    assert kernel.done == [('compiled', True), ('launched', (numbers,), {})]


def test_a_launch_waits_for_nothing_of_other_types():
    never, numbers = threading.Event(), torch.zeros(3)
    kernel = Kernel(never)
    compile_ahead(kernel, (numbers, None), SIZE=1)
    others = [((numbers, numbers), 1), ((numbers.int(), None), 1), ((numbers, None), 2)]
    for args, size in others:
        ahead.launch(kernel, (1,), args, SIZE=size)
    assert kernel.done == [('launched', (args,), {'SIZE': size}) for args, size in others]
    never.set()
    ahead.launch(kernel, (1,), (numbers, None), SIZE=1)


def test_what_is_under_way_hinders_no_other_kernel():
    never, kernel, other = threading.Event(), Kernel(), Kernel()
    kernel.until = never
    compile_ahead(kernel, 1)
    ahead.launch(other, (1,), 1)
    assert other.done == [('launched', (1,), {})]
    never.set()
    ahead.launch(kernel, (1,), 1)


def test_an_error_comes_up_at_the_launch_that_waits():
    may, kernel = threading.Event(), Kernel(error=ValueError('no such instruction'))
    kernel.until = may
    compile_ahead(kernel, 1)
    threading.Timer(0.01, may.set).start()
    with pytest.raises(ValueError, match='no such instruction'):
        ahead.launch(kernel, (1,), 1)
    assert kernel.done == []


def test_after_an_error_a_kernel_is_launched_as_ever():
    kernel = Kernel(error=ValueError('no such instruction'))
    compile_ahead(kernel, 1)
    wait_until(lambda: not ahead._UNDER_WAY)
    ahead.launch(kernel, (1,), 1)  # Triton compiles it again, and says what goes wrong
    assert kernel.done == [('launched', (1,), {})]


def test_a_capture_waits_for_all_that_is_compiled():
    may, kernel = threading.Event(), Kernel()
    kernel.until = may
    compile_ahead(kernel, 1)
    threading.Timer(0.01, may.set).start()
    finish_compiling()
    assert kernel.done == [('compiled', True)]


def test_what_goes_wrong_hinders_no_capture():
    compile_ahead(Kernel(error=ValueError('no such instruction')), 1)
    finish_compiling()


def test_where_something_goes_wrong_within_launches_are_launches_afterwards():
    kernel = Kernel()
    with pytest.raises(KeyError), ahead.compiling_ahead():
        raise KeyError
    ahead.launch(kernel, (1,), 1)
    assert kernel.done == [('launched', (1,), {})]


def test_who_watches_is_told_of_what_is_rendered_alone(device, monkeypatch):
    monkeypatch.setattr(rendering, 'implementation', lambda device: triton)
    core, seen = worlds.core_at([worlds.box()], [[(3, 3)]], [[0]], device=device), []
    core.watchers.append(lambda cameras, view: seen.append(view))
    with ahead.compiling_ahead():
        rendering.render(core, Cameras(res=2))
    assert seen == []
    view = rendering.render(core, Cameras(res=2))
    assert seen == [view]


def first_steps(name, folder):
    """Which threads have compiled which kernel in an env's first steps; and what these return."""
    settings = {'TRITON_INTERPRET': '0', 'TRITON_CACHE_DIR': str(folder), 'PYTHONPATH': str(ROOT)}
    command, environment = [sys.executable, str(FIRST_STEP), name], {**os.environ, **settings}
    run = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    told = json.loads(run.stdout.splitlines()[-1])
    threads = {kernel: [name.split('_')[0] for name in names] for kernel, names in told['threads'].items()}
    assert told['as_ever']  # what is compiled ahead leaves no trace in what an env keeps
    return threads, told['returned']


@pytest.mark.parametrize(
    ('name', 'twice'),
    [
        ('Explorer', set()),
        ('Minimal', {'_tally'}),  # its rewards don't lie one next to another
    ],
)
def test_what_is_launched_is_compiled_ahead_and_once(name, twice, tmp_path):
    threads, _ = first_steps(name, tmp_path)
    ahead = {'_advance', '_render', '_bake', '_tally', '_tick', '_inertial', '_clean', '_push', '_account', '_forget'}
    assert {names[0] for kernel, names in threads.items() if kernel in ahead} == {BACKGROUND}
    assert {kernel for kernel, names in threads.items() if len(names) > 1} == twice
    kept = set(tmp_path.rglob('*.cubin'))
    first_steps(name, tmp_path)
    assert set(tmp_path.rglob('*.cubin')) == kept  # nothing is compiled again


def test_what_finds_paths_is_compiled_ahead_and_once(tmp_path):
    threads, _ = first_steps('geodesics', tmp_path)
    assert set(threads) == {
        '_follow', '_find_clearances', '_join', '_reach', '_relax', '_measure_paths', '_sample', '_see', '_choose',
        '_borrow',
    }  # fmt: skip
    assert all(names == [BACKGROUND] for names in threads.values())


@pytest.mark.gpu
def test_a_step_is_captured_with_nothing_under_way():
    env = Minimal(num_envs=2, device='cuda')
    env.reset()
    env.step(env.action_space.sample())
    may, kernel = threading.Event(), Kernel()
    kernel.until = may
    compile_ahead(kernel, 1)
    threading.Timer(1, may.set).start()
    env.step(env.action_space.sample())
    assert kernel.done == [('compiled', True)]


@pytest.mark.gpu
def test_steps_return_what_they_do_with_kernels_that_are_kept(tmp_path):
    compiled, first = first_steps('Explorer', tmp_path)
    _, again = first_steps('Explorer', tmp_path)
    assert compiled['_advance'] == compiled['_render'] == [BACKGROUND]
    assert first == again
