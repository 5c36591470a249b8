"""Tensors in nested dictionaries, tuples and lists, and how to copy them."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.utils._pytree import tree_flatten, tree_map_only, tree_unflatten

SMALL = 1 << 20
"""Tensors of up to so many bytes are packed together: starting to copy one takes longer than copying it."""


def copied(outputs: Any) -> Any:
    """Copies tensors in nested dictionaries, tuples and lists."""
    return tree_map_only(Tensor, Tensor.clone, outputs)


class Outputs:
    """Tensors in nested dictionaries, tuples and lists, the small ones packed together so that one copy copies them.

    Making it packs them; made while a CUDA graph is captured, it packs them anew in every replay.

    Args:
        outputs: The tensors.
    """

    def __init__(self, outputs: Any) -> None:
        self._leaves, self._form = tree_flatten(outputs)
        small = [i for i, leaf in enumerate(self._leaves) if isinstance(leaf, Tensor) and 0 < leaf.nbytes <= SMALL]
        small.sort(key=lambda i: -self._leaves[i].itemsize)  # so each starts at a multiple of its item's size
        self._small = [(i, self._leaves[i].dtype, self._leaves[i].shape) for i in small]
        self._large = [i for i, leaf in enumerate(self._leaves) if isinstance(leaf, Tensor) and i not in small]
        self._sizes = [self._leaves[i].nbytes for i in small]
        self._pack = (
            torch.cat([self._leaves[i].reshape(-1).contiguous().view(torch.uint8) for i in small]) if small else None
        )

    def copied(self) -> Any:
        """Returns them as new tensors. The small ones share memory, but don't overlap."""
        leaves = list(self._leaves)
        if self._pack is not None:
            parts = self._pack.clone().split(self._sizes)
            for part, (i, dtype, shape) in zip(parts, self._small, strict=True):
                leaves[i] = part.view(dtype).view(shape)
        for i in self._large:
            leaves[i] = leaves[i].clone()
        return tree_unflatten(leaves, self._form)

    def overwritten(self) -> Any:
        """Returns the tensors themselves, in new containers."""
        return tree_unflatten(
            [leaf.detach() if isinstance(leaf, Tensor) else leaf for leaf in self._leaves], self._form
        )
