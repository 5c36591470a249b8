"""TorchRL takes envs: specs, resets of some rows, seeds, scores, and groups of agents."""

import warnings

import pytest
import torch
from gymnasium.spaces import Box, Discrete, MultiDiscrete, Tuple
from gymnasium.vector import AutoresetMode
from optional_libraries import needs
from rollouts import FEW_RAYS, actions_of, make
from walks import EYES, LIVES, Walk

from envs import Deathmatch, Explorer, Minimal, PointGoal
from megastep.env.interface.actions import ActionBatch

NEXT_STEP, SAME_STEP, DISABLED = AutoresetMode


@pytest.fixture
def torchrl_env():
    needs('torchrl')
    from megastep.adapters.torchrl import TorchRLEnv

    return TorchRLEnv


@pytest.mark.parametrize('task', [Minimal, Explorer])
def test_torchrl_finds_its_specs_kept(task, torchrl_env, device):
    from torchrl.envs.utils import check_env_specs

    env = torchrl_env(make(task, num_envs=3, cameras=EYES, device=device, autoreset_mode=DISABLED, **LIVES[task]))
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')  # of its own doing
        check_env_specs(env)


def test_torchrl_resets_the_rows_that_have_ended(torchrl_env):
    env = torchrl_env(Walk(DISABLED, longest=4))
    env.set_seed(0)
    torch.manual_seed(0)  # of which TorchRL's actions are drawn: an agent may begin where it ended, by chance
    rollout = env.rollout(30, break_when_any_done=False)
    ended = rollout['next', 'done'][:, :-1, 0]
    assert 6 < ended.sum() < 90
    after, last = rollout['observation'][:, 1:], rollout['next', 'observation'][:, :-1]
    assert torch.equal(after[~ended], last[~ended])
    assert not torch.isclose(after[ended], last[ended]).all(dim=-1).any()
    assert (rollout['next', 'truncated'] == rollout['next', 'done']).all()


class Told(Walk):
    """Takes actions of a tuple, whose integers start elsewhere, and shows in another what it was told."""

    SPACE = Tuple((Discrete(3, start=5), MultiDiscrete([2, 4], start=[-1, 7]), Box(-1, 1, (2,))))

    def __init__(self):
        super().__init__(DISABLED, num_envs=3)
        self.single_action_space = self.single_observation_space = self.SPACE
        self._action_batch = self._episode_runner._actions = ActionBatch(self.SPACE, self.core)
        self._told = tuple(torch.as_tensor(part.sample()).expand(3, *part.shape).clone() for part in self.SPACE)

    def _act(self, actions):
        for told, given in zip(self._told, actions, strict=True):
            told.copy_(given.flatten(0, 1))
        self._expired = self._lifespans.step()

    def _observe(self):
        return self._told


def test_torchrl_takes_tuples_and_integers_that_start_anywhere(torchrl_env):
    from torchrl.envs.utils import check_env_specs

    env = torchrl_env(Told())
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        check_env_specs(env)
    state = env.reset()
    state = env.rand_action(state)
    after = env.step(state)['next']
    numbers, pairs, reals = (state['action'][name] for name in '012')
    assert numbers.min() >= 0 and numbers.max() <= 2
    told = env._env._told
    assert torch.equal(told[0], numbers + 5)
    assert torch.equal(told[1], pairs + torch.tensor([-1, 7]))
    assert torch.equal(told[2], reals)
    for name, given in zip('012', (numbers, pairs, reals), strict=True):
        assert torch.equal(after[name], given)


def test_torchrl_repeats_a_seed(torchrl_env):
    env, rollouts = torchrl_env(Walk(DISABLED)), []
    for seed in (3, 3, 4):
        env.set_seed(seed)
        torch.manual_seed(0)  # TorchRL draws actions from PyTorch's own generator
        rollouts.append(env.rollout(10, break_when_any_done=False)['next', 'observation'])
    assert torch.equal(rollouts[0], rollouts[1])
    assert not torch.equal(rollouts[0], rollouts[2])


