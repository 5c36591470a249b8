"""Pictures of random worlds: against the oracle, without leaks, and alike where the worlds are."""

import math

import numpy as np
import oracle
import pytest
import torch
import worlds
from hypothesis import given, settings
from hypothesis import strategies as st
from oracle import array

from megastep.maps.geometry import Geometry
from megastep.world import rendering, textures
from megastep.world.cameras import Cameras
from megastep.world.core import Core
from megastep.world.scenery import Scenery

SIDES = textures.SIDES
EYE = Cameras(res=1, fov=10, subsample=1)
"""One ray, straight ahead."""


def look(core, cameras=EYE):
    return rendering.render(core, cameras, per_ray=True)


# The oracle

SIZES = [  # envs, agents, cameras: odd on purpose
    (1, 1, Cameras(res=1, fov=90, subsample=1)),
    (3, 2, Cameras(res=5, fov=130, subsample=3)),
    (2, 3, Cameras(res=17, fov=60, subsample=4, mounts=[(0.02, 0.01, 0), (0, 0, 180)])),
    (1, 2, Cameras(res=43, fov=179, subsample=3, max_depth=3)),
    (2, 1, Cameras(res=9, fov=1, subsample=1, mounts=[(0, 0, 90.5), (0, 0, 0), (-0.03, 0, 270)])),
]


@pytest.mark.parametrize('num_envs, num_agents, cameras', SIZES)
@pytest.mark.parametrize('seed', range(6))
def test_cluttered_rooms_look_as_the_rules_say(num_envs, num_agents, cameras, seed, device, poisoned):
    maps = [worlds.cluttered(10 * seed + k) for k in range(3)]
    core = worlds.scattered(
        maps, num_envs, num_agents, device=device, seed=seed, map_ids=torch.arange(num_envs) % 3, clearance=0.15
    )
    worlds.assert_sees(core, cameras)


@pytest.mark.parametrize('num_agents, cameras', [(1, Cameras(res=64)), (3, Cameras(res=21, subsample=3))])
def test_houses_look_as_the_rules_say(num_agents, cameras, device, poisoned):
    maps = worlds.houses(2)
    core = worlds.scattered(maps, 4, num_agents, device=device, clearance=0.15)
    worlds.assert_sees(core, cameras)


def test_the_oracle_doubts_few_rays():
    """Else the tests that let a doubtful ray be would let everything be."""
    maps, cameras = [worlds.cluttered(seed) for seed in range(8)], Cameras()
    core = worlds.scattered(maps, 8, 2)
    doubts = [worlds.doubtful(worlds.brackets(oracle.world(core, env), cameras)).mean() for env in range(8)]
    assert np.mean(doubts) < 0.02


def test_from_free_space_it_does_not_matter_whether_walls_are_seen_from_behind():
    """What faces away is behind something that doesn't: this is what lets the kernels skip it."""
    maps, cameras = [worlds.cluttered(seed) for seed in range(12)], Cameras(res=64, fov=170)
    core = worlds.scattered(maps, 12, 2)
    for env in range(12):
        world = oracle.world(core, env)
        both, front = (oracle.render(world, cameras, only_facing=only) for only in (False, True))
        np.testing.assert_array_equal(both.distances, front.distances)
        np.testing.assert_array_equal(both.lines, front.lines)


# Watertightness


@pytest.mark.parametrize('sides', [3, 4, 7, 97])
def test_no_ray_slips_out_of_a_polygon(sides, device):
    geometry = worlds.polygon(sides)
    core = worlds.scattered([geometry], 24, 1, device=device, seed=sides)
    view = look(core, Cameras(res=1024, fov=170, subsample=4))
    assert view.distances.isfinite().all()
    assert (view.lines >= SIDES).all()
    assert ((view.locations >= 0) & (view.locations <= 1)).all()
    assert (view.distances < 8.001).all()


@pytest.mark.parametrize('seed', range(3))
def test_no_ray_slips_between_the_walls_of_a_cluttered_room(seed, device):
    core = worlds.scattered([worlds.cluttered(seed)], 24, 1, device=device, seed=seed)
    view = look(core, Cameras(res=1024, fov=150, subsample=4))
    assert view.distances.isfinite().all()


@pytest.mark.parametrize(
    'geometry', [worlds.polygon(97), worlds.cluttered(4), worlds.cluttered(0)], ids=['97', '4', '0']
)
def test_rays_aimed_at_corners_do_not_slip_through(geometry, device):
    """A ray aimed at a corner stops there or passes by on the free side, and never leaves the room."""
    corners = np.unique(geometry.walls.reshape(-1, 2).round(6), axis=0)
    eyes = worlds.free_places(geometry, 20, np.random.default_rng(0))
    eyes, targets = np.repeat(eyes, len(corners), axis=0), np.tile(corners, (len(eyes), 1))
    angles = np.degrees(np.arctan2(*(targets - eyes).T[::-1]))
    core = worlds.core_at([geometry], eyes[:, None], angles[:, None], device=device)
    view = look(core)
    assert view.distances.isfinite().all()
    assert (view.lines >= SIDES).all()
    for env in range(0, core.num_envs, 7):
        pictures = worlds.brackets(oracle.world(core, env), EYE)
        worlds.assert_within(array(view.distances[env]), [p.distances for p in pictures], atol=1e-5, rtol=1e-5)


