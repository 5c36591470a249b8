"""Evaluation: an exact number of episodes a row, the first that end, whoever acts."""

import math

import pytest
import torch
from gymnasium.vector import AutoresetMode
from rollouts import FEW_RAYS
from worlds import houses

from envs import Deathmatch, Explorer, Minimal, Waypoint
from megastep import mapgen
from megastep.adapters.wrappers import FlattenObservation
from megastep.evaluation import Evaluation, evaluate_in
from megastep.evaluation.opponents import Opponents
from megastep.evaluation.play import play
from megastep.evaluation.playing.recorder import EpisodeRecorder
from megastep.learning import Actor, Policy


def minimal(num_envs=6, shortest=1, longest=9, **options):
    return Minimal(houses(3), num_envs, 'cpu', cameras=FEW_RAYS, shortest=shortest, longest=longest, **options)


def still(observations, begins):
    return torch.zeros(len(begins), dtype=torch.int64)


def policy_for(env, seed=0):
    return Policy.of(env, 8, seed=seed)


@pytest.mark.parametrize('episodes', [1, 2, 7])
def test_every_row_has_its_first_episodes(episodes):
    """The same as if rows were looked at one by one."""
    found = evaluate_in(still, minimal(), episodes, seed=3)
    env = minimal()
    env.reset(seed=3)
    lengths = [[] for _ in range(env.num_envs)]
    while min(map(len, lengths)) < episodes:
        info = env.step(still(None, torch.zeros(6)))[4]
        for row in range(env.num_envs):
            if info['_episode'][row]:
                lengths[row].append(int(info['episode']['length'][row]))
    assert found.scores['length'].tolist() == [row[:episodes] for row in lengths]
    assert found.map_ids.tolist() == [[number] * episodes for number in env.core.map_ids.tolist()]


def test_short_episodes_count_no_more_than_long_ones():
    """Were all episodes taken that end until all have ended, the mean would be that of the shorter ones."""
    found = evaluate_in(still, minimal(num_envs=3000, shortest=1, longest=100))
    error = (100**2 - 1) / 12 / 3000  # the variance of a mean of uniform draws
    assert found.means()['length'] == pytest.approx(50.5, abs=4 * math.sqrt(error))


def test_all_maps_count_alike():
    found = evaluate_in(still, minimal(num_envs=9), 2)
    assert found.map_ids.flatten().bincount().tolist() == [6, 6, 6]


@pytest.mark.parametrize('num_envs, named', [(4, '6 of the 10 maps are played by nobody: 1, 3, 4, 6, 8, 9. For')])
def test_maps_that_nobody_would_play_are_named(num_envs, named):
    maps = mapgen.generate('box', 10)
    with pytest.raises(ValueError, match=f'{named} each to be played, num_envs must be at least 10, got {num_envs}'):
        evaluate_in(still, Minimal(maps, num_envs, 'cpu', cameras=FEW_RAYS, shortest=1, longest=2))
    evaluate_in(still, Minimal(maps, 10, 'cpu', cameras=FEW_RAYS, shortest=1, longest=2))


def test_opponents_act_by_their_script_and_are_left_out():
    def run(observations, begins):
        return torch.ones(len(begins), dtype=torch.int64)

    scripted = torch.tensor([False, True, True, False, True, False])
    some = Opponents.scripted(scripted, lambda observations: torch.full((len(scripted),), 5))
    found = evaluate_in(run, minimal(), 2, opponents=some)
    whole = evaluate_in(lambda observations, begins: torch.where(scripted, 5, 1), minimal(), 2)
    assert torch.equal(found.scores['return'], whole.scores['return'][~scripted])
    assert torch.equal(found.map_ids, whole.map_ids[~scripted])


def test_opponents_are_told_where_episodes_begin():
    rows, told = torch.tensor([False, True] * 3), []

    def act(observations, begins):
        told.append(begins)
        return torch.zeros(len(begins), dtype=torch.int64)

    evaluate_in(act, minimal(shortest=3, longest=5), opponents=Opponents(rows, act))
    assert all(torch.equal(one, other) for one, other in zip(told[::2], told[1::2], strict=True))
    assert told[0].all() and torch.stack(told[2:]).any()


def test_a_policy_begins_each_episode_with_nothing_remembered():
    """What it did before an episode is no part of what it does in one: checked against a policy run row by row."""
    env = minimal(num_envs=2, shortest=3, longest=5)
    policy = policy_for(env)
    actor, seen, told, acted = Actor(policy, 2, greedy=True), [], [], []

    def act(observations, begins):
        seen.append(observations.clone())
        told.append(begins)
        acted.append(actor(observations, begins))
        return acted[-1]

    steps = play(act, env)
    ends = [info['_episode'] for info, _ in zip(steps, range(16), strict=False) if info]
    for row in range(2):
        began = [True, False] + [bool(end[row]) for end in ends]  # the step after the last one begins anew
        assert [bool(begins[row]) for begins in told] == began[: len(told)]
        hidden = policy.initial_hidden(1)
        for step, observations in enumerate(seen):
            hidden = policy.initial_hidden(1) if began[step] else hidden
            logits, _, hidden, _ = policy.step(observations[row : row + 1], hidden)
            assert policy.distribution.actions(policy.distribution.mode(logits)).item() == acted[step][row]


