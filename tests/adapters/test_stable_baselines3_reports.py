"""What users of Stable-Baselines3 and sb3-contrib have reported of vector envs, and isn't so here.

| thread | report |
|---|---|
| SB3 633, 1276, 1864, gym 1402 | an episode that was terminated as its time was up counts as truncated alone |
| SB3 284, 829 | a replay buffer has the next episode's observation, or takes a timeout for an end |
| SB3 402, 447 | evaluation favours envs whose episodes are short |
| SB3 582, 719 | evaluation doesn't reset, or resets twice |
| SB3 949 | episodes are shorter the more envs there are |
| IsaacLab 974 | a reset in mid-episode doesn't begin the statistics anew |
| SB3 320 | a monitor's entries are no dictionaries of numbers |
| SB3 311, Stable-Baselines 470 | VecMonitor finds other returns, or no scores for its file |
| Stable-Baselines 524, 779, SB3 872 | normalisation isn't what it was after saving and loading |
| Stable-Baselines 412, 609, SB3 2101 | a terminal observation isn't normalised |
| SB3 396, 1883 | stacked frames of an episode's end are gone |
| sb3-contrib 169 | a recurrent policy isn't told where episodes begin |
| SB3 1486 | a seed begins new episodes by itself |
| SB3 1525, procgen 62, Stable-Baselines 20, 945 | wrapped, or of several envs, nothing is drawn |
| SB3 1966, 2192 | repeated training keeps all envs there ever were |
| SB3 416 | dictionaries of observations aren't normalised: see test_stable_baselines3.py |
"""

import csv
import gc
import weakref

import numpy as np
import pytest
import torch
from endings import STEPS, Endings, walking
from gymnasium.vector import AutoresetMode
from rollouts import FEW_RAYS, make

from envs import Minimal, PointGoal

sb3 = pytest.importorskip('stable_baselines3', reason='needs the extra stable-baselines3')
from stable_baselines3.common.evaluation import evaluate_policy  # noqa: E402
from stable_baselines3.common.vec_env import VecFrameStack, VecMonitor, VecNormalize  # noqa: E402

from megastep.adapters.stable_baselines3 import StableBaselines3Env  # noqa: E402

SAME_STEP = AutoresetMode.SAME_STEP


def adapted(num_envs=3):
    return StableBaselines3Env(Endings(SAME_STEP, num_envs=num_envs))


def played(env, count):
    env.reset()
    return [env.step(walking(env, step).numpy()) for step in range(count)]


class Still:
    """A policy that stays where it is, for evaluation."""

    def predict(self, observation, state=None, episode_start=None, deterministic=True):
        return np.zeros(len(observation), np.int64), None


def test_an_end_that_is_both_is_no_timeout():
    """SB3 633, 1276, 1864, gym 1402."""
    *_, ended, infos = played(adapted(), STEPS)[-1]
    assert ended.all() and [each['TimeLimit.truncated'] for each in infos] == [False, True, False]
    assert all('terminal_observation' in each for each in infos)


def test_a_replay_buffer_has_each_episodes_own_end():
    """SB3 284, 829."""
    model = sb3.DQN('MlpPolicy', adapted(), buffer_size=60, learning_starts=100, device='cpu', seed=0)
    model.learn(3 * 2 * STEPS)
    buffer, plain = model.replay_buffer, Endings(SAME_STEP)
    plain.reset(seed=0)
    for step in range(2 * STEPS):
        *_, info = plain.step(buffer.actions[step].ravel())
        ends = step % STEPS == STEPS - 1
        assert buffer.dones[step].tolist() == [ends] * 3
        assert buffer.timeouts[step].tolist() == [False, ends, False]
        np.testing.assert_array_equal(buffer.next_observations[step], info['final_obs'])


def test_evaluation_plays_as_many_episodes_in_each_env():
    """SB3 402, 447, 582, 719."""
    returns, lengths = evaluate_policy(
        Still(), VecMonitor(adapted(2)), n_eval_episodes=6, return_episode_rewards=True, warn=False
    )
    assert lengths == [STEPS] * 6 and len(set(returns)) > 2


@pytest.mark.parametrize('num_envs', [1, 6])
def test_episodes_are_as_long_however_many_envs_there_are(num_envs):
    """SB3 949."""
    model = sb3.PPO('MlpPolicy', adapted(num_envs), n_steps=2 * STEPS, batch_size=6, n_epochs=1, device='cpu', seed=0)
    model.learn(num_envs * 2 * STEPS)
    assert [each['l'] for each in model.ep_info_buffer] == [STEPS] * 2 * num_envs


def test_a_reset_in_mid_episode_begins_anew():
    """IsaacLab 974."""
    env = adapted()
    played(env, 2)
    _, rewards, *_ = zip(*played(env, STEPS), strict=True)
    env.reset()
    before = played(env, 2)
    *_, infos = played(env, STEPS)[-1]
    assert len(before) == 2 and [each['episode']['l'] for each in infos] == [STEPS] * 3
    assert len(rewards) == STEPS


def test_a_monitors_entries_are_numbers_by_name():
    """SB3 320."""
    *_, infos = played(adapted(), STEPS)[-1]
    for each in infos:
        assert {name: type(each['episode'][name]) for name in 'rlt'} == {'r': float, 'l': int, 't': float}


