"""Where and when lives begin, and how long they last. Everything is a masked write, so nothing waits for the GPU."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Shaped
from torch import Tensor

from megastep.core import MANY, Core, spawn_angles, spawn_positions


class RandomSpawns:
    """Puts the agents of some envs at random spawns of their map: facing anywhere, at rest, touching nothing."""

    def __init__(self, core: Core) -> None:
        self._core = core

    def __call__(self, mask: Bool[Tensor, ' env']) -> None:
        """Respawns the agents of the envs in the mask; the others' stay as they are."""
        core, agents = self._core, self._core.agents
        _write(agents.positions, mask[:, None, None], spawn_positions(core))
        _write(agents.angles, mask[:, None], spawn_angles(core))
        agents.velocities.masked_fill_(mask[:, None, None], 0)
        agents.angular_velocities.masked_fill_(mask[:, None], 0)
        core.contacts.masked_fill_(mask[:, None], -1)


class RandomLifespans:
    """Ends each env after a random number of steps.

    When all of several envs restart together their lives are drawn from 1 step up rather than from the shortest up, so
    that they don't all end together too.

    Args:
        core: The envs.
        shortest: The fewest steps an episode may last.
        longest: The most.

    Attributes:
        ages: How many steps each env has lived: (env,).
        lifespans: How many it will have lived when it ends: (env,).

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
        self.ages = torch.zeros(core.num_envs, dtype=torch.int64, device=core.device)
        self.lifespans = torch.zeros_like(self.ages)
        together = longest if core.num_envs > 1 else longest + 1 - shortest
        self._span, self._span_together = torch.tensor([longest + 1 - shortest, together], device=core.device)
        self.restart(torch.ones_like(self.ages, dtype=torch.bool))

    def restart(self, mask: Bool[Tensor, ' env']) -> None:
        """Begins new lives in the envs in the mask."""
        draws = torch.randint(MANY, self.ages.shape, device=self._core.device, generator=self._core.generator)
        spans = torch.where(mask.all(), self._span_together, self._span)
        _write(self.lifespans, mask, self._longest - draws % spans)
        self.ages.masked_fill_(mask, 0)

    def __call__(self, resets: Bool[Tensor, ' env'] | None = None) -> Bool[Tensor, ' env']:
        """Counts a step.

        Args:
            resets: Envs that begin a new life in this step instead of living through it.

        Returns:
            Which envs have reached the end of their life.
        """
        self.ages.add_(1)
        if resets is not None:
            self.restart(resets)
        return self.ages >= self.lifespans


def _write(target: Shaped[Tensor, '*all'], mask: Bool[Tensor, '*part'], value: Shaped[Tensor, '*all']) -> None:
    """Writes ``value`` into ``target`` where the mask is set."""
    torch.where(mask, value, target, out=target)
