"""CUDA graphs of functions: what takes a hundred launches is captured once and then replayed in one."""

from __future__ import annotations

import ctypes
import gc
import linecache
import os
import sys
import traceback
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.multiprocessing.reductions import StorageWeakRef
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_iter

from megastep.env.nested import PackedTensors, copied

PASSED_OVER = (str(Path(torch.__file__).parent) + os.sep, __file__)
"""The files whose lines are never the ones to change."""

REWRITE = 'Rewrite it as masked writes (torch.where, masked_fill_), whose shapes and branches depend on no value'
WRITE_IN_PLACE = 'Write what is kept from call to call in place (copy_, masked_fill_, torch.where with out=)'


class CaptureError(RuntimeError):
    """Error of a function that does what a CUDA graph can't repeat."""


class CudaGraph:
    """CUDA graph of a function of tensors.

    The first calls run the function as it is, so that kernels are compiled and what is made on first use is made. The
    next captures it, which executes nothing, and replays it; all others replay. So Python runs in the first calls
    alone, and a tensor that the function reads must be written in place.

    All of it happens on one stream, for which the caller's waits: a backward pass runs on the streams that it ran on
    when it first did, so these must be the one that is captured.

    Args:
        function: What is run. It returns tensors, in nested dictionaries, tuples and lists if there are several.
        examples: Tensors like those the function will be called with.
        generators: The sources of the function's randomness, apart from PyTorch's own generator.
        stream: Where the function is run.
        name: What errors call the function.
        remedy: What errors offer to those who can't change the function.
        copy: Whether a call returns new tensors. If not, the next call overwrites them.
        gradients: Whether the function works out gradients.
        eager: How many calls run the function as it is.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        examples: Sequence[Tensor],
        generators: Sequence[torch.Generator],
        *,
        stream: torch.cuda.Stream,
        name: str,
        remedy: str,
        copy: bool = True,
        gradients: bool = False,
        eager: int = 1,
    ) -> None:
        self._function, self._generators, self._copy = function, generators, copy
        self._stream, self._gradients, self._eager = stream, gradients, eager
        self._name, self._remedy = name, remedy
        self._inputs = [torch.zeros_like(example) for example in examples]
        self._graph: torch.cuda.CUDAGraph | None = None
        self._sources: list[Source] = []
        self._read: list[Any] = []  # their storages alone: fifty of them are looked at in every call
        self._outputs: PackedTensors | None = None

    def __call__(self, *values: Tensor) -> Any:
        """Calls the function.

        Args:
            values: As many as there are examples, each of its example's shape, on the device.

        Returns:
            What the function returns.

        Raises:
            CaptureError: if the function waits for the GPU, makes a tensor whose shape depends on values, or reads a
                tensor that has been replaced by another; it names the line.
        """
        if self._eager:
            self._eager -= 1
            return self._eagerly(*values)
        for target, value in zip(self._inputs, values, strict=True):
            target.copy_(value)
        if self._graph is None:
            self._capture()
        if any(map(torch.UntypedStorage._expired, self._read)):
            self._refuse_replaced()
        self._graph.replay()  # type: ignore[union-attr]  # there is one by now, and outputs
        return self._outputs.copied() if self._copy else self._outputs.overwritten()  # type: ignore[union-attr]

    def _eagerly(self, *values: Tensor) -> Any:
        caller = torch.cuda.current_stream(self._stream.device)
        self._stream.wait_stream(caller)
        with torch.cuda.stream(self._stream):
            outputs = self._function(*values)
        caller.wait_stream(self._stream)
        return copied(outputs) if self._copy else outputs

    def _capture(self) -> None:
        graph, watch = torch.cuda.CUDAGraph(), Watch(self._stream.device)
        try:
            with capturing(graph, self._stream, self._generators), torch.set_grad_enabled(self._gradients), watch:
                outputs = PackedTensors(self._function(*self._inputs))
        except torch.cuda.OutOfMemoryError:
            raise
        except RuntimeError as error:
            raise self._error(str(error).split('\n')[0], blamed(error), REWRITE) from error
        # A capture begins by writing the generators' seeds and offsets on its own stream, as every replay does on its.
        torch.cuda.current_stream(self._stream.device).wait_stream(self._stream)
        self._graph, self._sources, self._outputs = graph, list(watch.sources.values()), outputs
        self._read = [source.storage.cdata for source in self._sources]

    def _refuse_replaced(self) -> None:
        """Raises as memory that the graph reads has been freed."""
        for source in self._sources:
            if source.storage.expired():
                self._graph = self._outputs = None
                cause = 'it reads a tensor in whose place there is now another one, which a graph would never see'
                raise self._error(cause, source.line, WRITE_IN_PLACE)

    def _error(self, cause: str, line: str, advice: str) -> CaptureError:
        return CaptureError(
            f"{self._name} can't run from a CUDA graph: {cause}.\n  {line}\n{advice}; or {self._remedy}."
        )


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

    def __torch_dispatch__(self, operator, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if cause := obstacle(operator, args, kwargs):
            raise CaptureError(cause)
        for storage in self._storages((args, kwargs)):
            if storage._cdata not in self._made and storage._cdata not in self.sources:
                self.sources[storage._cdata] = Source(StorageWeakRef(storage), current_line())
        result = operator(*args, **kwargs)
        self._made.update(storage._cdata for storage in self._storages(result) if storage._cdata not in self.sources)
        return result

    def _storages(self, nested: Any) -> Iterator[torch.UntypedStorage]:
        for leaf in tree_iter(nested):
            if isinstance(leaf, Tensor) and leaf.device == self._device:
                yield leaf.untyped_storage()


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
    torch.cuda.synchronize(device)
    gc.collect()  # what is freed during a capture may spoil it
    torch.cuda.empty_cache()  # as nothing can be freed then, should memory run out
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
    """The innermost line that an error went through, leaving PyTorch's own and this module's out."""
    frames = [(frame.f_code.co_filename, number) for frame, number in traceback.walk_tb(error.__traceback__)]
    return _line(frames[::-1])


def current_line() -> str:
    """The innermost line being run, leaving PyTorch's own and this module's out."""
    return _line([(frame.f_code.co_filename, number) for frame, number in traceback.walk_stack(sys._getframe())])


def _line(places: Sequence[tuple[str, int]]) -> str:
    """The first of some places in the code that is worth looking at, and what it says there."""
    name, number = next((place for place in places if not place[0].startswith(PASSED_OVER)), places[0])
    return f'{name}, line {number}: {linecache.getline(name, number).strip()}'
