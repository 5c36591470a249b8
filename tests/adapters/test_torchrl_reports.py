"""What users of TorchRL have reported of batched envs, and isn't so here.

| thread | report |
|---|---|
| TorchRL 825, 1585, 2052, 3260 | a reset and a step have other keys, or a rollout has others than its specs |
| TorchRL 1766 | the batch's sizes of specs and data differ |
| TorchRL 3143 | values aren't in their specs |
| TorchRL 800 | a reset of some rows resets others: see test_torchrl.py |
| TorchRL 751, 756, 1015 | sums and counts of all rows begin anew where one has ended |
| TorchRL 1581, 2773, 4209 | advantages hold the next episode's values where one was truncated |
| TorchRL 856, 3238, 3352 | trajectories that are told apart are run together, or cut |
| TorchRL 1928 | a collector's data differ from a rollout's |
| TorchRL 3695 | it isn't said where episodes begin |
| TorchRL 2837, 3052 | rollouts hold on to graphs, or to tensors of before |
"""

import warnings
import weakref

import pytest
import torch
from endings import STEPS, Endings
from gymnasium.vector import AutoresetMode

pytest.importorskip('torchrl', reason='needs the extra torchrl')
from tensordict.nn import TensorDictModule
from torchrl.collectors import Collector
from torchrl.collectors.utils import split_trajectories
from torchrl.envs import Compose, InitTracker, RewardSum, StepCounter, TransformedEnv
from torchrl.objectives.value import GAE

from megastep.adapters.torchrl import TorchRLEnv


def adapted(*transforms):
    env = TorchRLEnv(Endings(AutoresetMode.DISABLED))
    return TransformedEnv(env, Compose(*transforms)) if transforms else env


def rollout(env, count=2 * STEPS + 1, seed=0, policy=None):
    env.set_seed(seed)
    torch.manual_seed(0)
    return env.rollout(count, policy, break_when_any_done=False)


def test_resets_steps_and_specs_have_the_same_keys():
    """TorchRL 825, 1585, 1766, 2052, 3260."""
    env = adapted()
    fake, real = env.fake_tensordict(), rollout(env)
    assert set(fake.keys(True, True)) == set(real.keys(True, True))
    assert fake.batch_size == env.batch_size == (3,) and real.batch_size == (3, 2 * STEPS + 1)
    first, following = env.reset(), env.step(env.rand_action(env.reset()))['next']
    assert {*first.keys(True, True), 'reward'} == set(following.keys(True, True))


def test_values_are_in_their_specs():
    """TorchRL 3143."""
    env = adapted()
    state = env.reset()
    for _ in range(STEPS):
        state = env.rand_action(state)
        assert env.action_spec.is_in(state['action'])
        state = env.step(state)['next']
        assert env.observation_spec.is_in(state.select('observation', 'info'))
        assert env.reward_spec.is_in(state['reward']) and env.full_done_spec.is_in(state.select(*env.done_keys))


def test_sums_and_counts_begin_anew_where_an_episode_does():
    """TorchRL 751, 756, 1015."""
    found = rollout(adapted(RewardSum(), StepCounter()))['next']
    torch.testing.assert_close(found['episode_reward'], found['info', 'episode', 'return'])
    assert torch.equal(found['step_count'], found['info', 'episode', 'length'])
    assert found['step_count'][0, :, 0].tolist() == [1, 2, 3, 1, 2, 3, 1]


def test_advantages_hold_nothing_of_the_next_episode():
    """TorchRL 1581, 2773, 4209: an episode's are the same beside another as alone."""
    value = TensorDictModule(lambda seen: seen.sum(-1, keepdim=True), ['observation'], ['state_value'])
    value.requires_grad_(False)
    advantages = GAE(gamma=0.9, lmbda=0.8, value_network=value, vectorized=False)
    found = rollout(adapted())
    whole, alone = advantages(found.clone())['advantage'], advantages(found[:, :STEPS].clone())['advantage']
    torch.testing.assert_close(whole[:, :STEPS], alone)
    last = found[:, STEPS - 1]['next']
    following = 0.9 * last['observation'].sum(-1, keepdim=True) * ~last['terminated']
    before = found[:, STEPS - 1]['observation'].sum(-1, keepdim=True)
    torch.testing.assert_close(whole[:, STEPS - 1], last['reward'] + following - before)
    assert last['terminated'].flatten().tolist() == [True, False, True]


def test_trajectories_are_told_apart():
    """TorchRL 856, 3238, 3352."""
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')  # of its own doing
        collector = Collector(adapted(), None, frames_per_batch=6 * STEPS, total_frames=6 * STEPS)
        collector.set_seed(0)
        (data,) = list(collector)
        collector.shutdown()
        split = split_trajectories(data)
    assert len(data['collector', 'traj_ids'].unique()) == len(split) == 6
    assert split['collector', 'mask'].all() and split.shape == (6, STEPS)
    assert split['next', 'done'][:, -1].all() and not split['next', 'done'][:, :-1].any()


def test_a_collectors_data_are_a_rollouts():
    """TorchRL 1928."""
    policy = TensorDictModule(lambda seen: (seen[:, 0] * 10).long() % 7, ['observation'], ['action'])
    expected = rollout(adapted(), 4, seed=5, policy=policy)
    env = adapted()
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        collector = Collector(env, policy, frames_per_batch=12, total_frames=12)
        env.set_seed(5)
        collector.reset()
        (data,) = list(collector)
        collector.shutdown()
    for name in ('observation', 'action', ('next', 'reward'), ('next', 'done'), ('next', 'info', 'episode', 'return')):
        assert torch.equal(data[name], expected[name]), name


def test_it_is_said_where_episodes_begin():
    """TorchRL 3695."""
    found = rollout(adapted(InitTracker()))
    begins = torch.zeros(3, 2 * STEPS + 1, 1, dtype=torch.bool)
    begins[:, ::STEPS] = True
    assert torch.equal(found['is_init'], begins)


def test_rollouts_hold_on_to_nothing():
    """TorchRL 2837, 3052: neither to the graph of a policy, nor to tensors of before."""
    env, layer = adapted(), torch.nn.Linear(2, 7)

    def act(seen):
        return layer(seen).argmax(-1)

    found = rollout(env, 4, policy=TensorDictModule(act, ['observation'], ['action']))
    assert not any(each.requires_grad for each in found.values(True, True))
    held = [weakref.ref(found[name]) for name in ('observation', ('next', 'info', 'episode', 'return'))]
    del found
    rollout(env, 1)
    assert not any(each() is not None for each in held)
