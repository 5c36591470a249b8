"""Parallel map: calls of a function on many items, in other processes."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from itertools import islice
from multiprocessing import get_context, parent_process
from typing import TypeVar

Item = TypeVar('Item')
Result = TypeVar('Result')

PROCESS_DIED = (
    'a process of the pool ended in the middle of its work. Each imports the script that started it, so what a script '
    "does must stand under `if __name__ == '__main__':`. Otherwise something has killed it, as when memory runs out."
)


def completed(
    executor: Executor, function: Callable[[Item], Result], items: Iterable[Item], *, most: int
) -> Iterator[Result]:
    """A parallel map that yields the results as they come, in any order, with a bound on calls in flight.

    Args:
        executor: What makes the calls.
        function: What is called.
        items: What it is called on.
        most: The greatest number of calls under way at once. When this ends early, those that haven't begun are
            cancelled.

    Raises:
        RuntimeError: if a process ends.
        Exception: the first that a call raises.
    """
    waiting, running = iter(items), set[Future[Result]]()
    try:
        running |= {executor.submit(function, item) for item in islice(waiting, most)}
        while running:
            done, running = wait(running, return_when=FIRST_COMPLETED)
            results = [future.result() for future in done]
            running |= {executor.submit(function, item) for item in islice(waiting, len(done))}
            yield from results
    except BrokenProcessPool as error:
        raise RuntimeError(PROCESS_DIED) from error
    finally:
        for future in running:
            future.cancel()


def processes(count: int) -> Executor:
    """A process pool whose processes leave Ctrl-C to the process which made them, and end when it does.

    Args:
        count: The number of processes.
    """
    return ProcessPoolExecutor(count, get_context('spawn'), initializer=_begin)


def _begin() -> None:
    """Begins a pool's process."""
    # A pool whose processes die of Ctrl-C never lets the caller end.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Nobody tells a pool's processes that the one they work for was killed: they would wait for ever.
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
