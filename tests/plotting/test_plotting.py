"""Snapshots hold what is there, and pictures show it."""

import re
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.figure import Figure
from oracle import clearances
from worlds import box, core_at, houses, one, outline, repainted, scattered

from megastep import Cameras, Geometry, Room, mapgen, plotting
from megastep.mapgen.variations.furniture_catalogue import CATALOGUE, UNFURNISHED_KINDS
from megastep.maps.picture import PLAIN, TINTS, tint
from megastep.plotting.overlays import hues
from megastep.world import rendering
from megastep.world.snapshot import take_snapshot

ROOM = box(1, 1, 5, 4, lights=[(3, 2.5, 1)])
WHITE, RED, GREEN = (255, 255, 255), (255, 0, 0), (0, 255, 0)


@pytest.fixture(scope='module')
def state():
    core = scattered(houses(8), num_envs=8, num_agents=2)
    return take_snapshot(core, Cameras(mounts=((0, 0, 0), (0, 0, 180))), 3, reward=1.5, length=40)


def seen(frame, colour):
    """Rows and columns of the pixels that have exactly this colour."""
    return np.argwhere((frame == np.array(colour, np.uint8)).all(axis=-1))


def painted(state, colours):
    """A snapshot whose cameras all see these colours, and no depth."""
    pixels = np.array(colours, dtype=float).T
    shape = (*state.rgb.shape[:2], *pixels.shape)
    return replace(state, rgb=np.broadcast_to(pixels, shape), depth=np.zeros((*shape[:2], shape[3])))


# snapshots


def test_the_middle_ray_ends_on_the_wall_ahead():
    state = take_snapshot(one(ROOM, 3, 2.5, 0), Cameras(res=1, subsample=1), 0)
    np.testing.assert_allclose(state.ray_ends[0, 0], [(5, 2.5)], atol=1e-5)


def test_rays_end_at_max_depth():
    state = take_snapshot(one(ROOM, 3, 2.5, 20), Cameras(res=8, max_depth=0.5), 0)
    np.testing.assert_allclose(np.linalg.norm(state.ray_ends - (3, 2.5), axis=-1), 0.5, rtol=1e-5)


def test_a_camera_is_where_its_mount_is():
    """An agent that faces up has its front above it, and its left side to the left."""
    state = take_snapshot(one(ROOM, 3, 2.5, 90), Cameras(res=1, subsample=1, mounts=((0.25, 0, 90),)), 0)
    np.testing.assert_allclose(state.eyes[0, 0], (3, 2.75), atol=1e-5)
    np.testing.assert_allclose(state.ray_ends[0, 0], [(1, 2.75)], atol=1e-5)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 99), fov=st.floats(10, 170))
def test_rays_end_on_walls(seed, fov):
    """However the agent stands, if it can see far enough."""
    core = scattered([ROOM], num_envs=1, num_agents=1, seed=seed)
    state = take_snapshot(core, Cameras(res=16, fov=fov, max_depth=100), 0)
    assert clearances(state.ray_ends.reshape(-1, 2), ROOM.walls).max() < 1e-4


def test_a_snapshot_shows_what_render_shows():
    core, cameras = scattered(houses(8), num_envs=8, num_agents=2), Cameras()
    before = core.agents.positions.clone()
    view = rendering.render(core, cameras)
    for env in (0, 5):
        state = take_snapshot(core, cameras, env)
        np.testing.assert_allclose(state.rgb, view.rgb[env].cpu(), atol=1e-6)
        np.testing.assert_allclose(state.depth, view.depth[env].cpu(), atol=1e-6)
        assert state.map_id == int(core.map_ids[env])
    assert torch.equal(core.agents.positions, before)


def test_a_snapshot_is_a_copy():
    core = one(ROOM, 3, 2.5, 0)
    state = take_snapshot(core, Cameras(), 0)
    core.agents.positions.zero_()
    np.testing.assert_array_equal(state.positions, [(3, 2.5)])


def test_texels_run_along_their_walls(state):
    lengths = [np.linalg.norm(lines[:, 1] - lines[:, 0], axis=-1).sum() for lines in (state.texels, state.walls)]
    assert lengths[0] == pytest.approx(lengths[1])
    assert clearances(state.texels.reshape(-1, 2), state.walls).max() < 1e-5


