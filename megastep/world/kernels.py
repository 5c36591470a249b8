"""Kernel dispatch: the one place that decides which kernels run on a device."""

from types import ModuleType

import torch


def implementation(device: torch.device) -> ModuleType:
    """Returns `megastep.triton` for a GPU and `megastep.numba` for a CPU; imported on use, so a CPU needs no Triton.

    Raises:
        ValueError: if there are no kernels for the device.
    """
    if device.type == 'cuda':
        from megastep import triton as kernels
    elif device.type == 'cpu':
        from megastep import numba as kernels  # type: ignore[no-redef]
    else:
        raise ValueError(f"device must be of type 'cuda' or 'cpu', got {device.type!r}.")
    return kernels
