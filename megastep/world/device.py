"""Devices: the one that is used unless told otherwise, and their names."""

from __future__ import annotations

import os
import platform
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


def default_device(asked: torch.device | str | None = None) -> torch.device:
    """The device asked for; by default the GPU if there is one, else the CPU.

    Raises:
        ValueError: if PyTorch has no such device, or there is no such GPU here.
    """
    import torch  # here and below, so that `megastep doctor` can tell where it is missing

    try:
        device = torch.device(asked or ('cuda' if torch.cuda.is_available() else 'cpu'))
    except (RuntimeError, TypeError) as error:
        raise ValueError(f"device must be one of PyTorch's, such as 'cuda' or 'cpu', got {asked!r}.") from error
    count = torch.cuda.device_count() if device.type == 'cuda' else 0
    if device.type == 'cuda' and not count:
        raise ValueError(f"device must be 'cpu' where PyTorch can use no GPU, got {str(device)!r}.")
    if device.type == 'cuda' and (device.index or 0) >= count:
        raise ValueError(f'device must be one of {count} GPUs, numbered from 0, got {str(device)!r}.')
    return device


def check_default_dtype() -> None:
    """Raises unless PyTorch makes reals of float32 where no type is named: kernels and policies take no others.

    Raises:
        ValueError: if it makes others.
    """
    import torch

    found = torch.get_default_dtype()
    if found != torch.float32:
        way = 'torch.set_default_dtype(torch.float32), and name others where they are wanted'
        raise ValueError(f"PyTorch's default dtype must be torch.float32, got {found}: {way}.")


def device_name(device: torch.device | str) -> str:
    """The name of a device: a GPU's as its driver gives it, or the CPU's and how many of its cores may be used."""
    import torch

    if torch.device(device).type == 'cuda':
        return torch.cuda.get_device_name(device)
    return f'{_cpu_model()}, {num_cores()} cores'


def num_cores() -> int:
    """The number of CPU cores that this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # only Linux can tell
        return os.cpu_count() or 1


def _cpu_model() -> str:
    info = Path('/proc/cpuinfo')
    lines = info.read_text().splitlines() if info.exists() else []
    models = (line.partition(':')[2].strip() for line in lines if line.startswith('model name'))
    return next(models, platform.processor() or platform.machine())
