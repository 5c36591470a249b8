"""Culling efficiency: of all tests of a ray against a line that a renderer could make, those a GPU's really makes."""

from __future__ import annotations

from typing import NamedTuple

import torch

from megastep.world import rendering
from megastep.world.cameras import Cameras
from megastep.world.core import Core


class Tests(NamedTuple):
    """Tests of a ray against a line, in one frame of all cameras.

    Args:
        done: Those that were made.
        naive: One for each ray and each line that it might meet: its map's walls and the other agents' sides.
    """

    done: int
    naive: int

    @property
    def skipped(self) -> float:
        """The share that was left out, 0 to 1."""
        return 1 - self.done / self.naive


def count(core: Core, cameras: Cameras) -> Tests:
    """Counts the tests that the Triton kernels make of what the agents see where they stand."""
    from megastep.triton import raycasting  # here, so that a CPU needs no Triton

    (pixels, _), num_blocks = raycasting.blocks(core, cameras)
    drawn = torch.zeros(num_blocks, dtype=torch.int32, device=core.device)
    raycasting.render(core, cameras, rendering.render(core, cameras), drawn)
    firsts = torch.arange(0, cameras.res, pixels, device=core.device)
    rays = (cameras.res - firsts).clamp(max=pixels) * cameras.subsample
    others = (core.num_agents - 1) * core.scenery.lines_per_agent
    lines = core.scenery.walls.widths[core.map_ids].long() + others
    frames_an_env = core.num_agents * cameras.num_cameras
    return Tests(
        done=int((drawn.view(-1, len(rays)).long() * rays).sum()),
        naive=int(lines.sum()) * frames_an_env * cameras.num_rays,
    )


def columns(core: Core, cameras: Cameras, agents_a_second: float) -> dict[str, float]:
    """Columns of a table: how many tests a second, and the share left out. None on a CPU, where none are counted.

    Args:
        core: The envs.
        cameras: What their agents look with.
        agents_a_second: How many agents' frames were rendered a second.
    """
    if core.device.type != 'cuda':
        return {}
    tests = count(core, cameras)
    frames = agents_a_second / (core.num_envs * core.num_agents)
    return {'tests/s': tests.done * frames, 'skipped': tests.skipped}