def test_a_texel_shows_its_albedo_times_its_light():
    state = take_snapshot(repainted(one(ROOM, 3, 2.5, 0), colour=(255, 51, 0), light=0.4), Cameras(), 0)
    np.testing.assert_allclose(state.texel_colours, np.tile((0.4, 0.08, 0), (len(state.texels), 1)), atol=1e-6)


def test_each_map_has_its_own_texels():
    core = scattered(houses(4), num_envs=4, num_agents=1)
    first, last = (take_snapshot(core, Cameras(), env) for env in (0, 3))
    assert len(last.texels) == len(last.texel_colours) == int(core.scenery.albedo.widths[3])
    start = int(core.scenery.albedo.starts[3])
    expected = core.scenery.albedo.vals[start:] / 255 * (core.scenery.light[start:, None] / 255)
    np.testing.assert_allclose(last.texel_colours, expected.cpu(), atol=1e-6)
    assert len(first.texels) != len(last.texels)


def test_an_outline_is_green_where_it_faces():
    state = take_snapshot(one(ROOM, 3, 2.5, 90), Cameras(), 0)
    red, green, _ = state.side_colours.T
    front = state.outlines[0, green > 2 * red].mean(axis=(0, 1)) - state.positions[0]
    back = state.outlines[0, red > 2 * green].mean(axis=(0, 1)) - state.positions[0]
    np.testing.assert_allclose([front[0], back[0]], 0, atol=1e-5)
    assert front[1] > 0.02
    assert back[1] < -0.02


def test_values_become_numbers(state):
    assert state.values == {'reward': 1.5, 'length': 40.0}
    state = take_snapshot(one(ROOM, 3, 2.5, 0), Cameras(), 0, reward=torch.tensor(2.0))
    assert state.values == {'reward': 2.0}


@pytest.mark.parametrize('env', [-1, 3])
def test_rejects_an_env_that_is_not_there(env):
    core = core_at([ROOM], [[(3, 2.5)]] * 3, [[0]] * 3)
    with pytest.raises(ValueError, match=f'env must be from 0 to 2, got {env}'):
        take_snapshot(core, Cameras(), env)


# states


def test_a_white_strip_is_white(state):
    """Pixels of 1 are shown as 255, in one strip for each camera of each agent."""
    plot = plotting.StatePlot(painted(state, [(1, 1, 1)] * 64))
    rows = np.bincount(seen(plot.frame(), WHITE)[:, 0], minlength=540)
    assert np.diff((rows > 300).astype(int)).clip(min=0).sum() == 4
    assert len(np.unique(rows[rows > 300])) == 1


def test_the_first_pixel_is_on_the_left(state):
    frame = plotting.StatePlot(painted(state, [(1, 0, 0)] * 16 + [(0, 1, 0)] * 48)).frame()
    red, green = seen(frame, RED), seen(frame, GREEN)
    assert red[:, 1].max() < green[:, 1].min()
    assert len(green) / len(red) == pytest.approx(3, rel=0.05)


def test_colours_are_gamma_encoded(state):
    """Half the light is shown as 0.5 ** (1 / 2.2) * 255 = 186."""
    frame = plotting.StatePlot(painted(state, [(0.5, 0, 0.5)] * 64)).frame()
    assert len(seen(frame, (186, 0, 186))) > 1000


def test_what_is_near_is_bright(state):
    frame = plotting.StatePlot(replace(painted(state, [(0, 0, 0)] * 64), depth=np.ones((2, 2, 64)))).frame()
    assert len(seen(frame, WHITE)) > 1000


def test_a_wall_has_its_colour_on_the_plan():
    core = repainted(one(ROOM, 3, 2.5, 0), colour=(255, 0, 255), light=1.0)
    frame = plotting.StatePlot(painted(take_snapshot(core, Cameras(), 0), [(0, 0, 0)] * 64)).frame()
    columns = seen(frame, (255, 0, 255))[:, 1]
    assert len(columns) > 1000
    assert columns.max() < 0.57 * 960


