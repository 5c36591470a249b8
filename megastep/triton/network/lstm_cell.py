"""LSTM cell, forward and backward. The twin, in PyTorch, is `megastep.learning.model.lstm_cell`."""

from typing import no_type_check

import triton
import triton.language as tl

from megastep.triton.buffers import device_guard

BLOCK = 1024


@triton.jit
@no_type_check
def tanh(x):
    """The hyperbolic tangent."""
    return 2 * tl.sigmoid(2 * x) - 1


@triton.jit
@no_type_check
def opened(gates, first, width, before, mask):
    """The gates once opened, and the new cells."""
    enter = tl.sigmoid(tl.load(gates + first, mask=mask, other=0).to(tl.float32))
    keep = tl.sigmoid(tl.load(gates + first + width, mask=mask, other=0).to(tl.float32))
    new = tanh(tl.load(gates + first + 2 * width, mask=mask, other=0).to(tl.float32))
    show = tl.sigmoid(tl.load(gates + first + 3 * width, mask=mask, other=0).to(tl.float32))
    return enter, keep, new, show, keep * before + enter * new


@triton.jit
@no_type_check
def _step(
    # in
    gates, cells, forgets, inputs,
    # out
    sums, next_outputs, next_cells,
    # sizes
    num_cells, width, output_stride, BLOCK: tl.constexpr,
):  # fmt: skip
    """Program b makes a step of the bth BLOCK of all rows' cells."""
    cell = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    mask, row = cell < num_cells, cell // width
    before = tl.load(cells + cell, mask=mask, other=0)
    _, _, _, show, after = opened(gates, cell + 3 * width * row, width, before, mask)
    output, forget = show * tanh(after), tl.load(forgets + row, mask=mask, other=0) != 0
    tl.store(sums + cell, tl.load(inputs + cell, mask=mask, other=0).to(tl.float32) + output, mask=mask)
    tl.store(next_outputs + cell + (output_stride - width) * row, tl.where(forget, 0.0, output), mask=mask)
    tl.store(next_cells + cell, tl.where(forget, 0.0, after), mask=mask)


@triton.jit
@no_type_check
def _step_back(
    # in
    gates, cells, forgets, output_grads, next_output_grads,
    # in and out
    cell_grads,
    # out
    gate_grads,
    # sizes
    num_cells, width, BLOCK: tl.constexpr,
):  # fmt: skip
    """Program b works out the gradients of the bth BLOCK of all rows' cells."""
    cell = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    mask, row = cell < num_cells, cell // width
    first, before = cell + 3 * width * row, tl.load(cells + cell, mask=mask, other=0)
    enter, keep, new, show, after = opened(gates, first, width, before, mask)
    shown, goes_on = tanh(after), mask & (tl.load(forgets + row, mask=mask, other=1) == 0)
    by_output = tl.load(output_grads + cell, mask=mask, other=0).to(tl.float32)
    by_output += tl.load(next_output_grads + cell, mask=goes_on, other=0).to(tl.float32)
    by_after = by_output * show * (1 - shown * shown) + tl.load(cell_grads + cell, mask=goes_on, other=0)
    tl.store(gate_grads + first, by_after * new * enter * (1 - enter), mask=mask)
    tl.store(gate_grads + first + width, by_after * before * keep * (1 - keep), mask=mask)
    tl.store(gate_grads + first + 2 * width, by_after * enter * (1 - new * new), mask=mask)
    tl.store(gate_grads + first + 3 * width, by_output * shown * show * (1 - show), mask=mask)
    tl.store(cell_grads + cell, by_after * keep, mask=mask)


@device_guard
def step(gates, cells, forgets, inputs, sums, next_outputs, next_cells):
    """A step of the cell: see `megastep.learning.model.lstm_cell.step`. All tensors but that one are contiguous."""
    grid = (triton.cdiv(cells.numel(), BLOCK),)
    _step[grid](
        gates, cells, forgets, inputs, sums, next_outputs, next_cells,
        cells.numel(), cells.shape[1], next_outputs.stride(0), BLOCK=BLOCK,
    )  # fmt: skip


@device_guard
def step_back(gates, cells, forgets, output_grads, next_output_grads, cell_grads, gate_grads):
    """A step's gradients: see `megastep.learning.model.lstm_cell.step_back`. All tensors are contiguous."""
    grid = (triton.cdiv(cells.numel(), BLOCK),)
    _step_back[grid](
        gates, cells, forgets, output_grads, next_output_grads, cell_grads, gate_grads,
        cells.numel(), cells.shape[1], BLOCK=BLOCK,
    )  # fmt: skip
