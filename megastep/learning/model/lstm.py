"""Long short-term memory (LSTM) that forgets in the middle of a sequence, where one episode ends and another begins."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from megastep.learning.model import layers
from megastep.learning.model.layers import copy_rows, product


class LSTM(nn.Module):
    """Long short-term memory (Hochreiter and Schmidhuber, 1997; forget gates: Gers et al., 2000): one layer of cells.

    Its inputs are added to its outputs, which makes it a residual layer (He et al., 2016). Else it computes what
    PyTorch's `nn.LSTMCell` does, but a whole sequence at a time: all that a step's gates are given is one matrix
    product, and so are the gradients by each weight. Matrix products may be in bfloat16, the cells never are: they
    would soon stop counting.

    Args:
        width: How many cells it has, and how wide its inputs are.
        generator: Draws the weights, which are orthogonal for each gate; by default PyTorch's own does.

    Attributes:
        inputs: The inputs' share of the gates. At first forget gates are 1 there, so that it remembers.
        weight: The outputs' share: (4 * width, width).
    """

    def __init__(self, width: int, generator: torch.Generator | None = None) -> None:
        super().__init__()
        self.inputs, self.weight = nn.Linear(width, 4 * width), nn.Parameter(torch.empty(4 * width, width))
        for weights in (self.inputs.weight, self.weight):
            for gate in weights.detach().chunk(4):
                nn.init.orthogonal_(gate, generator=generator)
        nn.init.zeros_(self.inputs.bias)
        self.inputs.bias.detach()[width : 2 * width] = 1.0

    def forward(
        self,
        inputs: Float[Tensor, 'time row width'],
        hidden: Float[Tensor, 'row hidden'],
        begins: Bool[Tensor, 'time row'],
    ) -> tuple[Float[Tensor, 'time row width'], Float[Tensor, 'row hidden']]:
        """Runs through a sequence.

        Args:
            inputs: What is put in at each step, in the type that products are in.
            hidden: The hidden state before the first: outputs, then cells.
            begins: Where all is forgotten before a step.

        Returns:
            The inputs and outputs of each step, added up, and the hidden state after the last.
        """
        weights = self.inputs.weight, self.inputs.bias, self.weight
        sums, last, cells = _Sequence.apply(inputs, *weights, *hidden.chunk(2, dim=-1), begins)
        return sums, torch.cat([last.to(cells.dtype), cells], dim=-1)


class _Sequence(torch.autograd.Function):
    """The steps of an LSTM.

    ``before`` and ``cells`` hold what is remembered before each step, and after the last; ``given`` has each step's
    inputs beside the former.
    """

    @staticmethod
    def forward(
        ctx: Any, inputs: Tensor, input_weight: Tensor, bias: Tensor, weight: Tensor, output: Tensor, cell: Tensor,
        begins: Tensor,
    ) -> tuple[Tensor, Tensor, Tensor]:  # fmt: skip
        times, kernels = len(inputs), kernels_for(inputs)
        inputs, sums = inputs.contiguous(), torch.empty_like(inputs, memory_format=torch.contiguous_format)
        input_cast, cast, bias = (each.to(inputs.dtype) for each in (input_weight, weight, bias))
        both, rows, width = torch.cat([input_cast, cast], dim=1).t(), *output.shape
        given, gates = inputs.new_empty((times + 1, rows, 2 * width)), inputs.new_empty((times, rows, 4 * width))
        shares, before = given.chunk(2, dim=-1)
        copy_rows(inputs.flatten(0, 1), shares[:-1].flatten(0, 1))
        cells = cell.new_empty((times + 1, rows, width))
        before[0], cells[0] = (first.masked_fill(begins[0, :, None], 0) for first in (output, cell))
        forgets = torch.cat([begins[1:], torch.zeros_like(begins[:1])])
        for time in range(times):
            torch.addmm(bias, given[time], both, out=gates[time])  # of which two, one added to the other, take longer
            kernels.step(
                gates[time], cells[time], forgets[time], inputs[time], sums[time], before[time + 1], cells[time + 1]
            )
        ctx.save_for_backward(inputs, gates, before, cells, begins, forgets, input_cast, cast, weight)
        return sums, before[-1].clone(), cells[-1].clone()

    @staticmethod
    def backward(ctx: Any, sum_grads: Tensor, last_grads: Tensor, cell_grads: Tensor) -> tuple[Tensor | None, ...]:
        inputs, gates, before, cells, begins, forgets, input_cast, cast, weight = ctx.saved_tensors
        kernels, sum_grads, last_grads = kernels_for(gates), sum_grads.contiguous(), last_grads.contiguous()
        grads, cell_grads = torch.empty_like(gates), cell_grads.clone(memory_format=torch.contiguous_format)
        for time in reversed(range(len(gates))):
            kernels.step_back(
                gates[time], cells[time], forgets[time], sum_grads[time], last_grads, cell_grads, grads[time]
            )
            last_grads = grads[time] @ cast
        flat, dtype = grads.flatten(0, 1), weight.dtype
        weight_grads = product(flat.t(), before[:-1].flatten(0, 1), dtype)
        input_weight_grads = product(flat.t(), inputs.flatten(0, 1), dtype)
        input_grads = torch.addmm(sum_grads.flatten(0, 1), flat, input_cast).unflatten(0, begins.shape)
        first_grads = (last.masked_fill(begins[0, :, None], 0) for last in (last_grads.to(cells.dtype), cell_grads))
        bias_grads = layers.kernels_for(flat).sum_of_rows(flat).to(dtype)
        return input_grads, input_weight_grads, bias_grads, weight_grads, *first_grads, None


def kernels_for(tensor: Tensor) -> ModuleType:
    """The module that makes a step: a kernel's on a GPU. Imported on use, so a CPU needs no Triton."""
    if tensor.is_cuda:
        from megastep.triton.network import lstm_cell as kernels
    else:
        from megastep.learning.model import lstm_cell as kernels  # type: ignore[no-redef]
    return kernels
