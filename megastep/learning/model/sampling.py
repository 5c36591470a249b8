"""Samples of categorical distributions: in PyTorch here, in one kernel in `megastep.triton.network.sampling`."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor


def sampled(
    logits: Float[Tensor, '*batch logit'], noise: Float[Tensor, '*batch logit'], counts: Sequence[int]
) -> Int[Tensor, '*batch part']:
    """Draws integers, independent of each other.

    Args:
        logits: Those of one integer's values, then those of the next.
        noise: As many numbers, drawn from the exponential distribution: minus their logarithm has Gumbel's.
        counts: How many values each integer has.
    """
    return likeliest(logits - noise.log(), counts)


def likeliest(logits: Float[Tensor, '*batch logit'], counts: Sequence[int]) -> Int[Tensor, '*batch part']:
    """Each integer's likeliest value."""
    parts = [part.argmax(dim=-1, keepdim=True) for part in logits.split(list(counts), dim=-1)]
    return parts[0] if len(parts) == 1 else torch.cat(parts, dim=-1)
