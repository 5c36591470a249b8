"""Hyperparameters of learning, in one place."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

from megastep.checks import check_numbers, plain

LARGEST_SEED = 2**63 - 1
"""Worlds are made from a seed in 64 bits, of which one is its sign."""


@dataclass(frozen=True)
class Settings:
    """Hyperparameters of PPO with a recurrent policy. The defaults are for a large GPU; `CPU` is for two cores.

    Raises:
        ValueError: if a value is out of range, or the minibatches don't divide the envs.
    """

    num_envs: int = 16384
    """The number of rows that each process steps at once: envs, or agents where envs have several."""
    horizon: int = 32
    """The number of steps of a rollout, between updates; also of truncated backpropagation through time."""
    stagger: int = 2048
    """The number of steps within which every env begins anew once, so that episodes don't go in step; 0 for not."""
    epochs: int = 1
    """The number of times that each rollout is learnt from."""
    num_minibatches: int = 8
    """The number of minibatches into which an epoch parts a rollout; it divides ``num_envs``."""
    learning_rate: float = 4e-4
    """Adam's learning rate."""
    anneal: float = 0
    """Annealing: the number of steps, of all processes, over which the learning rate falls to a tenth; 0 for never."""
    gamma: float = 0.99
    """The discount: what a reward is worth a step later."""
    gae_lambda: float = 0.95
    """The lambda of generalised advantage estimation (GAE): how much later steps count."""
    clip_coef: float = 0.2
    """The clip range of the importance ratio: how far a probability may move before its gradient is cut off."""
    vf_coef: float = 0.5
    """The weight of the loss of the value function, the critic."""
    ent_coef: float = 0.01
    """The weight of the entropy bonus."""
    auxiliary_coef: float = 1.0
    """The weight of the auxiliary predictions' loss, in envs that have something to predict."""
    max_grad_norm: float = 0.5
    """Gradient clipping: the norm to which longer gradients are cut."""
    width: int = 512
    """The width of the policy's layers."""
    action_bins: int = 0
    """The number of values, evenly spaced, that a bounded real action may take; 0 for normal distributions."""
    seed: int = 0
    """The seed of everything random, together with a process's rank."""

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            object.__setattr__(self, name, plain(value))
        for name in ('num_envs', 'horizon', 'epochs', 'num_minibatches', 'width'):
            _check(name, getattr(self, name), 1)
        for name in ('stagger', 'anneal', 'action_bins', 'vf_coef', 'ent_coef', 'auxiliary_coef', 'learning_rate'):
            _check(name, getattr(self, name), 0)
        _check('seed', self.seed, 0, LARGEST_SEED)
        for name in ('gamma', 'gae_lambda'):
            _check(name, getattr(self, name), 0, 1)
        for name in ('clip_coef', 'max_grad_norm'):
            check_numbers(**{name: getattr(self, name)})
            if not 0 < getattr(self, name) < float('inf'):
                raise ValueError(f'{name} must be above 0 and finite, got {getattr(self, name)}.')
        if self.num_envs % self.num_minibatches:
            fits = math.gcd(self.num_minibatches, self.num_envs)
            raise ValueError(
                f'num_minibatches must divide num_envs, {self.num_envs}, got {self.num_minibatches}: '
                f'num_minibatches={fits} does.'
            )


def _check(name: str, value: float, low: float, high: float = float('inf')) -> None:
    """Raises unless a value is in a range, and whole if its field is."""
    whole = {field.name for field in fields(Settings) if field.type == 'int'}
    if name in whole and (not isinstance(value, int) or isinstance(value, bool)):
        raise ValueError(f'{name} must be an integer, got {value!r}.')
    check_numbers(**{name: value})
    if not low <= value <= high or value == float('inf'):
        bound = f'from {low} to {high}' if high < float('inf') else f'at least {low} and finite'
        raise ValueError(f'{name} must be {bound}, got {value}.')


CPU = Settings(num_envs=128, horizon=32, epochs=3, num_minibatches=4, learning_rate=1e-3, width=64)
"""For two cores of a CPU."""

PRESETS = {'gpu': Settings(), 'cpu': CPU}
