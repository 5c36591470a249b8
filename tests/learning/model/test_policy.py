"""A policy: one step or many by the same code, no memory across episodes, and nothing in it that doesn't learn."""

import numpy as np
import pytest
import torch
from gymnasium.spaces import Box, Dict, Discrete, Tuple

from megastep.learning import Policy

SPACE = Dict(rgb=Box(0, 1, (1, 3, 16)), imu=Box(-np.inf, np.inf, (3,)))
TIMES, ROWS, WIDTH = 9, 5, 12


@pytest.fixture
def policy():
    return Policy(SPACE, Tuple([Discrete(3), Box(-1, 1, (2,))]), WIDTH, auxiliary_space=Box(-1, 1, (2,)), seed=1)


def observations(seed=0):
    generator = torch.Generator().manual_seed(seed)
    return {
        'imu': torch.randn(TIMES, ROWS, 3, generator=generator),
        'rgb': torch.rand(TIMES, ROWS, 1, 3, 16, generator=generator),
    }


def some_begin(seed=0):
    return torch.rand(TIMES, ROWS, generator=torch.Generator().manual_seed(seed)) < 0.3


def remembered(seed=0):
    return torch.randn(ROWS, 2 * WIDTH, generator=torch.Generator().manual_seed(seed)).tanh()


def test_a_sequence_is_its_steps(policy):
    seen, begins, hidden = observations(), some_begin(), remembered()
    whole = policy.sequence(policy.intake.features(seen), hidden, begins)
    for time in range(TIMES):
        found = policy.step({name: seen[name][time] for name in seen}, hidden, begins[time])
        hidden = found.hidden
        for name in ('logits', 'values', 'auxiliary_predictions'):
            torch.testing.assert_close(getattr(found, name), getattr(whole, name)[time], atol=1e-5, rtol=0)
    torch.testing.assert_close(hidden, whole.hidden, atol=1e-5, rtol=0)


def test_what_is_remembered_matters_but_not_across_episodes(policy):
    features = policy.intake.features(observations())
    begins = torch.zeros(TIMES, ROWS, dtype=torch.bool)
    begins[4, :2] = True
    one, other = (policy(features, remembered(seed), begins).logits for seed in (1, 2))
    same = (one == other).all(dim=-1)
    assert same[4:, :2].all() and not same[:4].any() and not same[:, 2:].any()


def test_an_episode_that_begins_is_like_a_blank_memory(policy):
    seen = {name: values[0] for name, values in observations().items()}
    begun = policy.step(seen, remembered(), torch.ones(ROWS, dtype=torch.bool))
    assert all(torch.equal(a, b) for a, b in zip(begun, policy.step(seen, policy.initial_hidden(ROWS)), strict=True))


def test_gradients_reach_every_parameter(policy):
    found = policy(policy.intake.features(observations()), policy.initial_hidden(ROWS), some_begin())
    samples = policy.distribution.sample(found.logits.detach(), torch.Generator().manual_seed(0))
    loss = policy.distribution.log_prob(found.logits, samples).mean()
    loss = loss + found.values.mean() + found.auxiliary_predictions.mean()
    loss.backward()
    for name, parameter in policy.named_parameters():
        assert parameter.grad is not None and (parameter.grad != 0).any(), name


def test_gradients_flow_back_to_the_start_of_an_episode_and_no_further(policy):
    features = policy.intake.features(observations()).requires_grad_()
    begins = torch.zeros(TIMES, ROWS, dtype=torch.bool)
    begins[3, 0] = True
    policy(features, policy.initial_hidden(ROWS), begins).values[-1].sum().backward()
    reached = (features.grad != 0).any(dim=-1)
    assert reached[:, 1:].all() and reached[3:, 0].all() and not reached[:3, 0].any()


def test_the_seed_decides_the_weights():
    one, same, other = (Policy(SPACE, Discrete(3), 8, seed=seed).state_dict() for seed in (1, 1, 2))
    assert all(torch.equal(one[name], same[name]) for name in one)
    assert not torch.equal(one['value.weight'], other['value.weight'])


def test_a_state_dict_holds_weights_alone(policy):
    assert set(policy.state_dict()) == {name for name, _ in policy.named_parameters()}
