"""Explore a house: paid for every bit of wall seen for the first time."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from gymnasium.spaces import Dict
from jaxtyping import Bool, Float, Int
from torch import Tensor

from megastep import mapgen, physics, rendering
from megastep.core import Cameras, Core
from megastep.env import Env
from megastep.geometry import Geometry
from megastep.mapset import MapSet
from megastep.motion import MomentumMovement
from megastep.scenery import Scenery
from megastep.sensors import IMU, RGB, Depth
from megastep.spawning import RandomSpawns


class Explorer(Env):
    """See as much wall as you can.

    The reward is the number of texels seen for the first time in the episode, divided by the cameras' pixels. What an
    episode's first observation shows counts as seen, and pays nothing. An episode is truncated once it has had
    ``patience`` steps and one for each texel seen: exploring buys time.

    Agents move with momentum, so that the IMU tells them what their last action alone doesn't.

    Args:
        maps: The maps; by default eight houses.
        num_envs: How many envs there are.
        device: Where they are; by default the GPU if there is one.
        fps: How many steps a second has.
        seed: Seeds the walls' colours and the envs.
        cameras: What the agent sees with.
        patience: How many steps an episode has that isn't bought by exploring.
        render_mode: ``'rgb_array'``, to call `render`.

    Raises:
        ValueError: if patience isn't an integer of at least 1.
    """

    def __init__(
        self,
        maps: MapSet | Sequence[Geometry] | None = None,
        num_envs: int = 64,
        device: str | torch.device | None = None,
        *,
        fps: float = 10,
        seed: int = 0,
        cameras: Cameras = Cameras(res=64, fov=130, subsample=4),  # noqa: B008, it is frozen
        patience: int = 200,
        render_mode: str | None = None,
    ) -> None:
        if not isinstance(patience, int) or patience < 1:
            raise ValueError(f'patience must be an integer of at least 1, got {patience!r}.')
        maps = mapgen.generate('house', 8, seed=0) if maps is None else maps
        core = Core(Scenery.pack(maps, device=device, seed=seed), num_envs, fps=fps, seed=seed)
        self._movement = MomentumMovement(core)
        self._rgb, self._depth, self._imu = RGB(core, cameras), Depth(core, cameras), IMU(core)
        self._spawns = RandomSpawns(core)
        self._sights = Sights(core)
        self._patience, self._pixels = patience, cameras.num_cameras * cameras.res
        super().__init__(
            core,
            cameras,
            action_space=self._movement.space,
            observation_space=Dict(rgb=self._rgb.space, depth=self._depth.space, imu=self._imu.space),
            render_mode=render_mode,
        )

    def _respawn(self, mask):
        self._spawns(mask)
        self._sights.forget(mask)

    def _act(self, actions):
        self._movement(actions)
        physics.advance(self.core)

    def _observe(self):
        view = rendering.render(self.core, self.cameras, per_ray=True)
        self._found = self._sights.remember(view.lines, view.locations)  # type: ignore[arg-type]  # per_ray gives both
        return {'rgb': self._rgb(view), 'depth': self._depth(view), 'imu': self._imu()}

    def _outcome(self):
        truncated = self.lengths >= self._patience + self._sights.counts
        return self._found[:, None] / self._pixels, torch.zeros_like(truncated), truncated


class Sights:
    """Which of their map's texels the agents of each env have seen.

    Args:
        core: The envs.

    Attributes:
        seen: (env, texel) bool. The last column is there for rays that hit no wall to write to.
        counts: How many texels have been seen: (env,) float32, which is exact up to 16 million.
    """

    def __init__(self, core: Core) -> None:
        self._core = core
        self._spare = int(core.scenery.albedo.widths.max())
        self._outlines = core.num_agents * core.scenery.lines_per_agent
        self.seen = torch.zeros((core.num_envs, self._spare + 1), dtype=torch.bool, device=core.device)
        self.counts = torch.zeros(core.num_envs, device=core.device)

    def forget(self, mask: Bool[Tensor, ' env']) -> None:
        """Forgets what was seen in the envs in the mask."""
        self.seen.masked_fill_(mask[:, None], False)
        self.counts.masked_fill_(mask, 0)

    def remember(
        self, lines: Int[Tensor, 'env agent camera ray'], locations: Float[Tensor, 'env agent camera ray']
    ) -> Float[Tensor, ' env']:
        """Adds what rays hit, and returns how many of the texels are new."""
        self.seen.scatter_(1, self._texels(lines.flatten(1), locations.flatten(1)), True)
        before = self.counts.clone()
        torch.sum(self.seen[:, :-1], dim=1, dtype=torch.float32, out=self.counts)  # a quarter of an integer sum's time
        return self.counts - before

    def _texels(self, lines: Int[Tensor, 'env ray'], locations: Float[Tensor, 'env ray']) -> Int[Tensor, 'env ray']:
        """The texel of its map that each ray hits; for rays that hit no wall, the spare column."""
        scenery, map_ids = self._core.scenery, self._core.map_ids
        missed = lines < self._outlines
        walls = lines + (scenery.walls.starts[map_ids] - self._outlines)[:, None]
        walls.masked_fill_(missed, 0)
        firsts, counts = scenery.texels[walls].unbind(-1)
        numbers = torch.minimum((locations * counts).int(), counts - 1)  # a location may be 1
        return (firsts + numbers).long().masked_fill_(missed, self._spare)
