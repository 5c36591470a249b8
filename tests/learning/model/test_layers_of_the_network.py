"""Layers are PyTorch's, forth and back; their kernels do what is written in PyTorch."""

import numpy as np
import pytest
import torch
from gymnasium.spaces import Box, Dict, Discrete
from torch import nn

from megastep.learning.model import feature_scaling, layer_passes, sampling
from megastep.learning.model.features import Features
from megastep.learning.model.layers import padded, rectified_heads, rectified_linear
from megastep.triton.network import features as feature_kernels
from megastep.triton.network import layers as kernels
from megastep.triton.network import sampling as sampling_kernels

SIZES = [(1, 1, 1), (5, 7, 3), (70, 130, 17), (257, 40, 70)]  # odd ones, and more than one program


def drawn(*shape, seed=0, dtype=torch.float32):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed)).to(dtype)


def close(dtype):
    return {'atol': 1e-4, 'rtol': 1e-5} if dtype == torch.float32 else {'atol': 2e-2, 'rtol': 1e-2}


def test_a_rectified_linear_layer_is_pytorchs():
    layer = nn.Linear(5, 4, dtype=torch.float64)
    ours, theirs = (drawn(3, 2, 5).double().requires_grad_() for _ in range(2))
    found, expected = rectified_linear(ours, layer), nn.functional.relu(layer(theirs))
    torch.testing.assert_close(found, expected)
    weights = drawn(3, 2, 4, seed=1)
    grads = [
        torch.autograd.grad((each * weights).sum(), [x, *layer.parameters()])
        for x, each in ((ours, found), (theirs, expected))
    ]
    torch.testing.assert_close(*grads)


def test_zeros_behind_the_inputs_change_nothing():
    layer = nn.Linear(5, 4, dtype=torch.float64)
    short, long = (rectified_linear(padded(drawn(6, 5).double(), length), layer) for length in (5, 8))
    torch.testing.assert_close(short, long)
    grads = [torch.autograd.grad((each * drawn(6, 4, seed=1)).sum(), layer.parameters()) for each in (short, long)]
    torch.testing.assert_close(*grads)


def test_rectified_heads_are_pytorchs():
    layer, heads = nn.Linear(5, 6, dtype=torch.float64), [nn.Linear(6, size, dtype=torch.float64) for size in (3, 1)]
    ours, theirs = (drawn(3, 2, 5).double().requires_grad_() for _ in range(2))
    found = rectified_heads(ours, layer, heads)
    expected = tuple(head(nn.functional.relu(layer(theirs))) for head in heads)
    torch.testing.assert_close(found, expected)
    parameters = [*layer.parameters(), *heads[0].parameters(), *heads[1].parameters()]
    grads = []
    for inputs, (one, other) in ((ours, found), (theirs, expected)):
        loss = (one * drawn(3, 2, 3, seed=1)).sum() + (other * drawn(3, 2, 1, seed=2)).sum()
        grads.append(torch.autograd.grad(loss, [inputs, *parameters]))
    torch.testing.assert_close(*grads)


@pytest.mark.parametrize('rows, width, _', SIZES)
@pytest.mark.parametrize('dtype', [torch.float32, torch.bfloat16])
def test_rectifiers_pass_gradients_back_as_written(rows, width, _, dtype, device, poisoned):
    grads, outputs = drawn(rows, width, dtype=dtype), drawn(rows, width, seed=1, dtype=dtype).relu()
    masked, bias_grads = layer_passes.rectified_back(grads.float(), outputs.float())
    found, found_bias_grads = kernels.rectified_back(grads.to(device), outputs.to(device))
    assert found.dtype == dtype and torch.equal(found.cpu().float(), masked)
    torch.testing.assert_close(found_bias_grads.cpu(), bias_grads, atol=1e-4, rtol=1e-5)


@pytest.mark.parametrize('rows, width, _', SIZES)
@pytest.mark.parametrize('dtype', [torch.float32, torch.bfloat16])
def test_sums_of_rows_are_exact(rows, width, _, dtype, device, poisoned):
    values = drawn(rows, width, dtype=dtype)
    found, expected = kernels.sum_of_rows(values.to(device)).cpu(), layer_passes.sum_of_rows(values.double())
    torch.testing.assert_close(found, expected.float(), atol=1e-4, rtol=1e-5)


