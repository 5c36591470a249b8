"""Sensors: observations of what the agents see and do, a row an agent, env by env."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import gymnasium
import numpy as np
import torch
from gymnasium.spaces import Box, Dict
from jaxtyping import Float
from torch import Tensor

from megastep.world.cameras import CameraRig, checked, map_by_name
from megastep.world.core import Core
from megastep.world.kernels import compile_ahead, implementation
from megastep.world.rendering import View


class RGB:
    """RGB sensor: the colours that each camera sees, linear, 0 to 1.

    Cameras of several kinds have a picture each, by name.
    """

    def __init__(self, core: Core, cameras: CameraRig) -> None:
        self.space = _pictures(cameras, channels=(3,))

    def observe(self, view: View | Mapping[str, View]) -> Float[Tensor, 'row camera 3 pixel'] | dict[str, Tensor]:
        """Picks the colours out of a view.

        Raises:
            ValueError: if it was rendered without any.
        """
        return map_by_name(_colours, view)


class Depth:
    """Depth sensor: how near things are, 1 at the agent's rim, 0 at the cameras' ``max_depth`` and beyond.

    Cameras of several kinds have a picture each, by name.
    """

    def __init__(self, core: Core, cameras: CameraRig) -> None:
        self.space = _pictures(cameras, channels=())

    def observe(self, view: View | Mapping[str, View]) -> Float[Tensor, 'row camera pixel'] | dict[str, Tensor]:
        """Picks the depths out of a view."""
        return map_by_name(lambda seen: seen.depth.flatten(0, 1), view)


class IMU:
    """Inertial sensor: how an agent moves, in its own frame.

    That is forward and leftward in metres, and anticlockwise in turns, per second. Nothing limits how fast an agent may
    be, so the space has no bounds.
    """

    def __init__(self, core: Core) -> None:
        self._core = core
        self.space = Box(-np.inf, np.inf, (3,), dtype=np.float32)
        compile_ahead(core.device, partial(IMU.observe, self))

    def observe(self) -> Float[Tensor, 'row 3']:
        """Reads the agents' velocities."""
        core = self._core
        felt = torch.empty((core.num_envs * core.num_agents, 3), device=core.device)
        implementation(core.device).inertial(core, felt)
        return felt


def _colours(view: View) -> Float[Tensor, 'row camera 3 pixel']:
    if view.rgb is None:
        raise ValueError('the view must have colours, but was rendered with rgb=False.')
    return view.rgb.flatten(0, 1)


def _pictures(cameras: CameraRig, channels: tuple[int, ...]) -> gymnasium.Space:
    """The space of one agent's pictures, of values from 0 to 1."""
    boxes = map_by_name(
        lambda kind: Box(0, 1, (kind.num_cameras, *channels, kind.res), dtype=np.float32), checked(cameras)
    )
    return Dict(boxes) if isinstance(boxes, dict) else boxes
