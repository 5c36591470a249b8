"""Numbers that envs are made and reset with: NumPy's are as good as Python's, and what is none is refused by name."""

import numpy as np
import pytest
import torch
from rollouts import FEW_RAYS, equal, make, rollout
from worlds import box, houses

from envs import Deathmatch, Explorer, Minimal
from megastep import Core, Scenery, physics
from megastep.testing import check_env

TASKS = [Minimal, Explorer, Deathmatch]


@pytest.mark.parametrize('task', TASKS)
@pytest.mark.parametrize('kind', [np.int64, np.int32, np.uint8])
def test_integers_of_numpy_are_integers(task, kind):
    options = {'num_agents': 2} if task is Deathmatch else {}
    one = make(task, num_envs=6, cameras=FEW_RAYS, **options)
    other = make(task, num_envs=kind(6), cameras=FEW_RAYS, seed=kind(0), **{k: kind(v) for k, v in options.items()})
    assert type(other.num_envs) is int and type(other.core.num_envs) is int
    assert equal(rollout(one, 3, seed=5), rollout(other, 3, seed=kind(5)))


@pytest.mark.parametrize('task', TASKS)
@pytest.mark.parametrize('value', [True, np.True_, 2.0, '4', None])
def test_what_is_no_integer_is_refused(task, value):
    with pytest.raises(ValueError, match=r'num_envs must be an? (integer of at least 1|multiple of)'):
        make(task, num_envs=value)


@pytest.mark.parametrize('seed', [2**64, -1, 1.5, True, '3'])
def test_seeds_have_64_bits(seed):
    message = f'seed must be an integer from 0 to {2**64 - 1}, got {seed!r}'
    env = make(Minimal)
    with pytest.raises(ValueError, match=message):
        env.reset(seed=seed)
    for refused in (lambda: make(Minimal, seed=seed), lambda: Scenery.pack(houses(1), device='cpu', seed=seed)):
        with pytest.raises(ValueError, match=message):
            refused()


def test_the_largest_seed_is_one():
    env = make(Minimal, seed=2**64 - 1)
    env.reset(seed=2**64 - 1)


def test_cores_take_numpys_integers():
    core = Core(Scenery.pack(houses(1), np.int64(2), 'cpu', seed=np.int64(1)), num_envs=np.int64(3), seed=np.int64(1))
    assert torch.equal(physics.advance(core), torch.ones(3, 2))


def test_an_env_is_checked_with_its_defaults():
    """Explorer's first episodes end after 20 s and what exploring buys: more than 300 steps."""
    check_env(Explorer([box()], num_envs=8, device='cpu', cameras=FEW_RAYS))  # 8 envs: episodes enough in 500 steps
