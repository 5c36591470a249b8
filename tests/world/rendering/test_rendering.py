import math

import numpy as np
import oracle
import pytest
import torch
import worlds
from hypothesis import given, settings
from hypothesis import strategies as st
from oracle import array

from megastep.maps.geometry import AGENT_RADIUS
from megastep.world import rendering, textures
from megastep.world.cameras import Cameras

SIDES = textures.SIDES
GREEN, RED, GREY = (np.array(colour) for colour in (textures.GREEN, textures.RED, textures.GREY))
HALF_WIDTH = 0.075
EYE = Cameras(res=1, fov=10, subsample=1)
"""One ray, straight ahead."""


def look(core, cameras=EYE):
    return rendering.render(core, cameras, per_ray=True)


# Known answers


def test_distances_straight_ahead_and_to_the_sides(device, poisoned):
    """Three metres before a wall the middle ray travels three metres, and a ray of slope s sqrt(1 + s²) as far."""
    core = worlds.one(worlds.box(1, 1, 5, 11), 2, 6, 0, device=device)
    view = look(core, Cameras(res=5, fov=90, subsample=1))
    slopes = np.array([0.8, 0.4, 0, -0.4, -0.8])
    np.testing.assert_allclose(array(view.distances[0, 0, 0]), 3 * np.sqrt(1 + slopes**2), rtol=1e-6)
    assert (view.lines == SIDES + 1).all()
    np.testing.assert_allclose(array(view.locations[0, 0, 0]), (5 + 3 * slopes) / 10, rtol=1e-6)


@pytest.mark.parametrize('fov', [1, 45, 90, 130, 179])
def test_the_outermost_rays_are_half_a_ray_inside_the_field_of_view(fov, device):
    core = worlds.one(worlds.box(1, 1, 400, 400), 397, 200, 0, device=device)
    distances = array(look(core, Cameras(res=4, fov=fov, subsample=2)).distances[0, 0, 0])
    edge = 3 * math.hypot(1, 7 / 8 * math.tan(math.radians(fov / 2)))
    if fov < 179:  # there the outermost rays meet the side walls
        np.testing.assert_allclose(distances[[0, -1]], edge, rtol=1e-5)
    middle = 3 * math.hypot(1, 1 / 8 * math.tan(math.radians(fov / 2)))
    np.testing.assert_allclose(distances[[3, 4]], middle, rtol=1e-5)


@pytest.mark.parametrize('fov', [179, 179.9, 179.999, 179.9999999, math.nextafter(180, 0)])
def test_distances_are_as_exact_however_wide_the_field_of_view_is(fov):
    """On a CPU: Triton's kernels take the difference of the ends' depths, however little of it a ray's side is."""
    core = worlds.one(worlds.box(), 2, 2.5, 33, device='cpu')
    cameras = Cameras(res=6, fov=fov, subsample=1)
    expected = oracle.render(oracle.world(core, 0), cameras)
    view = look(core, cameras)
    np.testing.assert_array_equal(array(view.lines[0]), expected.lines)
    np.testing.assert_allclose(array(view.distances[0]), expected.distances, rtol=1e-6)


def test_rays_run_from_left_to_right(device):
    """Facing +x, the left is +y."""
    view = look(worlds.one(worlds.box(), 2, 2.5, 0, device=device), Cameras(res=3, fov=150, subsample=1))
    assert view.lines[0, 0, 0].tolist() == [SIDES + 2, SIDES + 1, SIDES + 0]


@pytest.mark.parametrize('angle, distance', [(0, 3), (90, 1.5), (180, 1), (270, 1.5), (-90, 1.5), (-720, 3)])
def test_angles_are_degrees_anticlockwise_from_x(angle, distance, device):
    view = look(worlds.one(worlds.box(), 2, 2.5, angle, device=device))
    assert view.distances.item() == pytest.approx(distance, rel=1e-6)


def test_depth(device):
    """1 at the agent's rim, 0 at max_depth and beyond."""
    core = worlds.one(worlds.box(), 2, 2.5, 0, device=device)
    depth = look(core, Cameras(res=1, fov=10, subsample=1, max_depth=4)).depth
    assert depth.item() == pytest.approx(1 - (3 - AGENT_RADIUS) / 4, rel=1e-6)
    assert look(core, Cameras(res=1, fov=10, subsample=1, max_depth=2)).depth.item() == 0
    touching = worlds.one(worlds.box(), 5 - AGENT_RADIUS - 1e-4, 2.5, 0, device=device)
    assert look(touching).depth.item() == pytest.approx(1, abs=1e-4)


