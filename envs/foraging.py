"""Foraging: gather the items that lie about. A tutorial, docs/tutorials/foraging.md, builds it up."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from gymnasium.spaces import Dict
from jaxtyping import Bool, Float, Int64
from torch import Tensor

from megastep import mapgen
from megastep.checks import check_above_zero, check_counts, check_crowd
from megastep.env import Env
from megastep.env.motion import MotionMaker, make_motion
from megastep.env.sensors import IMU, RGB, Depth
from megastep.env.spawning import RandomSpawns
from megastep.env.variation import make_world
from megastep.maps.geometry import Geometry
from megastep.maps.mapset import MapSet
from megastep.world import physics, rendering
from megastep.world.cameras import CameraRig, Cameras
from megastep.world.core import Core

COLOUR = (1.0, 0.9, 0.0)  # brighter than any wall, and neither green nor red as agents are


class Items:
    """Items to gather: markers that vanish when they are touched, and come back at another spawn of their map.

    An item that several agents touch in a step goes to the nearest. Several kinds of items are as many parts, each of
    other markers.

    Args:
        core: The envs.
        which: Which of their markers are these items; by default all.
        radius: An item's, in metres.
        colour: An item's: red, green and blue from 0 to 1.
        regrowth: How long an item is gone on average, in seconds; it is as likely to come back at any time. Infinite if
            it never does.

    Attributes:
        taken: How many each agent has taken in its episode: (env, agent) int64.

    Raises:
        ValueError: if the radius or the regrowth isn't above 0.
    """

    def __init__(
        self,
        core: Core,
        *,
        which: slice = slice(None),
        radius: float = 0.15,
        colour: tuple[float, float, float] = COLOUR,
        regrowth: float = 10.0,
    ) -> None:
        check_above_zero(radius=radius, regrowth=regrowth)
        self._core, self._which, self._reach = core, which, radius + core.agent_radius
        self._chance = 1 / max(regrowth * core.fps, 1)
        core.markers.radii[:, which] = radius
        core.markers.colours[:, which] = torch.tensor(colour, device=core.device)
        self._numbers = torch.arange(core.num_agents, device=core.device).view(-1, 1)
        self.taken = torch.zeros((core.num_envs, core.num_agents), dtype=torch.int64, device=core.device)

    @property
    def state(self) -> dict[str, Tensor]:
        """The items that each agent has taken in its episode. Where items lie is the core's state."""
        return {'taken': self.taken}

    @property
    def positions(self) -> Float[Tensor, 'env item 2']:
        """Positions of the items, in metres, also of those that aren't there."""
        return self._core.markers.positions[:, self._which]

    @property
    def visible(self) -> Bool[Tensor, 'env item']:
        """Presence of the items: which are there to be taken."""
        return self._core.markers.visible[:, self._which]

    def reset(self, mask: Bool[Tensor, ' env']) -> None:
        """Strews all items anew in the envs in the mask."""
        self._strew(mask[:, None].expand_as(self.visible))
        self.taken.masked_fill_(mask[:, None], 0)

    def step(self) -> Int64[Tensor, 'env agent']:
        """Lets items come back, and agents take those that they touch. Returns how many each takes."""
        core, visible = self._core, self.visible
        chances = core.random.uniform_(torch.empty(visible.shape, device=core.device))
        self._strew(~visible & (chances < self._chance))
        distances = (core.agents.positions[:, :, None] - self.positions[:, None]).norm(dim=-1)  # (env, agent, item)
        nearest, agents = distances.min(dim=1)
        touched = visible & (nearest <= self._reach)
        visible.masked_fill_(touched, False)
        gains = (touched[:, None] & (agents[:, None] == self._numbers)).sum(dim=-1)
        self.taken.add_(gains)
        return gains

    def _strew(self, mask: Bool[Tensor, 'env item']) -> None:
        """Puts the items in the mask at spawns of their map."""
        core, spawns, positions = self._core, self._core.scenery.spawns, self.positions
        first, count = spawns.starts[core.map_ids, None], spawns.widths[core.map_ids, None]
        places = spawns.vals[first + core.random.integers(mask.shape) % count]
        torch.where(mask[..., None], places, positions, out=positions)
        self.visible.logical_or_(mask)


class Foraging(Env):
    """Foraging: gather as many items as you can.

    Items lie at spawns of the map. Whoever touches one takes it, which pays 1; after a while it lies somewhere else. An
    episode is truncated after ``time_limit``. ``info['items']`` is how many each row has taken in its episode. A
    world's agents are neighbouring rows.

    Args:
        maps: The maps; by default eight houses.
        num_envs: How many agents there are in all: a multiple of ``num_agents``.
        device: Where they are; by default the GPU if there is one.
        num_agents: How many agents a world has.
        fps: How many steps a second has.
        seed: Seeds the walls' colours and the envs.
        cameras: What the agents see with: one kind of cameras, or several by name.
        num_items: How many items a world has.
        regrowth: How long an item that was taken is gone on average, in seconds.
        items: What makes them: `Items`, or a function that takes a core and the regrowth as that does.
        time_limit: How long an episode is, in seconds.
        motion: How agents move: one of `MOTIONS` by name, or a function that, given the core, makes a motion.
        options: What every env takes: see `make_world` and `Env`.

    Raises:
        ValueError: if a value is out of range, or a map has too few spawns for the agents.
    """

    scores = ('items',)

    def __init__(
        self,
        maps: MapSet | Sequence[Geometry] | None = None,
        num_envs: int = 64,
        device: str | torch.device | None = None,
        *,
        num_agents: int = 1,
        fps: float = 10,
        seed: int = 0,
        cameras: CameraRig = Cameras(res=64, fov=130, subsample=2),  # noqa: B008, it is frozen
        num_items: int = 12,
        regrowth: float = 10.0,
        items: Callable[..., Items] = Items,
        time_limit: float = 30.0,
        motion: str | MotionMaker = 'simple',
        **options: Any,
    ) -> None:
        check_crowd(num_envs, num_agents, fewest=1, most=8)
        check_counts(num_items=num_items)
        maps = mapgen.generate('house', 8, seed=0) if maps is None else maps
        core, cameras, options = make_world(
            maps, num_envs // num_agents, device, num_agents=num_agents, num_markers=num_items, fps=fps, seed=seed,
            cameras=cameras, **options,
        )  # fmt: skip
        self.motion = make_motion(motion, core)
        self._rgb, self._depth, self._imu = RGB(core, cameras), Depth(core, cameras), IMU(core)
        self._spawns = RandomSpawns(core)
        self.items = items(core, regrowth=regrowth)
        seen = Dict(rgb=self._rgb.space, depth=self._depth.space, imu=self._imu.space)
        super().__init__(
            core, cameras, action_space=self.motion.space, observation_space=seen, time_limit=time_limit, **options
        )

    def _act(self, actions):
        self.motion.step(actions)
        physics.advance(self.core)
        self._gains = self.items.step()

    def _observe(self):
        view = self._render_view()
        return {'rgb': self._rgb.observe(view), 'depth': self._depth.observe(view), 'imu': self._imu.observe()}

    def _render_view(self):
        return rendering.render(self.core, self.cameras)

    def _outcome(self):
        return self._gains.float(), self._nobody, self._nobody

    def _info(self):
        return {'items': self.items.taken}
