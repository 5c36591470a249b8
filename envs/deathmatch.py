"""Deathmatch: two to eight agents in an arena shoot at whoever is in the middle of their view."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from gymnasium.spaces import Dict, Discrete

from megastep import mapgen, physics, rendering
from megastep.core import Cameras, Core
from megastep.env import Env
from megastep.geometry import Geometry
from megastep.mapset import MapSet
from megastep.motion import MomentumMovement
from megastep.rigs import Rig
from megastep.scenery import Scenery
from megastep.sensors import IMU, RGB, Depth
from megastep.shooting import EVENTS, Aim, Combat, in_sight
from megastep.snapshot import Snapshot
from megastep.spawning import FarSpawns

MOVEMENTS = 7
TURNING, DECAY = 225.0, 2.5  # degrees per second², per second: see `MomentumMovement`
REWARDS = ('shaped', 'classic')


class Deathmatch(Env):
    """Shoot the others, and don't get shot.

    In each step every agent first shoots at whoever was within its aim in its last observation, if it has cooled down;
    all at once. Then all move. Those who have died are put at spawns far from the others, unhurt, while the others play
    on; they are never seen dead. Episodes are truncated after ``max_length`` steps.

    The shaped reward is ``hit_reward`` times the share of its health that an agent took off others, less that which it
    lost; ``kill_reward`` for a kill, and that much less for its death; and ``aim_reward`` and ``sight_reward`` for each
    second that it has another within its aim, and anywhere in view. The classic reward is 1 for a hit.

    One step of turning turns an agent by 90 / fps degrees until it rests: 9 by default, less than the aim is wide.

    To a learner each agent is an env: a world's agents are neighbouring rows. ``info`` has each row's ``'world'``, the
    ``'opponent'`` within its aim, by its number in the world, -1 for none, and its `EVENTS` in the episode up to now.

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
        trigger: Whether agents decide when to shoot. If so there are 7 more actions, the same movements with a shot,
            and a shot at nobody has to cool down too. If not they shoot whenever they would hit.
        candidates: How many spawns are drawn to choose the furthest from: see `FarSpawns`.
        spread: New agents face the middle of the others, give or take so many degrees; 180 is anywhere.
        reward: ``'shaped'`` or ``'classic'``.
        hit_reward: See above.
        kill_reward: See above.
        aim_reward: See above.
        sight_reward: See above.
        max_length: How many steps an episode has.
        options: What every `Env` takes: ``render_mode``, ``autoreset_mode``, ``cuda_graph`` and ``copy``.

    Raises:
        ValueError: if a value is out of range, or a map has too few spawns for the agents.
    """

    def __init__(
        self,
        maps: MapSet | Sequence[Geometry] | None = None,
        num_envs: int = 64,
        device: str | torch.device | None = None,
        *,
        num_agents: int = 4,
        fps: float = 10,
        seed: int = 0,
        cameras: Rig = Cameras(res=128, fov=100, subsample=4),  # noqa: B008, it is frozen
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
        max_length: int = 600,
        **options: Any,
    ) -> None:
        _check(num_agents, num_envs, reward, max_length)
        _check_finite(hit_reward=hit_reward, kill_reward=kill_reward, aim_reward=aim_reward, sight_reward=sight_reward)
        maps = mapgen.generate('arena', 8, seed=0, width=(8, 12), height=(8, 12)) if maps is None else maps
        scenery = Scenery.pack(maps, num_agents=num_agents, device=device, seed=seed)
        core = Core(scenery, num_envs // num_agents, fps=fps, seed=seed)
        self._movement = MomentumMovement(core, angular_acceleration=TURNING, decay=DECAY)
        self._rgb, self._depth, self._imu = RGB(core, cameras), Depth(core, cameras), IMU(core)
        self._spawns = FarSpawns(core, candidates=candidates, spread=spread)
        self._aim = Aim(core, cameras, degrees=aim, max_range=max_range)
        self._combat = Combat(core, health=health, cooldown=cooldown)
        self._trigger, self._max_length = trigger, max_length
        values = (
            {
                'aims': aim_reward / fps,
                'hits': hit_reward / health,
                'wounds': -hit_reward / health,
                'kills': kill_reward,
                'deaths': -kill_reward,
            }
            if reward == 'shaped'
            else {'hits': 1.0}
        )
        self._values = torch.tensor([[[values.get(name, 0.0)]] for name in EVENTS], device=core.device)
        self._sight_reward = sight_reward / fps if reward == 'shaped' else 0.0
        self._tally = torch.zeros((len(EVENTS), core.num_envs, num_agents), dtype=torch.int64, device=core.device)
        self._worlds = torch.arange(num_envs, device=core.device).view(-1, num_agents) // num_agents
        self._never = torch.zeros(core.num_envs, dtype=torch.bool, device=core.device)
        super().__init__(
            core,
            cameras,
            action_space=Discrete(2 * MOVEMENTS if trigger else MOVEMENTS),
            observation_space=Dict(
                rgb=self._rgb.space, depth=self._depth.space, imu=self._imu.space,
                health=self._combat.space, cooldown=self._combat.space,
            ),
            kept={'targets': self._aim.targets, 'tally': self._tally.transpose(0, 1),
                  'health': self._combat.health, 'waits': self._combat.waits},
            **options,
        )  # fmt: skip

    def _respawn(self, mask):
        new = mask[:, None] | (self._combat.health <= 0)
        self._spawns(new)
        self._combat.restart(new)
        self._tally.masked_fill_(mask[:, None], 0)

    def _act(self, actions):
        shoots = (actions >= MOVEMENTS) & (actions < 2 * MOVEMENTS) if self._trigger else None
        self._events = self._combat.fire(self._aim.targets, shoots)
        self._tally.add_(self._events)
        self._movement(actions if shoots is None else actions - MOVEMENTS * shoots)
        physics.advance(self.core)

    def _observe(self):
        view = rendering.render(self.core, self.cameras, per_ray=True)
        self._aim(view)
        health, cooldown = self._combat.observe()
        if self._sight_reward:
            self._sighted = in_sight(self.core, view)
        return {
            'rgb': self._rgb(view), 'depth': self._depth(view), 'imu': self._imu(),
            'health': health, 'cooldown': cooldown,
        }  # fmt: skip

    def _outcome(self):
        rewards = (self._values * self._events).sum(dim=0)
        if self._sight_reward:
            rewards = rewards.add(self._sighted, alpha=self._sight_reward)
        return rewards, self._never, self.lengths >= self._max_length

    def state(self, env: int) -> Snapshot:
        """Copies one env off the device, to be drawn by `plot_state`: with health, and the shots about to be fired.

        With a trigger, those are the shots of those who would hit if they pulled it. Waits for the GPU.

        Raises:
            ValueError: if there is no such env.
        """
        taken = super().state(env)
        ready = (self._combat.waits[env] <= 0).cpu().numpy()
        targets, places = self._aim.targets[env].cpu().numpy(), taken.positions
        shots = np.where((ready & (targets >= 0))[:, None, None], np.stack([places, places[targets]], axis=1), np.nan)
        health = (self._combat.health[env] / self._combat.full_health).cpu().numpy()
        kills = {name: float(self._tally[EVENTS.index(name), env].sum()) for name in ('hits', 'kills')}
        return replace(taken, health=health, shots=shots, values=taken.values | kills)

    def _info(self):
        return {'world': self._worlds, 'opponent': self._aim.targets, **dict(zip(EVENTS, self._tally, strict=True))}


def _check(num_agents: int, num_envs: int, reward: str, max_length: int) -> None:
    if not isinstance(num_agents, int) or not 2 <= num_agents <= 8:
        raise ValueError(f'num_agents must be an integer from 2 to 8, got {num_agents!r}.')
    if not isinstance(num_envs, int) or num_envs < 1 or num_envs % num_agents:
        raise ValueError(f'num_envs must be a multiple of num_agents, {num_agents}, got {num_envs!r}.')
    if reward not in REWARDS:
        raise ValueError(f'reward must be one of {", ".join(map(repr, REWARDS))}, got {reward!r}.')
    if not isinstance(max_length, int) or max_length < 1:
        raise ValueError(f'max_length must be an integer of at least 1, got {max_length!r}.')


def _check_finite(**amounts: float) -> None:
    for name, amount in amounts.items():
        if not math.isfinite(amount):
            raise ValueError(f'{name} must be finite, got {amount}.')
