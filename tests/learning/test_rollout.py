"""A rollout holds what was seen, done and paid, in the right order, over the ends of episodes too."""

import re
from copy import deepcopy
from types import SimpleNamespace

import pytest
import torch
from gymnasium.spaces import Box, Discrete
from gymnasium.vector import AutoresetMode
from rollouts import FEW_RAYS, make

from envs import Deathmatch, Explorer
from envs.gunner import Gunner
from megastep import mapgen
from megastep.env.combat import EVENTS
from megastep.env.cuda_graph.capturing import Watch
from megastep.evaluation.opponents import Memory, Opponents
from megastep.learning import Policy, ppo
from megastep.learning.map_scores import KNOWN, RECENT
from megastep.learning.rollout import Rollout
from megastep.world import physics

MAP_IDS = torch.tensor([0, 0, 0, 2])


class Counter:
    """Shows, and pays, how many steps the episode has had. Row r's episodes have r + 2; odd rows' are truncated."""

    single_observation_space, single_action_space, auxiliary_space = Box(-500, 500, (1,)), Discrete(3), None
    metadata = {'autoreset_mode': AutoresetMode.NEXT_STEP}
    device, num_envs, scores = torch.device('cpu'), 4, ('score',)
    core = SimpleNamespace(scenery=SimpleNamespace(num_maps=3))

    def reset(self, *, seed=None):
        self.times, self.over = torch.zeros(4, dtype=torch.int64), torch.zeros(4, dtype=torch.bool)
        self.actions = []
        return self.times[:, None].float(), {}

    def step(self, actions):
        self.actions.append(actions)
        self.times = torch.where(self.over, 0, self.times + 1)
        rows = torch.arange(4)
        self.over = self.times == rows + 2
        rewards, odd = self.times.float(), rows % 2 == 1
        info = {
            'episode': {'return': self.times * (self.times + 1) / 2, 'length': self.times, 'map_ids': MAP_IDS},
            '_episode': self.over,
            'score': torch.where(self.over, rows.float(), torch.nan),
            'world': rows,
        }
        return self.times[:, None].float(), rewards, self.over & ~odd, self.over & odd, info


def rolled(env, horizon=12, **options):
    policy = Policy.of(env, 8)
    return Rollout(env, policy, horizon, **{'gamma': 0.9, 'gae_lambda': 0.8, 'seed': 0, **options})


def test_what_is_seen_and_paid():
    rollout = rolled(Counter())
    rollout()
    now, seen = rollout.buffer, lambda time: (rollout.buffer.features[:, :, 0] * 500).round().long()[time]
    assert seen(slice(None))[:, 0].tolist() == [0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2]
    assert now.rewards[:, 0].tolist() == [1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2, 0]
    assert now.ended[:, 0].tolist() == [False, True, False] * 4
    assert now.mask[:, 0].tolist() == [True, True, False] * 4
    assert now.begins[:, 0].tolist() == [True, False, False] * 4
    assert now.terminated.any(dim=0).tolist() == [True, False, True, False]
    assert now.ended.any(dim=0).all()


class Secretive(Counter):
    """Says apart what it shows."""

    auxiliary_space = Box(-500, 500, (1,))

    def auxiliary(self):
        return self.times[:, None].float()


def test_what_is_not_told_goes_with_what_is_seen():
    rollout = rolled(Secretive())
    for _ in range(2):
        rollout()
        assert torch.equal(rollout.buffer.auxiliary_targets, rollout.buffer.features)
    assert rolled(Counter()).buffer.auxiliary_targets.shape == (12, 4, 0)


class Misshapen(Secretive):
    """Says it in another shape."""

    def __init__(self, shape):
        super().__init__()
        self._shape = shape

    def auxiliary(self):
        return torch.zeros(self._shape)


@pytest.mark.parametrize('shape', [(4, 1, 1), (4, 3), (3, 1), (4,)])
def test_what_is_not_told_must_be_of_its_space(shape):
    message = r"the env's auxiliary must be torch.float32 of shape \(4, 1\) on cpu, got torch.float32 of shape "
    with pytest.raises(ValueError, match=message + re.escape(str(shape))):
        rolled(Misshapen(shape))


def scripted(rows):
    """Opponents that do what a counter shows, modulo 3."""
    return Opponents.scripted(torch.tensor(rows), lambda observations: observations[:, 0].long() % 3)


def test_opponents_act_by_their_script():
    rollout = rolled(Counter(), opponents=scripted([False, True, False, True]))
    for _ in range(2):
        rollout.env.actions.clear()
        rollout()
        now, actions = rollout.buffer, torch.stack(rollout.env.actions)
        shown = (now.features[:, :, 0] * 500).round().long()
        assert torch.equal(actions[:, 1::2], shown[:, 1::2] % 3)
        assert torch.equal(actions[:, ::2], now.samples[:, ::2, 0])
        assert not now.mask[:, 1::2].any()
        assert now.mask[:, ::2].any()


