"""Coverage: what agents have seen of their map, texel by texel."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import torch
from jaxtyping import Bool, Float, Int32
from torch import Tensor

from megastep.world.kernels import implementation

if TYPE_CHECKING:
    from megastep.world.core import Core
    from megastep.world.rendering import View

BITS = 32
"""The texels that a word of a bitmap stands for."""


class Coverage:
    """Coverage of each env's map by what its agents have seen in the episode, texel by texel.

    Args:
        core: The envs.

    Attributes:
        seen: The texels seen: see `bitmap`.
        counts: How many those are: (env,) int32.
        shares: The share of the texels of each env's map that they are, as of the last observation: (env,).
    """

    def __init__(self, core: Core) -> None:
        self._core, self.seen = core, bitmap(core)
        self.counts = torch.zeros(core.num_envs, dtype=torch.int32, device=core.device)
        self.shares = torch.zeros(core.num_envs, device=core.device)
        self._afresh: Bool[Tensor, ' env'] | None = None

    @property
    def state(self) -> dict[str, Tensor]:
        """The texels seen, and their number."""
        return {'seen': self.seen, 'counts': self.counts}

    def reset(self, mask: Bool[Tensor, ' env']) -> None:
        """Has the next observation forget what was seen in the envs in the mask: it goes over the texels anyway."""
        self._afresh = mask

    def observe(self, view: View | Mapping[str, View]) -> Int32[Tensor, ' env']:
        """Takes account of a view, and returns how many texels are new in it.

        Raises:
            ValueError: if the view was rendered without rays.
        """
        self.shares = torch.empty(self._core.num_envs, device=self._core.device)  # good for this step alone
        return mark(self._core, view, self.seen, self.counts, afresh=self._afresh, shares=self.shares)


def bitmap(core: Core) -> Int32[Tensor, 'env word']:
    """Bitmaps of each env's map, a bit for each texel, all 0: bit k % 32 of word k // 32 is for texel k.

    Every row is as long as the map of most texels needs.
    """
    return torch.zeros((core.num_envs, _words(core)), dtype=torch.int32, device=core.device)


def mark(
    core: Core,
    view: View | Mapping[str, View],
    seen: Int32[Tensor, 'env word'],
    counts: Int32[Tensor, ' env'],
    *,
    afresh: Bool[Tensor, ' env'] | None = None,
    shares: Float[Tensor, ' env'] | None = None,
) -> Int32[Tensor, ' env']:
    """Marks the texels that a view's rays hit, in place.

    Args:
        core: The envs.
        view: What their agents see, rendered with ``per_ray=True``; if with cameras of several kinds, by name.
        seen: The texels seen before, and now: see `bitmap`.
        counts: How many those are.
        afresh: The envs in which what was seen before is forgotten first.
        shares: Where the share of each env's texels that has been seen is written, if it is wanted.

    Returns:
        How many are new: each texel counts once, however many rays hit it.

    Raises:
        ValueError: if the view was rendered without rays, or a tensor isn't a contiguous int32 one of the right shape,
            afresh a contiguous bool one, or shares a contiguous float32 one.
    """
    views = list(view.values()) if isinstance(view, Mapping) else [view]
    if any(each.lines is None or each.locations is None for each in views):
        raise ValueError('view must have lines and locations, got none: render it with per_ray=True.')
    _check('seen', seen, torch.int32, (core.num_envs, _words(core)))
    _check('counts', counts, torch.int32, (core.num_envs,))
    if afresh is not None:
        _check('afresh', afresh, torch.bool, (core.num_envs,))
    if shares is None:
        shares = torch.empty_like(counts, dtype=torch.float32)
    _check('shares', shares, torch.float32, (core.num_envs,))
    found = _marked(core, views[0], seen, counts, afresh, shares)
    for other in views[1:]:
        found += _marked(core, other, seen, counts, None, shares)
    return found


def unpacked(seen: Int32[Tensor, 'env word']) -> Bool[Tensor, 'env texel']:
    """Returns a bitmap's bits, one after another: which texels have been seen. There are more than the map has."""
    bits = torch.arange(BITS, dtype=torch.int32, device=seen.device)
    return ((seen[..., None] >> bits) & 1).flatten(1).bool()


def _marked(
    core: Core, view: View, seen: Tensor, counts: Tensor, afresh: Tensor | None, shares: Tensor
) -> Int32[Tensor, ' env']:
    """Marks what one kind of camera sees."""
    found = torch.empty_like(counts)
    implementation(core.device).mark(core, view, seen, counts, afresh, found, shares)
    return found


def _check(name: str, values: Tensor, dtype: torch.dtype, shape: tuple[int, ...]) -> None:
    if values.dtype != dtype or values.shape != shape or not values.is_contiguous():
        raise ValueError(
            f'{name} must be contiguous {dtype} of shape {shape}, got {values.dtype} of {tuple(values.shape)}.'
        )


def _words(core: Core) -> int:
    return -(-core.scenery.most_texels // BITS)
