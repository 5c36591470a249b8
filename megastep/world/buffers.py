"""Device buffers: ragged arrays as tensors on a device."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from jaxtyping import Int
from torch import Tensor

from megastep.maps.ragged import Ragged


def tensor_of(name: str, value: Any, device: torch.device | None = None) -> Tensor:
    """A dense tensor of whatever PyTorch makes one of. One that is on the device already isn't copied.

    Args:
        name: What messages call it.
        value: The values.
        device: Where the tensor goes; by default one stays where it is, and all else is on the CPU.

    Raises:
        ValueError: if it makes none of it, or one that is sparse or quantized; it says the name.
    """
    kept = value.device if isinstance(value, Tensor) else 'cpu'  # whatever PyTorch's default is
    try:
        tensor = torch.as_tensor(value, device=device or kept)
    except (TypeError, ValueError, RuntimeError) as error:
        kind = f'{type(value).__name__}: {str(error).splitlines()[0]}'
        raise ValueError(f'{name} must be what torch.as_tensor takes, got {kind}') from error
    if tensor.layout is not torch.strided or tensor.is_quantized:
        found = tensor.dtype if tensor.is_quantized else tensor.layout
        raise ValueError(f'{name} must be a dense tensor, got one that is {found}.')
    return tensor


def check_mask(mask: Any, shape: tuple[int, ...], device: torch.device) -> None:
    """Raises a `ValueError` unless a mask is so many bools on the device: kernels read it as if it were.

    Its values aren't looked at, which would wait for a GPU.
    """
    if isinstance(mask, Tensor) and mask.dtype is torch.bool and mask.shape == shape and mask.device == device:
        return
    got = f'{mask.dtype} of shape {tuple(mask.shape)} on {mask.device}' if isinstance(mask, Tensor) else repr(mask)
    raise ValueError(f'mask must be torch.bool of shape {shape} on {device}, got {got}.')


def on_device(ragged: Ragged[np.ndarray] | Ragged[Tensor], device: torch.device | str) -> Ragged[Tensor]:
    """The rows as tensors on a device. Arrays are copied; tensors that are there already stay as they are."""

    def moved(array: np.ndarray | Tensor) -> Tensor:
        return array.to(device) if isinstance(array, Tensor) else torch.tensor(array, device=device)

    return Ragged(moved(ragged.vals), moved(ragged.widths))


def picked_rows(ragged: Ragged[Tensor], indices: Int[Tensor, ' picked']) -> Ragged[Tensor]:
    """Copies some rows, in the order of their numbers, as `Ragged.rows` does with arrays. Waits for the GPU."""
    widths = ragged.widths[indices]
    shifts = ragged.starts[indices] - (widths.cumsum(0) - widths)
    places = torch.repeat_interleave(shifts, widths) + torch.arange(int(widths.sum()), device=widths.device)
    return Ragged(ragged.vals[places], widths)
