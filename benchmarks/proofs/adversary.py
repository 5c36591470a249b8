"""Plays against physics: of many ways to push an agent always takes the one that ends the worst."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from benchmarks.proofs.checking import Checker
from megastep.world import physics
from megastep.world.core import Core
from megastep.world.scenery import Scenery

TRIES = 64
"""How many velocities the adversary tries a step."""


@dataclass(frozen=True)
class Outcome:
    """Outcome of an adversary's attempts.

    Args:
        episodes: How many episodes it played.
        steps: How many steps each had.
        escapes: In how many of them the agent got out of the walls that it began within.
        stops: How many tries ended where they began because rounding left no safe move.
        contacts: How many tries touched something.
        clearance: The least distance of an agent's centre from a wall, less its radius, in metres.
    """

    episodes: int
    steps: int
    escapes: int
    stops: int
    contacts: int
    clearance: float

    @property
    def holds(self) -> bool:
        """True if it got nothing. One stop in 10,000 contacts is allowed."""
        return self.escapes == 0 and self.clearance >= 0 and self.stops * 10_000 <= self.contacts


def core_for(scenery: Scenery, episodes: int, *, seed: int = 0) -> Core:
    """A core for some episodes, spread evenly over the maps."""
    map_ids = torch.arange(episodes, device=scenery.device) * scenery.num_maps // episodes
    return Core(scenery, num_envs=episodes * TRIES, seed=seed, map_ids=map_ids.repeat_interleave(TRIES))


def play(
    core: Core,
    *,
    steps: int = 40,
    seed: int = 0,
    top_speed: float = 50.0,
    checker: Checker | None = None,
    advance: Callable[[Core], object] = physics.advance,
) -> Outcome:
    """Plays a core's episodes all at once.

    Args:
        core: From `core_for`. Of an episode's `TRIES` of envs the first one's agent says where it starts.
        steps: How many steps an episode has.
        seed: Seeds the tries.
        top_speed: In metres per second.
        checker: What checks the agents.
        advance: What moves the agents.
    """
    checker = checker or Checker.of(core)
    draws = torch.Generator(core.device).manual_seed(seed)
    tries = core.agents.positions.view(-1, TRIES, 2)
    best = tries[:, 0].clone()
    episodes = torch.arange(len(tries), device=core.device)
    contacts = torch.zeros((), dtype=torch.int64, device=core.device)
    clearance, escaped = math.inf, torch.zeros(len(tries), dtype=torch.bool, device=core.device)
    for _ in range(steps):
        tries.copy_(best[:, None].expand_as(tries))
        core.agents.velocities.copy_(velocities(core, draws, top_speed))
        advance(core)
        contacts += (core.contacts >= 0).sum()
        standing = checker.standing(core)
        inside = standing.windings == 1
        depths = torch.where(inside, standing.clearances, -standing.clearances).view(-1, TRIES)
        clearance = min(clearance, float(depths.min()))
        best = tries[episodes, depths.argmin(1)].clone()
        escaped |= ~inside.view(-1, TRIES).all(1)
    return Outcome(
        episodes=len(tries),
        steps=steps,
        escapes=int(escaped.sum()),
        stops=int(core.stops.sum()),
        contacts=int(contacts),
        clearance=clearance - core.agent_radius,
    )


def velocities(core: Core, draws: torch.Generator, top_speed: float) -> Float[Tensor, 'env agent 2']:
    """Any way; a quarter at full speed and the others at any, down to a millionth of it."""
    u = torch.rand((3, *core.agents.angles.shape), device=core.device, generator=draws)
    turns, speeds = 2 * math.pi * u[0], top_speed * torch.where(u[1] < 0.25, 1.0, 10 ** (-6 * u[2]))
    return speeds[..., None] * torch.stack([turns.cos(), turns.sin()], dim=-1)


def naive(core: Core, response: str = 'stop') -> None:
    """A rule with a hole, to show that the adversary finds it: a move is made if its end is clear of all walls."""
    before = core.agents.positions.clone()
    core.agents.positions.add_(core.agents.velocities, alpha=1 / core.fps)
    blocked = Checker.of(core).standing(core).clearances < core.agent_radius
    core.agents.positions.copy_(torch.where(blocked[..., None], before, core.agents.positions))
    core.contacts.copy_(blocked.int() - 1)
