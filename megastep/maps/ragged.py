"""Ragged arrays: rows of unequal length, packed end to end."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Generic, Protocol, TypeVar

import numpy as np
from jaxtyping import Int


class Values(Protocol):
    """An array of NumPy's or another library's, tensors on any device among them."""

    def __len__(self) -> int: ...
    def __getitem__(self, index: Any, /) -> Any: ...
    def __sub__(self, other: Any, /) -> Any: ...
    def min(self) -> Any: ...
    def sum(self) -> Any: ...
    def cumsum(self, axis: int, /) -> Any: ...


Array = TypeVar('Array', bound=Values)


@dataclass(frozen=True, eq=False)
class Ragged(Generic[Array]):
    """Row ``i`` is ``vals[starts[i]:starts[i] + widths[i]]``; NumPy arrays on the CPU, tensors on any device.

    >>> Ragged(np.arange(6), np.array([3, 1, 2]))[2]
    array([4, 5])

    Args:
        vals: The rows' values, one row after another: (val, ...).
        widths: How many values each row has: (row,) int32.

    Raises:
        ValueError: if the widths are negative, or don't sum to the number of values.
    """

    vals: Array
    widths: Array

    def __post_init__(self) -> None:
        if len(self.widths) and int(self.widths.min()) < 0:
            raise ValueError(f'widths must be at least 0, got {int(self.widths.min())}.')
        if (total := int(self.widths.sum())) != len(self.vals):
            raise ValueError(f'widths sum to {total}, but there are {len(self.vals)} vals.')

    @cached_property
    def starts(self) -> Array:
        """Each row's first place in ``vals``: (row,) int64, so that more than 2^31 values can be told apart."""
        return self.widths.cumsum(0) - self.widths

    def __len__(self) -> int:
        return len(self.widths)

    def __repr__(self) -> str:
        return f'Ragged({len(self)} rows, {len(self.vals)} vals)'

    def __getitem__(self, i: int) -> Array:
        if not -len(self) <= i < len(self):
            raise IndexError(f'row must be from {-len(self)} to {len(self) - 1}, got {i}.')
        start = int(self.starts[i])
        return self.vals[start : start + int(self.widths[i])]

    def rows(self, indices: Int[np.ndarray, ' picked']) -> Ragged[np.ndarray]:
        """Copies some rows of a ragged NumPy array, in the order of ``indices``.

        Raises:
            TypeError: if the ragged holds tensors.
        """
        if not isinstance(self.vals, np.ndarray) or not isinstance(self.widths, np.ndarray):
            raise TypeError(f'rows picks from NumPy arrays, but vals is a {type(self.vals).__name__}.')
        widths = self.widths[indices]
        shifts = self.starts[indices] - (widths.cumsum() - widths)
        return Ragged(self.vals[np.repeat(shifts, widths) + np.arange(widths.sum())], widths)
