"""Fixed episodes: the same on every machine, in strata of path length, kept in a file, refused in other maps."""

import warnings

import numpy as np
import pytest
from worlds import box, houses

from envs import Deathmatch
from megastep import Geometry, MapSet, mapgen
from megastep.env import Env
from megastep.env.episode_starts import FarStarts, Floor, GoalStarts, Start
from megastep.evaluation import Episodes
from megastep.evaluation.registry import Task
from megastep.mapgen.rng import Rng
from megastep.maps.geometry import AGENT_RADIUS
from megastep.maps.storage import tensor_files


def drawn(maps=None, task='pointgoal', per_map=6, strata=((1, 3), (3, 6)), **options):
    return Episodes.draw(houses(3) if maps is None else maps, task, per_map, strata=strata, **options)


def long_hall():
    """A hall of 60 m, with a spawn every 2 m."""
    spawns = [(x, 2.0) for x in np.arange(2.0, 60.0, 2.0)]
    return MapSet([box(1, 1, 61, 3, spawns=spawns)])


def equal(one, other):
    names = ('map_ids', 'starts', 'bearings', 'goals', 'shortest_paths', 'time_limits', 'seeds')
    return all(np.array_equal(getattr(one, name), getattr(other, name), equal_nan=True) for name in names)


def test_the_same_seed_gives_the_same_episodes_and_another_others():
    assert equal(drawn(seed=3), drawn(seed=3))
    assert drawn(seed=3).sha256 == drawn(seed=3).sha256
    assert drawn(seed=3).sha256 != drawn(seed=4).sha256
    assert not set(drawn(seed=3).seeds.tolist()) & set(drawn(seed=4).seeds.tolist())


def test_episodes_of_a_hall_are_the_same_for_ever():
    """What is drawn is raw Philox words, and the hall's paths are straight."""
    found = Episodes.draw(long_hall(), 'pointgoal', 5, seed=0)
    assert found.map_ids.tolist() == [0] * 5
    assert found.starts[:, 0, 0].tolist() == HALL_STARTS
    assert found.goals.tolist() == HALL_GOALS
    assert found.bearings[:2, 0].tolist() == HALL_BEARINGS
    assert found.seeds[:2].tolist() == HALL_SEEDS


HALL_STARTS, HALL_GOALS = [22.0, 18.0, 28.0, 50.0, 36.0], [0, 28, 11, 20, 8]
HALL_BEARINGS = [-177.2217254638672, -64.869140625]
HALL_SEEDS = [6354616577838885387, 964811967697466409]


def test_a_map_has_the_same_episodes_whichever_others_there_are():
    maps = houses(3)
    few, many = drawn(maps[:2]), drawn(maps)
    assert equal(few, many[many.map_ids < 2])


def test_every_stratum_of_a_map_gets_as_many():
    found = Episodes.draw(long_hall(), 'pointgoal', 20)
    counts = np.histogram(found.shortest_paths, [1, 5, 10, 20, 40, 100])[0]
    assert counts.tolist() == [4, 4, 4, 4, 4]
    assert np.allclose(found.shortest_paths, np.abs(found.goal_positions - found.starts[:, 0])[:, 0], atol=1e-3)
    assert np.allclose(found.detours, 1, atol=1e-3)


def test_no_stratum_is_favoured_where_maps_have_few_episodes():
    maps = MapSet([long_hall()[0]] * 60)
    found = Episodes.draw(maps, 'pointgoal', 1)
    assert np.histogram(found.shortest_paths, [1, 5, 10, 20, 40, 100])[0].min() >= 4


def test_a_pair_of_spawns_is_taken_again_only_once_all_have_been():
    maps = MapSet([box(spawns=[(2, 2), (4, 2), (2, 3.5)])])
    found = Episodes.draw(maps, 'pointgoal', 12, strata=[(1, 9)])
    pairs = list(zip(found.starts[:, 0].tolist(), found.goals.tolist(), strict=True))
    assert sorted(pairs[:6]) == sorted(pairs[6:])
    assert len({str(pair) for pair in pairs}) == 6


def test_an_empty_stratum_is_said_by_name():
    with pytest.warns(UserWarning, match='no map has shortest paths of 40 to 50 m, or 60 m or more: no episodes'):
        drawn(strata=[(1, 5), (40, 50), (60, np.inf)])
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        Episodes.draw(long_hall(), 'pointgoal', 5)


