"""Recurrent policies: distributions over actions and a value function, given what is seen and remembered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import gymnasium
import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from megastep.learning.model.distributions import distribution
from megastep.learning.model.features import Features
from megastep.learning.model.heads import HIDDEN_GAIN, intake, linear, output
from megastep.learning.model.layers import (
    aligned,
    compute_dtype,
    linear_layers,
    padded,
    rectified_heads,
    rectified_linear,
)
from megastep.learning.model.lstm import LSTM
from megastep.learning.model.spaces import Spaces
from megastep.world.device import check_default_dtype

if TYPE_CHECKING:
    from megastep.env import Env


class PolicyOutput(NamedTuple):
    """Output of a policy, given what it sees and remembers.

    Args:
        logits: Those of a distribution over actions: see `Policy.distribution`.
        values: The value function: the discounted rewards that it expects from here on.
        hidden: Its hidden state after the last step: what it remembers.
        auxiliary_predictions: What it takes to be so that it isn't told: see `Policy.auxiliary_targets`.
    """

    logits: Float[Tensor, '*batch logit']
    values: Float[Tensor, '*batch']
    hidden: Float[Tensor, 'row hidden']
    auxiliary_predictions: Float[Tensor, '*batch target']


class Policy(nn.Module):
    """Recurrent actor-critic: an encoder, an LSTM, and heads for actions (the actor) and their value (the critic).

    A layer before the heads takes what encoder and LSTM make, added up: it is there because which way to go is no
    weighted sum of where one is, how one faces and where the goal is.

    Its hidden state is a tensor that the caller holds, (row, 2 * width), and zero where an episode begins: the LSTM's
    output, then its cells.

    Args:
        observation_space: One agent's observations.
        action_space: One agent's actions.
        width: The width of the layers.
        auxiliary_space: What one agent isn't told and is taught to predict; None if there is nothing.
        seed: Seeds the weights.
        action_bins: The number of values that a bounded real action may take; 0 for normal distributions.

    Attributes:
        spaces: What one agent observes, does and is taught to predict.
        distribution: The distributions over actions, as `PolicyOutput.logits` give them.
        auxiliary_targets: Writes what the agents aren't told as vectors, as `PolicyOutput.auxiliary_predictions` has
            it; None if there is nothing.

    Raises:
        ValueError: if a space is of a kind that isn't known, or PyTorch's default dtype isn't float32.
    """

    def __init__(
        self,
        observation_space: gymnasium.Space,
        action_space: gymnasium.Space,
        width: int = 512,
        *,
        auxiliary_space: gymnasium.Space | None = None,
        seed: int = 0,
        action_bins: int = 0,
    ) -> None:
        super().__init__()
        check_default_dtype()
        self.width, self.action_bins, self.distribution = width, action_bins, distribution(action_space, action_bins)
        self.spaces = Spaces(observation_space, action_space, auxiliary_space)
        with torch.device('cpu'):  # whatever the default is, so that weights are the same on all devices
            generator = torch.Generator().manual_seed(int(seed))
            self.intake = intake(observation_space, width, generator)
            self.lstm = LSTM(width, generator)
            self.both = nn.Sequential(linear(width, width, HIDDEN_GAIN, generator), nn.ReLU())
            self.output = output(action_space, width, generator, bins=action_bins)
            self.value = linear(width, 1, 1.0, generator)
            self.auxiliary_targets = targets = None if auxiliary_space is None else Features(auxiliary_space)
            self.auxiliary = None if targets is None else linear(width, targets.size, 1.0, generator)

    @classmethod
    def of(cls, env: Env, width: int = 512, *, seed: int = 0, action_bins: int = 0) -> Policy:
        """A policy for the agents of an env.

        Args:
            env: The env.
            width: The width of the layers.
            seed: Seeds the weights.
            action_bins: The number of values that a bounded real action may take; 0 for normal distributions.

        Raises:
            ValueError: if one of its spaces is of a kind that isn't known.
        """
        spaces = env.single_observation_space, env.single_action_space
        policy = cls(*spaces, width, auxiliary_space=env.auxiliary_space, seed=seed, action_bins=action_bins)
        return policy.to(env.device)

    def initial_hidden(self, rows: int) -> Float[Tensor, 'row hidden']:
        """The hidden state of rows where episodes begin: zero, so that nothing is remembered."""
        return self.value.weight.new_zeros((rows, 2 * self.width))

    def step(
        self, observations: Any, hidden: Float[Tensor, 'row hidden'], begins: Bool[Tensor, ' row'] | None = None
    ) -> PolicyOutput:
        """The output at one time step.

        Args:
            observations: All rows', nested as their space is.
            hidden: The hidden state before.
            begins: Where an episode begins with these observations, so that nothing is remembered.
        """
        return self.step_features(self.intake.features(observations), hidden, begins)

    def step_features(
        self,
        features: Float[Tensor, 'row feature'],
        hidden: Float[Tensor, 'row hidden'],
        begins: Bool[Tensor, ' row'] | None = None,
    ) -> PolicyOutput:
        """The output at one time step, given the observations' features: see `Intake.features`."""
        begins = torch.zeros_like(hidden[:, 0], dtype=torch.bool) if begins is None else begins
        logits, values, hidden, predictions = self.sequence(features[None], hidden, begins[None])
        return PolicyOutput(logits[0], values[0], hidden, predictions[0])

    def sequence(
        self,
        features: Float[Tensor, 'time row feature'],
        hidden: Float[Tensor, 'row hidden'],
        begins: Bool[Tensor, 'time row'],
    ) -> PolicyOutput:
        """The output at each of a sequence of time steps.

        Args:
            features: Those of the observations: see `Intake.features`. They may be longer, by zeros.
            hidden: The hidden state before the first step.
            begins: Where an episode begins with an observation, so that nothing is remembered.
        """
        (first, second), (both,) = linear_layers(self.intake), linear_layers(self.both)
        features = features.to(compute_dtype(first.weight))
        features = padded(features, aligned(features.shape[-1], features.device))
        inputs = rectified_linear(rectified_linear(features, first), second)
        sums, hidden = self.lstm(inputs, hidden, begins)
        heads = [self.output, self.value, *([] if self.auxiliary is None else [self.auxiliary])]
        logits, values, *predictions = rectified_heads(sums, both, heads)
        return PolicyOutput(logits, values[..., 0], hidden, predictions[0] if predictions else logits[..., :0])

    def forward(self, features: Tensor, hidden: Tensor, begins: Tensor) -> PolicyOutput:
        """The same as `sequence`."""
        return self.sequence(features, hidden, begins)

    def actor(self, rows: int, *, greedy: bool = False, seed: int = 0) -> Actor:
        """The actor that acts by this policy in so many rows: see `Actor`."""
        return Actor(self, rows, greedy=greedy, seed=seed)


class Actor:
    """Policy that acts, and keeps its hidden state from step to step of each episode.

    Args:
        policy: The policy.
        rows: How many rows the env has.
        greedy: Take the likeliest action; otherwise draw one.
        seed: Seeds what is drawn.

    Attributes:
        state: What it keeps from step to step, written in place: its hidden state, with a row for each.
        generator: What it draws with.
    """

    def __init__(self, policy: Policy, rows: int, *, greedy: bool = False, seed: int = 0) -> None:
        self._policy, self._greedy, self._hidden = policy, greedy, policy.initial_hidden(rows)
        self.generator = torch.Generator(self._hidden.device).manual_seed(int(seed))
        self.state = {'hidden': self._hidden}

    @torch.no_grad()
    def __call__(self, observations: Any, begins: Bool[Tensor, ' row']) -> Any:
        """The next actions, nested as their space is, given what is seen and where an episode begins with it."""
        distribution = self._policy.distribution
        logits, _, hidden, _ = self._policy.step(observations, self._hidden, begins)
        self._hidden.copy_(hidden)
        samples = distribution.mode(logits) if self._greedy else distribution.sample(logits, self.generator)
        return distribution.actions(samples)
