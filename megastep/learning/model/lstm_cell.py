"""LSTM cell, forward and backward: in PyTorch here, in one kernel each in `megastep.triton.network.lstm_cell`.

Gates come in PyTorch's order: input, forget, cell, output. What is written goes into tensors given.
"""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from torch import Tensor


def _opened(
    gates: Float[Tensor, 'row gate'], cells: Float[Tensor, 'row width']
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """The gates once opened, and the new cells."""
    enter, keep, new, show = gates.to(cells.dtype).chunk(4, dim=-1)
    enter, keep, new, show = enter.sigmoid(), keep.sigmoid(), new.tanh(), show.sigmoid()
    return enter, keep, new, show, keep * cells + enter * new


def step(
    gates: Float[Tensor, 'row gate'],
    cells: Float[Tensor, 'row width'],
    forgets: Bool[Tensor, ' row'],
    inputs: Float[Tensor, 'row width'],
    sums: Float[Tensor, 'row width'],
    next_outputs: Float[Tensor, 'row width'],
    next_cells: Float[Tensor, 'row width'],
) -> None:
    """The forward pass of a step. What is remembered may be overwritten with what is remembered afterwards.

    Args:
        gates: What the gates are given, four times as wide as the cells.
        cells: What is remembered.
        forgets: Where nothing is, afterwards.
        inputs: What the outputs are added to.
        sums: Written: what that makes.
        next_outputs: Written: the outputs, but zero where they are to be forgotten. Rows may be further apart.
        next_cells: Written: what is remembered afterwards.
    """
    *_, show, after = _opened(gates, cells)
    outputs = show * after.tanh()
    sums.copy_(inputs + outputs)
    next_outputs.copy_(outputs).masked_fill_(forgets[:, None], 0)
    next_cells.copy_(after).masked_fill_(forgets[:, None], 0)


def step_back(
    gates: Float[Tensor, 'row gate'],
    cells: Float[Tensor, 'row width'],
    forgets: Bool[Tensor, ' row'],
    output_grads: Float[Tensor, 'row width'],
    next_output_grads: Float[Tensor, 'row width'],
    cell_grads: Float[Tensor, 'row width'],
    gate_grads: Float[Tensor, 'row gate'],
) -> None:
    """The backward pass of a step: its gradients.

    Args:
        gates: As they were given to `step`.
        cells: As they were given to `step`.
        forgets: As they were given to `step`.
        output_grads: The loss's gradients by the outputs, or what these are added to.
        next_output_grads: By ``next_outputs``.
        cell_grads: By ``next_cells``; overwritten with those by ``cells``.
        gate_grads: Written: those by ``gates``.
    """
    enter, keep, new, show, after = _opened(gates, cells)
    shown = after.tanh()
    by_output = output_grads.to(cells.dtype) + next_output_grads.masked_fill(forgets[:, None], 0)
    by_after = cell_grads.masked_fill(forgets[:, None], 0) + by_output * show * (1 - shown**2)
    by_gates = (
        by_after * new * enter * (1 - enter),
        by_after * cells * keep * (1 - keep),
        by_after * enter * (1 - new**2),
        by_output * shown * show * (1 - show),
    )
    gate_grads.copy_(torch.cat(by_gates, dim=-1))
    torch.mul(by_after, keep, out=cell_grads)
