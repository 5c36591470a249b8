"""Statistics: known answers, those of others, and intervals that hold the truth as often as they say."""

from functools import partial

import numpy as np
import pytest
import synthetic
from scipy.stats import trim_mean

from megastep.evaluation import statistics

RUNS, MAPS, EPISODES = 5, 200, 4

# What rliable 1.2.0 gives for these two matrices: metrics.aggregate_mean, aggregate_median, aggregate_iqm,
# aggregate_optimality_gap(gamma=.8) and probability_of_improvement, with arch 7.2.0, pandas 2.3.3, SciPy 1.17.1.
OURS = np.array([[(37 * (r + 1) * (k + 2) + r * r) % 101 / 100 for k in range(23)] for r in range(7)]).round(1)
THEIRS = np.array([[(53 * (r + 2) * (k + 1) + k) % 101 / 100 for k in range(23)] for r in range(5)]).round(1) ** 2
THEIRS = THEIRS.round(1)
RLIABLE = {
    'mean': (0.4788819875776397, 0.29217391304347834),
    'median': (0.4714285714285714, 0.32),
    'iqm': (0.4765432098765433, 0.2288135593220339),
    'optimality_gap': (0.3372670807453417, 0.5165217391304348),
}
IMPROVEMENT = 0.6888198757763976


def ones(*counts):
    return [np.ones((count, 1)) for count in counts]


@pytest.mark.parametrize('name', RLIABLE)
def test_equals_rliable(name):
    options = {'target': 0.8} if name == 'optimality_gap' else {}
    found = [getattr(statistics, name)(cells, *ones(*cells.shape), **options) for cells in (OURS, THEIRS)]
    np.testing.assert_allclose(np.ravel(found), RLIABLE[name], rtol=1e-12)


def test_probability_of_improvement_equals_rliable():
    found = statistics.improvement(OURS, THEIRS, *ones(7, 5, 23))
    np.testing.assert_allclose(found, IMPROVEMENT, rtol=1e-12)
    np.testing.assert_allclose(statistics.improvement(THEIRS, OURS, *ones(5, 7, 23)), 1 - IMPROVEMENT, rtol=1e-12)


@pytest.mark.parametrize(
    'name, alone',
    [
        ('mean', np.mean),
        ('median', lambda cells: np.median(cells.mean(0))),
        ('iqm', lambda cells: trim_mean(cells, 0.25, axis=None)),
    ],
)
def test_weights_are_repetitions(name, alone):
    random = np.random.default_rng(3)
    cells = random.random((4, 11)).round(1)
    runs, maps = random.multinomial(4, [1 / 4] * 4, size=6), random.multinomial(11, [1 / 11] * 11, size=6)
    found = getattr(statistics, name)(cells, runs.T.astype(float), maps.T.astype(float))
    expected = [alone(cells.repeat(run, 0).repeat(map_, 1)) for run, map_ in zip(runs, maps, strict=True)]
    np.testing.assert_allclose(found, expected)


@pytest.mark.parametrize('name', ['mean', 'median', 'iqm', 'optimality_gap'])
def test_leaves_out_what_is_not_there(name):
    cells = np.array([[0.25, np.nan, 1.0], [0.25, 0.5, np.nan]])
    expected = {'mean': 0.5, 'median': 0.5, 'iqm': 0.375, 'optimality_gap': 0.5}
    assert getattr(statistics, name)(cells, *ones(2, 3)).tolist() == [expected[name]]
    assert np.isnan(getattr(statistics, name)(cells * np.nan, *ones(2, 3)))


def test_cvar_picks_by_one_half_and_scores_by_the_other():
    pick, score = np.arange(10)[None] / 10, np.arange(10)[None, ::-1] / 10
    assert statistics.cvar(np.stack([pick, score]), *ones(1, 10)) == pytest.approx(0.9)


def test_cvar_takes_equal_parts_of_maps_that_tie():
    halves = np.array([[[0, 0, 1, 1]], [[1, 0, 1, 1]]], float)
    found = statistics.cvar(halves, *ones(1, 4), tail=0.25)  # the first half picks two maps of four: 1 and 0
    assert found == pytest.approx((0.5 + 0) / 2)


def test_cvar_needs_both_halves():
    halves = np.stack([np.ones((1, 3)), np.full((1, 3), np.nan)])
    assert np.isnan(statistics.cvar(halves, *ones(1, 3)))


def worst(pick, score, tail=0.1):
    """The mean score of the worst maps, those that tie in equal parts, map by map."""
    levels, numbers = np.unique(pick, return_inverse=True)
    left, total = tail * len(pick), 0.0
    for level in range(len(levels)):
        taken = min(left, (numbers == level).sum())
        total, left = total + taken * score[numbers == level].mean(), left - taken
    return total / (tail * len(pick))


