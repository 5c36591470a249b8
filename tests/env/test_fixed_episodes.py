"""Envs that play fixed episodes: each begins as it says, with random numbers of its own, whoever takes it."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from gymnasium.spaces import Box, Discrete
from rollouts import FEW_RAYS
from worlds import houses

from envs import Deathmatch, Explorer, Foraging, Minimal, PointGoal, Racing, Waypoint
from megastep import mapgen
from megastep.env import Env
from megastep.env.spawning import RandomSpawns
from megastep.env.variation import make_world
from megastep.evaluation import Episodes
from megastep.evaluation.registry import Task

TASKS = {
    'pointgoal': (PointGoal, {}),
    'waypoint': (Waypoint, {}),
    'explorer': (Explorer, {'patience': 0.8, 'time_limit': 3}),
    'minimal': (Minimal, {'shortest': 3, 'longest': 9}),
    'deathmatch': (Deathmatch, {'num_agents': 2, 'time_limit': 3, 'health': 1, 'spread': 180.0}),
    'foraging': (Foraging, {'time_limit': 1, 'regrowth': 0.3}),
    'racing': (Racing, {'time_limit': 1}),
}
NOISE = {'depth_noise': 0.1, 'action_noise': 0.2}


@pytest.fixture(params=TASKS)
def name(request):
    return request.param


def maps_for(name):
    if name == 'racing':
        return mapgen.generate('track', 2)
    return mapgen.generate('arena', 2, width=(6, 7), height=(6, 7)) if name == 'deathmatch' else houses(3)


def episodes_of(name, per_map=4, **options):
    task = Task.of(name, {key: value for key, value in TASKS[name][1].items() if key == 'num_agents'})
    limits = {'strata': [(1, 5)], 'time_limit': 0.7} if 'goal' in name or name == 'waypoint' else {}
    return Episodes.draw(maps_for(name), task, per_map, **limits, **options)


def make(name, episodes, envs=3, device='cpu', **options):
    task, own = TASKS[name]
    own = {**own, **options}
    cameras = {'cameras': FEW_RAYS}
    return task(maps_for(name), envs * own.get('num_agents', 1), device, episodes=episodes, **cameras, **own)


def actions_for(env, numbers=None):
    """What each agent does is a function of its episode and how far that has come."""
    queue = env.core.episodes
    numbers = torch.arange(len(queue) + 1) if numbers is None else torch.as_tensor(np.append(numbers, len(queue)))
    values = 7 * numbers.to(env.device)[queue.current] + 3 * queue.steps
    values = values.repeat_interleave(env.core.num_agents)
    space = env.single_action_space
    return values % int(space.n) if hasattr(space, 'n') else torch.sin(values.float())[:, None].expand(-1, *space.shape)


def played(env, *, numbers=None, most=2000):
    """What happened in each episode, step by step: what was seen, where agents were, what they got.

    Args:
        env: The env.
        numbers: What to call the episodes; by default as the queue does.
        most: After so many steps it gives up.
    """
    queue, agents, found = env.core.episodes, env.core.num_agents, {}
    names = [*range(len(queue))] if numbers is None else list(numbers)
    observations, rewards = env.reset(seed=0)[0], None
    for _ in range(most):
        for e, number in enumerate(queue.current.tolist()):
            if number < len(queue):
                here = slice(e * agents, (e + 1) * agents)
                seen = [leaf[here].clone() for leaf in leaves_of(observations)]
                there = [env.core.agents.positions[e].clone(), env.core.agents.angles[e].clone()]
                got = [] if queue.steps[e] == 1 else [rewards[here].clone()]  # the first step only begins
                found.setdefault(names[number], []).append([*there, *seen, *got])
        if (queue.current == len(queue)).all():
            return found
        observations, rewards = env.step(actions_for(env, numbers))[:2]
    raise AssertionError('the episodes never end')


def leaves_of(nested):
    if isinstance(nested, torch.Tensor):
        return [nested]
    return [leaf for value in nested.values() for leaf in leaves_of(value)]


@pytest.mark.parametrize('noise', [{}, NOISE], ids=['', 'noise'])
def test_the_same_episodes_on_one_env_and_on_five_in_any_order(name, noise):
    """All that an agent sees, gets and does, step by step, but for the rounding of vector instructions."""
    noise = {'depth_noise': 0.1} if name == 'racing' and noise else noise
    episodes = episodes_of(name)
    order = np.random.default_rng(0).permutation(len(episodes))
    alone, beside = played(make(name, episodes, 1, **noise)), played(make(name, episodes, 5, **noise))
    shuffled = played(make(name, episodes[order], 4, **noise), numbers=order)
    assert sorted(alone) == sorted(beside) == sorted(shuffled) == list(range(len(episodes)))
    for number in range(len(episodes)):
        assert same(alone[number], beside[number]), number
        assert same(alone[number], shuffled[number]), number


def same(one, other):
    pairs = [pair for a, b in zip(one, other, strict=True) for pair in zip(a, b, strict=True)]
    return all(torch.allclose(a, b, atol=1e-5) if a.is_floating_point() else torch.equal(a, b) for a, b in pairs)


def test_episodes_begin_where_they_say(name):
    episodes = episodes_of(name)
    env = make(name, episodes, 4)
    env.reset(seed=3)
    queue, agents = env.core.episodes, env.core.agents
    assert queue.current.tolist() == [0, 1, 2, 3]
    assert env.core.map_ids.tolist() == episodes.map_ids[:4].tolist()
    if queue.places:
        assert np.allclose(agents.positions, episodes.starts[:4], atol=1e-6)
        assert torch.equal(agents.angles, torch.as_tensor(np.array(episodes.bearings[:4])))
    assert (agents.velocities == 0).all()


def test_goals_and_shortest_paths_are_the_episodes():
    episodes = episodes_of('pointgoal', 2)
    env = make('pointgoal', episodes, 6)
    observations, _ = env.reset()
    goals = env._goals.current
    assert np.allclose(goals.positions[:, 0], episodes.goal_positions, atol=1e-6)
    assert np.allclose(goals.lengths[:, 0], episodes.shortest_paths, atol=1e-6)
    offsets = episodes.goal_positions - episodes.starts[:, 0]
    assert np.allclose(observations['goal'][:, 0], np.hypot(*offsets.T), atol=1e-5)
    assert torch.equal(env._tracker.remaining, goals.lengths)


def test_an_episode_s_limit_is_its_own_in_seconds():
    episodes = episodes_of('pointgoal', 2)
    limits = np.linspace(0.3, 1.3, 6)
    for fps in (5, 20):
        env = make('pointgoal', replace(episodes, time_limits=limits), 6, fps=fps, time_limit=0.1)
        env.reset()
        ends = torch.zeros(6, dtype=torch.int64)
        for step in range(1, 30):
            over = env.step(torch.zeros(6, dtype=torch.int64))[3]
            ends = torch.where((ends == 0) & over, step, ends)
        assert ends.tolist() == np.ceil(limits * fps - 1e-6).tolist()


def test_without_limits_the_env_ends_episodes_by_its_own_rules():
    env = make('deathmatch', episodes_of('deathmatch'), 2)
    env.reset()
    over = [bool(env.step(torch.zeros(4, dtype=torch.int64))[3].all()) for _ in range(31)]
    assert over == [False] * 29 + [True, False]


def test_metres_walked_leave_jumps_to_spawns_out():
    env = make('deathmatch', episodes_of('deathmatch'), 2, reward='classic')
    env.reset()
    walked = torch.zeros(2, 2)
    for step in range(25):
        before = env.core.agents.positions.clone()
        deaths = env._combat.dead.clone()
        env.step(torch.full((4,), 1 + step % 4))
        moved = (env.core.agents.positions - before).norm(dim=-1)
        jumped = moved > 0.3
        assert (env.core.episodes.walked - walked).max() <= 0.3
        walked = env.core.episodes.walked.clone()
        assert not (jumped & ~deaths & (env.core.episodes.steps[:, None] == 0)).any()


class Lone(Env):
    """An env that has its own idea of where to begin, and draws from a generator that is nobody else's."""

    def __init__(self, maps, num_envs, device, **options):
        core, cameras, options = make_world(maps, num_envs, device, cameras=FEW_RAYS, **options)
        self._spawns = RandomSpawns(core)
        super().__init__(
            core,
            cameras,
            action_space=Discrete(2),
            observation_space=Box(-np.inf, np.inf, (2,)),
            time_limit=1,
            **options,
        )

    def _respawn(self, mask):
        super()._respawn(mask)
        self.core.agents.positions.masked_fill_(mask[:, None, None], 1.7)

    def _act(self, actions):
        pass

    def _observe(self):
        return self.core.agents.positions[:, 0].clone()

    def _outcome(self):
        return torch.zeros_like(self.returns), self._nobody, self._nobody


