"""PointGoal and Waypoint: what they pay, when they end, what they say, and that they can be solved everywhere."""

import warnings
from dataclasses import replace
from functools import cache

import guides
import gymnasium
import numpy as np
import pytest
import torch
from gymnasium.vector import AutoresetMode
from rollouts import FEW_RAYS, actions_of, copied, equal, integers, rollout
from worlds import box, houses

from envs import PointGoal, Waypoint
from megastep import mapgen, plotting
from megastep.env.cuda_graph.capturing import Watch
from megastep.env.navigation import GeodesicField
from megastep.maps.geometry import Geometry
from megastep.testing import check_env

LINE = box(1, 1, 12, 3, spawns=[(2, 2), (4, 2)])
"""A room in which every way is straight, and 2 m long."""


@cache
def field_of(maps):
    return GeodesicField.pack(maps, 'cpu')


def make(task=Waypoint, num_envs=5, maps=None, **options):
    maps = houses(2) if maps is None else maps
    field = options.pop('geodesic_field', None) or field_of(maps if hasattr(maps, 'recipe') else tuple(maps))
    options = {'cameras': FEW_RAYS, **options}
    return task(maps, num_envs, 'cpu', geodesic_field=field, **options)


def facing_goal(**options):
    """An env whose agent stands 2 m from its goal and looks at it."""
    env = make(num_envs=1, maps=[LINE], **options)
    env.reset(seed=0)
    face_goal(env)
    return env


def face_goal(env):
    goal = env._goals.current
    env.core.agents.angles[:] = torch.where(goal.positions[..., 0] > goal.starts[..., 0], 0.0, 180.0)


def walk(env, actions):
    """What steps return, one after another."""
    return [env.step(torch.tensor([action])) for action in actions]


FORWARD, BACKWARD, LEFT, RIGHT, TURN = 1, 2, 3, 4, 5


@pytest.mark.parametrize('task', [PointGoal, Waypoint])
def test_make_vec(task):
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        name = f'envs:megastep/{task.__name__}-v0'
        env = gymnasium.make_vec(name, num_envs=3, maps=[LINE], device='cpu')
        env.reset(seed=0)
        env.step(actions_of(env, 0))
        assert env.spec.id == f'megastep/{task.__name__}-v0'
        env.close()


@pytest.mark.parametrize('task', [PointGoal, Waypoint])
def test_observations_lie_in_their_spaces(task):
    env = make(task)
    observations = env.reset(seed=0)[0]
    assert set(observations) == {'rgb', 'depth', 'imu', 'goal'}
    for step in range(5):
        arrays = {name: values.numpy() for name, values in observations.items()}
        assert env.observation_space.contains(arrays)
        assert env.single_observation_space.contains({name: values[0] for name, values in arrays.items()})
        observations = env.step(actions_of(env, step))[0]


def placed(env, goal):
    """Where a goal that is told from where the agents are lies in the map."""
    agents, (distance, cos, sin) = env.core.agents, goal.double().numpy().T
    turn = np.exp(1j * np.radians(agents.angles[:, 0].numpy())) * (cos + 1j * sin)
    return agents.positions[:, 0].numpy() + np.stack([(distance * turn).real, (distance * turn).imag], axis=-1)


def test_waypoint_tells_the_goal_from_where_one_is():
    env = make(Waypoint)
    goal = env.reset(seed=0)[0]['goal']
    for step in range(20):
        np.testing.assert_allclose(placed(env, goal), env._goals.current.positions[:, 0], atol=1e-4)
        goal = env.step(actions_of(env, step))[0]['goal']


def test_pointgoal_tells_the_goal_from_where_one_began():
    env = make(PointGoal, time_limit=0.6)
    first = env.reset(seed=0)[0]['goal']
    np.testing.assert_allclose(placed(env, first), env._goals.current.positions[:, 0], atol=1e-4)
    for step in range(6):
        assert torch.equal(env.step(actions_of(env, step))[0]['goal'], first)
    again = env.step(actions_of(env, 6))[0]['goal']
    assert not torch.equal(again, first)
    np.testing.assert_allclose(placed(env, again), env._goals.current.positions[:, 0], atol=1e-4)


