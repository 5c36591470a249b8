"""Learning with actions that are reals, or several at once: drawn, noted, taken by opponents too, and learnt."""

from dataclasses import replace

import pytest
import torch
from bandits import Dial, Panel
from rollouts import FEW_RAYS
from trainings import TINY, boxes, train, unseen, weights
from worlds import arenas

import megastep
from envs import Deathmatch, Minimal
from megastep import learning
from megastep.evaluation import evaluate_in
from megastep.evaluation.opponents import Opponents
from megastep.evaluation.play import among
from megastep.learning import Actor, Learner, Policy, Settings
from megastep.learning.rollout import Rollout

SMALL = Settings(num_envs=64, horizon=10, epochs=2, num_minibatches=2, learning_rate=3e-3, width=16, stagger=0)


class Duel(Deathmatch):
    """Deathmatch of two who steer and pull a trigger; the script spins and shoots at every turn."""

    def __init__(self, maps=None, num_envs=64, device=None, *, num_agents=2, time_limit: float = 60.0, **options):
        options = {'motion': 'unicycle', 'trigger': True, 'cameras': FEW_RAYS, 'time_limit': time_limit, **options}
        super().__init__(maps, num_envs, device, num_agents=num_agents, **options)
        self._steered = torch.tensor([0.0, 90.0], device=self.device).expand(self.num_envs, 2)

    @property
    def scripted(self):
        return {'motion': self._steered, 'trigger': torch.ones(self.num_envs, dtype=torch.int64, device=self.device)}

    def scripted_opponent(self):
        return lambda observations: self.scripted


ARENA, OTHER = arenas(1), arenas(1, seed=1)
LAST = torch.tensor([False, True] * 4)


def returns(learner, updates):
    sums = [learner.update() for _ in range(updates)]
    return [float(each['return'] / each['episodes']) for each in sums]


def greedy_pay(policy, env):
    observations, _ = env.reset(seed=1)
    act = Actor(policy, env.num_envs, greedy=True)
    return float(env.step(act(observations, torch.ones(env.num_envs, dtype=torch.bool)))[1].mean())


@pytest.mark.parametrize('env, least', [(Dial, 0.88), (Panel, 0.93)])
def test_learns_reals_and_reals_beside_integers(env, least):
    """At first a dial pays 1/2 to 3/4, and a button 1/4 on average; the least spread costs a tenth of a dial's."""
    learner = Learner(env(64), SMALL)
    found = returns(learner, 60)
    assert found[0] < 0.7 < least < sum(found[-5:]) / 5
    assert greedy_pay(learner.policy, env(64)) > 0.97  # what that spread is around is right


@pytest.mark.parametrize('env', [Dial, Panel])
def test_does_not_learn_without_learning(env):
    assert max(returns(Learner(env(64), replace(SMALL, learning_rate=0.0)), 10)) < 0.75


def test_an_env_of_reals_is_trained_and_goes_on_as_if_it_had_not_been_interrupted(tmp_path):
    options = {'name': 'minimal', 'options': {'motion': 'unicycle'}, 'eval_maps': unseen(1)}
    train(tmp_path / 'whole', 3, **options)
    train(tmp_path / 'parts', 1, **options)
    train(tmp_path / 'parts', 3, resume=True, **options)
    assert weights(tmp_path / 'parts') == weights(tmp_path / 'whole')


def test_reals_of_bins_are_trained_and_an_agent_that_is_loaded_takes_these_values(tmp_path):
    options = {'maps': boxes(), 'options': {'motion': 'unicycle'}, 'device': 'cpu', 'bar': False}
    learning.train('minimal', tmp_path / 'run', replace(TINY, action_bins=5), steps=64, **options)
    agent = megastep.load(tmp_path / 'run', device='cpu')
    speeds, turns = agent(agent.env(num_envs=64).reset(seed=0)[0]).unbind(-1)
    assert set(speeds.tolist()) == {-2, -1, 0, 1, 2} and set(turns.tolist()) == {-180, -90, 0, 90, 180}


