"""Batches of a Gymnasium space's elements as tensors: one a row, in dictionaries and tuples as the space has them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import gymnasium
import numpy as np
import torch
from gymnasium.spaces import Box, Dict, Discrete, MultiBinary, MultiDiscrete, Tuple
from jaxtyping import Bool
from torch import Tensor
from torch.utils._pytree import tree_map, tree_map_only


def to_tensors(batch: Any, device: torch.device) -> Any:
    """Arrays as tensors on a device."""
    return tree_map(lambda array: torch.as_tensor(array, device=device), batch)


def to_arrays(batch: Any) -> Any:
    """Tensors as arrays. Waits for the GPU, if they are on one."""
    return tree_map_only(Tensor, lambda tensor: tensor.cpu().numpy(), batch)


def rows(batch: Any, which: Bool[Tensor, ' row'] | int | slice) -> Any:
    """Some rows of a batch, or one. A mask waits for the GPU."""
    return tree_map_only(Tensor, lambda tensor: tensor[which], batch)


def merged(mask: Bool[Tensor, ' row'], batch: Any, other: Any) -> Any:
    """The rows of one batch that are in the mask, and those of another that aren't."""
    return tree_map(lambda a, b: torch.where(mask.view(-1, *[1] * (a.ndim - 1)), a, b), batch, other)


def dtype_of(space: gymnasium.Space) -> torch.dtype:
    """The type of a tensor of a space's elements."""
    return torch.from_numpy(np.empty(0, space.dtype)).dtype


def bounds(space: gymnasium.Space) -> tuple[Any, Any]:
    """The least and the greatest that an element of a space may be, itself included."""
    if isinstance(space, Box):
        return space.low, space.high
    if isinstance(space, Discrete):
        return space.start, space.start + space.n - 1
    if isinstance(space, MultiDiscrete):
        return space.start, space.start + space.nvec - 1
    return 0, 1  # of a MultiBinary


def fault(label: str, batch: Any, space: gymnasium.Space, num_rows: int, device: torch.device) -> str | None:
    """What keeps a batch from being so many elements of a space, in tensors on a device; None if nothing does.

    Args:
        label: What the batch is called.
        batch: The batch.
        space: What each row is to be an element of.
        num_rows: How many rows there are to be.
        device: Where they are to be.
    """
    if isinstance(space, Dict | Tuple):
        parts = dict(space.spaces.items() if isinstance(space, Dict) else enumerate(space.spaces))
        found = _parts(batch, space)
        if found is None or set(found) != set(parts):
            got = type(batch).__name__ if found is None else list(found)
            return f'{label} must have {list(parts)}, got {got}.'
        faults = (fault(f'{label}[{name!r}]', found[name], part, num_rows, device) for name, part in parts.items())
        return next(filter(None, faults), None)
    if not isinstance(space, Box | Discrete | MultiDiscrete | MultiBinary):
        return f'the space of {label} must be one of tensors, got {type(space).__name__}.'
    return _tensor_fault(label, batch, space, num_rows, device)


def _parts(batch: Any, space: gymnasium.Space) -> dict[Any, Any] | None:
    """A container's parts by name or number, None if it isn't of the space's kind."""
    if isinstance(space, Dict):
        return dict(batch) if isinstance(batch, Mapping) else None
    return dict(enumerate(batch)) if isinstance(batch, tuple | list) else None


def _tensor_fault(label: str, batch: Any, space: gymnasium.Space, num_rows: int, device: torch.device) -> str | None:
    if not isinstance(batch, Tensor):
        return f'{label} must be a torch tensor, got {type(batch).__name__}.'
    expected = (dtype_of(space), (num_rows, *(space.shape or ())), device)
    found = (batch.dtype, tuple(batch.shape), batch.device)
    if found != expected:
        texts = ('{} of shape {} on {}'.format(*each) for each in (expected, found))
        return '{} must be {}, got {}.'.format(label, *texts)
    if batch.requires_grad:
        return f'{label} must not require a gradient, but does.'
    low, high = (torch.as_tensor(bound, device=device) for bound in bounds(space))
    outside = ~((batch >= low) & (batch <= high))  # so a NaN is outside
    if outside.any():
        place = tuple(outside.nonzero()[0].tolist())
        least, most = (bound.expand(batch.shape[1:])[place[1:]].item() for bound in (low, high))
        return f'{label} must lie from {least:g} to {most:g}, got {batch[place].item():g} at {place}.'
    return None
