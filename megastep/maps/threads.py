"""A thread pool's map with a progress bar: for compiled code, which lets other threads run."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from tqdm.auto import tqdm

Item = TypeVar('Item')
Result = TypeVar('Result')


def mapped(
    function: Callable[[Item], Result], items: Iterable[Item], count: int, *, name: str, workers: int, progress: bool
) -> list[Result]:
    """Calls a function on each map on several threads.

    Args:
        function: What is called.
        items: What it is called on, one for each map.
        count: How many there are.
        name: What the bar says is being made.
        workers: How many threads to use.
        progress: Show a bar.

    Returns:
        The results, in the order of the items.
    """
    if min(workers, count) == 1:  # to start a thread takes as long as the shortest paths of a small map
        return list(tqdm(map(function, items), name, count, unit='maps', disable=not progress))
    with ThreadPoolExecutor(workers) as pool:
        return list(tqdm(pool.map(function, items), name, count, unit='maps', disable=not progress))