def test_the_limit_leaves_time_for_four_times_the_shortest_path():
    found = drawn()
    assert np.allclose(found.time_limits, 10 + 4 * found.shortest_paths / 2, atol=2e-3)
    assert np.allclose(drawn(top_speed=1).time_limits, 10 + 4 * found.shortest_paths, atol=2e-3)
    assert drawn(time_limit=7).time_limits.tolist() == [7] * 18


def test_starts_are_spawns_and_bearings_are_any():
    found = Episodes.draw(houses(2), 'explorer', 200)
    for number, geometry in enumerate(found.maps):
        starts = found.starts[found.map_ids == number, 0]
        distances = np.abs(starts[:, None] - geometry.spawns).sum(-1).min(1)
        assert distances.max() == 0
    quarters = np.histogram(found.bearings, [-180, -90, 0, 90, 180])[0]
    assert quarters.sum() == 400
    assert quarters.min() > 70
    assert np.isnan(found.time_limits).all()
    assert (found.goals == -1).all()
    assert np.isnan(found.goal_positions).all()
    assert not found.has_goals


def test_several_agents_start_apart_and_face_each_other():
    maps = mapgen.generate('arena', 2, seed=0, width=(8, 12), height=(8, 12))
    found = Episodes.draw(maps, 'deathmatch', 20)
    assert found.num_agents == 4
    gaps = np.linalg.norm(found.starts[:, :, None] - found.starts[:, None], axis=-1) + 99 * np.eye(4)
    assert gaps.min() > 4 * AGENT_RADIUS
    assert gaps.min(axis=(1, 2)).mean() > 2
    middle = (found.starts.sum(axis=1, keepdims=True) - found.starts) / 3 - found.starts
    ahead = np.degrees(np.arctan2(middle[..., 1], middle[..., 0]))
    off = (found.bearings - ahead + 180) % 360 - 180
    assert np.abs(off).max() <= 45.01
    assert np.abs(off).max() > 35


def test_the_number_of_agents_is_that_of_the_task():
    assert Episodes.draw(houses(1), Task(Deathmatch, {'num_agents': 2}), 3).num_agents == 2
    assert Episodes.draw(houses(1), Task.of('foraging', {'num_agents': 3}), 3).num_agents == 3


class Northward:
    """Starts at the first spawn, facing north."""

    needs_paths = False

    def draw(self, floor, count, num_agents, rng, strata):
        return [Start(np.zeros(num_agents, int), np.full(num_agents, 90.0)) for _ in range(count)]


class North(Env):
    """An env that nobody has seen."""

    episode_starts = Northward()


def test_a_class_of_ones_own_says_what_its_episodes_are():
    found = Episodes.draw(houses(2), North, 3)
    assert found.bearings.tolist() == [[90]] * 6
    assert found.task.endswith(':North')
    assert Episodes.draw(houses(2), Env, 3).starts.shape == (6, 1, 2)


def test_an_env_that_places_its_agents_itself_has_maps_and_seeds_alone():
    found = Episodes.draw(mapgen.generate('track', 2), 'racing', 3)
    assert np.isnan(found.starts).all()
    assert np.isnan(found.bearings).all()
    assert len(set(found.seeds.tolist())) == 6


def test_are_saved_and_loaded(tmp_path):
    found = drawn()
    found.maps.save(tmp_path / 'maps.safetensors')
    found.save(tmp_path / 'episodes.safetensors')
    again = Episodes.load(tmp_path / 'episodes.safetensors', tmp_path / 'maps.safetensors')
    assert equal(found, again)
    assert (again.sha256, again.task, again.agent_radius) == (found.sha256, 'pointgoal', AGENT_RADIUS)


def test_the_hash_is_of_maps_episodes_and_radius():
    found = drawn()
    moved = Geometry(walls=found.maps[0].walls + 1, spawns=found.maps[0].spawns + 1)
    others = [
        found[1:],
        drawn(houses(4)[1:]),
        drawn(agent_radius=AGENT_RADIUS / 2),
        drawn([moved, *list(found.maps)[1:]]),
    ]
    assert len({found.sha256, *(other.sha256 for other in others)}) == 5


def test_refuses_other_maps_and_damaged_files(tmp_path):
    path = tmp_path / 'episodes.safetensors'
    drawn().save(path)
    with pytest.raises(ValueError, match=r'must be of the 3 maps .*, got episodes of other maps'):
        Episodes.load(path, houses(4)[1:])
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r'episodes\.safetensors is damaged: its content hashes to'):
        Episodes.load(path, houses(3))
    path.write_bytes(b'{}')
    with pytest.raises(ValueError, match=r'episodes\.safetensors is not a set of episodes, or is truncated'):
        Episodes.load(path, houses(3))
    houses(3).save(path)
    with pytest.raises(ValueError, match='must hold episodes of version 1, got None'):
        Episodes.load(path, houses(3))
    with pytest.raises(FileNotFoundError):
        Episodes.load(tmp_path / 'none.safetensors', houses(3))


