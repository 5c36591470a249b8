"""Turns what the agents see and do into observations: a row an agent, env by env."""

from __future__ import annotations

import numpy as np
import torch
from gymnasium.spaces import Box
from jaxtyping import Float
from torch import Tensor

from megastep.core import Cameras, Core
from megastep.motion import turned
from megastep.rendering import View


class RGB:
    """The colours each camera sees: linear, 0 to 1."""

    def __init__(self, core: Core, cameras: Cameras) -> None:
        self.space = Box(0, 1, (cameras.num_cameras, 3, cameras.res), dtype=np.float32)

    def __call__(self, view: View) -> Float[Tensor, 'row camera 3 pixel']:
        """Picks the colours out of a view."""
        return view.rgb.flatten(0, 1)


class Depth:
    """How near things are: 1 at the agent's rim, 0 at the cameras' ``max_depth`` and beyond."""

    def __init__(self, core: Core, cameras: Cameras) -> None:
        self.space = Box(0, 1, (cameras.num_cameras, cameras.res), dtype=np.float32)

    def __call__(self, view: View) -> Float[Tensor, 'row camera pixel']:
        """Picks the depths out of a view."""
        return view.depth.flatten(0, 1)


class IMU:
    """How an agent moves, in its own frame: forward and leftward in metres, and anticlockwise in turns, per second.

    Nothing limits how fast an agent may be, so the space has no bounds.
    """

    def __init__(self, core: Core) -> None:
        self._agents = core.agents
        self.space = Box(-np.inf, np.inf, (3,), dtype=np.float32)

    def __call__(self) -> Float[Tensor, 'row 3']:
        """Reads the agents' velocities."""
        agents = self._agents
        velocities = turned(agents.velocities, -agents.angles)
        return torch.cat([velocities, agents.angular_velocities[..., None] / 360], dim=-1).flatten(0, 1)