def test_pointgoal_says_apart_what_waypoint_would_tell():
    env, told = (make(task, seed=4) for task in (PointGoal, Waypoint))
    for each in (env, told):
        each.reset(seed=3)
    for time in range(8):
        actions = actions_of(env, time)
        goals = told.step(actions)[0]['goal']
        env.step(actions)
        assert torch.equal(env.auxiliary(), goals)
    assert all(env.auxiliary_space.contains(goal) for goal in env.auxiliary().numpy())
    assert told.auxiliary_space is None


def test_the_imu_and_the_first_goal_are_enough():
    """Who adds up what the IMU says knows in PointGoal where the goal is by now."""
    env = make(PointGoal, num_envs=20, maps=[box(1, 1, 31, 31, spawns=[(15, 16), (17, 16)])])
    distance, cos, sin = env.reset(seed=0)[0]['goal'].double().T
    goal, position, facing = distance * (cos + 1j * sin), 0, torch.ones(20, dtype=torch.complex128)
    for step in range(50):
        forward, left, turns = env.step(actions_of(env, step))[0]['imu'].double().T
        facing = facing * torch.exp(2j * torch.pi * turns / 10)
        position = position + facing * (forward + 1j * left) / 10
    ahead = (goal - position) / facing
    known = torch.stack([ahead.abs(), ahead.real / ahead.abs(), ahead.imag / ahead.abs()], dim=-1)
    np.testing.assert_allclose(placed(env, known), env._goals.current.positions[:, 0], atol=1e-3)


class TestReward:
    def test_is_the_progress_and_a_bonus_for_success(self):
        env = facing_goal(progress=2.0, bonus=7.0)
        steps = walk(env, [FORWARD] * 9)
        rewards, terminated = [step[1].item() for step in steps], [step[2].item() for step in steps]
        assert rewards == pytest.approx([0.4] * 8 + [7.4], abs=1e-4)
        assert terminated == [False] * 8 + [True]

    def test_is_taken_back_for_the_way_back(self):
        env = facing_goal()
        rewards = [step[1].item() for step in walk(env, [FORWARD, BACKWARD, BACKWARD])]
        assert rewards == pytest.approx([0.2, -0.2, -0.2], abs=1e-4)

    def test_is_less_for_the_effort_of_walking_but_not_of_turning(self):
        env = facing_goal(effort=0.5)
        rewards = [step[1].item() for step in walk(env, [FORWARD, BACKWARD, TURN])]
        assert rewards == pytest.approx([0.1, -0.3, 0], abs=1e-4)

    def test_is_the_bonus_alone_if_sparse(self):
        env = facing_goal(reward='sparse', effort=0.5)
        rewards = [step[1].item() for step in walk(env, [FORWARD] * 9)]
        assert rewards == [0] * 8 + [2.5]

    def test_adds_up_to_how_much_nearer_one_came(self):
        env = make(num_envs=8, bonus=0)
        env.reset(seed=0)
        for step in range(40):
            info = env.step(actions_of(env, step))[4]
        nearer = env._goals.current.lengths[:, 0] - info['distance_to_goal']
        assert not info['_episode'].any()
        torch.testing.assert_close(info['episode']['return'], nearer, atol=1e-4, rtol=0)


class TestEpisodes:
    def test_begin_anew_after_success(self):
        env = facing_goal()
        walk(env, [FORWARD] * 9)
        observations, reward, terminated, truncated, info = walk(env, [FORWARD])[0]
        assert (reward.item(), terminated.item(), truncated.item()) == (0, False, False)
        assert observations['goal'][0, 0] == 2
        assert info['success'].tolist() == [False] and info['distance_to_goal'].tolist() == [2]
        assert info['spl'].tolist() == info['soft_spl'].tolist() == info['collisions'].tolist() == [0]

    def test_are_truncated_when_time_is_up(self):
        env = make(time_limit=0.3)
        env.reset(seed=0)
        truncated = [env.step(integers(5))[3].tolist() for _ in range(5)]
        assert truncated == [[False] * 5, [False] * 5, [True] * 5, [False] * 5, [False] * 5]

    @pytest.mark.parametrize('reach, ends', [(0.2, False), (0.35, False), (0.9, False)])
    def test_nobody_is_at_a_goal_who_stands_behind_a_wall(self, reach, ends):
        """They are 0.32 m apart, and have 6.3 m to walk."""
        walls = [[[1, 1], [9, 1]], [[9, 1], [9, 5]], [[9, 5], [1, 5]], [[1, 5], [1, 1]], [[1, 3], [5, 3]]]
        half = Geometry.from_walls(np.array(walls, float))
        maps = [replace(half, spawns=np.array([[2.0, 2.84], [2.0, 3.16]]))]
        env = make(num_envs=4, maps=maps, reach=reach, furthest=None)
        env.reset(seed=0)
        assert env._goals.current.lengths.min() > 6
        assert env.step(integers(4))[2].tolist() == [ends] * 4

    def test_ends_within_a_wide_reach_in_the_open(self):
        env = facing_goal(reach=0.9)
        env.core.agents.positions.copy_(env._goals.current.positions)
        env.core.agents.positions[..., 0] += 0.85
        assert env.step(torch.tensor([0]))[2].tolist() == [True]

    def test_end_within_reach(self):
        env = facing_goal(reach=0.9)
        assert [step[2].item() for step in walk(env, [FORWARD] * 6)] == [False] * 5 + [True]


