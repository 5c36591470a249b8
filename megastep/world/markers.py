"""Markers: discs that cameras see, and that physics ignores unless they are solid."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor


@dataclass(frozen=True, eq=False)
class Markers:
    """Markers: discs that cameras see, and that physics ignores unless the core's are solid.

    The tensors are allocated once and written in place. Markers may stand anywhere: in walls, in agents, in each other,
    or outside the map. One whose radius isn't above 0 isn't there.

    Args:
        positions: Where their middles are, in metres.
        radii: In metres.
        colours: Linear RGB from 0 to 1, the same all around.
        visible: Whether each is there.
    """

    positions: Float[Tensor, 'env marker 2']
    radii: Float[Tensor, 'env marker']
    colours: Float[Tensor, 'env marker 3']
    visible: Bool[Tensor, 'env marker']

    @classmethod
    def absent(cls, num_envs: int, num_markers: int, device: torch.device) -> Markers:
        """White markers with a radius of 0.1 m at the origin, none of which is there."""
        shape = (num_envs, num_markers)
        return cls(
            positions=torch.zeros((*shape, 2), device=device),
            radii=torch.full(shape, 0.1, device=device),
            colours=torch.ones((*shape, 3), device=device),
            visible=torch.zeros(shape, dtype=torch.bool, device=device),
        )
