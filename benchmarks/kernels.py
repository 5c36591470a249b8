"""Measures the renderer and the physics alone, without an env around them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

from benchmarks.timing import captured, seconds_a_call
from benchmarks.worlds import grids, houses
from megastep import physics, rendering
from megastep.core import Cameras, Core
from megastep.rigs import Rig
from megastep.scenery import Scenery

DRAWS = 8
"""How many frames or moves a timed call makes, the moves with velocities of their own, drawn beforehand."""

SPEED = 1.0
"""How fast agents go, in metres per second along x and y each."""


@dataclass(frozen=True)
class Case:
    """Agents in maps, and their cameras.

    Args:
        num_envs: How many envs run in parallel.
        num_agents: How many agents each has.
        cameras: What they look with.
        maps: ``'houses'`` of about 165 walls, or ``'grids'`` of rooms, of about 1,000.
        num_maps: How many maps there are.
    """

    num_envs: int
    num_agents: int = 1
    cameras: Cameras = Cameras()  # noqa: RUF009, it is frozen
    maps: str = 'houses'
    num_maps: int = 64

    def make(self, device: torch.device) -> Core:
        """Makes the envs on a device."""
        maps = {'houses': houses, 'grids': grids}[self.maps](self.num_maps)
        return Core(Scenery.pack(maps, num_agents=self.num_agents, device=device, seed=0), self.num_envs, seed=0)


FEW_RAYS, MANY_RAYS = Cameras(subsample=1), Cameras(res=128)
GPU = {
    'render': (
        Case(16_384, num_maps=1024),
        Case(65_536, num_maps=1024),
        Case(16_384, cameras=FEW_RAYS, num_maps=1024),
        Case(65_536, cameras=FEW_RAYS, num_maps=1024),
        Case(4096, num_agents=4, cameras=MANY_RAYS, num_maps=1024),
        Case(16_384, maps='grids', num_maps=32),
        Case(65_536, cameras=FEW_RAYS, maps='grids', num_maps=32),
    ),
    'physics': (
        Case(16_384, num_maps=1024),
        Case(65_536, num_maps=1024),
        Case(4096, num_agents=4, num_maps=1024),
        Case(65_536, maps='grids', num_maps=32),
    ),
}
CPU = {
    'render': (
        Case(1024),
        Case(1024, cameras=FEW_RAYS),
        Case(256, num_agents=4, cameras=MANY_RAYS),
        Case(1024, maps='grids', num_maps=8),
    ),
    'physics': (Case(1024), Case(4096), Case(1024, num_agents=4), Case(4096, maps='grids', num_maps=8)),
}
QUICK = (Case(2, num_maps=2), Case(2, num_agents=2, cameras=FEW_RAYS, maps='grids', num_maps=1))


def cases(subject: str, device: torch.device, *, quick: bool) -> tuple[Case, ...]:
    """The cases for a subject, ``'render'`` or ``'physics'``, on a device; or a few small ones."""
    if quick:
        return QUICK
    return (GPU if device.type == 'cuda' else CPU)[subject]


def measure(
    subject: str, case: Case, device: torch.device, *, rounds: int = 7, round_seconds: float = 0.5
) -> dict[str, Any]:
    """Measures a case, in agents a second: frames rendered, shading included, or moves."""
    core = case.make(device)
    call = rendering_alone(core, case.cameras) if subject == 'render' else physics_alone(core)
    agents = core.num_envs * core.num_agents
    rate = agents * DRAWS / seconds_a_call(call, device, rounds=rounds, round_seconds=round_seconds)
    rays = {'rays': case.cameras.num_rays * case.cameras.num_cameras} if subject == 'render' else {}
    return {
        'maps': case.maps,
        'envs': core.num_envs,
        'agents': core.num_agents,
        'walls': float(core.scenery.walls.widths.float().median()),
        **rays,
        f'{subject}/s': rate,
    }


def rendering_alone(core: Core, cameras: Rig) -> Callable[[], object]:
    """Pictures of what the agents see where they stand: colours and depths, without what each ray hits."""
    return captured(lambda: [rendering.render(core, cameras) for _ in range(DRAWS)], core.device)


def physics_alone(core: Core) -> Callable[[], object]:
    """Moves with random velocities."""
    generator = torch.Generator(core.device).manual_seed(0)
    shape = (DRAWS, *core.agents.velocities.shape)
    velocities = SPEED * (2 * torch.rand(shape, device=core.device, generator=generator) - 1)

    def move() -> None:
        for drawn in velocities:
            core.agents.velocities.copy_(drawn)
            physics.advance(core)

    return captured(move, core.device)
