"""Layers of a network with gradients worked out by hand: linear ones with a rectifier behind them, and heads.

On a GPU they are multiplied in bfloat16, and what is beside the matrix products is done within these or in one kernel.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import ModuleType
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

ALIGNED = 8
"""Matrix units are slow at rows whose length isn't a multiple of this many numbers."""

WORD = 16
"""How many bytes a GPU moves at once, at most."""


def kernels_for(tensor: Tensor) -> ModuleType:
    """The module that passes through layers: a kernel's on a GPU. Imported on use, so a CPU needs no Triton."""
    if tensor.is_cuda:
        from megastep.triton.network import layers as kernels
    else:
        from megastep.learning.model import layer_passes as kernels  # type: ignore[no-redef]
    return kernels


def compute_dtype(weight: Tensor) -> torch.dtype:
    """The type that a weight is multiplied in: bfloat16 on a GPU, else its own."""
    return torch.bfloat16 if weight.is_cuda else weight.dtype


def aligned(size: int, device: torch.device) -> int:
    """The length of rows on a device that has room for so many numbers: on a GPU a multiple of `ALIGNED`."""
    return -(-size // ALIGNED) * ALIGNED if device.type == 'cuda' else size


def padded(vectors: Float[Tensor, '*batch size'], length: int) -> Float[Tensor, '*batch length']:
    """Vectors made so long, by zeros."""
    missing = length - vectors.shape[-1]
    return functional.pad(vectors, (0, missing)) if missing else vectors


def copy_rows(source: Float[Tensor, 'row size'], target: Float[Tensor, 'row size']) -> None:
    """Copies contiguous rows to where they are further apart: on a GPU by sixteen bytes, not number by number."""
    if source.is_cuda and not any(each.stride(0) * each.element_size() % WORD for each in (source, target)):
        source, target = source.view(torch.complex128), target.view(torch.complex128)
    target.copy_(source)


def linear_layers(module: nn.Module) -> list[nn.Linear]:
    """The linear layers in a module, from the first to the last."""
    return [layer for layer in module.modules() if isinstance(layer, nn.Linear)]


def product(one: Tensor, other: Tensor, dtype: torch.dtype) -> Tensor:
    """A matrix product in a type that isn't rounded to another's first."""
    if one.is_cuda and one.dtype != dtype:
        return torch.mm(one, other, out_dtype=dtype)
    return (one @ other).to(dtype)


def rectified(inputs: Float[Tensor, 'row in'], weight: Tensor, bias: Tensor) -> Float[Tensor, 'row out']:
    """A linear layer and a rectifier behind it, in one matrix product. It has no gradients."""
    return torch._addmm_activation(bias, inputs, weight.t())


def rectified_linear(inputs: Float[Tensor, '*batch in'], layer: nn.Linear) -> Float[Tensor, '*batch out']:
    """A linear layer and a rectifier (ReLU) behind it.

    Args:
        inputs: What it is given, in the type that products are in; rows may be longer than the layer's, by zeros.
        layer: The layer.
    """
    return _RectifiedLinear.apply(inputs.flatten(0, -2), layer.weight, layer.bias).unflatten(0, inputs.shape[:-1])


class _RectifiedLinear(torch.autograd.Function):
    """A linear layer and a rectifier."""

    @staticmethod
    def forward(ctx: Any, inputs: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        cast = padded(weight.to(inputs.dtype), inputs.shape[-1])
        outputs = rectified(inputs, cast, bias.to(inputs.dtype))
        ctx.save_for_backward(inputs, weight, cast, outputs)
        return outputs

    @staticmethod
    def backward(ctx: Any, grads: Tensor) -> tuple[Tensor | None, ...]:
        inputs, weight, cast, outputs = ctx.saved_tensors
        grads, bias_grads = kernels_for(grads).rectified_back(grads.contiguous(), outputs)
        weight_grads = product(grads.t(), inputs, weight.dtype)[:, : weight.shape[1]]
        return grads @ cast if ctx.needs_input_grad[0] else None, weight_grads, bias_grads.to(weight.dtype)


def rectified_heads(
    inputs: Float[Tensor, '*batch in'], layer: nn.Linear, heads: Sequence[nn.Linear]
) -> tuple[Float[Tensor, '*batch out'], ...]:
    """A linear layer, a rectifier behind it, and some heads that look at it: linear layers, exact in float32.

    Args:
        inputs: What it is given, in the type that products are in.
        layer: The layer.
        heads: Those behind it.
    """
    weight, bias = joined(heads)
    outputs = _RectifiedHeads.apply(inputs.flatten(0, -2), layer.weight, layer.bias, weight, bias)
    return outputs.unflatten(0, inputs.shape[:-1]).split([head.out_features for head in heads], dim=-1)


def joined(layers: Sequence[nn.Linear]) -> tuple[Float[Tensor, 'out in'], Float[Tensor, ' out']]:
    """The weights and biases of layers as if they were one."""
    return torch.cat([layer.weight for layer in layers]), torch.cat([layer.bias for layer in layers])


class _RectifiedHeads(torch.autograd.Function):
    """A linear layer, a rectifier, and another linear layer, exact in its weights' type."""

    @staticmethod
    def forward(
        ctx: Any, inputs: Tensor, weight: Tensor, bias: Tensor, head_weight: Tensor, head_bias: Tensor
    ) -> Tensor:
        cast = weight.to(inputs.dtype)
        latents = rectified(inputs, cast, bias.to(inputs.dtype))
        ctx.save_for_backward(inputs, cast, latents, head_weight)
        outputs = latents.new_empty((len(latents), len(head_weight)), dtype=head_weight.dtype)
        kernels_for(inputs).heads(latents, head_weight, head_bias, outputs)
        return outputs

    @staticmethod
    def backward(ctx: Any, output_grads: Tensor) -> tuple[Tensor | None, ...]:
        inputs, cast, latents, head_weight = ctx.saved_tensors
        output_grads, dtype = output_grads.contiguous(), head_weight.dtype
        grads, bias_grads = kernels_for(inputs).heads_back(output_grads, latents, head_weight)
        weight_grads = product(grads.t(), inputs, dtype)
        wide = padded(output_grads.to(latents.dtype), aligned(len(head_weight), inputs.device))
        head_weight_grads = product(wide.t(), latents, dtype)[: len(head_weight)]
        return grads @ cast, weight_grads, bias_grads.to(dtype), head_weight_grads, output_grads.sum(dim=0)
