"""Deathmatch: two to eight agents in an arena shoot at whoever is in the middle of their view."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import torch
from gymnasium.spaces import Dict
from megastep.envs.gunner import DECAY, TURNING, Gunner

from megastep import mapgen
from megastep.checks import check_choice, check_crowd, check_finite
from megastep.env import Env
from megastep.env.aiming import Aim, in_sight
from megastep.env.combat import EVENTS, Combat, Score, Trigger
from megastep.env.episode_starts import FarStarts
from megastep.env.motion import MomentumMovement, MotionMaker, make_motion
from megastep.env.sensors import IMU, RGB, Depth
from megastep.env.spawning import FarSpawns
from megastep.env.variation import make_world
from megastep.maps.geometry import Geometry
from megastep.maps.mapset import MapSet
from megastep.world import physics, rendering
from megastep.world.cameras import CameraRig, Cameras
from megastep.world.overlays import BatchedOverlay, Marks


class Deathmatch(Env):
    """Multi-agent task: shoot the others, and don't get shot.

    In each step every agent first shoots at whoever was within its aim in its last observation, if it has cooled down;
    all at once. Then all move. Those who have died are put at spawns far from the others, unhurt, while the others play
    on; they are never seen dead. Episodes are truncated after ``time_limit``.

    One step of turning turns an agent by 90 / fps degrees until it rests: 9 by default, less than the aim is wide.

    To a learner each agent is an env: a world's agents are neighbouring rows. ``info`` has each row's ``'world'``, the
    ``'opponent'`` within its aim, by its number in the world, -1 for none, and what `Score` counts in the episode.

    Args:
        maps: The maps; by default eight arenas.
        num_envs: How many agents there are in all: a multiple of ``num_agents``.
        device: Where they are; by default the GPU if there is one.
        num_agents: How many agents a world has.
        fps: How many steps a second has.
        seed: Seeds the walls' colours and the envs.
        cameras: What the agents see with. They aim along the first.
        aim: How far to either side of the middle of its view an agent hits, in degrees: see `Aim`.
        max_range: How far it hits, in metres.
        health: How many hits it takes to kill an agent.
        cooldown: The least time between two shots, in seconds.
        trigger: Whether agents decide when to shoot. If so there are as many actions more, the same movements with a
            shot, or, where motion is continuous, a ``'trigger'`` beside the ``'motion'``; and a shot at nobody has to
            cool down too. If not they shoot whenever they would hit.
        candidates: How many spawns are drawn to choose the furthest from: see `FarSpawns`.
        spread: New agents face the middle of the others, give or take so many degrees; 180 is anywhere.
        reward: ``'shaped'``, the sum of the four below, or ``'classic'``, 1 for a hit.
        hit_reward: For the share of its health that an agent took off others, and as much less for what it lost.
        kill_reward: For a kill, and as much less for its own death.
        aim_reward: For each second that it has another within its aim.
        sight_reward: For each second that it has another anywhere in view.
        time_limit: How long an episode is, in seconds.
        motion: How agents move: one of `MOTIONS` by name, or a function that, given the core, makes a motion. By
            default with momentum, turning half as hard.
        options: What every env takes: see `make_world` and `Env`.

    Raises:
        ValueError: if a value is out of range, or a map has too few spawns for the agents.
    """

    scores = ('kills', 'deaths', 'hits', 'wounds', 'shots', 'aims')
    lower_is_better = ('deaths', 'wounds')
    episode_starts = FarStarts()

    def __init__(
        self,
        maps: MapSet | Sequence[Geometry] | None = None,
        num_envs: int = 64,
        device: str | torch.device | None = None,
        *,
        num_agents: int = 4,
        fps: float = 10,
        seed: int = 0,
        cameras: CameraRig = Cameras(res=128, fov=100, subsample=4),  # noqa: B008, it is frozen
        aim: float = 5.0,
        max_range: float = 8.0,
        health: int = 4,
        cooldown: float = 0.5,
        trigger: bool = False,
        candidates: int = 8,
        spread: float = 45.0,
        reward: str = 'shaped',
        hit_reward: float = 1.0,
        kill_reward: float = 1.0,
        aim_reward: float = 0.1,
        sight_reward: float = 0.0,
        time_limit: float = 60.0,
        motion: str | MotionMaker = partial(MomentumMovement, angular_acceleration=TURNING, decay=DECAY),  # noqa: B008
        **options: Any,
    ) -> None:
        check_crowd(num_envs, num_agents, fewest=2, most=8)
        check_choice(('shaped', 'classic'), reward=reward)
        check_finite(hit_reward=hit_reward, kill_reward=kill_reward, aim_reward=aim_reward, sight_reward=sight_reward)
        maps = mapgen.generate('arena', 8, seed=0, width=(8, 12), height=(8, 12)) if maps is None else maps
        core, cameras, options = make_world(
            maps, num_envs // num_agents, device, num_agents=num_agents, fps=fps, seed=seed, cameras=cameras, **options
        )
        self.motion = make_motion(motion, core)
        self._rgb, self._depth, self._imu = RGB(core, cameras), Depth(core, cameras), IMU(core)
        self._spawns = FarSpawns(core, candidates=candidates, spread=spread)
        self._aim = Aim(core, cameras, degrees=aim, max_range=max_range)
        self._combat = Combat(core, health=health, cooldown=cooldown)
        self._trigger = Trigger(self.motion.space) if trigger else None
        aims, hits, kills = aim_reward / fps, hit_reward / health, kill_reward
        shaped = {'aims': aims, 'hits': hits, 'wounds': -hits, 'kills': kills, 'deaths': -kills}
        self._score = Score(core, shaped if reward == 'shaped' else {'hits': 1.0})
        self._events = torch.zeros_like(self._score.counts)
        self._sight_reward = sight_reward / fps if reward == 'shaped' else 0.0
        self._per_ray = True if self._sight_reward else self._aim.per_ray
        self._worlds = torch.arange(num_envs, device=core.device).view(-1, num_agents) // num_agents
        actions = self.motion.space if self._trigger is None else self._trigger.space
        seen = Dict(rgb=self._rgb.space, depth=self._depth.space, imu=self._imu.space, **self._combat.spaces)
        super().__init__(core, cameras, action_space=actions, observation_space=seen, time_limit=time_limit, **options)

    @classmethod
    def default_maps(cls, *, seed: int = 0) -> MapSet:
        return mapgen.generate('arena', 64, seed=seed, width=(8, 12), height=(8, 12))

    def scripted_opponent(self) -> Gunner:
        return Gunner(self)

    def _respawn(self, mask):
        new = self._combat.fallen(mask)
        self._spawns.reset(new)
        self.motion.reset(new)
        self._combat.reset(new)
        self._score.reset(mask)

    def _act(self, actions):
        actions, shoots = (actions, None) if self._trigger is None else self._trigger.parted(actions)
        self._events = self._combat.step(self._aim.targets, shoots)
        self._earned = self._score.step(self._events)
        self.motion.step(actions)
        physics.advance(self.core)

    def _observe(self):
        view = self._render_view()
        self._aim.observe(view)
        if self._sight_reward:
            self._sighted = in_sight(self.core, view)
        seen = {'rgb': self._rgb.observe(view), 'depth': self._depth.observe(view), 'imu': self._imu.observe()}
        return {**seen, **self._combat.observe()}

    def _render_view(self):
        return rendering.render(self.core, self.cameras, per_ray=self._per_ray)

    def _outcome(self):
        rewards = self._earned
        if self._sight_reward:
            rewards = rewards.add(self._sighted, alpha=self._sight_reward)
        return rewards, self._nobody, self._nobody

    def _info(self):
        return {'world': self._worlds, 'opponent': self._aim.targets, **self._score.by_name()}

    def _batched_overlays(self):
        deaths = BatchedOverlay(_deaths, deaths=self._events[EVENTS.index('deaths')])
        return [*self._combat.batched_overlays(self._aim.targets), deaths]

    def _values(self, env):
        return self._score.totals(env, 'hits', 'kills')

    def _batched_values(self):
        return {}  # replays have these as infos, for each agent


def _deaths(deaths):
    return Marks(deaths > 0, 'death')