def test_updating_is_drawing_anew():
    """On another map, where no trail is left, an updated picture is the one that would be drawn first."""
    core = scattered(houses(2), num_envs=2, num_agents=2)
    first, second = (take_snapshot(core, Cameras(), env, reward=env / 2) for env in (0, 1))
    plot = plotting.StatePlot(first)
    before = plot.frame()
    plot.update(second)
    np.testing.assert_array_equal(plot.frame(), plotting.StatePlot(second).frame())
    plot.update(first)
    np.testing.assert_array_equal(plot.frame(), before)


def test_a_trail_follows_an_agent_until_it_is_put_elsewhere():
    there, on, far = (take_snapshot(one(ROOM, x, 2.5, 0), Cameras(), 0) for x in (2.0, 2.3, 4.0))
    plot = plotting.StatePlot(there)
    plot.update(on)
    assert (plot.frame() != plotting.StatePlot(on).frame()).any()
    plot.update(far)
    np.testing.assert_array_equal(plot.frame(), plotting.StatePlot(far).frame())


def test_a_trail_ends_where_a_map_does():
    core = core_at([ROOM, ROOM], [[(2.0, 2.5)], [(2.3, 2.5)]], [[0], [0]])
    one_map, other = (take_snapshot(core, Cameras(), env) for env in (0, 1))
    plot = plotting.StatePlot(one_map)
    plot.update(other)
    np.testing.assert_array_equal(plot.frame(), plotting.StatePlot(other).frame())


def test_saving_leaves_the_frame_alone(state, tmp_path):
    plot = plotting.StatePlot(state)
    before = plot.frame()
    plot.figure.savefig(tmp_path / 'large.png', dpi=150)
    np.testing.assert_array_equal(plot.frame(), before)


@pytest.mark.parametrize('size', [(960, 540), (1160, 641), (317, 241), (64, 500), (1500, 64)])
def test_a_frame_has_the_size_asked_for(state, size):
    frame = plotting.StatePlot(state, size).frame()
    assert frame.shape == (size[1], size[0], 3)
    assert frame.dtype == np.uint8


def test_plot_state_is_a_figure_that_shows_itself(state):
    figure = plotting.plot_state(state)
    assert isinstance(figure, Figure)
    assert figure._repr_png_().startswith(b'\x89PNG')


def test_draws_a_map_without_lights_but_with_thin_walls():
    geometry = Geometry.from_walls(np.concatenate([ROOM.walls, [[(3, 1), (3, 2)]]]))
    dark = Geometry(walls=geometry.walls, spawns=geometry.spawns)
    core = repainted(one(dark, 2, 2, 0), colour=(255, 0, 255), light=1.0)
    state = painted(take_snapshot(core, Cameras(), 0), [(0, 0, 0)] * 64)
    assert len(seen(plotting.StatePlot(state).frame(), (255, 0, 255))) > 1000


@pytest.mark.parametrize('reach', [15, 60, 240])
def test_agents_are_seen_in_maps_of_any_size(reach):
    """What is drawn of an agent takes about as many pixels in all that reach further than 15 m."""
    state = take_snapshot(one(box(1, 1, 1 + reach, 1 + reach / 4), 1 + reach / 2, 1 + reach / 8, 0), Cameras(fov=20), 0)
    amber = np.round(255 * np.array(hues(1)[0][:3]))
    assert 8 < len(seen(plotting.StatePlot(state).frame(), amber)) < 60


def test_rejects_a_snapshot_of_another_layout(state):
    plot = plotting.StatePlot(state)
    with pytest.raises(ValueError, match=r'must show 2 agents, 2 cameras, 64 pixels and values of .* got .*other'):
        plot.update(replace(state, values={'other': 1.0}))


@pytest.mark.parametrize('size', [(960, 20), (63, 540)])
def test_rejects_a_size_that_is_too_small(state, size):
    with pytest.raises(ValueError, match=f'size must be at least 64 by 64 pixels, got {size[0]} by {size[1]}'):
        plotting.StatePlot(state, size)


