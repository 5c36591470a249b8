"""Pushes agents about for millions of moves, and counts what must not happen."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from dataclasses import dataclass, fields

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from benchmarks.proofs import maps
from benchmarks.proofs.checking import Checker
from megastep.world import physics
from megastep.world.core import Core
from megastep.world.scenery import Scenery


@dataclass(frozen=True)
class Tally:
    """Tally of a soak.

    Args:
        moves: How many moves were made.
        contacts: How many of them touched something.
        stops: How many agents had to stop where they were, for rounding left no safe move.
        escapes: How often an agent stood outside the walls that it began within.
        crossings: How often a straight move led through a wall.
        non_finite: How often a position or velocity wasn't finite.
        clearance: The least distance of an agent's centre from a wall, less its radius, in metres.
        gap: The least distance of two agents' centres, less both radii, in metres.
    """

    moves: int
    contacts: int
    stops: int
    escapes: int
    crossings: int
    non_finite: int
    clearance: float
    gap: float

    def __add__(self, other: Tally) -> Tally:
        """The tally of both soaks."""
        merged = {each.name: min if each.name in ('clearance', 'gap') else operator.add for each in fields(self)}
        return Tally(**{name: merge(getattr(self, name), getattr(other, name)) for name, merge in merged.items()})

    @property
    def holds(self) -> bool:
        """True if nothing happened that must not. One stop in 10,000 contacts is allowed.

        Clearances are measured in float64 from the float32 state, and none may be below the radius by anything: physics
        keeps half a skin beyond it, 5e-5 m, which is more than float32 can lose within 100 m of the origin.
        """
        nothing_wrong = self.escapes == self.crossings == self.non_finite == 0
        return nothing_wrong and min(self.clearance, self.gap) >= 0 and self.stops * 10_000 <= self.contacts


class Pushes:
    """A policy: every other env's agents are pushed another way each step, the others' every tenth step or so.

    Args:
        core: The agents.
        seed: Seeds what is drawn.
        top_speed: In metres per second. Speeds are of every size from a thousandth of it.
    """

    def __init__(self, core: Core, *, seed: int, top_speed: float) -> None:
        self._core, self._top_speed = core, top_speed
        self._draws = torch.Generator(core.device).manual_seed(seed)
        self._sticky = (torch.arange(core.num_envs, device=core.device) % 2 == 1)[:, None]
        self._velocities = self._drawn(self._uniform(2))

    def __call__(self) -> None:
        """Sets the agents' velocities."""
        u = self._uniform(3)
        fresh = (~self._sticky | (u[2] < 0.1))[..., None]
        self._velocities = torch.where(fresh, self._drawn(u), self._velocities)
        self._core.agents.velocities.copy_(self._velocities)

    def _uniform(self, count: int) -> Float[Tensor, 'draw env agent']:
        shape = (count, *self._core.agents.angles.shape)
        return torch.rand(shape, device=self._core.device, generator=self._draws)

    def _drawn(self, u: Float[Tensor, 'draw env agent']) -> Float[Tensor, 'env agent 2']:
        turns, speeds = 2 * math.pi * u[0], self._top_speed * 10 ** (-3 * u[1])
        return speeds[..., None] * torch.stack([turns.cos(), turns.sin()], dim=-1)


def in_closed_rooms(num_maps: int, num_envs: int, *, device: str | torch.device = 'cpu') -> tuple[Core, Checker]:
    """A core of agents in grids of closed rooms, with walls of no thickness between them, and what checks that each
    stays in its own. Envs come in blocks of 64 that begin alike.
    """
    geometries, rooms, rows = maps.sealed(num_maps)
    core = Core(Scenery.pack(geometries, device=device), num_envs=num_envs)
    blocks = torch.arange(num_envs, device=core.device) // 64
    core.map_ids.copy_(blocks % num_maps)
    spawns = blocks // num_maps % len(rows[0])
    core.agents.positions[:, 0] = core.scenery.spawns.vals[core.scenery.spawns.starts[core.map_ids] + spawns]
    row = torch.from_numpy(np.stack(rows)).to(core.device)[core.map_ids, spawns]
    return core, Checker.of(core, rooms, row[:, None])


def soak(
    core: Core,
    steps: int,
    *,
    checker: Checker | None = None,
    seed: int = 0,
    top_speed: float = 50.0,
    advance: Callable[..., object] = physics.advance,
) -> Tally:
    """Pushes a core's agents about, and looks after every step where they are.

    Every fourth step contact ends all motion instead of turning it into a slide.

    Args:
        core: The envs.
        steps: How many steps to make.
        checker: What checks them.
        seed: Seeds the pushes.
        top_speed: In metres per second.
        advance: What moves the agents.
    """
    checker, push = checker or Checker.of(core), Pushes(core, seed=seed, top_speed=top_speed)
    contacts, escapes, crossings, non_finite = (
        torch.zeros((), dtype=torch.int64, device=core.device) for _ in range(4)
    )
    clearance, gap = (torch.full((), torch.inf, dtype=torch.float64, device=core.device) for _ in range(2))
    for step in range(steps):
        push()
        stop, before = step % 4 == 3, core.agents.positions.clone()
        advance(core, response='stop' if stop else 'slide')
        contacts += (core.contacts >= 0).sum()
        crossings += ((core.contacts < 0) | stop).logical_and(checker.crossings(core, before)).sum()
        standing = checker.standing(core)
        escapes += (standing.windings != 1).sum()
        clearance = torch.minimum(clearance, standing.clearances.min())
        gap = torch.minimum(gap, standing.gaps.min())
        non_finite += (~core.agents.positions.isfinite()).sum() + (~core.agents.velocities.isfinite()).sum()
    agents = core.num_envs * core.num_agents
    return Tally(
        moves=agents * steps,
        contacts=int(contacts),
        stops=int(core.stops.sum()),
        escapes=int(escapes),
        crossings=int(crossings),
        non_finite=int(non_finite),
        clearance=float(clearance) - core.agent_radius,
        gap=float(gap) - 2 * core.agent_radius,
    )


def stuck(core: Core) -> Bool[Tensor, 'env agent']:
    """The agents that, pushed a centimetre each of 32 ways while others stand still, get less than a millimetre far."""
    before = core.agents.positions.clone()
    furthest = torch.zeros_like(core.agents.angles)
    for turn in range(32):
        angle = 2 * math.pi * turn / 32
        for agent in range(core.num_agents):
            core.agents.positions.copy_(before)
            core.agents.velocities.zero_()
            core.agents.velocities[:, agent] = (
                0.01 * core.fps * torch.tensor([math.cos(angle), math.sin(angle)], device=core.device)
            )
            physics.advance(core)
            made = (core.agents.positions - before)[:, agent].norm(dim=-1)
            furthest[:, agent] = torch.maximum(furthest[:, agent], made)
    core.agents.positions.copy_(before)
    return furthest < 1e-3
