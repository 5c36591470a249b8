"""Features of numbers, scaled or squashed: in PyTorch here, in one kernel in `megastep.triton.network.features`."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from torch import Tensor


def scaled(
    values: Float[Tensor, '*batch size'],
    middle: Float[Tensor, ' size'],
    scale: Float[Tensor, ' size'],
    bounded: Bool[Tensor, ' size'],
) -> Float[Tensor, '*batch size']:
    """Numbers less a middle and times a scale; or sign(x) log(1 + |x|) where they aren't bounded."""
    return torch.where(bounded, (values - middle) * scale, values.sign() * values.abs().log1p())


def write_scaled(
    values: Tensor,
    middle: Float[Tensor, ' size'],
    scale: Float[Tensor, ' size'],
    bounded: Bool[Tensor, ' size'],
    features: Float[Tensor, 'row size'],
) -> None:
    """Writes what `scaled` makes of numbers.

    Args:
        values: The numbers, of any type: (row, size), contiguous.
        middle: What is subtracted from the bounded ones.
        scale: What these are multiplied by then.
        bounded: Which are.
        features: Written; rows may be further apart than they are long.
    """
    features.copy_(scaled(values.float(), middle, scale, bounded))
