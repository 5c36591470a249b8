"""Compilation ahead: kernels that are about to be launched are compiled in the background, side by side.

Triton compiles a kernel where it is first launched, which takes up to seconds, one after the other. Most of that is its
passes and compilers of C and of PTX, which leave Python to other threads.
"""

from collections.abc import Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager, nullcontext
from contextvars import ContextVar

import torch
from triton.runtime import driver

_EXECUTOR: ContextVar[Executor | None] = ContextVar('executor of compilation ahead', default=None)
"""What compiles in the background whatever is launched; None where it is launched indeed."""
_UNDER_WAY: dict[tuple, Future] = {}
"""What is being compiled."""


@contextmanager
def compiling_ahead() -> Iterator[None]:
    """Ahead-of-time compilation: what is launched within by `launch` isn't, but compiled in the background.

    So what it would have written has any values. What else runs within does as ever, on the arguments of the launches
    that are to come: by these a kernel is specialised.
    """
    executor = ThreadPoolExecutor(thread_name_prefix='megastep-compiling')
    token = _EXECUTOR.set(executor)
    try:
        yield
    finally:
        _EXECUTOR.reset(token)
        executor.shutdown(wait=False)  # its threads end when they have compiled what there is, and Python after them


def is_compiling():
    """True within `compiling_ahead`."""
    return _EXECUTOR.get() is not None


def finish():
    """Waits for all that is being compiled. What goes wrong comes up where it is launched."""
    wait(list(_UNDER_WAY.values()))


def launch(kernel, grid, *args, **options):
    """Launches a kernel, ``kernel[grid](*args, **options)``, once it isn't being compiled any more.

    Raises:
        Exception: what goes wrong as it is compiled.
    """
    executor = _EXECUTOR.get()
    if executor is not None:
        _compile_by(executor, kernel, grid, args, options)
        return
    if _UNDER_WAY and (future := _UNDER_WAY.get(_key(kernel, args, options))) is not None:
        future.result()
    kernel[grid](*args, **options)


def _compile_by(executor, kernel, grid, args, options):
    """Has a kernel compiled, if it isn't being already. Then Triton knows it, or compiles it again and says why not."""
    key = _key(kernel, args, options)
    if key not in _UNDER_WAY:
        getattr(kernel, 'cache_key', None)  # what it is kept by depends on which kernel is asked first: not on threads
        future = executor.submit(_compile, kernel, grid, args, options, _device())
        _UNDER_WAY[key] = future
        future.add_done_callback(lambda future: _UNDER_WAY.pop(key, None))


def _compile(kernel, grid, args, options, device):
    """Compiles a kernel for arguments and loads it, C that launches it and all."""
    with nullcontext() if device is None else torch.cuda.device(device):
        compiled = kernel.warmup(*args, grid=grid, **options)
        if compiled is not None:  # where Triton interprets there is nothing to compile
            compiled.run  # noqa: B018, a property that loads it


def _device():
    """The current GPU; None where kernels are interpreted."""
    return driver.active.get_current_device() if torch.cuda.is_available() else None


def _key(kernel, args, options):
    """Key of a variant of a kernel: launches that differ in it are of different machine code."""
    return kernel, _device(), _form(args), tuple(options.items())


def _form(value):
    """The types of arguments."""
    if isinstance(value, tuple):
        return tuple(map(_form, value))
    return value.dtype if isinstance(value, torch.Tensor) else type(value)
