"""A process that was forked from one with threads of OpenMP's is told so at once, and never waits for them."""

import subprocess
import sys

import pytest

from megastep.world import kernels

CODE = """
import os, sys, torch
from envs import Minimal
from megastep import mapgen
maps = mapgen.generate('box', 1)
def make():
    return Minimal(maps, num_envs=64, device='cpu')
env = make()
env.reset(seed=0)
actions = torch.zeros(64, dtype=torch.int64)
env.step(actions)
torch.ones(1 << 20).add(1).sum()
child = os.fork()
if child:
    os._exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
if sys.argv[2:]:
    torch.set_num_threads(1)
try:
    {'step': lambda: env.step(actions), 'reset': env.reset, 'make': make}[sys.argv[1]]()
    print('fine', flush=True)
except RuntimeError as error:
    print(error, flush=True)
os._exit(0)
"""


def forked(*arguments, layer='omp'):
    done = subprocess.run(
        ['env', f'NUMBA_THREADING_LAYER={layer}', sys.executable, '-c', CODE, *arguments],
        capture_output=True,
        text=True,
        timeout=300,  # a hang is a failure
    )
    assert (done.returncode, done.stderr) == (0, '')
    return done.stdout


@pytest.mark.parametrize('what', ['step', 'reset', 'make'])
def test_a_child_is_refused_with_the_remedy(what):
    said = forked(what)
    assert said.startswith("megastep can't be used in a process that was forked from one that has used it on a CPU")
    assert "multiprocessing.get_context('spawn')" in said and 'NUMBA_THREADING_LAYER=workqueue' in said


@pytest.mark.parametrize('what', ['step', 'make'])
def test_with_the_remedy_it_works(what):
    assert forked(what, 'alone', layer='workqueue') == 'fine\n'


def test_this_process_is_nobodys_child():
    kernels.check_not_forked()
