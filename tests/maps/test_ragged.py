"""Rows of unequal length, packed end to end."""

import subprocess
import sys

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from megastep.maps.ragged import Ragged

WIDTHS = st.lists(st.integers(0, 5), max_size=8)


@given(widths=WIDTHS)
def test_rows_come_back_as_they_went_in(widths):
    rows = [np.arange(2 * width).reshape(width, 2) + 100 * i for i, width in enumerate(widths)]
    ragged = Ragged(np.concatenate([np.empty((0, 2), int), *rows]), np.array(widths, np.int32))
    assert len(ragged) == len(rows)
    for i, row in enumerate(rows):
        np.testing.assert_array_equal(ragged[i], row)
        np.testing.assert_array_equal(ragged[i - len(rows)], row)


@given(widths=WIDTHS, data=st.data())
def test_picked_rows_are_those_rows(widths, data):
    ragged = Ragged(np.arange(sum(widths)), np.array(widths, np.int32))
    picked = data.draw(st.lists(st.integers(0, len(widths) - 1), max_size=10)) if widths else []
    rows = ragged.rows(np.array(picked, int))
    assert [row.tolist() for row in rows] == [ragged[i].tolist() for i in picked]
    assert rows.widths.dtype == np.int32


@pytest.mark.parametrize('array', [np.asarray, torch.as_tensor])
def test_starts_tell_more_values_apart_than_int32_can(array):
    ragged = Ragged(array(np.zeros(4)), array(np.array([3, 0, 1], np.int32)))
    assert ragged.starts.tolist() == [0, 3, 3]
    assert str(ragged.starts.dtype).endswith('int64')


@pytest.mark.parametrize('array', [np.asarray, torch.as_tensor])
@pytest.mark.parametrize(
    'widths, message',
    [([2, 2], 'widths sum to 4, but there are 3 vals'), ([4, -1], 'widths must be at least 0, got -1')],
)
def test_rejects_widths_that_do_not_fit(array, widths, message):
    with pytest.raises(ValueError, match=message):
        Ragged(array(np.arange(3)), array(np.array(widths, np.int32)))


@pytest.mark.parametrize('i', [2, -3])
def test_rejects_rows_that_are_not_there(i):
    with pytest.raises(IndexError, match=f'row must be from -2 to 1, got {i}'):
        Ragged(np.arange(3), np.array([1, 2]))[i]


def test_tensors_cannot_be_picked_from():
    with pytest.raises(TypeError, match='rows picks from NumPy arrays, but vals is a Tensor'):
        Ragged(torch.arange(3), torch.tensor([1, 2])).rows(np.array([0]))


def test_map_sets_need_no_torch():
    """The map generator's processes start in a tenth of the time without it."""
    check = 'import sys, megastep.maps.mapset; sys.exit("torch" in sys.modules)'
    assert subprocess.run([sys.executable, '-c', check], check=False).returncode == 0
