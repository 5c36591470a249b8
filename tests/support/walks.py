"""An env of the tests' own, and what keeps the project's envs short and small."""

import numpy as np
import torch
from gymnasium.spaces import Box
from gymnasium.vector import AutoresetMode
from worlds import box

from envs import Explorer, Minimal
from megastep.env import Env
from megastep.env.motion import SimpleMovement
from megastep.env.spawning import RandomLifespans, RandomSpawns
from megastep.world import physics
from megastep.world.cameras import Cameras
from megastep.world.core import Core
from megastep.world.scenery import Scenery

TWO_RAYS = Cameras(res=2, subsample=1)
EYES = {'front': TWO_RAYS, 'sides': Cameras(res=1, subsample=1, mounts=((0, 0, 90), (0, 0, -90)))}
LIVES = {Minimal: {'shortest': 2, 'longest': 5}, Explorer: {'patience': 0.1}}


class Walk(Env):
    """An agent is told where it is, and paid for it. Its flaws are planted by the tests."""

    def __init__(self, mode=AutoresetMode.NEXT_STEP, *, longest=5, num_envs=6, num_agents=1, device='cpu', **options):
        spawns = np.stack(np.meshgrid(np.linspace(2, 8, 7), np.linspace(2, 8, 7)), axis=-1).reshape(-1, 2)
        core = Core(Scenery.pack([box(1, 1, 9, 9, spawns=spawns)], num_agents, device), num_envs)
        self._movement, self._spawns = SimpleMovement(core), RandomSpawns(core)
        self._lifespans = RandomLifespans(core, min(2, longest), longest)
        spaces = {'action_space': self._movement.space, 'observation_space': Box(0, 10, (2,)), **options}
        super().__init__(core, Cameras(), autoreset_mode=mode, **spaces)

    def _act(self, actions):
        self._movement.step(actions)
        physics.advance(self.core)
        self._expired = self._lifespans.step()

    def _observe(self):
        return self.core.agents.positions.flatten(0, 1).clone()

    def _outcome(self):
        return self.core.agents.positions[..., 0].clone(), torch.zeros_like(self._expired), self._expired
