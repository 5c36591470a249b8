"""Results: a table of episodes that is checked when it is made."""

import copy
import dataclasses
import pickle

import numpy as np
import pytest
from synthetic import joined, results, rows

from megastep import MapSet, mapgen
from megastep.evaluation.results import Results

TABLE = {
    'agent': ['a', 'a', 'b'],
    'run': [0, 0, 0],
    'set': ['test'] * 3,
    'map': [0, 1, 0],
    'episode': [0, 1, 0],
    'success': [1.0, 0.0, 1.0],
}


def test_fills_in_what_is_not_given():
    found = Results(TABLE, ['success'])
    assert found.table['variation'].tolist() == [''] * 3
    assert found.table['trained_on'].tolist() == [False] * 3
    assert np.isnan(found.table['shortest_path']).all()
    assert found.scores == ('success',)
    assert len(found) == 3


def test_is_made_of_anything_that_is_numbers():
    found = Results({**TABLE, 'success': np.array([True, False, True]), 'rooms': np.array([3, 4, 3])}, ['success'])
    assert found.table['success'].dtype == found.table['rooms'].dtype == np.float64
    assert found.table['map'].dtype == np.int64


def test_cannot_be_written():
    found = Results(TABLE, ['success'])
    with pytest.raises(dataclasses.FrozenInstanceError):
        found.scores = ()
    with pytest.raises(ValueError, match='read-only'):
        found.table['success'][0] = 2
    with pytest.raises(TypeError):
        found.table['success'] = None


def test_knows_its_agents_and_sets_in_order():
    found = results(agents=('z', 'a'), sets=('houses', 'caves'), runs=2, maps=3)
    assert (found.agents, found.sets) == (['z', 'a'], ['houses', 'caves'])
    assert repr(found) == 'Results(96 episodes: z, a (4 runs) in houses, caves; scores success, spl)'


@pytest.mark.parametrize('copied', [copy.deepcopy, lambda found: pickle.loads(pickle.dumps(found))])
def test_can_be_copied_and_pickled(copied):
    found = results(runs=1, maps=2)
    other = copied(found)
    assert other.summary('success').rows == found.summary('success').rows
    assert other.suite_sha256 == found.suite_sha256
    assert [*other.maps] == [*found.maps]
    with pytest.raises(TypeError):
        other.table['success'] = 0


def test_selects_episodes_and_their_ways():
    found = Results(TABLE, ['success'], ways={0: np.zeros((2, 2)), 2: np.ones((3, 2))})
    chosen = found.select(agent='b')
    assert chosen.table['agent'].tolist() == ['b']
    assert {row: way.shape for row, way in chosen.ways.items()} == {0: (3, 2)}
    assert len(found.select(map=[0, 1])) == 3


@pytest.mark.parametrize(
    'change, message',
    [
        ({'success': [1.0, 0.0]}, r"column 'success' must have 3 values in one dimension, got shape \(2,\)"),
        ({'success': ['1', '0', '1']}, "column 'success' must be of float, got <U1"),
        ({'success': [1.0, np.inf, 0.0]}, "column 'success' must be finite, or NaN"),
        ({'map': [0.5, 1, 0]}, "column 'map' must be of int, got float64"),
        ({'map': [0, -1, 0]}, "column 'map' must be at least 0, got -1"),
        ({'agent': [1, 1, 2]}, "column 'agent' must be of str, got int64"),
        ({'trained_on': [0, 1, 1]}, "column 'trained_on' must be of bool, got int64"),
        ({'reward': [0.0] * 3}, "columns must be among scores, agent, .*, got 'reward'"),
        ({'agent': ['a'] * 3}, 'must have each episode once, got 2 rows of agent a, run 0, set test, episode 0'),
        ({name: [] for name in TABLE}, 'results must have at least 1 episode, got 0'),
    ],
)
def test_refuses_what_is_no_table(change, message):
    with pytest.raises(ValueError, match=message):
        Results({**TABLE, **change}, ['success'])


@pytest.mark.parametrize(
    'options, message',
    [
        ({'scores': []}, r'scores must be a sequence of at least 1 column, got \[\]'),
        ({'scores': 'success'}, "scores must be a sequence of at least 1 column, got 'success'"),
        ({'scores': ['spl']}, "must have a column 'spl', got agent, run"),
        ({'scores': ['map']}, "scores must have names of their own, got 'map'"),
        ({'lower_is_better': ['spl']}, "lower_is_better must be of scores, success, got 'spl'"),
        ({'ways': {3: np.zeros((2, 2))}}, 'ways must be of rows from 0 to 2, got 3'),
        ({'ways': {0: np.zeros((2, 3))}}, r'the way of row 0 must be finite places of shape \(step, 2\), got \(2, 3\)'),
        ({'table': None}, 'the table of episodes must be columns by name, got NoneType'),
        ({'maps': 3}, 'maps must be map sets by the names of sets, got 3'),
        ({'maps': {'test': mapgen.generate('box', 1)}}, "maps of set 'test' must be below 1, its number, got 1"),
    ],
)
def test_refuses_what_does_not_fit_the_table(options, message):
    with pytest.raises(ValueError, match=message):
        Results(**{'table': TABLE, 'scores': ['success'], **options})


@pytest.mark.parametrize(
    'ask, message',
    [
        (lambda results: results.summary('success', by=3), 'by must be columns among agent, .*, got 3'),
        (lambda results: results.summary('success', by=['set', None]), 'by must be columns among agent, .*, got None'),
        (lambda results: results.compare(None, 'success'), 'other must be Results, got NoneType'),
        (lambda results: results.save(None), 'path must be a path, got None'),
        (lambda results: results.save('.'), "path must name a file of results, got '.'"),
        (lambda results: results.report(3), 'folder must be a path, got 3'),
        (lambda results: results.report(''), "folder must be a path, got ''"),
        (lambda results: results.report('out', []), r'scores must be a list of at least 1 score, got \[\]'),
        (lambda results: results.report('out', 'success'), "scores must be a list of at least 1 score, got 'success'"),
        (lambda results: results.report('out', title=3), 'title must be a string, got 3'),
        (lambda results: results.load(3), 'path must be a path, got 3'),
    ],
)
def test_refuses_by_name_what_it_is_asked(ask, message):
    with pytest.raises(ValueError, match=message):
        ask(Results(TABLE, ['success']))


@pytest.mark.parametrize(
    'values, message',
    [
        ({'level': 1}, "there is no column 'level', only agent"),
        ({'set': 'train'}, "set must be one of 'test', got 'train'"),
        ({'agent': 'b', 'map': 1}, "there are no episodes of agent 'b', map 1"),
    ],
)
def test_refuses_to_select_nothing(values, message):
    with pytest.raises(ValueError, match=message):
        Results(TABLE, ['success']).select(**values)


def test_takes_maps_that_are_enough():
    boxes = MapSet([mapgen.generate('box', 2)[i] for i in range(2)])
    assert Results(TABLE, ['success'], maps={'test': boxes}).maps['test'] is boxes


def test_tables_of_other_agents_join():
    first = rows(np.ones((2, 3, 1)))
    found = Results(joined(first, rows(np.zeros((1, 3, 1)), agent='theirs')), ['success'])
    assert len(found) == 9
