"""Episode statistics: what a step's outcome does to returns and to what is over."""

import pytest
import torch
import worlds
from hypothesis import given, settings
from hypothesis import strategies as st

from megastep import numba, triton
from megastep.env import episode_info
from megastep.world.core import Core
from megastep.world.scenery import Scenery

LONG = 1 << 62


def core_of(num_envs, num_agents=1, device='cpu'):
    maps = [worlds.box()]
    return Core(Scenery.pack(maps, num_agents=num_agents, device=device), num_envs=num_envs)


def flags(*values):
    return torch.tensor([bool(value) for value in values])


def counted(core, outcome, resets, limits, returns):
    rewards = torch.empty_like(returns)
    return rewards, *episode_info.tally(core, outcome, resets, limits, rewards=rewards, returns=returns)


def test_an_episode_ends_by_the_task_by_its_cut_and_by_its_limit_and_none_that_begins():
    core = core_of(5)
    core.clocks[0] = torch.tensor([3, 3, 9, 3, 9])
    returns = torch.full((5, 1), 10.0)
    outcome = torch.tensor([[1.0], [2.0], [3.0], [4.0], [5.0]]), flags(1, 0, 0, 0, 1), flags(0, 1, 0, 0, 1)
    rewards, terminated, truncated, ended, seconds, lengths, _, *rows = counted(
        core, outcome, flags(0, 0, 0, 0, 1), torch.full((5,), 9), returns
    )
    assert terminated.tolist() == [True, False, False, False, False]
    assert truncated.tolist() == [False, True, True, False, False]
    assert core.over.tolist() == ended.tolist() == [True, True, True, False, False]
    assert torch.equal(lengths, core.clocks[0])
    assert rewards.tolist() == [[1], [2], [3], [4], [0]]
    assert returns.tolist() == [[11], [12], [13], [14], [0]]
    assert [row.tolist() for row in rows] == [[1, 2, 3, 4, 0], [11, 12, 13, 14, 0]]
    torch.testing.assert_close(seconds, core.clocks[0] / core.fps, rtol=0, atol=0)


def test_what_is_over_may_be_what_begins():
    core = core_of(3)
    core.over[:] = flags(1, 0, 1)
    nobody = torch.zeros_like(core.over)
    _, terminated, *_ = counted(
        core, (torch.ones(3, 1), ~nobody, nobody), core.over, torch.full((3,), LONG), torch.ones(3, 1)
    )
    assert core.over.tolist() == terminated.tolist() == [False, True, False]


def test_rewards_of_nan_are_kept_out_of_an_episode_that_begins():
    core, returns = core_of(2), torch.full((2, 1), torch.nan)
    nobody = torch.zeros_like(core.over)
    rewards, *_ = counted(
        core, (torch.full((2, 1), torch.nan), nobody, nobody), flags(1, 0), torch.full((2,), LONG), returns
    )
    assert rewards[0] == returns[0] == 0
    assert rewards[1].isnan() and returns[1].isnan()


def test_one_reward_may_be_for_all_agents_and_of_any_type():
    core, returns = core_of(2, 3), torch.zeros(2, 3)
    nobody = torch.zeros_like(core.over)
    rewards, *_ = counted(
        core, (torch.tensor([[True], [False]]), nobody, nobody), nobody, torch.full((2,), LONG), returns
    )
    assert rewards.tolist() == returns.tolist() == [[1, 1, 1], [0, 0, 0]]


def test_each_agent_has_a_row_and_rewards_may_be_any_view():
    core, returns = core_of(2, 3), torch.zeros(2, 3)
    core.clocks[0] = torch.tensor([4, 6])
    rewards = torch.arange(12.0).view(3, 2, 2)[..., 1].T  # strides that are not those of (env, agent)
    paid, terminated, truncated, ended, seconds, lengths, map_ids, *rows = counted(
        core, (rewards, flags(1, 0), flags(0, 0)), flags(0, 0), torch.full((2,), LONG), returns
    )
    assert torch.equal(paid, rewards)
    assert torch.equal(returns, rewards)
    assert all(torch.equal(row, rewards.flatten()) for row in rows)
    assert terminated.tolist() == ended.tolist() == [True] * 3 + [False] * 3
    assert not truncated.any()
    assert lengths.tolist() == [4] * 3 + [6] * 3
    torch.testing.assert_close(seconds, lengths / core.fps, rtol=0, atol=0)
    assert torch.equal(map_ids, core.map_ids.repeat_interleave(3))


@pytest.mark.parametrize(
    'shapes, message',
    [
        (((2,), (2,), (2,)), r'rewards must have shape \(env, agent\), here \(2, 3\), got \(2,\)'),
        (((3, 2), (2,), (2,)), r'rewards must have shape \(env, agent\), here \(2, 3\), got \(3, 2\)'),
        (((2, 1), (2, 1), (2,)), r'terminated must have shape \(env,\), here \(2,\), got \(2, 1\)'),
        (((2, 3), (2,), ()), r'truncated must have shape \(env,\), here \(2,\), got \(\)'),
    ],
)
def test_refuses_an_outcome_of_other_shapes(shapes, message):
    core = core_of(2, 3)
    with pytest.raises(ValueError, match=message):
        counted(core, [torch.zeros(shape) for shape in shapes], core.over, torch.full((2,), LONG), torch.zeros(2, 3))


@pytest.mark.parametrize('num_envs, num_agents', [(1, 1), (3, 2), (129, 3), (300, 1)])
def test_kernels_agree(num_envs, num_agents, device, poisoned, monkeypatch):
    """Bit by bit, on odd sizes."""
    kept = []
    for kernels, where in ((triton, device), (numba, 'cpu')):
        monkeypatch.setattr(episode_info, 'implementation', lambda _, kernels=kernels: kernels)
        generator = torch.Generator().manual_seed(num_envs)
        core = core_of(num_envs, num_agents, where)
        core.clocks[0] = torch.randint(9, (num_envs,), generator=generator).to(where)
        some = [(torch.rand(num_envs, generator=generator) < 0.3).to(where) for _ in range(3)]
        limits = torch.randint(1, 9, (num_envs,), generator=generator).to(where)
        rewards, returns = (torch.randn(num_envs, num_agents, generator=generator).to(where) for _ in range(2))
        core.over[:] = some[2]
        found = counted(core, (rewards, *some[:2]), core.over, limits, returns)
        kept.append([each.cpu() for each in (*found, core.over, returns)])
    assert all(torch.equal(one, other) for one, other in zip(*kept, strict=True))


@settings(max_examples=50, deadline=None)
@given(st.data())
def test_what_is_over_was_terminated_or_truncated_and_never_begins(data):
    number = data.draw(st.integers(1, 6))
    some = st.lists(st.booleans(), min_size=number, max_size=number)
    ended, cut, resets = (torch.tensor(data.draw(some)) for _ in range(3))
    core = core_of(number)
    core.clocks[0] = torch.tensor(data.draw(st.lists(st.integers(0, 5), min_size=number, max_size=number)))
    limits = torch.tensor(data.draw(st.lists(st.integers(1, 5), min_size=number, max_size=number)))
    _, terminated, truncated, *_ = counted(
        core, (torch.ones(number, 1), ended, cut), resets, limits, torch.zeros(number, 1)
    )
    assert torch.equal(terminated, ended & ~resets)
    assert torch.equal(truncated, (cut | (core.clocks[0] >= limits)) & ~resets)
    assert torch.equal(core.over, terminated | truncated)