def test_spawns_of_a_task_s_own_give_way_to_the_episodes():
    episodes = Episodes.draw(houses(2), Lone, 2)
    env = Lone(houses(2), 4, 'cpu', episodes=episodes)
    observations, _ = env.reset()
    assert np.allclose(observations, episodes.starts[:, 0], atol=1e-6)


def test_a_core_plays_episodes_that_it_is_given_later():
    episodes = Episodes.draw(houses(2), Lone, 2)
    env = Lone(houses(2), 4, 'cpu')
    env.core.play(episodes)
    assert np.allclose(env.reset()[0], episodes.starts[:, 0], atol=1e-6)


def test_a_state_holds_what_is_played():
    env = make('explorer', episodes_of('explorer'), 3)
    env.reset()
    for _ in range(12):
        env.step(actions_for(env))
    state, ahead = env.get_state(), []
    for _ in range(2):
        env.set_state(state)
        ahead.append([[leaf.clone() for leaf in leaves_of(env.step(actions_for(env))[0])] for _ in range(12)])
    assert same(*ahead)


def test_a_state_of_other_episodes_is_refused():
    env, other = (make('explorer', episodes_of('explorer', seed=seed), 3) for seed in (0, 1))
    for each in (env, other):
        each.reset()
    with pytest.raises(ValueError, match=r"state\['world'\]\['episodes'\] must be as this env's: .* of other episodes"):
        other.set_state(env.get_state())


