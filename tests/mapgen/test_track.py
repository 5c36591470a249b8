import math

import numpy as np
import pytest
import shapely
from floorplans.plans import plan, plan_digest
from hypothesis import given, settings
from hypothesis import strategies as st

from megastep import mapgen
from megastep.mapgen.families.track_circuit import MOST_SAGITTA, circuit
from megastep.mapgen.geometry.polygons import doubled_area
from megastep.mapgen.rng import Rng

GOLDEN = {
    (0, 0): '896fbe97c86bc884b67564bcf92e370f',
    (0, 7): 'd3122f652748818fb8ace559273794f0',
    (1, 3): 'fd36414c668f2429a4fcbed83929646d',
    (12345678901234567890, 1): 'e4f0846b1b4449d6ed3b619967fd2c4e',
}


def space(track):
    return shapely.Polygon(track.rings[0], track.rings[1:])


@pytest.fixture(scope='module')
def tracks():
    return [plan('track', index, width=(1.5, 1.5), gap=0.4) for index in range(15)]


def test_a_track_is_a_ring(tracks):
    for track in tracks:
        outer, inner = track.rings
        assert doubled_area(outer) > 0 > doubled_area(inner)
        assert shapely.Polygon(outer).contains(shapely.Polygon(inner))


def test_a_track_is_equally_wide_all_along(tracks):
    """But for walls along an arc, which cut it short by some centimetres."""
    for track in tracks:
        for ring, other in (track.rings, track.rings[::-1]):
            widths = shapely.distance(shapely.points(ring), shapely.LinearRing(other))
            assert widths.min() > 1500 - MOST_SAGITTA - 2 and widths.max() < 1500 + MOST_SAGITTA + 2


def test_stretches_keep_apart(tracks):
    """Grown by not quite half the gap on each side, the track still surrounds one hole and touches itself nowhere."""
    for track in tracks:
        grown = space(track).buffer(200 - MOST_SAGITTA)
        assert len(grown.interiors) == 1


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10**6), size=st.integers(1, 12), winding=st.floats(0, 1), tightness=st.floats(1.1, 1.6))
def test_circuits_turn_once_around_and_nowhere_sharply(seed, size, winding, tightness):
    bends = circuit(Rng(f'bends {seed}'), size=size, side=tightness * 2000 / 1.5, width=2000, winding=winding)
    assert min(bend.radius for bend in bends) >= 1000
    turns = [sum(_angle(a, b) for a, b in zip(bend.rays, bend.rays[1:], strict=False)) for bend in bends]
    assert all((turn > 0) == bend.left for turn, bend in zip(turns, bends, strict=True))
    assert sum(turns) == pytest.approx(2 * math.pi, abs=0.01)
    assert max(abs(_angle(a, b)) for bend in bends for a, b in zip(bend.rays, bend.rays[1:], strict=False)) < 0.36


def _angle(one, other):
    return math.atan2(one[0] * other[1] - one[1] * other[0], one[0] * other[0] + one[1] * other[1])


def test_the_circuit_around_one_hexagon_is_nearly_round():
    for index in range(5):
        (outer, inner) = plan('track', index, size=(1, 1), spread=1.1).rings
        assert 4 * math.pi * shapely.Polygon(outer).area / shapely.Polygon(outer).length ** 2 > 0.85
        assert len(inner) >= 6


def test_sectors_follow_one_another_and_cover_the_track(tracks):
    for track in tracks:
        outlines = [room.outline for room in track.rooms]
        for outline, following in zip(outlines, [*outlines[1:], outlines[0]], strict=True):
            assert doubled_area(outline) > 0
            count = len(outline) // 2
            assert outline[count - 1 : count + 1] == [following[0], following[-1]]
        assert sum(map(doubled_area, outlines)) == pytest.approx(sum(map(doubled_area, track.rings)), abs=len(outlines))


def test_sectors_are_as_long_as_asked():
    for sector in (3.0, 8.0):
        for index in range(5):
            areas = [
                doubled_area(room.outline) / 2e6 for room in plan('track', index, width=(1.5, 1.5), sector=sector).rooms
            ]
            assert min(areas[:-1]) > 0.5 * 1.5 * sector  # the middle of a hairpin is shorter than its outer side
            assert areas[-1] > 0.2 * 1.5 * sector


def test_the_first_sector_begins_with_the_longest_straight(tracks):
    for track in tracks:
        first = track.rooms[0].outline
        walls = [
            math.dist(one, other) for ring in track.rings for one, other in zip(ring, [*ring[1:], ring[0]], strict=True)
        ]
        assert math.dist(*first[:2]) > max(walls) - MOST_SAGITTA


def test_more_hexagons_and_more_winding_make_longer_tracks():
    def length(**parameters):
        return np.mean([space(plan('track', index, width=(1.5, 1.5), **parameters)).area / 1.5e6 for index in range(8)])

    assert 1.3 * length(size=(5, 5)) < length(size=(12, 12))
    assert 1.1 * length(winding=0.0) < length(winding=1.0)


def test_tracks_are_of_a_reasonable_size():
    walls = [sum(map(len, plan('track', index).rings)) for index in range(15)]
    assert 120 <= np.median(walls) <= 230


@pytest.mark.parametrize('seed, index', GOLDEN)
def test_maps_are_what_they_have_always_been(seed, index):
    assert plan_digest(plan('track', index, seed)) == GOLDEN[seed, index]


@pytest.mark.parametrize(
    'parameters, message',
    [
        ({'size': (0, 4)}, 'track: size must be from 1 to 30, got 0'),
        ({'width': (0.5, 1.0)}, 'track: width must be from 0.75 to 4.0 m, got 0.5'),
        ({'gap': 0.1}, 'track: gap must be from 0.2 to 2.0 m, got 0.1'),
        ({'spread': 1.0}, 'track: spread must be from 1.1 to 1.6, got 1.0'),
        ({'sector': 'long'}, "track: sector must be a number, got 'long'"),
    ],
)
def test_bad_parameters(parameters, message):
    with pytest.raises(ValueError, match=message):
        mapgen.generate('track', 1, **parameters)
