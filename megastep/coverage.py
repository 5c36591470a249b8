"""What agents have seen of their map, texel by texel. Checks its arguments, then hands on to the device's kernels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from jaxtyping import Bool, Int32
from torch import Tensor

from megastep.backend import implementation

if TYPE_CHECKING:
    from megastep.core import Core
    from megastep.rendering import View

BITS = 32
"""How many texels a word of a bitmap stands for."""


def bitmap(core: Core) -> Int32[Tensor, 'env word']:
    """Returns a bit for each texel of each env's map, all 0: bit k % 32 of word k // 32 is for texel k.

    Fill an env's row with 0 to forget what was seen there. Every row is as long as the map of most texels needs.
    """
    return torch.zeros((core.num_envs, _words(core)), dtype=torch.int32, device=core.device)


def mark(
    core: Core, view: View, seen: Int32[Tensor, 'env word'], counts: Int32[Tensor, ' env']
) -> Int32[Tensor, ' env']:
    """Marks the texels that a view's rays hit, in place.

    Args:
        core: The envs.
        view: What their agents see, rendered with ``per_ray=True``.
        seen: The texels seen before, and now: see `bitmap`.
        counts: How many those are.

    Returns:
        How many are new: each texel counts once, however many rays hit it.

    Raises:
        ValueError: if the view was rendered without rays, or a tensor isn't a contiguous int32 one of the right shape.
    """
    if view.lines is None or view.locations is None:
        raise ValueError('view must have lines and locations, got none: render it with per_ray=True.')
    _check('seen', seen, (core.num_envs, _words(core)))
    _check('counts', counts, (core.num_envs,))
    found = torch.empty_like(counts)
    implementation(core.device).mark(core, view, seen, counts, found)
    return found


def unpacked(seen: Int32[Tensor, 'env word']) -> Bool[Tensor, 'env texel']:
    """Returns a bitmap's bits, one after another: which texels have been seen. There are more than the map has."""
    bits = torch.arange(BITS, dtype=torch.int32, device=seen.device)
    return ((seen[..., None] >> bits) & 1).flatten(1).bool()


def _check(name: str, values: Tensor, shape: tuple[int, ...]) -> None:
    if values.dtype != torch.int32 or values.shape != shape or not values.is_contiguous():
        raise ValueError(
            f'{name} must be contiguous int32 of shape {shape}, got {values.dtype} of {tuple(values.shape)}.'
        )


def _words(core: Core) -> int:
    return -(-core.scenery.most_texels // BITS)
