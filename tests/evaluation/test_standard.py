"""The standard suite's maps: the same on every machine, and what their names say."""

import importlib.util

import numpy as np
import pytest
import worlds

from envs import Explorer
from megastep import MapSet, mapgen
from megastep.evaluation import Suite
from megastep.evaluation.registry import Task
from megastep.evaluation.standard import sets
from megastep.evaluation.standard.holdouts import holdouts
from megastep.evaluation.standard.sets import freedoom, standard_maps, standard_sets

VIZDOOM = importlib.util.find_spec('vizdoom')

SHARED = {
    'apartments': 'e90f37823210545c', 'arena': 'd261822e1606d21c', 'cave': '1730de8115dbcfeb',
    'hotel': 'e801d5a2ce60e42d', 'maze': '44bc908943bbfdc8', 'office': 'a6e4d2f0a5c05fa1', 'rooms': '11efffe1c9eed7b7',
    'track': 'dc9b07a65a492fd7', 'voronoi': 'bab652797d465ded', 'warehouse': '532c0adb6fb489fa',
    'real apartments': 'a03c85570af6a456', 'Freedoom': 'e1654aa5cfc2f525', 'hold-outs': '64202b9549294600',
}  # fmt: skip
HOUSES = {
    'house': 'dd2ea365b854dcab',
    'house, larger': '7a7f77a718de2141',
    'house, narrower': '029dc0a8a32db12e',
}
RACES = {'track': 'f928f35cbacd86ef', 'track, larger': '4c3dd63cf6bca495'}
ARENAS = {
    'arena': '0fbeabf88b88362a',
    'arena, larger': 'c812236f60b6460d',
    'arena, narrower': 'e5f69e48b2fd48e1',
}
"""Those of the first maps of these: see `few`."""

EPISODES = {
    'house': '5c23382cbb10cb65', 'house, larger': '96556ba470df7fff', 'house, narrower': '76f7f3602b4d0c78',
    'apartments': '1d6b55df14356361', 'arena': '3305f7f2c3c52531', 'cave': '22e26e7d4e384b36',
    'hotel': 'dbdd4812a36b5394', 'maze': '30885144f875ae7d', 'office': '3224e1f087a8b6b0', 'rooms': '9f51d23980edd81b',
    'track': '2bfb9b72b455a027', 'voronoi': 'ff09b95b9340e74d', 'warehouse': '1d46fddf23f69269',
    'real apartments': '081b7f7c77c06e2c', 'Freedoom': 'bc105a22884cb17f', 'hold-outs': '211d445f213a27f5',
}  # fmt: skip
"""Those of PointGoal."""

OTHER_TASKS = {
    'explorer': ('a71f63f7b6064c9b', '0f8d2bf7b3287586'),
    'deathmatch': ('73af0337df302eae', '4ace561ba37839b0'),
}
"""Other tasks' episodes in the narrower houses and in the hold-outs."""


def digests(maps):
    return {name: each.digest('walls', 'lights', 'spawns')[:16] for name, each in maps.items()}


@pytest.fixture(scope='module')
def maps():
    return standard_maps('explorer')


def test_they_are_the_same_on_every_machine(maps):
    expected = {**HOUSES, **SHARED}
    if VIZDOOM is None:
        expected.pop('Freedoom')
    assert digests(maps) == expected
    assert list(maps) == list(expected)


@pytest.fixture
def few(monkeypatch):
    """A task is learnt in few maps: each is its seed's and number's alone, so the first tell of the rest."""
    generate = mapgen.generate
    monkeypatch.setattr(mapgen, 'generate', lambda family, count, **how: generate(family, min(count, 4), **how))


def test_a_task_s_own_family_comes_first_as_it_is_learnt_in(few):
    assert digests(sets._own_family(Task.of('deathmatch'))[1]) == ARENAS


def test_races_are_on_tracks_alone(few):
    racing = Task.of('racing')
    assert digests(sets._own_family(racing)[1]) == RACES
    assert sets._other_family(racing, 'maze') is None
    assert not sets._are_played_in(racing, holdouts())


def test_there_are_as_many_as_is_said(maps):
    counts = {name: len(each) for name, each in maps.items() if name != 'Freedoom'}
    assert set(counts.values()) == {100, 32, 200, 20}
    assert [counts[name] for name in HOUSES] == [100] * 3


