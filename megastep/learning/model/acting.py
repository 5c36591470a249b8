"""Acting for a rollout: a policy's weights are made ready once, and its memory is written in place."""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from megastep.learning.model import lstm
from megastep.learning.model.layers import (
    compute_dtype,
    copy_rows,
    joined,
    kernels_for,
    linear_layers,
    padded,
    rectified,
)
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
        # What all gates are given: a step's inputs, and beside them the outputs of the step before.
        self._given = self._cells.new_zeros((rows, 2 * policy.width), dtype=compute_dtype(self._cells))
        self._inputs, self._outputs = self._given.chunk(2, dim=1)

    def begin(self, hidden: Float[Tensor, 'row hidden'], begins: Bool[Tensor, ' row'], length: int) -> None:
        """Takes up the weights and a hidden state.

        Args:
            hidden: The hidden state.
            begins: Where an episode begins with the next observations, so that nothing is remembered.
            length: How long features are, with what they are padded with.
        """
        policy, dtype = self._policy, self._given.dtype
        layers = [*linear_layers(policy.intake), *linear_layers(policy.both)]
        weights = [Layer(layer.weight.to(dtype), layer.bias.to(dtype)) for layer in layers]
        self._first = weights[0]._replace(weight=padded(weights[0].weight, length))
        self._second, self._both = weights[1:]
        gates = torch.cat([policy.lstm.inputs.weight, policy.lstm.weight], dim=1)
        self._gates = Layer(gates.to(dtype), policy.lstm.inputs.bias.to(dtype))
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
        copy_rows(inputs, self._inputs)  # as one product of both takes less than two, one added to the other
        gates = torch.addmm(self._gates.bias, self._given, self._gates.weight.t())
        sums = torch.empty_like(inputs)
        kernels = lstm.kernels_for(gates)
        kernels.step(gates, self._cells, forgets, inputs, sums, self._outputs, self._cells)
        kernels_for(sums).heads(rectified(sums, *self._both), *self._heads, outputs)

    def write(self, hidden: Float[Tensor, 'row hidden']) -> None:
        """Writes down the hidden state, which is zero where the step that was made last forgot it."""
        outputs, cells = hidden.chunk(2, dim=-1)
        outputs.copy_(self._outputs)
        cells.copy_(self._cells)