def test_values_for_which_there_is_no_room_are_left_out(state):
    many = replace(state, values={f'value {i}': float(i) for i in range(100)})
    shown = [text.get_text() for text in plotting.StatePlot(many).figure.texts]
    assert 'value 0' in shown and 'value 99' not in shown


def test_a_title_is_written(state):
    assert 'Explorer' in [text.get_text() for text in plotting.StatePlot(replace(state, title='Explorer')).figure.texts]


# galleries


def panels(figure):
    """The axes that hold a floorplan, which are those that hold a patch."""
    return [axes for axes in figure.axes if axes.patches]


def texts(figure):
    return {text.get_text() for text in figure.texts}


@pytest.mark.parametrize('count, columns, shown', [(12, 4, 5), (3, 4, 3), (1, 1, 1), (4, 9, 4)])
def test_a_gallery_shows_at_most_as_many_as_there_are(count, columns, shown):
    figure = plotting.gallery(houses(5), count, columns)
    assert len(panels(figure)) == shown
    assert {str(i) for i in range(shown)} <= texts(figure)


def test_a_gallery_says_how_large_a_map_is():
    assert {'0', '12.0 m²'} <= texts(plotting.gallery([ROOM]))


def test_a_gallery_has_one_scale():
    """A metre is as long in one floorplan as in another, and as high as it is wide."""
    figure = plotting.gallery([box(1, 1, 5, 4), box(1, 1, 3, 8), ROOM], columns=2)
    for axes in panels(figure):
        extent, across, up = axes.get_window_extent(), np.ptp(axes.get_xlim()), np.ptp(axes.get_ylim())
        assert extent.width / across == pytest.approx(extent.height / up, rel=1e-3)
        assert extent.width / across == pytest.approx(panels(figure)[0].get_window_extent().width / across, rel=1e-3)


def test_a_room_is_filled_by_its_kind_and_named(tmp_path):
    corners = outline([(1, 1), (5, 1), (5, 4), (1, 4)])[:, 0]
    kitchen = Geometry(walls=ROOM.walls, spawns=ROOM.spawns, rooms=[Room(corners, 'kitchen')])
    figure = plotting.gallery([kitchen])
    assert 'kitchen' in texts(figure)
    figure.canvas.draw()
    picture = np.asarray(figure.canvas.buffer_rgba())[..., :3]
    assert len(seen(picture, (0xF7, 0xCD, 0xB4))) > 10_000
    figure.savefig(tmp_path / 'gallery.svg')
    assert '<svg' in (tmp_path / 'gallery.svg').read_text()


def test_a_pillar_is_no_floor():
    """The middle of a pillar is drawn as wall, so that the middle of the picture is dark."""
    pillar = outline([(2.9, 2.4), (2.9, 2.6), (3.1, 2.6), (3.1, 2.4)])
    geometry = Geometry(walls=np.concatenate([ROOM.walls, pillar]), spawns=[(2, 2)])
    figure = plotting.gallery([geometry])
    figure.canvas.draw()
    picture, extent = np.asarray(figure.canvas.buffer_rgba()), panels(figure)[0].get_window_extent()
    row, column = len(picture) - int((extent.y0 + extent.y1) / 2), int((extent.x0 + extent.x1) / 2)
    assert picture[row, column, :3].max() < 100
    assert picture[row, column + 60, :3].min() > 200


@pytest.mark.parametrize(
    'arguments, message',
    [
        ({'count': 0}, 'count must be an integer of at least 1, got 0'),
        ({'columns': 0}, 'columns must be an integer of at least 1, got 0'),
        ({'maps': []}, 'the number of maps must be at least 1, got 0'),
        ({'count': 1.5}, 'count must be an integer of at least 1, got 1.5'),
        ({'maps': None}, 'maps must be a MapSet or a list of geometries, got NoneType'),
        ({'maps': [3]}, 'maps must be a MapSet or a list of geometries, got int in it'),
        ({'captions': [1]}, r'captions must be a list of texts, got \[1\]'),
        ({'captions': 'a'}, "captions must be a list of texts, got 'a'"),
    ],
)
def test_rejects_a_gallery_of_nothing(arguments, message):
    with pytest.raises(ValueError, match=message):
        plotting.gallery(**{'maps': [ROOM], **arguments})