def test_maps_are_none_that_are_learnt_in(maps):
    trained = set(mapgen.generate('house', 256, seed=0).stats('symmetry_hash')['symmetry_hash'].tolist())
    for name in HOUSES:
        assert trained.isdisjoint(maps[name].stats('symmetry_hash')['symmetry_hash'].tolist())


def test_larger_houses_have_more_rooms_than_any_and_narrower_ones_narrower_doors(maps):
    most = maps['house'].stats('rooms')['rooms'].mean()
    assert maps['house, larger'].stats('rooms')['rooms'].min() >= 17
    assert maps['house, larger'].stats('rooms')['rooms'].mean() > 2 * most
    usual, narrow = (maps[name].stats('opening_width')['opening_width'] for name in ('house', 'house, narrower'))
    assert np.nanmean(narrow) < 0.85 * np.nanmean(usual)


@pytest.mark.parametrize('family', mapgen.FAMILIES)
def test_every_family_can_be_larger_and_narrower(family):
    defaults = {name: parameter.default for name, parameter in mapgen.FAMILIES[family].parameters.items()}
    larger = {name: sets._larger(family, name, defaults[name]) for name in sets.SIZES[family]}
    usual = mapgen.generate(family, 2, seed=0)
    areas = [each.stats('area')['area'].mean() for each in (usual, mapgen.generate(family, 2, seed=0, **larger))]
    assert areas[1] > 1.2 * areas[0]
    if family in sets.NARROWER:
        mapgen.generate(family, 1, seed=0, **sets.NARROWER[family])


@pytest.mark.filterwarnings('ignore:no map has shortest paths')
def test_episodes_are_the_same_on_every_machine(maps, monkeypatch):
    monkeypatch.setattr(sets, 'standard_maps', lambda task: maps)
    suite = Suite.standard('pointgoal')
    assert {name: each.sha256[:16] for name, each in suite.items()} == {name: EPISODES[name] for name in maps}
    assert (suite.name, suite.version) == ('standard', sets.VERSION)


@pytest.mark.parametrize('task, expected', OTHER_TASKS.items())
def test_so_are_other_tasks(maps, monkeypatch, task, expected):
    chosen = {name: maps[name] for name in ('house, narrower', 'hold-outs')}
    monkeypatch.setattr(sets, 'standard_maps', lambda task: chosen)
    assert tuple(each.sha256[:16] for each in standard_sets(task).values()) == expected


class Own(Explorer):
    """A task that is learnt in maps that no family makes."""

    @classmethod
    def default_maps(cls, *, seed=0):
        return MapSet([worlds.box(), worlds.halved_box()])


def test_maps_of_no_family_are_a_set_of_their_own(monkeypatch):
    monkeypatch.setattr(sets, '_other_family', lambda task, family: None)
    monkeypatch.setattr(sets, 'freedoom', lambda: None)
    found = standard_maps(Own)
    assert list(found)[:1] == ['default']
    assert len(found['default']) == 2


def test_a_task_that_cannot_be_made_is_refused():
    with pytest.raises(ValueError, match='patience must be above 0'):
        standard_maps(Task.of(Own, {'patience': -1.0}))
    with pytest.raises(ValueError, match='nothing'):
        standard_maps('nothing')


def test_episodes_are_drawn_in_each(monkeypatch):
    monkeypatch.setattr(sets, 'standard_maps', lambda task: {'box': MapSet([worlds.box()])})
    found = standard_sets('explorer', per_map=3)
    assert list(found) == ['box']
    assert len(found['box']) == 3


def test_freedoom_is_left_out_where_it_is_not_installed(monkeypatch):
    monkeypatch.setattr(importlib.util, 'find_spec', lambda name: None)
    assert freedoom() is None


@pytest.mark.skipif(VIZDOOM is None, reason='vizdoom, with its Freedoom maps, is not installed')
def test_freedoom_s_levels_are_those_of_the_fewest_walls(maps):
    levels = maps['Freedoom']
    assert len(levels) == 24
    assert (np.diff(levels.walls.widths) >= 0).all()
    assert len(set(levels.stats('symmetry_hash')['symmetry_hash'])) == 24
