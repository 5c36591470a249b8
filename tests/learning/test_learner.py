"""Learning: of what can only be learnt if all of it works, the same again from a saved state, and by two as by one."""

import os
import subprocess
import sys
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
import torch
from bandits import Bandit, Memory
from gymnasium.spaces import Box
from gymnasium.vector import AutoresetMode
from rollouts import FEW_RAYS, equal

from envs import Waypoint
from megastep import mapgen
from megastep.env.cuda_graph.capturing import Watch
from megastep.env.navigation import GeodesicField
from megastep.learning import Learner, Settings, ppo

SMALL = Settings(
    num_envs=64, horizon=10, epochs=2, num_minibatches=2, learning_rate=3e-3, width=16, gamma=0.9, stagger=0
)
ROOM = mapgen.generate('box', 1, seed=0)


@cache
def field():
    return GeodesicField.pack(ROOM, 'cpu')


def waypoint(num_envs=16, device='cpu', **options):
    options |= {'geodesic_field': field()} if device == 'cpu' else {'cuda_graph': False, 'copy': False}
    return Waypoint(ROOM, num_envs, device, cameras=FEW_RAYS, **options)


def learnt(learner, updates, last=10):
    """The mean return of the episodes that ended in the last of some updates."""
    totals = {}
    for update in range(updates):
        for name, value in learner.update().items():
            totals[name] = totals.get(name, 0) * (update != updates - last) + value.item()
    return totals['return'] / totals['episodes']


def test_learns_a_bandit():
    assert learnt(Learner(Bandit(64), SMALL), 30) > 0.9


def test_does_not_learn_without_learning():
    assert learnt(Learner(Bandit(64), replace(SMALL, learning_rate=0.0)), 20) < 0.4


def test_learns_to_remember():
    assert learnt(Learner(Memory(64), SMALL), 40) > 0.9


def test_does_not_remember_if_each_step_is_taken_for_the_first():
    learner = Learner(Memory(64), SMALL)
    remember = learner.policy.lstm.forward
    learner.policy.lstm.forward = lambda inputs, hidden, begins: remember(inputs, hidden, torch.ones_like(begins))
    assert learnt(learner, 40) < 0.65


class Untold(Memory):
    """Pays nothing; what isn't told is the cue."""

    auxiliary_space = Box(0, 1, (2,))

    def _pay(self, actions):
        return torch.zeros(self.num_envs)

    def auxiliary(self):
        return torch.nn.functional.one_hot(self.cues, 2).float()


@pytest.mark.parametrize('weight, low, high', [(1.0, 0, 0.1), (0.0, 0.5, 10)])
def test_learns_to_tell_what_it_is_not_told(weight, low, high):
    learner = Learner(Untold(64), replace(SMALL, auxiliary_coef=weight, vf_coef=0.0, ent_coef=0.0))
    for _ in range(40):
        found = learner.update()
    assert low <= found['auxiliary_loss'] <= high


WALK = Settings(num_envs=32, horizon=16, epochs=4, num_minibatches=2, learning_rate=2e-3, width=32, ent_coef=0.01)
"""A room of 5 m in which there is time for one way across; whoever wanders about seldom finds the goal."""