def counting(rows):
    """Opponents that do what they remember, modulo 3: how many steps ago the episode began."""
    memory = Memory(torch.arange(len(rows)), {'count': torch.zeros(len(rows), dtype=torch.int64)}, torch.Generator())
    count = memory.tensors['count']

    def act(observations, begins):
        count.copy_(torch.where(begins, 0, count + 1))
        return count % 3

    return Opponents(torch.tensor(rows), act, (memory,))


def test_opponents_are_told_where_episodes_begin():
    """Also of the step that ends one, whose successor begins the next, and from one rollout to the next."""
    remembering = rolled(Counter(), opponents=counting([True] * 4))
    seeing = rolled(Counter(), opponents=scripted([True] * 4))
    for _ in range(2):
        remembering(), seeing()
    assert torch.equal(torch.stack(remembering.env.actions), torch.stack(seeing.env.actions))
    assert remembering.tensors()['opponents 0 count'].tolist() == remembering.env.times.tolist()


def test_opponents_remember_through_the_restart_of_others():
    env = make(Deathmatch, 8, cameras=FEW_RAYS, num_agents=4, time_limit=100)
    rollout = rolled(env, 4, stagger=8, seed=2, opponents=counting([False, True, True, True] * 2))
    assert rollout._due.tolist() in ([0] * 4 + [1] * 4, [1] * 4 + [0] * 4)
    for made in range(2):
        rollout.restart_some(made)
        rollout()
    lengths = env.lengths.repeat_interleave(4)
    assert lengths.unique().tolist() == [4, 8]
    assert torch.equal(rollout.tensors()['opponents 0 count'], lengths)


def test_opponents_do_not_count():
    """Neither in the sums nor in what advantages are measured by."""
    rollout = rolled(Counter(), opponents=scripted([False, True, True, True]))
    sums = rollout()[0]
    assert (sums['episodes'], sums['return']) == (4, 4 * 3)
    one = rollout.buffer.rows(torch.tensor([0]))
    unscaled = one.returns - rollout.buffer.values[:, :1]
    torch.testing.assert_close(one.advantages, ppo.normalised(unscaled, one.mask))


def test_a_rollout_goes_on_with_what_opponents_were_about_to_do():
    long, short = (rolled(Counter(), horizon, opponents=scripted([True] * 4)) for horizon in (20, 10))
    long()
    short()
    short.tensors()['script'].fill_(2)
    short.env.actions.clear()
    short()
    assert (short.env.actions[0] == 2).all()
    assert torch.equal(torch.stack(short.env.actions[1:]), torch.stack(long.env.actions[11:]))


def test_every_world_begins_anew_once_at_a_time_of_its_own():
    env = make(Deathmatch, 40, cameras=FEW_RAYS, num_agents=4, time_limit=100)
    rollout, moments = rolled(env, 5, stagger=40), []
    for made in range(10):
        rollout.restart_some(made)
        rollout()
        now = rollout.buffer
        assert not now.begins[1:].any() and now.mask.all()
        moments.append(now.begins[0].clone())
    begun = torch.stack(moments)
    assert begun[0].all() and not begun[8:].any()
    assert (begun[1:].sum(dim=0) <= 1).all() and begun[1:].any(dim=1).sum() > 3
    assert torch.equal(begun, begun[:, ::4].repeat_interleave(4, dim=1))
    last = torch.tensor([max(time for time in range(10) if begun[time, row]) for row in range(40)])
    assert torch.equal(env.lengths.repeat_interleave(4), 5 * (10 - last))


def test_who_begins_anew_remembers_nothing_and_sees_where_it_is():
    """Of two worlds whose episodes have both just ended, one begins anew at once, the other by the next step."""
    env = make(Deathmatch, 8, cameras=FEW_RAYS, num_agents=4, time_limit=0.4)
    gunner = Gunner(env)
    rollout = rolled(env, 4, stagger=8, seed=2, opponents=Opponents.scripted(torch.arange(8) % 4 == 3, gunner))
    late = rollout._due == 1
    assert late.tolist() in ([True] * 4 + [False] * 4, [False] * 4 + [True] * 4)
    rollout.restart_some(0)
    rollout()
    assert torch.equal(rollout.tensors()['over'], torch.ones(8, dtype=torch.bool))
    rollout.restart_some(1)
    told = rollout.tensors()
    assert torch.equal(told['begins'], late) and torch.equal(told['over'], ~late)
    observations = env._observe()
    assert torch.equal(told['features'], rollout.policy.intake.features(observations))
    assert torch.equal(told['script'], gunner(observations))
    rollout()
    begins, mask = rollout.buffer.begins, rollout.buffer.mask
    assert torch.equal(begins[0], late) and torch.equal(begins[1], ~late) and not begins[2:].any()
    assert torch.equal(mask[0], late & (torch.arange(8) % 4 != 3))