# Invariants

CAMERAS = Cameras(res=32, fov=140, subsample=1)
seeds, turns = st.integers(0, 40), st.floats(-180, 180)


def random_core(seed, device, num_agents=2):
    geometry = worlds.cluttered(seed)
    return geometry, worlds.scattered([geometry], 2, num_agents, device=device, seed=seed)


def moved_core(core, walls, turn, shift, *, flip=False):
    """The same agents in walls that were turned about the origin by ``turn`` radians, or mirrored, then shifted."""
    change = np.diag([-1.0, 1.0]) if flip else oracle.rotation(turn)
    positions = array(core.agents.positions) @ change.T + shift
    angles = 180 - array(core.agents.angles) if flip else array(core.agents.angles) + math.degrees(turn)
    geometry = Geometry(walls=walls, spawns=positions.reshape(-1, 2))
    return worlds.core_at([geometry], positions, angles, device=core.device)


def assert_same_but_for_grazing_rays(core, before, after):
    """Compares distances and depths, which may differ by as much as the oracle's do when its rays are turned a little.

    A world that was turned is rounded anew, which moves each corner by 1e-6 m. Where a ray passes a corner by a hair,
    what it sees may be another wall.
    """
    for env in range(core.num_envs):
        distances = np.stack([picture.distances for picture in worlds.brackets(oracle.world(core, env), CAMERAS)])
        leeway = 1e-3 + 2 * np.ptp(distances, axis=0)
        assert (leeway > 0.1).mean() < 0.15  # else much would be let off
        assert (abs(array(before.distances[env]) - array(after.distances[env])) <= leeway).all()
        assert (abs(array(before.depth[env]) - array(after.depth[env])) <= leeway / CAMERAS.max_depth).all()


@settings(max_examples=15, deadline=None)
@given(seed=seeds, turn=st.floats(-math.pi, math.pi))
def test_turning_the_world_changes_nothing(seed, turn, device):
    geometry, core = random_core(seed, device)
    turned = geometry.walls @ oracle.rotation(turn).T
    shift = 1 - turned.min((0, 1))
    after = moved_core(core, turned + shift, turn, shift)
    assert_same_but_for_grazing_rays(core, look(core, CAMERAS), look(after, CAMERAS))


@settings(max_examples=15, deadline=None)
@given(seed=seeds)
def test_mirroring_the_world_mirrors_the_picture(seed, device):
    geometry, core = random_core(seed, device)
    mirrored = (geometry.walls @ np.diag([-1.0, 1.0]))[:, ::-1]
    shift = 1 - mirrored.min((0, 1))
    after = look(moved_core(core, mirrored + shift, 0, shift, flip=True), CAMERAS)
    flipped = rendering.View(rgb=after.rgb.flip(-1), depth=after.depth.flip(-1), distances=after.distances.flip(-1))
    assert_same_but_for_grazing_rays(core, look(core, CAMERAS), flipped)


@settings(max_examples=15, deadline=None)
@given(seed=seeds, x=st.floats(0, 50), y=st.floats(0, 50))
def test_moving_the_world_changes_nothing(seed, x, y, device):
    """Colours too: a wall's depend on where it is from its map's lower left corner."""
    geometry, core = random_core(seed, device)
    lights = geometry.lights + [x, y, 0]
    shifted = Geometry(walls=geometry.walls + [x, y], spawns=geometry.spawns + [x, y], lights=lights)
    after = worlds.core_at([shifted], array(core.agents.positions) + [x, y], core.agents.angles, device=device)
    before, after = look(core, CAMERAS), look(after, CAMERAS)
    assert_same_but_for_grazing_rays(core, before, after)
    for env in range(core.num_envs):
        grazing = worlds.doubtful(worlds.brackets(oracle.world(core, env), CAMERAS))[:, :, None]
        differ = ~np.isclose(array(before.rgb[env]), array(after.rgb[env]), atol=0.02)
        assert (differ & ~grazing).mean() < 0.05  # a light that grazes a corner may come or go


