"""Acting for a rollout: a policy's weights are made ready once, and its memory is written in place."""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from megastep.learning.model import lstm
from megastep.learning.model.layers import compute_dtype, joined, kernels_for, linear_layers, padded, rectified
from megastep.learning.model.policy import Policy


class Layer(NamedTuple):
    """A linear layer's weight and bias."""

    weight: Tensor
    bias: Tensor


class RolloutPolicy:
    """Policy that acts for a rollout, in which nothing is learnt: `Policy.step`, in fewer and faster launches.

    Args:
        policy: The policy.
        rows: How many rows it acts in.
    """

    def __init__(self, policy: Policy, rows: int) -> None:
        self._policy = policy
        self._cells = policy.initial_hidden(rows)[:, : policy.width].clone()
        self._outputs = torch.zeros_like(self._cells, dtype=compute_dtype(self._cells))

    def begin(self, hidden: Float[Tensor, 'row hidden'], begins: Bool[Tensor, ' row'], length: int) -> None:
        """Takes up the weights and a hidden state.

        Args:
            hidden: The hidden state.
            begins: Where an episode begins with the next observations, so that nothing is remembered.
            length: How long features are, with what they are padded with.
        """
        policy, dtype = self._policy, self._outputs.dtype
        layers = [*linear_layers(policy.intake), policy.lstm.inputs, *linear_layers(policy.both)]
        weights = [Layer(layer.weight.to(dtype), layer.bias.to(dtype)) for layer in layers]
        self._first = weights[0]._replace(weight=padded(weights[0].weight, length))
        self._second, self._inputs, self._both = weights[1:]
        self._recurrent = policy.lstm.weight.to(dtype)
        self._heads = Layer(*joined([policy.output, policy.value]))
        for memory, part in zip((self._outputs, self._cells), hidden.chunk(2, dim=-1), strict=True):
            memory.copy_(part.masked_fill(begins[:, None], 0))

    def step(
        self,
        features: Float[Tensor, 'row feature'],
        forgets: Bool[Tensor, ' row'],
        outputs: Float[Tensor, 'row logit+1'],
    ) -> None:
        """Makes a time step.

        Args:
            features: Those of the observations: see `Intake.features`.
            forgets: Where an episode begins with the observations after these, so that nothing is remembered.
            outputs: Written: the logits, and behind them the value.
        """
        inputs = rectified(rectified(features, *self._first), *self._second)
        gates = torch.addmm(self._inputs.bias, inputs, self._inputs.weight.t())
        gates.addmm_(self._outputs, self._recurrent.t())  # in place, as a copy of the inputs' share takes as long
        sums = torch.empty_like(inputs)
        kernels = lstm.kernels_for(gates)
        kernels.step(gates, self._cells, forgets, inputs, sums, self._outputs, self._cells)
        kernels_for(sums).heads(rectified(sums, *self._both), *self._heads, outputs)

    def write(self, hidden: Float[Tensor, 'row hidden']) -> None:
        """Writes down the hidden state, which is zero where the step that was made last forgot it."""
        outputs, cells = hidden.chunk(2, dim=-1)
        outputs.copy_(self._outputs)
        cells.copy_(self._cells)
