"""Nested tensors, in dictionaries, tuples and lists: copied, compared with a Gymnasium space."""

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

from megastep.world.buffers import tensor_of


def copied(nested: Any) -> Any:
    """Copies nested tensors."""
    return tree_map_only(Tensor, Tensor.clone, nested)


def to_tensors(nested: Any, device: torch.device, label: str = 'values') -> Any:
    """Nested arrays as tensors on a device.

    Raises:
        ValueError: if one can't be made a tensor; it says the label.
    """
    return tree_map(lambda array: tensor_of(label, array, device), nested)


def to_arrays(nested: Any) -> Any:
    """Nested tensors as arrays. Waits for the GPU, if they are on one."""
    return tree_map_only(Tensor, lambda tensor: tensor.cpu().numpy(), nested)


def rows(nested: Any, which: Bool[Tensor, ' row'] | int | slice) -> Any:
    """Some rows of nested tensors, or one. A mask waits for the GPU."""
    return tree_map_only(Tensor, lambda tensor: tensor[which], nested)


def where(mask: Bool[Tensor, ' row'], nested: Any, other: Any) -> Any:
    """`torch.where` of nested tensors' rows: those of one that are in the mask, and those of the other that aren't."""
    return tree_map(lambda a, b: torch.where(mask.view(-1, *[1] * (a.ndim - 1)), a, b), nested, other)


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


def described(space: gymnasium.Space) -> str:
    """A space in few words: each part's name and shape, or what else it is."""
    if isinstance(space, Dict | Tuple):
        inner = {name: (part, described(part)) for name, part in subspaces(space).items()}
        nested = {
            name: f'{{{text}}}' if isinstance(part, Dict | Tuple) else text for name, (part, text) in inner.items()
        }
        return ', '.join(f'{name} {text}' for name, text in nested.items())
    return str(space.shape) if isinstance(space, Box) else str(space)


def mismatch(
    label: str,
    batch: Any,
    space: gymnasium.Space,
    num_rows: int,
    device: torch.device,
    *,
    values: bool = True,
    types: bool = True,
) -> str | None:
    """The sentence that says why a batch isn't so many elements of a space, in tensors on a device; None if it is.

    Args:
        label: What the batch is called.
        batch: The batch.
        space: What each row is to be an element of.
        num_rows: How many rows there are to be.
        device: Where they are to be.
        values: Whether values are looked at, too: that waits for the GPU, if they are on one.
        types: Whether tensors are to be of the space's type.
    """
    if isinstance(space, Dict | Tuple):
        spaces, found = subspaces(space), parts(batch, space)
        if found is None or set(found) != set(spaces):
            got = type(batch).__name__ if found is None else list(found)
            return f'{label} must have {list(spaces)}, got {got}.'
        sentences = (
            mismatch(f'{label}[{name!r}]', found[name], spaces[name], num_rows, device, values=values, types=types)
            for name in spaces
        )
        return next(filter(None, sentences), None)
    if not isinstance(space, Box | Discrete | MultiDiscrete | MultiBinary):
        return f'the space of {label} must be one of tensors, got {type(space).__name__}.'
    kind = dtype_of(space) if types else getattr(batch, 'dtype', None)
    sentence = _kind_mismatch(label, batch, (kind, (num_rows, *(space.shape or ())), device))
    return _value_mismatch(label, batch, space) if values and sentence is None else sentence


def subspaces(space: Dict | Tuple) -> dict[Any, gymnasium.Space]:
    """The spaces within a space, by name or number."""
    return dict(space.spaces.items() if isinstance(space, Dict) else enumerate(space.spaces))


def parts(batch: Any, space: gymnasium.Space) -> dict[Any, Any] | None:
    """A container's parts by name or number, None if it isn't of the space's kind."""
    if isinstance(space, Dict):
        return dict(batch) if isinstance(batch, Mapping) else None
    return dict(enumerate(batch)) if isinstance(batch, tuple | list) else None


def _kind_mismatch(label: str, batch: Any, expected: tuple[Any, ...]) -> str | None:
    """The sentence that says why a batch isn't a tensor of a type, of a shape and on a device; None if it is."""
    if not isinstance(batch, Tensor):
        return f'{label} must be a torch tensor, got {type(batch).__name__}.'
    found = (batch.dtype, tuple(batch.shape), batch.device)
    if found != expected:
        texts = ('{} of shape {} on {}'.format(*each) for each in (expected, found))
        return '{} must be {}, got {}.'.format(label, *texts)
    if batch.requires_grad:
        return f'{label} must not require a gradient, but does.'
    return None


def _value_mismatch(label: str, batch: Tensor, space: gymnasium.Space) -> str | None:
    low, high = (torch.as_tensor(bound, device=batch.device) for bound in bounds(space))
    outside = ~((batch >= low) & (batch <= high))  # so a NaN is outside
    if outside.any():
        place = tuple(outside.nonzero()[0].tolist())
        least, most = (bound.expand(batch.shape[1:])[place[1:]].item() for bound in (low, high))
        return f'{label} must lie from {least:g} to {most:g}, got {batch[place].item():g} at {place}.'
    return None
