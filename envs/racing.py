"""Racing: a time trial around a track, by car unless told otherwise."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from gymnasium.spaces import Dict

from megastep import mapgen
from megastep.checks import check_finite
from megastep.env import Env
from megastep.env.laps import Laps
from megastep.env.motion import MotionMaker, make_motion
from megastep.env.sensors import IMU, RGB, Depth
from megastep.env.variation import make_world
from megastep.maps.geometry import Geometry
from megastep.maps.mapset import MapSet
from megastep.world import physics, rendering
from megastep.world.cameras import CameraRig, Cameras


class Racing(Env):
    """Time trial: drive laps as fast as you can, anticlockwise.

    An episode begins anywhere on the track's centre line, at rest and facing along it, and is truncated after
    ``time_limit``. The reward is ``progress`` for each metre that the agent has come along the centre line, and below 0
    if it went back: so what counts is to be quick, and inside bends the way is shorter. Walls cost nothing but speed.

    ``info`` has ``'laps'``, those that are complete; ``'laps_per_minute'``, of which a part of a lap is a part; and
    ``'collisions'``, the steps in which the agent touched something. They are of each row's episode up to now.

    Args:
        maps: The maps, each a track between two outlines; by default eight of the track family.
        num_envs: How many envs there are.
        device: Where they are; by default the GPU if there is one.
        fps: How many steps a second has.
        seed: Seeds the walls' colours and the envs.
        cameras: What the agent sees with: one kind of cameras, or several by name.
        motion: How agents move: one of `MOTIONS` by name, or a function that, given the core, makes a motion.
        time_limit: How long an episode is, in seconds.
        progress: The reward for a metre. At a fifth, a fast car is to expect about 6 with a discount of 0.99; where
            that is much more, the value function's loss drowns the policy's.
        options: What every env takes: see `make_world` and `Env`.

    Raises:
        ValueError: if a map isn't a track, progress isn't finite, or an option is out of range.
    """

    scores = ('laps_per_minute', 'laps', 'collisions')
    lower_is_better = ('collisions',)
    episode_starts = None  # anywhere on the centre line

    def __init__(
        self,
        maps: MapSet | Sequence[Geometry] | None = None,
        num_envs: int = 64,
        device: str | torch.device | None = None,
        *,
        fps: float = 10,
        seed: int = 0,
        cameras: CameraRig = Cameras(res=64, fov=130, subsample=1),  # noqa: B008, it is frozen
        motion: str | MotionMaker = 'ackermann',
        time_limit: float = 60.0,
        progress: float = 0.2,
        **options: Any,
    ) -> None:
        check_finite(progress=progress)
        maps = mapgen.generate('track', 8, seed=0) if maps is None else maps
        core, cameras, options = make_world(maps, num_envs, device, fps=fps, seed=seed, cameras=cameras, **options)
        self.motion = make_motion(motion, core)
        self._rgb, self._depth, self._imu = RGB(core, cameras), Depth(core, cameras), IMU(core)
        self._pay = progress
        self.laps = Laps(core, maps, max_speed=self.motion.max_speed)
        super().__init__(
            core,
            cameras,
            action_space=self.motion.space,
            observation_space=Dict(rgb=self._rgb.space, depth=self._depth.space, imu=self._imu.space),
            time_limit=time_limit,
            **options,
        )

    @classmethod
    def default_maps(cls, *, seed: int = 0) -> MapSet:
        return mapgen.generate('track', 256, seed=seed)

    def _act(self, actions):
        self.motion.step(actions)
        physics.advance(self.core)
        self._earned = self._pay * self.laps.step()

    def _observe(self):
        view = self._render_view()
        return {'rgb': self._rgb.observe(view), 'depth': self._depth.observe(view), 'imu': self._imu.observe()}

    def _render_view(self):
        return rendering.render(self.core, self.cameras)

    def _outcome(self):
        return self._earned, self._nobody, self._nobody

    def _info(self):
        return self.laps.scores(self.lengths[:, None] / self.core.fps)
