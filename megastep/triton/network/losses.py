"""Losses of PPO where actions are integers, with their gradients. The twin is `megastep.learning.ppo.losses`."""

from typing import NamedTuple, no_type_check

import torch
import triton
import triton.language as tl

from megastep.triton.buffers import device_guard

BLOCK = 128
NUM_SUMS = 7
"""How many sums there are: of the loss, and of what it consists of."""


@triton.jit
@no_type_check
def distribution(logits, samples, there, COUNT: tl.constexpr, WIDTH: tl.constexpr):
    """Each lane's probabilities, their logarithms, which of them is its sample's, and their entropy."""
    column = tl.arange(0, WIDTH)[None, :]
    logit = tl.load(logits[:, None] + column, mask=there[:, None] & (column < COUNT), other=0)
    logit = tl.where(column < COUNT, logit, float('-inf'))
    shifted = logit - tl.max(logit, 1)[:, None]
    weight = tl.exp(shifted)
    total = tl.sum(weight, 1)
    logs = tl.where(column < COUNT, shifted - tl.log(total)[:, None], 0.0)
    chances = weight / total[:, None]
    sampled = column == tl.load(samples, mask=there, other=0)[:, None]
    return chances, logs, sampled, -tl.sum(chances * logs, 1)


@triton.jit
@no_type_check
def _losses(
    # in
    logits, values, predictions, batch, count, weights,
    # out
    logit_grads, value_grads, prediction_grads, sums,
    # sizes
    num_rows, logit_stride, value_stride, prediction_stride,
    COUNTS: tl.constexpr, WIDTH: tl.constexpr, NUM_LOGITS: tl.constexpr, NUM_TARGETS: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    """Each lane has the losses of one row, and program b their sums over the bth BLOCK."""
    row = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    there, column, zero = row < num_rows, tl.arange(0, WIDTH)[None, :], tl.zeros([BLOCK], tl.float32)
    counts = tl.load(batch.mask + row, mask=there, other=0) != 0
    share = tl.where(counts, 1 / tl.maximum(tl.load(count).to(tl.float32), 1.0), 0.0)
    own_logits, own_samples = logits + row * logit_stride, batch.samples + row * len(COUNTS)

    log_prob, entropy, first = zero, zero, 0
    for i in tl.static_range(len(COUNTS)):
        _, logs, sampled, spread = distribution(own_logits + first, own_samples + i, there, COUNTS[i], WIDTH)
        log_prob += tl.sum(tl.where(sampled, logs, 0.0), 1)
        entropy, first = entropy + spread, first + COUNTS[i]
    log_ratio = log_prob - tl.load(batch.log_probs + row, mask=there, other=0)
    ratio, advantage = tl.exp(log_ratio), tl.load(batch.advantages + row, mask=there, other=0)
    clipped = tl.minimum(tl.maximum(ratio, weights.low), weights.high)
    policy = -tl.minimum(ratio * advantage, clipped * advantage)
    pushes = (ratio == clipped) | (ratio * advantage < clipped * advantage)

    by_log_prob, first = tl.where(pushes, -ratio * advantage, 0.0), 0
    for i in tl.static_range(len(COUNTS)):
        chances, logs, sampled, spread = distribution(own_logits + first, own_samples + i, there, COUNTS[i], WIDTH)
        grad = by_log_prob[:, None] * (tl.where(sampled, 1.0, 0.0) - chances)
        grad = (grad + weights.ent_coef * chances * (logs + spread[:, None])) * share[:, None]
        place = logit_grads + row[:, None] * NUM_LOGITS + first + column
        tl.store(place, grad, mask=there[:, None] & (column < COUNTS[i]))
        first = first + COUNTS[i]

    error = tl.load(values + row * value_stride, mask=there, other=0)
    error -= tl.load(batch.returns + row, mask=there, other=0)
    tl.store(value_grads + row, weights.vf_coef * error * share, mask=there)
    guess, value = zero, error * error / 2
    for i in tl.static_range(NUM_TARGETS):
        miss = tl.load(predictions + row * prediction_stride + i, mask=there, other=0)
        miss -= tl.load(batch.targets + row * NUM_TARGETS + i, mask=there, other=0)
        by_guess = weights.auxiliary_coef * 2 * miss * share / NUM_TARGETS
        tl.store(prediction_grads + row * NUM_TARGETS + i, by_guess, mask=there)
        guess += miss * miss / NUM_TARGETS

    loss = policy + weights.vf_coef * value - weights.ent_coef * entropy + weights.auxiliary_coef * guess
    far = tl.where(tl.abs(ratio - 1) > weights.clip_coef, 1.0, 0.0)
    terms = (loss, policy, value, entropy, ratio - 1 - log_ratio, far, guess)
    for i in tl.static_range(len(terms)):
        total = tl.sum(tl.where(counts, terms[i], 0.0) * share, 0)
        tl.store(sums + tl.program_id(0) * len(terms) + i, total)


class Batch(NamedTuple):
    """Batch that is learnt from: of a `megastep.learning.rollout.Minibatch`, a row for each step of each row."""

    samples: torch.Tensor
    log_probs: torch.Tensor
    mask: torch.Tensor
    advantages: torch.Tensor
    returns: torch.Tensor
    targets: torch.Tensor


class Weights(NamedTuple):
    """The weights of the losses, and the clip range."""

    low: float
    high: float
    clip_coef: float
    vf_coef: float
    ent_coef: float
    auxiliary_coef: float


@device_guard
def losses(logits, values, predictions, batch, counts, weights):
    """The loss, its parts, and its gradients: see `megastep.learning.objective`.

    Args:
        logits: (row, logit) float32, contiguous but for the rows' distance, as predictions are.
        values: (row,) float32, however far apart.
        predictions: (row, target).
        batch: A `Batch` of contiguous tensors.
        counts: How many values each integer has.
        weights: The `Weights`.

    Returns:
        The loss and its parts, and the loss's gradients by logits, values and predictions.
    """
    num_rows, num_logits = logits.shape
    grads = [torch.empty_like(each, memory_format=torch.contiguous_format) for each in (logits, values, predictions)]
    num_programs = triton.cdiv(num_rows, BLOCK)
    sums = logits.new_empty((num_programs, NUM_SUMS))
    _losses[(num_programs,)](
        logits, values, predictions, Batch(*batch), batch.mask.sum(), Weights(*map(float, weights)), *grads, sums,
        num_rows, logits.stride(0), values.stride(0), predictions.stride(0), COUNTS=tuple(counts),
        WIDTH=triton.next_power_of_2(max(counts)), NUM_LOGITS=num_logits, NUM_TARGETS=predictions.shape[1], BLOCK=BLOCK,
        enable_fp_fusion=False,  # lanes that have copies of a row's sum would round it differently
    )  # fmt: skip
    return sums.sum(dim=0), *grads
