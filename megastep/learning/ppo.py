"""Proximal policy optimisation (PPO): Schulman et al., 2017, arXiv:1707.06347."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from megastep.learning.settings import Settings


def estimate_advantages(
    rewards: Float[Tensor, 'time row'],
    values: Float[Tensor, 'time+1 row'],
    terminated: Bool[Tensor, 'time row'],
    ended: Bool[Tensor, 'time row'],
    *,
    gamma: float,
    gae_lambda: float,
) -> Float[Tensor, 'time row']:
    """Generalised advantage estimation (GAE): how much better than expected things went from each step on.

    The estimate is bootstrapped: what an episode that was truncated would have gone on to earn is taken to be the value
    of its last observation. That is the observation after the step that truncated it, as in Gymnasium's NEXT_STEP mode.

    Args:
        rewards: Each step's reward.
        values: The value function before each step, and after the last.
        terminated: Where the step ended an episode for good, so that nothing more could have been earned.
        ended: Where the step ended an episode in any way.
        gamma: The discount: what a reward is worth a step later.
        gae_lambda: How much later steps count. At 0 only the step itself does, at 1 all do alike.

    Source: Schulman et al., 2016, arXiv:1506.02438, equation 16.
    """
    deltas = rewards + gamma * values[1:] * ~terminated - values[:-1]  # temporal-difference errors
    decays = gamma * gae_lambda * (~ended).to(rewards.dtype)
    advantages = deltas
    for time in reversed(range(len(rewards) - 1)):
        advantages[time].addcmul_(decays[time], advantages[time + 1])
    return advantages


def mean(values: Float[Tensor, '*some *step'], mask: Bool[Tensor, '*step']) -> Float[Tensor, '*some']:
    """The mean of the values in a mask, of each of some tensors; 0 if there are none."""
    return (values * mask).flatten(-mask.ndim).sum(dim=-1) / mask.sum().clamp(min=1)


def normalised(values: Tensor, mask: Bool[Tensor, '*step']) -> Tensor:
    """Values shifted and scaled such that those in a mask have mean 0 and standard deviation 1."""
    centred = values - mean(values, mask)
    return centred / (mean(centred**2, mask).sqrt() + 1e-8)


def explained_variance(values: Tensor, returns: Tensor, mask: Bool[Tensor, '*step']) -> Float[Tensor, '']:
    """The share of the returns' variance that the values explain: 1 if they are equal, 0 if one number does as well."""
    spread, error = returns - mean(returns, mask), returns - values
    error = error - mean(error, mask)
    return 1 - mean(error**2, mask) / (mean(spread**2, mask) + 1e-8)


def losses(
    log_probs: Float[Tensor, '*step'],
    old_log_probs: Float[Tensor, '*step'],
    values: Float[Tensor, '*step'],
    entropies: Float[Tensor, '*step'],
    advantages: Float[Tensor, '*step'],
    returns: Float[Tensor, '*step'],
    auxiliary_predictions: Float[Tensor, '*step target'],
    auxiliary_targets: Float[Tensor, '*step target'],
    mask: Bool[Tensor, '*step'],
    settings: Settings,
) -> tuple[Float[Tensor, ''], dict[str, Tensor]]:
    """The clipped surrogate loss, with those of the value function, of entropy and of auxiliary predictions.

    Args:
        log_probs: The logarithm of how likely the policy makes what was done.
        old_log_probs: The same of the policy that did it.
        values: The value function.
        entropies: Those of the policy's distributions over actions.
        advantages: How much better than expected things went, normalised.
        returns: What the value function should have been.
        auxiliary_predictions: What the policy takes to be so that it isn't told, if anything: see `Env.auxiliary`.
        auxiliary_targets: What is so.
        mask: Which steps count: not those that began a new episode, whatever was done, nor scripted opponents'.
        settings: ``clip_coef`` and the weights of the parts.

    Returns:
        The loss, averaged over the steps in the mask; and its parts and what else says how the policy has changed, by
        name.
    """
    log_ratios = log_probs - old_log_probs
    ratios = log_ratios.exp()
    clipped = ratios.clamp(1 - settings.clip_coef, 1 + settings.clip_coef)
    terms = {
        'policy_loss': -torch.minimum(ratios * advantages, clipped * advantages),
        'value_loss': (values - returns) ** 2 / 2,
        'entropy': entropies,
        'approx_kl': (ratios - 1 - log_ratios).detach(),  # Schulman's estimate that is never below 0
        'clip_fraction': ((ratios - 1).abs() > settings.clip_coef).to(ratios.dtype),
    }
    if auxiliary_targets.shape[-1]:
        terms['auxiliary_loss'] = ((auxiliary_predictions - auxiliary_targets) ** 2).mean(dim=-1)
    means = dict(zip(terms, mean(torch.stack([*terms.values()]), mask).unbind(), strict=True))
    loss = means['policy_loss'] + settings.vf_coef * means['value_loss'] - settings.ent_coef * means['entropy']
    if auxiliary_targets.shape[-1]:
        loss = loss + settings.auxiliary_coef * means['auxiliary_loss']
    return loss, {name: value.detach() for name, value in means.items()}
