"""Vector envs of a few lines, to learn in: what they pay depends on little, and it is known how much can be earned."""

from types import SimpleNamespace

import torch
from gymnasium.spaces import Box, Dict, Discrete
from gymnasium.vector import AutoresetMode


class Bandit:
    """Pays 1 for one of four arms. Episodes have one step."""

    single_observation_space, single_action_space, auxiliary_space = Box(-1, 1, (2,)), Discrete(4), None
    metadata = {'autoreset_mode': AutoresetMode.NEXT_STEP}
    device, cuda_graph, scores, length = torch.device('cpu'), False, (), 1
    core = SimpleNamespace(scenery=SimpleNamespace(num_maps=1))

    def __init__(self, num_envs):
        self.num_envs = num_envs
        self.times = torch.zeros(num_envs, dtype=torch.int64)
        self.over = torch.zeros(num_envs, dtype=torch.bool)
        self.returns = torch.zeros(num_envs)

    def reset(self, *, seed=None):
        self.generator = torch.Generator().manual_seed(seed)
        self._begin(torch.ones_like(self.over))
        return self._observe(), {}

    def _begin(self, mask):
        self.times.masked_fill_(mask, 0)
        self.returns.masked_fill_(mask, 0)

    def _observe(self):
        return torch.ones(self.num_envs, 2)

    def _pay(self, actions):
        return (actions == 2).float()

    def step(self, actions):
        resets = self.over.clone()
        rewards = torch.where(resets, 0.0, self._pay(actions))
        self.times.add_(1)
        self.returns.add_(rewards)
        self._begin(resets)
        terminated = (self.times == self.length) & ~resets
        self.over.copy_(terminated)
        maps = torch.zeros_like(self.times)
        episode = {'return': self.returns.clone(), 'length': self.times.clone(), 'map_ids': maps}
        info = {'episode': episode, '_episode': terminated}
        return self._observe(), rewards, terminated, torch.zeros_like(terminated), info


class Memory(Bandit):
    """Shows one of two cues at the start, then nothing; pays 1 for the action that is the cue's, in the last step."""

    single_action_space, length = Discrete(2), 4

    def _begin(self, mask):
        super()._begin(mask)
        cues = torch.randint(2, (self.num_envs,), generator=self.generator)
        self.cues = torch.where(mask, cues, self.cues) if hasattr(self, 'cues') else cues

    def _observe(self):
        shown = torch.nn.functional.one_hot(self.cues, 2).float()
        return shown * (self.times == 0)[:, None]

    def _pay(self, actions):
        return ((actions == self.cues) & (self.times == self.length - 1)).float()


class Dial(Bandit):
    """Pays up to 1, and less the further an angle in degrees is from 90."""

    single_action_space = Box(-180, 180, (1,))

    def _pay(self, actions):
        return 1 - (actions[:, 0] - 90).abs() / 180


class Panel(Bandit):
    """Pays half for a dial as above, half for one of four buttons."""

    single_action_space = Dict(dial=Dial.single_action_space, button=Discrete(4))

    def _pay(self, actions):
        return Dial._pay(self, actions['dial']) / 2 + (actions['button'] == 2) / 2