def test_walls_seen_edge_on_are_dark(device):
    """A white wall in full light has colour 1 - c², and c² is s² / (1 + s²) for the wall straight ahead."""
    core = worlds.repainted(worlds.one(worlds.box(1, 1, 5, 11), 2, 6, 0, device=device), (255, 255, 255), 1)
    view = look(core, Cameras(res=5, fov=90, subsample=1))
    slopes = np.array([0.8, 0.4, 0, -0.4, -0.8])
    np.testing.assert_allclose(array(view.rgb[0, 0, 0]), np.tile(1 / (1 + slopes**2), (3, 1)), rtol=1e-5)


def test_colour_is_albedo_times_light(device):
    core = worlds.repainted(worlds.one(worlds.box(), 2, 2.5, 0, device=device), (51, 102, 204), 0.4)
    np.testing.assert_allclose(array(look(core).rgb).ravel(), [0.08, 0.16, 0.32], rtol=1e-5)


def test_albedo_is_linear_between_texel_centres_and_constant_beyond_the_last(device):
    """Looks at the right wall's lower end, whose texels are black, white, black, black, ..."""
    heights = 1 + 0.05 * np.array([0.2, 0.5, 0.6, 1.0, 1.5, 1.75, 2.4, 2.5, 3.1])
    expected = [0, 0, 0.1, 0.5, 1, 0.75, 0.1, 0, 0]
    positions = [[(3.0, height)] for height in heights]
    core = worlds.repainted(worlds.core_at([worlds.box()], positions, [[0.0]] * len(heights), device=device), light=1)
    first, count = core.scenery.texels[1].tolist()
    assert count == 60
    core.scenery.albedo.vals[first : first + count] = 0
    core.scenery.albedo.vals[first + 1] = 255
    worlds.repainted(core)
    np.testing.assert_allclose(array(look(core).rgb[:, 0, 0, 1, 0]), expected, atol=1e-4)


def test_albedo_is_constant_beyond_the_last_texel_centre(device):
    heights = 4 - 0.05 * np.array([0.1, 0.5, 1.0, 1.5])
    core = worlds.core_at([worlds.box()], [[(3.0, height)] for height in heights], [[0.0]] * 4, device=device)
    core = worlds.repainted(core, (0, 0, 0), 1)
    first, count = core.scenery.texels[1].tolist()
    core.scenery.albedo.vals[first + count - 1] = 255
    worlds.repainted(core)
    np.testing.assert_allclose(array(look(core).rgb[:, 0, 0, 1, 0]), [1, 1, 0.5, 0], atol=1e-4)


def test_baked_light_is_linear_between_texel_centres(device):
    core = worlds.repainted(worlds.one(worlds.box(), 3, 1 + 0.05 * 1.25, 0, device=device), (255, 255, 255), 0.2)
    first, _ = core.scenery.texels[1].tolist()
    core.scenery.light[first + 1] = 255
    worlds.repainted(core)
    assert look(core).rgb[0, 0, 0, 0, 0].item() == pytest.approx(0.2 + 0.75 * 0.8, abs=1e-4)


@pytest.mark.parametrize('subsample', [1, 3, 4])
def test_a_pixel_is_the_mean_of_its_rays(subsample, device, poisoned):
    core = worlds.scattered([worlds.cluttered(4)], 3, 2, device=device)
    fine = look(core, Cameras(res=6 * subsample, subsample=1))
    coarse = look(core, Cameras(res=6, subsample=subsample))
    for name in ('distances', 'lines', 'locations'):
        torch.testing.assert_close(getattr(coarse, name), getattr(fine, name), equal_nan=True)
    for name in ('rgb', 'depth'):
        means = oracle.pixels(array(getattr(fine, name)), subsample)
        np.testing.assert_allclose(array(getattr(coarse, name)), means, atol=1e-6)


# Other agents


@pytest.mark.parametrize('facing, side, colour', [(180, 0, GREEN), (0, 4, RED), (90, 6, GREY), (270, 2, GREY)])
def test_an_agent_seen_by_another(facing, side, colour, device):
    """From -x an agent shows its front if it faces -x, its back if +x, its left side if +y and its right if -y."""
    core = worlds.core_at([worlds.box()], [[(2, 2), (4, 2)]], [[0, facing]], device=device)
    view = look(core)
    assert view.distances[0, 0].item() == pytest.approx(2 - HALF_WIDTH, rel=1e-5)
    assert view.lines[0, 0].item() == SIDES + side
    assert view.locations[0, 0].item() == pytest.approx(0.5, abs=1e-4)
    np.testing.assert_allclose(array(view.rgb[0, 0]).ravel(), 0.1 * np.round(255 * colour) / 255, rtol=1e-4)


