"""A process that was forked from one with threads of OpenMP's is told so at once, and never waits for them."""

import subprocess
import sys

from megastep.world import kernels

CODE = """
import os, pickle, sys, torch
import megastep
from envs import Minimal
from megastep import mapgen
maps = mapgen.generate('box', 1)
def make():
    return Minimal(maps, num_envs=64, device='cpu')
def step():
    env.step(actions)
def reset():
    env.reset()
env = make()
env.reset(seed=0)
actions = torch.zeros(64, dtype=torch.int64)
env.step(actions)
pickled = pickle.dumps(Minimal(maps, num_envs=1 << 15, device='cpu'))  # so large that threads would copy it
torch.ones(1 << 20).add(1).sum()
def unpickled():
    pickle.loads(pickled).reset()
def load():
    megastep.load('explorer')
alone, *names = sys.argv[1:]
for name in names:
    child = os.fork()
    if child:
        assert os.waitpid(child, 0)[1] == 0
        continue
    if alone == 'alone':
        torch.set_num_threads(1)
    try:
        globals()[name]()
        print('fine', flush=True)
    except RuntimeError as error:
        print(error, flush=True)
    os._exit(0)
"""


def forked(alone, *names, layer='omp'):
    """What children say that a process which has used megastep forks one after another, each to do one thing."""
    done = subprocess.run(
        ['env', f'NUMBA_THREADING_LAYER={layer}', sys.executable, '-c', CODE, alone, *names],
        capture_output=True,
        text=True,
        timeout=300,  # a hang is a failure
    )
    assert (done.returncode, done.stderr) == (0, '')
    return done.stdout.splitlines()


def test_a_child_is_refused_with_the_remedy():
    answers = forked('beside', 'step', 'reset', 'make', 'unpickled', 'load')
    assert len(answers) == 5
    for said in answers:
        assert said.startswith("megastep can't be used in a process that was forked from one that has used it on a CPU")
        assert "multiprocessing.get_context('spawn')" in said and 'NUMBA_THREADING_LAYER=workqueue' in said


def test_with_the_remedy_it_works():
    assert forked('alone', 'step', 'make', layer='workqueue') == ['fine', 'fine']


def test_this_process_is_nobodys_child():
    kernels.check_not_forked()
