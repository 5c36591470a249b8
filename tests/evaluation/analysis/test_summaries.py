"""Summaries of results: means by run and map, gaps, comparisons, curves, and what tables say of few runs."""

import numpy as np
import pytest
from synthetic import joined, results, rows

from megastep.evaluation.results import Results
from megastep.evaluation.statistics import Interval


def column(table, name):
    return [each.value if isinstance(each, Interval) else each for each in table.columns[name]]


def made(*tables, scores=('success',), **options):
    return Results(joined(*tables), scores, **options)


def test_every_map_counts_alike():
    table = rows(np.array([[[1.0, 1.0], [0.0, 0.0]]]))
    found = Results({name: values[[0, 1, 2]] for name, values in table.items()}, ['success']).summary('success')
    assert column(found, 'mean') == [0.5]
    assert found.rows[0] | {'mean': 0} == {**found.rows[0], 'runs': 1, 'maps': 2, 'episodes': 3, 'mean': 0}


def test_sums_up_by_agent_and_set():
    found = results(agents=('a', 'b'), sets=('x', 'y')).summary('spl')
    assert [(row['agent'], row['set']) for row in found.rows] == [('a', 'x'), ('a', 'y'), ('b', 'x'), ('b', 'y')]
    for row in found.rows:
        assert 0 <= row['mean'].low < row['mean'].value < row['mean'].high <= 1
        assert row['optimality_gap'].value == pytest.approx(1 - row['mean'].value)
        assert row['cvar'].value < row['mean'].value


def test_sums_up_by_any_column():
    table = rows(np.array([[[1.0], [0.0]]]), rooms=[3, 5])
    assert column(Results(table, ['success']).summary('success', by='rooms'), 'mean') == [1, 0]
    assert column(Results(table, ['success']).summary('success', by=[]), 'mean') == [0.5]


def test_no_optimality_gap_without_a_known_best():
    found = made(rows(np.array([[[1.0], [3.0]]]))).summary('success')
    assert 'optimality_gap' not in found.columns
    assert 2 < found.rows[0]['mean'].high <= 3  # no interval leaves what was met


LOWER = {'lower_is_better': ('success',)}
CASES = ((1, LOWER), (-1, {}))


def test_the_worst_maps_have_the_most_of_what_less_is_better_of():
    """The same as of the negative score, turned around; and no gap to the best, which would be the mean."""
    values = 2 * np.random.default_rng(0).random((3, 20, 2))
    (found,), (other,) = (made(rows(way * values), **options).summary('success').rows for way, options in CASES)
    assert found['cvar'].value > found['mean'].value
    assert found['cvar'] == pytest.approx((-other['cvar'].value, -other['cvar'].high, -other['cvar'].low))
    share = made(rows(values / 2), **LOWER).summary('success')
    assert 'optimality_gap' not in share.columns and 'Less is better.' in share.notes


def test_fewer_is_an_improvement_where_less_is_better():
    ours, theirs = (rows(np.full((2, 3, 1), value), agent=name) for name, value in (('a', 1.0), ('b', 2.0)))
    for options, expected in (({}, 0), (LOWER, 1)):
        (row,) = made(ours, **options).compare(made(theirs, **options), 'success').rows
        assert (row['improvement'].value, row['difference'].value) == (expected, -1)


def test_a_gap_says_that_less_is_better():
    found = made(rows(np.ones((2, 3, 1)), in_set='train'), rows(np.zeros((2, 3, 1)), in_set='test'), **LOWER)
    assert 'Less is better. A gap below 0 is what is lost.' in found.gap('train', 'test', 'success').notes


def test_maps_of_one_number_in_two_sets_are_two():
    found = made(rows(np.ones((1, 3, 1)), in_set='a'), rows(np.zeros((1, 3, 1)), in_set='b')).summary('success', by=[])
    assert column(found, 'maps') == [6]


def test_runs_may_have_played_other_numbers_of_episodes():
    table = rows(np.ones((3, 4, 2)))
    ragged = {name: np.delete(values, [0, 1, 5, 23]) for name, values in table.items()}
    found = Results(ragged, ['success']).summary('success')
    assert column(found, 'mean') == column(found, 'cvar') == [1]


def test_variations_are_told_apart():
    plain, varied = rows(np.ones((2, 3, 2)), variation=''), rows(np.zeros((2, 3, 2)), variation='fov=90')
    found = made(plain, varied)
    assert column(found.summary('success'), 'mean') == [1]
    assert column(found.summary('success', by='variation'), 'mean') == [1, 0]
    assert column(found.variations('success'), 'variation') == ['none', 'fov=90']
    assert column(found.variations('success'), 'change')[1] == -1
    assert np.isnan(column(found.variations('success'), 'change')[0])