def test_lines_of_the_first_agent_come_first(device):
    core = worlds.core_at([worlds.box()], [[(2, 2), (4, 2), (2, 3.5)]], [[0, 180, 0]], device=device)
    lines = look(core).lines
    assert lines[0, 1].item() == 0
    assert lines[0, 2].item() == 3 * SIDES + 1  # past both: the right wall


def test_an_agent_hides_what_is_behind_it(device):
    core = worlds.core_at([worlds.box()], [[(2, 2), (4, 2)]], [[0, 180]], device=device)
    half = HALF_WIDTH / math.cos(math.pi / SIDES)  # a corner's distance from the centre
    view = look(core, Cameras(res=401, fov=20, subsample=1))
    offsets = abs(400 - 2 * np.arange(401)) / 401 * math.tan(math.radians(10))
    on_agent = array(view.lines[0, 0, 0]) < 2 * SIDES
    assert on_agent[offsets * 2 < HALF_WIDTH * 0.9].all()
    assert not on_agent[offsets * (2 - half) > half].any()


@pytest.mark.parametrize(
    'lights, expected',
    [
        ([], 0.1),
        ([(2, 2, 0.2)], 0.1 + 0.4 / (2 - HALF_WIDTH) ** 2),
        ([(3.5, 2, 0.2)], 0.1 + 0.4),  # nearer than a metre
        ([(2, 2, 0.2), (3.5, 2, 0.1)], 0.1 + 0.4 / (2 - HALF_WIDTH) ** 2 + 0.2),
        ([(3.5, 2, 5)], 1.0),
        ([(4.9, 2, 0.3)], 0.1 + 0.6),  # from behind: an agent throws no shadow, not on itself either
    ],
)
def test_the_light_on_an_agent(lights, expected, device):
    core = worlds.core_at([worlds.box(lights=lights)], [[(2, 2), (4, 2)]], [[0, 180]], device=device)
    expected_colour = expected * np.round(255 * GREEN) / 255
    np.testing.assert_allclose(array(look(core).rgb[0, 0]).ravel(), expected_colour, rtol=1e-4)


def test_a_wall_hides_lights_from_an_agent(device):
    pillar = worlds.pillar(2.5, 2.7, 2.7, 3.3)
    rooms = [worlds.box(lights=[(2, y, 0.2)], pillars=[pillar]) for y in (1.5, 3.8)]
    lit, dark = (worlds.core_at([room], [[(2, 2), (4, 2)]], [[0, 180]], device=device) for room in rooms)
    assert look(dark).rgb[0, 0, 0, 1, 0].item() == pytest.approx(0.1 * round(255 * 0.7) / 255, rel=1e-4)
    assert look(lit).rgb[0, 0, 0, 1, 0].item() > 2 * look(dark).rgb[0, 0, 0, 1, 0].item()


def test_an_agent_does_not_see_itself(device):
    core = worlds.one(worlds.box(), 2, 2.5, 0, device=device)
    back = Cameras(res=9, fov=60, subsample=1, mounts=[(0.5, 0, 180)])
    view = look(core, back)
    assert (view.lines >= SIDES).all()
    assert view.distances[0, 0, 0, 4].item() == pytest.approx(1.5, rel=1e-6)


def test_another_agent_nearer_than_the_near_distance_is_seen_through(device):
    """Its front is 0.085 m off, within the near distance; its back, further off, faces away."""
    core = worlds.core_at([worlds.box()], [[(2, 2), (2.16, 2)]], [[0, 180]], device=device)
    assert look(core).lines[0, 0].item() >= 2 * SIDES


# Cameras


def test_a_mount_is_relative_to_its_agent(device):
    """An agent at (2, 2.5) that faces +y has its camera, 0.05 m ahead and 0.02 m to the left, at (1.98, 2.55)."""
    core = worlds.one(worlds.box(), 2, 2.5, 90, device=device)
    mounts = [(0.05, 0.02, turn) for turn in (0, 90, 180, -90)]
    view = look(core, Cameras(res=1, fov=10, subsample=1, mounts=mounts))
    np.testing.assert_allclose(array(view.distances).ravel(), [1.45, 0.98, 1.55, 3.02], rtol=1e-6)
    assert (view.lines.ravel() - SIDES).tolist() == [2, 3, 0, 1]


