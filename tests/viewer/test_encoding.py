import numpy as np
import pytest
import torch
from numpy import nextafter

from megastep.viewer.encoding import encoded, encoded_array, gamma_table

LOWEST, ONE = np.float32(0), np.float32(1)


def levels_of(values, device='cpu'):
    return encoded(torch.from_numpy(np.atleast_1d(values).astype(np.float32)).to(device)).cpu().numpy()


def oracle(values):
    """Gamma encoding in float64."""
    return np.rint(255 * np.clip(values.astype(np.float64), 0, 1) ** (1 / 2.2)).astype(np.uint8)


def test_colours_have_the_levels_of_real_numbers(device):
    """Every one of them: within an entry of the table levels only rise, and its first and last float are tried."""
    entries = np.arange(len(gamma_table(torch.device('cpu'))), dtype=np.int64) << 16
    words = np.concatenate([entries, entries[:-1] + 0xFFFF]).astype(np.int32)
    values = words.view(np.float32)
    assert values.min() == 0 and values.max() == 1
    np.testing.assert_array_equal(levels_of(values, device), oracle(values))


def test_each_level_begins_with_the_float_that_it_should(device):
    steps = ((np.arange(255) + 0.5) / 255) ** 2.2
    nearest = steps.astype(np.float32)
    values = np.concatenate([nearest, nextafter(nearest, LOWEST), nextafter(nearest, ONE)])
    np.testing.assert_array_equal(levels_of(values, device), oracle(values))
    assert set(np.diff(levels_of(np.sort(values)).astype(int))) == {0, 1}


@pytest.mark.parametrize(
    'value, level', [(-0.0, 0), (-1e-30, 0), (-np.inf, 0), (1e-45, 0), (1 + 1e-6, 255), (7, 255), (np.inf, 255)]
)
def test_what_is_beyond_has_the_level_of_the_nearer(value, level, device):
    assert levels_of(value, device).tolist() == [level]


def test_arrays_and_tensors_are_encoded_alike():
    values = np.random.default_rng(0).random((7, 5, 3)).astype(np.float32)
    assert levels_of(values).shape == values.shape
    assert np.abs(levels_of(values) - 255 * encoded_array(values)).max() <= 0.5 + 1e-4
    assert (encoded(torch.from_numpy(values).movedim(0, -1)).numpy() == np.moveaxis(levels_of(values), 0, -1)).all()
