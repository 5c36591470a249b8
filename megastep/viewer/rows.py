"""Rows of some envs among those of all: how they are indexed, and how those of one step are written together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor


def native(tensor: Tensor) -> Any:
    """A tensor as what copies rows soonest: on a CPU an array, of the same memory."""
    return tensor.numpy() if tensor.device.type == 'cpu' else tensor


def index(numbers: Sequence[int], device: torch.device) -> Any:
    """An index of rows of what `native` returns: a slice if they are neighbours, which copies nothing."""
    first, last = numbers[0], numbers[-1]
    if list(numbers) == list(range(first, last + 1)):
        return slice(first, last + 1)
    return native(torch.tensor(numbers, device=device))


class Rows:
    """Rows of tensors that are written in place. Those of neighbours are looked up once and for all.

    Args:
        tensors: The tensors, by name.
        rows: What `index` returned.
    """

    def __init__(self, tensors: Mapping[str, Tensor], rows: Any) -> None:
        sources = {name: native(tensor) for name, tensor in tensors.items()}
        self._rows = None if isinstance(rows, slice) else rows
        self._sources = sources if self._rows is not None else {name: each[rows] for name, each in sources.items()}

    def __call__(self) -> dict[str, Any]:
        """The rows as they are now, by name."""
        if self._rows is None:
            return self._sources
        return {name: source[self._rows] for name, source in self._sources.items()}


def write(buffers: Mapping[str, Any], place: int, values: Mapping[str, Any]) -> None:
    """Writes values into a row of their buffers. On a GPU those of one type are written by one kernel.

    Args:
        buffers: What `native` returned, by name.
        place: The row's number.
        values: What is to stand there, by the same names.
    """
    kinds: dict[Any, tuple[list[Tensor], list[Tensor]]] = {}
    for name, value in values.items():
        if not isinstance(value, Tensor):
            buffers[name][place] = value
            continue
        target = buffers[name][place]
        targets, sources = kinds.setdefault((target.dtype, value.dtype), ([], []))
        targets.append(target)
        sources.append(value)
    for targets, sources in kinds.values():
        torch._foreach_copy_(targets, sources)
