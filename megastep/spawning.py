"""Where and when lives begin, and how long they last. Everything is a masked write, so nothing waits for the GPU."""

from __future__ import annotations

import torch
from jaxtyping import Bool
from torch import Tensor

from megastep.core import MANY, Core, respawn


class RandomSpawns:
    """Puts the agents of some envs at random spawns of their map: facing anywhere, at rest, touching nothing."""

    def __init__(self, core: Core) -> None:
        self._core = core

    def __call__(self, mask: Bool[Tensor, ' env']) -> None:
        """Respawns the agents of the envs in the mask; the others' stay as they are."""
        respawn(self._core, mask)


class RandomLifespans:
    """Ends each env after a random number of steps.

    Lives that begin before the core's first step are drawn from 1 step up rather than from the shortest up, so that
    envs that begin together don't end together too.

    Args:
        core: The envs.
        shortest: The fewest steps an episode may last.
        longest: The most.

    Attributes:
        left: How many steps each env has left: (env,).

    Raises:
        ValueError: unless shortest and longest are integers with 1 <= shortest <= longest.
    """

    def __init__(self, core: Core, shortest: int, longest: int) -> None:
        for name, value in {'shortest': shortest, 'longest': longest}.items():
            if not isinstance(value, int) or value < 1:
                raise ValueError(f'{name} must be an integer of at least 1, got {value!r}.')
        if shortest > longest:
            raise ValueError(f'shortest must be at most longest, got {shortest} and {longest}.')
        self._core, self._longest = core, longest
        self.left = torch.zeros(core.num_envs, dtype=torch.int64, device=core.device)
        first = longest if core.num_envs > 1 else longest + 1 - shortest
        self._first_span, self._span = torch.tensor([first, longest + 1 - shortest], device=core.device)
        self.restart(torch.ones_like(self.left, dtype=torch.bool))

    def restart(self, mask: Bool[Tensor, ' env']) -> None:
        """Begins new lives in the envs in the mask."""
        draws = torch.randint(MANY, self.left.shape, device=self._core.device, generator=self._core.generator)
        span = torch.where(self._core.turn == 0, self._first_span, self._span)
        torch.where(mask, self._longest - draws % span, self.left, out=self.left)

    def __call__(self) -> Bool[Tensor, ' env']:
        """Counts a step, and returns which envs have reached the end of their life."""
        return self.left.sub_(1) <= 0
