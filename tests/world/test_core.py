import math
import re

import numpy as np
import oracle
import pytest
import torch
import worlds
from oracle import array

from megastep.maps.geometry import AGENT_RADIUS
from megastep.world import rendering
from megastep.world.cameras import Cameras
from megastep.world.core import Core, checked_map_ids, respawn
from megastep.world.scenery import Scenery

MAPS = [worlds.cluttered(seed) for seed in range(5)]


@pytest.fixture(scope='module')
def scenery(device):
    return Scenery.pack(MAPS, num_agents=3, device=device)


# Which map


@pytest.mark.parametrize('num_envs', [5, 6, 7, 99])
def test_envs_are_spread_evenly_over_the_maps(num_envs, scenery):
    counts = Core(scenery, num_envs=num_envs).map_ids.bincount(minlength=5)
    assert counts.max() - counts.min() <= 1


@pytest.mark.parametrize('num_envs', [1, 3, 4])
def test_with_more_maps_than_envs_each_env_has_a_map_of_its_own(num_envs, scenery):
    assert len(set(Core(scenery, num_envs=num_envs).map_ids.tolist())) == num_envs


def test_map_ids_can_be_chosen(scenery):
    chosen = torch.tensor([4, 0, 4])
    core = Core(scenery, num_envs=3, map_ids=chosen)
    assert core.map_ids.tolist() == [4, 0, 4]
    assert core.map_ids.dtype == torch.int64
    assert core.map_ids.device.type == scenery.device.type
    core.map_ids[0] = 1
    assert chosen.tolist() == [4, 0, 4]  # the core has a copy


def test_map_ids_that_are_assigned_are_written_in_place(scenery):
    core = Core(scenery, num_envs=3)
    before, chosen = core.map_ids, torch.tensor([4, 0, 4], dtype=torch.int32)
    core.map_ids = chosen
    assert core.map_ids is before
    assert before.tolist() == [4, 0, 4]


def test_agents_of_envs_that_move_to_another_map_stand_at_its_spawns(scenery):
    core = Core(scenery, num_envs=5)
    before = core.agents.positions.clone()
    core.map_ids = [0, 1, 4, 3, 2]
    spawns = scenery.spawns
    for env, number in enumerate(core.map_ids.tolist()):
        own = spawns.vals[spawns.starts[number] : spawns.starts[number] + spawns.widths[number]]
        assert (own == core.agents.positions[env, 0]).all(dim=-1).any()
    assert torch.equal(core.agents.positions[[0, 1, 3]], before[[0, 1, 3]])
    assert core.over.tolist() == [False, False, True, False, True]


def test_map_ids_that_are_assigned_are_checked(scenery):
    core = Core(scenery, num_envs=3)
    with pytest.raises(ValueError, match='map_ids must be from 0 to 4, got 5'):
        core.map_ids = [0, 1, 5]
    assert core.map_ids.tolist() == [0, 1, 3] and not core.over.any()


@pytest.mark.parametrize('ids', [[4, 0, 4], np.array([4, 0, 4]), torch.tensor([4, 0, 4]).int()])
def test_map_ids_can_be_any_integers(ids, scenery):
    assert Core(scenery, num_envs=3, map_ids=ids).map_ids.tolist() == [4, 0, 4]


@pytest.mark.parametrize(
    'ids, message',
    [
        (torch.tensor([0, 5, 1]), 'map_ids must be from 0 to 4, got 5'),
        (torch.tensor([0, 1, -1]), 'map_ids must be from 0 to 4, got -1'),
        (torch.tensor([0, 1]), r'map_ids must have shape \(3,\), got \(2,\)'),
        (torch.tensor([[0, 1, 2]]), r'map_ids must have shape \(3,\), got \(1, 3\)'),
        (torch.tensor([0.0, 1.0, 2.0]), 'map_ids must be integers, got torch.float32'),
        (torch.tensor([True, False, True]), 'map_ids must be integers, got torch.bool'),
    ],
)
def test_bad_map_ids_are_refused(ids, message, scenery):
    with pytest.raises(ValueError, match=message):
        Core(scenery, num_envs=3, map_ids=ids)
    with pytest.raises(ValueError, match=message):
        checked_map_ids(ids, 3, scenery)


