"""Other libraries' own checks pass, and what the documents show of them runs."""

import re
import subprocess
import sys
import warnings
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from gymnasium.spaces import Box, Discrete, MultiDiscrete, Tuple
from gymnasium.vector import AutoresetMode
from rollouts import FEW_RAYS, actions_of, make
from walks import EYES, LIVES, Walk

from envs import Deathmatch, Explorer, Minimal, PointGoal
from megastep.env.interface.actions import ActionBatch

NEXT_STEP, SAME_STEP, DISABLED = AutoresetMode
DOCUMENTS = Path(__file__).parents[2] / 'docs'
EXTRAS = {
    'torchrl': 'torchrl', 'stable_baselines3': 'stable-baselines3', 'pettingzoo': 'pettingzoo', 'jax': 'jax',
    'array_api_compat': 'wrappers',
}  # fmt: skip


def needs(library):
    return pytest.importorskip(library, reason=f'needs the extra {EXTRAS[library]}')


@pytest.mark.parametrize('document', ['environments', 'frameworks'])
def test_the_code_shown_runs(document):
    run(document, '')


@pytest.mark.parametrize('library', EXTRAS)
def test_the_code_shown_of_a_library_runs(library):
    needs(library)
    if library != 'jax':
        run('frameworks', EXTRAS[library].replace('-', '_'))
        return
    code = '\n'.join(blocks(DOCUMENTS / 'frameworks.md', 'jax'))  # in a process of its own: JAX's can't be forked
    subprocess.run([sys.executable, '-c', code], check=True)


def run(document, library):
    """Runs the document's Python blocks, those of a library on their own."""
    path, namespace = DOCUMENTS / f'{document}.md', {'__name__': 'document'}
    for block in blocks(path, library):
        exec(compile(block, str(path), 'exec'), namespace)


def blocks(path, library):
    found = re.findall(rf'^```python ?{library}\n(.*?)^```', path.read_text(), re.MULTILINE | re.DOTALL)
    assert found
    return found


# TorchRL


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
        self._actions = self._runner._actions = ActionBatch(self.SPACE, self.core)
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


# PettingZoo


@pytest.fixture
def pettingzoo_env():
    needs('pettingzoo')
    from megastep.adapters.pettingzoo import PettingZooEnv

    return PettingZooEnv


class Pair(Walk):
    """Two agents in one world."""

    def __init__(self, autoreset_mode=DISABLED):
        super().__init__(autoreset_mode, num_agents=2, num_envs=1, longest=6)


@pytest.mark.filterwarnings('ignore::DeprecationWarning:pettingzoo')  # of its own doing
@pytest.mark.parametrize('make_env', [Pair, partial(Deathmatch, num_envs=3, num_agents=3, time_limit=1, device='cpu')])
def test_pettingzoo_finds_its_interface_kept(make_env, pettingzoo_env, capsys):
    from pettingzoo.test import parallel_api_test

    env = pettingzoo_env(make_env(autoreset_mode=DISABLED))
    with warnings.catch_warnings():
        warnings.simplefilter('error', UserWarning)
        parallel_api_test(env, num_cycles=30)
    assert 'Passed' in capsys.readouterr().out


def test_pettingzoo_agents_are_the_rows_of_a_world(pettingzoo_env):
    env, plain = pettingzoo_env(Pair()), Pair()
    observations, _ = env.reset(seed=0)
    expected, _ = plain.reset(seed=0)
    assert list(observations) == env.agents == ['agent_0', 'agent_1']
    while env.agents:
        actions = {agent: number + 1 for number, agent in enumerate(env.agents)}
        observations, rewards, terminated, truncated, infos = env.step(actions)
        expected, paid, *_, info = plain.step(torch.tensor([1, 2]))
        np.testing.assert_array_equal(list(observations.values()), expected)
        assert list(rewards.values()) == paid.tolist()
        assert infos['agent_1']['episode']['length'] == info['episode']['length'][1]
    assert truncated == {'agent_0': True, 'agent_1': True}
    assert terminated == {'agent_0': False, 'agent_1': False}
    assert env.step({}) == ({}, {}, {}, {}, {})
    env.reset(options={'map_ids': [0]})
    with pytest.raises(ValueError, match='actions must have one for each agent, got none for agent_1'):
        env.step({'agent_0': 0})
    with pytest.raises(ValueError, match='actions must be a dictionary by agent, got NoneType'):
        env.step(None)