@pytest.mark.parametrize('rows, width, outputs', SIZES)
@pytest.mark.parametrize('dtype', [torch.float32, torch.bfloat16])
def test_heads_do_as_written(rows, width, outputs, dtype, device, poisoned):
    """Bfloat16 latents too are multiplied by all of the weights' digits."""
    latents, weight, bias = drawn(rows, width, dtype=dtype), drawn(outputs, width, seed=1), drawn(outputs, seed=2)
    expected, found = (torch.full((rows, outputs), torch.nan, dtype=kind) for kind in (torch.float64, torch.float32))
    layer_passes.heads(latents.double(), weight.double(), bias.double(), expected)
    found = found.to(device)
    kernels.heads(*(tensor.to(device) for tensor in (latents, weight, bias)), found)
    torch.testing.assert_close(found.cpu(), expected.float(), atol=1e-4, rtol=1e-5)


@pytest.mark.parametrize('rows, width, outputs', SIZES)
@pytest.mark.parametrize('dtype', [torch.float32, torch.bfloat16])
def test_heads_pass_gradients_back_as_written(rows, width, outputs, dtype, device, poisoned):
    given = drawn(rows, outputs), drawn(rows, width, seed=1, dtype=dtype).relu(), drawn(outputs, width, seed=2)
    expected, bias_grads = layer_passes.heads_back(*given)
    found, found_bias_grads = kernels.heads_back(*(tensor.to(device) for tensor in given))
    assert found.dtype == dtype
    torch.testing.assert_close(found.cpu(), expected, **close(dtype))
    torch.testing.assert_close(found_bias_grads.cpu(), bias_grads, atol=1e-3, rtol=1e-5)


@pytest.mark.parametrize('rows, size', [(1, 1), (5, 3), (300, 17)])
@pytest.mark.parametrize('module', [feature_scaling, feature_kernels])
def test_features_are_written_as_they_are_made(rows, size, module, device):
    """Numbers of three types, with a column between those of the second and the third."""
    device = device if module is feature_kernels else 'cpu'
    drawings = [100 * drawn(rows, width, seed=width) for width in (size, size + 4, 2)]
    values = [drawings[0], drawings[1].abs().to(torch.uint8), drawings[2].long()]
    firsts, length = [0, size, 2 * size + 5], 2 * size + 7
    scales = drawn(length, seed=1), drawn(length, seed=2), drawn(length, seed=3) > 0
    room = torch.full((rows, length + 2), 7.0, device=device)
    given = *(tensor.to(device) for tensor in scales), [value.to(device) for value in values], firsts
    module.write_scaled(*given, room[:, 1:-1])
    apart = torch.zeros(rows, 1)
    expected = feature_scaling.scaled(torch.cat([*values[:2], apart, values[2]], dim=1).float(), *scales)
    expected[:, 2 * size + 4] = 7
    torch.testing.assert_close(room[:, 1:-1].cpu(), expected, atol=1e-6, rtol=1e-6)
    assert (room[:, [0, -1]] == 7).all()


def test_features_in_place_are_those_that_are_returned(device):
    space = Dict(
        rgb=Box(0, 1, (1, 3, 8)), kind=Discrete(3), imu=Box(-np.inf, np.inf, (3,)), near=Dict(at=Box(-2, 6, (2,)))
    )
    features = Features(space).to(device)
    observations = {
        'rgb': drawn(5, 1, 3, 8).to(device), 'kind': torch.tensor([0, 1, 2, 0, 1], device=device),
        'imu': 9 * drawn(5, 3).to(device), 'near': {'at': drawn(5, 2).to(device)},
    }  # fmt: skip
    room = torch.full((5, features.size + 3), 7.0, device=device)
    features.write(observations, room)
    torch.testing.assert_close(room[:, : features.size], features(observations), atol=1e-6, rtol=1e-6)
    assert (room[:, features.size :] == 7).all()


@pytest.mark.parametrize('counts', [[1], [7], [2, 11, 3]])
@pytest.mark.parametrize('batch', [(1,), (3, 50)])  # more than one program
def test_samples_are_drawn_as_written(counts, batch, device, poisoned):
    logits, noise = drawn(*batch, sum(counts) + 1).to(device)[..., 1:], drawn(*batch, sum(counts), seed=1).abs()
    found = sampling_kernels.sampled(logits, noise.to(device), counts)
    assert torch.equal(found.cpu(), sampling.sampled(logits.cpu(), noise, counts))


def test_samples_of_nothing_known_are_values_still(device):
    found = sampling_kernels.sampled(*(torch.full((5, 3), torch.nan, device=device) for _ in range(2)), [3])
    assert ((found >= 0) & (found < 3)).all()
