"""Envs whose episodes end as a test wants, for what other libraries make of ends."""

import torch
from gymnasium.vector import AutoresetMode
from walks import Walk

STEPS = 3
"""How many steps each of their episodes has."""


class Endings(Walk):
    """An agent a world, in three ways: row 0 is terminated, row 1 truncated, row 2 both at once; and so on."""

    def __init__(self, mode=AutoresetMode.NEXT_STEP, *, num_envs=3, **options):
        super().__init__(mode, longest=50, num_envs=num_envs, **options)
        self._ways = torch.arange(num_envs) % 3

    def _outcome(self):
        rewards, _, _ = super()._outcome()
        over = self.lengths >= STEPS
        return rewards, over & (self._ways != 1), over & (self._ways != 0)


def walking(env, step):
    """Actions of a step: rows turn, and go forwards, each at another time."""
    return (torch.arange(env.num_envs) + step) % 7