def test_pettingzoo_takes_actions_of_several_parts(pettingzoo_env):
    options = {'num_envs': 2, 'num_agents': 2, 'motion': 'unicycle', 'trigger': True, 'device': 'cpu'}
    env = pettingzoo_env(Deathmatch(autoreset_mode=DISABLED, **options))
    env.reset(seed=0)
    _, rewards, *_ = env.step({agent: env.action_space(agent).sample() for agent in env.agents})
    assert set(rewards) == {'agent_0', 'agent_1'}


AGENTS = ['agent_0', 'agent_1']


def test_pettingzoo_has_spaces_and_a_state_of_its_own(pettingzoo_env):
    env = pettingzoo_env(Pair())
    assert list(env.observation_spaces) == list(env.action_spaces) == env.possible_agents == AGENTS
    assert env.action_space('agent_0') is env.action_spaces['agent_0'] is not env.action_space('agent_1')
    env.action_space('agent_0').seed(0)
    env.action_space('agent_1').seed(1)
    samples = [[env.action_space(agent).sample() for _ in range(20)] for agent in AGENTS]
    assert samples[0] != samples[1]
    env.reset(seed=0)
    state, agents = env.state(), env._env.core.agents
    assert env.state_space.contains(state)
    np.testing.assert_allclose(state.reshape(2, 6)[:, :2], agents.positions[0])
    np.testing.assert_allclose(state.reshape(2, 6)[:, 4], agents.angles[0])


def test_pettingzoo_refuses_agents_that_it_has_not(pettingzoo_env):
    env = pettingzoo_env(Pair())
    env.reset(seed=0)
    message = "agent must be one of agent_0, agent_1, got 'agent_9'"
    for use in (env.observation_space, env.action_space, lambda name: env.step({**dict.fromkeys(AGENTS, 0), name: 0})):
        with pytest.raises(ValueError, match=message):
            use('agent_9')


@pytest.mark.filterwarnings('ignore')  # of its own doing
def test_pettingzoo_finds_nothing_else_wrong(pettingzoo_env, capsys):
    from pettingzoo.test import api_test, parallel_seed_test, render_test, seed_test, state_test
    from pettingzoo.utils.conversions import parallel_to_aec

    def parallel(**options):
        return pettingzoo_env(make(Deathmatch, num_envs=2, num_agents=2, cameras=FEW_RAYS, time_limit=1,
                                   autoreset_mode=DISABLED, **options))  # fmt: skip

    parallel_seed_test(parallel, num_cycles=5)
    seed_test(lambda **options: parallel_to_aec(parallel(**options)), num_cycles=5)
    api_test(parallel_to_aec(parallel()), num_cycles=20)
    state_test(parallel_to_aec(parallel()), parallel())
    render_test(lambda render_mode: parallel_to_aec(parallel(render_mode='rgb_array')))  # it tries 'human' on all
    assert 'Passed' in capsys.readouterr().out


def test_pettingzoo_takes_one_world(pettingzoo_env):
    with pytest.raises(ValueError, match='env must have 1 world, got 6: num_envs must be the number of agents'):
        pettingzoo_env(Walk(DISABLED))


def test_pettingzoo_draws(pettingzoo_env):
    env = pettingzoo_env(make(Minimal, num_envs=1, autoreset_mode=DISABLED, render_mode='rgb_array'))
    env.reset()
    assert env.render().dtype == np.uint8
    env.close()


# Stable-Baselines3


@pytest.fixture
def sb3_env():
    needs('stable_baselines3')
    from megastep.adapters.stable_baselines3 import StableBaselines3Env

    return StableBaselines3Env


