"""Timing: how long a call takes."""

from __future__ import annotations

import gc
import math
import statistics
import time
from collections.abc import Callable

import torch


def seconds_a_call(
    call: Callable[[], object], device: torch.device, *, rounds: int = 7, round_seconds: float = 0.5
) -> float:
    """Times a call: the median over several rounds of many calls each, after a warm-up that is left out.

    A GPU is waited for at either end of a round and not within it, so calls queue up as they do in real use.

    Args:
        call: What is timed.
        device: Where it works.
        rounds: How many rounds the median is of.
        round_seconds: About how long a round takes.
    """
    call()
    _round(call, device, 1)
    estimate = _round(call, device, 3)
    calls = max(1, math.ceil(round_seconds / estimate))
    return statistics.median(_round(call, device, calls) for _ in range(rounds))


def _round(call: Callable[[], object], device: torch.device, calls: int) -> float:
    _wait(device)
    start = time.perf_counter()
    for _ in range(calls):
        call()
    _wait(device)
    return (time.perf_counter() - start) / calls


def _wait(device: torch.device) -> None:
    if device.type == 'cuda':
        torch.cuda.synchronize(device)


def captured(call: Callable[[], object], device: torch.device) -> Callable[[], object]:
    """The call as an env makes it: on a GPU replayed from a CUDA graph, which leaves Python out; on a CPU as it is."""
    if device.type != 'cuda':
        return call
    stream = torch.cuda.Stream(device)
    stream.wait_stream(torch.cuda.current_stream(device))  # what the call reads may still be being written
    with torch.cuda.stream(stream):
        for _ in range(3):
            call()
    torch.cuda.synchronize(device)
    release()  # what an earlier measurement left, were it deleted during the capture, would spoil that
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph, stream=stream):
        call()
    return graph.replay


def release() -> None:
    """Gives back the memory that earlier measurements held: an env that runs from a CUDA graph is in a cycle."""
    gc.collect()
    torch.cuda.empty_cache()
