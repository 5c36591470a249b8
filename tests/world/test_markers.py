"""Markers: discs that cameras see, and that physics ignores unless they are solid."""

import math

import numpy as np
import pytest
import torch
import worlds
from hypothesis import given, settings
from hypothesis import strategies as st
from oracle import array

from megastep import numba, triton
from megastep.maps.geometry import AGENT_RADIUS
from megastep.world import physics, rendering, textures
from megastep.world.cameras import Cameras
from megastep.world.core import Core
from megastep.world.seen_texels import SeenTexels, unpacked

SIDES = textures.SIDES
EYE = Cameras(res=1, fov=10, subsample=1)
"""One ray, straight ahead."""


def look(core, cameras=EYE):
    return rendering.render(core, cameras, per_ray=True)


def put(core, k, x, y, radius, colour=(1, 1, 1), env=slice(None)):
    """Puts marker k of an env, or of all, in its place."""
    core.markers.positions[env, k] = torch.tensor([x, y], dtype=torch.float32, device=core.device)
    core.markers.radii[env, k] = radius
    core.markers.colours[env, k] = torch.tensor(colour, dtype=torch.float32, device=core.device)
    core.markers.visible[env, k] = True
    return core


def with_marker(x, y, radius, colour=(1, 1, 1), *, at=(2, 2.5), angle=0, lights=(), device='cpu'):
    """A room with an agent, and a marker somewhere in it."""
    core = worlds.one(worlds.box(lights=lights), *at, angle, device=device, num_markers=1)
    return put(core, 0, x, y, radius, colour)


def strewn(num_envs, num_agents, num_markers, device, seed=0):
    """A core of agents at random free places, and markers anywhere: in walls, agents and each other."""
    maps = [worlds.cluttered(4 + seed), worlds.polygon(5), worlds.box(lights=[(2, 2, 0.3)])]
    ids = torch.arange(num_envs) % 3
    core = worlds.scattered(
        maps, num_envs, num_agents, device=device, seed=seed, map_ids=ids, clearance=0.15, num_markers=num_markers
    )
    rng = np.random.default_rng(seed)
    for env in range(num_envs):
        left, bottom, right, top = maps[int(ids[env])].bounds
        for k in range(num_markers):
            x, y = rng.uniform((left, bottom), (right, top))
            put(core, k, x, y, rng.choice([0.05, 0.2, 0.6]), rng.uniform(0, 1, 3), env)
    core.markers.visible[:] &= torch.from_numpy(rng.random((num_envs, num_markers)) < 0.8).to(core.device)
    return core


# What there is


def test_a_core_has_no_markers_unless_told():
    core = worlds.one(worlds.box(), 2, 2.5, 0)
    assert core.num_markers == 0
    assert core.markers.positions.shape == (1, 0, 2)


def test_new_markers_are_not_there():
    core = worlds.scattered([worlds.box()], 3, 1, num_markers=5)
    markers = core.markers
    assert markers.positions.shape == (3, 5, 2) and markers.colours.shape == (3, 5, 3)
    assert markers.radii.shape == markers.visible.shape == (3, 5)
    assert markers.visible.dtype == torch.bool and not markers.visible.any()


@pytest.mark.parametrize('count', [-1, 2.0, 'two', None])
def test_a_wrong_number_is_refused(count):
    scenery = worlds.one(worlds.box(), 2, 2.5, 0).scenery
    with pytest.raises(ValueError, match='num_markers must be an integer of at least 0, got'):
        Core(scenery, 1, num_markers=count)


# Known answers


