"""Stream capture: what a function launches goes into a CUDA graph, or a sentence says which line keeps it out."""

from __future__ import annotations

import ctypes
import gc
import linecache
import os
import sys
import traceback
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.multiprocessing.reductions import StorageWeakRef
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_iter

from megastep.world.kernels import finish_compiling

PASSED_OVER = tuple(str(Path(file).parent) + os.sep for file in (torch.__file__, __file__))
"""The files whose lines are never the ones to change."""


class CaptureError(RuntimeError):
    """Error of a function that does what a CUDA graph can't repeat."""

    @classmethod
    def explained(cls, name: str, cause: str, line: str, remedies: str) -> CaptureError:
        """The error of a function: what it does, where, and what may be done about it, each with or without a stop."""
        return cls(f"{name} can't run from a CUDA graph: {cause.rstrip('. ')}.\n  {line}\n{remedies.rstrip('. ')}.")


class Source(NamedTuple):
    """Memory that a function reads and doesn't make itself, and the line that was the first to read it."""

    storage: StorageWeakRef
    line: str


class Watch(TorchDispatchMode):
    """Dispatch mode that refuses operations which a CUDA graph can't hold, and notes what is read.

    It refuses them before they reach CUDA, which would spoil the capture.

    Args:
        device: Whose tensors are noted.

    Attributes:
        sources: What has been read that wasn't made meanwhile.
    """

    def __init__(self, device: torch.device) -> None:
        super().__init__()
        self.sources: dict[int, Source] = {}
        self._device, self._made = device, set[int]()

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """Spares the first operation an import of PyTorch's compiler, which takes seconds: nothing is compiled here."""
        return False

    def __torch_dispatch__(self, operator, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if cause := obstacle(operator, args, kwargs):
            raise CaptureError(cause)
        for storage in () if _reads_no_value(operator) else self._storages((args, kwargs)):
            if storage._cdata not in self._made and storage._cdata not in self.sources:
                self.sources[storage._cdata] = Source(StorageWeakRef(storage), current_line())
        result = operator(*args, **kwargs)
        self._made.update(storage._cdata for storage in self._storages(result) if storage._cdata not in self.sources)
        return result

    def _storages(self, nested: Any) -> Iterator[torch.UntypedStorage]:
        for leaf in tree_iter(nested):
            if isinstance(leaf, Tensor) and leaf.device == self._device:
                yield leaf.untyped_storage()


def _reads_no_value(operator: Any) -> bool:
    """True of operations that make a tensor like another, of which they want to know no more than its shape."""
    name = operator.overloadpacket.__name__
    return name.endswith('_like') or name.startswith('new_')


def obstacle(operator: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> str | None:
    """The reason why a CUDA graph can't hold an operation, if it can't."""
    name = operator.overloadpacket.__name__
    if torch.Tag.data_dependent_output in operator.tags or name == 'equal':
        return 'it waits for a value'
    if name.startswith('index_put'):
        by_mask, values = _has_mask(args[1]), args[2]
        return 'it waits to learn how many values a mask picks' if by_mask and values.numel() > 1 else None
    if name == 'index':
        return 'it waits to learn how many values a mask picks' if _has_mask(args[1]) else None
    if torch.Tag.dynamic_output_shape in operator.tags and kwargs.get('output_size') is None:
        return 'it waits to learn how many values there will be'
    if name in ('copy_', '_to_copy'):
        source = args[1] if name == 'copy_' else args[0]
        target = args[0].device if name == 'copy_' else torch.device(kwargs.get('device') or source.device)
        return f'it copies from {source.device} to {target}' if source.device.type != target.type else None
    return None


def _has_mask(indices: Sequence[Tensor | None]) -> bool:
    return any(index is not None and index.dtype in (torch.bool, torch.uint8) for index in indices)


def prepare(device: torch.device) -> None:
    """Frees what can be before a capture, and has compiled what is being compiled."""
    finish_compiling()
    torch.cuda.synchronize(device)
    gc.collect()  # what is freed during a capture may spoil it
    torch.cuda.empty_cache()  # as nothing can be freed then, should memory run out


@contextmanager
def capturing(
    graph: torch.cuda.CUDAGraph, stream: torch.cuda.Stream, generators: Sequence[torch.Generator]
) -> Iterator[None]:
    """Stream capture of what is launched within. However that ends, nothing is being captured afterwards."""
    device = stream.device
    sources = [*generators, torch.cuda.default_generators[device.index]]
    states = [each.clone_state() for each in sources]
    for generator in generators:
        graph.register_generator_state(generator)
    pool = torch.cuda.graph_pool_handle()
    with torch.inference_mode(False), torch.no_grad(), torch.cuda.device(device), torch.cuda.stream(stream):
        graph.capture_begin(pool=pool, capture_error_mode='thread_local')
        try:
            yield
        except BaseException:
            with suppress(RuntimeError), warnings.catch_warnings():  # what is on its way says more
                warnings.simplefilter('ignore')
                _end(graph, pool, device, dict(zip(sources, states, strict=True)))
            raise
        _end(graph, pool, device, dict(zip(sources, states, strict=True)))


def _end(graph: torch.cuda.CUDAGraph, pool: Any, device: torch.device, states: Mapping[Any, torch.Generator]) -> None:
    """Ends a capture. If something has made CUDA itself give it up, cleans up what PyTorch leaves behind then.

    PyTorch's allocator and generators are left as they are during a capture, and may look at the graph again: the pool
    is closed, the generators get back the states they had, and the graph is never deleted.
    """
    try:
        graph.capture_end()
    except RuntimeError:
        torch._C._cuda_endAllocateToPool(device.index, pool)
        for generator, state in states.items():
            generator.graphsafe_set_state(state)
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(graph))
        raise


def blamed(error: BaseException) -> str:
    """The innermost line that an error went through, leaving PyTorch's own and this folder's out."""
    frames = [(frame.f_code.co_filename, number) for frame, number in traceback.walk_tb(error.__traceback__)]
    return _line(frames[::-1])


def current_line() -> str:
    """The innermost line being run, leaving PyTorch's own and this folder's out."""
    return _line([(frame.f_code.co_filename, number) for frame, number in traceback.walk_stack(sys._getframe())])


def _line(places: Sequence[tuple[str, int]]) -> str:
    """The first of some places in the code that is worth looking at, and what it says there."""
    name, number = next((place for place in places if not place[0].startswith(PASSED_OVER)), places[0])
    return f'{name}, line {number}: {linecache.getline(name, number).strip()}'