def test_a_change_is_that_of_the_maps_that_both_have():
    plain = rows(np.array([[[0.0], [1.0]]]), variation='')
    varied = {name: values[:1] for name, values in rows(np.array([[[0.0], [1.0]]]), variation='fps=5').items()}
    assert column(made(plain, varied).variations('success'), 'change')[1] == 0


def test_a_change_is_that_of_the_episodes_that_both_have():
    plain = rows(np.array([[[0.0, 1.0]]]), variation='', start_x=[1.0, 2.0])
    varied = {**rows(np.array([[[1.0]]]), variation='agent_radius=0.12', start_x=[2.0]), 'episode': [0]}
    assert column(made(plain, varied).variations('success'), 'change')[1] == 0


@pytest.mark.parametrize('runs, said', [(1, 'ours has 1. The interval of 1 run is over maps'), (4, 'ours has 4.')])
def test_says_where_runs_are_few(runs, said):
    assert said in results(runs=runs).summary('spl').notes[-1]


def test_five_runs_are_enough():
    assert not any('Fewer' in note for note in results(runs=5).summary('spl').notes)


def test_a_gap_by_cross_evaluation_is_free_of_how_hard_maps_are_and_how_good_runs():
    """Runs 0 and 1 have learnt in maps 0 and 1. Map 1 is harder by 0.5, run 1 better by 0.1; what was learnt is 0.2."""
    scores = np.array([[0.9, 0.2], [0.8, 0.5]])[..., None]
    train = rows(scores, in_set='train', trained_on=[True, False, False, True])
    test = rows(np.zeros((2, 3, 1)), in_set='test', trained_on=False)
    (row,) = made(train, test).gap('train', 'test', 'success').rows
    assert row['kind'] == 'cross-evaluation'
    assert (row['own'], row['others']) == (pytest.approx(0.7), pytest.approx(0.5))
    assert row['gap'].value == pytest.approx(0.2)


def test_a_gap_by_cross_evaluation_has_an_interval_that_holds():
    """Five runs, each of which has learnt in 20 of 100 maps and is better there by 0.1, a hundred times."""
    random, held, widths = np.random.default_rng(0), [], []
    learnt = np.arange(100) % 5 == np.arange(5)[:, None]
    test = rows(np.zeros((5, 1, 1)), in_set='test', trained_on=False)
    for _ in range(100):
        scores = random.normal(0, 0.2, (1, 100)) + random.normal(0, 0.1, (5, 1)) + random.normal(0, 0.05, (5, 100))
        train = rows((scores + 0.1 * learnt)[..., None], in_set='train', trained_on=learnt.ravel())
        (row,) = made(train, test).gap('train', 'test', 'success').rows
        held.append(row['gap'].low < 0.1 < row['gap'].high)
        widths.append(row['gap'].high - row['gap'].low)
    assert np.mean(held) >= 0.9
    assert np.mean(widths) < 0.04  # neither maps nor runs are in it, which vary by 0.2 and 0.1


def test_a_gap_of_two_runs_has_an_interval():
    learnt = np.arange(20) % 2 == np.arange(2)[:, None]
    scores = np.random.default_rng(0).random((2, 20)) + learnt
    train = rows(scores[..., None], in_set='train', trained_on=learnt.ravel())
    test = rows(np.zeros((2, 1, 1)), in_set='test', trained_on=False)
    (row,) = made(train, test).gap('train', 'test', 'success').rows
    assert 0.5 < row['gap'].low < row['gap'].value < row['gap'].high < 1.5


def test_a_gap_is_a_difference_where_all_runs_have_learnt_in_the_same_maps():
    train, test = rows(np.ones((3, 4, 2)), in_set='train', trained_on=True), rows(np.zeros((3, 5, 2)), in_set='test')
    found = made(train, {**test, 'trained_on': np.zeros(30, bool)}).gap('train', 'test', 'success')
    (row,) = found.rows
    assert (row['kind'], row['own'], row['others'], row['gap'].value) == ('difference of sets', 1, 0, 1)
    assert any('How hard' in note for note in found.notes)


@pytest.mark.filterwarnings('error')
def test_there_is_no_gap_to_a_set_without_the_score():
    train, test = (rows(np.full((2, 3, 1), value), in_set=name) for name, value in (('train', 1), ('test', np.nan)))
    (row,) = made(train, test).gap('train', 'test', 'success').rows
    assert row['own'] == 1 and np.isnan([row['others'], *row['gap']]).all()


