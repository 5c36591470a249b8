"""Agents among agents: crowded rooms, and agents that begin inside walls and inside each other."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from benchmarks.proofs import maps
from benchmarks.proofs.checking import Checker
from benchmarks.proofs.soak import Pushes
from megastep.maps.geometry import AGENT_RADIUS, Geometry
from megastep.world import physics
from megastep.world.core import Core
from megastep.world.scenery import Scenery

SKIN = 1e-4
"""How far apart, in metres, physics keeps what doesn't touch."""


def rooms(num_agents: int) -> list[Geometry]:
    """Rooms of several shapes with as many spawns, on a lattice, as agents; they fill about a fifth of the room."""
    side = math.ceil(math.sqrt(num_agents)) * 2.4 * AGENT_RADIUS
    places = np.stack(np.meshgrid(*2 * [1 + 1.2 * AGENT_RADIUS + 2.4 * AGENT_RADIUS * np.arange(8)]), -1).reshape(-1, 2)
    room = maps.box(side, side)
    free = places[(places < 1 + side).all(1)]
    star = maps.star(5, inner=1.2 * side, outer=2.4 * side, centre=1 + side / 2 + 2 * side)
    return [
        Geometry(walls=room.walls, spawns=free),
        Geometry(walls=maps.box(2.5 * side, side).walls, spawns=free),
        Geometry(walls=star.walls, spawns=free + 2 * side),
    ]


def crowded(num_agents: int, num_envs: int, *, device: str | torch.device = 'cpu', seed: int = 0) -> Core:
    """Envs of small rooms full of agents, none of which overlaps a wall or another."""
    return Core(Scenery.pack(rooms(num_agents), num_agents=num_agents, device=device), num_envs=num_envs, seed=seed)


@dataclass(frozen=True)
class Freedom:
    """Counts of agents that had a free way, and of those of them that were held back.

    Args:
        free: How many had a free way.
        touching: How many of those touched another agent or a wall.
        held: How many of them didn't make all of it.
    """

    free: int
    touching: int
    held: int

    @property
    def holds(self) -> bool:
        """True if none was held back, and some had something to be held back by."""
        return self.held == 0 < self.touching


def freedom(core: Core, *, step: float = 0.01) -> Freedom:
    """Lets one agent of each env at a time go a step each of eight ways, the others standing still.

    A way is free if the agent comes no nearer than twice the skin to anything it isn't leaving. The state is kept.
    """
    before = core.agents.positions.clone()
    counts = np.zeros(3, dtype=np.int64)
    for agent in range(core.num_agents):
        for turn in range(8):
            angle = 0.1 + 2 * math.pi * turn / 8
            way = step * torch.tensor([math.cos(angle), math.sin(angle)], device=core.device)
            core.agents.positions.copy_(before)
            core.agents.velocities.zero_()
            core.agents.velocities[:, agent] = way * core.fps
            free, touching = free_ways(core, agent, way)
            made = physics.advance(core)[:, agent]
            counts += [int(free.sum()), int((free & touching).sum()), int((free & (made < 1)).sum())]
    core.agents.positions.copy_(before)
    return Freedom(*counts.tolist())


def free_ways(core: Core, agent: int, way: Float[Tensor, ' 2']) -> tuple[Bool[Tensor, ' env'], Bool[Tensor, ' env']]:
    """In which envs an agent's way is free, and in which it touches something."""
    position = core.agents.positions[:, agent].double()
    others = core.agents.positions.double()[:, torch.arange(core.num_agents, device=core.device) != agent]
    walls = _walls_of(core)
    discs = torch.stack([others, others], dim=2)  # a disc is a wall without length, for one radius further away
    ends = torch.cat([walls, discs], dim=1)
    reach = torch.full(ends.shape[:2], core.agent_radius, dtype=torch.float64, device=core.device)
    reach[:, walls.shape[1] :] *= 2
    least = reach + 2 * SKIN
    start = _distances(position, ends)
    near = torch.stack([_distances(position + share * way, ends) for share in (1e-4, 0.25, 0.5, 0.75, 1.0)])
    leaves = (near > start + 1e-4 * 0.05 * way.norm()).all(0) & (near[0] > start)
    clear = (torch.minimum(start, near.amin(0)) > least) & (near.amin(0) > least)
    return (leaves | clear).all(1), (start < least).any(1)


