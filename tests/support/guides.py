"""A scripted agent for the tests, with its map's shortest paths in hand."""

import torch

from megastep.env.motion import SimpleMovement
from megastep.world import physics
from megastep.world.core import Core

TURNS = 20
"""How many turns of one step go round."""

QUARTER = TURNS // 4
WALKS = (1, 3, 2, 4)
"""The actions that walk forward, and a quarter turn to the left of that, and so on."""

LEFT, RIGHT = 5, 6


class Guide:
    """Walks down the shortest paths: tries a step in each direction that it can turn to, and takes the best.

    It asks the physics where each step would lead and the geodesic field how far the goal is from there.
    """

    def __init__(self, env, field):
        self._env, core = env, env.core
        self._field = field
        self._tries = Core(core.scenery, core.num_envs * TURNS, core.fps, map_ids=core.map_ids.repeat_interleave(TURNS))
        self._walk = SimpleMovement(self._tries)
        self._turns = torch.arange(TURNS, device=core.device) * (360 / TURNS)
        self._walks = torch.tensor(WALKS, device=core.device)

    def __call__(self):
        core, tries = self._env.core, self._tries
        tries.map_ids = core.map_ids.repeat_interleave(TURNS)
        tries.agents.positions.copy_(core.agents.positions.repeat_interleave(TURNS, 0))
        tries.agents.angles.copy_((core.agents.angles + self._turns).view(-1, 1))
        self._walk.step(torch.ones_like(tries.contacts))
        physics.advance(tries)
        goals = self._env._goals.current.spawns.repeat_interleave(TURNS, 0)
        left = self._field.distances(tries.agents.positions, tries.map_ids, goals)
        best = left.view(-1, TURNS).argmin(dim=1)
        quarter, rest = (best + QUARTER // 2) // QUARTER % 4, (best + QUARTER // 2) % QUARTER - QUARTER // 2
        turn = torch.where(rest > 0, LEFT, RIGHT)
        return torch.where(rest == 0, self._walks[quarter], turn)


def finished(env, field, steps, seed=0):
    """Each row's first episode's info, once all have ended, as the guide walks: NaN where one hasn't ended."""
    guide = Guide(env, field)
    env.reset(seed=seed)
    found = {name: torch.full((env.num_envs,), torch.nan) for name in ('success', 'spl', 'soft_spl')}
    ended = torch.zeros(env.num_envs, dtype=torch.bool)
    for _ in range(steps):
        info = env.step(guide())[4]
        now = info['_episode'].cpu() & ~ended
        for name, values in found.items():
            values[now] = info[name].cpu().float()[now]
        ended |= now
        if ended.all():
            break
    return found
