"""The smallest env there is: one agent with one depth camera, paid for walking forward. Copy it to start your own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from megastep import mapgen
from megastep.env import Env
from megastep.env.motion import SimpleMovement, turned
from megastep.env.sensors import Depth
from megastep.env.spawning import RandomLifespans, RandomSpawns
from megastep.maps.geometry import Geometry
from megastep.maps.mapset import MapSet
from megastep.world import physics, rendering
from megastep.world.cameras import CameraRig, Cameras
from megastep.world.core import Core
from megastep.world.scenery import Scenery


class Minimal(Env):
    """Smallest task, walking forward: the reward is how far the step took the agent the way it faced, in metres.

    Args:
        maps: The maps; by default one empty room.
        num_envs: How many envs there are.
        device: Where they are; by default the GPU if there is one.
        fps: How many steps a second has.
        seed: Seeds the walls' colours and the envs.
        cameras: What the agent sees with: one kind of cameras, or several by name.
        shortest: The fewest steps an episode has.
        longest: The most.
        options: What every `Env` takes: ``render_mode``, ``autoreset_mode``, ``cuda_graph`` and ``copy``.
    """

    def __init__(
        self,
        maps: MapSet | Sequence[Geometry] | None = None,
        num_envs: int = 64,
        device: str | torch.device | None = None,
        *,
        fps: float = 10,
        seed: int = 0,
        cameras: CameraRig = Cameras(res=64, subsample=1),  # noqa: B008, it is frozen
        shortest: int = 50,
        longest: int = 200,
        **options: Any,
    ) -> None:
        maps = mapgen.generate('box', 1, seed=0) if maps is None else maps
        core = Core(Scenery.pack(maps, device=device, seed=seed), num_envs, fps=fps, seed=seed)
        self._movement = SimpleMovement(core)
        self._depth = Depth(core, cameras)
        self._spawns = RandomSpawns(core)
        self._lifespans = RandomLifespans(core, shortest, longest)
        super().__init__(
            core,
            cameras,
            action_space=self._movement.space,
            observation_space=self._depth.space,
            **options,
        )

    @classmethod
    def default_maps(cls, *, seed: int = 0) -> MapSet:
        return mapgen.generate('box', 8, seed=seed)

    def _act(self, actions):
        before = self.core.agents.positions.clone()
        self._movement.step(actions)
        physics.advance(self.core)
        moved = self.core.agents.positions - before
        self._forward = turned(moved, -self.core.agents.angles)[..., 0]
        self._expired = self._lifespans.step()

    def _observe(self):
        return self._depth.observe(rendering.render(self.core, self.cameras, rgb=False))

    def _outcome(self):
        return self._forward, torch.zeros_like(self._expired), self._expired
