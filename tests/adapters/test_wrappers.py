"""Wrappers of our own do in tensors what Gymnasium's do in arrays, in every autoreset mode."""

from collections import deque

import gymnasium
import numpy as np
import pytest
import torch
from gymnasium.spaces import Box, Dict, Discrete, MultiBinary, MultiDiscrete, Tuple, flatten
from gymnasium.vector import AutoresetMode
from gymnasium.vector.utils import batch_space
from rollouts import FEW_RAYS, actions_of, make
from torch.utils._pytree import tree_leaves, tree_map
from walks import Walk

from envs import Deathmatch, Minimal, PointGoal
from megastep.adapters.wrappers import (
    FlattenObservation,
    FrameStackObservation,
    NormalizeObservation,
    NormalizeReward,
    RecordEpisodeStatistics,
    RecordVideo,
)
from megastep.adapters.wrappers.observations import flattened
from megastep.testing import check_env

NEXT_STEP, SAME_STEP, DISABLED = MODES = tuple(AutoresetMode)


def steps(env, count=20, seed=0):
    """What a reset and some steps return; with DISABLED what has ended is reset, and its observations follow."""
    observations, info = env.reset(seed=seed)
    yield observations, None, torch.zeros(env.num_envs, dtype=torch.bool), info
    for step in range(count):
        observations, rewards, terminated, truncated, info = env.step(actions_of(env, step))
        ended = terminated | truncated
        yield observations, rewards, ended, info
        if env.metadata['autoreset_mode'] is DISABLED and ended.any():
            yield env.reset(options={'reset_mask': ended})[0], None, ended, info


@pytest.mark.parametrize('mode', MODES)
@pytest.mark.parametrize(
    'wrap',
    [
        RecordEpisodeStatistics,
        NormalizeReward,
        FlattenObservation,
        lambda env: FrameStackObservation(env, 3),
        lambda env: NormalizeObservation(FlattenObservation(FrameStackObservation(env, 2))),
    ],
    ids=['statistics', 'rewards', 'flat', 'stacked', 'all'],
)
def test_a_wrapped_env_is_one_of_tensors(wrap, mode):
    env = wrap(Walk(mode, num_envs=4))
    for observations, rewards, _, _ in steps(env, 6):
        assert all(isinstance(leaf, torch.Tensor) for leaf in tree_leaves(observations))
        assert env.observation_space.contains(tree_map(lambda leaf: leaf.numpy(), observations))
        assert rewards is None or rewards.dtype == torch.float32
    assert env.device == torch.device('cpu') and env.unwrapped.core.num_envs == 4
    env.close()


@pytest.mark.parametrize('mode', MODES)
def test_statistics_are_those_of_the_env(mode):
    env = RecordEpisodeStatistics(Walk(mode), buffer_length=7)
    returns, lengths = deque(maxlen=7), deque(maxlen=7)
    for _, rewards, ended, info in steps(env):
        if rewards is None:
            continue
        assert torch.equal(info['_episode'], ended)
        torch.testing.assert_close(info['episode']['r'], info['episode']['return'])
        assert torch.equal(info['episode']['l'][ended], info['episode']['length'][ended])
        assert (info['episode']['t'] >= 0).all()
        returns.extend(info['episode']['r'][ended].tolist())
        lengths.extend(info['episode']['l'][ended].tolist())
    assert env.return_queue.tolist() == pytest.approx(list(returns)) and len(returns) == 7
    assert env.length_queue.tolist() == list(lengths)
    assert (env.time_queue > 0).all() and (env.time_queue < 100).all()


def test_queues_hold_nan_until_they_are_full():
    env = RecordEpisodeStatistics(Walk(longest=3, num_envs=1), buffer_length=50)
    ends = sum(int(ended.sum()) for _, _, ended, _ in steps(env, 10))
    assert env.return_queue.isnan().tolist() == [True] * (50 - ends) + [False] * ends


