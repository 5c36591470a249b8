"""Launches on the device that tensors are on: Triton itself takes the current one, whatever it is given."""

from functools import wraps

import torch


def device_guard(launch):
    """Device guard: makes a launch run on the device of its first argument, which has a ``device``."""

    @wraps(launch)
    def guarded(first, *args, **kwargs):
        if first.device.type != 'cuda':  # interpreted
            return launch(first, *args, **kwargs)
        with torch.cuda.device(first.device):
            return launch(first, *args, **kwargs)

    return guarded
