"""NumPy's numbers are taken where Python's are, and are the same in all that is written."""

import json

import numpy as np
import pytest
import torch
from rollouts import equal, make
from trainings import train

import megastep
from envs import Deathmatch, Explorer, PointGoal
from megastep import mapgen
from megastep.evaluation.registry import Task
from megastep.learning import Settings
from megastep.world.cameras import Cameras


def test_runs_are_configured_by_them(tmp_path):
    options = {'reach': np.float32(0.5), 'fps': np.int64(10)}
    settings = Settings(
        num_envs=np.int32(4), horizon=np.int64(8), num_minibatches=np.int8(2), width=np.uint8(8), gamma=np.float64(0.9)
    )
    train(
        tmp_path / 'a', 1, name='pointgoal', settings=settings, maps=mapgen.generate('house', 1), options=options,
        keep=np.int64(2), eval_every=np.float32(5), greedy=np.bool_(False),
    )  # fmt: skip
    config = json.loads((tmp_path / 'a' / 'run.json').read_text())
    assert config['options'] == {'reach': 0.5, 'fps': 10}
    assert config['settings']['num_envs'] == 4


def test_options_are_those_of_python():
    assert Task.of('pointgoal', {'reach': np.float32(0.5)}) == Task.of('pointgoal', {'reach': 0.5})
    with pytest.raises(ValueError, match="reach must be a number, got 'a'"):
        Task.of('pointgoal', {'reach': np.str_('a')})


def test_cameras_are_the_same_to_a_state():
    cameras = Cameras(res=np.int64(8), fov=np.float64(90.0), subsample=np.int8(2), mounts=np.zeros((1, 3)))
    assert repr(cameras) == repr(Cameras(res=8, fov=90.0, subsample=2, mounts=[(0.0, 0.0, 0.0)]))
    one, other = (make(PointGoal, cameras=each) for each in (cameras, Cameras(res=8, fov=90.0, subsample=2)))
    one.reset(seed=0)
    other.reset(seed=1)
    other.set_state(one.get_state())
    actions = torch.zeros(one.num_envs, dtype=torch.int64)
    assert equal(one.step(actions), other.step(actions))


@pytest.mark.parametrize('index', [np.int64(-1), np.array(2), torch.tensor(2)])
def test_a_map_is_chosen_by_one(index):
    maps = mapgen.generate('box', 3)
    assert np.array_equal(maps[index].walls, maps[2].walls)


def test_maps_are_split_by_one():
    maps = mapgen.generate('house', 6)
    parts = zip(maps.split(np.float32(0.5), seed=np.int64(3)), maps.split(0.5, seed=3), strict=True)
    assert all(np.array_equal(one.walls.vals, other.walls.vals) for one, other in parts)


def test_envs_are_made_of_them():
    env = make(Deathmatch, num_envs=np.uint8(8), num_agents=np.int64(4), fps=np.float32(10))
    assert env.reset(seed=np.uint64(3))[0]['rgb'].shape[0] == 8


def test_an_agent_draws_by_one():
    agents = [megastep.load('explorer', device='cpu', seed=seed) for seed in (np.int64(3), 3)]
    observations, _ = Explorer(num_envs=5, device='cpu').reset(seed=0)
    one, other = (agent(observations, torch.ones(5, dtype=torch.bool)) for agent in agents)
    assert torch.equal(one, other)