def test_statistics_are_of_the_rewards_that_wrappers_have_made():
    env = RecordEpisodeStatistics(gymnasium.wrappers.vector.TransformReward(Walk(), lambda rewards: 2 * rewards))
    *_, (_, _, _, info) = steps(env, 5)
    torch.testing.assert_close(info['episode']['r'], 2 * info['episode']['return'])


def test_observations_are_normalized_as_gymnasium_does():
    """By its own running moments, on the same observations."""
    from gymnasium.wrappers.utils import RunningMeanStd

    env, known = NormalizeObservation(Walk()), RunningMeanStd(shape=(2,))
    for (got, *_), (observations, *_) in zip(steps(env), steps(Walk()), strict=True):
        known.update(observations.numpy())
        expected = (observations.numpy() - known.mean) / np.sqrt(known.var + 1e-8)
        np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-5)


def test_each_part_of_an_observation_is_normalized_by_itself():
    env = NormalizeObservation(make(PointGoal, num_envs=3, cameras=FEW_RAYS))
    assert set(env.moments) == {('rgb',), ('depth',), ('imu',), ('goal',)}
    observations, _ = env.reset(seed=0)
    assert all(abs(leaf.mean()) < 1e-3 for leaf in observations.values())
    mean = env.moments['goal',].mean
    env.update_running_mean = False
    env.step(actions_of(env, 0))
    assert env.moments['goal',].mean is mean


def test_the_end_of_an_episode_is_normalized_and_not_counted():
    env, plain = NormalizeObservation(Walk(SAME_STEP)), Walk(SAME_STEP)
    for (_, _, ended, info), (_, _, _, known) in zip(steps(env), steps(plain), strict=True):
        if ended.any():
            moments = env.moments[()]
            expected = ((known['final_obs'] - moments.mean) / moments.scale(1e-8)).float()
            torch.testing.assert_close(info['final_obs'], expected)
    assert env.moments[()].count == pytest.approx(6 * 21, abs=1e-3)


@pytest.mark.parametrize('mode', MODES)
def test_rewards_are_divided_by_the_deviation_of_discounted_returns(mode):
    env, plain, gamma = NormalizeReward(Walk(mode), gamma=0.9), Walk(mode), 0.9
    seen, returns, begins = [], torch.zeros(6), torch.zeros(6, dtype=torch.bool)
    for (_, got, ended, _), (_, rewards, _, _) in zip(steps(env), steps(plain), strict=True):
        if rewards is None:
            begins = ended
            continue
        returns = torch.where(begins, 0, returns) * gamma + rewards
        seen.append(returns.double())
        deviation = torch.cat(seen).std(correction=0)
        torch.testing.assert_close(got, (rewards / deviation).float(), rtol=1e-3, atol=1e-4)
        begins = ended if mode is not DISABLED else torch.zeros_like(ended)


def test_flat_observations_are_those_of_gymnasium():
    space = Dict(
        a=Box(-1, 1, (2, 3)), b=Discrete(3, start=2), c=Tuple((MultiDiscrete([2, 4], start=[1, -1]), MultiBinary(2)))
    )
    space.seed(0)
    batch = batch_space(space, 4)
    batch.seed(0)
    sample = batch.sample()
    got = flattened(tree_map(torch.as_tensor, dict(sample)), space)
    for row in range(4):
        element = tree_map(lambda leaf, row=row: leaf[row], dict(sample))
        np.testing.assert_allclose(got[row], flatten(space, element), rtol=1e-6)


def test_frames_are_stacked_from_an_episodes_first_on():
    for mode in MODES:
        env, plain, expected = FrameStackObservation(Walk(mode), 3), Walk(mode), None
        begins = torch.ones(6, dtype=torch.bool)
        for (got, rewards, ended, info), (observations, _, _, known) in zip(steps(env), steps(plain), strict=True):
            if rewards is not None and mode is SAME_STEP:
                begins = ended
                final = torch.cat([expected[:, 1:], known['final_obs'][:, None]], dim=1)
                assert torch.equal(info['final_obs'], final)
            if rewards is None and expected is not None:  # a reset of some
                follows = torch.where(ended[:, None, None], observations[:, None].expand(-1, 3, -1), expected)
            else:
                first = observations[:, None].expand(-1, 3, -1)
                moved = first if expected is None else torch.cat([expected[:, 1:], observations[:, None]], dim=1)
                follows = torch.where(begins[:, None, None], first, moved)
            assert torch.equal(got, follows)
            expected, begins = follows, ended if mode is NEXT_STEP else torch.zeros_like(ended)


