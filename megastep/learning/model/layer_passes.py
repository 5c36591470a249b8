"""Passes through layers: rectifiers backward, heads forward and backward, in PyTorch here.

The twin, in one kernel each, is `megastep.triton.network.layers`.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor


def rectified_back(
    grads: Float[Tensor, 'row width'], outputs: Float[Tensor, 'row width']
) -> tuple[Float[Tensor, 'row width'], Float[Tensor, ' width']]:
    """The backward pass of a rectifier (ReLU) behind a bias.

    Args:
        grads: The loss's gradients by the rectifier's outputs.
        outputs: Its outputs.

    Returns:
        The gradients by what it was given, and by the bias.
    """
    rectified = grads.where(outputs > 0, 0)
    return rectified, rectified.sum(dim=0)


def sum_of_rows(values: Float[Tensor, 'row width']) -> Float[Tensor, ' width']:
    """The sum over all rows, which is a bias's gradient. On a GPU it is in float32, whatever the values are in."""
    return values.sum(dim=0)


def heads(
    latents: Float[Tensor, 'row width'],
    weight: Float[Tensor, 'output width'],
    bias: Float[Tensor, ' output'],
    outputs: Float[Tensor, 'row output'],
) -> None:
    """A linear layer of all heads, as exact as its weights are, however latents are rounded.

    Args:
        latents: What it is given.
        weight: The heads' weights.
        bias: The heads' biases.
        outputs: Written: theirs.
    """
    torch.addmm(bias, latents.to(weight.dtype), weight.t(), out=outputs)


def heads_back(
    output_grads: Float[Tensor, 'row output'],
    latents: Float[Tensor, 'row width'],
    weight: Float[Tensor, 'output width'],
) -> tuple[Float[Tensor, 'row width'], Float[Tensor, ' width']]:
    """The backward pass of the heads, and of the rectifier and the bias before them.

    Args:
        output_grads: The loss's gradients by the heads' outputs.
        latents: The rectifier's outputs.
        weight: The heads' weights.

    Returns:
        The gradients by what the rectifier was given, and by the bias.
    """
    grads = (output_grads @ weight).where(latents > 0, 0)
    return grads.to(latents.dtype), grads.sum(dim=0)