@settings(max_examples=15, deadline=None)
@given(seed=seeds, shuffle=st.integers(0, 99))
def test_the_order_of_the_walls_changes_nothing_but_their_numbers(seed, shuffle, device):
    geometry, core = random_core(seed, device)
    order = np.random.default_rng(shuffle).permutation(len(geometry.walls))
    shuffled = Geometry(walls=geometry.walls[order], spawns=geometry.spawns, lights=geometry.lights)
    after = worlds.core_at([shuffled], core.agents.positions, core.agents.angles, device=device)
    before, after = look(core, CAMERAS), look(after, CAMERAS)
    torch.testing.assert_close(before.distances, after.distances)
    torch.testing.assert_close(before.depth, after.depth)
    first = 2 * SIDES
    numbers = np.concatenate([np.arange(first), first + order])[after.lines.cpu().numpy()]
    same = numbers == before.lines.cpu().numpy()  # but where a ray meets the end that two walls share
    assert same.mean() > 0.98
    same = torch.from_numpy(same)[:, :, :, None].expand(-1, -1, -1, 3, -1)
    torch.testing.assert_close(before.rgb.cpu()[same], after.rgb.cpu()[same])


@settings(max_examples=15, deadline=None)
@given(seed=seeds, pick=st.integers(0, 99), texel=st.integers(1, 200))
def test_a_wall_cut_in_two_looks_the_same(seed, pick, texel, device):
    """Cut where two texels meet; across the cut colours are no longer mixed, half a texel to either side."""
    geometry, core = random_core(seed, device)
    wall = pick % len(geometry.walls)
    a, b = geometry.walls[wall]
    texels = int(core.scenery.texels[wall, 1])
    if texels < 2:
        return
    cut = a + (b - a) * (1 + texel % (texels - 1)) / texels
    walls = np.concatenate([geometry.walls[:wall], [[a, cut], [cut, b]], geometry.walls[wall + 1 :]])
    halved = Geometry(walls=walls, spawns=geometry.spawns, lights=geometry.lights)
    after = worlds.core_at([halved], core.agents.positions, core.agents.angles, device=device)
    before, after = look(core, CAMERAS), look(after, CAMERAS)
    torch.testing.assert_close(before.distances, after.distances, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(before.depth, after.depth, rtol=1e-4, atol=1e-4)
    from_cut = (before.locations - np.linalg.norm(cut - a) / np.linalg.norm(b - a)).abs() * texels
    near_cut = (before.lines == 2 * SIDES + wall) & (from_cut < 0.6)
    far = ~near_cut[:, :, :, None].expand(-1, -1, -1, 3, -1)
    off = ((before.rgb - after.rgb).abs() > 0.02) & far
    assert off.float().mean() < 0.05  # a light that grazes a corner may come or go


@settings(max_examples=15, deadline=None)
@given(turn=turns, x=st.floats(1.2, 2.8), y=st.floats(1.2, 3.8))
def test_an_agent_behind_a_wall_changes_nothing(turn, x, y, device):
    """The other stands in a room of its own, beyond a wall from end to end."""
    walls = np.concatenate([worlds.rectangle(1, 1, 3, 4), worlds.rectangle(3.1, 1, 6, 4)])
    lights = np.array([(2, 2, 0.5), (5, 3, 0.7)])
    geometry = Geometry(walls=walls, spawns=np.array([(2, 2), (5, 2)]), lights=lights)
    place = (2.5 + x, y)
    alone = look(worlds.core_at([geometry], [[(x, y)]], [[turn]], device=device), CAMERAS)
    both = look(worlds.core_at([geometry], [[(x, y), place]], [[turn, 3.0]], device=device), CAMERAS)
    for name in ('rgb', 'depth', 'distances', 'locations'):
        torch.testing.assert_close(getattr(both, name)[:, 0], getattr(alone, name)[:, 0], equal_nan=True)
    assert torch.equal(both.lines[:, 0], alone.lines[:, 0] + SIDES)


@settings(max_examples=15, deadline=None)
@given(seed=seeds, turn=st.floats(-90, 90))
def test_turning_on_the_spot_shifts_the_picture(seed, turn, device):
    """What a camera with a mount turned by an angle sees is what the agent sees once it has turned by that angle."""
    _, core = random_core(seed, device, num_agents=1)
    mounted = look(core, Cameras(res=32, fov=140, subsample=1, mounts=[(0, 0, turn)]))
    core.agents.angles.add_(turn)
    assert_same_but_for_grazing_rays(core, look(core, CAMERAS), mounted)


# Larger, on a GPU


@pytest.mark.gpu
def test_many_houses_look_as_the_rules_say(device, poisoned):
    maps = worlds.houses(16)
    core = worlds.scattered(maps, 304, 3, device=device, clearance=0.15)
    worlds.assert_sees(core, Cameras(res=32, mounts=[(0, 0, 0), (0.02, 0, 180)]), envs=range(0, 304, 16))


@pytest.mark.gpu
def test_no_ray_slips_out_of_houses(device):
    maps = worlds.houses(16)
    core = Core(Scenery.pack(maps, num_agents=1, device=device), num_envs=4096)
    view = look(core, Cameras(res=256, subsample=4))
    assert view.distances.isfinite().all()
