"""Envs that are stepped for long take no more than at first; what leaks is found. See `benchmarks.proofs.growth`."""

import os

import pytest
import torch
from rollouts import FEW_RAYS

from benchmarks.proofs import growth
from envs import Minimal

CPU = torch.device('cpu')


@pytest.mark.parametrize('name', growth.TASKS)
def test_steps_leave_nothing(name):
    env = growth.TASKS[name](num_envs=growth.FEW, device=CPU, cameras=FEW_RAYS)
    holds, figures = growth.stepped(env, 80)
    assert holds, figures


@pytest.mark.parametrize('left', [lambda: [0], lambda: torch.zeros(1), lambda: os.dup(0)])
def test_what_each_step_leaves_is_found(left):
    class Leaking(Minimal):
        kept = []

        def step(self, actions):
            self.kept.append(left())
            return super().step(actions)

    env = Leaking(num_envs=growth.FEW, device=CPU, cameras=FEW_RAYS)
    holds, figures = growth.stepped(env, 80)
    for each in env.kept:
        if isinstance(each, int):
            os.close(each)
    assert not holds, figures
