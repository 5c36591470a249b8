"""The tasks go by two names, of which one is nobody else's."""

import os
import subprocess
import sys
from pathlib import Path

import gymnasium
import pytest

import envs
import envs.pointgoal
import megastep.envs

ROOT = Path(__file__).parents[2]


def test_both_names_are_of_the_same_things():
    assert envs.__all__ == megastep.envs.__all__
    assert all(getattr(envs, name) is getattr(megastep.envs, name) for name in envs.__all__)
    assert envs.pointgoal is sys.modules['megastep.envs.pointgoal']
    assert envs.PointGoal is envs.pointgoal.PointGoal


def test_gymnasium_make_says_what_to_call_instead():
    for name in envs.__all__:
        message = r"must be gymnasium\.make_vec, without a vectorization_mode, such as gymnasium\.make_vec\('megastep/"
        with pytest.raises(ValueError, match=message):
            gymnasium.make(f'megastep/{name}-v0')
        with pytest.raises(ValueError, match=message):
            gymnasium.make_vec(f'megastep/{name}-v0', num_envs=4, vectorization_mode='sync')
        assert type(gymnasium.make_vec(f'megastep/{name}-v0', num_envs=4, device='cpu')) is getattr(envs, name)


def test_a_folder_of_that_name_in_the_working_directory_breaks_nothing(tmp_path):
    """Whatever it holds, as the first thing on the path: ours are found, and so are those in it."""
    (tmp_path / 'envs').mkdir()
    (tmp_path / 'envs' / '__init__.py').write_text('class Mine:\n    pass\n')
    code = f"""
import sys
sys.path[:0] = [{str(tmp_path)!r}]
import envs, gymnasium
assert envs.Mine
from megastep.envs import Minimal
env = gymnasium.make_vec('megastep.envs:megastep/Minimal-v0', num_envs=2, device='cpu')
assert type(env) is Minimal
from megastep.evaluation.registry import Task
assert Task.of('minimal').env is Minimal
import envs as again
assert again is envs and not hasattr(again, 'Minimal')
from megastep.cli import main
sys.exit(main(['train', 'minimal', '--help']))
"""
    environment = {**os.environ, 'PYTHONPATH': str(ROOT)}
    done = subprocess.run([sys.executable, '-c', code], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert 'Train an agent' in done.stdout
