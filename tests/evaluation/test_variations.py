"""Variations of the env: the same episodes under each, and what can't be varied."""

import numpy as np
import pytest
import worlds
from worlds import houses

from envs import Waypoint
from megastep import MapSet
from megastep.evaluation import Episodes, Suite, evaluate
from megastep.evaluation.baselines import RandomActions, ShortestPath
from megastep.evaluation.registry import Task
from megastep.evaluation.resizing import with_agent_radius
from megastep.evaluation.standard import sets
from megastep.evaluation.variations import VARIATIONS, check_variation, evaluate_variations, joined
from megastep.maps.geometry import AGENT_RADIUS
from megastep.maps.segments import clearances
from megastep.world.cameras import Cameras

BLIND = {'cameras': Cameras(res=2, subsample=1), 'device': 'cpu'}


@pytest.fixture(scope='module')
def suite():
    return Suite({'houses': Episodes.draw(houses(2), 'waypoint', per_map=4, seed=0)})


@pytest.fixture(scope='module')
def results(suite):
    return evaluate_variations({'oracle': ShortestPath()}, suite, **BLIND)


def test_all_of_the_standard_ones_are_played(results, suite):
    assert set(results.table['variation']) == {'', *VARIATIONS}
    counts = {name: (results.table['variation'] == name).sum() for name in ('', *VARIATIONS)}
    assert counts == dict.fromkeys(counts, suite.num_episodes)  # generated maps leave room for larger agents, too


def test_the_episodes_are_the_same(results):
    plain = results.table['variation'] == ''
    for name in VARIATIONS:
        varied = results.table['variation'] == name
        for column in ('map', 'episode', 'start_x', 'goal_y'):
            np.testing.assert_array_equal(results.table[column][varied], results.table[column][plain])


def test_steps_half_as_often_make_none_harder(results):
    plain, fps = (results.table['variation'] == name for name in ('', 'fps=5'))
    assert (results.table['success'][fps] == 1).all()
    assert results.table['length'][fps].mean() < 0.75 * results.table['length'][plain].mean()
    assert results.table['seconds'][fps].mean() < 1.5 * results.table['seconds'][plain].mean()


def test_the_change_that_each_makes_is_told(results):
    table = results.variations('spl')
    assert 'action_lag=2' in str(table)


def test_larger_agents_have_longer_ways(results):
    plain, large = (results.table['variation'] == name for name in ('', 'agent_radius=0.12'))
    paths = results.table['shortest_path']
    assert (paths[large] >= paths[plain] - 1e-3).all()
    assert paths[large].sum() > paths[plain].sum()


class TestOtherSizes:
    ROOM = worlds.box(spawns=[(1.11, 2), (4, 2), (3, 2.5), (2, 2)])  # the first is 11 cm from a wall

    def episodes(self, task='waypoint', **options):
        return Episodes.draw(MapSet([self.ROOM]), task, per_map=24, seed=0, **options)

    def test_spawns_and_episodes_without_room_are_left_out(self):
        before = self.episodes()
        after = with_agent_radius(Suite({'room': before}), 0.2)['room']
        assert after.agent_radius == 0.2
        assert after.maps.spawns.widths.tolist() == [3]
        assert clearances(after.maps[0].spawns, after.maps[0].walls).min() > 0.2
        kept = (before.goals != 0) & (before.starts[:, 0, 0] != 1.11)
        assert 0 < kept.sum() < len(before)
        assert len(after) == kept.sum()
        np.testing.assert_array_equal(after.goal_positions, before.goal_positions[kept])
        np.testing.assert_array_equal(after.starts, before.starts[kept])
        np.testing.assert_array_equal(after.seeds, before.seeds[kept])

    def test_the_usual_size_changes_nothing(self):
        before = self.episodes()
        assert with_agent_radius(Suite({'room': before}), AGENT_RADIUS)['room'].sha256 == before.sha256

    def test_paths_are_found_anew(self):
        maps = MapSet([worlds.halved_box()])
        before = Episodes.draw(maps, 'waypoint', per_map=8, seed=0)
        after = with_agent_radius(Suite({'room': before}), 0.11)['room']
        assert (after.shortest_paths >= before.shortest_paths[: len(after)] - 1e-4).all()

    def test_tasks_without_goals_keep_their_starts(self):
        before = self.episodes('explorer')
        after = with_agent_radius(Suite({'room': before}), 0.2)['room']
        assert len(after) == (before.starts[:, 0, 0] != 1.11).sum()
        assert np.isnan(after.shortest_paths).all()

    def test_those_without_any_room_are_refused(self):
        with pytest.raises(ValueError, match=r"agents of radius 1.6 m must have a spawn in map 0 of 'room', got none"):
            with_agent_radius(Suite({'room': self.episodes()}), 1.6)
        with pytest.raises(ValueError, match=r'agent_radius must leave an episode, but agents of 1.2 m have room for'):
            with_agent_radius(Suite({'room': self.episodes()}), 1.2)


@pytest.mark.filterwarnings('error')
def test_fixed_episodes_are_not_told_that_an_env_would_draw_others():
    """An env that draws its goals leaves most of this map's pairs of spawns out, and says so."""
    maps = MapSet([worlds.box(right=30.0, spawns=[(2, 2), (4, 2), (26, 2), (28, 2)])])
    with pytest.warns(UserWarning, match='furthest=10 leaves out 67% of the pairs of spawns'):
        Waypoint(maps, 1, **BLIND)
    suite = Suite({'hall': Episodes.draw(maps, 'waypoint', per_map=2, seed=0, strata=[(1, 40)], time_limit=0.5)})
    results = evaluate_variations(RandomActions(), suite, {'fov=90': {'fov': 90}}, device='cpu')
    assert results.table['shortest_path'].max() > 10
    assert sets._are_played_in(Task.of('waypoint'), maps)


class TestRefusals:
    def test_of_what_agents_would_see_otherwise(self, suite):
        options = {'cameras': Cameras(res=32)}
        message = "variation 'res=32' must leave the single_observation_space as it is"
        with pytest.raises(ValueError, match=message):
            evaluate_variations(RandomActions(), suite, {'res=32': options}, device='cpu')

    def test_of_what_agents_would_do_otherwise(self, suite):
        with pytest.raises(ValueError, match="variation 'wheels' must leave the single_action_space as it is"):
            check_variation('wheels', {'motion': 'differential'}, suite)

    def test_of_options_that_there_are_not(self, suite):
        with pytest.raises(ValueError, match="variation 'fog=1' must be of what waypoint takes"):
            check_variation('fog=1', {'fog': 1}, suite)

    def test_of_those_without_a_name(self, suite):
        with pytest.raises(ValueError, match="a variation must have a name, got ''"):
            check_variation('', {'fov': 90}, suite, Task.of(Waypoint))

    def test_of_results_that_do_not_go_together(self, suite):
        with pytest.raises(ValueError, match='results must be at least 1 to be joined, got 0'):
            joined([])
        found = evaluate(RandomActions(), suite, **BLIND)
        with pytest.raises(ValueError, match=r'results must have the scores .*return.*, got return, length'):
            joined([found, evaluate(RandomActions(), Episodes.draw(houses(1), 'minimal', 2), device='cpu')])