def test_a_gallery_of_one_map_is_drawn():
    assert len(panels(plotting.gallery(ROOM))) == len(panels(plotting.rows({'room': ROOM}))) == 1


@pytest.mark.parametrize(
    'sets, message',
    [
        (None, 'sets must be what MapSet.stats gives, by the names of sets, got NoneType'),
        ({'a': 3}, 'sets must be what MapSet.stats gives, by the names of sets, got int'),
        ({'a': {'x': np.ones(1)}, 'b': {}}, "sets must have the same statistics, got x of some alone: 'b' differs"),
        ({'a': {'x': [1, 2]}}, r"x of 'a' must be an array of numbers, got \[1, 2\]"),
        ({'a': {'x': np.array(['s'])}}, "x of 'a' must be an array of numbers"),
    ],
)
def test_rejects_distributions_of_what_are_no_statistics(sets, message):
    with pytest.raises(ValueError, match=message):
        plotting.distributions(sets)


def test_a_gallery_has_captions():
    found = texts(plotting.gallery([ROOM, ROOM], captions=['before', 'after']))
    assert {'before', 'after', '12.0 m²'} <= found and '0' not in found
    with pytest.raises(ValueError, match='captions must be as many as maps, got 1 for 2'):
        plotting.gallery([ROOM, ROOM], captions=['before'])


def test_rows_have_names_notes_and_a_scale_each():
    figure = plotting.rows({'halls': [box(1, 1, 41, 31)], 'rooms': [ROOM] * 7}, notes={'halls': 'They are large.'})
    assert {'halls', 'rooms', 'They are large.', '10 m', '1 m'} <= texts(figure)
    assert len(panels(figure)) == 1 + 5
    for axes in panels(figure):
        extent, across, up = axes.get_window_extent(), np.ptp(axes.get_xlim()), np.ptp(axes.get_ylim())
        assert extent.width / across == pytest.approx(extent.height / up, rel=1e-3)


@pytest.mark.parametrize(
    'arguments, message',
    [
        ({'sets': {}}, 'the number of sets must be at least 1, got 0'),
        ({'columns': 0}, 'columns must be an integer of at least 1, got 0'),
        ({'sets': {'rooms': [ROOM], 'halls': []}}, 'halls has no maps to draw'),
        ({'sets': None}, 'sets must be map sets by their names, got NoneType'),
        ({'sets': {'rooms': 3}}, "set 'rooms' must be a MapSet or a list of geometries, got int"),
    ],
)
def test_rejects_rows_of_nothing(arguments, message):
    with pytest.raises(ValueError, match=message):
        plotting.rows(**{'sets': {'rooms': [ROOM]}, **arguments})


def test_between_the_corridors_of_a_maze_all_is_wall():
    """An L of corridors, 1 m wide: the corner that it leaves is as dark as its walls."""
    corners = [(1, 1), (6, 1), (6, 2), (2, 2), (2, 6), (1, 6)]
    walls = outline(corners)
    maze, plain = (
        Geometry(walls=walls, spawns=[(1.5, 1.5)], rooms=[Room(np.array(corners, float), kind)])
        for kind in ('maze', 'room')
    )
    dark = []
    for geometry in (maze, plain):
        figure = plotting.gallery([geometry])
        figure.canvas.draw()
        picture = np.asarray(figure.canvas.buffer_rgba())[..., :3]
        dark.append((picture.max(axis=-1) < 100).sum())
    assert dark[0] > 2 * dark[1]


def test_kinds_of_room_of_every_family_have_colours_of_their_own():
    kinds = {
        *CATALOGUE,
        *UNFURNISHED_KINDS,
        *(kind for name in ('box', 'maze', 'rooms', 'voronoi') for kind in kinds_of(name)),
    }
    assert kinds <= set(TINTS)
    assert tint('living room') == tint('living_room') == TINTS['living_room']
    assert all(re.fullmatch('#[0-9a-f]{6}', colour) for colour in TINTS.values())
    assert tint('observatory') == tint('room') == PLAIN


def kinds_of(name):
    return {room.kind for geometry in mapgen.generate(name, 2) for room in geometry.rooms}
