"""Turns what the agents see and do into observations: a row an agent, env by env."""

from __future__ import annotations

import numpy as np
import torch
from gymnasium.spaces import Box
from jaxtyping import Float
from torch import Tensor

from megastep.core import Cameras, Core
from megastep.motion import headings
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
        x, y = self._agents.velocities.unbind(-1)
        cos, sin = headings(self._agents.angles).unbind(-1)
        turns = self._agents.angular_velocities / 360
        return torch.stack([x * cos + y * sin, y * cos - x * sin, turns], dim=-1).flatten(0, 1)