@pytest.mark.parametrize(
    'sets, learnt, message',
    [
        (('train', 'other'), False, "set must be one of 'train', 'test', got 'other'"),
        (('train', 'test'), True, "set 'test' must hold no maps that a run has learnt in, got some"),
    ],
)
def test_refuses_a_gap_of_what_is_no_test(sets, learnt, message):
    train, test = (rows(np.ones((2, 3, 1)), in_set=name, trained_on=learnt) for name in ('train', 'test'))
    with pytest.raises(ValueError, match=message):
        made(train, test).gap(*sets, 'success')


def test_refuses_a_gap_of_runs_that_were_only_trained():
    train, test = rows(np.ones((1, 3, 1)), in_set='train'), rows(np.ones((1, 3, 1)), agent='b', in_set='test')
    with pytest.raises(ValueError, match="some run must have episodes in both 'train' and 'test'"):
        made(train, test).gap('train', 'test', 'success')


def test_compares_on_the_same_episodes():
    hard = np.random.default_rng(0).random((1, 30, 2))
    better = made(rows(0.9 * hard + 0.1 + 0.01 * np.arange(5)[:, None, None]))
    worse = made(rows(0.9 * hard + 0.01 * np.arange(5)[:, None, None], agent='theirs'))
    (row,) = better.compare(worse, 'success').rows
    assert row['difference'].value == pytest.approx(0.1)
    assert row['difference'].high - row['difference'].low < 0.05  # paired: maps differ by far more
    assert row['improvement'].value == 1
    assert row['p'] == 2 / 32
    assert (row['runs'], row['maps'], row['episodes']) == ('5 and 5', 30, 60)
    (row,) = worse.compare(better, 'success').rows
    assert row['improvement'].value == 0


def test_compares_other_numbers_of_runs():
    ours, theirs = made(rows(np.ones((5, 3, 1)))), made(rows(np.zeros((2, 3, 1)), agent='theirs'))
    (row,) = ours.compare(theirs, 'success').rows
    assert row['p'] == 1 / 21


def test_one_run_has_no_p():
    ours, theirs = made(rows(np.ones((1, 3, 1)))), made(rows(np.zeros((1, 3, 1)), agent='theirs'))
    found = ours.compare(theirs, 'success')
    assert np.isnan(found.rows[0]['p'])
    assert any('theirs has 1' in note for note in found.notes)


def test_p_is_one_without_a_difference():
    scores = rows(np.random.default_rng(0).random((3, 4, 1)))
    assert made(scores).compare(made(scores), 'success').rows[0]['p'] == 1


@pytest.mark.parametrize('counts', [(16, 16), (12, 13)])
def test_many_runs_are_regrouped_at_random(counts):
    random = np.random.default_rng(0)
    ours, theirs = (
        made(rows(random.random((count, 2, 1)) + shift)) for count, shift in zip(counts, (0, 1), strict=True)
    )
    assert 0 < ours.compare(theirs, 'success').rows[0]['p'] < 0.001


def test_says_which_episodes_only_one_has():
    ours, theirs = made(rows(np.ones((2, 3, 2)))), made(rows(np.ones((2, 2, 2))))
    assert any('2 episodes that only one' in note for note in ours.compare(theirs, 'success').notes)


@pytest.mark.filterwarnings('error')
def test_what_has_no_score_is_not_compared():
    """Of a time to the goal, say, which is NaN where nobody gets there, the p-value was 0."""
    values = np.random.default_rng(0).random((3, 4, 2))
    lost = values.copy()
    lost[1], lost[:, 0] = np.nan, np.nan
    found = made(rows(lost)).compare(made(rows(values - 0.5)), 'success')
    (row,) = found.rows
    assert (row['runs'], row['maps'], row['episodes']) == ('2 and 3', 3, 6)
    assert row['theirs'] == pytest.approx(values[:, 1:].mean() - 0.5)
    assert row['p'] == 0.1  # one of the ten ways to deal two and three runs
    assert any('2 episodes that only one of the two has a score of' in note for note in found.notes)
    with pytest.raises(ValueError, match='must have episodes in common to be compared, got none'):
        made(joined(rows(lost[1:2]), rows(values, in_set='caves'))).compare(made(rows(values)), 'success')


