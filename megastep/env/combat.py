"""Combat: health and cooldowns, shots and what they do, and what they pay. A step's shots strike at one instant."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import gymnasium
import numpy as np
import torch
from gymnasium.spaces import Box, Dict, Discrete
from jaxtyping import Bool, Float, Int, Int64
from torch import Tensor

from megastep.checks import check_counts, check_finite
from megastep.env.parts import agents_in
from megastep.world.core import Core
from megastep.world.kernels import implementation
from megastep.world.overlays import BatchedOverlay, Overlay, Segments, Shares

EVENTS = ('aims', 'shots', 'hits', 'wounds', 'kills', 'deaths')
"""Events that are counted for each agent: the steps in which it had another within its aim; the shots it fired, and
those that hit; the shots that hit it; the deaths put down to it; and its own. Over the agents of an env, hits are as
many as wounds, and kills as deaths."""


class Combat:
    """Health and cooldown of agents that shoot at one another.

    A hit takes one point of health. An agent that has none left is dead, and is to be reset. All shots of a step
    are fired at once, so those that an agent fires as it dies count. If several hit one who dies of it, the kill is put
    down to the one who comes first when turns are taken, as they are in the physics, starting one further every step.

    Args:
        core: The envs.
        health: How many hits an agent lives through, and one: the points it has when it is new.
        cooldown: The least time between two shots of an agent, in seconds; 0 for a shot every step.

    Attributes:
        health: The points that each agent has left: (env, agent) int64.
        waits: How many steps each agent can't shoot for: (env, agent) int64.
        full_health: The points that an agent has when it is new.
        spaces: One agent's health and cooldown, as observed.

    Raises:
        ValueError: if health isn't an integer of at least 1, or the cooldown isn't at least 0 and finite.
    """

    def __init__(self, core: Core, *, health: int = 4, cooldown: float = 0.5) -> None:
        check_counts(health=health)
        if not 0 <= cooldown < math.inf:
            raise ValueError(f'cooldown must be at least 0 s and finite, got {cooldown}.')
        self._core, self.full_health = core, health
        self._period = max(math.ceil(cooldown * core.fps - 1e-6), 1)  # steps from a shot to the next
        self._new = torch.tensor([health, 0], device=core.device).view(-1, 1, 1)
        self._points = self._new.repeat(1, core.num_envs, core.num_agents)
        self.health, self.waits = self._points
        self.spaces: dict[str, Any] = {name: Box(0, 1, (1,), dtype=np.float32) for name in ('health', 'cooldown')}

    @property
    def state(self) -> dict[str, Tensor]:
        """Health and cooldown, by name."""
        return {'health': self.health, 'waits': self.waits}

    @property
    def dead(self) -> Bool[Tensor, 'env agent']:
        """The agents that have no health left."""
        return self.health <= 0

    def fallen(self, mask: Bool[Tensor, ' env']) -> Bool[Tensor, 'env agent']:
        """Returns the agents that begin anew: the dead, and all of the envs in the mask."""
        anew = torch.empty_like(self.health, dtype=torch.bool)
        implementation(anew.device).fallen(mask, self.health, anew)
        return anew

    def step(
        self, targets: Int[Tensor, 'env agent'], triggers: Bool[Tensor, 'env agent'] | None = None
    ) -> Int64[Tensor, 'event env agent']:
        """Fires every agent's shot that is due, and takes the wounded's health.

        Args:
            targets: Whom each agent would hit, -1 for nobody: see `megastep.env.aiming.Aim`.
            triggers: Which agents want to shoot; by default those who would hit.

        Returns:
            How many of each of `EVENTS` there were.
        """
        events = torch.empty((len(EVENTS), *self.health.shape), dtype=torch.int64, device=self.health.device)
        given = targets.contiguous(), None if triggers is None else triggers.contiguous(), self._core.turn
        implementation(events.device).fight(*given, self.health, self.waits, events, self._period)
        return events

    def reset(self, mask: Bool[Tensor, ' env'] | Bool[Tensor, 'env agent']) -> None:
        """Makes the agents in the mask new, or all of the envs in it: unhurt and ready to shoot."""
        torch.where(agents_in(mask, self._core), self._new, self._points, out=self._points)

    def observe(self) -> dict[str, Float[Tensor, 'row 1']]:
        """Returns the share of its health that each agent has left, and how long it can't shoot.

        That is a share of the time between two shots; at 0 it can.
        """
        shares = torch.empty(self._points.shape, device=self.health.device)
        given = self.health, self.waits, self.full_health, self._period
        implementation(shares.device).gauge(*given, shares)
        health, cooldown = shares.view(2, -1, 1)
        return {'health': health, 'cooldown': cooldown}

    def overlays(self, env: int, targets: Int[Tensor, 'env agent']) -> list[Overlay]:
        """Returns for pictures of an env its agents' health, and the shots that those who are ready may fire."""
        return [overlay[env] for overlay in self.batched_overlays(targets)]

    def batched_overlays(self, targets: Int[Tensor, 'env agent']) -> list[BatchedOverlay]:
        """Returns the same of all envs."""
        positions = self._core.agents.positions
        return [
            BatchedOverlay(_health, points=self.health, full=self.full_health),
            BatchedOverlay(_shots, positions=positions, targets=targets, waits=self.waits),
        ]