# The agents


def test_shapes_and_devices(scenery):
    core = Core(scenery, num_envs=7, fps=25)
    assert core.num_envs == 7
    assert core.num_agents == 3
    assert core.fps == 25
    assert core.agent_radius == AGENT_RADIUS
    plane, line = (7, 3, 2), (7, 3)
    for name, shape in {'positions': plane, 'velocities': plane, 'angles': line, 'angular_velocities': line}.items():
        tensor = getattr(core.agents, name)
        assert tensor.shape == shape
        assert tensor.dtype == torch.float32
        assert tensor.device.type == scenery.device.type
    assert (core.contacts == -1).all()
    assert core.contacts.shape == (7, 3)


def test_agents_start_at_rest_at_spawns_of_their_maps(scenery):
    core = Core(scenery, num_envs=200)
    assert (core.agents.velocities == 0).all()
    assert (core.agents.angular_velocities == 0).all()
    for env in range(200):
        spawns = array(scenery.spawns[int(core.map_ids[env])])
        gaps = np.linalg.norm(array(core.agents.positions[env])[:, None] - spawns, axis=-1)
        assert (gaps.min(1) == 0).all()


def test_agents_may_be_put_at_spawns_later(scenery):
    core, other = Core(scenery, num_envs=20, spawned=False), Core(scenery, num_envs=20)
    assert not core.agents.positions.any()
    respawn(core, torch.ones(20, dtype=torch.bool, device=core.device))
    assert torch.equal(core.agents.positions, other.agents.positions)
    assert torch.equal(core.agents.angles, other.agents.angles)


def test_agents_of_an_env_start_at_different_spawns(scenery):
    core = Core(scenery, num_envs=300)
    gaps = torch.cdist(core.agents.positions, core.agents.positions) + 9 * torch.eye(3, device=core.device)
    assert (gaps > 0).all()


def test_agents_start_at_different_spawns_even_where_there_is_none_to_spare():
    geometry = worlds.box(spawns=[(2, 2), (3, 2), (4, 2)])
    core = Core(Scenery.pack([geometry], num_agents=3, device='cpu'), num_envs=50)
    assert (core.agents.positions[:, :, 0].sort(dim=1).values == torch.tensor([2.0, 3.0, 4.0])).all()


def test_agents_start_clear_of_the_walls(scenery):
    core = Core(scenery, num_envs=200)
    for env in range(200):
        geometry, positions = MAPS[int(core.map_ids[env])], array(core.agents.positions[env])
        assert (oracle.clearances(positions, geometry.walls) > AGENT_RADIUS).all()
        assert oracle.inside(positions, geometry.walls).all()


def test_agents_do_not_start_in_each_other(scenery):
    core = Core(scenery, num_envs=300)
    gaps = torch.cdist(core.agents.positions, core.agents.positions) + 9 * torch.eye(3, device=core.device)
    assert (gaps > 2 * AGENT_RADIUS).all()


@pytest.mark.parametrize('seed', range(12))
def test_no_two_spawns_of_a_derived_map_overlap(seed):
    spawns = worlds.cluttered(seed).spawns
    gaps = np.linalg.norm(spawns[:, None] - spawns, axis=-1) + 9 * np.eye(len(spawns))
    assert (gaps > 2 * AGENT_RADIUS).all()


def test_every_spawn_is_used(device):
    geometry = worlds.box(spawns=[(2, 2), (3, 2), (4, 2), (2, 3)])
    core = Core(Scenery.pack([geometry], num_agents=1, device=device), num_envs=200)
    assert len(core.agents.positions.reshape(-1, 2).unique(dim=0)) == 4


def test_agents_start_facing_any_way(scenery):
    angles = Core(scenery, num_envs=300).agents.angles
    assert angles.min() >= -180
    assert angles.max() <= 180
    assert (angles.reshape(-1).histc(bins=4, min=-180, max=180) > 150).all()


