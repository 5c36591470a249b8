"""Measures the renderer and the physics alone, without an env around them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch

from benchmarks.speed.timing import captured, release, seconds_a_call
from benchmarks.speed.worlds import grids, houses, own_houses
from megastep.world import physics, rendering
from megastep.world.cameras import CameraRig, Cameras
from megastep.world.core import Core
from megastep.world.scenery import Scenery

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
        maps: ``'houses'`` of about 165 walls, ``'own houses'``, such that nobody shares memory with others, or
            ``'grids'`` of rooms, of about 1,000 walls.
        num_maps: How many maps there are.
        sweep: What is varied while the rest stays the same; ``'record'`` for the figures that are quoted.
    """

    num_envs: int
    num_agents: int = 1
    cameras: Cameras = Cameras()  # noqa: RUF009, it is frozen
    maps: str = 'houses'
    num_maps: int = 64
    sweep: str = 'record'

    def make(self, device: torch.device) -> Core:
        """Makes the envs on a device."""
        maps = {'houses': houses, 'own houses': own_houses, 'grids': grids}[self.maps](self.num_maps)
        return Core(Scenery.pack(maps, num_agents=self.num_agents, device=device, seed=0), self.num_envs, seed=0)


FEW_RAYS, MANY_RAYS = Cameras(subsample=1), Cameras(res=128)
RAYS = (FEW_RAYS, Cameras(subsample=2), Cameras(), MANY_RAYS, Cameras(res=256))
"""64, 128 and 256 rays to 64 pixels, 512 to 128 and 1,024 to 256."""

RECORD, SWEEP = {'rounds': 7, 'round_seconds': 0.3}, {'rounds': 3, 'round_seconds': 0.1}
"""How thoroughly a figure that is quoted is measured, and a point of a curve."""

GPU = {
    'render': (
        Case(16_384, num_maps=1024),
        Case(65_536, num_maps=1024),
        Case(16_384, cameras=FEW_RAYS, num_maps=1024),
        Case(65_536, cameras=FEW_RAYS, num_maps=1024),
        Case(4096, num_agents=4, cameras=MANY_RAYS, num_maps=1024),
        Case(16_384, maps='grids', num_maps=32),
        Case(65_536, cameras=FEW_RAYS, maps='grids', num_maps=32),
        Case(65_536, maps='own houses', num_maps=65_536),
        Case(65_536, cameras=FEW_RAYS, maps='own houses', num_maps=65_536),
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
    if device.type == 'cuda':
        return (*GPU[subject], *sweeps(subject, 16_384, 65_536, {'houses': 1024, 'grids': 32}))
    return (*CPU[subject], *sweeps(subject, 1024, 4096, {'houses': 64, 'grids': 8}))


def sweeps(subject: str, num_envs: int, most_envs: int, num_maps: Mapping[str, int]) -> list[Case]:
    """Cases that differ in one thing: the rays a frame, in either kind of map; the agents an env; the envs."""
    rays = [
        Case(num_envs, cameras=cameras, maps=maps, num_maps=count, sweep='rays')
        for maps, count in num_maps.items()
        for cameras in RAYS
    ]
    agents = [Case(num_envs // 4, n, MANY_RAYS, num_maps=num_maps['houses'], sweep='agents') for n in (1, 2, 4, 8)]
    counts = [most_envs // 4**k for k in range(4, -1, -1)]
    envs = [Case(count, num_maps=num_maps['houses'], sweep='envs') for count in counts]
    return [*(rays if subject == 'render' else ()), *agents, *envs]


def measure(subject: str, case: Case, device: torch.device, **effort: Any) -> dict[str, Any]:
    """Measures a case, in agents a second: frames rendered, shading included, or moves.

    Args:
        subject: ``'render'`` or ``'physics'``.
        case: What is measured.
        device: Where it runs.
        effort: How many rounds and how long, where it isn't what the case's sweep gets.
    """
    release()
    core = case.make(device)
    effort = (RECORD if case.sweep == 'record' else SWEEP) | effort
    rates = rendered(core, case.cameras, **effort) if subject == 'render' else moved(core, **effort)
    return {'sweep': case.sweep, 'maps': case.maps, **described(core), **rates}


def described(core: Core) -> dict[str, Any]:
    """The numbers of envs and agents, and of the maps' walls."""
    walls = float(core.scenery.walls.widths.float().median())
    return {'envs': core.num_envs, 'agents': core.num_agents, 'walls': walls}


def rendered(core: Core, cameras: Cameras, **effort: Any) -> dict[str, Any]:
    """Rendering throughput: a frame's rays, and the agents' frames rendered a second."""
    seconds = seconds_a_call(rendering_alone(core, cameras), core.device, **effort)
    rate = core.num_envs * core.num_agents * DRAWS / seconds
    rays = cameras.num_rays * cameras.num_cameras
    return {'rays': rays, 'render/s': rate}


def moved(core: Core, **effort: Any) -> dict[str, Any]:
    """Physics throughput: the agents that move a second."""
    seconds = seconds_a_call(physics_alone(core), core.device, **effort)
    return {'physics/s': core.num_envs * core.num_agents * DRAWS / seconds}


def rendering_alone(core: Core, cameras: CameraRig) -> Callable[[], object]:
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
