"""Device buffers: ragged arrays as tensors on a device."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from megastep.maps.ragged import Ragged


def on_device(ragged: Ragged[np.ndarray] | Ragged[Tensor], device: torch.device | str) -> Ragged[Tensor]:
    """The rows as tensors on a device. Arrays are copied; tensors that are there already stay as they are."""

    def moved(array: np.ndarray | Tensor) -> Tensor:
        return array.to(device) if isinstance(array, Tensor) else torch.tensor(array, device=device)

    return Ragged(moved(ragged.vals), moved(ragged.widths))
