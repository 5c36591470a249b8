"""Stable-Baselines3 takes envs: it trains in them, and is told how episodes end."""

import numpy as np
import pytest
import torch
from gymnasium.vector import AutoresetMode
from optional_libraries import needs
from rollouts import FEW_RAYS, make
from walks import EYES, LIVES, Walk

from envs import Explorer, Minimal, PointGoal

NEXT_STEP, SAME_STEP, DISABLED = AutoresetMode


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


@pytest.mark.filterwarnings('error:Evaluation environment')
def test_stable_baselines3_evaluates_by_what_the_env_pays(sb3_env):
    """And not by what VecNormalize makes of it, for infos have what a Monitor's do."""
    from stable_baselines3 import PPO
    from stable_baselines3.common.evaluation import evaluate_policy
    from stable_baselines3.common.monitor import Monitor
    from stable_baselines3.common.vec_env import VecNormalize

    walk = sb3_env(Walk(SAME_STEP, num_envs=1))
    assert walk.env_is_wrapped(Monitor, [0]) == [True]
    env = VecNormalize(walk, norm_obs=False, clip_reward=1e-3)
    model = PPO('MlpPolicy', env, n_steps=2, batch_size=2, device='cpu', seed=0)
    returns, lengths = evaluate_policy(model, env, n_eval_episodes=3, return_episode_rewards=True)
    assert all(found >= length for found, length in zip(returns, lengths, strict=True))  # a step pays 1 to 9


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
