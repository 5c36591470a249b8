"""Visibility bitmaps: which texels have been seen. The renderer marks them where its rays end."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Int32
from torch import Tensor

from megastep.world.core import Core

BITS = 32
"""The texels that a word of a bitmap stands for."""


@dataclass(frozen=True, eq=False)
class SeenTexels:
    """Visibility bitmaps of each env's map, a bit for each texel, set when a ray of any of its cameras ends there.

    Args:
        bits: Bit k % 32 of word k // 32 is for texel k. Every row is as long as the map of most texels needs.
        found: How many bits have been set since this was last 0: each texel counts once, however many rays end there.
    """

    bits: Int32[Tensor, 'env word']
    found: Int32[Tensor, ' env']

    @classmethod
    def none(cls, core: Core) -> SeenTexels:
        """Bitmaps in which nothing has been seen yet."""
        shape = (core.num_envs, -(-core.scenery.most_texels // BITS))
        return cls(*(torch.zeros(size, dtype=torch.int32, device=core.device) for size in (shape, shape[:1])))


def unpacked(bits: Int32[Tensor, 'env word']) -> Bool[Tensor, 'env texel']:
    """Returns a bitmap's bits, one after another: which texels have been seen. There are more than the map has."""
    numbers = torch.arange(BITS, dtype=torch.int32, device=bits.device)
    return ((bits[..., None] >> numbers) & 1).flatten(1).bool()


def check_seen(seen: SeenTexels, core: Core) -> None:
    """Refuses bitmaps that aren't these envs'.

    Raises:
        ValueError: if a tensor isn't a contiguous int32 one of the right shape on the envs' device.
    """
    for name, shape in (('bits', (core.num_envs, -(-core.scenery.most_texels // BITS))), ('found', (core.num_envs,))):
        values = getattr(seen, name)
        expected = values.dtype == torch.int32 and values.shape == shape and values.is_contiguous()
        if not expected or values.device != core.device:
            raise ValueError(
                f'seen.{name} must be contiguous torch.int32 of shape {shape} on {core.device}, '
                f'got {values.dtype} of {tuple(values.shape)} on {values.device}.'
            )