def test_vecmonitor_finds_the_same_and_writes_scores(tmp_path):
    """SB3 311, Stable-Baselines 470."""
    options = {'num_envs': 2, 'cameras': FEW_RAYS, 'autoreset_mode': SAME_STEP, 'time_limit': 0.3}
    plain = StableBaselines3Env(make(PointGoal, **options))
    env = VecMonitor(plain, str(tmp_path / 'kept'), info_keywords=('spl', 'success'))
    env.reset()
    told, step = [], plain.step_wait
    plain.step_wait = lambda: told.append(step()) or told[-1]
    found = [env.step(np.ones(2, np.int64)) for _ in range(3)][-1]
    for one, other in zip(found[-1], told[-1][-1], strict=True):
        assert one['episode']['r'] == pytest.approx(other['episode']['r'], abs=1e-5)
        assert one['episode']['l'] == other['episode']['l'] == 3
    env.close()
    rows = list(csv.reader((tmp_path / 'kept.monitor.csv').read_text().splitlines()))
    assert rows[1] == ['r', 'l', 't', 'spl', 'success'] and len(rows) == 4


def test_normalisation_is_saved_and_loaded(tmp_path):
    """Stable-Baselines 524, 779, SB3 872."""
    env = VecNormalize(adapted())
    played(env, 5)
    env.save(str(tmp_path / 'kept'))
    env.training = False
    again = VecNormalize.load(str(tmp_path / 'kept'), adapted())
    again.training = False
    for each in (env, again):
        each.seed(3)
    for one, other in zip(played(env, 4), played(again, 4), strict=True):
        np.testing.assert_array_equal(one[0], other[0])
    assert again.obs_rms.count == env.obs_rms.count


def test_a_terminal_observation_is_normalised():
    """Stable-Baselines 412, 609, SB3 2101."""
    env, plain = VecNormalize(adapted()), Endings(SAME_STEP)
    env.seed(0)
    plain.reset(seed=0)
    *_, infos = played(env, STEPS)[-1]
    for step in range(STEPS):
        *_, info = plain.step(walking(plain, step))
    for row in range(3):
        expected = env.normalize_obs(info['final_obs'][row].numpy())
        np.testing.assert_allclose(infos[row]['terminal_observation'], expected, rtol=1e-5)


def test_frames_of_an_episodes_end_are_stacked():
    """SB3 396, 1883."""
    env, plain = VecFrameStack(adapted(), 2), Endings(SAME_STEP)
    env.seed(0)
    plain.reset(seed=0)
    observations, *_, infos = played(env, STEPS)[-1]
    known = [plain.step(walking(plain, step)) for step in range(STEPS)]
    for row in range(3):
        expected = torch.cat([known[-2][0][row], known[-1][-1]['final_obs'][row]])
        np.testing.assert_array_equal(infos[row]['terminal_observation'], expected)
    np.testing.assert_array_equal(observations, torch.cat([torch.zeros(3, 2), known[-1][0]], dim=1))


def test_a_recurrent_policy_is_told_where_episodes_begin():
    """sb3-contrib 169."""
    contrib = pytest.importorskip('sb3_contrib', reason='needs the extra stable-baselines3')
    options = {'n_steps': 2 * STEPS, 'batch_size': 6, 'n_epochs': 1, 'device': 'cpu', 'seed': 0}
    model = contrib.RecurrentPPO('MlpLstmPolicy', adapted(), policy_kwargs={'lstm_hidden_size': 4}, **options)
    model.learn(3 * 2 * STEPS)
    begins = model.rollout_buffer.episode_starts.reshape(3, 2 * STEPS)  # it has been laid flat, row by row
    assert begins.astype(bool).tolist() == [[step % STEPS == 0 for step in range(2 * STEPS)]] * 3


def test_a_seed_begins_nothing_by_itself():
    """SB3 1486."""
    env, plain = adapted(), adapted()
    for each in (env, plain):
        each.seed(0)
        each.reset()
    env.seed(1)
    for one, other in zip(*([each.step(np.ones(3, np.int64)) for _ in range(2)] for each in (env, plain)), strict=True):
        np.testing.assert_array_equal(one[0], other[0])
    assert not np.array_equal(env.reset(), plain.reset())


def test_several_envs_are_drawn_through_wrappers():
    """SB3 1525, procgen 62, Stable-Baselines 20, 945."""
    plain = StableBaselines3Env(make(Minimal, cameras=FEW_RAYS, autoreset_mode=SAME_STEP, render_mode='rgb_array'))
    env = VecNormalize(VecMonitor(plain))
    env.reset()
    assert env.render_mode == 'rgb_array' and plain.metadata['render_fps'] == 10
    assert env.render().dtype == np.uint8 and env.render('rgb_array').ndim == 3


def test_what_was_trained_in_is_freed():
    """SB3 1966, 2192."""
    model = sb3.PPO('MlpPolicy', adapted(), n_steps=2, batch_size=6, n_epochs=1, device='cpu')
    model.learn(6)
    held = weakref.ref(model.env._env)
    del model
    gc.collect()
    assert held() is None
