"""What is pickled or copied goes on as it would have: tensors that share memory go on sharing it."""

import copy
import pickle

import numpy as np
import pytest
import torch
from gymnasium.spaces import Discrete
from rollouts import FEW_RAYS, copied, equal, make
from worlds import houses

from envs import Deathmatch, Explorer, Foraging, Minimal, PointGoal, Racing, Waypoint
from megastep import Core, Scenery, mapgen
from megastep.env import Env
from megastep.env.noise import NOISES

TASKS = {
    Minimal: {'shortest': 2, 'longest': 6},
    Explorer: {'patience': 0.2},
    PointGoal: {},
    Waypoint: {},
    Foraging: {},
    Racing: {},
    Deathmatch: {'num_agents': 2, 'trigger': False, 'action_lag': 1},
}
WAYS = {f'protocol {i}': i for i in range(pickle.HIGHEST_PROTOCOL + 1)} | {'deepcopy': copy.deepcopy, 'copy': copy.copy}


def again(value, way):
    return way(value) if callable(way) else pickle.loads(pickle.dumps(value, protocol=way))


def lively(task, **options):
    maps = mapgen.generate('track', 2, seed=0) if task is Racing else houses(3)
    env = make(task, num_envs=6, maps=maps, **({'cameras': FEW_RAYS} | TASKS[task] | options))
    env.reset(seed=0)
    return env


def steps(env, start, stop):
    found = []
    for step in range(start, stop):
        env.action_space.seed(step)
        found.append(copied(env.step(env.action_space.sample())))
    return found


def check_goes_on(env, way):
    steps(env, 0, 4)
    other = again(env, way)
    assert type(other) is type(env)
    expected = steps(env, 4, 24)
    assert equal(steps(other, 4, 24), expected)
    assert equal(other.get_state(), env.get_state())


@pytest.mark.parametrize('task', TASKS)
def test_every_env_goes_on_alike(task):
    check_goes_on(lively(task), 2)


def test_noise_goes_on_alike():
    amounts = {'depth_noise': 0.1, 'rgb_noise': 0.1, 'pixel_dropout': 0.2, 'odometry_drift': 0.1, 'action_noise': 0.1}
    env = lively(Explorer, **amounts, action_lag=1)
    assert set(NOISES) == {*amounts, 'action_lag'}
    check_goes_on(env, pickle.HIGHEST_PROTOCOL)


def test_one_that_has_been_drawn_goes_on_alike_and_its_pictures_begin_anew():
    env = make(Minimal, num_envs=2, render_mode='rgb_array')
    env.reset(seed=0)
    (first,) = env.render()
    (copied_first,) = again(env, pickle.HIGHEST_PROTOCOL).render()
    assert np.array_equal(copied_first, first)


@pytest.mark.parametrize('way', WAYS.values(), ids=WAYS)
def test_in_every_way(way):
    check_goes_on(lively(Deathmatch), way)


@pytest.mark.parametrize('way', WAYS.values(), ids=WAYS)
def test_scenery_is_painted_and_lit_as_one(way):
    scenery = Scenery.pack(houses(2), device='cpu')
    assert scenery.albedo is scenery.albedo and scenery.light is scenery.light
    other = again(scenery, way)
    assert torch.equal(other.surface.vals, scenery.surface.vals)
    other.albedo.vals.fill_(7)
    other.light.fill_(5)
    assert (other.surface.vals[:, :3] == 7).all()
    assert (other.surface.vals[:, 3] == 5).all()
    assert (scenery.albedo.vals == 7).all() == (way is copy.copy)


class Tally(Env):
    """Keeps a table and a row of it, a tensor that is expanded, one without elements and one that nothing shares."""

    def __init__(self, maps):
        core = Core(Scenery.pack(maps, device='cpu'), num_envs=4)
        self.table = torch.zeros(3, 4, dtype=torch.int64)
        self.odd = {'flat': self.table.view(-1)[1::2], 'wide': torch.ones(1).expand(5), 'none': torch.empty(0, 3)}
        self.me = [self]
        super().__init__(
            core, FEW_RAYS, action_space=Discrete(7), observation_space=Discrete(9), kept={'tally': self.table[1]}
        )

    def _act(self, actions):
        self.table[1] += actions[:, 0]

    def _observe(self):
        return self._kept_tensors['tally'].clone()

    def _outcome(self):
        return torch.zeros(4, 1), self._nobody, self._nobody


@pytest.mark.parametrize('way', WAYS.values(), ids=WAYS)
def test_views_among_what_a_task_keeps_stay_views(way):
    env = Tally(houses(1))
    env.reset(seed=0)
    check_goes_on(env, way)
    other = again(env, way)
    assert other.me[0] is other
    other._kept_tensors['tally'].fill_(5)
    assert other.table[1].tolist() == [5] * 4
    other.odd['flat'].mul_(2)
    assert other.table[1].tolist() == [5, 10] * 2
    assert not torch.equal(env.table, other.table)
    assert (other.odd['wide'].shape, other.odd['wide'].stride(), other.odd['none'].shape) == ((5,), (0,), (0, 3))


def test_what_cannot_be_pickled_is_named():
    env = lively(Minimal)
    env.extra = lambda: 0
    with pytest.raises(TypeError, match=r"Minimal can't be copied or pickled: .*lambda"):
        pickle.dumps(env)


@pytest.mark.gpu
def test_a_captured_step_is_refused():
    env = lively(Minimal, device='cuda')
    for way in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(
            TypeError, match="Minimal can't be copied or pickled, for _run_step is captured in a CUDA graph"
        ):
            way(env)


@pytest.mark.gpu
def test_envs_on_a_gpu_go_on_alike():
    check_goes_on(lively(Deathmatch, device='cuda', cuda_graph=False), 5)