def test_the_next_rollout_goes_on_where_this_one_ended():
    long, short = rolled(Counter(), 20), rolled(Counter(), 10)
    long()
    first = short()[0]
    parts = [deepcopy(short.buffer)]
    second = short()[0]
    parts.append(short.buffer)
    for name in ('features', 'samples', 'log_probs', 'values', 'rewards', 'mask', 'begins'):
        joined = torch.cat([getattr(part, name) for part in parts])
        torch.testing.assert_close(getattr(long.buffer, name), joined, msg=name)
    assert first['episodes'] + second['episodes'] == long.buffer.ended.sum()


def test_the_env_gets_the_actions_that_are_noted():
    rollout = rolled(Counter())
    rollout()
    assert torch.equal(torch.stack(rollout.env.actions), rollout.buffer.samples[..., 0])


def test_an_update_sees_what_the_rollout_did():
    """The whole sequence from where it began gives the likelihoods and values that its steps gave."""
    rollout = rolled(Counter())
    for _ in range(2):
        rollout()
    now, policy = rollout.buffer, rollout.policy
    logits, values, *_ = policy(now.features, now.hidden[0], now.begins)
    torch.testing.assert_close(values, now.values, atol=1e-5, rtol=0)
    torch.testing.assert_close(policy.distribution.log_prob(logits, now.samples), now.log_probs, atol=1e-5, rtol=0)


def test_advantages_are_those_of_what_was_noted():
    rollout = rolled(Counter())
    rollout()
    now = rollout.buffer
    last = rollout.policy.step_features(*(rollout.tensors()[name] for name in ('features', 'hidden', 'begins'))).values
    values = torch.cat([now.values, last[None]])
    advantages = ppo.estimate_advantages(now.rewards, values, now.terminated, now.ended, gamma=0.9, gae_lambda=0.8)
    torch.testing.assert_close(now.returns, (advantages + now.values).detach())
    torch.testing.assert_close(now.advantages, ppo.normalised(advantages, now.mask).detach())


def test_sums_are_over_the_episodes_that_ended():
    """In 12 steps, episodes of 2, 3, 4 and 5 steps and one more to begin the next end 4, 3, 2 and 2 times."""
    sums = {name: value.item() for name, value in rolled(Counter())()[0].items()}
    assert {name: value for name, value in sums.items() if not name.startswith((RECENT, KNOWN))} == {
        'episodes': 11,
        'return': 4 * 3 + 3 * 6 + 2 * 10 + 2 * 15,
        'length': 4 * 2 + 3 * 3 + 2 * 4 + 2 * 5,
        'score': 3 * 1 + 2 * 2 + 2 * 3,
    }


def test_scores_are_means_over_the_episodes_of_each_map():
    """Three rows of a map, with 9 episodes of 2, 3 and 4 steps; one of another, with 2 of 5; and none of a third."""
    sums = rolled(Counter())()[0]
    found = {name.removeprefix(RECENT): value.item() for name, value in sums.items() if name.startswith(RECENT)}
    assert found == pytest.approx({
        'episodes': 2,
        'return': (4 * 3 + 3 * 6 + 2 * 10) / 9 + 15,
        'length': (4 * 2 + 3 * 3 + 2 * 4) / 9 + 5,
        'score': (3 * 1 + 2 * 2) / 9 + 3,
    })  # fmt: skip


def test_rows_are_picked_from_everything():
    rollout = rolled(Counter())
    rollout()
    now, some = rollout.buffer, rollout.buffer.rows(torch.tensor([2, 0]))
    assert torch.equal(some.features, now.features[:, [2, 0]])
    assert torch.equal(some.samples, now.samples[:, [2, 0]])
    assert torch.equal(some.hidden, now.hidden[0, [2, 0]])


@pytest.mark.parametrize('task', [Explorer, Deathmatch])
def test_a_rollout_never_waits_for_the_device(task, monkeypatch):
    """But for the physics of a CPU, which does: agents stay where they are."""
    monkeypatch.setattr(physics, 'advance', lambda core: None)
    maps = mapgen.generate('box', 1, seed=0)
    options = {'patience': 0.3} if task is Explorer else {'time_limit': 0.3, 'num_agents': 2}
    rollout = rolled(make(task, num_envs=4, maps=maps, cameras=FEW_RAYS, **options), 4)
    rollout()
    with Watch(torch.device('cpu')) as watch:
        sums, means = rollout()
    assert not any(source.storage.expired() for source in watch.sources.values())
    assert means['explained_variance'].isfinite()
    names = ['episodes', 'return', 'length', *(['coverage'] if task is Explorer else EVENTS)]
    by_map = {*(f'{RECENT}{name}' for name in names), *(f'{KNOWN}{name}' for name in names[1:])}
    assert set(sums) == {*names} | by_map
