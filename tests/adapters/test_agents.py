"""Models of other libraries as agents to be evaluated."""

import numpy as np
import pytest
import torch
from rollouts import FEW_RAYS
from worlds import houses

from envs import Minimal
from megastep.evaluation import Episodes, evaluate


def episodes():
    return Episodes.draw(houses(2), 'minimal', 2)


def test_a_model_of_stable_baselines3_is_evaluated():
    library = pytest.importorskip('stable_baselines3', reason='needs the extra stable-baselines3')
    from gymnasium.vector import AutoresetMode

    from megastep.adapters.stable_baselines3 import StableBaselines3Agent, StableBaselines3Env

    env = Minimal(houses(1), 2, 'cpu', cameras=FEW_RAYS, autoreset_mode=AutoresetMode.SAME_STEP)
    model = library.PPO('MlpPolicy', StableBaselines3Env(env), n_steps=4, batch_size=8, device='cpu', seed=0)
    agent = StableBaselines3Agent(model)
    found = evaluate({'ppo': agent}, episodes(), device='cpu', cameras=FEW_RAYS)
    assert (found.agents, len(found)) == (['ppo'], 4)
    one = evaluate({'ppo': agent}, episodes(), device='cpu', cameras=FEW_RAYS, num_envs=1)
    assert np.allclose(found.table['return'], one.table['return'], atol=1e-3)
    with pytest.raises(ValueError, match=r"the env's observation space must be the model's, Box\(.*\), got Box"):
        evaluate({'ppo': agent}, episodes(), device='cpu')


def test_a_recurrent_model_is_told_where_episodes_begin():
    pytest.importorskip('stable_baselines3', reason='needs the extra stable-baselines3')
    from megastep.adapters.stable_baselines3 import StableBaselines3Agent

    env = Minimal(houses(1), 2, 'cpu', cameras=FEW_RAYS)
    told = []

    class Model:
        observation_space, action_space = env.single_observation_space, env.single_action_space

        def predict(self, observation, state=None, episode_start=None, deterministic=False):
            told.append((state, episode_start.tolist(), deterministic))
            return np.zeros(len(observation), np.int64), 0 if state is None else state + 1

    act = StableBaselines3Agent(Model(), greedy=False).for_env(env)
    for begins in ([True, True], [False, True]):
        act(env.reset()[0], torch.tensor(begins))
    assert told == [(None, [True, True], False), (0, [False, True], False)]


def test_a_policy_of_torchrl_is_evaluated():
    pytest.importorskip('torchrl', reason='needs the extra torchrl')
    from megastep.adapters.torchrl import TorchRLAgent

    def policy(state):
        """Walks, and turns in every third step of an episode, which it counts itself."""
        counts = state.get('count', torch.zeros(len(state), 1)) * ~state['is_init']
        state['action'] = torch.where(counts[:, 0] % 3 == 2, 5, 1)
        state['next', 'count'] = counts + 1
        return state

    found = evaluate({'ours': TorchRLAgent(policy)}, episodes(), device='cpu', cameras=FEW_RAYS)
    one = evaluate({'ours': TorchRLAgent(policy)}, episodes(), device='cpu', cameras=FEW_RAYS, num_envs=1)
    assert np.allclose(found.table['return'], one.table['return'], atol=1e-4)


@pytest.mark.parametrize('given', [None, 'ppo.zip'])
def test_what_is_no_model_or_policy_is_refused(given):
    pytest.importorskip('stable_baselines3', reason='needs the extra stable-baselines3')
    pytest.importorskip('torchrl', reason='needs the extra torchrl')
    from megastep.adapters.stable_baselines3 import StableBaselines3Agent
    from megastep.adapters.torchrl import TorchRLAgent

    with pytest.raises(ValueError, match=f'model must be one of .*, got {given!r}, which has no predict'):
        StableBaselines3Agent(given)
    with pytest.raises(ValueError, match=f'policy must be a module or a function of .*, got {given!r}'):
        TorchRLAgent(given)


def test_a_model_without_its_adapter_is_told_of_it():
    with pytest.raises(ValueError, match="have for_env, as the adapters of other libraries' models and policies have"):
        evaluate(object(), episodes(), device='cpu')
