"""Objective of PPO: the loss of a minibatch. Of integer actions on a GPU it takes one kernel, with its gradients."""

from __future__ import annotations

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from megastep.learning import ppo
from megastep.learning.model.distributions import Categorical, Distribution
from megastep.learning.model.policy import PolicyOutput
from megastep.learning.rollout import Minibatch
from megastep.learning.settings import Settings

PARTS = ('policy_loss', 'value_loss', 'entropy', 'approx_kl', 'clip_fraction', 'auxiliary_loss')
"""What the loss consists of, and what else is told, in the order in which the kernel has it."""


def objective(
    distribution: Distribution, output: PolicyOutput, batch: Minibatch, settings: Settings
) -> tuple[Float[Tensor, ''], dict[str, Tensor]]:
    """The loss of a policy's output, and its parts: see `ppo.losses`.

    Args:
        distribution: The policy's distributions over actions.
        output: What it puts out for the minibatch.
        batch: The minibatch.
        settings: How to learn.
    """
    if batch.mask.is_cuda and isinstance(distribution, Categorical):
        return _in_one_kernel(distribution, output, batch, settings)
    logits = output.logits
    return ppo.losses(
        distribution.log_prob(logits, batch.samples), batch.log_probs, output.values, distribution.entropy(logits),
        batch.advantages, batch.returns, output.auxiliary_predictions, batch.auxiliary_targets, batch.mask, settings,
    )  # fmt: skip


def _in_one_kernel(
    distribution: Categorical, output: PolicyOutput, batch: Minibatch, settings: Settings
) -> tuple[Float[Tensor, ''], dict[str, Tensor]]:
    from megastep.triton.network.losses import Batch, Weights

    rows = batch.samples, batch.log_probs, batch.mask, batch.advantages, batch.returns, batch.auxiliary_targets
    low, high = 1 - settings.clip_coef, 1 + settings.clip_coef
    weights = Weights(low, high, settings.clip_coef, settings.vf_coef, settings.ent_coef, settings.auxiliary_coef)
    flat = (tensor.flatten(0, 1) for tensor in (output.logits, output.values, output.auxiliary_predictions))
    given = Batch(*(tensor.flatten(0, 1).contiguous() for tensor in rows))
    loss, sums = _Losses.apply(*flat, given, distribution.counts, weights)
    named = dict(zip(PARTS, sums[1:].unbind(), strict=True))
    if not batch.auxiliary_targets.shape[-1]:
        del named['auxiliary_loss']
    return loss, named


class _Losses(torch.autograd.Function):
    """The loss, and behind it once more its parts, which have no gradients."""

    @staticmethod
    def forward(
        ctx: Any, logits: Tensor, values: Tensor, predictions: Tensor, batch: Any, counts: list[int], weights: Any
    ) -> tuple[Tensor, Tensor]:
        from megastep.triton.network import losses as kernels

        sums, *grads = kernels.losses(logits, values, predictions, batch, counts, weights)
        ctx.save_for_backward(*grads)
        ctx.mark_non_differentiable(sums)
        return sums[0].clone(), sums

    @staticmethod
    def backward(ctx: Any, grad: Tensor, _: Tensor) -> tuple[Tensor | None, ...]:
        return *(grads * grad for grads in ctx.saved_tensors), None, None, None