def test_stable_baselines3_trains(sb3_env):
    from stable_baselines3 import PPO

    env = sb3_env(make(Minimal, num_envs=4, cameras=EYES, autoreset_mode=SAME_STEP, **LIVES[Minimal]))
    model = PPO('MultiInputPolicy', env, n_steps=32, batch_size=64, n_epochs=1, seed=0, device='cpu')
    before = [weights.clone() for weights in model.policy.parameters()]
    model.learn(256)
    assert any(not torch.equal(a, b) for a, b in zip(before, model.policy.parameters(), strict=True))
    assert {'r', 'l', 't'} <= set(model.ep_info_buffer[0])


def test_stable_baselines3_sees_dictionaries_laid_flat(sb3_env):
    env = sb3_env(make(Explorer, cameras=EYES, autoreset_mode=SAME_STEP))
    observations = env.reset()
    assert set(observations) == {'rgb-front', 'rgb-sides', 'depth-front', 'depth-sides', 'imu'}
    assert env.observation_space.contains({name: rows[0] for name, rows in observations.items()})


def test_stable_baselines3_names_actions_that_are_none(sb3_env):
    env = sb3_env(Walk(SAME_STEP))
    env.reset()
    with pytest.raises(ValueError, match=r'actions must be what torch\.as_tensor takes, got NoneType'):
        env.step(None)


def test_stable_baselines3_is_told_how_episodes_end(sb3_env):
    env, plain = sb3_env(Walk(SAME_STEP)), Walk(SAME_STEP)
    env.seed(5)
    np.testing.assert_array_equal(env.reset(), plain.reset(seed=5)[0])
    ends = 0
    for step in range(12):
        actions = np.arange(6) % 7 if step % 2 else np.full(6, 1)
        observations, rewards, ended, infos = env.step(actions)
        expected, paid, _, truncated, info = plain.step(torch.from_numpy(actions))
        np.testing.assert_array_equal(observations, expected)
        np.testing.assert_array_equal(rewards, paid)
        np.testing.assert_array_equal(ended, truncated)
        for row in np.flatnonzero(ended):
            np.testing.assert_array_equal(infos[row]['terminal_observation'], info['final_obs'][row])
            assert infos[row]['TimeLimit.truncated'] is True
            assert infos[row]['episode']['l'] == info['episode']['length'][row]
            ends += 1
        assert [bool(each) for each in infos] == ended.tolist()
    assert ends > 6


def test_stable_baselines3_is_told_scores(sb3_env):
    options = {'num_envs': 2, 'cameras': FEW_RAYS, 'autoreset_mode': SAME_STEP, 'time_limit': 0.2}
    env, plain = sb3_env(make(PointGoal, **options)), make(PointGoal, **options)
    env.seed(0)
    env.reset()
    plain.reset(seed=0)
    for _ in range(2):
        *_, infos = env.step(np.ones(2, dtype=np.int64))
        info = plain.step(torch.ones(2, dtype=torch.int64))[-1]
    for row in range(2):
        assert infos[row]['is_success'] is False
        for name in ('spl', 'collisions', 'distance_to_goal'):
            assert infos[row][name] == infos[row]['episode'][name] == info[name][row].item()
        assert infos[row]['episode']['t'] == pytest.approx(0.2)


def test_stable_baselines3_changes_no_rows_that_are_not_named(sb3_env):
    env = sb3_env(make(Minimal, num_envs=3, cameras=FEW_RAYS, autoreset_mode=SAME_STEP))
    env.reset()
    for use in (
        lambda: env.env_method('reset', indices=[0]),
        lambda: env.env_method('reset', indices=0),
        lambda: env.set_attr('render_mode', None, indices=[0, 1]),
    ):
        with pytest.raises(ValueError, match=r'indices of .* must be all 3 rows, got \[0(, 1)?\]'):
            use()
    env.env_method('reset', indices=[0, 1, 2])
    env.set_attr('render_mode', None, indices=range(3))


