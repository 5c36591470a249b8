"""Opponents that act by policies, which remember: each world has one of them, and they forget as an episode begins."""

import pytest
import torch
from rollouts import FEW_RAYS, equal
from worlds import arenas

from envs import Deathmatch
from megastep.env.cuda_graph.capturing import Watch
from megastep.evaluation import evaluate_in
from megastep.evaluation.league import last_agents, league
from megastep.evaluation.play import among, play
from megastep.learning import Actor, Policy
from megastep.learning.rollout import Rollout

ARENA = arenas(1)


def duel(num_envs=8, num_agents=2, **options):
    return Deathmatch(ARENA, num_envs, 'cpu', num_agents=num_agents, cameras=FEW_RAYS, time_limit=0.5, **options)


def policies(env, count=2):
    return [Policy.of(env, 8, seed=seed) for seed in range(count)]


def test_worlds_are_dealt_out_to_policies_in_turn():
    """Each opponent does what its policy does where it acts alone in its rows, over the ends of episodes too."""
    env = duel(12)
    known = policies(env, 3)
    opponents = league(env, known, greedy=True)
    assert opponents.rows.tolist() == [False, True] * 6
    actors = [Actor(policy, 2, greedy=True) for policy in known]

    def act(observations, begins):
        acted = opponents.act(observations, begins)
        for number, actor in enumerate(actors):
            rows = torch.tensor([2 * number + 1, 2 * number + 7])
            seen = {name: values[rows] for name, values in observations.items()}
            assert torch.equal(acted[rows], actor(seen, begins[rows]))
        return acted

    steps = play(act, env, seed=0)
    next(steps)
    ended = [next(steps)['_episode'] for _ in range(20)]
    assert torch.stack(ended).any()


def test_opponents_of_a_world_are_its_last_agents_and_act_by_one_policy():
    env = duel(8, num_agents=4)
    opponents = league(env, policies(env), count=3)
    assert opponents.rows.tolist() == [False, True, True, True] * 2
    assert [memory.rows.tolist() for memory in opponents.memories] == [[1, 2, 3], [5, 6, 7]]


def test_trained_agents_are_played_against_one_another():
    """As whoever acts in all rows, of which opponents' are left out."""
    env = duel()
    one, other = policies(env)
    found = evaluate_in(one, env, greedy=True, opponents=league(env, [other], greedy=True))
    both = among(Actor(one, 8, greedy=True), league(env, [other], greedy=True))
    whole = evaluate_in(both, env)
    assert found.scores['return'].shape == (4, 1)
    assert torch.equal(found.scores['return'], whole.scores['return'][::2])


def test_a_rollout_goes_on_with_what_opponents_remember():
    """A rollout from a state that was kept is what it was, drawn actions of opponents among them."""
    results = []
    env = duel()
    rollout = Rollout(
        env, policies(env)[0], 4, gamma=0.9, gae_lambda=0.8, stagger=8, opponents=league(env, policies(env))
    )
    for made in range(2):
        rollout.restart_some(made)
        rollout()
    tensors = {name: values.clone() for name, values in rollout.tensors().items()}
    assert {'opponents 0 hidden', 'opponents 1 hidden'} <= set(tensors)
    assert all(tensors[f'opponents {number} hidden'].any() for number in range(2))
    generators = {name: generator.get_state() for name, generator in rollout.generators.items()}
    assert set(generators) == {'policy', 'opponents 0', 'opponents 1'}
    state = env.get_state()
    for _ in range(2):
        env.set_state(state)
        for name, values in rollout.tensors().items():
            values.copy_(tensors[name])
        for name, generator in rollout.generators.items():
            generator.set_state(generators[name])
        rollout()
        results.append([rollout.buffer.samples.clone(), *env.get_state()['core'].values()])
    assert equal(*results)


def test_opponents_act_in_place():
    """So that a CUDA graph can repeat it: nothing that one step reads has been put in place of what another read."""
    env = duel()
    opponents = league(env, policies(env))
    observations, begins = env.reset(seed=0)[0], torch.ones(8, dtype=torch.bool)
    opponents.act(observations, begins)
    with Watch(torch.device('cpu')) as watch:
        opponents.act(observations, begins)
    opponents.act(observations, begins)
    assert not any(source.storage.expired() for source in watch.sources.values())


def test_a_function_may_be_an_opponent():
    class Standing:
        def actor(self, rows, *, greedy=False, seed=0):
            return lambda observations, begins: torch.zeros(rows, dtype=torch.int64)

    env = duel()
    opponents = league(env, [Standing()])
    assert opponents.memories == ()
    assert not opponents.act(*(env.reset(seed=0)[0], torch.ones(8, dtype=torch.bool))).any()


def test_refuses_what_is_no_league():
    env = duel()
    for count in (0, 2, 1.0, -1):
        with pytest.raises(ValueError, match=f'opponents must be an integer from 1 to 1, for worlds of 2, got {count}'):
            last_agents(env, count)
    with pytest.raises(ValueError, match='policies must be from 1 to 4, one a world, got 0'):
        league(env, [])
    with pytest.raises(ValueError, match='policies must be from 1 to 4, one a world, got 5'):
        league(env, policies(env) * 2 + policies(env)[:1])