class TestInfo:
    def test_of_a_straight_walk(self):
        info = walk(facing_goal(), [FORWARD] * 9)[-1][4]
        assert info['_episode'].tolist() == info['success'].tolist() == [True]
        assert info['spl'].item() == 1
        assert info['soft_spl'].item() == pytest.approx(0.9, abs=1e-4)
        assert info['distance_to_goal'].item() == pytest.approx(0.2, abs=1e-4)
        assert info['collisions'].tolist() == [0]

    def test_of_a_detour(self):
        """0.4 m to the left and back first: 2.6 m for a way of 2 m, but for the last 0.2 m."""
        info = walk(facing_goal(), [LEFT] * 2 + [RIGHT] * 2 + [FORWARD] * 9)[-1][4]
        assert info['success'].tolist() == [True]
        assert info['spl'].item() == pytest.approx(2 / 2.6, abs=1e-4)
        assert info['soft_spl'].item() == pytest.approx(0.9 * 2 / 2.6, abs=1e-4)

    def test_of_a_walk_into_a_wall(self):
        """The wall is 1 m to the left, and the agent's rim 0.106 m away from its middle."""
        info = walk(facing_goal(), [LEFT] * 7)[-1][4]
        assert info['success'].tolist() == [False] and info['spl'].tolist() == [0]
        assert info['collisions'].tolist() == [3]

    def test_has_a_value_a_row(self):
        env = make()
        env.reset(seed=0)
        info = env.step(actions_of(env, 0))[4]
        for name in ('success', 'spl', 'soft_spl', 'distance_to_goal', 'collisions'):
            assert info[name].shape == (5,)


@pytest.mark.parametrize('mode', AutoresetMode)
@pytest.mark.parametrize('task', [PointGoal, Waypoint])
def test_keeps_what_vector_envs_promise(task, mode):
    check_env(make(task, time_limit=0.7, autoreset_mode=mode))


def test_the_same_seed_gives_the_same_rollout():
    one, other, third = (rollout(make(PointGoal, time_limit=0.4), 10, seed=seed) for seed in (1, 1, 2))
    assert equal(one, other)
    assert not equal(one, third)


@pytest.mark.parametrize('task', [PointGoal, Waypoint])
def test_nothing_waits_and_nothing_that_is_kept_is_replaced(task):
    env = make(task)
    env.reset()
    actions, mask = actions_of(env, 0), torch.tensor([True, False, True, False, False])  # held on to: they are read
    with Watch(env.device) as watch:
        env.motion.step(actions)
        env._nearer, env._walked = env._tracker.step()
        env._respawn(mask)
        env._observe()
        env._outcome()
        env._info()
    assert not any(source.storage.expired() for source in watch.sources.values())


def test_goes_on_from_a_state():
    env = make(PointGoal, time_limit=0.7)
    env.reset(seed=0)
    for step in range(5):
        env.step(actions_of(env, step))
    state = env.get_state()
    then = [copied(env.step(actions_of(env, step))) for step in range(5)]
    env.set_state(state)
    assert equal(then, [copied(env.step(actions_of(env, step))) for step in range(5)])