def test_a_marker_straight_ahead(device, poisoned):
    """Its near side is a radius nearer than its middle; it is met head-on, at half a turn from +x."""
    core = with_marker(4, 2.5, 0.3, (0.2, 0.4, 0.6), device=device)
    view = look(core)
    assert view.distances.item() == pytest.approx(1.7, rel=1e-6)
    assert view.lines.item() == core.first_marker_line == SIDES + 4
    assert view.locations.item() == pytest.approx(0.5, abs=1e-6)
    np.testing.assert_allclose(array(view.rgb).ravel(), 0.1 * np.array([0.2, 0.4, 0.6]), rtol=1e-5)
    assert view.depth.item() == pytest.approx(1 - (1.7 - AGENT_RADIUS) / 10, rel=1e-5)


@pytest.mark.parametrize('angle', [0, 45, 90, 135, 180, 225, 270, 315, 359])
def test_locations_go_once_around_anticlockwise_from_x(angle, device):
    """Seen from a way off in the direction of the angle, facing the marker."""
    turn = math.radians(angle)
    at = (3 + math.cos(turn), 2.5 + math.sin(turn))
    core = with_marker(3, 2.5, 0.2, at=at, angle=angle + 180, device=device)
    off = (look(core).locations.item() - angle / 360 + 0.5) % 1 - 0.5
    assert off == pytest.approx(0, abs=1e-5)


def test_a_marker_is_dark_at_its_rim(device):
    """A ray that passes the middle by d, of the radius r, has 1 - d² / r² of the colour."""
    core = with_marker(4, 2.5, 0.5, lights=[(2, 2.5, 5)], device=device)
    cameras = Cameras(res=201, fov=40, subsample=1)
    view = look(core, cameras)
    slopes = (200 - 2 * np.arange(201)) / 201 * math.tan(math.radians(20))
    passed = 2 * np.abs(slopes) / np.sqrt(1 + slopes**2) / 0.5
    on = passed < 1
    assert ((array(view.lines[0, 0, 0]) == core.first_marker_line) == on).all()
    np.testing.assert_allclose(array(view.rgb[0, 0, 0, 0])[on], (1 - passed**2)[on], atol=1e-5)


@pytest.mark.parametrize('intensity, x, light', [(0.2, 2, 0.1 + 0.4 / 1.7**2), (0.2, 3.2, 0.5), (5, 2, 1.0)])
def test_the_light_on_a_marker(intensity, x, light, device):
    core = with_marker(4, 2.5, 0.3, (0.5, 1, 1), lights=[(x, 2.5, intensity)], device=device)
    np.testing.assert_allclose(array(look(core).rgb).ravel(), light * np.array([0.5, 1, 1]), rtol=1e-4)


def test_a_wall_hides_lights_from_a_marker(device):
    pillar = worlds.pillar(2.6, 2.7, 2.8, 3.3)
    for y, lit in ((2, True), (3.6, False)):
        room = worlds.box(lights=[(2, y, 0.2)], pillars=[pillar])
        core = put(worlds.one(room, 2, 2.5, 0, device=device, num_markers=1), 0, 4, 2.5, 0.1)
        assert (look(core).rgb[0, 0, 0, 0, 0].item() > 0.15) == lit


def test_the_nearest_of_markers_walls_and_agents_is_seen(device):
    core = worlds.core_at([worlds.box()], [[(2, 2.5), (3.5, 2.5)]], [[0, 180]], device=device, num_markers=3)
    first, wall, agent = core.first_marker_line, 2 * SIDES + 1, SIDES
    assert look(core).lines[0, 0].item() == agent
    put(core, 2, 3, 2.5, 0.2)
    assert look(core).lines[0, 0].item() == first + 2
    put(core, 0, 3.1, 2.5, 0.4)  # around the other, and nearer
    assert look(core).lines[0, 0].item() == first
    core.markers.visible[:] = False
    put(core, 1, 3.5, 2.5, 0.2)  # around the agent
    assert look(core).lines[0, 0].item() == first + 1
    assert look(core).distances[0, 0].item() == pytest.approx(1.3, rel=1e-6)
    core.agents.positions[0, 1] = torch.tensor([2.5, 3.5])
    put(core, 1, 5.3, 2.5, 0.5)  # through the wall
    assert look(core).distances[0, 0].item() == pytest.approx(2.8, rel=1e-6)
    put(core, 1, 5.6, 2.5, 0.5)  # behind it
    assert look(core).lines[0, 0].item() == wall