def test_compares_by_what_says_the_same_of_an_episode():
    paths = np.array([np.nan, np.nan, 1.0, 1.0])
    ours, theirs = (
        made(rows(np.ones((1, 4, 1)), shortest_path=paths, seconds=seconds, trained_on=learnt))
        for seconds, learnt in ((1.0, True), (2.0, False))
    )
    assert column(ours.compare(theirs, 'success', by='shortest_path'), 'maps') == [2, 2]
    for by in ('seconds', ['set', 'trained_on']):
        named = by if by == 'seconds' else 'set, trained_on'
        with pytest.raises(ValueError, match=f'by must be columns that say the same of .*, got {named}'):
            ours.compare(theirs, 'success', by=by)


@pytest.mark.parametrize(
    'other, message',
    [
        (made(rows(np.ones((1, 2, 1)), in_set='caves')), 'must have episodes in common to be compared, got none'),
        (
            made(rows(np.ones((1, 2, 1)), shortest_path=2.0)),
            'must be of the same episodes .* their shortest_path differs',
        ),
        (made(rows(np.ones((1, 2, 1)), shortest_path=1.0), suite_sha256='b'), 'same suite .* got suites a and b'),
        (results(agents=('a', 'b'), runs=1, maps=2), r'select\(agent=...\), got a, b'),
    ],
)
def test_refuses_to_compare(other, message):
    ours = made(rows(np.ones((1, 2, 1)), shortest_path=1.0), suite_sha256='a')
    with pytest.raises(ValueError, match=message):
        ours.compare(other, 'success')


def test_draws_a_curve_over_bins_of_as_many():
    found = results(maps=40).curve('success', 'shortest_path', bins=4)
    assert max(column(found, 'episodes')) - min(column(found, 'episodes')) <= 5
    assert column(found, 'from')[1:] == column(found, 'to')[:-1]
    bounds = [found.columns[name] for name in ('from', 'shortest_path', 'to')]
    assert all(low <= x <= high for low, x, high in zip(*bounds, strict=True))


def test_the_number_of_bins_may_be_of_numpys():
    assert len(results(maps=40).curve('success', bins=np.int64(4))) == len(results(maps=40).curve('success', bins=4))


def test_draws_a_curve_over_given_bins():
    table = rows(np.array([[[0.0], [1.0], [1.0]]]), shortest_path=[1.0, 5.0, 10.0])
    found = Results(table, ['success']).curve('success', bins=[1, 5, 10])
    assert column(found, 'mean') == [0, 1]
    assert column(found, 'episodes') == [1, 2]


def test_a_curve_of_one_value_has_one_bin():
    assert len(made(rows(np.ones((1, 3, 1)), rooms=4.0)).curve('success', 'rooms')) == 1


def test_a_matrix_has_sets_against_agents():
    found = made(rows(np.ones((1, 2, 1)), agent='a', in_set='x'), rows(np.zeros((1, 2, 1)), agent='b', in_set='y'))
    matrix = found.matrix('success')
    assert list(matrix.columns) == ['set', 'a', 'b']
    assert np.array_equal([column(matrix, 'a'), column(matrix, 'b')], [[1, np.nan], [np.nan, 0]], equal_nan=True)


@pytest.mark.parametrize(
    'ask, message',
    [
        (lambda found: found.summary('return'), "score must be one of success, spl, .*, got 'return'"),
        (lambda found: found.summary('seconds'), "some episode must have the score 'seconds', got none"),
        (lambda found: found.curve('spl', 'level'), "against must be columns among .*, got 'level'"),
        (lambda found: found.matrix('spl', 'level'), "down must be columns among .*, got 'level'"),
        (lambda found: found.summary('spl', by='level'), "by must be columns among .*, got 'level'"),
        (lambda found: found.curve('spl', 'set'), "against must be a column of numbers, got 'set'"),
        (lambda found: found.curve('spl', 'rooms'), 'some episode must have the variable'),
        (lambda found: found.curve('spl', bins=0), 'bins must be an integer of at least 1, got 0'),
        (lambda found: found.curve('spl', bins=[2, 1]), r'bins must be a number or at least 2 bounds .* got \[2, 1\]'),
        (lambda found: found.curve('spl', bins='many'), "bins must be a number or at least 2 bounds .* got 'many'"),
        (lambda found: found.gap('test', 'test', 'spl'), "a gap must be between two sets, got 'test' twice"),
        (lambda found: found.curve('spl', bins=[50, 60]), 'bins must have episodes in them, got none from 50 to 60'),
    ],
)
def test_refuses_what_it_does_not_know(ask, message):
    with pytest.raises(ValueError, match=message):
        ask(results(runs=1, maps=2))
