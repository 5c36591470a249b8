"""Point-goal navigation: the goal is given from where one is, or from where one began, so that one must keep track."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from gymnasium.spaces import Dict, Space

from megastep import mapgen
from megastep.checks import check_choice, check_finite, check_numbers
from megastep.env import Env
from megastep.env.episode_starts import GoalStarts
from megastep.env.goals import PointGoalSensor, RandomGoals
from megastep.env.motion import MotionMaker, make_motion
from megastep.env.navigation import GeodesicField
from megastep.env.navigation_metrics import GoalTracker, goal_rewards
from megastep.env.sensors import IMU, RGB, Depth
from megastep.env.variation import make_world
from megastep.maps.geometry import Geometry
from megastep.maps.mapset import MapSet
from megastep.world import physics, rendering
from megastep.world.cameras import CameraRig, Cameras
from megastep.world.overlays import BatchedOverlay, Marks, Points

SLACK = 0.1
"""A path that is longer than the reach by no more than this, in metres, may be one in the open that was looked up."""


class PointGoal(Env):
    """Point-goal navigation, the goal given from where the episode began: how far and in which direction it was then.

    An episode begins at a spawn of the map, and its goal is another. It terminates in success once the agent is within
    ``reach`` of the goal, and is truncated after ``time_limit``. The reward is ``progress`` for each metre by which the
    shortest path to the goal has become shorter, which is reward shaping by a potential, less ``effort`` for each metre
    walked, and ``bonus`` for success; if it is sparse, the bonus alone.

    ``info`` has ``'success'``, ``'spl'``, ``'soft_spl'``, ``'distance_to_goal'`` in metres and ``'collisions'`` of each
    row's episode up to now, as `GoalTracker.scores` defines them, and ``'shortest_path'``, ``'metres_walked'``,
    ``'goal_x'`` and ``'goal_y'``: they are final where ``info['_episode']`` is true.
    `auxiliary` says where the goal is from where the agent is, which it has to work out.

    Args:
        maps: The maps; by default eight houses.
        num_envs: How many envs there are.
        device: Where they are; by default the GPU if there is one.
        fps: How many steps a second has.
        seed: Seeds the walls' colours and the envs.
        cameras: What the agent sees with: one kind of cameras, or several by name.
        nearest: The shortest path from start to goal is at least so long, in metres.
        furthest: And at most so long; None if there is no bound. A warning says what share of the pairs of spawns that
            leaves out, if it is more than half, as in mazes, apartment blocks and hotels.
        reach: How near the agent must come, in metres. From an agent's width up, which is 0.21 m, the shortest path
            counts too, so that nobody is there who stands behind a wall.
        time_limit: How long an episode is at most, in seconds.
        reward: ``'dense'`` or ``'sparse'``.
        progress: The reward for a metre of progress.
        effort: The cost of a metre walked. Turning costs nothing, so above 0 it pays to take the straight way.
        bonus: The reward for success.
        geodesic_field: The maps' geodesic field; by default it is computed: see `GeodesicField.pack`.
        motion: How agents move: one of `MOTIONS` by name, or a function that, given the core, makes a motion.
        options: What every env takes: see `make_world` and `Env`.

    Raises:
        ValueError: if the reward isn't known, reach isn't above 0 m and below nearest, the time limit isn't above 0 s,
            a weight isn't finite, a map has no two spawns whose shortest path is in the range, or the geodesic field
            isn't that of the maps and of agents so large.
    """

    auxiliary_space: Space | None = PointGoalSensor.space
    scores = ('success', 'spl', 'soft_spl', 'distance_to_goal', 'collisions')
    lower_is_better = ('distance_to_goal', 'collisions')
    measures = ('shortest_path', 'metres_walked', 'goal_x', 'goal_y')
    episode_starts = GoalStarts()

    def __init__(
        self,
        maps: MapSet | Sequence[Geometry] | None = None,
        num_envs: int = 64,
        device: str | torch.device | None = None,
        *,
        fps: float = 10,
        seed: int = 0,
        cameras: CameraRig = Cameras(res=64, fov=130, subsample=1),  # noqa: B008, it is frozen
        nearest: float = 1.0,
        furthest: float | None = 10.0,
        reach: float = 0.2,
        time_limit: float = 50.0,
        motion: str | MotionMaker = 'simple',
        reward: str = 'dense',
        progress: float = 1.0,
        effort: float = 0.0,
        bonus: float = 2.5,
        geodesic_field: GeodesicField | None = None,
        **options: Any,
    ) -> None:
        check_choice(('dense', 'sparse'), reward=reward)
        check_finite(progress=progress, effort=effort, bonus=bonus)
        check_numbers(reach=reach, nearest=nearest)
        if not 0 < reach < nearest:
            raise ValueError(f'reach must be above 0 m and below nearest, {nearest:g} m, got {reach}.')
        maps = mapgen.generate('house', 8, seed=0) if maps is None else maps
        core, cameras, options = make_world(maps, num_envs, device, fps=fps, seed=seed, cameras=cameras, **options)
        self.motion = make_motion(motion, core)
        self._rgb, self._depth = RGB(core, cameras), Depth(core, cameras)
        self._imu, self._goal_sensor = IMU(core), PointGoalSensor()
        self._goals = RandomGoals(core, maps, nearest=nearest, furthest=furthest)
        if geodesic_field is None:
            geodesic_field = GeodesicField.pack(maps, core.device, agent_radius=core.agent_radius)
        self._tracker = GoalTracker(core, self._goals, geodesic_field)
        self._reach, self._may_be_beyond_a_wall = reach, reach > 2 * core.agent_radius
        paid = (progress, effort) if reward == 'dense' else (0.0, 0.0)
        self._worth = dict(zip(('progress', 'effort', 'bonus'), (*paid, bonus), strict=True))
        self._success = torch.zeros_like(core.agents.angles, dtype=torch.bool)
        super().__init__(
            core,
            cameras,
            action_space=self.motion.space,
            observation_space=Dict(
                rgb=self._rgb.space, depth=self._depth.space, imu=self._imu.space, goal=self._goal_sensor.space
            ),
            time_limit=time_limit,
            **options,
        )

    def _act(self, actions):
        self.motion.step(actions)
        physics.advance(self.core)
        self._nearer, self._walked = self._tracker.step()

    def _observe(self):
        view = self._render_view()
        seen = {'rgb': self._rgb.observe(view), 'depth': self._depth.observe(view), 'imu': self._imu.observe()}
        return {**seen, 'goal': self._goal_sensor.observe(self._goals.current.positions, *self._origin())}

    def _origin(self):
        """The frame that the goal is told in: positions and angles."""
        return self._goals.current.starts, self._goals.current.bearings

    def auxiliary(self):
        agents = self.core.agents
        return self._goal_sensor.observe(self._goals.current.positions, agents.positions, agents.angles)

    def _render_view(self):
        return rendering.render(self.core, self.cameras)

    def _outcome(self):
        self._success = self._goals.reached(self._reach)
        if self._may_be_beyond_a_wall:
            self._success &= self._tracker.remaining <= self._reach + SLACK
        rewards = goal_rewards(self._nearer, self._walked, self._success, **self._worth)
        return rewards, self._success[:, 0], self._nobody

    def _info(self):
        return self._tracker.scores(self._success)

    def _batched_overlays(self):
        goals = BatchedOverlay(Points, positions=self._goals.current.positions)
        return [goals, BatchedOverlay(_arrivals, success=self._success, over=self.core.over)]

    def _batched_values(self):
        return {'distance': self._tracker.remaining}


def _arrivals(success, over):
    return Marks(success & over, 'success')


class Waypoint(PointGoal):
    """Point-goal navigation, the goal given from where one is: how far and in which direction. Else as `PointGoal`."""

    auxiliary_space = None  # there is nothing to work out

    @classmethod
    def default_maps(cls, *, seed: int = 0) -> MapSet:
        return mapgen.generate('arena', 8, seed=seed, width=(6, 9), height=(6, 9), cover=(0.02, 0.06))

    def _origin(self):
        return self.core.agents.positions, self.core.agents.angles