def test_an_env_of_several_actions_is_trained_among_opponents(tmp_path):
    """It goes on with what the opponents were about to do."""
    options = {'maps': ARENA, 'eval_maps': OTHER, 'eval_episodes': 1, 'opponents': 1, 'device': 'cpu', 'bar': False}
    options['options'] = {'time_limit': 1.0}
    step = TINY.num_envs * TINY.horizon
    learning.train(Duel, tmp_path / 'whole', TINY, steps=3 * step, **options)
    learning.train(Duel, tmp_path / 'parts', TINY, steps=step, **options)
    learning.train(Duel, tmp_path / 'parts', TINY, steps=3 * step, resume=True, **options)
    assert weights(tmp_path / 'parts') == weights(tmp_path / 'whole')


@pytest.mark.gpu
def test_several_actions_are_learnt_from_on_a_gpu_from_graphs(tmp_path):
    options = {'maps': ARENA, 'eval_maps': OTHER, 'eval_episodes': 1, 'opponents': 1, 'device': 'cuda', 'bar': False}
    options['options'] = {'time_limit': 1.0}
    step = TINY.num_envs * TINY.horizon
    learning.train(Duel, tmp_path / 'run', TINY, steps=4 * step, **options)
    assert learning.train(Duel, tmp_path / 'run', TINY, steps=8 * step, resume=True, **options).frames == 8 * step
    agent = megastep.load(tmp_path / 'run')
    env = agent.env()
    acted = agent(env.reset(seed=0)[0])
    assert {name: values.device.type for name, values in acted.items()} == {'motion': 'cuda', 'trigger': 'cuda'}
    assert evaluate_in(agent, env, opponents=agent.opponents(env)).scores['return'].shape == (32, 1)


def test_opponents_take_all_parts_of_their_actions_from_their_script():
    env, taken = Duel(ARENA, 8, 'cpu'), []
    opponents = Opponents.scripted(LAST, env.scripted_opponent())
    step, rollout = env.step, Rollout(env, Policy.of(env, 8), 4, gamma=0.9, gae_lambda=0.8, opponents=opponents)
    env.step = lambda actions: taken.append(actions) or step(actions)
    rollout()
    for time, actions in enumerate(taken):
        drawn = rollout.policy.distribution.actions({n: s[time] for n, s in rollout.buffer.samples.items()})
        for name, script in env.scripted.items():
            assert torch.equal(actions[name][LAST], script[LAST])
            assert torch.equal(actions[name][~LAST], drawn[name][~LAST])
    assert not rollout.buffer.mask[:, LAST].any()
    assert set(rollout.tensors()) >= {'script', 'script 1'}


def test_opponents_are_evaluated_against_with_several_actions():
    env = Duel(ARENA, 8, 'cpu', time_limit=1.0)
    opponents = Opponents.scripted(LAST, env.scripted_opponent())
    actor = Policy.of(env, 8).actor(8, greedy=True)
    acted = among(actor, opponents)(env.reset(seed=0)[0], torch.ones(8, dtype=torch.bool))
    assert all(torch.equal(acted[name][LAST], script[LAST]) for name, script in env.scripted.items())
    assert evaluate_in(Policy.of(env, 8), env, opponents=opponents).scores['return'].shape == (4, 1)


def test_what_is_drawn_beyond_the_box_is_learnt_from_as_it_was_drawn():
    """Its likelihood is that of the draw, and the env gets what the box allows."""
    env = Minimal(boxes(1), 8, 'cpu', motion='unicycle', cameras=FEW_RAYS)
    policy = Policy.of(env, 8)
    rollout = Rollout(env, policy, 8, gamma=0.9, gae_lambda=0.8)
    rollout()
    samples = rollout.buffer.samples
    assert samples.abs().max() > 1
    bounds = torch.from_numpy(env.single_action_space.high)
    assert (policy.distribution.actions(samples).abs() <= bounds).all()
