"""Range finders: distances to what is around agents, for baselines, whatever cameras their env has."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from megastep.env.aiming import bearings
from megastep.world import rendering
from megastep.world.cameras import Cameras
from megastep.world.core import Core

ALL_AROUND = Cameras(res=16, fov=90, subsample=1, mounts=((0, 0, 0), (0, 0, 90), (0, 0, 180), (0, 0, -90)))
"""Four cameras that see all around: 64 rays."""


class RangeFinder:
    """Planar range finder (lidar): how far walls, other agents and markers are, ray by ray.

    Args:
        core: The envs.
        cameras: Where the rays go.

    Attributes:
        bearings: The rays' directions, in degrees to the left of straight ahead, -180 to 180: (ray,).
    """

    def __init__(self, core: Core, cameras: Cameras = ALL_AROUND) -> None:
        self._core, self._cameras = core, cameras
        around = np.array([[angle] for _, _, angle in cameras.mounts]) + bearings(cameras)
        self.bearings = torch.from_numpy((around.reshape(-1) + 180) % 360 - 180).float().to(core.device)

    def ranges(self) -> Float[Tensor, 'env agent ray']:
        """Measures the distances along the rays, in metres: at most the cameras' ``max_depth`` and a radius."""
        depth = rendering.render(self._core, self._cameras, rgb=False).depth
        return self._core.agent_radius + self._cameras.max_depth * (1 - depth.flatten(2))