def test_a_picture_shows_the_goal():
    env = make()
    env.reset(seed=0)
    env.step(actions_of(env, 0))
    state = env.snapshot(3)
    goals, reached = state.overlays
    assert (reached.meaning, reached.agents.tolist()) == ('success', [False])
    np.testing.assert_array_equal(goals.positions, env._goals.current.positions[3])
    assert state.values['distance'] == env._tracker.remaining[3].item()
    picture = plotting.StatePlot(state)
    across, up = picture._plan.transData.transform(goals.positions[0]).round().astype(int)
    pink = [255, 95, 183]
    assert picture.frame()[-1 - up, across].tolist() == pink
    assert plotting.StatePlot(replace(state, overlays=())).frame()[-1 - up, across].tolist() != pink


def test_a_picture_marks_a_goal_that_is_reached():
    env = make()
    env.reset(seed=0)
    env.core.agents.positions[3] = env._goals.current.positions[3]
    stay = torch.zeros_like(actions_of(env, 0))
    env.step(stay)
    assert env.snapshot(3).overlays[1].agents.tolist() == [True]
    env.step(stay)
    assert env.snapshot(3).overlays[1].agents.tolist() == [False]


@pytest.mark.parametrize(
    'options, message',
    [
        ({'reward': 'none'}, "reward must be one of 'dense', 'sparse', got 'none'"),
        ({'reach': 0}, 'reach must be above 0 m and below nearest, 1 m, got 0'),
        ({'reach': 2.0, 'nearest': 2.0}, 'reach must be above 0 m and below nearest, 2 m, got 2.0'),
        ({'time_limit': 0}, 'time_limit must be above 0 s and finite, got 0'),
        ({'time_limit': float('inf')}, 'time_limit must be above 0 s and finite, got inf'),
        ({'bonus': np.inf}, 'bonus must be finite, got inf'),
        ({'effort': np.nan}, 'effort must be finite, got nan'),
        ({'progress': np.nan}, 'progress must be finite, got nan'),
        ({'nearest': 3, 'furthest': 4}, 'map 0 must have two spawns 3 to 4 m apart'),
        ({'geodesic_field': field_of((box(),))}, 'geodesic_field must be of the 1 maps'),
    ],
)
def test_rejects_what_makes_no_task(options, message):
    with pytest.raises(ValueError, match=message):
        make(maps=[LINE], **options)


LEAST = {
    'apartments': {'flats': (3, 3)},
    'hotel': {'guest_rooms': (24, 24)},
    'office': {'rooms': (40, 40)},
    'warehouse': {'rows': (3, 3), 'sections': (1, 1)},
}
"""The smallest maps of families whose others take seconds."""


def test_who_knows_the_way_walks_it_in_every_family():
    """SPL above 0.95 on average, and no failure."""
    maps = [mapgen.make(family, 1, seed=0, **LEAST.get(family, {})) for family in mapgen.FAMILIES]
    field = GeodesicField.pack(maps, 'cpu', workers=2)
    env = make(num_envs=16 * len(maps), maps=maps, geodesic_field=field)
    found = guides.finished(env, field, 200)
    success, spl = (found[name].view(len(maps), -1) for name in ('success', 'spl'))
    for family, succeeded, scores in zip(mapgen.FAMILIES, success, spl, strict=True):
        assert succeeded.all(), family
        assert scores.mean() > 0.95, family


# On a GPU


@pytest.mark.gpu
@pytest.mark.parametrize('mode', AutoresetMode)
def test_keeps_what_vector_envs_promise_on_a_gpu(mode):
    for graph in (True, False):
        options = {'cameras': FEW_RAYS, 'time_limit': 0.7, 'autoreset_mode': mode, 'cuda_graph': graph}
        check_env(PointGoal(houses(2), 6, 'cuda', **options))


@pytest.mark.gpu
def test_who_knows_the_way_walks_it_on_a_gpu():
    field = GeodesicField.pack(houses(8), 'cuda')
    env = Waypoint(houses(8), 512, 'cuda', cameras=FEW_RAYS, geodesic_field=field)
    found = guides.finished(env, field, 200)
    assert found['success'].all()
    assert found['spl'].mean() > 0.98


@pytest.mark.gpu
@pytest.mark.parametrize('task', [PointGoal, Waypoint])
def test_a_cuda_graph_replays_what_the_steps_do(task):
    maps = houses(8)
    envs = [task(maps, 64, 'cuda', cameras=FEW_RAYS, time_limit=2, cuda_graph=graph) for graph in (True, False)]
    one, other = (rollout(env, 50, seed=3) for env in envs)
    assert equal(one, other)
