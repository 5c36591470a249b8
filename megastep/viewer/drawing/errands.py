"""Errands: an env of one agent that goes where it is sent, along the shortest path, in a map that was just drawn."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from gymnasium.spaces import Dict
from jaxtyping import Bool, Float
from torch import Tensor

from megastep.env import Env
from megastep.env.motion import Unicycle
from megastep.env.sensors import RGB, Depth
from megastep.env.spawning import RandomSpawns
from megastep.env.variation import make_world
from megastep.maps.geodesics import shortest_path
from megastep.maps.geometry import Geometry
from megastep.maps.mapset import MapSet
from megastep.maps.segments import clearances, windings
from megastep.world import physics, rendering
from megastep.world.cameras import Cameras
from megastep.world.overlays import Points, Segments

REACH = 0.1
"""An agent this near to its goal, in metres, is there."""

WIDE, TIGHT = 0.04, -0.002
"""By so much, in metres, paths are planned for larger agents, that they don't graze corners; and if there are none."""

LEGS = 24
"""So many legs of the path are drawn, at most."""

TRIES = 8
"""So many places are tried before an agent stays where it is."""

GOAL_COLOUR = (1.0, 0.11, 0.47)
"""In linear RGB."""

AHEAD = 20.0
"""Within so many degrees of straight ahead, an agent drives at full speed."""


class Errands(Env):
    """Errands: one agent goes to a place and, once it is there, to another. The reward is the way made, in metres.

    It runs on the CPU, one env alone, for maps that were just drawn.

    Args:
        maps: The map, in a set of one.
        seed: Seeds the walls' colours, and the places.
    """

    def __init__(self, maps: MapSet, *, seed: int = 0) -> None:
        core, cameras, options = make_world(maps, 1, 'cpu', seed=seed, cameras=Cameras(res=96, fov=110))
        self.motion, self._spawns = Unicycle(core, speed=1.5), RandomSpawns(core)
        self._rgb, self._depth = RGB(core, cameras), Depth(core, cameras)
        self._walls = core.scenery.walls[0].double().numpy()
        self._places = Geometry.from_walls(maps[0].walls, inside=maps[0].spawns[0]).spawns  # all over it
        self._goal, self._left = (torch.zeros(shape, device=core.device) for shape in ((1, 2), (1,)))
        self.way: Float[np.ndarray, 'point 2'] = np.empty((0, 2))
        super().__init__(
            core,
            cameras,
            action_space=self.motion.space,
            observation_space=Dict(rgb=self._rgb.space, depth=self._depth.space),
            kept={'goal': self._goal, 'left': self._left},
            **options,
        )

    def send(self, x: float, y: float) -> bool:
        """Sends the agent to a place, in metres. Returns whether there is a way; if not, nothing happens."""
        goal = np.array([x, y])
        way = self._way_to(goal)
        if not len(way):
            return False
        self._goal[0] = torch.as_tensor(goal, device=self.device)
        self.way, self._left[0] = way, _length(way)
        return True

    def _respawn(self, mask):
        super()._respawn(mask)
        if bool(mask[0]):
            self._go_on()

    def _go_on(self):
        """Sends the agent to the first of some places, drawn at random, that there is a way to."""
        draws = self.core.random.integers((1, TRIES)).flatten().tolist()
        any(self.send(*self._places[draw % len(self._places)].tolist()) for draw in draws)

    def _act(self, actions):
        self.motion.step(actions)
        physics.advance(self.core)
        before = float(self._left)
        self.way = self._way_to(self._goal[0].double().numpy())
        self._left[0] = _length(self.way) if len(self.way) else before
        self._made = before - self._left[:, None]
        if float(self._left) < REACH:
            self._go_on()

    def _way_to(self, goal):
        start = self.core.agents.positions[0, 0].double().numpy()
        if not is_free(goal, self._walls, self.core.agent_radius):
            return np.empty((0, 2))
        for margin in (WIDE, TIGHT):
            way = shortest_path(self._walls, start, goal, self.core.agent_radius + margin)
            if len(way):
                return way
        return np.empty((0, 2))

    def _observe(self):
        view = rendering.render(self.core, self.cameras)
        return {'rgb': self._rgb.observe(view), 'depth': self._depth.observe(view)}

    def _outcome(self):
        return self._made, self._nobody, self._nobody

    def _overlays(self, env):
        legs = np.full((LEGS, 2, 2), np.nan)
        if len(self.way):
            shown = np.stack([self.way[:-1], self.way[1:]], axis=1)[:LEGS]
            legs[: len(shown)] = shown
        return [Segments(legs, np.tile(GOAL_COLOUR, (LEGS, 1))), Points(self._goal, np.array([GOAL_COLOUR]))]

    def _values(self, env):
        return {'metres_to_go': self._left}


def is_free(place: Float[np.ndarray, ' 2'], walls: Float[np.ndarray, 'wall 2 2'], radius: float) -> bool:
    """True if a disc with this radius, in metres, may stand at a place."""
    return bool(windings(place[None], walls)[0] == 1 and clearances(place[None], walls)[0] >= radius)


def make_walker(env: Errands) -> Any:
    """The scripted agent of errands: turns towards the next bend of the path, and drives once it is ahead."""
    turn_speed, speed = float(env.motion.space.high[1]), env.motion.max_speed

    def act(observations: Any, begins: Bool[Tensor, ' row']) -> Tensor:
        if len(env.way) < 2:
            return torch.zeros((1, 2), device=env.device)
        x, y = env.way[1] - env.way[0]
        bearing = (math.degrees(math.atan2(y, x)) - float(env.core.agents.angles) + 180) % 360 - 180
        ahead = min(max((2 * AHEAD - abs(bearing)) / AHEAD, 0.0), 1.0)
        drive = min(math.hypot(x, y) * env.core.fps, speed) * ahead
        turn = min(max(bearing * env.core.fps, -turn_speed), turn_speed)
        return torch.tensor([[drive, turn]], device=env.device)

    return act


def _length(way: Float[np.ndarray, 'point 2']) -> float:
    return float(np.hypot(*np.diff(way, axis=0).T).sum())