@pytest.mark.parametrize(
    'change, message',
    [
        ({'agent_radius': 0.08}, 'episodes must be for agents of radius 0.08 m, got some for 0.106066 m'),
        ({'maps': houses(1)}, "episodes must be in the core's 1 maps, got map 2"),
        ({'maps': houses(4)[1:]}, "episodes must be in the core's maps, got some in others: they have other spawns"),
    ],
)
def test_refuses_episodes_of_other_agents_or_maps(change, message):
    change = {'maps': houses(3), **change}
    with pytest.raises(ValueError, match=message):
        Explorer(num_envs=2, device='cpu', episodes=episodes_of('explorer'), **change)


def test_refuses_episodes_of_another_task():
    with pytest.raises(ValueError, match='episodes must have goals, got some without'):
        PointGoal(houses(3), 2, 'cpu', episodes=episodes_of('explorer'))
    with pytest.raises(ValueError, match='episodes must be of 1 agents, as the envs are, got 2'):
        Explorer(maps_for('deathmatch'), 2, 'cpu', episodes=episodes_of('deathmatch'))


@pytest.mark.gpu
@pytest.mark.parametrize('cuda_graph', [True, False])
def test_the_same_starts_on_a_gpu(name, cuda_graph):
    """From a CUDA graph too. What follows is the same up to rounding for as long as it doesn't decide anything."""
    episodes = episodes_of(name)
    there = make(name, episodes, 3, 'cuda', cuda_graph=cuda_graph)
    found = played(there)
    here = played(make(name, episodes, 2))
    assert sorted(found) == sorted(here)
    for number, record in here.items():
        starts = zip(found[number][0], record[0], strict=True)
        assert all(torch.allclose(a.cpu(), b, atol=1e-2) for a, b in starts)
        assert torch.equal(found[number][0][0].cpu(), record[0][0])
        assert len(found[number]) == len(record)
