"""The time of impact against bisection in float64: see `benchmarks.proofs.time_of_impact`."""

import numpy as np
import pytest

from benchmarks.proofs import maps, time_of_impact
from megastep.maps.ragged import Ragged
from megastep.numba import impacts


def assert_agree(agreement, cases):
    assert agreement.cases == cases
    assert agreement.holds, agreement


@pytest.mark.parametrize('seed', range(2))
def test_impacts_with_one_wall_are_where_the_oracle_says(seed):
    assert_agree(time_of_impact.impact_agreement(time_of_impact.single_walls(500_000, seed=seed)), 500_000)


def test_first_impacts_at_corners_junctions_curves_and_partitions_are_where_the_oracle_says():
    assert_agree(time_of_impact.first_impact_agreement(*time_of_impact.among(time_of_impact.corners(), 70_000)), 70_000)


def test_first_impacts_on_a_curve_of_4_096_walls_are_where_the_oracle_says():
    assert_agree(time_of_impact.first_impact_agreement(*time_of_impact.among([maps.polygon(4096)], 300)), 300)


def test_what_rounding_decides_is_within_what_is_promised():
    """Three of millions of moves: one of 100 m that grazes an end 4.6e-6 m deep, from 27 m along x and y; and two that
    begin on a wall, as near as can be told, and lead past it."""
    starts = [(10.606321, 16.082747), (8.6858816, 6.658049), (2.1688492, 3.7396388)]
    moves = [(-73.76633, -67.516884), (-1.6105125e-05, 4.1293068e-04), (27.240488, -36.32066)]
    walls = [
        [(6.8432055, 9.8935757), (6.8432055, 12.494524)],
        [(8.6858816, 9.364367), (8.6858816, 6.657628)],
        [(2.1688483, 3.739638), (2.1755488, 3.7268183)],
    ]
    starts, moves, walls = (np.array(values, dtype=np.float32) for values in (starts, moves, walls))
    cases = time_of_impact.Cases(starts, moves, np.arange(3), Ragged(walls, np.ones(3, dtype=np.int32)))
    assert time_of_impact.impact_agreement(cases).bracket <= 1e-5


@pytest.mark.parametrize('corner', [0, 5, 50, 250])
def test_an_end_is_passed_only_if_it_would_be_grazed_less_than_promised(corner):
    """docs/rules.md: by 2e-6 m and a ten-millionth of the coordinates; and what rounding may make of the reckoning."""
    rng = np.random.default_rng(corner)
    depths = rng.uniform(0, 2e-4, 4000)
    starts = (corner + rng.uniform(0, 1, (4000, 2))).astype(np.float32)
    promised = 2e-6 + 1e-7 * starts.sum(1)
    unsure = 1e-6 + 1e-7 * corner
    ends = (starts + np.stack([rng.uniform(1, 8, 4000), time_of_impact.REACH - depths], -1)).astype(np.float32)
    depths = time_of_impact.REACH - (ends[:, 1].astype(float) - starts[:, 1])  # as float32 has them
    met = np.array([single(s, (10, 0), [e, e + (0, 1)])[0] <= 1 for s, e in zip(starts, ends, strict=True)])
    assert met[depths > promised + unsure].all()
    assert not met[depths < promised - unsure].any()
    assert 0 < met.sum() < 4000


def single(start, move, wall):
    """The kernel's and the oracle's times for one move at one wall."""
    start, move, wall = (np.array(values, dtype=np.float32) for values in (start, move, wall))
    time = impacts.impact(*start, *move, *wall.ravel(), np.float32(time_of_impact.REACH))[0]
    return time, time_of_impact.impact_time(
        *(array.astype(float) for array in (start, move, wall)), time_of_impact.REACH, 0.0, 0.0
    )


WALL = [(2, 2), (4, 2)]


@pytest.mark.parametrize(
    'start, move, time',
    [
        ((3, 3), (0, -1), 1 - time_of_impact.REACH),  # the flat side
        ((3, 1), (0, 1), 1 - time_of_impact.REACH),  # the other one
        ((1, 2), (1, 0), 1 - time_of_impact.REACH),  # an end
        ((3, 3), (0, 1), 2),  # away from it
        ((3, 3), (5, 0), 2),  # along it
        ((3, 3), (0, 0), 2),  # nowhere
        ((3, 2.05), (0, -1), 0),  # in reach, and nearer
        ((3, 2.05), (0, 1), 2),  # in reach, and away
        ((1.9, 1.95), (-1, 1), 2),  # in reach of an end, and away
        ((1, 2), (0, 1), 2),  # past an end
        ((3, 3), (0, -100), (1 - time_of_impact.REACH) / 100),  # at 1,000 m/s
    ],
)
def test_both_know_the_plain_cases(start, move, time):
    """So the oracle is held to account too."""
    assert single(start, move, WALL) == pytest.approx((time, time), abs=1e-6)


def test_the_oracle_finds_a_kernel_that_is_wrong(monkeypatch):
    """A disc a thousandth too small is told apart."""
    cases = time_of_impact.single_walls(20_000)
    monkeypatch.setattr(time_of_impact, 'REACH', time_of_impact.REACH * 0.999)
    times = np.empty(len(cases.starts), dtype=np.float32)
    time_of_impact._impacts(
        cases.starts, cases.moves, cases.rows, cases.walls.vals, np.float32(time_of_impact.REACH), times
    )
    monkeypatch.undo()
    assert not time_of_impact._agreement(cases, times).holds


def test_cases_cover_what_they_promise():
    cases = time_of_impact.single_walls(50_000)
    assert isinstance(cases.walls, Ragged)
    walls, starts = cases.walls.vals.astype(float), cases.starts.astype(float)
    clearance = np.array([time_of_impact.clearance_at(s, s, 0.0, w) for s, w in zip(starts, walls, strict=True)])
    speed = 10 * np.linalg.norm(cases.moves, axis=-1)
    for some in (
        clearance < time_of_impact.REACH - 1e-3,
        abs(clearance - time_of_impact.REACH) < 2e-6,
        clearance > 1,
        speed == 0,
        abs(speed - 1e-7) < 1e-9,
        abs(speed - 1000) < 1e-3,
    ):
        assert some.mean() > 0.1
