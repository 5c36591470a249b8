"""Displays of an env, for a person: its summary, snapshots of it, and pictures."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, SupportsFloat

import gymnasium
import numpy as np
import torch
from gymnasium.vector import AutoresetMode
from jaxtyping import UInt8

from megastep.env.hooks import TaskHooks
from megastep.env.interface.pictures import EnvSnapshot, Frames, plot
from megastep.env.nested import described
from megastep.world.cameras import CameraRig, by_name
from megastep.world.core import Core
from megastep.world.snapshot import Snapshot, take_snapshot

if TYPE_CHECKING:
    from torch import Tensor

    from megastep.plotting import Picture


class Drawable(TaskHooks):
    """Displays of a `megastep.env.Env`: what it shows of itself."""

    if TYPE_CHECKING:  # what an env has
        core: Core
        cameras: CameraRig
        device: torch.device
        num_envs: int
        spec: Any
        render_mode: str | None
        autoreset_mode: AutoresetMode
        single_action_space: gymnasium.Space
        single_observation_space: gymnasium.Space
        lengths: Tensor
        returns: Tensor
        _most: int | None
        _episode_runner: Any  # its EpisodeRunner, which builds on this folder
        _frame_drawer: Frames

        def _check_begun(self, method: str, env: int | None = None) -> None: ...

    def __repr__(self) -> str:
        """Summary of a line each: maps, cameras, what an agent observes and does, and how episodes end."""
        core, scenery = self.core, self.core.scenery
        name = type(self).__name__ if self.spec is None else f'{type(self).__name__}, {self.spec.id}'
        sizes = f'num_envs={self.num_envs}, num_agents={core.num_agents}, fps={core.fps:g}, device={str(self.device)!r}'
        most = '' if self._most is None else f', of {self._most} steps at most'
        lines = {
            'maps': f'{scenery.num_maps}, with {len(scenery.walls.vals):,} walls',
            'cameras': ', '.join(f'{kind} {each}'.strip() for kind, each in by_name(self.cameras).items()),
            'observations': described(self.single_observation_space),
            'actions': described(self.single_action_space),
            'episodes': f'{self.autoreset_mode.name}{most}',
        }
        return '\n'.join([f'{name}({sizes})', *(f'  {title}: {text}' for title, text in lines.items())])

    def snapshot(self, env: int) -> Snapshot:
        """Takes a snapshot of one env off the device, to be drawn by `plot_state`. Waits for the GPU.

        Raises:
            ValueError: if there is no such env.
            ClosedEnvironmentError: if this vector env is closed.
            ResetNeeded: if it hasn't been reset.
        """
        self._check_begun('snapshot', env)
        values: dict[str, SupportsFloat] = {
            'reward': self._episode_runner.rewards[env].mean(),
            'return': self.returns[env].mean(),
            'length': self.lengths[env],
            **self._values(env),
        }
        taken = take_snapshot(
            self.core, self.cameras, env, overlays=self._overlays(env), title=type(self).__name__, **values
        )
        return EnvSnapshot(**vars(taken))

    @staticmethod
    def plot_state(snapshot: Snapshot) -> Picture:
        """Draws what `snapshot` returned."""
        return plot(snapshot)

    def render(self, envs: int | Iterable[int] = 0) -> tuple[UInt8[np.ndarray, 'height width 3'], ...]:
        """Frames of some envs, drawn one after the other. Waits for the GPU.

        Args:
            envs: Which envs are drawn; by default the first alone.

        Returns:
            A frame for each env that is asked for.

        Raises:
            ValueError: if the render mode isn't ``'rgb_array'``, or there is no such env.
            ResetNeeded: if this vector env hasn't been reset.
        """
        if self.render_mode != 'rgb_array':
            raise ValueError(f"env.render() needs render_mode='rgb_array', got {self.render_mode!r}.")
        self._check_begun('render')
        numbers: Iterable[int] = [envs] if isinstance(envs, str) or not isinstance(envs, Iterable) else envs
        return tuple(self._frame_drawer.next(env, self.snapshot(env)) for env in numbers)