def test_torchrl_heeds_a_seed_that_comes_after_a_reset(torchrl_env):
    """A collector resets before it is seeded, and from then on some rows at a time."""
    from tensordict import TensorDict

    found, some = [], torch.tensor([True, False] * 3)
    for seed in (3, 3, 4):
        env = torchrl_env(Walk(DISABLED))
        env.reset()
        env.set_seed(seed)
        found.append(env.reset(TensorDict(_reset=some[:, None], batch_size=[6]))['observation'])
    assert torch.equal(found[0], found[1])
    assert not torch.isclose(found[0], found[2])[some].all()


def test_torchrl_collects_other_data_for_another_seed(torchrl_env):
    from torchrl.collectors import Collector

    found = []
    for seed in (1, 1, 2):
        env = torchrl_env(Walk(DISABLED, longest=2))
        torch.manual_seed(0)
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')
            collector = Collector(env, None, frames_per_batch=48, total_frames=48)
            collector.set_seed(seed)
            (data,) = list(collector)
        found.append(data['next', 'observation'].clone())
        collector.shutdown()
    assert torch.equal(found[0], found[1])
    assert not torch.equal(found[0], found[2])


def test_torchrl_is_told_scores(torchrl_env):
    env = torchrl_env(make(PointGoal, num_envs=3, cameras=FEW_RAYS, autoreset_mode=DISABLED, time_limit=0.3))
    plain = make(PointGoal, num_envs=3, cameras=FEW_RAYS, autoreset_mode=DISABLED, time_limit=0.3)
    env.set_seed(0)
    plain.reset(seed=0)
    state = env.reset()
    assert not state['info', 'success'].any()
    for step in range(3):
        state['action'] = actions_of(plain, step)
        found = env.step(state.clone())['next']
        info = plain.step(state['action'])[-1]
        for name in ('success', 'spl', 'collisions', 'distance_to_goal'):
            assert torch.equal(found['info', name][:, 0], info[name])
        assert torch.equal(found['info', 'episode', 'return'][:, 0], info['episode']['return'])
    assert found['done'].all()
    assert 'info' not in torchrl_env(Walk(DISABLED), infos=False).reset()


def test_torchrl_groups_the_agents_of_a_world(torchrl_env):
    from tensordict import TensorDict
    from torchrl.envs.utils import check_env_specs

    options = {'num_envs': 6, 'num_agents': 3, 'cameras': FEW_RAYS, 'autoreset_mode': DISABLED, 'time_limit': 0.3}
    env, plain = torchrl_env(make(Deathmatch, **options), group='agents'), make(Deathmatch, **options)
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        check_env_specs(env)
    assert env.batch_size == (2,) and env.group_map == {'agents': ['agent_0', 'agent_1', 'agent_2']}
    env.set_seed(0)
    state, (known, _) = env.reset(), plain.reset(seed=0)
    for step in range(3):
        assert torch.equal(state['agents', 'rgb'].flatten(0, 1), known['rgb'])
        actions = actions_of(plain, step)
        state['agents', 'action'] = actions.view(2, 3)
        state = env.step(state)['next']
        known, rewards, terminated, truncated, info = plain.step(actions)
        assert torch.equal(state['agents', 'reward'].flatten(), rewards)
        assert torch.equal(state['agents', 'info', 'kills'].flatten(), info['kills'])
        assert torch.equal(state['done'].expand(2, 3).flatten(), terminated | truncated)
    before = state['agents', 'info', 'episode', 'length']
    assert before.eq(3).all()
    after = env.reset(TensorDict(_reset=torch.tensor([[True], [False]]), batch_size=[2]))
    assert torch.equal(env._env.lengths, torch.tensor([0, 3])) and after.batch_size == (2,)


def test_torchrl_itself_reads_the_mode():
    needs('torchrl')
    from torchrl.envs import GymWrapper

    with pytest.raises(RuntimeError, match='The auto-reset mode must be one of SAME_STEP or DISABLED'):
        GymWrapper(Walk(NEXT_STEP))


def test_torchrl_finds_out_about_infos_without_drawing_anything(torchrl_env):
    observations = [torchrl_env(Walk(DISABLED), infos=infos).reset()['observation'] for infos in (True, False)]
    assert torch.equal(*observations)