def _walls_of(core: Core) -> Float[Tensor, 'env wall 2 2']:
    walls = core.scenery.walls
    longest = int(walls.widths.max())
    k = torch.minimum(torch.arange(longest, device=core.device), walls.widths[:, None] - 1)
    return walls.vals[walls.starts[:, None] + k].double()[core.map_ids]


def _distances(points: Float[Tensor, 'env 2'], walls: Float[Tensor, 'env wall 2 2']) -> Float[Tensor, 'env wall']:
    v, p = walls[:, :, 1] - walls[:, :, 0], points[:, None] - walls[:, :, 0]
    along = ((p * v).sum(-1) / v.square().sum(-1).clamp(min=1e-30)).clamp(0, 1)
    return (p - along[..., None] * v).norm(dim=-1)


@dataclass(frozen=True)
class Freeing:
    """Result of agents that began overlapping walls and each other.

    Args:
        overlapping: How many overlapped something at first.
        held: How many still did at the end.
        steps: How many steps were made, the last of which freed the last one.
        deeper: The most that any came nearer to a wall or an agent that it overlapped, in metres.
        escapes: How many left their room.
    """

    overlapping: int
    held: int
    steps: int
    deeper: float
    escapes: int

    @property
    def holds(self) -> bool:
        """True if all came free without going deeper."""
        return self.held == self.escapes == 0 < self.overlapping and self.deeper <= 1e-6


def overlapping(num_envs: int, *, device: str | torch.device = 'cpu', seed: int = 0) -> Core:
    """Envs of four agents in a room of 2 m: two anywhere in it, so often inside walls, and two inside each other."""
    room = maps.box(2, 2)
    core = Core(Scenery.pack([room], num_agents=4, device=device), num_envs=num_envs, seed=seed)
    rng = np.random.default_rng(seed)
    edge = 1 + rng.uniform(1e-3, AGENT_RADIUS, (num_envs, 2))
    along = rng.uniform(1 + 1e-3, 3 - 1e-3, (num_envs, 2))
    first = np.stack([edge[:, 0], along[:, 0]], axis=-1)
    second = np.stack([along[:, 1], 4 - edge[:, 1]], axis=-1)
    third = rng.uniform(1.5, 2.5, (num_envs, 2))
    turns, reach = rng.uniform(0, 2 * np.pi, num_envs), rng.uniform(1e-3, 2 * AGENT_RADIUS, num_envs)
    fourth = third + reach[:, None] * np.stack([np.cos(turns), np.sin(turns)], axis=-1)
    core.agents.positions.copy_(torch.from_numpy(np.stack([first, second, third, fourth], axis=1)))
    return core


def freeing(core: Core, *, steps: int = 2000, seed: int = 0) -> Freeing:
    """Pushes overlapping agents about until all are free, for so many steps at most."""
    checker, push = Checker.of(core), Pushes(core, seed=seed, top_speed=5.0)
    radius, deeper, made = core.agent_radius, 0.0, 0
    before, first = _distances_to_all(core), int(_overlaps(checker, core).sum())
    held = first
    while held and made < steps:
        push()
        physics.advance(core)
        after = _distances_to_all(core)
        for then, now, reach in zip(before, after, (radius, 2 * radius), strict=True):
            deeper = max(deeper, float((then.clamp(max=reach) - now).max()))
        before, held, made = after, int(_overlaps(checker, core).sum()), made + 1
    return Freeing(
        overlapping=first,
        held=held,
        steps=made,
        deeper=deeper,
        escapes=int((checker.standing(core).windings != 1).sum()),
    )


def _overlaps(checker: Checker, core: Core) -> Bool[Tensor, 'env agent']:
    standing = checker.standing(core)
    return (standing.clearances < core.agent_radius) | (standing.gaps < 2 * core.agent_radius)


def _distances_to_all(core: Core) -> tuple[Tensor, Tensor]:
    """From each agent to each wall, (agent, env, wall), and to each other agent, (env, agent, agent)."""
    positions, walls = core.agents.positions.double(), _walls_of(core)
    to_walls = torch.stack([_distances(positions[:, a], walls) for a in range(core.num_agents)])
    apart = (positions[:, :, None] - positions[:, None]).norm(dim=-1)
    return to_walls, apart.masked_fill(torch.eye(core.num_agents, dtype=torch.bool, device=core.device), torch.inf)
