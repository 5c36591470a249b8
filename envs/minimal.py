"""The smallest env there is: one agent with one depth camera, paid for walking forward. Copy it to start your own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from megastep import mapgen
from megastep.env import Env
from megastep.env.motion import MotionMaker, make_motion
from megastep.env.sensors import Depth
from megastep.env.spawning import RandomLifespans, RandomSpawns
from megastep.env.variation import make_world
from megastep.maps.geometry import Geometry
from megastep.maps.mapset import MapSet
from megastep.world import physics, rendering
from megastep.world.cameras import CameraRig, Cameras


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
        motion: How agents move: one of `MOTIONS` by name, or a function that, given the core, makes a motion.
        options: What every env takes: see `make_world` and `Env`.
    """

    observation_name = 'depth'

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
        motion: str | MotionMaker = 'simple',
        **options: Any,
    ) -> None:
        maps = mapgen.generate('box', 1, seed=0) if maps is None else maps
        core, cameras, options = make_world(
            maps, num_envs, device, fps=fps, seed=seed, cameras=cameras, displacements=True, **options
        )
        self.motion = make_motion(motion, core)
        self._depth = Depth(core, cameras)
        self._spawns = RandomSpawns(core)
        self._lifespans = RandomLifespans(core, shortest, longest)
        super().__init__(
            core,
            cameras,
            action_space=self.motion.space,
            observation_space=self._depth.space,
            **options,
        )

    @classmethod
    def default_maps(cls, *, seed: int = 0) -> MapSet:
        return mapgen.generate('arena', 8, seed=seed, width=(6, 9), height=(6, 9), cover=(0.02, 0.06))

    def _act(self, actions):
        self.motion.step(actions)
        moved = torch.empty_like(self.core.agents.positions)
        physics.advance(self.core, displacements=moved)
        self._forward = moved[..., 0]
        self._expired = self._lifespans.step()

    def _observe(self):
        return self._depth.observe(self._render_view())

    def _render_view(self):
        return rendering.render(self.core, self.cameras, rgb=False)

    def _outcome(self):
        return self._forward, self._nobody, self._expired