def test_one_that_is_too_near_or_around_the_camera_is_not_seen(device):
    for x, radius in ((2.25, 0.2), (2, 0.5), (2.4, 0.5), (1.5, 0.6)):
        assert look(with_marker(x, 2.5, radius, device=device)).lines.item() == SIDES + 1
    assert look(with_marker(2.31, 2.5, 0.2, device=device)).lines.item() == SIDES + 4


@pytest.mark.parametrize('radius', [0, -0.3, math.nan])
def test_one_with_no_radius_is_not_seen(radius, device):
    assert look(with_marker(4, 2.5, radius, device=device)).lines.item() == SIDES + 1


@pytest.mark.parametrize('x, y', [(math.nan, 2.5), (4, math.nan), (math.inf, 2.5), (-math.inf, math.inf)])
def test_one_that_is_nowhere_is_not_seen(x, y, device):
    view = look(with_marker(x, y, 0.3, device=device), Cameras(res=32))
    plain = look(worlds.one(worlds.box(), 2, 2.5, 0, device=device), Cameras(res=32))
    assert torch.equal(view.rgb, plain.rgb) and torch.equal(view.lines, plain.lines)


def test_numbers_are_the_same_whatever_the_map(device):
    """They come after those of the map with the most walls."""
    maps = [worlds.box(), worlds.polygon(9)]
    positions, angles = [[(2, 2.5)], [(9, 10)]], [[0], [0]]
    core = worlds.core_at(maps, positions, angles, device=device, num_markers=2, map_ids=torch.tensor([0, 1]))
    put(core, 1, 4, 2.5, 0.3, env=0)
    put(core, 1, 11, 10, 0.3, env=1)
    assert look(core).lines.ravel().tolist() == [SIDES + 9 + 1] * 2


def test_outside_the_map_one_may_be_seen_too(device):
    core = with_marker(9, 2.5, 0.3, at=(7, 2.5), device=device)
    assert look(core).distances.item() == pytest.approx(1.7, rel=1e-6)


# The rules


SIZES = [  # envs, agents, markers, cameras: odd on purpose
    (1, 1, 1, Cameras(res=1, fov=90, subsample=1)),
    (3, 2, 3, Cameras(res=5, fov=130, subsample=3)),
    (2, 3, 33, Cameras(res=17, fov=60, subsample=4, mounts=[(0.02, 0.01, 0), (0, 0, 180)])),
    (1, 1, 7, Cameras(res=129, fov=179, subsample=3, max_depth=3)),
    (3, 1, 65, Cameras(res=7, fov=1, subsample=1, mounts=[(0, 0, 90.5), (0, 0, 0), (-0.03, 0, 270)])),
]


@pytest.mark.parametrize('num_envs, num_agents, num_markers, cameras', SIZES)
@pytest.mark.parametrize('seed', range(3))
def test_worlds_with_markers_look_as_the_rules_say(num_envs, num_agents, num_markers, cameras, seed, device, poisoned):
    worlds.assert_sees(strewn(num_envs, num_agents, num_markers, device, seed), cameras)


@pytest.mark.parametrize('num_envs, num_agents, num_markers, cameras', SIZES)
@pytest.mark.parametrize('kernels', [triton, numba], ids=['triton', 'numba'])
def test_kernels_see_as_the_rules_say(
    num_envs, num_agents, num_markers, cameras, kernels, device, poisoned, monkeypatch
):
    if kernels is numba and device.type == 'cuda':
        pytest.skip('the kernels for a CPU read its memory')
    monkeypatch.setattr(rendering, 'implementation', lambda device: kernels)
    worlds.assert_sees(strewn(num_envs, num_agents, num_markers, device), cameras)


