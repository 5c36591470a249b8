"""Baselines: what each knows, how well it does, and what it refuses."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
import worlds
from gymnasium.spaces import Box, Dict, Discrete, MultiBinary, MultiDiscrete, Tuple
from rollouts import make
from worlds import houses

from envs import Deathmatch, Explorer, Foraging, Minimal, PointGoal, Racing, Waypoint
from megastep import mapgen
from megastep.env.motion import MOTIONS, HolonomicVelocity, MomentumMovement
from megastep.env.navigation import GeodesicField
from megastep.env.nested import mismatch
from megastep.env.waypoints import next_waypoints
from megastep.evaluation import Episodes, evaluate, evaluate_in
from megastep.evaluation.baselines import (
    BASELINES,
    FrontierExplorer,
    RandomActions,
    Scripted,
    ShortestPath,
    StraightLine,
    WallFollower,
    baselines_for,
)
from megastep.evaluation.baselines.paths import PathFollower, field_of
from megastep.evaluation.baselines.range_finder import RangeFinder
from megastep.evaluation.baselines.steering import in_frame, make_steering
from megastep.world.cameras import Cameras

BLIND = Cameras(res=2, subsample=1)
SPACES = [
    Discrete(7),
    Discrete(3, start=-1),
    MultiDiscrete([2, 5]),
    MultiBinary(3),
    Box(-1, 2, (2,)),
    Box(np.array([-np.inf, 0, -np.inf], np.float32), np.array([np.inf, np.inf, 3], np.float32)),
    Box(0, 9, (2, 2), dtype=np.int32),
    Dict(motion=Box(-1, 1, (2,)), trigger=Discrete(2)),
    Tuple([Discrete(2), Tuple([Discrete(4)])]),
]


class Stub:
    """As much of an env as random actions look at."""

    def __init__(self, space, num_envs=4):
        self.single_action_space, self.num_envs, self.device = space, num_envs, torch.device('cpu')
        self.core = SimpleNamespace(episodes=None)


def drawn(space, num_envs=4, steps=3, seed=0):
    act = RandomActions(seed).for_env(Stub(space, num_envs))
    return [act(None, None) for _ in range(steps)]


def goals_env(maps=None, num_envs=32, **options):
    maps = houses(8) if maps is None else maps
    return PointGoal(maps, num_envs, 'cpu', cameras=BLIND, time_limit=30, **options)


def played(baseline, env, seed=1):
    return evaluate_in(baseline.for_env(env), env, seed=seed).means()


class TestRandomActions:
    @pytest.mark.parametrize('space', SPACES, ids=str)
    def test_they_are_elements_of_any_space(self, space):
        for actions in drawn(space):
            assert mismatch('actions', actions, space, 4, torch.device('cpu')) is None

    def test_each_is_as_likely(self):
        counts = torch.cat(drawn(Discrete(7), 1000, 70)).bincount(minlength=7)
        assert (counts - 10_000).abs().max() < 5 * 100
        values = torch.cat(drawn(Box(-1, 3, (2,)), 1000, 20))
        assert values.mean() == pytest.approx(1, abs=0.05)
        assert values.std() == pytest.approx(4 / 12**0.5, abs=0.05)
        normal = torch.cat(drawn(Box(-np.inf, np.inf, (1,)), 1000, 20))
        assert normal.std() == pytest.approx(1, abs=0.05)

    def test_a_row_draws_the_same_however_many_there_are(self):
        few, many = drawn(SPACES[7], 2), drawn(SPACES[7], 9)
        for one, other in zip(few, many, strict=True):
            assert torch.equal(one['motion'], other['motion'][:2])
            assert torch.equal(one['trigger'], other['trigger'][:2])

    def test_rows_steps_and_seeds_draw_otherwise(self):
        first, second, _ = drawn(Box(0, 1, (8,)))
        assert len(torch.cat([first, second, drawn(Box(0, 1, (8,)), seed=1)[0]]).unique()) == 3 * 4 * 8

    def test_in_fixed_episodes_they_are_the_episode_s_own(self):
        """However many envs play them, and in whatever order: so every score is the same."""
        episodes = Episodes.draw(houses(2), 'waypoint', per_map=4, seed=0, time_limit=3)
        one, many = (evaluate(RandomActions(), episodes, num_envs=count, device='cpu').table for count in (1, 8))
        for name in ('return', 'length', 'metres_walked'):
            np.testing.assert_allclose(one[name], many[name], rtol=1e-5)
        other = evaluate(RandomActions(1), episodes, device='cpu').table
        assert (other['metres_walked'] != one['metres_walked']).all()


class TestWaypoints:
    def test_they_are_goals_in_sight_and_corners_before_those_that_are_not(self):
        """The wall from (3, 2) to (3, 3) hides the right half of the box from (2, 2.5)."""
        geometry = worlds.halved_box()
        field = GeodesicField.pack([geometry], 'cpu')
        right = int(geometry.spawns[:, 0].argmax())
        left = int(geometry.spawns[:, 0].argmin())
        place = torch.tensor([[[2.0, 2.6]]])
        ids = torch.zeros(1, dtype=torch.int64)
        seen = next_waypoints(field, place, ids, torch.tensor([[left]]))
        assert torch.allclose(seen[0, 0], torch.tensor(geometry.spawns[left]).float())
        hidden = int(np.hypot(*(geometry.spawns - (4, 2.6)).T).argmin())
        corner = next_waypoints(field, place, ids, torch.tensor([[hidden]]))[0, 0]
        assert min(np.hypot(*(corner.numpy() - end)) for end in [(3, 2), (3, 3)]) < 0.15
        assert right != left

    def test_in_a_box_they_are_the_goals(self):
        box = worlds.box()
        field = GeodesicField.pack([box], 'cpu')
        goals = torch.tensor([[0], [2], [99]])
        found = next_waypoints(field, torch.full((3, 1, 2), 2.0), torch.zeros(3, dtype=torch.int64), goals)
        assert torch.allclose(found[:, 0].double(), torch.tensor(box.spawns)[[0, 2, 2]])

    def test_the_field_of_a_world_is_that_of_its_maps(self):
        maps = houses(3)
        env = Waypoint(maps, 6, 'cpu', cameras=BLIND)
        env.reset(seed=0)
        ids, goals = env.core.map_ids, torch.arange(6)[:, None]
        found, known = field_of(env.core), GeodesicField.pack(maps, 'cpu')
        places = env.core.agents.positions
        assert torch.allclose(found.distances(places, ids, goals), known.distances(places, ids, goals), atol=1e-3)


@pytest.mark.parametrize('motion', MOTIONS)
def test_agents_are_steered_to_a_point(motion):
    """In an empty room all come to within 20 cm of a point that is 1.5 m away, wherever they look."""
    place = worlds.box(spawns=[(3, 2.5), (4.0, 1.9), (2.2, 3.3), (1.9, 1.9)])
    env = PointGoal([place], 32, 'cpu', cameras=BLIND, motion=motion, time_limit=20, nearest=0.5)
    assert played(StraightLine(), env)['success'] == 1


LEAST = {'simple': 0.98, 'momentum': 0.98, 'holonomic': 0.98, 'unicycle': 0.98, 'differential': 0.9, 'ackermann': 0.7}


@pytest.mark.parametrize('motion, least', LEAST.items())
def test_the_oracle_reaches_every_goal_along_shortest_paths(motion, least):
    found = played(ShortestPath(), goals_env(motion=motion))
    assert found['success'] == 1
    assert found['spl'] > least


def test_the_oracle_goes_around_thin_walls():
    maps = [worlds.halved_box()]
    assert played(ShortestPath(), goals_env(maps, nearest=1.5))['spl'] > 0.95
    assert played(StraightLine(), goals_env(maps, nearest=1.5))['success'] < 1


def test_who_knows_more_does_better():
    random, straight, oracle = (played(each, goals_env()) for each in (RandomActions(), StraightLine(), ShortestPath()))
    assert random['spl'] < 0.1 < straight['spl'] < 0.8 < oracle['spl']


def test_a_follower_that_has_come_to_a_corner_looks_beyond_it():
    geometry = worlds.halved_box()
    env = Waypoint([geometry], 1, 'cpu', cameras=BLIND)
    env.reset(seed=0)
    field = GeodesicField.pack([geometry], 'cpu')
    hidden = torch.tensor([[int(np.hypot(*(geometry.spawns - (4, 2.6)).T).argmin())]])
    env.core.agents.positions[:] = torch.tensor([2.9, 2.6])
    corner = next_waypoints(field, env.core.agents.positions, env.core.map_ids, hidden)
    env.core.agents.positions.copy_(corner)
    env.core.contacts.fill_(-1)
    beyond = PathFollower(env.core, field).points(hidden)
    assert (beyond - corner).norm() > 0.2
    assert field.distances(beyond, env.core.map_ids, hidden) < field.distances(corner, env.core.map_ids, hidden)


class TestWallFollower:
    def test_it_goes_around_a_room_with_the_wall_on_its_left(self):
        env = make(Minimal, 8, maps=[worlds.box()], cameras=BLIND, shortest=400, longest=400)
        env.reset(seed=0)
        act, corners = WallFollower().for_env(env), torch.tensor([[1, 1], [5, 1], [5, 4], [1, 4.0]])
        begins, nearest, off = torch.ones(8, dtype=torch.bool), torch.full((8, 4), 9.0), []
        for step in range(300):
            env.step(act(None, begins))
            begins = torch.zeros(8, dtype=torch.bool)
            places = env.core.agents.positions[:, 0]
            if step > 60:
                nearest = torch.minimum(nearest, (places[:, None] - corners).norm(dim=-1))
                walls = torch.minimum(places - torch.tensor([1, 1]), torch.tensor([5, 4]) - places).amin(dim=-1)
                off.append(walls)
        assert nearest.max() < 0.9  # it has been in every corner
        assert torch.stack(off).median() == pytest.approx(0.3, abs=0.1)

    def test_it_finds_more_than_who_turns_at_random(self):
        follower, random = (played(each, goals_env()) for each in (WallFollower(), RandomActions()))
        assert follower['success'] > 2 * random['success']

    def test_its_distance_must_be_above_0(self):
        with pytest.raises(ValueError, match='distance must be above 0, got 0'):
            WallFollower(distance=0)


class TestFrontierExplorer:
    def test_it_sees_most_of_a_house(self):
        options = {'patience': 5, 'fps': 5, 'cameras': Cameras(res=32, subsample=1)}
        coverage = {
            type(each).__name__: played(each, make(Explorer, 8, **options))
            for each in (FrontierExplorer(), RandomActions())
        }
        assert coverage['FrontierExplorer']['coverage'] > 0.75
        assert coverage['FrontierExplorer']['coverage'] > 1.4 * coverage['RandomActions']['coverage']

    def test_it_serves_where_there_are_several_agents(self):
        env = make(Foraging, 8, num_agents=2, time_limit=3)
        assert played(FrontierExplorer(), env)['length'] == 30


def test_a_range_finder_sees_all_around():
    core = worlds.one(worlds.box(), 2, 2, 90)
    finder = RangeFinder(core)
    ranges = finder.ranges()[0, 0]
    for bearing, distance in {0: 2, 90: 1, -90: 3, -180: 1}.items():
        rays = (finder.bearings - bearing).abs() < 4
        assert ranges[rays].tolist() == pytest.approx([distance] * int(rays.sum()), abs=0.02)


def test_offsets_are_seen_as_the_agent_faces():
    seen = in_frame(torch.tensor([[[0.0, 1.0]]]), torch.tensor([[90.0]]))
    assert seen[0, 0].tolist() == pytest.approx([1, 0], abs=1e-6)


def test_a_script_is_the_env_s_own():
    env = make(Deathmatch, 8, maps=[worlds.box(spawns=[(2, 2), (4, 2), (4, 3), (2, 3)])], num_agents=2, time_limit=2)
    observations, _ = env.reset(seed=0)
    act = Scripted().for_env(env)
    assert torch.equal(act(observations, None), env.scripted_opponent()(observations))


class TestRefusals:
    @pytest.mark.parametrize('baseline', [StraightLine(), ShortestPath()], ids=lambda each: type(each).__name__)
    def test_of_envs_without_goals(self, baseline):
        with pytest.raises(ValueError, match='needs an env with goals, got Explorer without any'):
            baseline.for_env(make(Explorer))

    def test_of_envs_without_a_script(self):
        with pytest.raises(ValueError, match='Scripted needs an env with a scripted opponent, got Explorer without'):
            Scripted().for_env(make(Explorer))

    def test_of_motions_that_nobody_can_steer(self):
        class Crab(HolonomicVelocity):
            pass

        env = goals_env(num_envs=2, motion=Crab)
        assert make_steering(env) is not None  # it moves as its class does

        class Own:
            space = Discrete(2)
            max_speed = 1.0

            def reset(self, mask):
                pass

            def step(self, actions):
                pass

        with pytest.raises(ValueError, match=r'agents must move by one of SimpleMovement, .*, got PointGoal without'):
            StraightLine().for_env(goals_env(num_envs=2, motion=lambda core: Own()))

    def test_of_actions_that_are_more_than_motion(self):
        env = make(Deathmatch, 8, maps=[worlds.box(spawns=[(2, 2), (4, 2), (4, 3), (2, 3)])], trigger=True)
        with pytest.raises(ValueError, match=r'actions must be those of the motion, Discrete\(7\), got Discrete\(14\)'):
            WallFollower().for_env(env)

    def test_of_turns_that_never_end(self):
        env = goals_env(num_envs=2, motion=lambda core: MomentumMovement(core, decay=0))
        with pytest.raises(ValueError, match='decay must be above 0, got 0'):
            StraightLine().for_env(env)


def test_those_are_found_that_an_env_has_what_they_need_for():
    assert list(baselines_for(make(PointGoal))) == [name for name in BASELINES if name != 'scripted']
    assert list(baselines_for(make(Explorer))) == ['random', 'wall follower', 'frontier explorer']
    tracks = make(Racing, maps=mapgen.generate('track', 2))
    assert list(baselines_for(tracks)) == ['random', 'wall follower', 'frontier explorer']


@pytest.mark.gpu
@pytest.mark.parametrize('name', BASELINES)
def test_none_waits_for_the_gpu(name):
    task = {'scripted': Deathmatch, 'frontier explorer': Explorer}.get(name, PointGoal)
    env = make(task, 8, 'cuda', **({'maps': Deathmatch.default_maps()[:2]} if task is Deathmatch else {}))
    observations, _ = env.reset(seed=0)
    act, begins = BASELINES[name].for_env(env), torch.ones(8, dtype=torch.bool, device='cuda')
    act(observations, begins)
    torch.cuda.set_sync_debug_mode('error')
    try:
        act(observations, begins)
    finally:
        torch.cuda.set_sync_debug_mode('default')
