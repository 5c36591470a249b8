"""Advantages and losses against the same written out, step by step, in float64."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import settings as options
from hypothesis import strategies as st

from megastep.learning import Settings, ppo

GAMMA, LAMBDA = 0.9, 0.8


def episodes(seed, times=12, rows=7, chance=0.3):
    """Random steps with terminations, truncations and the steps that follow them, whose action is ignored."""
    rng = np.random.default_rng(seed)
    ended, terminated, ignored = (np.zeros((times, rows), bool) for _ in range(3))
    ignored[0] = rng.random(rows) < chance
    for time in range(times):
        if time:
            ignored[time] = ended[time - 1]
        ended[time] = (rng.random(rows) < chance) & ~ignored[time]
        terminated[time] = ended[time] & (rng.random(rows) < 0.5)
    rewards = np.where(ignored, 0, rng.normal(size=(times, rows)))
    return rewards, rng.normal(size=(times + 1, rows)), terminated, ended, ignored


def advantage(rewards, values, terminated, ended, gamma, gae_lambda):
    """One row's advantages, each as the sum over the rest of its episode that the paper defines it as."""
    found = []
    for first in range(len(rewards)):
        total = 0.0
        for time in range(first, len(rewards)):
            later = 0.0 if terminated[time] else values[time + 1]
            total += (gamma * gae_lambda) ** (time - first) * (rewards[time] + gamma * later - values[time])
            if ended[time]:
                break
        found.append(total)
    return found


@options(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**6), gae_lambda=st.sampled_from([0.0, 0.8, 1.0]), times=st.integers(1, 20))
def test_advantages_are_the_sums_they_stand_for(seed, gae_lambda, times):
    rewards, values, terminated, ended, ignored = episodes(seed, times)
    tensors = [torch.from_numpy(array) for array in (rewards, values, terminated, ended)]
    found = ppo.estimate_advantages(*tensors, gamma=GAMMA, gae_lambda=gae_lambda).numpy()
    columns = zip(rewards.T, values.T, terminated.T, ended.T, strict=True)
    expected = np.stack([advantage(*column, GAMMA, gae_lambda) for column in columns], axis=1)
    np.testing.assert_allclose(found[~ignored], expected[~ignored], atol=1e-12)


def advantages_of(rewards, values, terminated, ended):
    tensors = [torch.tensor(values, dtype=torch.float64)[:, None] for values in (rewards, values)]
    flags = [torch.tensor(flags)[:, None] for flags in (terminated, ended)]
    return ppo.estimate_advantages(*tensors, *flags, gamma=0.5, gae_lambda=1.0)[:, 0].tolist()


def test_a_truncated_episode_is_worth_what_its_last_observation_is():
    """Two steps of an episode, the step that begins the next one, and one step of that."""
    values = [0, 0, 8, 100, 200]
    flags = [False, True, False, False]
    assert advantages_of([1, 1, 0, 1], values, [False] * 4, flags)[:2] == [1 + 0.5 * (1 + 4), 1 + 4]
    assert advantages_of([1, 1, 0, 1], values, flags, flags)[:2] == [1.5, 1]


def test_nothing_crosses_from_one_episode_to_the_next():
    rewards, values, terminated, ended, _ = episodes(3, times=30)
    other = rewards.copy()
    first = int(np.flatnonzero(ended[:, 0])[0])
    other[first + 1 :, 0] += 1000
    values_too = values.copy()
    values_too[first + 2 :, 0] -= 500
    before, after = (
        ppo.estimate_advantages(
            *map(torch.from_numpy, (paid, worth, terminated, ended)), gamma=GAMMA, gae_lambda=LAMBDA
        )
        for paid, worth in ((rewards, values), (other, values_too))
    )
    assert torch.equal(before[: first + 1, 0], after[: first + 1, 0])
    assert not torch.equal(before[first + 1 :, 0], after[first + 1 :, 0])


def test_normalising_looks_at_what_counts_alone():
    values = torch.tensor([1.0, 3.0, 1e6])
    found = ppo.normalised(values, torch.tensor([True, True, False]))
    torch.testing.assert_close(found[:2], torch.tensor([-1.0, 1.0]))


def test_the_mean_of_nothing_is_zero():
    assert ppo.mean(torch.ones(3), torch.zeros(3, dtype=torch.bool)) == 0


@pytest.mark.parametrize('values, expected', [([1, 2, 3], 1), ([2, 2, 2], 0), ([3, 2, 1], -3), ([4, 5, 6], 1)])
def test_explained_variance(values, expected):
    values, mask = torch.tensor(values).float(), torch.ones(3, dtype=torch.bool)
    found = ppo.explained_variance(values, torch.tensor([1.0, 2, 3]), mask)
    assert found.item() == pytest.approx(expected, abs=1e-6)