def test_some_rays_of_these_worlds_meet_markers():
    """Else the tests above would say little."""
    for num_envs, num_agents, num_markers, cameras in SIZES[1:]:
        cores = [strewn(num_envs, num_agents, num_markers, 'cpu', seed) for seed in range(3)]
        shares = [(look(core, cameras).lines >= core.first_marker_line).float().mean() for core in cores]
        assert 0.02 < np.mean(shares) < 0.98


@pytest.mark.parametrize('kernels', [triton, numba], ids=['triton', 'numba'])
def test_what_is_not_there_changes_nothing(kernels, device, monkeypatch):
    if kernels is numba and device.type == 'cuda':
        pytest.skip('the kernels for a CPU read its memory')
    monkeypatch.setattr(rendering, 'implementation', lambda device: kernels)
    marked, plain = strewn(3, 2, 33, device), strewn(3, 2, 0, device)
    marked.markers.visible[:] = False
    cameras = Cameras(res=21, subsample=3)
    view = look(marked, cameras)
    for name in ('rgb', 'depth', 'distances', 'lines', 'locations'):
        seen = getattr(view, name)
        assert torch.equal(seen.nan_to_num(-1), getattr(look(plain, cameras), name).nan_to_num(-1)), name


def test_physics_ignores_markers(device):
    marked, plain = strewn(3, 2, 33, device), strewn(3, 2, 0, device)
    for core in (marked, plain):
        core.agents.velocities[:] = 2
        for _ in range(3):
            physics.advance(core)
    assert torch.equal(marked.agents.positions, plain.agents.positions)
    assert torch.equal(marked.contacts, plain.contacts)


def test_markers_are_no_walls_to_be_covered(device):
    """Their texels would be those of another map."""
    marked, plain = strewn(3, 2, 33, device), strewn(3, 2, 0, device)
    cameras, counts = Cameras(res=21), []
    for core in (marked, plain):
        seen = SeenTexels.none(core)
        rendering.render(core, cameras, seen=seen)
        counts.append((unpacked(seen.bits), seen.found))
    (with_markers, fewer), (without, more) = counts
    assert not (with_markers & ~without).any()
    assert (fewer <= more).all() and (fewer < more).any()


def test_without_colours_depths_are_the_same(device, poisoned):
    core, cameras = strewn(3, 2, 33, device), Cameras(res=5, subsample=3)
    assert torch.equal(rendering.render(core, cameras, rgb=False).depth, look(core, cameras).depth)


@settings(max_examples=40, deadline=None)
@given(
    x=st.floats(0, 6), y=st.floats(0, 5), radius=st.floats(0.01, 3), angle=st.floats(-360, 360), seed=st.integers(0, 9)
)
def test_a_marker_anywhere_is_seen_as_the_rules_say(x, y, radius, angle, seed, device):
    core = strewn(1, 2, 2, device, seed)
    core.agents.angles[0, 0] = angle
    worlds.assert_sees(put(core, 0, x, y, radius, (1, 0.5, 0)), Cameras(res=16, fov=120, subsample=2))


@settings(max_examples=20, deadline=None)
@given(turn=st.floats(-360, 360), seed=st.integers(0, 9))
def test_the_order_of_markers_changes_nothing_but_their_numbers(turn, seed, device):
    core = strewn(1, 1, 9, device, seed)
    core.agents.angles[:] = turn
    cameras = Cameras(res=32)
    before = look(core, cameras)
    for tensor in vars(core.markers).values():
        tensor.copy_(tensor.flip(1))
    after, first = look(core, cameras), core.first_marker_line
    for name in ('rgb', 'depth', 'distances'):
        torch.testing.assert_close(getattr(after, name), getattr(before, name))
    flipped = torch.where(after.lines >= first, 2 * first + 8 - after.lines, after.lines)
    assert (flipped == before.lines).float().mean() > 0.98
