"""The kernel's losses and gradients are PyTorch's."""

import pytest
import torch

from megastep.learning.model.distributions import Categorical
from megastep.learning.model.policy import PolicyOutput
from megastep.learning.objective import _in_one_kernel, objective
from megastep.learning.rollout import Minibatch
from megastep.learning.settings import Settings

TIMES, ROWS = 3, 50
SETTINGS = Settings(vf_coef=0.7, ent_coef=0.3, auxiliary_coef=0.2)


def drawn(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def case(counts, targets, dtype, device, scale=1.0):
    """Distributions, what all heads put out, and a minibatch, in a type."""
    distribution = Categorical(counts, [0] * len(counts), (len(counts),))
    outputs = scale * drawn(TIMES, ROWS, distribution.size + 1 + targets)
    logits = (outputs[..., : distribution.size] + 0.3 * drawn(TIMES, ROWS, distribution.size, seed=1)).double()
    samples = distribution.sample(logits, torch.Generator().manual_seed(0))
    reals = [drawn(TIMES, ROWS, seed=seed) for seed in (2, 3)]
    log_probs = distribution.log_prob(logits, samples)
    log_probs[0] = distribution.log_prob(outputs[0, :, : distribution.size].double(), samples[0])  # nothing has moved
    mask = drawn(TIMES, ROWS, seed=4) < 0.5
    batch = Minibatch(
        features=None, samples=samples, log_probs=log_probs.to(dtype), mask=mask, begins=None,
        advantages=reals[0].to(dtype), returns=reals[1].to(dtype), hidden=None,
        auxiliary_targets=drawn(TIMES, ROWS, targets, seed=5).to(dtype),
    )  # fmt: skip
    batch = Minibatch(*(None if each is None else each.to(device) for each in batch))
    return distribution, outputs.to(device, dtype).requires_grad_(), batch


def split(distribution, outputs):
    logits, values, predictions = outputs.split([distribution.size, 1, outputs.shape[-1] - distribution.size - 1], -1)
    return PolicyOutput(logits, values[..., 0], None, predictions)


def outcome(function, distribution, outputs, batch):
    """The loss, its parts and twice its gradients."""
    loss, parts = function(distribution, split(distribution, outputs), batch, SETTINGS)
    grads = torch.autograd.grad(2 * loss, outputs)[0]
    return {name: value.cpu().double() for name, value in {'loss': loss.detach(), **parts, 'grads': grads}.items()}


@pytest.mark.parametrize('counts', [[7], [1], [2, 5, 3]])
@pytest.mark.parametrize('targets', [0, 3])
@pytest.mark.parametrize('scale', [1.0, 100.0])  # of chances that are next to none, too
def test_the_kernel_has_pytorchs_losses_and_gradients(counts, targets, scale, device, poisoned):
    expected = outcome(objective, *case(counts, targets, torch.float64, 'cpu', scale))
    found = outcome(_in_one_kernel, *case(counts, targets, torch.float32, device, scale))
    torch.testing.assert_close(found, expected, atol=1e-5 * scale, rtol=1e-4)


def test_a_minibatch_in_which_nothing_counts_has_no_losses(device):
    distribution, outputs, batch = case([7], 3, torch.float32, device)
    found = outcome(_in_one_kernel, distribution, outputs, batch._replace(mask=torch.zeros_like(batch.mask)))
    assert all((value == 0).all() for value in found.values())
