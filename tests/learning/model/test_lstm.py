"""The LSTM is PyTorch's plus its inputs, and forgets where it should; its kernels do what is written."""

import pytest
import torch

from megastep.learning.model import lstm_cell
from megastep.learning.model.lstm import LSTM, _Sequence
from megastep.triton.network import lstm_cell as kernels

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
    """What a cell makes of a sequence, one step at a time, the inputs added to it."""
    output, cells = state.chunk(2, dim=-1)
    outputs = []
    for step, begin in zip(inputs, begins[..., None], strict=True):
        output, cells = cell(step, (output.masked_fill(begin, 0), cells.masked_fill(begin, 0)))
        outputs.append(step + output)
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
    shapes = [(3, 2, 3), (12, 3), (12,), (12, 3), (2, 3), (2, 3)]
    tensors = [drawn(*shape, seed=i).double().requires_grad_() for i, shape in enumerate(shapes)]
    assert torch.autograd.gradcheck(_Sequence.apply, (*tensors, masks(3, 2)))


def test_cells_stay_exact_where_products_are_rounded():
    """A hundred steps that each add a thousandth: in bfloat16, 1 + 0.001 is 1."""
    width = 2
    bias = torch.tensor([50.0, 50.0, 0.001, 0.0]).repeat_interleave(width)
    inputs, weight = torch.zeros(100, 1, width, dtype=torch.bfloat16), torch.zeros(4 * width, width)
    start, begins = torch.ones(1, width), torch.zeros(100, 1, dtype=torch.bool)
    cells = _Sequence.apply(inputs, weight, bias, weight, torch.zeros(1, width), start, begins)[2]
    torch.testing.assert_close(cells, torch.full((1, width), 1.1), atol=1e-3, rtol=0)


@pytest.mark.parametrize('rows, width', [(1, 1), (5, 7), (3, 600)])  # odd sizes, and more than one program
@pytest.mark.parametrize('dtype', [torch.float32, torch.bfloat16])
def test_the_kernels_do_what_is_written(rows, width, dtype, device):
    given = [drawn(rows, 4 * width, dtype=dtype), drawn(rows, width), masks(rows)]
    inputs = drawn(rows, width, seed=3, dtype=dtype)
    grads = [drawn(rows, width, seed=1, dtype=dtype), drawn(rows, width, seed=2, dtype=dtype)]
    expected = _outcome(lstm_cell, given, inputs, grads)
    given, grads = ([tensor.to(device) for tensor in tensors] for tensors in (given, grads))
    found = [tensor.cpu() for tensor in _outcome(kernels, given, inputs.to(device), grads)]
    tolerance = {'atol': 1e-5, 'rtol': 1e-5} if dtype == torch.float32 else {'atol': 1e-2, 'rtol': 1e-2}
    torch.testing.assert_close(found, expected, **tolerance)


def _outcome(module, given, inputs, grads):
    """All that a step writes, forth and back."""
    gates, cells, _ = given
    sums, next_outputs = (torch.full_like(inputs, torch.nan) for _ in range(2))
    next_cells, cell_grads, gate_grads = (
        torch.full_like(cells, torch.nan),
        cells.clone(),
        torch.full_like(gates, torch.nan),
    )
    module.step(*given, inputs, sums, next_outputs, next_cells)
    module.step_back(*given, *grads, cell_grads, gate_grads)
    return [sums, next_outputs, next_cells, cell_grads, gate_grads]


@pytest.mark.parametrize('module', [lstm_cell, kernels])
def test_what_is_remembered_may_be_overwritten(module, device):
    device = device if module is kernels else 'cpu'
    rows, width = 5, 7
    given, inputs = [drawn(rows, 4 * width), drawn(rows, width), masks(rows)], drawn(rows, width, seed=3)
    gates, cells, forgets, inputs = (tensor.to(device) for tensor in (*given, inputs))
    sums, outputs, after = (torch.empty_like(cells) for _ in range(3))
    module.step(gates, cells, forgets, inputs, sums, outputs, after)
    again = torch.empty_like(sums)
    module.step(gates, cells, forgets, inputs, again, outputs, cells)
    assert torch.equal(cells, after) and torch.equal(sums, again)


@pytest.mark.parametrize('module', [lstm_cell, kernels])
def test_outputs_may_be_written_into_longer_rows(module, device):
    device = device if module is kernels else 'cpu'
    rows, width = 5, 7
    given = [drawn(rows, 4 * width), drawn(rows, width), masks(rows), drawn(rows, width, seed=3)]
    gates, cells, forgets, inputs = (tensor.to(device) for tensor in given)
    sums, outputs, after, room = *(torch.empty_like(cells) for _ in range(3)), torch.full((rows, 17), 7.0).to(device)
    module.step(gates, cells, forgets, inputs, sums, outputs, after)
    module.step(gates, cells, forgets, inputs, sums, room[:, 9:16], after)
    assert torch.equal(room[:, 9:16], outputs) and (room[:, :9] == 7).all() and (room[:, 16] == 7).all()


def test_at_first_it_remembers():
    lstm = LSTM(8, torch.Generator().manual_seed(0))
    assert (lstm.inputs.bias.view(4, 8)[1] == 1).all() and lstm.inputs.bias.sum() == 8
    for gate in [*lstm.weight.chunk(4), *lstm.inputs.weight.chunk(4)]:
        torch.testing.assert_close(gate @ gate.t(), torch.eye(8))
