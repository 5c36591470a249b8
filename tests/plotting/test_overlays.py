"""What a task has drawn is where it says, in the colours it says, whatever it means."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from worlds import box, core_at

from megastep import Cameras, plotting
from megastep.plotting.overlays import LINGER
from megastep.world.snapshot import Discs, Marks, Points, Segments, Shares, take_snapshot

YELLOW, BLUE, RED = (255, 209, 102), (76, 201, 240), (255, 0, 0)  # of the first agent, of the second, of nobody
PINK, GREEN, ROSE = (255, 95, 183), (63, 224, 143), (255, 77, 94)  # of a goal, of a success, of a death


@pytest.fixture(scope='module')
def plain():
    """Two agents, who see little, in a room."""
    core = core_at([box(1, 1, 9, 6)], [[(3, 3), (6, 3)]], [[0, 0]])
    return take_snapshot(core, Cameras(res=1, subsample=1, fov=1, max_depth=0.2), 0)


def drawn(snapshot, *overlays):
    return plotting.StatePlot(replace(snapshot, overlays=overlays))


def colour_at(plot, x, y):
    across, up = plot._plan.transData.transform((x, y)).round().astype(int)
    return tuple(plot.frame()[-1 - up, across].tolist())


def changed(one, other, *, side):
    """How many pixels of the plan differ within 0.4 m of the first agent, below it (-1) or above it (1)."""
    low, high = np.sort([(3, 3), (3, 3 + side * 0.4)], axis=0) + [(-0.4, 0), (0.4, 0)]
    (left, bottom), (right, top) = one._plan.transData.transform([low, high]).round().astype(int)
    rows = slice(-1 - top, -1 - bottom)
    frames = [plot.frame()[rows, left:right].astype(int) for plot in (one, other)]
    return int((abs(frames[0] - frames[1]).max(axis=-1) > 60).sum())


def test_points_are_in_the_agents_colours_or_their_own(plain):
    places = np.array([[2, 2], [5, 5], [7, 5]], float)
    plot = drawn(plain, Points(places))
    assert [colour_at(plot, *place) for place in places] == [YELLOW, BLUE, YELLOW]
    plot = drawn(plain, Points(places[:1]), Points(places[1:], colours=np.array([[1, 0, 0], [1, 0, 0]])))
    assert [colour_at(plot, *place) for place in places] == [PINK, RED, RED]


@pytest.mark.parametrize('meaning, colour', [('success', GREEN), ('death', ROSE)])
def test_marks_stay_for_a_while_and_fade(plain, meaning, colour):
    plot = drawn(plain)
    bare = plot.frame().astype(int)
    plot.update(replace(plain, overlays=(Marks(np.array([False, True]), meaning),)))
    assert (plot.frame() == colour).all(axis=-1).sum() > 10
    differences = []
    for _ in range(LINGER):
        differences.append(abs(plot.frame() - bare).max())
        plot.update(plain)
    assert differences[-1] < 0.3 * differences[0]
    assert np.array_equal(plot.frame(), bare)


def test_a_death_is_where_the_agent_was(plain):
    mark = Marks(np.array([False, True]), 'death')
    elsewhere = replace(plain, positions=plain.positions + [0, 2], overlays=(mark,))
    plot = drawn(plain)
    plot.update(elsewhere)
    assert colour_at(plot, 6, 3) == ROSE
    assert not (drawn(plain, mark).frame() == ROSE).all(axis=-1).any()  # where nobody knows where that was


def test_a_mark_means_success_or_death():
    with pytest.raises(ValueError, match="meaning must be 'success' or 'death', got 'birth'"):
        Marks(np.zeros(1, bool), 'birth')


def test_points_have_labels(plain):
    place = np.array([[5.0, 5.0]])
    bare, named = drawn(plain, Points(place)), drawn(plain, Points(place), Points(place, labels=['door']))
    assert {text.get_text() for text in named._plan.texts} == {'door'}
    assert not np.array_equal(bare.frame(), named.frame())


def test_segments_are_in_the_agents_colours_or_their_own(plain):
    ends = np.array([[[2, 2], [4, 2]], [[2, 5], [4, 5]]], float)
    plot = drawn(plain, Segments(ends))
    assert (colour_at(plot, 3, 2), colour_at(plot, 3, 5)) == (YELLOW, BLUE)
    plot = drawn(plain, Segments(ends, colours=np.array([[1, 0, 0]] * 2)))
    assert (colour_at(plot, 3, 2), colour_at(plot, 3, 5)) == (RED, RED)


def test_segments_that_are_not_there_are_not_drawn(plain):
    nowhere = Segments(np.full((2, 2, 2), np.nan))
    assert np.array_equal(drawn(plain, nowhere).frame(), drawn(plain).frame())


def test_shares_are_as_much_of_a_ring(plain):
    """A ring begins where +x is and goes anticlockwise, so the half of it is above."""
    whole, half, nothing = (drawn(plain, Shares(np.full(2, share))) for share in (1, 0.5, 0))
    assert np.array_equal(whole.frame(), drawn(plain).frame())
    assert np.array_equal(whole.frame(), drawn(plain, Shares(np.full(2, 1.5))).frame())
    assert changed(whole, half, side=1) < 8 < 20 < changed(whole, half, side=-1)
    assert changed(half, nothing, side=1) > 20
    twice = drawn(plain, Shares(np.ones(2)), Shares(np.ones(2)))
    assert changed(whole, twice, side=1) > 20 and changed(whole, twice, side=-1) > 20


def test_discs_are_as_wide_as_they_are(plain):
    places = np.array([[2, 5], [5, 5]], float)
    plot = drawn(plain, Discs(places, np.array([0.5, 0.2]), np.array([[1, 0, 0], [1, 0, 0]])))
    assert [colour_at(plot, x, 5) for x in (2, 1.6, 2.4, 5, 5.1)] == [RED] * 5
    assert RED not in [colour_at(plot, x, 5) for x in (1.4, 2.6, 4.7, 5.3)]
    assert [colour_at(drawn(plain, Discs(places, np.full(2, 0.5))), *place) for place in places] == [YELLOW, BLUE]


def test_markers_that_are_there_are_drawn(plain):
    core = core_at([box(1, 1, 9, 6)], [[(3, 3)]] * 2, [[0], [0]], num_markers=3)
    core.markers.positions[1] = torch.tensor([[5, 3], [5, 5], [7, 5]])
    core.markers.radii[1, 2] = 0.5
    core.markers.colours[1] = torch.tensor([[1, 0, 0]])
    core.markers.visible[1, ::2] = True
    assert [len(take_snapshot(core, Cameras(), env).overlays[0].radii) for env in (0, 1)] == [0, 2]
    snapshot = take_snapshot(core, Cameras(), 1, overlays=[Points(np.zeros((0, 2)))])
    discs = snapshot.overlays[0]
    assert discs.positions.tolist() == [[5, 3], [7, 5]] and discs.radii.tolist() == pytest.approx([0.1, 0.5])
    assert [colour_at(drawn(snapshot, discs), *place) for place in discs.positions] == [RED, RED]
    assert abs(snapshot.ray_ends[0, 0, 127] - [4.9, 3]).max() < 0.02  # it is also seen


def test_there_may_be_others_in_every_moment(plain):
    """As many as there are, and what is gone leaves nothing behind."""
    place, ends = np.array([[5.0, 5.0]]), np.array([[[2.0, 2], [4, 2]]])
    moments = [
        (Points(place, labels=['door']), Segments(ends), Shares(np.array([0.5, 1]))),
        (),
        (Segments(np.concatenate([ends, ends + 1])), Points(np.concatenate([place, place - 1]), labels=['a', 'b'])),
        (Points(place), Discs(place, np.ones(1))),
        (Discs(np.concatenate([place, place - 1]), np.ones(2)),),
    ]
    plot = drawn(plain)
    for overlays in moments:
        plot.update(replace(plain, overlays=overlays))
        assert np.array_equal(plot.frame(), drawn(plain, *overlays).frame())


@pytest.mark.parametrize('said, message', [
    ({'overlays': [(1, 2)]}, r'overlay 0 of env 0 must be Points, .* or Marks, got \(1, 2\)'),
    ({'laps': 'two'}, "value 'laps' must be a number, got 'two'"),
    ({'laps': torch.zeros(3)}, r"value 'laps' must be a number, got tensor\(\[0., 0., 0.\]\)"),
])  # fmt: skip
def test_a_snapshot_refuses_what_is_no_overlay_and_no_number(said, message):
    with pytest.raises(ValueError, match=message):
        take_snapshot(core_at([box()], [[[2.0, 2.0]]], [[0.0]]), Cameras(res=4), 0, **said)


def test_a_snapshot_has_arrays_of_them():
    core = core_at([box(1, 1, 9, 6)], [[(3, 3), (6, 3)]], [[0, 0]])
    points, shares = Points(core.agents.positions[0]), Shares(torch.tensor([0.25, 1]))
    taken = take_snapshot(core, Cameras(), 0, overlays=[points, shares])
    core.agents.positions.zero_()
    assert [type(each) for each in taken.overlays] == [Points, Shares]
    assert taken.overlays[0].positions.tolist() == [[3, 3], [6, 3]] and isinstance(
        taken.overlays[0].positions, np.ndarray
    )
    assert taken.overlays[1].values.tolist() == [0.25, 1]


@pytest.mark.parametrize(
    'make, message',
    [
        (lambda: Points(np.zeros(2)), r'positions must have shape \(any, 2\), got \(2,\)'),
        (lambda: Points(np.zeros((3, 3))), r'positions must have shape \(any, 2\), got \(3, 3\)'),
        (lambda: Points(np.zeros((3, 2)), np.zeros((2, 3))), r'colours must have shape \(3, 3\), got \(2, 3\)'),
        (lambda: Points(np.zeros((3, 2)), labels=['a']), 'labels must be as many as points, 3, got 1'),
        (lambda: Segments(torch.zeros(3, 2)), r'ends must have shape \(any, 2, 2\), got \(3, 2\)'),
        (lambda: Segments(np.zeros((3, 2, 2)), np.zeros(3)), r'colours must have shape \(3, 3\), got \(3,\)'),
        (lambda: Discs(np.zeros((3, 2)), np.zeros(2)), r'radii must have shape \(3\), got \(2,\)'),
        (lambda: Shares(torch.ones(())), r'values must have shape \(any\), got \(\)'),
    ],
)
def test_rejects_other_shapes(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_rejects_shares_that_are_not_one_for_each_agent():
    core = core_at([box(1, 1, 9, 6)], [[(3, 3), (6, 3)]], [[0, 0]])
    with pytest.raises(ValueError, match=r'values must have shape \(2\), got \(3,\)'):
        take_snapshot(core, Cameras(), 0, overlays=[Shares(torch.ones(3))])