def test_stable_baselines3_wraps_it_and_learns_recurrently(sb3_env):
    """VecNormalize and VecMonitor on it, and RecurrentPPO of sb3-contrib with a success rate of its own."""
    contrib = pytest.importorskip('sb3_contrib', reason='needs the extra stable-baselines3')
    from stable_baselines3.common.vec_env import VecMonitor, VecNormalize

    options = {'num_envs': 4, 'cameras': FEW_RAYS, 'autoreset_mode': SAME_STEP, 'time_limit': 0.4}
    env = VecNormalize(VecMonitor(sb3_env(make(PointGoal, **options))), norm_obs_keys=['depth'])
    model = contrib.RecurrentPPO('MultiInputLstmPolicy', env, n_steps=8, batch_size=16, n_epochs=1, device='cpu')
    model.learn(64)
    assert len(model.ep_success_buffer) == len(model.ep_info_buffer) > 4
    assert {each['l'] for each in model.ep_info_buffer} == {4}
    observations = env.reset()
    assert abs(observations['depth']).max() <= env.clip_obs


def test_stable_baselines3_bootstraps_from_the_observation_that_was_last(sb3_env):
    """Its reward for a truncated episode has the value of the terminal observation, discounted."""
    from stable_baselines3 import A2C

    env = sb3_env(Walk(SAME_STEP, longest=2, num_envs=1))
    model = A2C('MlpPolicy', env, n_steps=2, gamma=0.5, device='cpu', seed=0, learning_rate=0)
    model.learn(2)
    plain = Walk(SAME_STEP, longest=2, num_envs=1)
    plain.reset(seed=0)
    buffer = model.rollout_buffer
    paid = [plain.step(torch.as_tensor(action).long().view(1)) for action in buffer.actions]
    ends = [step for step in paid if step[3].any()]
    assert ends
    value = model.policy.predict_values(ends[0][-1]['final_obs']).item()
    found = buffer.rewards[[bool(step[3]) for step in paid].index(True), 0]
    assert found == pytest.approx(ends[0][1].item() + 0.5 * value, rel=1e-4)


def test_stable_baselines3_reaches_the_env(sb3_env):
    env = sb3_env(make(Minimal, num_envs=3, cameras=FEW_RAYS, autoreset_mode=SAME_STEP, render_mode='rgb_array'))
    env.reset()
    assert env.get_attr('cameras') == [FEW_RAYS] * 3
    env.set_attr('render_mode', None)
    assert env.get_attr('render_mode', [0, 2]) == [None, None]
    assert len(env.env_method('get_state', indices=[1])) == 1
    assert env.env_is_wrapped(object) == [False] * 3
    env.set_attr('render_mode', 'rgb_array')
    assert env.render(mode='rgb_array').ndim == 3
    env.close()
    assert env.get_attr('closed') == [True] * 3


@pytest.mark.parametrize(
    'library, name, mode',
    [
        ('torchrl', 'TorchRLEnv', DISABLED),
        ('pettingzoo', 'PettingZooEnv', DISABLED),
        ('stable_baselines3', 'StableBaselines3Env', SAME_STEP),
    ],
)
def test_an_adapter_says_which_mode_it_needs(library, name, mode):
    needs(library)
    module = pytest.importorskip(f'megastep.adapters.{library}')
    with pytest.raises(ValueError, match=f'env must have autoreset_mode=AutoresetMode.{mode.name}, got NEXT_STEP'):
        getattr(module, name)(Walk(NEXT_STEP))
    with pytest.raises(ValueError, match='env must have copy=True, got False'):
        getattr(module, name)(Walk(mode, copy=False))
    with pytest.raises(ValueError, match='env must be a megastep Env, got int'):
        getattr(module, name)(3)


def test_torchrl_finds_out_about_infos_without_drawing_anything(torchrl_env):
    observations = [torchrl_env(Walk(DISABLED), infos=infos).reset()['observation'] for infos in (True, False)]
    assert torch.equal(*observations)
