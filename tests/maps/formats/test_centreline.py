"""Race tracks given by their centre lines: their width, their sharp bends, and what no file can bring about."""

import numpy as np
import pytest
from hostile.damage import damaged, refused_or_read
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from megastep import MapSet
from megastep.maps.segments import clearances

TURN = np.linspace(0, 2 * np.pi, 120, endpoint=False)


def rows(x, y, right=1.5, left=1.0):
    return np.stack([x, y, right + 0 * x, left + 0 * x], axis=1)


CIRCLE = rows(20 * np.cos(TURN), 20 * np.sin(TURN))  # anticlockwise: right is outside


@pytest.fixture
def write(tmp_path):
    def write(points, name='track.csv', head='# x_m,y_m,w_tr_right_m,w_tr_left_m\n'):
        path = tmp_path / name
        path.write_text(head + '\n'.join(','.join(f'{v:.6f}' for v in row) for row in np.array(points).tolist()) + '\n')
        return path

    return write


def test_a_circle_is_as_wide_to_each_side_as_the_file_says(write):
    (track,) = MapSet.from_centreline(write(CIRCLE))
    assert track.area == pytest.approx(np.pi * (21.5**2 - 19**2), rel=2e-3)
    assert len(track.walls) == 240
    left, bottom, right, top = track.bounds
    assert (left, bottom) == (1, 1)
    assert (right, top) == pytest.approx((44, 44), abs=0.05)
    assert {room.kind for room in track.rooms} == {'track'}


def test_spawns_lie_on_the_centre_line(write):
    (track,) = MapSet.from_centreline(write(CIRCLE))
    assert len(track.spawns) == 64
    radii = np.hypot(*(track.spawns - 22.5).T)
    assert radii == pytest.approx(20, abs=0.01)
    assert clearances(track.spawns, track.walls) == pytest.approx(1, abs=0.03)


def test_a_closing_point_empty_lines_and_remarks_change_nothing(write):
    plain = MapSet.from_centreline(write(CIRCLE))[0]
    path = write([*CIRCLE, CIRCLE[0]], head='# a track\n\n  # x, y\n')
    path.write_text(path.read_text().replace('1.500000,', '1.500000 ,', 3) + '\n# the end\n')
    np.testing.assert_allclose(MapSet.from_centreline(path)[0].walls, plain.walls, atol=1e-6)


def test_scale_makes_it_smaller(write):
    full, tenth = (MapSet.from_centreline(write(CIRCLE), scale=scale)[0] for scale in (1, 0.2))
    assert tenth.area == pytest.approx(full.area / 25, rel=1e-3)


@pytest.mark.parametrize('lobes', [3, 5])
def test_bends_sharper_than_the_track_is_wide_do_not_cross_themselves(write, lobes):
    radius = 20 + 6 * np.cos(lobes * TURN)
    (track,) = MapSet.from_centreline(write(rows(radius * np.cos(TURN), radius * np.sin(TURN), 3, 3)))
    assert len(track.spawns) == 64  # so Geometry has found its walls closed and facing free space
    assert track.area > 600


def test_a_track_may_cross_itself(write):
    (track,) = MapSet.from_centreline(write(rows(30 * np.sin(TURN), 18 * np.sin(2 * TURN), 2, 2)))
    assert track.bounds[2] > 60


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    waves=st.lists(st.tuples(st.integers(2, 5), st.floats(0, 5), st.floats(0, 6)), max_size=3),
    right=st.floats(0.5, 4),
    left=st.floats(0.5, 4),
)
def test_every_spawn_on_a_wavy_track_has_room(write, waves, right, left):
    radius = 40 + sum((much * np.cos(count * TURN + phase) for count, much, phase in waves), np.zeros_like(TURN))
    (track,) = MapSet.from_centreline(write(rows(radius * np.cos(TURN), radius * np.sin(TURN), right, left)))
    assert (clearances(track.spawns, track.walls) >= 0.156).all()


@pytest.mark.parametrize(
    'text, message',
    [
        ('0,0,1\n', 'line 2: must be x, y, and the widths .*, got .0,0,1.'),
        ('0,0,1,1,1\n', 'line 2: must be x, y, and the widths'),
        ('0;0;1;1\n', 'line 2: must be x, y, and the widths'),
        ('0,0,1,a\n', 'line 2: must be x, y, and the widths'),
        ('0,0,nan,1\n', 'line 2: must be x, y, and the widths'),
        ('0,0,1,1\n1e7,0,1,1\n', 'line 3: must be x, y, and the widths'),
        ('0,0,-1,1\n', 'line 2: .*which are at least 0 m, got .0,0,-1,1.'),
        ('', 'must have at least 3 different points, got 0'),
        ('0,0,1,1\n9,0,1,1\n9,0,1,1\n0,0,1,1\n', 'must have at least 3 different points, got 2'),
        ('0,0,0,0\n9,0,0,0\n0,9,0,0\n', 'the track must be wider than 0 m somewhere, got widths of 0'),
        ('0,0,9,9\n9,0,9,9\n0,9,9,9\n', 'the track must lead around something, but its edges meet'),
        ('0,0,.1,.1\n9,0,.1,.1\n0,9,.1,.1\n', 'there must be somewhere with 0.156 m of clearance'),
        ('0,0,5,5\n900,0,5,5\n0,900,5,5\n', 'must be at most 499 m wide and high to be simulated, got 9'),
        ('0,0,1,1\n' * 20_000, 'must have at most 16384 points, got more'),
        ('0,0,1,1 \n' * 500_000, 'must be at most 4194304 bytes long, got more'),
    ],
)
def test_mistakes_are_named(write, text, message):
    path = write(np.empty((0, 4)), head='# a track\n' + text)
    with pytest.raises(ValueError, match=f'{path}: {message}'):
        MapSet.from_centreline(path)


def test_a_tangle_is_refused_at_once(write):
    points = np.random.default_rng(0).random((2000, 4)) * [400, 400, 1, 1]
    with pytest.raises(ValueError, match=r'must have at most \d+ pairs of pieces that may meet'):
        MapSet.from_centreline(write(points))


@pytest.mark.parametrize('scale', [0, -1, np.nan, np.inf])
def test_scales_must_be_above_zero(write, scale):
    with pytest.raises(ValueError, match=f'scale must be above 0, got {scale}'):
        MapSet.from_centreline(write(CIRCLE), scale=scale)


def test_tracks_that_cannot_be_used_are_skipped(write):
    paths = [write(CIRCLE), write(CIRCLE[:2], 'short.csv')]
    with pytest.warns(UserWarning, match='1 map was left out:\n.*short.csv: must have at least 3') as caught:
        maps = MapSet.from_centreline(paths, skip_invalid=True)
    assert caught[0].filename == __file__
    assert maps.recipe['parameters'] == {'file': ['track.csv', 'short.csv'], 'scale': 1.0, 'skip_invalid': True}


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=damaged(b'# x\n0,0,1,1\n30,0,1,1\n30,30,1,1\n0,30,1,2\n'))
def test_damaged_files_are_refused_or_read(tmp_path, data):
    path = tmp_path / 'damaged.csv'
    path.write_bytes(data)
    refused_or_read(MapSet.from_centreline, path)