def test_the_same_seed_gives_the_same_episodes_and_another_others():
    env = minimal()
    policy = policy_for(env)
    before = torch.random.get_rng_state()
    first, again, other = (evaluate_in(policy, env, 2, seed=seed) for seed in (0, 0, 1))
    assert torch.equal(torch.random.get_rng_state(), before)
    assert torch.equal(first.scores['return'], again.scores['return'])
    assert not torch.equal(first.scores['return'], other.scores['return'])


def test_greedy_takes_the_likeliest_action():
    env = minimal()
    policy = policy_for(env)
    with torch.no_grad():
        policy.output.weight.zero_()
        policy.output.bias[3] = 1.0  # not by far
    begins = torch.ones(6, dtype=torch.bool)
    observations = env.reset(seed=0)[0]
    assert Actor(policy, 6, greedy=True)(observations, begins).tolist() == [3] * 6
    drawn = Actor(policy, 6, seed=1)
    assert len({*torch.cat([drawn(observations, begins) for _ in range(20)]).tolist()}) == 7


@pytest.mark.parametrize(
    'task, options, names',
    [
        (Explorer, {'patience': 0.3}, {'coverage'}),
        (Waypoint, {'time_limit': 0.3}, {'success', 'spl', 'soft_spl', 'distance_to_goal', 'collisions'}),
        (Deathmatch, {'time_limit': 0.3}, {'aims', 'shots', 'hits', 'wounds', 'kills', 'deaths'}),
    ],
)
def test_scores_are_what_the_env_says_of_an_episode(task, options, names):
    maps = mapgen.generate('arena', 1) if task is Deathmatch else houses(2)
    env = task(maps, 4, 'cpu', cameras=FEW_RAYS, **options)
    found = evaluate_in(policy_for(env), env)
    assert set(found.scores) == {'return', 'length', *names}
    assert all(values.shape == (4, 1) and values.dtype == torch.float64 for values in found.scores.values())


def test_means_and_spreads_are_over_all_episodes():
    scores = {'return': torch.tensor([[1.0, 3.0], [5.0, 7.0]]).double()}
    found = Evaluation(scores, torch.tensor([[0, 0], [4, 4]]))
    assert found.means() == {'return': 4}
    assert found.spreads() == {'return': pytest.approx(math.sqrt(5))}
    assert found.by_map('return') == {0: 2, 4: 6}
    alone = Evaluation({'return': torch.tensor([[2.0, math.nan]])}, torch.tensor([[0, 0]]))
    assert (alone.means(), alone.spreads(), alone.by_map('return')) == ({'return': 2}, {'return': 0}, {0: 2})


def test_a_recorder_is_full_when_every_row_is():
    positions = torch.zeros(2, 2)
    recorder = EpisodeRecorder(positions, 2)
    for rows in ([True, False], [True, True], [True, False], [False, True]):
        assert not recorder.is_full()
        length = torch.tensor([sum(rows), 5])
        recorder.record(
            {'_episode': torch.tensor(rows), 'episode': {'length': length, 'map_ids': torch.tensor([0, 1])}},
            positions.add_(1),
        )
    assert recorder.is_full()
    found = recorder.evaluation()
    assert found.scores['length'].tolist() == [[1, 2], [5, 5]]
    assert found.measures['start_x'].tolist() == [[0, 2], [0, 3]]  # where a row is in the step after an episode's last


def test_rejects_an_info_without_the_scores():
    env = minimal()
    env.scores = ('style', 'grace')
    with pytest.raises(ValueError, match=r"env's info must have all of its scores, got none called style, grace\."):
        evaluate_in(still, env)


def test_rejects_what_it_cannot_count():
    with pytest.raises(ValueError, match='episodes must be an integer of at least 1, got 0'):
        evaluate_in(still, minimal(), 0)
    with pytest.raises(ValueError, match=r"env's autoreset_mode must be NEXT_STEP, got AutoresetMode\.SAME_STEP"):
        evaluate_in(still, minimal(autoreset_mode=AutoresetMode.SAME_STEP))


@pytest.mark.parametrize(
    'env, got', [(lambda: FlattenObservation(minimal()), 'FlattenObservation'), (lambda: 3, 'int')]
)
def test_wrappers_are_not_evaluated_in(env, got):
    with pytest.raises(ValueError, match=f'env must be a megastep Env, got {got}'):
        evaluate_in(still, env())


def test_what_cannot_act_is_refused():
    wanted = 'policy must be a function of two arguments, observations and where episodes begin, got'
    for acts, got in {
        lambda seen: seen: r'<lambda>\(seen\): too many',
        None: 'None',
        Policy: 'the class Policy',
    }.items():
        with pytest.raises(ValueError, match=f'{wanted} {got}'):
            evaluate_in(acts, minimal())
