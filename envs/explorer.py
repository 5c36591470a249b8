"""Explorer: exploration of a house, paid for every bit of wall seen for the first time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from gymnasium.spaces import Dict

from megastep import mapgen
from megastep.env import Env
from megastep.env.arguments import num_steps
from megastep.env.coverage import Coverage
from megastep.env.motion import MotionMaker, make_motion
from megastep.env.sensors import IMU, RGB, Depth
from megastep.env.spawning import RandomSpawns, TimeBudget
from megastep.env.variation import make_world
from megastep.maps.geometry import Geometry
from megastep.maps.mapset import MapSet
from megastep.world import physics, rendering
from megastep.world.cameras import CameraRig, Cameras, num_pixels


class Explorer(Env):
    """Exploration task: see as much wall as you can.

    The reward is the number of texels seen for the first time in the episode, divided by the cameras' pixels. What an
    episode's first observation shows counts as seen, and pays nothing. An episode is truncated once it has had
    ``patience``, and a tenth of a second for each texel seen: exploring buys time.

    ``info['coverage']`` is the share of the map's texels that has been seen: every wall bounds the space that the agent
    is in, so all of them count.

    Agents move with momentum, so that the IMU tells them what their last action alone doesn't.

    Args:
        maps: The maps; by default eight houses.
        num_envs: How many envs there are.
        device: Where they are; by default the GPU if there is one.
        fps: How many steps a second has.
        seed: Seeds the walls' colours and the envs.
        cameras: What the agent sees with: one kind of cameras, or several by name.
        patience: How long an episode is beside what is bought by exploring, in seconds.
        motion: How agents move: one of `MOTIONS` by name, or a function that, given the core, makes a motion.
        options: What every env takes: see `make_world` and `Env`.

    Raises:
        ValueError: if patience isn't above 0 and finite.
    """

    scores = ('coverage',)

    def __init__(
        self,
        maps: MapSet | Sequence[Geometry] | None = None,
        num_envs: int = 64,
        device: str | torch.device | None = None,
        *,
        fps: float = 10,
        seed: int = 0,
        cameras: CameraRig = Cameras(res=64, fov=130, subsample=4),  # noqa: B008, it is frozen
        patience: float = 20.0,
        motion: str | MotionMaker = 'momentum',
        **options: Any,
    ) -> None:
        maps = mapgen.generate('house', 8, seed=0) if maps is None else maps
        core, cameras, options = make_world(maps, num_envs, device, fps=fps, seed=seed, cameras=cameras, **options)
        self.motion = make_motion(motion, core)
        self._rgb, self._depth, self._imu = RGB(core, cameras), Depth(core, cameras), IMU(core)
        self._spawns = RandomSpawns(core)
        self._coverage = Coverage(core)
        self._time = TimeBudget(core, steps=num_steps(fps, patience=patience), each=fps / 10)
        self._pixels = num_pixels(cameras)
        super().__init__(
            core,
            cameras,
            action_space=self.motion.space,
            observation_space=Dict(rgb=self._rgb.space, depth=self._depth.space, imu=self._imu.space),
            **options,
        )

    def _act(self, actions):
        self.motion.step(actions)
        physics.advance(self.core)

    def _observe(self):
        view = self._render_view()
        self._earned = self._coverage.observe(per=self._pixels)
        return {'rgb': self._rgb.observe(view), 'depth': self._depth.observe(view), 'imu': self._imu.observe()}

    def _render_view(self):
        return rendering.render(self.core, self.cameras, seen=self._coverage.seen)

    def _outcome(self):
        truncated = self._time.spent(self._coverage.counts)
        return self._earned[:, None], self._nobody, truncated

    def _info(self):
        return {'coverage': self._coverage.shares}