def test_cvar_is_unbiased():
    """What it estimates is the true score of the maps that half of the episodes pick. Scored by the same episodes, as
    is usual, they seem worse."""
    random = np.random.default_rng(0)
    found, truth, usual = [], [], []
    for _ in range(400):
        chances = synthetic.chances(random, 2, 100, mean=1.5, run=0.3, by_map=0.7, both=0.3)
        halves = (random.random((2, 2, 100, 8)) < chances[..., None]).mean(3)
        found.append(statistics.cvar(halves, *ones(2, 100))[0])
        truth.append(np.mean([worst(pick, chances[run]) for half in halves for run, pick in enumerate(half)]))
        usual.append(np.mean([worst(both, both) for both in halves.mean(0)]))
    errors = np.array(found) - truth
    assert abs(errors.mean()) < 3 * errors.std() / 20
    assert np.mean(usual) - np.mean(truth) < -0.05


def test_intervals_hold_the_truth():
    """Coverage in 300 evaluations of 5 runs in 200 maps, 4 episodes each, with other runs and maps each time."""
    random, held = np.random.default_rng(0), []
    truth = np.mean([[each(*ones(RUNS, MAPS))[0] for each in made(random)] for _ in range(600)], axis=0)
    for seed in range(300):
        found = [statistics.bootstrap(each, [RUNS], [MAPS], draws=250, seed=seed) for each in made(random)]
        held.append([low <= true <= high for true, (_, low, high) in zip(truth, found, strict=True)])
    assert np.mean(held, axis=0).min() >= 0.9, np.mean(held, axis=0)


def made(random):
    """The mean, IQM and CVaR of an evaluation whose truth is that of all runs and maps there might have been."""
    scores = synthetic.scores(random, RUNS, MAPS, EPISODES)
    halves = np.stack([scores[..., ::2].mean(2), scores[..., 1::2].mean(2)])
    cells = scores.mean(2)
    return [partial(statistics.mean, cells), partial(statistics.iqm, cells), partial(statistics.cvar, halves)]


def test_intervals_of_episodes_runs_or_maps_alone_do_not():
    """Why both are resampled: the same evaluations, and normal intervals of the mean of three kinds."""
    random, held = np.random.default_rng(2), []
    truth = np.mean([synthetic.scores(random, RUNS, MAPS, EPISODES).mean() for _ in range(4000)])
    for _ in range(1000):
        scores = synthetic.scores(random, RUNS, MAPS, EPISODES)
        groups = [scores.ravel(), scores.mean((1, 2)), scores.mean((0, 2))]
        errors = np.array([group.std() / np.sqrt(len(group)) for group in groups])
        held.append(np.abs(scores.mean() - truth) <= 1.96 * errors)
    episodes, runs, maps = np.mean(held, axis=0)
    assert episodes < 0.6
    assert runs < 0.9
    assert maps < 0.85


def test_an_interval_stays_in_its_range():
    cells = np.array([[1.0, 1.0, 1.0, 0.9], [1.0, 1.0, 1.0, 1.0]])
    interval = partial(statistics.bootstrap, partial(statistics.mean, cells), [2], [4])
    assert interval().high > 1
    assert interval(within=(0, 1)).high == 1


def test_an_interval_is_the_same_each_time():
    statistic = partial(statistics.mean, OURS)
    first, second, other = (statistics.bootstrap(statistic, [7], [23], seed=seed) for seed in (0, 0, 1))
    assert first == second != other
    assert first.low < first.value < first.high


def test_who_always_succeeds_may_fail_in_maps_that_were_not_met():
    """One map of 100 is one in which the agent fails: in 61 % of evaluations in 50 maps it isn't among them."""
    random, held = np.random.default_rng(0), []
    for seed in range(200):
        cells = (random.random((1, 50)) > 0.01).astype(float)
        found = statistics.bootstrap(partial(statistics.mean, cells), [1], [50], draws=250, seed=seed, within=(0, 1))
        held.append(found.low <= 0.99 <= found.high)
    assert np.mean(held) > 0.95
    always = partial(statistics.mean, np.ones((2, 100)))
    assert statistics.bootstrap(always, [2], [100], within=(0, 1)) == (1, pytest.approx(0.025**0.01), 1)


def test_what_is_the_same_everywhere_and_has_no_range_has_no_interval():
    assert statistics.bootstrap(partial(statistics.mean, np.full((2, 3), 7.0)), [2], [3]) == (7, 7, 7)


def test_of_one_run_the_interval_is_of_the_maps():
    random = np.random.default_rng(0)
    cells = random.random((1, 400))
    value, low, high = statistics.bootstrap(partial(statistics.mean, cells), [1], [400])
    assert (high - low) / 2 == pytest.approx(1.96 * cells.std() / 20, rel=0.1)
    assert value == pytest.approx(cells.mean())


def test_there_is_no_interval_of_nothing():
    found = statistics.bootstrap(partial(statistics.mean, np.full((2, 3), np.nan)), [2], [3])
    assert np.isnan(found).all()
