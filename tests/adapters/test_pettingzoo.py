"""PettingZoo takes envs: the agents of a world by name, their spaces, and pictures."""

import warnings
from functools import partial

import numpy as np
import pytest
import torch
from gymnasium.vector import AutoresetMode
from optional_libraries import needs
from rollouts import FEW_RAYS, make
from walks import Walk

from envs import Deathmatch, Minimal

NEXT_STEP, SAME_STEP, DISABLED = AutoresetMode


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


@pytest.mark.parametrize('kind', [list, tuple, np.array, torch.tensor])
def test_pettingzoo_takes_lists_for_arrays(kind, pettingzoo_env):
    """Two agents of two numbers each: rows and columns are as many."""
    plain = Deathmatch(num_envs=2, num_agents=2, motion='unicycle', device='cpu', autoreset_mode=DISABLED)
    env = pettingzoo_env(plain)
    env.reset(seed=0)
    env.step({'agent_0': kind([0.0, 90.0]), 'agent_1': kind([0.0, -30.0])})
    torch.testing.assert_close(plain.core.agents.angular_velocities, torch.tensor([[90.0, -30.0]]))


def test_pettingzoo_names_the_agent_whose_action_is_wrong(pettingzoo_env):
    options = {'num_envs': 2, 'num_agents': 2, 'motion': 'unicycle', 'device': 'cpu', 'autoreset_mode': DISABLED}
    env, armed = (pettingzoo_env(Deathmatch(**options, trigger=trigger)) for trigger in (False, True))
    env.reset(seed=0), armed.reset(seed=0)
    fine, both = [0.0, 0.0], {'motion': [0.0, 0.0], 'trigger': 0}
    for given, message in {0: r'must have shape \(2,\), got \(\)', None: 'must be what torch.as_tensor takes'}.items():
        with pytest.raises(ValueError, match=f'the action of agent_1 {message}'):
            env.step({'agent_0': fine, 'agent_1': given})
    with pytest.raises(ValueError, match=r"the action of agent_1 must have \['motion', 'trigger'\], got list"):
        armed.step({'agent_0': both, 'agent_1': fine})
    with pytest.raises(ValueError, match=r"the action\['trigger'\] of agent_0 must have shape \(\), got \(2,\)"):
        armed.step({'agent_0': both | {'trigger': [0, 1]}, 'agent_1': both})


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
