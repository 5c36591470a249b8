"""Proximal policy optimisation: Schulman et al., 2017, arXiv:1707.06347."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from megastep.learning.settings import Settings


def advantages(
    rewards: Float[Tensor, 'time row'],
    values: Float[Tensor, 'time+1 row'],
    terminated: Bool[Tensor, 'time row'],
    ended: Bool[Tensor, 'time row'],
    *,
    discount: float,
    trace: float,
) -> Float[Tensor, 'time row']:
    """How much better than expected things went from each step on, by generalised advantage estimation.

    What an episode that was truncated would have gone on to earn is taken to be the value of its last observation. That
    is the observation after the step that truncated it, as in Gymnasium's NEXT_STEP mode.

    Args:
        rewards: What each step paid.
        values: What was expected before each step, and after the last.
        terminated: Whether the step ended an episode for good, so that nothing more could have been earned.
        ended: Whether the step ended an episode in any way.
        discount: What a reward is worth a step later.
        trace: How much later steps count: lambda. At 0 only the step itself does, at 1 all do alike.

    Source: Schulman et al., 2016, arXiv:1506.02438, equation 16.
    """
    surprises = rewards + discount * values[1:] * ~terminated - values[:-1]
    decays = discount * trace * (~ended).to(rewards.dtype)
    found = torch.empty_like(rewards)
    later = torch.zeros_like(rewards[0])
    for time in reversed(range(len(rewards))):
        later = surprises[time] + decays[time] * later
        found[time] = later
    return found


def mean(values: Tensor, mask: Bool[Tensor, '*step']) -> Float[Tensor, '']:
    """The mean of the values in a mask; 0 if there are none."""
    return (values * mask).sum() / mask.sum().clamp(min=1)


def normalised(values: Tensor, mask: Bool[Tensor, '*step']) -> Tensor:
    """Shifts and scales values such that those in a mask have mean 0 and standard deviation 1."""
    centred = values - mean(values, mask)
    return centred / (mean(centred**2, mask).sqrt() + 1e-8)


def explained(values: Tensor, returns: Tensor, mask: Bool[Tensor, '*step']) -> Float[Tensor, '']:
    """The share of the returns' variance that the values explain: 1 if they are equal, 0 if one number does as well."""
    spread, error = returns - mean(returns, mask), returns - values
    error = error - mean(error, mask)
    return 1 - mean(error**2, mask) / (mean(spread**2, mask) + 1e-8)


def losses(
    log_probs: Float[Tensor, '*step'],
    before: Float[Tensor, '*step'],
    values: Float[Tensor, '*step'],
    entropies: Float[Tensor, '*step'],
    gains: Float[Tensor, '*step'],
    returns: Float[Tensor, '*step'],
    guesses: Float[Tensor, '*step target'],
    targets: Float[Tensor, '*step target'],
    mask: Bool[Tensor, '*step'],
    settings: Settings,
) -> tuple[Float[Tensor, ''], dict[str, Tensor]]:
    """What to make less of, averaged over the steps in a mask.

    Args:
        log_probs: How likely the policy makes what was done.
        before: How likely it was when it was done.
        values: What the policy expects.
        entropies: Of its distributions of actions.
        gains: How much better than expected things went, normalised.
        returns: What should have been expected.
        guesses: What the policy takes to be so that it isn't told, if there is anything: see `Env.auxiliary`.
        targets: What is so.
        mask: Which steps count: not those that began a new episode, whatever was done, nor scripted opponents'.
        settings: ``clip`` and the weights of the parts.

    Returns:
        The loss, and its parts and what else says how the policy has changed, by name.
    """
    logs = log_probs - before
    ratios = logs.exp()
    bounded = ratios.clamp(1 - settings.clip, 1 + settings.clip)
    policy_loss = -mean(torch.minimum(ratios * gains, bounded * gains), mask)
    value_loss = mean((values - returns) ** 2, mask) / 2
    entropy = mean(entropies, mask)
    loss = policy_loss + settings.value_weight * value_loss - settings.entropy_weight * entropy
    parts = {
        'policy_loss': policy_loss,
        'value_loss': value_loss,
        'entropy': entropy,
        'kl': mean(ratios - 1 - logs, mask),  # Schulman's estimate that is never below 0
        'clipped': mean(((ratios - 1).abs() > settings.clip).to(ratios.dtype), mask),
    }
    if targets.shape[-1]:
        parts['auxiliary_loss'] = mean(((guesses - targets) ** 2).mean(dim=-1), mask)
        loss = loss + settings.auxiliary_weight * parts['auxiliary_loss']
    return loss, {name: value.detach() for name, value in parts.items()}
