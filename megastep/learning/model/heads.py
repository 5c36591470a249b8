"""Encoder of observations and policy head, made to measure for their spaces."""

from __future__ import annotations

import math
from typing import Any

import gymnasium
import torch
from jaxtyping import Float
from torch import Tensor, nn

from megastep.learning.model.distributions import distribution
from megastep.learning.model.features import Features

HIDDEN_GAIN, POLICY_GAIN = math.sqrt(2), 0.01


def linear(inputs: int, outputs: int, gain: float, generator: torch.Generator | None = None) -> nn.Linear:
    """A linear layer whose weights are orthogonal, times a gain, and whose biases are 0 (Saxe et al., 2014)."""
    layer = nn.Linear(inputs, outputs)
    nn.init.orthogonal_(layer.weight, gain, generator=generator)
    nn.init.zeros_(layer.bias)
    return layer


class Intake(nn.Module):
    """Encoder: makes of observations, nested as their space is, vectors of a width: (*batch, width).

    All parts of an observation go through one matrix product: on a GPU that takes less time than one for each.

    Args:
        space: One observation's space.
        width: How long the vectors are.
        generator: Draws the weights; by default PyTorch's own does.

    Attributes:
        features: Writes the observations as vectors, which `layers` take.

    Raises:
        ValueError: if there are no features of such a space.
    """

    def __init__(self, space: gymnasium.Space, width: int, generator: torch.Generator | None = None) -> None:
        super().__init__()
        self.features = Features(space)
        first = linear(self.features.size, width, HIDDEN_GAIN, generator)
        second = linear(width, width, HIDDEN_GAIN, generator)
        self.layers = nn.Sequential(first, nn.ReLU(), second, nn.ReLU())

    def forward(self, observations: Any) -> Float[Tensor, '*batch width']:
        return self.layers(self.features(observations))


def intake(space: gymnasium.Space, width: int, generator: torch.Generator | None = None) -> Intake:
    """The encoder of observations: see `Intake`."""
    return Intake(space, width, generator)


def output(space: gymnasium.Space, width: int, generator: torch.Generator | None = None, *, bins: int = 0) -> nn.Linear:
    """The policy head: a layer that makes of vectors of a width the logits of a distribution over actions.

    At first all actions are about equally likely.

    Args:
        space: One action's space.
        width: How long the vectors are.
        generator: Draws the weights; by default PyTorch's own does.
        bins: The number of values that a bounded real may take; 0 for normal distributions.

    Raises:
        ValueError: if there are no distributions over such actions: see `distribution`.
    """
    return linear(width, distribution(space, bins).size, POLICY_GAIN, generator)
