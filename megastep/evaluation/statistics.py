"""Statistics of scores by run and map, with confidence intervals from a bootstrap over runs and maps together.

An agent's scores are a matrix of cells: the mean of each run's episodes in each map. Who trains again gets other runs,
and who generates again gets other maps, so an interval that is to hold for both resamples both: rows and columns of
the matrix, with replacement (the pigeonhole bootstrap of Owen 2007). Episodes are never resampled on their own: those
of one run or one map have much in common, and intervals that forget it are far too narrow.

A resample is a weight for each run and for each map, how many times it was drawn, so that statistics of thousands of
resamples are a few matrix products. A statistic here is a function of weights, (run, draw) and (map, draw).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from scipy.special import ndtri, stdtrit

Weights = Float[np.ndarray, 'unit draw']
Cells = Float[np.ndarray, 'run map']
Draws = Float[np.ndarray, ' draw']

LEVEL = 0.95
"""The share of intervals that are to hold the truth."""

DRAWS = 1000
"""The number of resamples of an interval."""

CHUNK = 250
"""So many are computed at a time: their weights by run and map are all in memory."""

ROUNDING = 1e-12
"""What differs by less is the same."""

TAIL = 0.1
"""The share of maps that are the worst."""


class Interval(NamedTuple):
    """A statistic with its confidence interval."""

    value: float
    low: float
    high: float


def mean(cells: Cells, runs: Weights, maps: Weights) -> Draws:
    """Means over all cells. Cells that are NaN are left out, here and below."""
    known = np.isfinite(cells)
    return _ratio((np.where(known, cells, 0).T @ runs * maps).sum(0), (known.T @ runs * maps).sum(0))


def median(cells: Cells, runs: Weights, maps: Weights) -> Draws:
    """Medians over maps of the runs' mean in each."""
    known = np.isfinite(cells)
    counts = known.T @ runs
    by_map = _ratio(np.where(known, cells, 0).T @ runs, counts)
    order = np.argsort(by_map, axis=0)  # maps without runs, which are NaN, come last
    below = np.cumsum(np.take_along_axis(maps * (counts > 0), order, 0), axis=0)
    middles = [(below > half).argmax(0) for half in ((below[-1] - 1) // 2, below[-1] // 2)]
    columns = np.arange(order.shape[1])
    return np.mean([by_map[order[place, columns], columns] for place in middles], axis=0)


def iqm(cells: Cells, runs: Weights, maps: Weights) -> Draws:
    """Interquartile means: means of the middle half of all cells, the 25 % trimmed mean (Agarwal et al. 2021)."""
    run, number = np.nonzero(np.isfinite(cells))
    order = np.argsort(cells[run, number], kind='stable')
    run, number = run[order], number[order]
    below = np.cumsum(runs[run] * maps[number], axis=0)
    total = below[-1:].sum(0)  # 0 where there are no cells
    cut = total // 4
    kept = np.diff(np.clip(below, cut, total - cut, out=below), axis=0, prepend=cut[None])
    return _ratio(cells[run, number] @ kept, kept.sum(0))


def optimality_gap(cells: Cells, runs: Weights, maps: Weights, target: float = 1.0) -> Draws:
    """Optimality gaps: by how much cells fall short of a target, on average; what is beyond it doesn't make up."""
    return mean(np.maximum(target - cells, 0), runs, maps)


def cvar(halves: Float[np.ndarray, 'half run map'], runs: Weights, maps: Weights, tail: float = TAIL) -> Draws:
    """Conditional value at risk: the mean score in each run's worst maps, of which the tail holds a share of all.

    Maps are picked by one half of the episodes and scored by the other, and the other way round. Scored by what they
    were picked by they would seem worse than they are: bad luck is picked too.
    """
    ways = ((halves[0], halves[1]), (halves[1], halves[0]))
    found = [[_tail_mean(pick, score, maps, tail) for pick, score in zip(*way, strict=True)] for way in ways]
    by_run = np.mean(found, axis=0)
    known = np.isfinite(by_run)
    return _ratio((runs * np.where(known, by_run, 0)).sum(0), (runs * known).sum(0))


def _tail_mean(pick: np.ndarray, score: np.ndarray, maps: Weights, tail: float) -> Draws:
    """The mean score of the maps that are picked as the worst. Maps that tie are taken in equal parts."""
    known = np.flatnonzero(np.isfinite(pick) & np.isfinite(score))
    if not len(known):
        return np.full(maps.shape[1], np.nan)
    order = known[np.argsort(pick[known], kind='stable')]
    weights, firsts = maps[order], np.flatnonzero(np.diff(pick[order], prepend=np.nan) != 0)
    counts = np.add.reduceat(weights, firsts, axis=0)
    scores = _ratio(np.add.reduceat(weights * score[order, None], firsts, axis=0), counts, empty=0.0)
    within = np.cumsum(counts, axis=0)
    taken = np.diff(np.minimum(within, tail * within[-1]), axis=0, prepend=0)
    return _ratio((taken * scores).sum(0), taken.sum(0))


def improvement(ours: Cells, theirs: Cells, our_runs: Weights, their_runs: Weights, maps: Weights) -> Draws:
    """Probability of improvement: that a run of ours is better than one of theirs in a map; a tie counts half."""
    first, second = ours[:, None], theirs[None]
    known = np.isfinite(first) & np.isfinite(second)
    wins = np.where(known, (first > second) + 0.5 * (first == second), 0)
    pairs = (our_runs[:, None] * their_runs[None]).reshape(-1, maps.shape[1])
    total = [(pairs * (each.reshape(-1, len(maps)) @ maps)).sum(0) for each in (wins, known)]
    return _ratio(*total)


def _ratio(over: np.ndarray, under: np.ndarray, empty: float = np.nan) -> np.ndarray:
    """Quotients; of nothing by nothing, what is said."""
    return np.divide(over, under, out=np.full(np.shape(over), empty), where=under > 0)


def bootstrap(
    statistic: Callable[..., Draws],
    runs: Sequence[int],
    maps: Sequence[int],
    *,
    draws: int = DRAWS,
    seed: int = 0,
    within: tuple[float, float] = (-np.inf, np.inf),
    share: float = 1.0,
) -> Interval:
    """Confidence interval of a statistic, by a bootstrap of runs and maps, widened for how few the runs are.

    A bootstrap of R runs loses 1/R of their variance, and its percentiles are those of a normal distribution where
    Student's is due. So the percentiles' distances from the statistic are stretched: the runs' variance, which a
    bootstrap of the runs alone tells, is restored, and the quantile is Student's, with the degrees of freedom that
    Satterthwaite's formula gives for variances of runs and maps together. With one run, the interval is of the maps
    alone. Where all resamples are the same, as where an agent always succeeds, the interval says in how many other maps
    it may not: the rule of three, for any number of maps.

    Args:
        statistic: Takes weights of each group of runs, then of each group of maps, (unit, draw).
        runs: How many runs each group has.
        maps: How many maps each group has.
        draws: How many resamples are drawn.
        seed: Seeds them.
        within: The range of the score, which the interval stays in.
        share: The share of maps that the statistic looks at.
    """
    counts = (*runs, *maps)
    random = np.random.default_rng(seed)
    (value,) = statistic(*(np.ones((count, 1)) for count in counts))
    parts = [statistic(*_resamples(random, counts, range(len(counts)))) for _ in range(0, draws, CHUNK)]
    found = np.concatenate(parts)[:draws]
    alone = [statistic(*_resamples(random, counts, [group])) for group in range(len(runs))]
    by_runs = [(_variance(each) * n / (n - 1), n - 1) for each, n in zip(alone, runs, strict=True) if n > 1]
    restored = _variance(found) + sum(variance / (freedom + 1) for variance, freedom in by_runs)
    by_maps = max(restored - sum(variance for variance, _ in by_runs), 0), max(min(maps) - 1, 1)
    return _widened(value, found, [*by_runs, by_maps], min(maps), within, share)


def nested_bootstrap(
    statistic: Callable[..., Draws],
    runs: int,
    maps: int,
    *,
    draws: int = DRAWS,
    seed: int = 0,
    within: tuple[float, float] = (-np.inf, np.inf),
) -> Interval:
    """Confidence interval of a statistic of runs that have maps of their own, by a bootstrap of the maps.

    Who draws such a run draws its maps with it, so what differs between runs has what differs between maps in it. Only
    what the jackknife finds beyond that is added; of two runs, nothing can be found. See `bootstrap`.
    """
    random = np.random.default_rng(seed)
    (value,) = statistic(np.ones((runs, 1)), np.ones((maps, 1)))
    parts = [statistic(*_resamples(random, (runs, maps), [1])) for _ in range(0, draws, CHUNK)]
    found = np.concatenate(parts)[:draws]
    without = statistic(1 - np.eye(runs), np.ones((maps, runs))) if runs > 2 else np.zeros(1)
    beyond = max((runs - 1) * _variance(without) - _variance(found), 0)
    return _widened(value, found, [(beyond, max(runs - 1, 1)), (_variance(found), max(maps - 1, 1))], maps, within, 1)


def _widened(
    value: float,
    found: Draws,
    components: Sequence[tuple[float, int]],
    maps: int,
    within: tuple[float, float],
    share: float,
) -> Interval:
    """The interval of resamples, stretched to a variance, and to Student's quantile for its degrees of freedom.

    Args:
        value: The statistic.
        found: That of resamples.
        components: The parts of its variance, and the degrees of freedom that each was found with.
        maps: How many maps there are.
        within: The range of the score.
        share: The share of maps that the statistic looks at.
    """
    found = found[np.isfinite(found)]
    if not len(found) or not np.isfinite(value):
        return Interval(float(value), np.nan, np.nan)
    if np.ptp(found) < ROUNDING:
        return _unmet(value, maps, within, share)
    whole = sum(variance for variance, _ in components)
    freedom = whole**2 / sum(variance**2 / each for variance, each in components)
    upper = (1 + LEVEL) / 2
    stretch = np.sqrt(whole / found.var()) * stdtrit(freedom, upper) / ndtri(upper)
    low, high = np.clip(value + stretch * (np.quantile(found, [1 - upper, upper]) - value), *within).tolist()
    return Interval(float(value), low, high)


def _variance(draws: Draws) -> float:
    """The variance of those that are numbers, 0 if there are none."""
    known = draws[np.isfinite(draws)]
    return float(known.var()) if len(known) else 0.0


def _resamples(random: np.random.Generator, counts: Sequence[int], drawn: Iterable[int]) -> list[Weights]:
    """Weights of some resamples: how many times each unit is drawn, of those groups that are; else once."""
    weights = [np.ones((count, CHUNK)) for count in counts]
    for group in drawn:
        count = counts[group]
        picked = CHUNK * random.integers(count, size=(count, CHUNK)) + np.arange(CHUNK)
        weights[group] = np.bincount(picked.ravel(), minlength=CHUNK * count).reshape(count, CHUNK).astype(float)
    return weights


def _unmet(value: float, maps: int, within: tuple[float, float], share: float) -> Interval:
    """The interval of what was the same in so many maps: as many others as may have been missed have any score."""
    missed = min(1, (1 - ((1 - LEVEL) / 2) ** (1 / maps)) / share)
    low, high = (value + missed * (end - value) if np.isfinite(end) else value for end in within)
    return Interval(float(value), float(low), float(high))
