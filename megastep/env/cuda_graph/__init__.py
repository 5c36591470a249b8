"""CUDA graphs of functions: what takes a hundred launches is captured once and then replayed in one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from megastep.env.cuda_graph.attributes import Assigned, Places, places
from megastep.env.cuda_graph.capturing import CaptureError, Source, Watch, blamed, capturing, prepare
from megastep.env.cuda_graph.outputs import Outputs, flattened, own
from megastep.env.nested import copied

REWRITE = 'Rewrite it as masked writes (torch.where, masked_fill_), whose shapes and branches depend on no value'
WRITE_IN_PLACE = 'Write what is kept from call to call in place (copy_, masked_fill_, torch.where with out=)'


class CudaGraph:
    """CUDA graph of a function of tensors.

    The first calls run the function as it is, so that kernels are compiled and what is made on first use is made. The
    next captures it, which executes nothing, and replays it; all others replay. So Python runs in the first calls
    alone, and a tensor that the function reads must be written in place.

    All of it happens on one stream, for which the caller's waits: a backward pass runs on the streams that it ran on
    when it first did, so these must be the one that is captured.

    A graph writes what it returns into the same memory every time. So copies can be left out if there are several,
    captured one after another: a call replays one whose outputs nobody holds any more and hands them out as they are,
    as long as there is another such for the next call, and copies them otherwise.

    Args:
        function: What is run. It returns tensors, in nested dictionaries, tuples and lists if there are several.
        examples: Tensors like those the function will be called with.
        generators: The sources of the function's randomness, apart from PyTorch's own generator.
        stream: Where the function is run.
        name: What errors call the function.
        remedy: What errors offer to those who can't change the function.
        copy: Whether what a call returns stays as it is. If not, the next call overwrites it.
        graphs: How many graphs there are, if it stays. One who drops what a call has returned once there is what the
            next has returned needs three for no copy to be made.
        owner: The object whose attributes the function assigns, and a replay too.
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
        graphs: int = 1,
        owner: object = None,
        gradients: bool = False,
        eager: int = 1,
    ) -> None:
        self._function, self._generators, self._copy = function, generators, copy
        self._stream, self._gradients, self._eager = stream, gradients, eager
        self._name, self._remedy, self._owner = name, remedy, owner
        self._inputs = [torch.zeros_like(example) for example in examples]
        self._count, self._captures = graphs if copy else 1, list[Capture]()
        self._sources: list[Source] = []
        self._read: list[Any] = []  # their storages alone: fifty of them are looked at in every call

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
        if len(values) > 1:
            torch._foreach_copy_(self._inputs, values)  # in one launch, if they are of the same types
        elif values:
            self._inputs[0].copy_(values[0])
        if not self._captures:
            self._capture_all()
        if any(map(torch.UntypedStorage._expired, self._read)):
            self._refuse_replaced()
        return handed_out(self._captures, copy=self._copy)

    def _eagerly(self, *values: Tensor) -> Any:
        caller = torch.cuda.current_stream(self._stream.device)
        self._stream.wait_stream(caller)
        with torch.cuda.stream(self._stream), torch.set_grad_enabled(self._gradients):
            outputs = self._function(*values)
        caller.wait_stream(self._stream)
        return copied(outputs) if self._copy else outputs

    def _capture_all(self) -> None:
        """Captures the function as often as there are to be graphs, at once, while all that it branches on is alike."""
        captures, known = list[Capture](), dict[int, Source]()
        prepare(self._stream.device)
        for number in range(self._count):
            capture, sources = self._captured()
            made = [source for place, source in sources.items() if number and place not in known]
            known |= sources
            if lost := [source for source in known.values() if source.storage.expired()] + made:
                raise self._replaced(lost[0])
            captures.append(capture)
        # A capture begins by writing the generators' seeds and offsets on its own stream, as every replay does on its.
        torch.cuda.current_stream(self._stream.device).wait_stream(self._stream)
        self._captures, self._sources = captures, list(known.values())
        self._read = [source.storage.cdata for source in self._sources]

    def _captured(self) -> tuple[Capture, dict[int, Source]]:
        """Captures the function, and says what it reads."""
        graph, watch, before = torch.cuda.CUDAGraph(), Watch(self._stream.device), self._places()
        try:
            with capturing(graph, self._stream, self._generators), torch.set_grad_enabled(self._gradients), watch:
                leaves, spec = flattened(self._function, *self._inputs)
                leaves = own(leaves) if self._count > 1 else leaves
        except torch.cuda.OutOfMemoryError:
            raise
        except RuntimeError as error:
            raise self._error(str(error).split('\n')[0], blamed(error), REWRITE) from error
        return Capture(graph, Outputs(leaves, spec), Assigned(before, self._places())), watch.sources

    def _places(self) -> Places:
        return places(self._owner, self)

    def _refuse_replaced(self) -> None:
        """Raises as memory that the graph reads has been freed."""
        self._captures = []
        raise self._replaced(next(source for source in self._sources if source.storage.expired()))

    def _replaced(self, source: Source) -> CaptureError:
        cause = 'it reads a tensor in whose place there is now another one, which a graph would never see'
        return self._error(cause, source.line, WRITE_IN_PLACE)

    def _error(self, cause: str, line: str, advice: str) -> CaptureError:
        return CaptureError.explained(self._name, cause, line, f'{advice}; or {self._remedy}')


class Capture(NamedTuple):
    """A graph that has been captured, what it returns, and what it assigns."""

    graph: torch.cuda.CUDAGraph
    outputs: Outputs
    assigned: Assigned

    def replayed(self) -> Outputs:
        """Replays it, and returns its outputs."""
        self.graph.replay()
        self.assigned.restore()
        return self.outputs


def handed_out(captures: list[Capture], *, copy: bool) -> Any:
    """Replays one of several captures of a function, and returns its outputs, in new containers.

    With copies, one whose outputs nobody holds is replayed, and what it returns is lent as long as there is another
    such for the next call: so there always is one. The last is copied.

    Args:
        captures: The captures, in the order in which they are looked at: what was lent last, and is held most likely,
            becomes the last.
        copy: Whether what was returned before has to stay as it is, as long as somebody holds it.
    """
    if not copy:
        return captures[0].replayed().lent()
    free = (number for number, capture in enumerate(captures) if not capture.outputs.are_held)
    number, spare = next(free), next(free, None)
    outputs = captures[number].replayed()
    if spare is None:
        return outputs.copied()
    captures[number], captures[-1] = captures[-1], captures[number]
    return outputs.lent()
