"""Kernel dispatch: the one place that decides which kernels run on a device."""

import os
import sys
from collections.abc import Callable
from functools import cache, wraps
from types import ModuleType
from typing import Any, TypeVar, cast

import torch

Method = TypeVar('Method', bound=Callable[..., Any])


def implementation(device: torch.device) -> ModuleType:
    """Returns `megastep.triton` for a GPU and `megastep.numba` for a CPU; imported on use, so a CPU needs no Triton.

    Raises:
        ValueError: if there are no kernels for the device.
        RuntimeError: in a process that was forked from one that has used those for a CPU.
    """
    if device.type == 'cuda':
        from megastep import triton as kernels
    elif device.type == 'cpu':
        check_not_forked()
        from megastep import numba as kernels  # type: ignore[no-redef]
    else:
        raise ValueError(f"device must be of type 'cuda' or 'cpu', got {device.type!r}.")
    return kernels


def compile_ahead(device: torch.device, *launches: Callable[[], Any]) -> None:
    """Ahead-of-time compilation: has a GPU's kernels compiled in the background, side by side, as they'll be launched.

    The first launch of each waits for it. A CPU's kernels are compiled as they are first called.

    Args:
        device: Where they will be launched.
        launches: What launches them. It is called, but what it launches is only compiled, so what that would have
            written has any values.
    """
    if device.type == 'cuda':
        from megastep.triton.ahead import compiling_ahead

        with compiling_ahead():
            for launch in launches:
                launch()


def is_compiling_ahead() -> bool:
    """True within `compile_ahead`, where what is rendered isn't there."""
    ahead = sys.modules.get('megastep.triton.ahead')
    return ahead is not None and ahead.is_compiling()


def finish_compiling() -> None:
    """Waits for what is being compiled in the background: nothing may be loaded while a CUDA graph is captured."""
    if (ahead := sys.modules.get('megastep.triton.ahead')) is not None:
        ahead.finish()


@cache
def _first_process() -> int:
    """The number of the process that first asked; a forked one has its parent's."""
    return os.getpid()


def check_not_forked() -> None:
    """Refuses what would hang for ever, or end the process: OpenMP's threads don't survive a fork.

    Raises:
        RuntimeError: if this process was forked from one that has used the CPU's kernels with OpenMP.
    """
    if _first_process() == os.getpid():
        return
    import numba

    try:
        layer = numba.threading_layer()
    except ValueError:  # it has started no threads
        return
    if layer == 'omp':
        raise RuntimeError(
            "megastep can't be used in a process that was forked from one that has used it on a CPU, for OpenMP's "
            "threads don't survive that. Start processes by multiprocessing.get_context('spawn'); or set "
            'NUMBA_THREADING_LAYER=workqueue before Python starts, and call torch.set_num_threads(1) in the new one.'
        )


def untraced(method: Method) -> Method:
    """Graph break: a function that `torch.compile` calls as it is, instead of tracing into it and its kernels.

    It is `torch.compiler.disable`, but for importing the compiler, which takes seconds, where nobody uses it.
    """
    disabled: list[Callable[..., Any]] = []

    @wraps(method)
    def call(*args: Any, **kwargs: Any) -> Any:
        if 'torch._dynamo' not in sys.modules:
            return method(*args, **kwargs)
        if not disabled:
            disabled.append(torch.compiler.disable(method))
        return disabled[0](*args, **kwargs)

    return cast(Method, call)