@settings(max_examples=20, deadline=None)
@given(x=st.floats(-0.3, 0.3), y=st.floats(-0.3, 0.3), turn=st.floats(-360, 360), angle=st.floats(-180, 180))
def test_a_mounted_camera_sees_what_an_agent_standing_there_sees(x, y, turn, angle, device):
    geometry, cameras = worlds.box(pillars=[worlds.pillar(3.5, 2, 4, 2.5)], spawns=[(2, 2)]), Cameras(res=16)
    mounts = [(0, 0, 0), (x, y, turn), (0, 0, 90)]
    mounted = look(worlds.one(geometry, 2, 2, angle, device=device), Cameras(res=16, mounts=mounts))
    eye = oracle.rotation(math.radians(angle)) @ [x, y] + 2
    core = worlds.one(geometry, *eye, angle + turn, device=device)
    grazing = worlds.doubtful(worlds.brackets(oracle.world(core, 0), cameras))[0, 0]
    standing = look(core, cameras)
    differ = ~np.isclose(array(mounted.distances[0, 0, 1]), array(standing.distances[0, 0, 0]), atol=1e-3)
    assert not (differ & ~grazing).any()


def test_lines_within_the_near_distance_are_seen_through(device):
    """The camera is 0.05 m before a thin wall, less than the agent's radius, and sees the wall behind it."""
    core = worlds.one(worlds.halved_box(), 2.7, 2.5, 0, device=device)
    near, far = look(core, Cameras(res=1, fov=10, subsample=1, mounts=[(0.25, 0, 0), (0.15, 0, 0)])).distances[
        0, 0, :, 0
    ]
    assert near.item() == pytest.approx(2.05, rel=1e-5)
    assert far.item() == pytest.approx(0.15, rel=1e-5)


def test_nothing_hit_is_infinite_and_black(device, poisoned):
    """From outside the walls, looking away from them, there is nothing to see."""
    view = look(worlds.one(worlds.box(), 7, 2.5, 0, device=device), Cameras(res=5, fov=100, subsample=3))
    assert (view.distances == math.inf).all()
    assert (view.lines == -1).all()
    assert view.locations.isnan().all()
    assert (view.rgb == 0).all()
    assert (view.depth == 0).all()


@pytest.mark.parametrize('value', [math.nan, math.inf, -math.inf, 1e30])
@pytest.mark.parametrize('what', ['positions', 'angles'])
def test_an_agent_that_is_nowhere_harms_nobody(what, value):
    """On a CPU its rays are found among none; the next env's are as they were."""
    core = worlds.core_at([worlds.box()], [[(2, 2)], [(3, 2.5)]], [[10], [20]])
    expected = look(core, Cameras(res=9)).distances[1].clone()
    getattr(core.agents, what)[0] = value
    view = look(core, Cameras(res=9))
    assert torch.equal(view.distances[1], expected)
    if not (what == 'angles' and math.isfinite(value)):
        assert (view.lines[0] == -1).all()


@pytest.mark.parametrize('res, subsample, mounts', [(1, 1, 1), (5, 3, 2), (64, 4, 1)])
def test_shapes(res, subsample, mounts, device):
    core = worlds.scattered([worlds.box(spawns=[(2, 2), (3, 2)])], 3, 2, device=device)
    view = look(core, Cameras(res=res, subsample=subsample, mounts=[(0, 0, 90 * k) for k in range(mounts)]))
    assert view.rgb.shape == (3, 2, mounts, 3, res)
    assert view.depth.shape == (3, 2, mounts, res)
    for rays in (view.distances, view.lines, view.locations):
        assert rays.shape == (3, 2, mounts, res * subsample)
    assert view.rgb.dtype == view.depth.dtype == view.distances.dtype == view.locations.dtype == torch.float32
    assert not view.lines.is_floating_point()


def test_rays_are_returned_only_on_request(device):
    core = worlds.scattered([worlds.cluttered(2)], 2, 1, device=device)
    pixels, rays = rendering.render(core, Cameras()), look(core, Cameras())
    assert pixels.distances is None
    assert pixels.lines is None
    assert pixels.locations is None
    assert torch.equal(pixels.rgb, rays.rgb)
    assert torch.equal(pixels.depth, rays.depth)


def test_rendering_moves_nothing(device):
    core = worlds.scattered([worlds.cluttered(2)], 2, 1, device=device)
    before = [tensor.clone() for tensor in (core.agents.positions, core.agents.angles, core.map_ids)]
    look(core, Cameras())
    for tensor, copy in zip((core.agents.positions, core.agents.angles, core.map_ids), before, strict=True):
        assert torch.equal(tensor, copy)


def test_map_ids_may_be_written_between_steps(device):
    maps = [worlds.box(1, 1, 5, 4), worlds.box(1, 1, 6, 5)]
    core = worlds.core_at(maps, [[(2, 2.5)]], [[0.0]], device=device)
    assert look(core).distances.item() == pytest.approx(3)
    core.map_ids[:] = 1
    assert look(core).distances.item() == pytest.approx(4)
