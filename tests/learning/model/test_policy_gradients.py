"""A policy's gradients on a device, all layers and losses together, against PyTorch's own in float64."""

import copy
from typing import NamedTuple

import pytest
import torch
from gymnasium.spaces import Box, Dict, Discrete, MultiDiscrete

from megastep.learning import Policy, Settings
from megastep.learning.model.acting import RolloutPolicy
from megastep.learning.model.layers import aligned, compute_dtype, padded
from megastep.learning.objective import objective

SPACE = Dict(rgb=Box(0, 1, (1, 3, 21)), imu=Box(-10, 10, (3,)))
TIMES, ROWS, WIDTH = 7, 40, 64
ROUNDED = 0.08
"""Relative errors if products are in bfloat16, which has 8 bits. That of the first layer's weights is 0.05, on a CPU
that rounds likewise as well."""


class Experience(NamedTuple):
    """A minibatch, as `Minibatch` has it, but for features."""

    samples: torch.Tensor
    log_probs: torch.Tensor
    mask: torch.Tensor
    advantages: torch.Tensor
    returns: torch.Tensor
    auxiliary_targets: torch.Tensor


def drawn(*shape, seed):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def experience(policy, features, hidden, begins):
    """What somebody did who was nearly like the policy, and how that went.

    Importance ratios are within the clip range: at its bounds gradients jump, and rounding would decide.
    """
    with torch.no_grad():
        logits = policy.sequence(features, hidden, begins).logits
    samples = policy.distribution.sample(logits, torch.Generator().manual_seed(0))
    reals = (drawn(TIMES, ROWS, seed=seed) for seed in (2, 3))
    mask = drawn(TIMES, ROWS, seed=4) > -1
    log_probs = policy.distribution.log_prob(logits, samples) + 0.05 * drawn(TIMES, ROWS, seed=1).clamp(-1, 1)
    return Experience(samples, log_probs, mask, *reals, drawn(TIMES, ROWS, 2, seed=5))


def told(tensor, device):
    """A tensor on a device, where reals are float32."""
    return tensor.to(device, torch.float32 if tensor.is_floating_point() else tensor.dtype)


def gradients(policy, batch, features, hidden, begins):
    loss, _ = objective(policy.distribution, policy(features, hidden, begins), batch, Settings())
    policy.zero_grad()
    loss.backward()
    return {name: parameter.grad.double().cpu() for name, parameter in policy.named_parameters()}


@pytest.fixture(params=[Discrete(7), MultiDiscrete([3, 2])], ids=['one', 'several'])
def policies(request, device):
    exact = Policy(SPACE, request.param, WIDTH, auxiliary_space=Box(-1, 1, (2,)), seed=1).double()
    with torch.no_grad():
        exact.output.weight.mul_(50)  # or all actions would be nearly equally likely
    return exact, copy.deepcopy(exact).float().to(device)


@pytest.fixture
def given(policies):
    features = drawn(TIMES, ROWS, policies[0].intake.features.size, seed=6)
    return features, drawn(ROWS, 2 * WIDTH, seed=7).tanh(), drawn(TIMES, ROWS, seed=8) > 1


def error(found, exact):
    return ((found - exact).norm() / exact.norm()).item()


def test_gradients_are_those_of_float64(policies, given, device):
    exact, policy = policies
    batch = experience(exact, *given)
    expected = gradients(exact, batch, *given)
    batch, given = Experience(*(told(each, device) for each in batch)), [told(each, device) for each in given]
    found = gradients(policy, batch, *given)
    bound = ROUNDED if device.type == 'cuda' else 1e-4
    errors = {name: error(found[name], expected[name]) for name in expected}
    assert max(errors.values()) < bound, errors


def test_acting_is_what_is_learnt_from(policies, given, device):
    exact, policy = policies
    features, hidden, begins = (told(each, device) for each in given)
    length = aligned(features.shape[-1], device)
    expected = exact.sequence(*given)
    acting, outputs = RolloutPolicy(policy, ROWS), []
    forgets = torch.cat([begins[1:], torch.zeros_like(begins[:1])])
    with torch.no_grad():
        acting.begin(hidden, begins[0], length)
        for time in range(TIMES):
            outputs.append(features.new_empty((ROWS, policy.distribution.size + 1)))
            seen = padded(features[time].to(compute_dtype(features)), length)
            acting.step(seen, forgets[time], outputs[-1])
    found = torch.stack(outputs).double().cpu()
    bound = ROUNDED if device.type == 'cuda' else 1e-4
    assert error(found, torch.cat([expected.logits, expected.values[..., None]], dim=-1)) < bound
