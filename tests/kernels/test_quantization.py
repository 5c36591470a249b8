"""Quantization: the twins against each other and against an oracle."""

import numpy as np
import pytest
import torch

from megastep import numba, triton
from megastep.viewer.encoding import gamma_table

CPU = torch.device('cpu')


@pytest.mark.parametrize('count', [1, 131, 1024, 2500])
@pytest.mark.parametrize('by_table', [True, False])
def test_levels_are_alike(count, by_table, device):
    values = np.random.default_rng(count).uniform(-0.1, 1.1, count).astype(np.float32)
    values[: 256 // 2] = ((np.arange(128) + 0.5) / 255)[:count]  # halves
    levels, known = torch.full((count + 1,), 7, dtype=torch.uint8, device=device), np.full(count, 7, np.uint8)
    table, shared = (gamma_table(CPU), torch.as_tensor(gamma_table(CPU)).to(device)) if by_table else (None, None)
    triton.quantize(torch.from_numpy(values).to(device), shared, levels[:count])
    numba.quantize(values, table, known)
    assert levels[count] == 7  # nobody writes beyond the end
    np.testing.assert_array_equal(levels[:count].cpu().numpy(), known)


@pytest.mark.parametrize('kernels', [numba, triton])
def test_shares_are_rounded_halves_to_even_levels(kernels, device):
    values = np.array([0, 0.1, 0.5, 126.5 / 255, 1, 0.999, -0.5, 1.5, np.nextafter(np.float32(0.5), 0)], np.float32)
    expected = np.rint(np.float32(255) * np.clip(values, 0, 1)).astype(np.uint8)
    if kernels is numba:
        levels = np.full(len(values), 7, np.uint8)
        numba.quantize(values, None, levels)
    else:
        levels = torch.full((len(values),), 7, dtype=torch.uint8, device=device)
        triton.quantize(torch.from_numpy(values).to(device), None, levels)
        levels = levels.cpu().numpy()
    assert levels.tolist() == expected.tolist()
    assert levels.tolist()[:3] == [0, 26, 128]
