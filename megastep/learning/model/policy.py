"""What an agent does and expects, given what it sees and remembers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import gymnasium
import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from megastep.learning.model.distributions import choice
from megastep.learning.model.features import Features
from megastep.learning.model.heads import HIDDEN_GAIN, intake, linear, output
from megastep.learning.model.lstm import LSTM

if TYPE_CHECKING:
    from megastep.env import Env


class Judgement(NamedTuple):
    """What a policy makes of what it sees and remembers."""

    numbers: Float[Tensor, '*batch number']
    """The distribution of actions: see `Policy.choice`."""
    values: Float[Tensor, '*batch']
    """The discounted rewards it expects from here on."""
    state: Float[Tensor, 'row memory']
    """What it remembers after that."""
    guesses: Float[Tensor, '*batch target']
    """What it takes to be so that it isn't told: see `Policy.targets`."""


class Policy(nn.Module):
    """An intake, an LSTM, a layer that takes what these two make, added up, and heads for actions and their value.

    The layer is there because which way to go is no weighted sum of where one is, how one faces and where the goal is.

    What it remembers is a tensor that the caller holds, (row, 2 * width), and zero where an episode begins: the LSTM's
    output, then its cells.

    Args:
        observation_space: One agent's observations.
        action_space: One agent's actions.
        width: Of the layers.
        auxiliary_space: What one agent isn't told and is taught to guess; None if there is nothing.
        seed: Seeds the weights.

    Attributes:
        choice: The distributions of actions, as `Judgement.numbers` give them.
        targets: Writes what the agents aren't told as vectors, as `Judgement.guesses` has it; None if there is nothing.

    Raises:
        ValueError: if a space is of a kind that isn't known.
    """

    def __init__(
        self,
        observation_space: gymnasium.Space,
        action_space: gymnasium.Space,
        width: int = 512,
        *,
        auxiliary_space: gymnasium.Space | None = None,
        seed: int = 0,
    ) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        self.width, self.choice = width, choice(action_space)
        self.intake = intake(observation_space, width, generator)
        self.lstm = LSTM(width, generator)
        self.both = nn.Sequential(linear(width, width, HIDDEN_GAIN, generator), nn.ReLU())
        self.output = output(action_space, width, generator)
        self.value = linear(width, 1, 1.0, generator)
        self.targets = None if auxiliary_space is None else Features(auxiliary_space)
        self.guess = None if self.targets is None else linear(width, self.targets.size, 1.0, generator)

    @classmethod
    def of(cls, env: Env, width: int = 512, *, seed: int = 0) -> Policy:
        """A policy for the agents of an env.

        Args:
            env: The env.
            width: Of the layers.
            seed: Seeds the weights.

        Raises:
            ValueError: if one of its spaces is of a kind that isn't known.
        """
        spaces = env.single_observation_space, env.single_action_space
        return cls(*spaces, width, auxiliary_space=env.auxiliary_space, seed=seed).to(env.device)

    def blank(self, rows: int) -> Float[Tensor, 'row memory']:
        """What is remembered where episodes begin: nothing."""
        return self.value.weight.new_zeros((rows, 2 * self.width))

    def step(
        self, observations: Any, state: Float[Tensor, 'row memory'], begins: Bool[Tensor, ' row'] | None = None
    ) -> Judgement:
        """Judges one time step.

        Args:
            observations: All rows', nested as their space is.
            state: What was remembered before.
            begins: Where an episode begins with these observations, so that nothing is remembered.
        """
        return self.step_features(self.intake.features(observations), state, begins)

    def step_features(
        self,
        features: Float[Tensor, 'row feature'],
        state: Float[Tensor, 'row memory'],
        begins: Bool[Tensor, ' row'] | None = None,
    ) -> Judgement:
        """Judges one time step, given the observations' features: see `Intake.features`."""
        begins = torch.zeros_like(state[:, 0], dtype=torch.bool) if begins is None else begins
        judged = self.sequence(features[None], state, begins[None])
        return Judgement(judged.numbers[0], judged.values[0], judged.state, judged.guesses[0])

    def sequence(
        self,
        features: Float[Tensor, 'time row feature'],
        state: Float[Tensor, 'row memory'],
        begins: Bool[Tensor, 'time row'],
    ) -> Judgement:
        """Judges a sequence of time steps.

        Args:
            features: Of the observations: see `Intake.features`.
            state: What was remembered before the first.
            begins: Where an episode begins with an observation, so that nothing is remembered.
        """
        device = features.device.type
        with torch.autocast(device, torch.bfloat16, enabled=device == 'cuda'):
            inputs = self.intake.layers(features)
            outputs, state = self.lstm(inputs, state, begins)
            hidden = self.both(inputs + outputs)
        hidden = hidden.float()  # so that likelihoods and values are exact
        guesses = hidden[..., :0] if self.guess is None else self.guess(hidden)
        return Judgement(self.output(hidden), self.value(hidden)[..., 0], state, guesses)

    def forward(self, features: Tensor, state: Tensor, begins: Tensor) -> Judgement:
        """The same as `sequence`."""
        return self.sequence(features, state, begins)

    def actor(self, rows: int, *, greedy: bool = False, seed: int = 0) -> Actor:
        """Who acts by it in so many rows: see `Actor`."""
        return Actor(self, rows, greedy=greedy, seed=seed)


class Actor:
    """A policy that acts, and remembers what it saw since each episode began.

    Args:
        policy: The policy.
        rows: How many rows the env has.
        greedy: Take the likeliest action; otherwise draw one.
        seed: Seeds what is drawn.
    """

    def __init__(self, policy: Policy, rows: int, *, greedy: bool = False, seed: int = 0) -> None:
        self._policy, self._greedy, self._memory = policy, greedy, policy.blank(rows)
        self._generator = torch.Generator(self._memory.device).manual_seed(seed)

    @torch.no_grad()
    def __call__(self, observations: Any, begins: Bool[Tensor, ' row']) -> Tensor:
        """Picks the next actions, given what is seen and where an episode begins with it."""
        choice = self._policy.choice
        numbers, _, self._memory, _ = self._policy.step(observations, self._memory, begins)
        drawn = choice.mode(numbers) if self._greedy else choice.sample(numbers, self._generator)
        return choice.actions(drawn)