def written_out(logs, before, values, entropies, advantages, returns, predictions, targets, mask, settings):
    """The losses, one step at a time."""
    policy, value, entropy, kl, clipped, auxiliary, count = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0
    for i in np.ndindex(mask.shape):
        if not mask[i]:
            continue
        ratio = math.exp(logs[i] - before[i])
        low, high = 1 - settings.clip_coef, 1 + settings.clip_coef
        policy -= min(ratio * advantages[i], min(max(ratio, low), high) * advantages[i])
        value += (values[i] - returns[i]) ** 2 / 2
        entropy += entropies[i]
        kl += ratio - 1 - math.log(ratio)
        clipped += not low <= ratio <= high
        errors = [prediction - target for prediction, target in zip(predictions[i], targets[i], strict=True)]
        auxiliary += sum(error**2 for error in errors) / 3
        count += 1
    sums = {'policy_loss': policy, 'value_loss': value, 'entropy': entropy, 'approx_kl': kl, 'clip_fraction': clipped}
    sums['auxiliary_loss'] = auxiliary
    return {name: value / count for name, value in sums.items()}


@options(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10**6), clip_coef=st.floats(0.05, 0.5))
def test_losses_are_what_is_written_out(seed, clip_coef):
    rng = np.random.default_rng(seed)
    settings = Settings(clip_coef=clip_coef, vf_coef=0.7, ent_coef=0.3, auxiliary_coef=0.2)
    arrays = [rng.normal(scale=0.3, size=(5, 4, 3)[: 2 + (i > 5)]) for i in range(8)]
    mask = rng.random((5, 4)) < 0.7
    mask[0, 0] = True
    loss, parts = ppo.losses(*map(torch.from_numpy, arrays), torch.from_numpy(mask), settings)
    expected = written_out(*arrays, mask, settings)
    assert {name: value.item() for name, value in parts.items()} == pytest.approx(expected, abs=1e-12)
    total = expected['policy_loss'] + 0.7 * expected['value_loss'] - 0.3 * expected['entropy']
    total += 0.2 * expected['auxiliary_loss']
    assert loss.item() == pytest.approx(total, abs=1e-12)


@pytest.mark.parametrize('advantage, ratio, pushes', [(1, 1, True), (1, 1.5, False), (1, 0.5, True), (-1, 0.5, False)])
def test_an_action_whose_probability_has_moved_far_enough_is_left_alone(advantage, ratio, pushes):
    logs, nothing = torch.tensor([math.log(ratio)], requires_grad=True), torch.zeros(1)
    mask, settings, none = torch.ones(1, dtype=torch.bool), Settings(clip_coef=0.2), torch.zeros(1, 0)
    advantages = torch.tensor([float(advantage)])
    loss, _ = ppo.losses(logs, nothing, nothing, nothing, advantages, nothing, none, none, mask, settings)
    loss.backward()
    assert bool(logs.grad != 0) == pushes


def test_steps_that_do_not_count_change_nothing():
    shapes, settings = [(6,)] * 6 + [(6, 2)] * 2, Settings()
    tensors = [torch.randn(shape, generator=torch.Generator().manual_seed(i)) for i, shape in enumerate(shapes)]
    mask = torch.tensor([True, True, False, True, False, True])
    other = [torch.where(mask if tensor.ndim == 1 else mask[:, None], tensor, 1e3) for tensor in tensors[2:]]
    assert ppo.losses(*tensors, mask, settings)[0] == ppo.losses(*tensors[:2], *other, mask, settings)[0]


@pytest.mark.parametrize(
    'change, message',
    [
        ({'horizon': 0}, 'horizon must be at least 1 and finite, got 0'),
        ({'horizon': 2.0}, r'horizon must be an integer, got 2\.0'),
        ({'gamma': 1.5}, r'gamma must be from 0 to 1, got 1\.5'),
        ({'gae_lambda': -1}, 'gae_lambda must be from 0 to 1, got -1'),
        ({'learning_rate': math.inf}, 'learning_rate must be at least 0 and finite, got inf'),
        ({'learning_rate': math.nan}, 'learning_rate must be at least 0 and finite, got nan'),
        ({'clip_coef': 0}, 'clip_coef must be above 0 and finite, got 0'),
        ({'num_minibatches': 3}, 'num_minibatches must divide num_envs, 16384, got 3'),
    ],
)
def test_settings_are_checked(change, message):
    with pytest.raises(ValueError, match=message):
        replace(Settings(), **change)
