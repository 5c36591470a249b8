"""Evaluation in a suite: every episode once, the same whoever else is played, a row of scores for each."""

import warnings
from dataclasses import replace

import numpy as np
import pytest
import torch
from gymnasium.spaces import Box, Discrete
from rollouts import FEW_RAYS
from worlds import houses, turned

from envs import Deathmatch, Explorer, PointGoal
from megastep import MapSet, mapgen
from megastep.env import Env
from megastep.env.spawning import RandomSpawns
from megastep.env.variation import make_world
from megastep.evaluation import Episodes, Suite, evaluate
from megastep.evaluation.baselines import RandomActions, ShortestPath
from megastep.evaluation.playing.in_env import evaluate_in
from megastep.evaluation.playing.refill import default_rows, longest_first, play_queue
from megastep.evaluation.registry import Task
from megastep.learning import Policy

CPU = {'device': 'cpu', 'cameras': FEW_RAYS}


def points(count=3, per_map=4, seed=0, **options):
    return Episodes.draw(houses(6)[:count], 'pointgoal', per_map, seed, strata=[(1, 5)], **options)


def suite(per_map=2):
    return Suite({'near': points(2, per_map), 'far': points(3, per_map, seed=1)})


def wanders(observations, begins):
    """Goes by what it sees alone, so that whatever differs in an episode tells."""
    depth = observations['depth'].flatten(1)
    return torch.where(depth.amax(dim=1) > 0.9, 5 + (observations['goal'][:, 2] < 0).long(), 1)


def policy_for(maps=None, width=8, seed=0):
    return Policy.of(PointGoal(houses(1), 1, 'cpu', cameras=FEW_RAYS), width, seed=seed)


def same_tables(one, other, atol=1e-4):
    for name, values in one.table.items():
        if values.dtype.kind == 'f':
            assert np.allclose(values, other.table[name], atol=atol, rtol=1e-4, equal_nan=True), name
        else:
            assert np.array_equal(values, other.table[name]), name


def test_every_episode_of_every_set_is_played_once():
    found = evaluate(wanders, suite(), **CPU)
    assert len(found) == 4 + 6
    assert found.agents == ['wanders']
    assert found.table['set'].tolist() == ['near'] * 4 + ['far'] * 6
    assert found.table['map'].tolist() == [0, 0, 1, 1, 0, 0, 1, 1, 2, 2]
    assert found.table['episode'].tolist() == [0, 1, 2, 3, 0, 1, 2, 3, 4, 5]
    assert found.scores == ('success', 'spl', 'soft_spl', 'distance_to_goal', 'collisions', 'return', 'length')
    assert found.suite_sha256 == suite().sha256
    assert np.allclose(found.table['seconds'], found.table['length'] / 10)


def test_a_row_says_what_its_episode_is_like():
    whole = suite()
    found = evaluate(wanders, whole, **CPU).select(set='far').table
    episodes = whole['far']
    assert np.array_equal(found['shortest_path'], episodes.shortest_paths)
    assert np.array_equal(found['detour'], episodes.detours)
    assert np.array_equal(found['start_x'], episodes.starts[:, 0, 0])
    assert np.array_equal(found['goal_y'], episodes.goal_positions[:, 1])
    assert np.array_equal(found['rooms'], episodes.maps.stats('rooms')['rooms'][episodes.map_ids])
    assert np.array_equal(found['walls'], episodes.maps.walls.widths[episodes.map_ids])


def test_the_oracle_walks_the_shortest_path():
    found = evaluate(ShortestPath(), points(), **CPU)
    assert found.table['success'].all()
    assert found.table['spl'].mean() > 0.95
    assert np.allclose(found.table['metres_walked'], found.table['shortest_path'], atol=0.5)
    assert found.agents == ['shortest path']
    assert set(found.ways) == set(range(12))
    for row, way in found.ways.items():
        start, end = points().starts[row, 0], points().goal_positions[row]
        assert np.allclose(way[0], start, atol=1e-5)
        assert np.linalg.norm(way[-1] - end) <= 0.2 + 1e-5
        walked = np.linalg.norm(np.diff(way, axis=0), axis=-1).sum()
        assert walked == pytest.approx(found.table['metres_walked'][row], abs=0.5)


@pytest.mark.parametrize('agent', [wanders, 'greedy', 'drawing'])
def test_the_same_on_one_env_and_on_64_in_any_order_and_company(agent):
    """Also what a policy draws: it does so from a stream of each episode. Few steps a second make for few steps."""
    greedy = agent == 'greedy'
    agent = policy_for() if isinstance(agent, str) else agent
    whole, options = suite(), {'greedy': greedy, 'fps': 3, **CPU}
    alone = evaluate(agent, whole, num_envs=1, **options)
    for num_envs in (7, 64):
        same_tables(alone, evaluate(agent, whole, num_envs=num_envs, **options))
    same_tables(alone.select(set='far'), evaluate(agent, {'far': whole['far']}, **options))
    company = evaluate({'other': RandomActions(), 'it': agent}, whole, **options).select(agent='it')
    assert np.allclose(company.table['return'], alone.table['return'], atol=1e-4)


