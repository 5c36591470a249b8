"""What users of PettingZoo have reported of parallel envs, and isn't so here.

| thread | report |
|---|---|
| PettingZoo 210, 387, 513 | agents stay after their end, or are gone before their last observation |
| PettingZoo 1126, SuperSuit 233 | what an episode was truncated in can't be seen |
| PettingZoo 156, 558, 669 | a seed doesn't repeat a game, or others' random numbers change it |
| PettingZoo 532, 1437 | a game is repeated for its first step alone |
| PettingZoo 401 | the number of agents isn't said |
| PettingZoo 652, 1273 | by turns, an end doesn't come for all agents at once |
| PettingZoo 1150 | its own tests fail: see test_pettingzoo.py, which runs all six |
"""

import numpy as np
import pytest
import torch
from endings import STEPS, Endings
from gymnasium.vector import AutoresetMode

pytest.importorskip('pettingzoo', reason='needs the extra pettingzoo')
from pettingzoo.utils.conversions import aec_to_parallel, parallel_to_aec

from megastep.adapters.pettingzoo import PettingZooEnv


def adapted():
    """Two agents in a world. Their episode is terminated, being its first."""
    return PettingZooEnv(Endings(AutoresetMode.DISABLED, num_envs=1, num_agents=2))


def played(env, seed):
    """All that a game returns, with agents that draw their actions."""
    found, (observations, _) = [], env.reset(seed=seed)
    for number, agent in enumerate(env.possible_agents):
        env.action_space(agent).seed(number)
    while env.agents:
        found.append([*observations.values()])
        observations, rewards, *_ = env.step({agent: env.action_space(agent).sample() for agent in env.agents})
        found.append([*rewards.values()])
    return [np.stack(each) for each in found]


def test_agents_leave_with_their_last_observation():
    """PettingZoo 210, 387, 513, 1126, SuperSuit 233."""
    env, plain = adapted(), Endings(AutoresetMode.DISABLED, num_envs=1, num_agents=2)
    env.reset(seed=0)
    plain.reset(seed=0)
    for step in range(STEPS):
        assert env.agents == ['agent_0', 'agent_1'] and env.num_agents == 2
        outputs = env.step(dict.fromkeys(env.agents, step))
        known, *_ = plain.step(torch.full((2,), step))
    assert env.agents == [] and all(set(each) == {'agent_0', 'agent_1'} for each in outputs)
    np.testing.assert_array_equal(list(outputs[0].values()), known)


def test_the_number_of_agents_is_said():
    """PettingZoo 401."""
    env = adapted()
    assert env.max_num_agents == 2 and env.num_agents == 0
    env.reset()
    assert env.num_agents == 2
    for _ in range(STEPS):
        env.step(dict.fromkeys(env.agents, 0))
    assert env.max_num_agents == 2 and env.num_agents == 0


def test_a_seed_repeats_a_whole_game_whatever_others_draw():
    """PettingZoo 156, 532, 558, 669, 1437."""
    one = played(adapted(), 5)
    np.random.seed(1)  # noqa: NPY002, as others' code does
    torch.manual_seed(1)
    again, other = played(adapted(), 5), played(adapted(), 6)
    assert len(one) == 2 * STEPS
    assert all(np.array_equal(a, b) for a, b in zip(one, again, strict=True))
    assert not any(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def test_games_by_turns_end_for_all_at_once():
    """PettingZoo 652, 1273: there and back again."""
    env, plain = aec_to_parallel(parallel_to_aec(adapted())), adapted()
    for each in (env, plain):
        each.reset(seed=0)
    for _ in range(STEPS):
        actions = dict.fromkeys(plain.agents, 1)
        found, known = env.step(actions), plain.step(actions)
        for one, other in zip(found[:4], known[:4], strict=True):
            assert {name: np.asarray(value).tolist() for name, value in one.items()} == {
                name: np.asarray(value).tolist() for name, value in other.items()
            }
    assert env.agents == plain.agents == []
