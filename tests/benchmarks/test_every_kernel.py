"""What is launched for sanitizers: every kernel that there is."""

import os
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import every_kernel

ROOT = Path(__file__).parents[2]


def test_agents_play_and_learn(capsys):
    every_kernel.main()
    done = [line.split(',')[0] for line in capsys.readouterr().out.splitlines()]
    assert done[:3] == ['played Minimal', 'played Explorer', 'played PointGoal']
    assert done[-4:] == ['learnt Explorer', 'learnt PointGoal', 'learnt Deathmatch', 'learnt Minimal']


def kernels():
    """The names of all kernels, which all are compiled in a test."""
    paths = runpy.run_path(str(ROOT / 'tests' / 'kernels' / 'test_compiles.py'))['KERNELS']
    return {path.split('.')[-1] for path in paths if path.startswith('megastep.')}


@pytest.mark.gpu
def test_every_kernel_is_launched(tmp_path):
    environment = {**os.environ, 'TRITON_CACHE_DIR': str(tmp_path)}
    subprocess.run([sys.executable, '-m', 'benchmarks.every_kernel'], check=True, env=environment, cwd=ROOT)
    compiled = {path.stem for path in tmp_path.rglob('*.cubin')}
    assert not kernels() - compiled