def test_another_seed_draws_other_actions_in_the_same_episodes():
    one, other = (evaluate(policy_for(), points(), seed=seed, **CPU) for seed in (0, 1))
    assert np.array_equal(one.table['start_x'], other.table['start_x'])
    assert not np.allclose(one.table['return'], other.table['return'])


def test_envs_that_are_done_take_the_next_episode():
    """More than 80 % of steps are used, where the slowest would otherwise keep all waiting."""
    episodes = points(5, 40)
    env = PointGoal(houses(6)[:5], default_rows(episodes.time_limits), 'cpu', cameras=FEW_RAYS,
                    episodes=episodes[longest_first(episodes.time_limits)])  # fmt: skip
    played = play_queue(RandomActions().for_env(env), env)
    assert played.share > 0.8
    assert (played.columns['length'] > 0).all()


def test_runs_that_are_the_same_are_warned_of():
    policy = policy_for()
    for runs in ([policy, policy], [RandomActions(), RandomActions(0)], [wanders] * 2):
        with pytest.warns(
            UserWarning, match='runs 0 and 1 of .* are the same, which makes intervals too narrow'
        ) as found:
            evaluate({'a': runs}, points(1, 1), num_envs=4, **CPU)
        assert found[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        found = evaluate([RandomActions(seed) for seed in range(2)], points(1, 1), num_envs=4, **CPU)
    assert not np.allclose(*(found.select(run=run).table['return'] for run in range(2)))


def test_runs_of_an_agent_are_numbered_and_agents_have_names():
    runs = [policy_for(seed=0), policy_for(seed=1)]
    found = evaluate({'learnt': runs, 'random': RandomActions()}, points(1), **CPU)
    assert found.agents == ['learnt', 'random']
    assert [len(found.select(agent='learnt', run=run)) for run in (0, 1)] == [4, 4]
    several = evaluate(runs, points(1), **CPU)
    assert (several.agents, several.table['run'].tolist()) == (['policy'], [0] * 4 + [1] * 4)
    again = evaluate(runs[1], points(1), **CPU)
    assert np.allclose(again.table['return'], several.select(run=1).table['return'], atol=1e-4)


def test_options_vary_the_env():
    found = evaluate(wanders, points(1), variation='slow', fps=5, **CPU)
    assert set(found.table['variation']) == {'slow'}
    assert np.allclose(found.table['seconds'], found.table['length'] / 5)
    assert found.table['seconds'].max() <= points(1).time_limits.max() + 0.2


def test_scores_of_a_task_without_goals():
    episodes = Episodes.draw(houses(2), 'explorer', 3)
    found = evaluate(RandomActions(), episodes, patience=1, **CPU)
    assert found.scores == ('coverage', 'return', 'length')
    assert np.isnan(found.table['shortest_path']).all()
    assert (found.table['coverage'] > 0).all()
    one = evaluate(RandomActions(), episodes, patience=1, num_envs=16, **CPU)
    assert np.array_equal(one.table['start_x'], found.table['start_x'])


def test_opponents_play_and_do_not_count():
    maps = mapgen.generate('arena', 2, width=(6, 7), height=(6, 7))
    episodes = Episodes.draw(maps, Task.of('deathmatch', {'num_agents': 2}), 3)
    shoots = {'time_limit': 4, 'health': 1, 'device': 'cpu'}  # the script aims by what it sees, so with its own cameras

    def still(observations, begins):
        return torch.zeros(len(begins), dtype=torch.int64)

    found = evaluate(still, episodes, opponents=1, **shoots)
    assert found.table['deaths'].sum() > found.table['kills'].sum()
    alone = evaluate(still, episodes, **shoots)  # both count
    assert alone.table['deaths'].sum() == alone.table['kills'].sum()


def test_trained_agents_play_against_one_another_in_the_same_episodes():
    """Both draw their actions and remember: how many worlds are played at once changes nothing."""
    maps = mapgen.generate('arena', 2, width=(6, 7), height=(6, 7))
    episodes = Episodes.draw(maps, Task.of('deathmatch', {'num_agents': 2}), 3, time_limit=3.0)
    env = Deathmatch(maps, 2, num_agents=2, **CPU)
    one, other = (Policy.of(env, 8, seed=seed) for seed in range(2))
    found = [evaluate(one, episodes, opponents=other, num_envs=count, **CPU) for count in (1, 4)]
    assert len(found[0]) == 6
    same_tables(*found)
    acted = []

    class Rival:
        def actor(self, rows, *, greedy=False, seed=0):
            return lambda observations, begins: acted.append((rows, len(begins))) or torch.zeros(rows).long()

    evaluate(one, episodes, opponents=[other, Rival()], num_envs=4, **CPU)
    assert set(acted) == {(2, 2)}
    with pytest.raises(ValueError, match='opponents must be trained agents or policies, got <function wanders'):
        evaluate(one, episodes, opponents=wanders, **CPU)
    with pytest.raises(ValueError, match="the env's observation space must be the agent's"):
        evaluate(one, episodes, opponents=policy_for(), **CPU)


class Unseen(Env):
    """An env that the library has never seen: it pays for going east, and knows nothing of episodes."""

    scores = ('east',)

    def __init__(self, maps, num_envs=4, device=None, *, seed=0):
        core, cameras, options = make_world(maps, num_envs, device, seed=seed, cameras=FEW_RAYS)
        self._spawns = RandomSpawns(core)
        self._east = torch.zeros_like(core.agents.angles)
        super().__init__(
            core, cameras, action_space=Discrete(2), observation_space=Box(-100, 100, (2,)), time_limit=1,
            kept={'east': self._east}, **options,
        )  # fmt: skip

    def _respawn(self, mask):
        super()._respawn(mask)
        self._east.masked_fill_(mask[:, None], 0)

    def _act(self, actions):
        self._east.add_(self.core.agents.positions[..., 0])

    def _observe(self):
        return self.core.agents.positions[:, 0].clone()

    def _outcome(self):
        return self._east.clone(), self._nobody, self._nobody

    def _info(self):
        return {'east': self._east}


def test_an_env_that_the_library_has_never_seen():
    """It takes no keyword for episodes either."""
    episodes = Episodes.draw(houses(2), Unseen, 3)
    found = evaluate(lambda seen, begins: begins.long(), episodes, task=Unseen, device='cpu')
    assert found.scores == ('east', 'return', 'length')
    assert np.allclose(found.table['east'], 10 * episodes.starts[:, 0, 0], atol=1e-3)


class Trained:
    """What `megastep.load` returns, as far as an evaluation looks at it."""

    def __init__(self, maps):
        self.task, self.maps, self.asked = Task.of('pointgoal', {'reach': 0.3}), maps, []

    def env(self, maps, num_envs, **options):
        self.asked.append(num_envs)
        return self.task.make(maps, num_envs, cameras=FEW_RAYS, **options)

    def opponents(self, env):
        return None

    def actor(self, rows, *, greedy=False, seed=0):
        return policy_for().actor(rows, greedy=greedy, seed=seed)


class Endless(Unseen):
    """Never ends an episode."""

    def __init__(self, maps, num_envs=4, device=None, *, seed=0):
        super().__init__(maps, num_envs, device, seed=seed)
        self._episode_runner._most_steps = None
        self._episode_runner._limits.fill_(2**62)


def test_episodes_that_never_end_are_named(monkeypatch):
    monkeypatch.setattr('megastep.evaluation.play.ENDLESS', 30)
    message = 'episodes of Endless must end, but none has in 3[0-9] steps, and nothing limits them: time_limit='
    task = Task.of(Endless)
    with pytest.raises(ValueError, match=message):
        evaluate(RandomActions(), Episodes.draw(houses(1), task, 1), task=task, device='cpu')
    with pytest.raises(ValueError, match=message):
        evaluate_in(RandomActions().for_env(env := Endless(houses(1), 2, 'cpu')), env)
    assert len(evaluate(RandomActions(), Episodes.draw(houses(1), task, 1, time_limit=9), task=task, device='cpu')) == 1


def test_agents_that_know_no_task_play_in_the_env_of_the_first_that_does(monkeypatch):
    made = []
    monkeypatch.setattr(Trained, 'env', lambda self, *_, **given: made.append(given) or 1 / 0)
    with pytest.raises(ZeroDivisionError):
        evaluate({'random': RandomActions(), 'trained': Trained(houses(6)[5:])}, points(1), device='cpu')
    assert len(made) == 1


def test_an_agent_plays_in_the_env_that_it_was_trained_in():
    agents = [Trained(houses(6)[5:]), Trained(houses(6)[5:])]
    found = evaluate(agents, points(1), device='cpu', num_envs=2)
    assert agents[0].asked == [2]
    assert agents[1].asked == []  # both play in one
    assert len(found) == 8


def test_maps_that_a_run_was_trained_in_are_marked():
    trained = Trained(MapSet([turned(houses(1)[0]), houses(6)[5]]))
    with pytest.warns(UserWarning, match="trained was trained in 1 of the 3 maps of 'far'"):
        found = evaluate({'trained': trained}, {'own': points(1), 'far': points(3)}, device='cpu')
    assert found.select(set='own').table['trained_on'].all()
    assert found.select(set='far').table['trained_on'].tolist() == [True] * 4 + [False] * 8


def max_of_three(a, b, c):
    return max(a, b, c)


class Makes:
    """Agent that makes what it is told, instead of what acts."""

    def __init__(self, what):
        self._what = what

    def for_env(self, env):
        return self._what


@pytest.mark.parametrize(
    'agent, options, message',
    [
        ([], {}, 'agents must be at least 1, got none'),
        ({}, {}, 'agents must be at least 1, got none'),
        ({'a': []}, {}, 'agents must be at least 1, got none'),
        (torch.nn.Linear(2, 2), {}, r'an agent must be what megastep\.load returns, .*, got Linear'),
        (3, {}, r'an agent must be what megastep\.load returns, .*, got 3'),
        (RandomActions, {}, r'an agent must be .*, got the class RandomActions: give one of it'),
        (lambda seen: seen, {}, r'an agent must be a function of two arguments, .*, got <lambda>\(seen\): too many'),
        (max_of_three, {}, r"an agent must be .*, got max_of_three\(a, b, c\): missing a required argument: 'c'"),
        (Makes(None), {}, r"what an agent's for_env returns must be a function of two arguments, .*, got None"),
        (Makes(max_of_three), {}, r"what an agent's for_env returns must be .*, got max_of_three\(a, b, c\)"),
        (wanders, {'num_envs': 0}, 'num_envs must be an integer of at least 1, got 0'),
        (wanders, {'agent_radius': 0.08}, r'episodes must be for agents of radius 0\.08 m, got some for 0\.106066 m'),
        (wanders, {'task': 'deathmatch'}, 'episodes must be of 4 agents, as the envs are, got 1'),
        (wanders, {'opponents': 1}, 'opponents must be 0 in pointgoal, which has no script for any, got 1'),
    ],
)
def test_refuses_what_cannot_play(agent, options, message):
    with pytest.raises(ValueError, match=message):
        evaluate(agent, points(1), **{**CPU, **options})


def test_refuses_agents_of_other_spaces_by_name():
    other = Policy.of(Explorer(houses(1), 1, 'cpu', cameras=FEW_RAYS), 8)
    with pytest.raises(ValueError, match=r"the env's observation space must be the agent's, Dict\(.*\), got Dict"):
        evaluate(other, points(1), **CPU)
    with pytest.raises(ValueError, match='must be the folder of a suite'):
        evaluate(wanders, '/nowhere', **CPU)


def test_refuses_agents_of_tasks_with_other_episodes():
    explorer = Trained(houses(1))
    explorer.task = Task.of('explorer')

    def never(observations, begins):
        raise AssertionError('played before all agents were looked at')

    with pytest.raises(ValueError, match='the suite must be of explorer, as the agent is, got one of pointgoal'):
        evaluate({'plays': never, 'does not': explorer}, points(1), device='cpu')


class Careless(Unseen):
    """Draws where it shouldn't."""

    def _act(self, actions):
        self._east.add_(torch.rand(self._east.shape, generator=self.core.generator))


def test_an_env_that_draws_from_what_all_share_is_named():
    episodes = Episodes.draw(houses(2), Careless, 3)
    with pytest.warns(UserWarning, match=r'Careless draws from core\.generator, .*: draw from core\.random instead'):
        evaluate(lambda seen, begins: begins.long(), episodes, task=Careless, device='cpu')


def test_episodes_without_a_goal_are_refused_in_a_task_that_has_one():
    aimless = replace(points(1), goals=np.full(4, -1))
    with pytest.raises(ValueError, match='episodes must have goals, got some without'):
        evaluate(wanders, aimless, **CPU)


@pytest.mark.gpu
@pytest.mark.parametrize('name', ['pointgoal', 'explorer'])
def test_a_gpu_plays_the_same_episodes(name):
    """A dead reckoner turns and stands, so that no touch of a wall is up to rounding."""
    episodes = points() if name == 'pointgoal' else Episodes.draw(houses(2), name, 3)
    options = {} if name == 'pointgoal' else {'patience': 1}

    def turns(observations, begins):
        return torch.full((len(begins),), 5, device=begins.device)

    here, there = (evaluate(turns, episodes, device=device, cameras=FEW_RAYS, **options) for device in ('cpu', 'cuda'))
    same_tables(here, there, atol=2e-2)


@pytest.mark.gpu
def test_policies_draw_the_same_on_any_number_of_envs_of_a_gpu():
    policy = policy_for().cuda()
    few, many = (evaluate(policy, points(), num_envs=count, cameras=FEW_RAYS) for count in (16, 64))
    assert np.mean(np.isclose(few.table['return'], many.table['return'], atol=1e-2)) > 0.8  # rounding may decide