def _health(points: Int64[Tensor, ' agent'], full: int) -> Shares:
    return Shares(points / full)


def _shots(
    positions: Float[Tensor, 'agent 2'], targets: Int[Tensor, ' agent'], waits: Int64[Tensor, ' agent']
) -> Segments:
    victims = targets.long()
    fires = (waits <= 0) & (victims >= 0)
    shots = torch.stack([positions, positions[victims]], dim=1)
    return Segments(shots.masked_fill(~fires[:, None, None], torch.nan))


class Trigger:
    """Trigger beside a motion's actions: whether an agent wants to shoot, each time that it moves.

    Numbered actions are there once more, with a shot. Beside others there is a number, 1 to shoot.

    Args:
        space: One agent's movements.

    Attributes:
        space: One agent's actions.
    """

    def __init__(self, space: gymnasium.Space) -> None:
        self._count = int(space.n) if isinstance(space, Discrete) else None
        self.space: gymnasium.Space = (
            Dict(motion=space, trigger=Discrete(2)) if self._count is None else Discrete(2 * self._count)
        )

    def parted(self, actions: Any) -> tuple[Any, Bool[Tensor, 'env agent']]:
        """Parts actions into movements and who wants to shoot."""
        if self._count is None:
            return actions['motion'], actions['trigger'] == 1
        shoots = (actions >= self._count) & (actions < 2 * self._count)
        return actions - self._count * shoots, shoots


class Score:
    """Combat score: counts of what agents have done in their episode, and what they are paid for it.

    Args:
        core: The envs.
        values: What one of each of the `EVENTS` is worth to the agent it is counted for; those left out are worth 0.

    Attributes:
        counts: How many of each there have been: (event, env, agent) int64.

    Raises:
        ValueError: if there is no such event, or a value isn't finite.
    """

    def __init__(self, core: Core, values: Mapping[str, float]) -> None:
        if unknown := sorted(set(values) - set(EVENTS)):
            raise ValueError(f'values may be of {", ".join(EVENTS)}, got {", ".join(unknown)}.')
        check_finite(**values)
        self._values = torch.tensor([values.get(name, 0.0) for name in EVENTS], device=core.device)
        shape = (len(EVENTS), core.num_envs, core.num_agents)
        self.counts = torch.zeros(shape, dtype=torch.int64, device=core.device)

    def step(self, events: Int64[Tensor, 'event env agent']) -> Float[Tensor, 'env agent']:
        """Counts a step's events, and returns what they are worth."""
        worth = torch.empty(events.shape[1:], device=events.device)
        implementation(events.device).reward(events.contiguous(), self._values, self.counts, worth)
        return worth

    def reset(self, mask: Bool[Tensor, ' env']) -> None:
        """Counts anew in the envs in the mask."""
        self.counts.masked_fill_(mask[:, None], 0)

    @property
    def state(self) -> dict[str, Tensor]:
        """The counts, an env a row."""
        return {'counts': self.counts.transpose(0, 1)}

    def totals(self, env: int, *names: str) -> dict[str, Int64[Tensor, '']]:
        """Returns how often some events happened to the agents of an env in all."""
        return {name: self.counts[EVENTS.index(name), env].sum() for name in names}

    def by_name(self) -> dict[str, Int64[Tensor, 'env agent']]:
        """The counts of each event."""
        return dict(zip(EVENTS, self.counts, strict=True))