def successes(updates, device='cpu', **changes):
    """The share of the last episodes that reached their goal."""
    settings = replace(WALK, **changes)
    learner, found = Learner(waypoint(settings.num_envs, device, time_limit=4), settings), []
    for _ in range(updates):
        found.append(learner.update())
    late = found[-updates // 4 :]
    return (sum(each['success'] for each in late) / sum(each['episodes'] for each in late)).item()


def test_learns_to_walk_to_a_point():
    assert successes(50) > 0.8


def test_does_not_learn_to_walk_if_nothing_is_better_than_expected(monkeypatch):
    monkeypatch.setattr(ppo, 'normalised', lambda advantages, mask: torch.zeros_like(advantages))
    assert successes(40) < 0.2


def updated(learner, updates):
    """What comes out of updates, and the weights after them."""
    return [[learner.update() for _ in range(updates)], list(learner.policy.state_dict().values())]


def saved(learner, path):
    torch.save([learner.policy.state_dict(), learner.optimizer.state_dict(), learner.state()], path)


def restored(settings, path):
    """A new learner in a new env that goes on from a file."""
    learner = Learner(waypoint(time_limit=2), settings)
    weights, optimizer, state = torch.load(path, weights_only=True)
    learner.policy.load_state_dict(weights)
    learner.optimizer.load_state_dict(optimizer)
    learner.load_state(state)
    return learner


def test_goes_on_from_a_file_bit_for_bit(tmp_path):
    settings = replace(SMALL, num_envs=16, horizon=7, anneal=2000)
    learner = Learner(waypoint(time_limit=2), settings)
    updated(learner, 5)
    saved(learner, tmp_path / 'learner.pt')
    expected = updated(learner, 5)
    again = restored(settings, tmp_path / 'learner.pt')
    assert (again.frames, again.updates) == (5 * 7 * 16, 5)
    assert equal(updated(again, 5), expected)


def test_saving_disturbs_nothing():
    settings = replace(SMALL, num_envs=16)
    one, other = Learner(waypoint(), settings), Learner(waypoint(), settings)
    one.state()
    assert equal(updated(one, 3), updated(other, 3))


def test_the_seed_decides_everything():
    one, same, other = (Learner(waypoint(), replace(SMALL, num_envs=16, seed=seed)) for seed in (1, 1, 2))
    outcome = updated(one, 3)
    assert equal(updated(same, 3), outcome) and not equal(updated(other, 3), outcome)


def test_an_update_reaches_every_parameter():
    learner = Learner(waypoint(), replace(SMALL, num_envs=16))
    before = {name: value.clone() for name, value in learner.policy.named_parameters()}
    learner.update()
    assert all((value != before[name]).any() for name, value in learner.policy.named_parameters())


def test_an_update_never_waits_for_the_device():
    learner = Learner(Bandit(64), SMALL)
    learner.update()
    rows = torch.arange(32)
    with Watch(torch.device('cpu')) as watch:
        learner._fit(rows)
    replaced = [source.line for source in watch.sources.values() if source.storage.expired()]
    assert not replaced


def test_steps_are_counted_and_the_learning_rate_falls():
    learner = Learner(Bandit(64), replace(SMALL, anneal=4 * 640, learning_rate=1.0e-3))
    rates = []
    for _ in range(6):
        learner.update()
        rates.append(learner.optimizer.param_groups[0]['lr'].item())
    assert (learner.frames, learner.updates) == (6 * 640, 6)
    assert rates == pytest.approx([1e-3, 7.75e-4, 5.5e-4, 3.25e-4, 1e-4, 1e-4])


def test_long_gradients_are_shortened():
    learner = Learner(Bandit(64), replace(SMALL, max_grad_norm=1e-3))
    assert learner.update()['grad_norm'] > 1e-3
    norm = torch.stack([parameter.grad.norm() for parameter in learner.policy.parameters()]).norm()
    assert norm.item() == pytest.approx(1e-3, rel=1e-2)


def test_rejects_an_env_of_another_size():
    with pytest.raises(
        ValueError, match="the env must have the settings' num_envs, 64, got 8: it counts the agents of all"
    ):
        Learner(Bandit(8), SMALL)


@pytest.mark.parametrize('mode', [AutoresetMode.SAME_STEP, AutoresetMode.DISABLED])
def test_rejects_an_env_that_begins_anew_otherwise(mode):
    with pytest.raises(ValueError, match=f"the env's autoreset_mode must be NEXT_STEP, got {mode}"):
        Learner(waypoint(autoreset_mode=mode), replace(SMALL, num_envs=16))


def test_rejects_an_env_with_graphs_of_its_own():
    env = waypoint()
    env.cuda_graph = True  # as it would be on a GPU
    with pytest.raises(ValueError, match="the env's cuda_graph must be False, got True"):
        Learner(env, replace(SMALL, num_envs=16))


def test_rejects_a_state_of_another_policy():
    learner, wider = (Learner(waypoint(), replace(SMALL, num_envs=16, width=width)) for width in (16, 8))
    before = updated(learner, 1)[1]
    with pytest.raises(ValueError, match=r"state\['rollout'\]\['hidden'\] must be .* \(16, 32\), got .* \(16, 16\)"):
        learner.load_state(wider.state())
    assert equal(before, list(learner.policy.state_dict().values()))


PROCESS = """
import os, sys, torch
from torch import distributed
from bandits import Memory
from megastep.learning import Learner, Settings
file, rank = sys.argv[1], int(sys.argv[2])
distributed.init_process_group('gloo', f'file://{file}', rank=rank, world_size=2)
settings = Settings(num_envs=32, horizon=10, num_minibatches=2, width=16, learning_rate=3e-3, epochs=2, stagger=0)
learner = Learner(Memory(32), settings)
found = [learner.update() for _ in range(40)]
seen = learner._rollout.buffer
torch.save([found, learner.policy.state_dict(), seen.features, seen.ended.sum()], f'{file}-{rank}.pt')
distributed.destroy_process_group()
os._exit(0)  # gloo's threads live on, and may abort a process that ends as others do
"""


def pair(path):
    """What two processes come to that learn together."""
    file = path / 'meeting'
    command = [sys.executable, '-c', PROCESS, str(file)]
    tests, before = Path(__file__).parents[1], os.environ.get('PYTHONPATH', '')
    paths = os.pathsep.join([str(tests / 'support'), str(tests.parent), before])
    options = {'env': {**os.environ, 'PYTHONPATH': paths, 'OMP_NUM_THREADS': '1'}, 'stderr': subprocess.PIPE}
    both = [subprocess.Popen([*command, str(rank)], **options) for rank in range(2)]
    errors = [process.communicate(timeout=120)[1].decode() for process in both]
    assert not any(process.returncode for process in both), '\n'.join(errors)
    return [torch.load(f'{file}-{rank}.pt', weights_only=True) for rank in range(2)]


def test_two_processes_learn_one_policy_in_different_envs(tmp_path):
    (found, weights, seen, ended), (others, other_weights, other_seen, other_ended) = pair(tmp_path)
    assert equal(weights, other_weights) and equal(found, others)
    assert not torch.equal(seen, other_seen)
    assert found[-1]['episodes'] == ended + other_ended
    assert sum(each['return'] for each in found[-10:]) / sum(each['episodes'] for each in found[-10:]) > 0.9


def test_rejects_what_is_no_state():
    learner = Learner(waypoint(), replace(SMALL, num_envs=16))
    with pytest.raises(ValueError, match=r"state must have \['env', .*\], got \['updates'\]"):
        learner.load_state({'updates': 3})
    before = learner.state()
    with pytest.raises(ValueError, match=r"state\['generators'\] must have .*'policy', 'shuffler'.*, got \[\]"):
        learner.load_state({**before, 'env': {}, 'generators': {}})
    torch.testing.assert_close(learner.state(), before, rtol=0, atol=0)


# On a GPU


def on_gpu(eager=False):
    learner = Learner(waypoint(64, 'cuda', time_limit=2), SMALL)
    if eager:
        learner.close()
    return learner


@pytest.mark.gpu
def test_graphs_learn_what_eager_updates_do():
    graphs, eager = on_gpu(), on_gpu(eager=True)
    for _ in range(6):
        torch.testing.assert_close(graphs.update(), eager.update(), rtol=1e-2, atol=1e-2)
    torch.testing.assert_close(graphs.policy.state_dict(), eager.policy.state_dict(), rtol=1e-2, atol=1e-3)


@pytest.mark.gpu
def test_an_update_runs_without_a_wait():
    learner = on_gpu()
    for _ in range(3):
        learner.update()
    torch.cuda.set_sync_debug_mode('error')
    try:
        found = learner.update()
    finally:
        torch.cuda.set_sync_debug_mode('default')
    assert all(value.isfinite() for value in found.values())


@pytest.mark.gpu
def test_learns_to_walk_to_a_point_on_a_gpu():
    assert successes(50, 'cuda') > 0.8


@pytest.mark.gpu
def test_goes_on_from_a_file_on_a_gpu(tmp_path):
    learner, again = on_gpu(), on_gpu()
    updated(learner, 3)
    saved(learner, tmp_path / 'learner.pt')
    weights, optimizer, state = torch.load(tmp_path / 'learner.pt', weights_only=True)
    again.policy.load_state_dict(weights)
    again.optimizer.load_state_dict(optimizer)
    again.load_state(state)
    torch.testing.assert_close(updated(again, 3), updated(learner, 3), rtol=1e-2, atol=1e-2)