def test_a_file_that_lacks_something_is_named(tmp_path):
    path = tmp_path / 'episodes.safetensors'
    tensor_files.write(path, {'map_ids': np.zeros(3, np.int64)}, {'episodes': '1', 'task': 'pointgoal', 'maps': ''})
    with pytest.raises(ValueError, match=r'damaged: it lacks agent_radius, bearings, episodes_sha256, goals, seeds'):
        Episodes.load(path, houses(3))


@pytest.mark.parametrize(
    'options, message',
    [
        ({'per_map': 0}, 'per_map must be an integer of at least 1, got 0'),
        ({'per_map': 10**9}, r'per_map must be at most 3,333,333 in 3 maps, got 1,000,000,000'),
        ({'seed': -1}, 'seed must be an integer from 0 to .*, got -1'),
        ({'seed': None}, 'seed must be an integer from 0 to .*, got None'),
        ({'strata': []}, 'strata must be at least 1 pair of lengths above 0 m'),
        ({'strata': [(0, 2)]}, 'strata must be at least 1 pair of lengths above 0 m'),
        ({'strata': [(3, 6), (1, 3)]}, 'strata must be ranges in order that do not overlap'),
        ({'strata': [(1, 4), (3, 6)]}, 'strata must be ranges in order that do not overlap'),
        ({'strata': [(3, 3)]}, 'strata must be ranges in order that do not overlap'),
        (
            {'strata': [(900, 999)]},
            'map 0 has no such episodes: it has no two spawns 900 to 999 m apart',
        ),
        ({'time_limit': 0}, 'time_limits must be above 0 and finite, or NaN, got 0'),
        ({'time_limit': 'a'}, "time_limit must be a number, got 'a'"),
        ({'maps': MapSet([box()])[:0]}, 'maps must hold at least 1 map, got 0'),
        ({'top_speed': 0}, 'top_speed must be above 0, got 0'),
        ({'task': Task(Deathmatch, {'num_agents': 8}), 'maps': [box()]}, '8 agents must have spawns 0.42 m apart'),
        ({'task': 'nothing'}, 'env must be one of'),
    ],
)
def test_refuses_what_cannot_be_drawn(options, message):
    with pytest.raises(ValueError, match=message):
        drawn(**options)


@pytest.mark.parametrize(
    'changes, message',
    [
        ({'map_ids': [0, 3]}, 'map_ids must be from 0 to 2, got 3'),
        ({'goals': [-2, 0]}, r'goals must be from -1 to \d+ in map 0, got -2'),
        ({'seeds': [1]}, r'seeds must be of shape \(2,\), got \(1,\)'),
        ({'map_ids': []}, 'episodes must be at least 1, of at least 1 agent'),
        ({'agent_radius': 0.0}, 'agent_radius must be above 0 m and finite, got 0'),
        ({'starts': [[[np.inf, 1]], [[1, 1]]]}, 'starts must be finite, or NaN, got inf'),
        ({'bearings': [[-np.inf], [0]]}, 'bearings must be finite, or NaN, got -inf'),
        ({'starts': [[[np.nan, 1]], [[1, 1]]]}, 'starts and bearings must be numbers in all episodes, or NaN in all'),
        ({'bearings': [[np.nan], [np.nan]]}, 'starts and bearings must be numbers in all episodes, or NaN in all'),
    ],
)
def test_refuses_arrays_that_do_not_go_together(changes, message):
    names = ('map_ids', 'starts', 'bearings', 'goals', 'shortest_paths', 'time_limits', 'seeds')
    whole = drawn()[:2]
    arrays = {name: getattr(whole, name) for name in names}
    with pytest.raises(ValueError, match=message):
        Episodes(whole.maps, 'pointgoal', **{**arrays, **changes})


def test_goals_are_for_single_agents():
    floor = Floor(np.zeros((2, 2)), np.zeros((2, 2)), AGENT_RADIUS)
    with pytest.raises(ValueError, match='goals are for 1 agent an env, got 2'):
        GoalStarts().draw(floor, 1, 2, Rng('a'), [(1, 2)])
    with pytest.raises(ValueError, match='2 agents must have spawns'):
        FarStarts().draw(floor, 1, 2, Rng('a'), [(1, 2)])
