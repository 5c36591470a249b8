"""What this machine is: its device and the libraries' versions, by the names people know them by."""

from __future__ import annotations

import os
import platform
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.requirements import Requirement

if TYPE_CHECKING:
    import torch


def device_name(device: torch.device | str) -> str:
    """The name of a device: a GPU's as its driver gives it, or the CPU's and how many of its cores may be used."""
    import torch  # here, so that asking for versions doesn't wait for it

    if torch.device(device).type == 'cuda':
        return torch.cuda.get_device_name(device)
    return f'{_cpu_model()}, {num_cores()} cores'


def num_cores() -> int:
    """How many CPU cores this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # only Linux can tell
        return os.cpu_count() or 1


def _cpu_model() -> str:
    info = Path('/proc/cpuinfo')
    lines = info.read_text().splitlines() if info.exists() else []
    models = (line.partition(':')[2].strip() for line in lines if line.startswith('model name'))
    return next(models, platform.processor() or platform.machine())


def requirements() -> list[Requirement]:
    """What megastep needs installed on this machine, extras left out."""
    wanted = map(Requirement, metadata.requires('megastep') or [])
    return [
        requirement for requirement in wanted if not requirement.marker or requirement.marker.evaluate({'extra': ''})
    ]


def version(distribution: str) -> str | None:
    """The installed version of a distribution, or None if it isn't installed."""
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None