def test_two_cores_with_one_seed_are_equal(scenery):
    one, same, other = (Core(scenery, num_envs=20, seed=seed) for seed in (3, 3, 4))
    assert torch.equal(one.agents.positions, same.agents.positions)
    assert torch.equal(one.agents.angles, same.agents.angles)
    assert not torch.equal(one.agents.angles, other.agents.angles)
    draws = [torch.rand(4, device=core.device, generator=core.generator) for core in (one, same)]
    assert torch.equal(*draws)


def test_a_core_leaves_torch_s_own_generator_alone(scenery):
    before = torch.get_rng_state()
    Core(scenery, num_envs=4)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize('num_envs', [0, -3, 2.5])
def test_at_least_one_env_is_needed(num_envs, scenery):
    with pytest.raises(ValueError, match=f'num_envs must be an integer of at least 1, got {num_envs}'):
        Core(scenery, num_envs=num_envs)


@pytest.mark.parametrize('fps', [0, -10, math.inf, math.nan])
def test_fps_is_positive_and_finite(fps, scenery):
    with pytest.raises(ValueError, match=f'fps must be above 0 and finite, got {fps}'):
        Core(scenery, num_envs=1, fps=fps)


# Cameras


def test_cameras_count_their_rays_and_mounts():
    cameras = Cameras(res=5, subsample=3, mounts=[(0, 0, 0), (0.1, 0, 180)])
    assert cameras.num_rays == 15
    assert cameras.num_cameras == 2
    assert hash(cameras) == hash(Cameras(res=5, subsample=3, mounts=((0, 0, 0), (0.1, 0, 180))))


def test_cameras_defaults():
    cameras = Cameras()
    assert (cameras.res, cameras.fov, cameras.subsample, cameras.max_depth) == (64, 130, 4, 10)
    assert cameras.mounts == ((0, 0, 0),)


def test_cameras_numbers_have_one_form():
    cameras = Cameras(res=np.int64(5), fov=90, max_depth=np.float32(3), mounts=[(0, np.int8(1), 2)])
    assert repr(cameras) == 'Cameras(res=5, fov=90.0, subsample=4, max_depth=3.0, mounts=((0.0, 1.0, 2.0),))'


@pytest.mark.parametrize('fov', [0, 180, 360, -90, math.nan])
def test_impossible_fields_of_view_are_refused(fov):
    with pytest.raises(ValueError, match=f'fov must be between 0 and 180 degrees, got {fov}'):
        Cameras(fov=fov)


@pytest.mark.parametrize('name', ['res', 'subsample'])
@pytest.mark.parametrize('value', [0, -1, 2.0])
def test_res_and_subsample_are_whole_numbers_above_0(name, value):
    with pytest.raises(ValueError, match=f'{name} must be an integer of at least 1, got {value}'):
        Cameras(**{name: value})


@pytest.mark.parametrize('max_depth', [0, -1, 1e39, math.inf, math.nan])
def test_max_depth_is_positive_and_finite_as_a_float32(max_depth):
    with pytest.raises(ValueError, match=re.escape(f'max_depth must be above 0 m and up to 1e+38 m, got {max_depth}')):
        Cameras(max_depth=max_depth)


def test_at_the_largest_max_depth_nothing_is_far_and_what_is_there_is_near(scenery):
    core = Core(scenery, num_envs=1)
    furthest = Cameras(max_depth=1e38)
    assert (rendering.render(core, furthest).depth == 1).all()
    core.agents.positions[:], core.agents.angles[:] = 499, 45  # outside, and facing away
    assert (rendering.render(core, furthest).depth == 0).all()


@pytest.mark.parametrize(
    'mounts', [[], 3, 'abc', [(0, 0)], [(0, 0, 0), (0, math.nan, 0)], [(0, 0, math.inf)], [(0, 0, 10**400)]]
)
def test_mounts_are_three_finite_numbers_each(mounts):
    with pytest.raises(ValueError, match=r'mounts must be at least one finite \(x, y, angle\), got '):
        Cameras(mounts=mounts)
