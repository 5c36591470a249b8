"""The centre line of a track is as far from either wall, goes around once, and is found from the walls alone."""

import numpy as np
import pytest
from floorplans.tracks import TURN, ring
from worlds import box, pillar, polygon

from megastep import MapSet, mapgen
from megastep.maps.circuit import centre_line
from megastep.maps.segments import clearances


def steps(line):
    return np.roll(line, -1, axis=0) - line


def turns(line):
    """How often a closed line goes around, anticlockwise."""
    headings = np.arctan2(*steps(line).T[::-1])
    bends = np.diff(headings, append=headings[:1])
    return ((bends + np.pi) % (2 * np.pi) - np.pi).sum() / (2 * np.pi)


def test_between_two_circles_it_is_the_circle_in_the_middle():
    line = centre_line(ring().walls)
    assert np.hypot(*(line - 20).T) == pytest.approx(9, abs=0.03)
    assert np.hypot(*steps(line).T).sum() == pytest.approx(2 * np.pi * 9, rel=3e-3)
    assert turns(line) == pytest.approx(1)


def test_its_points_are_equally_far_apart_and_an_eighth_of_the_width():
    lengths = np.hypot(*steps(centre_line(ring().walls)).T)
    assert lengths == pytest.approx(lengths.mean(), rel=1e-2)
    assert 0.2 < lengths.mean() <= 0.25


@pytest.mark.parametrize('index', range(6))
def test_generated_tracks_have_one_in_their_middle(index):
    track = mapgen.generate('track', 6, seed=3)[index]
    line = centre_line(track.walls)
    length = np.hypot(*steps(line).T).sum()
    assert clearances(line, track.walls) == pytest.approx(track.area / length / 2, rel=0.2)
    assert turns(line) == pytest.approx(1)


@pytest.mark.parametrize('direction', [1, -1])
def test_an_imported_track_has_the_one_it_was_made_from_driven_anticlockwise(tmp_path, direction):
    """Its width changes along the way, and its points may go around either way."""
    radii = 30 + 5 * np.cos(3 * TURN)
    points = np.stack([radii * np.cos(TURN), radii * np.sin(TURN)], axis=1)[::direction]
    widths = 1.5 + np.sin(TURN)[::direction, None] * [0.8, 0.8]
    path = tmp_path / 'track.csv'
    np.savetxt(path, np.hstack([points, widths]), delimiter=',')
    (track,) = MapSet.from_centreline(path)
    line = centre_line(track.walls)
    points = points - points.min(axis=0)
    line = line - line.min(axis=0)
    nearest = np.hypot(*(line[:, None] - points).transpose(2, 0, 1)).min(axis=1)
    assert nearest.max() < 1  # points are 1 m apart
    assert turns(line) == pytest.approx(1)


def test_a_room_around_a_column_is_a_track_and_its_outlines_may_have_corners():
    room = box(1, 1, 9, 7, pillars=[pillar(4, 3, 6, 5)], spawns=[(2, 2)])
    line = centre_line(room.walls)
    assert turns(line) == pytest.approx(1)
    assert clearances(line, room.walls).min() > 0.8
    assert not ((line > [4, 3]) & (line < [6, 5])).all(axis=1).any()


@pytest.mark.parametrize(
    'room, count',
    [(polygon(6), 1), (box(1, 1, 9, 7, pillars=[pillar(2, 2, 3, 3), pillar(5, 5, 6, 6)]), 3)],
)
def test_what_is_no_ring_is_refused(room, count):
    with pytest.raises(ValueError, match=f'a track must have 2 outlines, one around the other, got {count}'):
        centre_line(room.walls)


def test_outlines_side_by_side_are_refused():
    walls = np.concatenate([box(1, 1, 3, 3).walls, box(5, 1, 7, 3).walls])
    with pytest.raises(ValueError, match='one around the other, got 2'):
        centre_line(walls)
