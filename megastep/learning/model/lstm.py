"""Long short-term memory (LSTM) that forgets in the middle of a sequence, where one episode ends and another begins."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn


class LSTM(nn.Module):
    """Long short-term memory (Hochreiter and Schmidhuber, 1997; forget gates: Gers et al., 2000): one layer of cells.

    It computes what PyTorch's `nn.LSTMCell` does, but a whole sequence at a time: the inputs' share of all gates is one
    matrix product, and so are the weights' gradients. Matrix products may be in bfloat16, the cells never are: they
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
            inputs: What is put in at each step.
            hidden: The hidden state before the first: outputs, then cells.
            begins: Where all is forgotten before a step.

        Returns:
            The outputs of each step, and the hidden state after the last.
        """
        outputs, last, cells = _Sequence.apply(self.inputs(inputs), self.weight, *hidden.chunk(2, dim=-1), begins)
        return outputs, torch.cat([last.to(cells.dtype), cells], dim=-1)


class _Sequence(torch.autograd.Function):
    """The steps of an LSTM, given the inputs' share of the gates.

    ``before`` and ``cells`` hold what is remembered before each step, and after the last.
    """

    @staticmethod
    def forward(
        ctx: Any, shares: Tensor, weight: Tensor, output: Tensor, cell: Tensor, begins: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        times, kernels, cast = len(shares), _kernels(shares), weight.to(shares.dtype)
        gates, outputs = torch.empty_like(shares), shares.new_empty((times, *output.shape))
        before, cells = shares.new_empty((times + 1, *output.shape)), cell.new_empty((times + 1, *cell.shape))
        before[0], cells[0] = (first.masked_fill(begins[0, :, None], 0) for first in (output, cell))
        forgets = torch.cat([begins[1:], torch.zeros_like(begins[:1])])
        for time in range(times):
            torch.addmm(shares[time], before[time], cast.t(), out=gates[time])
            kernels.step(gates[time], cells[time], forgets[time], outputs[time], before[time + 1], cells[time + 1])
        ctx.save_for_backward(gates, before, cells, begins, forgets, weight)
        return outputs, before[-1].clone(), cells[-1].clone()

    @staticmethod
    def backward(ctx: Any, output_grads: Tensor, last_grads: Tensor, cell_grads: Tensor) -> tuple[Tensor | None, ...]:
        gates, before, cells, begins, forgets, weight = ctx.saved_tensors
        kernels, cast, output_grads = _kernels(gates), weight.to(gates.dtype), output_grads.contiguous()
        grads, cell_grads = torch.empty_like(gates), cell_grads.clone(memory_format=torch.contiguous_format)
        last_grads = last_grads.contiguous()
        for time in reversed(range(len(gates))):
            kernels.step_back(
                gates[time], cells[time], forgets[time], output_grads[time], last_grads, cell_grads, grads[time]
            )
            last_grads = grads[time] @ cast
        weight_grads = (grads.flatten(0, 1).t() @ before[:-1].flatten(0, 1)).to(weight.dtype)
        first_grads = (last.masked_fill(begins[0, :, None], 0) for last in (last_grads.to(cells.dtype), cell_grads))
        return grads, weight_grads, *first_grads, None


def _kernels(tensor: Tensor) -> ModuleType:
    """The module that makes a step: a kernel's on a GPU. Imported on use, so a CPU needs no Triton."""
    if tensor.is_cuda:
        from megastep.triton import lstm_cell as kernels
    else:
        from megastep.learning.model import lstm_cell as kernels  # type: ignore[no-redef]
    return kernels
