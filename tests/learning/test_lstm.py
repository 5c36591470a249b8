"""The LSTM is PyTorch's, forth and back, and forgets where it should; its kernels do what is written in PyTorch."""

import pytest
import torch

from megastep.learning.model import lstm_cell
from megastep.learning.model.lstm import LSTM, _Sequence
from megastep.triton import lstm_cell as kernels

TIMES, ROWS, WIDTH = 6, 5, 4


def drawn(*shape, seed=0, dtype=torch.float32, device='cpu'):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed)).to(device, dtype)


def masks(*shape, device='cpu'):
    return torch.rand(shape, generator=torch.Generator().manual_seed(0)).to(device) < 0.3


def cell_of(lstm):
    """PyTorch's own cell with the same weights."""
    cell = torch.nn.LSTMCell(lstm.weight.shape[1], lstm.weight.shape[1], dtype=lstm.weight.dtype)
    ours = {'weight_ih': lstm.inputs.weight, 'weight_hh': lstm.weight, 'bias_ih': lstm.inputs.bias}
    cell.load_state_dict({**ours, 'bias_hh': torch.zeros_like(lstm.inputs.bias)})
    return cell


def stepped(cell, inputs, state, begins):
    """What a cell makes of a sequence, one step at a time."""
    output, cells = state.chunk(2, dim=-1)
    outputs = []
    for step, begin in zip(inputs, begins[..., None], strict=True):
        output, cells = cell(step, (output.masked_fill(begin, 0), cells.masked_fill(begin, 0)))
        outputs.append(output)
    return torch.stack(outputs), torch.cat([output, cells], dim=-1)


def test_does_what_pytorch_does_forth_and_back():
    lstm = LSTM(WIDTH, torch.Generator().manual_seed(0)).double()
    cell, begins = cell_of(lstm), masks(TIMES, ROWS)
    ours, theirs = ([drawn(TIMES, ROWS, WIDTH).double(), drawn(ROWS, 2 * WIDTH).double()] for _ in range(2))
    for tensor in [*ours, *theirs]:
        tensor.requires_grad_()
    found, expected = lstm(*ours, begins), stepped(cell, *theirs, begins)
    torch.testing.assert_close(found, expected)
    for outputs, state in (found, expected):
        (outputs * drawn(*outputs.shape, seed=1)).sum().add((state * drawn(*state.shape, seed=2)).sum()).backward()
    torch.testing.assert_close([tensor.grad for tensor in ours], [tensor.grad for tensor in theirs])
    torch.testing.assert_close(
        [lstm.inputs.weight.grad, lstm.inputs.bias.grad, lstm.weight.grad],
        [cell.weight_ih.grad, cell.bias_ih.grad, cell.weight_hh.grad],
    )


def test_gradients_are_those_of_finite_differences():
    shapes = [(3, 2, 12), (12, 3), (2, 3), (2, 3)]
    tensors = [drawn(*shape, seed=i).double().requires_grad_() for i, shape in enumerate(shapes)]
    assert torch.autograd.gradcheck(_Sequence.apply, (*tensors, masks(3, 2)))


def test_cells_stay_exact_where_products_are_rounded():
    """A hundred steps that each add a thousandth: in bfloat16, 1 + 0.001 is 1."""
    width = 2
    gate = torch.tensor([50.0, 50.0, 0.001, 0.0]).repeat_interleave(width).bfloat16()
    shares, weight = gate.expand(100, 1, -1).contiguous(), torch.zeros(4 * width, width)
    start, begins = torch.ones(1, width), torch.zeros(100, 1, dtype=torch.bool)
    cells = _Sequence.apply(shares, weight, torch.zeros(1, width), start, begins)[2]
    torch.testing.assert_close(cells, torch.full((1, width), 1.1), atol=1e-3, rtol=0)


@pytest.mark.parametrize('rows, width', [(1, 1), (5, 7), (3, 600)])  # odd sizes, and more than one program
@pytest.mark.parametrize('dtype', [torch.float32, torch.bfloat16])
def test_the_kernels_do_what_is_written(rows, width, dtype, device):
    given = [drawn(rows, 4 * width, dtype=dtype), drawn(rows, width), masks(rows)]
    grads = [drawn(rows, width, seed=1, dtype=dtype), drawn(rows, width, seed=2, dtype=dtype)]
    expected = _outcome(lstm_cell, given, grads, dtype)
    given, grads = ([tensor.to(device) for tensor in tensors] for tensors in (given, grads))
    found = [tensor.cpu() for tensor in _outcome(kernels, given, grads, dtype)]
    tolerance = {'atol': 1e-5, 'rtol': 1e-5} if dtype == torch.float32 else {'atol': 1e-2, 'rtol': 1e-2}
    torch.testing.assert_close(found, expected, **tolerance)


def _outcome(module, given, grads, dtype):
    """All that a step writes, forth and back."""
    like = given[1]
    outputs, next_outputs, next_cells = (
        torch.full_like(like, torch.nan).to(kind) for kind in (dtype, dtype, like.dtype)
    )
    module.step(*given, outputs, next_outputs, next_cells)
    cell_grads, gate_grads = like.clone(), torch.full_like(given[0], torch.nan)
    module.step_back(*given, *grads, cell_grads, gate_grads)
    return [outputs, next_outputs, next_cells, cell_grads, gate_grads]


def test_at_first_it_remembers():
    lstm = LSTM(8, torch.Generator().manual_seed(0))
    assert (lstm.inputs.bias.view(4, 8)[1] == 1).all() and lstm.inputs.bias.sum() == 8
    for gate in [*lstm.weight.chunk(4), *lstm.inputs.weight.chunk(4)]:
        torch.testing.assert_close(gate @ gate.t(), torch.eye(8))