def test_a_stacked_env_keeps_what_envs_promise():
    check_env(FrameStackObservation(Walk(longest=4), 2), partial_resets=False)


def test_agents_of_a_world_begin_together():
    env = FrameStackObservation(
        make(Deathmatch, num_envs=4, num_agents=2, cameras=FEW_RAYS, autoreset_mode=DISABLED), 2
    )
    env.reset(seed=0)
    env.step(torch.ones(4, dtype=torch.int64))
    after, _ = env.reset(options={'reset_mask': torch.tensor([True, False, False, False])})
    same = (after['rgb'][:, 0] == after['rgb'][:, 1]).flatten(1).all(dim=1)
    assert same[:2].all() and not same[2:].any()


@pytest.mark.parametrize('mode', MODES)
def test_videos_of_episodes_are_recorded(mode, tmp_path):
    options = {'num_envs': 2, 'shortest': 3, 'longest': 3, 'render_mode': 'rgb_array', 'autoreset_mode': mode}
    env = RecordVideo(make(Minimal, **options), tmp_path / 'new', episode_trigger=lambda number: number == 1)
    *_, last = steps(env, 9)
    env.close()
    assert last and [file.stem for file in (tmp_path / 'new').iterdir()] == ['rl-video-episode-1']


def test_videos_of_so_many_steps_are_recorded(tmp_path, monkeypatch):
    from megastep.adapters.wrappers import video

    written = {}

    class Kept(video.Recorder):
        def add(self, frame):
            written.setdefault(self.path.stem, []).append(frame)
            super().add(frame)

    monkeypatch.setattr(video, 'Recorder', Kept)
    options = {
        'step_trigger': lambda step: step % 3 == 0,
        'video_length': 2,
        'envs': [0, 2, 1],
        'fps': 5,
        'name_prefix': 'walk',
    }
    env = make(Minimal, num_envs=3, cameras=FEW_RAYS, render_mode='rgb_array')
    env.reset()
    height, width, _ = env.render()[0].shape
    env = RecordVideo(env, tmp_path, **options)
    for _ in steps(env, 4):
        pass
    env.close()
    assert {name: len(frames) for name, frames in written.items()} == {'walk-step-0': 2, 'walk-step-3': 2}
    assert written['walk-step-0'][0].shape == (2 * height, 2 * width, 3)
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize(
    'make_it, message',
    [
        (lambda env: RecordEpisodeStatistics(env, 0), 'buffer_length must be an integer of at least 1, got 0'),
        (lambda env: NormalizeObservation(env, 0), 'epsilon must be above 0, got 0'),
        (lambda env: NormalizeReward(env, 1.5), 'gamma must be from 0 to 1, got 1.5'),
        (lambda env: FrameStackObservation(env, 0), 'stack_size must be an integer of at least 1, got 0'),
        (lambda env: RecordVideo(env, 'x'), "env must have render_mode='rgb_array', got None"),
        (lambda env: RecordVideo(drawing(env), 'x', envs=[6]), r'envs must be numbers from 0 to 5, got \[6\]'),
        (
            lambda env: RecordVideo(drawing(env), 'x', episode_trigger=bool, step_trigger=bool),
            'there must be an episode_trigger or a step_trigger, got both',
        ),
        (lambda env: FlattenObservation(Arrays()), 'env must be a vector env of tensors, with a device, got Arrays'),
    ],
)
def test_refuses(make_it, message):
    with pytest.raises(ValueError, match=message):
        make_it(Walk())


def drawing(env):
    env.render_mode = 'rgb_array'
    return env


class Arrays(gymnasium.vector.VectorEnv):
    """An env of arrays."""
