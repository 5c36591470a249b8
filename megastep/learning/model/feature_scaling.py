"""Features of numbers, scaled or squashed: in PyTorch here, in one kernel in `megastep.triton.network.features`."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Bool, Float, Shaped
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
    middle: Float[Tensor, ' size'],
    scale: Float[Tensor, ' size'],
    bounded: Bool[Tensor, ' size'],
    values: Sequence[Shaped[Tensor, 'row _']],
    firsts: Sequence[int],
    features: Float[Tensor, 'row size'],
) -> None:
    """Writes what `scaled` makes of numbers.

    Args:
        middle: What is subtracted from the bounded ones, by column.
        scale: What these are multiplied by then.
        bounded: Which are.
        values: The numbers of each part, of any type.
        firsts: The column in which each part begins.
        features: Written; rows may be further apart than they are long.
    """
    for part, first in zip(values, firsts, strict=True):
        columns = slice(first, first + part.shape[1])
        features[:, columns] = scaled(part.float(), middle[columns], scale[columns], bounded[columns])
