"""Device buffers: arrays become tensors, and tensors go where they are told."""

import numpy as np
import pytest
import torch

from megastep.maps.ragged import Ragged
from megastep.world.buffers import on_device, picked_rows
from megastep.world.device import default_device


def test_tensors_are_copies_of_arrays(device):
    vals = np.arange(3.0)
    vals.setflags(write=False)
    ragged = on_device(Ragged(vals, np.array([1, 2], np.int32)), device)
    ragged.vals.add_(1)
    assert ragged[1].tolist() == [2, 3]
    assert ragged.widths.device.type == device.type
    assert vals.tolist() == [0, 1, 2]


def test_tensors_move_and_stay_where_they_are():
    ragged = Ragged(torch.arange(3), torch.tensor([1, 2], dtype=torch.int32))
    assert on_device(ragged, 'cpu').vals is ragged.vals
    assert on_device(ragged, 'cpu').widths is ragged.widths


@pytest.mark.parametrize('there_is_one, chosen', [(True, 'cuda'), (False, 'cpu')])
def test_the_default_is_the_gpu_if_there_is_one(there_is_one, chosen, monkeypatch):
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: there_is_one)
    monkeypatch.setattr(torch.cuda, 'device_count', lambda: 2)
    assert default_device() == torch.device(chosen)
    assert default_device('cpu') == torch.device('cpu')
    assert default_device(torch.device('cuda:1')) == torch.device('cuda:1')


def test_picked_rows_are_copies_in_order():
    rows = Ragged(torch.arange(12).reshape(6, 2), torch.tensor([3, 0, 1, 2], dtype=torch.int32))
    picked = picked_rows(rows, torch.tensor([3, 1, 0, 3]))
    assert [row.tolist() for row in picked] == [rows[i].tolist() for i in (3, 1, 0, 3)]
    assert picked.widths.dtype == torch.int32
