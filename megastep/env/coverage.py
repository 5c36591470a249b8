"""Coverage: what agents have seen of their map, texel by texel."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import torch
from jaxtyping import Bool, Shaped
from torch import Tensor

from megastep.world.buffers import check_mask
from megastep.world.kernels import compile_ahead, implementation
from megastep.world.seen_texels import SeenTexels

if TYPE_CHECKING:
    from megastep.world.core import Core


class Coverage:
    """Coverage of each env's map by what its agents have seen in the episode, texel by texel.

    Hand ``seen`` to `megastep.world.rendering.render`, which marks what is seen, and then `observe` what was new in it.

    Args:
        core: The envs.

    Attributes:
        seen: The texels seen.
        counts: How many those are, as of the last observation: (env,) int32.
        shares: The share of the texels of each env's map that they are, as of the last observation: (env,).
    """

    def __init__(self, core: Core) -> None:
        self._core, self.seen = core, SeenTexels.none(core)
        self.counts = torch.zeros_like(self.seen.found)
        # these very methods: what a class that derives from this one makes of them isn't ready yet
        compile_ahead(core.device, partial(Coverage.reset, self, core.over), partial(Coverage.observe, self, per=1))
        self.shares = torch.zeros(core.num_envs, device=core.device)

    @property
    def state(self) -> dict[str, Tensor]:
        """The texels seen, and their number."""
        return {'seen': self.seen.bits, 'counts': self.counts}

    def reset(self, mask: Bool[Tensor, ' env']) -> None:
        """Forgets what was seen in the envs in the mask."""
        check_mask(mask, (self._core.num_envs,), self._core.device)
        implementation(self._core.device).forget(self.seen.bits, self.counts, mask)

    def observe(self, *, per: float | None = None) -> Shaped[Tensor, ' env']:
        """Takes account of what has been marked since the last observation.

        Args:
            per: So many texels count as one.

        Returns:
            How many texels are new: int32, or, if so many count as one, float32.
        """
        self.shares = torch.empty(self._core.num_envs, device=self._core.device)  # good for this step alone
        new = torch.empty_like(self.counts if per is None else self.shares)
        implementation(self._core.device).account(self._core, self.seen.found, new, self.counts, self.shares, per)
        return new
