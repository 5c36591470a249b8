"""The tensors that an env's future depends on: copied out, and written back in place."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

Tensors = Mapping[str, Mapping[str, Tensor]]
"""Tensors by name, by what they are part of."""


def taken(tensors: Tensors, row: int | None = None) -> dict[str, dict[str, Tensor]]:
    """Copies tensors, or one row of each."""
    pick = slice(None) if row is None else row
    return {part: {name: value[pick].clone() for name, value in of.items()} for part, of in tensors.items()}


def check(tensors: Tensors, state: Mapping[str, Any], row: int | None = None) -> None:
    """Raises unless a state is one that `taken` could have copied from the same row of tensors like these.

    Raises:
        ValueError: naming the tensor that is missing, unknown, or of another shape or type.
    """
    _check_names('state', tensors, state)
    for part, of in tensors.items():
        _check_names(f'state[{part!r}]', of, state[part])
        for name, value in of.items():
            target, given, label = value if row is None else value[row], state[part][name], f'state[{part!r}][{name!r}]'
            if not isinstance(given, Tensor):
                raise ValueError(f'{label} must be a tensor, got {type(given).__name__}.')  # noqa: TRY004
            if (given.dtype, given.shape) != (target.dtype, target.shape):
                raise ValueError(
                    f'{label} must be {target.dtype} of shape {tuple(target.shape)}, '
                    f'got {given.dtype} of {tuple(given.shape)}.'
                )


def write_back(tensors: Tensors, state: Mapping[str, Any], row: int | None = None) -> None:
    """Writes a state that has been checked into the tensors, or into one row of each."""
    for part, of in tensors.items():
        for name, value in of.items():
            target = value if row is None else value[row : row + 1]
            given = state[part][name]
            target.copy_(given if row is None else given[None])


def check_kept(kept: Mapping[str, Tensor], num_envs: int, device: torch.device) -> None:
    """Raises unless what a task keeps are tensors of its device with a row for each env.

    Raises:
        ValueError: naming the one that isn't.
    """
    for name, value in kept.items():
        if not isinstance(value, Tensor) or value.ndim == 0 or len(value) != num_envs or value.device != device:
            found = f'{value.device} of {tuple(value.shape)}' if isinstance(value, Tensor) else type(value).__name__
            raise ValueError(f'kept[{name!r}] must be a tensor on {device} with {num_envs} rows, got {found}.')


def _check_names(label: str, expected: Mapping[str, Any], given: Any) -> None:
    if not isinstance(given, Mapping) or set(given) != set(expected):
        names = sorted(given) if isinstance(given, Mapping) else type(given).__name__
        raise ValueError(f'{label} must have {sorted(expected)}, got {names}.')
