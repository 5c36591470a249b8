"""The Triton kernels against their Numba twins; interpreted, and on small worlds, where there is no GPU."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import oracle
import pytest
import torch
import worlds
from oracle import array
from twins import on_cpu, twin

from megastep import numba, triton
from megastep.maps.geometry import AGENT_RADIUS
from megastep.maps.ragged import Ragged
from megastep.triton import collisions
from megastep.triton.raycasting import launching
from megastep.world import physics, rendering, scenery
from megastep.world.cameras import Cameras
from megastep.world.core import Core
from megastep.world.scenery import Scenery
from megastep.world.seen_texels import SeenTexels, unpacked


@pytest.fixture
def use(monkeypatch):
    """Makes the public operations use the kernels given, whatever the device."""

    def use(kernels):
        for module in (rendering, physics, scenery):
            monkeypatch.setattr(module, 'implementation', lambda device: kernels)

    return use


def small_core(num_envs, num_agents, device, seed=0, **options):
    maps = [worlds.cluttered(4 + seed), worlds.polygon(5), worlds.box(lights=[(2, 2, 0.3)])]
    options.setdefault('map_ids', torch.arange(num_envs) % 3)
    return worlds.scattered(maps, num_envs, num_agents, device=device, seed=seed, clearance=0.15, **options)


def assert_same_views(core, cameras, use):
    """Holds if both see the same but where a ray grazes something, and if Triton sees what the oracle does."""
    use(triton)
    actual = rendering.render(core, cameras, per_ray=True)
    use(numba)
    expected = rendering.render(twin(core), cameras, per_ray=True)
    slant = 1 / oracle.directions(cameras, 0)[:, 0]
    for env in range(core.num_envs):
        pictures = worlds.brackets(oracle.world(core, env), cameras)
        worlds.assert_env_sees(actual, env, pictures, cameras)
        clear = ~worlds.doubtful(pictures)
        seen, known = array(actual.distances[env]), array(expected.distances[env])
        assert np.isclose(seen, known, rtol=1e-5, atol=1e-3)[clear].all()
        assert np.isclose(seen, known, rtol=1e-5, atol=1e-5 + 1e-6 * slant).mean() > 0.98
        same = array(actual.lines[env]) == array(expected.lines[env])
        assert same.mean() > 0.98 or same.size < 50
        pixels = clear.reshape(*clear.shape[:-1], -1, cameras.subsample).all(-1)
        off = abs(array(actual.depth[env]) - array(expected.depth[env]))
        assert (off[pixels] < 1e-3).all()
        off = abs(array(actual.rgb[env]) - array(expected.rgb[env])).max(2)
        assert (off[pixels] < 4e-3).mean() > 0.98 or pixels.sum() < 50


SIZES = [  # envs, agents, cameras: odd on purpose, and under 32 programs
    (1, 1, Cameras(res=1, fov=90, subsample=1)),
    (3, 2, Cameras(res=5, fov=130, subsample=3)),
    (2, 3, Cameras(res=17, fov=60, subsample=4, mounts=[(0.02, 0.01, 0), (0, 0, 180)])),
    (1, 1, Cameras(res=129, fov=179, subsample=3, max_depth=3)),
    (3, 1, Cameras(res=7, fov=1, subsample=1, mounts=[(0, 0, 90.5), (0, 0, 0), (-0.03, 0, 270)])),
]


def test_poisoned_buffers_are_full_of_nans(device, poisoned):
    assert torch.empty(5, device=device).isnan().all()


@pytest.mark.parametrize('fewest_rays', [0, launching.FEWEST_RAYS], ids=['by interval', 'by ray'])
@pytest.mark.parametrize('num_envs, num_agents, cameras', SIZES)
def test_render(num_envs, num_agents, cameras, fewest_rays, device, poisoned, use, monkeypatch):
    monkeypatch.setattr(launching, 'FEWEST_RAYS', fewest_rays)
    assert_same_views(small_core(num_envs, num_agents, device), cameras, use)


def test_render_without_rays(device, poisoned, use):
    core, cameras = small_core(3, 2, device), Cameras(res=5, subsample=3)
    use(triton)
    pixels, rays = rendering.render(core, cameras), rendering.render(core, cameras, per_ray=True)
    assert pixels.distances is None
    assert torch.equal(pixels.rgb, rays.rgb)
    assert torch.equal(pixels.depth, rays.depth)


@pytest.mark.parametrize('rays', [slice(None, 4), slice(3, 11), slice(14, None), slice(7, 8)])
@pytest.mark.parametrize('way', ['numba', 'by interval', 'by ray'])
def test_render_some_rays(rays, way, device, poisoned, use, monkeypatch):
    monkeypatch.setattr(launching, 'FEWEST_RAYS', 0 if way == 'by interval' else launching.FEWEST_RAYS)
    monkeypatch.setattr(launching, 'BLOCK_RAYS', 8)
    use(numba if way == 'numba' else triton)
    core, cameras = small_core(3, 2, device if way != 'numba' else 'cpu'), Cameras(res=5, subsample=3)
    whole, some = (rendering.render(core, cameras, per_ray=asked) for asked in (True, rays))
    assert some.first_ray == (rays.start or 0)
    for name in ('distances', 'lines', 'locations'):
        expected = getattr(whole, name)[..., rays].nan_to_num(-1)
        assert torch.equal(getattr(some, name).nan_to_num(-1), expected)
    assert torch.equal(some.rgb, whole.rgb) and torch.equal(some.depth, whole.depth)


def test_render_without_colours(device, poisoned, use):
    core, cameras = small_core(3, 2, device), Cameras(res=5, subsample=3)
    for kernels in (triton, numba):
        use(kernels)
        seen = core if kernels is triton else twin(core)
        coloured, bare = rendering.render(seen, cameras, per_ray=True), rendering.render(seen, cameras, rgb=False)
        assert bare.rgb is None
        assert torch.equal(bare.depth, coloured.depth)


def test_render_where_nothing_is_hit(device, poisoned, use):
    use(triton)
    core = worlds.one(worlds.box(), 7, 2.5, 0, device=device)
    view = rendering.render(core, Cameras(res=5, fov=100, subsample=3), per_ray=True)
    assert (view.distances == torch.inf).all()
    assert (view.lines == -1).all()
    assert view.locations.isnan().all()
    assert (view.rgb == 0).all()
    assert (view.depth == 0).all()


def test_render_from_mounts(device, poisoned, use):
    """A camera behind its own agent, one nearer to a thin wall than the near distance, and one that isn't."""
    core = worlds.core_at([worlds.halved_box()], [[(2.7, 2.5), (2, 3.3)]], [[0, -30]], device=device)
    mounts = [(-0.5, 0, 0), (0.25, 0, 0), (0.15, 0, 0)]
    assert_same_views(core, Cameras(res=9, fov=60, subsample=1, mounts=mounts), use)


def aimed_at_corners(cameras, count, device):
    """Agents anywhere in rooms without a door, one of whose rays goes to a corner, which two walls share.

    Returns them, which of their rays that is, and how far away the corner is.
    """
    rooms = [worlds.polygon(sides, centre=(5 + 0.1 * sides, 6.3)) for sides in (3, 4, 13)]
    rng, eyes, targets = np.random.default_rng(0), [], []
    for room in rooms:
        corners = room.walls[:, 0]
        centre, shares = corners.mean(axis=0), rng.dirichlet(np.ones(len(corners)), count)
        eyes.append(centre + 0.8 * (shares @ corners - centre))
        targets.append(corners[rng.integers(len(corners), size=count)])
    ways, rays = np.concatenate(targets) - np.concatenate(eyes), rng.integers(cameras.num_rays, size=3 * count)
    slopes = (cameras.num_rays - 1 - 2 * rays) / cameras.num_rays * np.tan(np.radians(cameras.fov / 2))
    angles = np.degrees(np.arctan2(ways[:, 1], ways[:, 0]) - np.arctan(slopes))
    core = worlds.core_at(rooms, np.concatenate(eyes)[:, None], angles[:, None], device=device)
    return core, rays, np.hypot(*ways.T)


@pytest.mark.parametrize('per_ray', [False, True])
@pytest.mark.parametrize('res', [1, 64])
@pytest.mark.parametrize('fewest_rays', [0, 1 << 60], ids=['by interval', 'by ray'])
def test_no_ray_slips_between_walls_that_share_an_end(fewest_rays, res, per_ray, device, poisoned, use, monkeypatch):
    """However it is rounded on which side of it they pass. A compiler may round otherwise for a wall's other end."""
    monkeypatch.setattr(launching, 'FEWEST_RAYS', fewest_rays)
    cameras = Cameras(res=res, fov=130, subsample=1)
    core, rays, distances = aimed_at_corners(cameras, 100_000 if device.type == 'cuda' else 5, device)
    use(triton)
    view = rendering.render(core, cameras, per_ray=per_ray)
    aimed = lambda values: array(values)[np.arange(len(rays)), 0, 0, rays]  # noqa: E731
    np.testing.assert_allclose(aimed(view.depth), 1 - (distances - core.agent_radius) / 10, atol=1e-4)
    if per_ray:
        np.testing.assert_allclose(aimed(view.distances), distances, rtol=1e-4)


def assert_same_light(maps, device, use):
    packed = Scenery.pack(maps, device=device)
    use(triton)
    actual = array(rendering.bake(packed))
    use(numba)
    expected = array(rendering.bake(on_cpu(packed)))
    assert np.isfinite(actual).all()
    differ = ~np.isclose(actual, expected, atol=1e-5)
    assert differ.mean() < 0.005  # a shadow's edge may fall on a texel's very middle


def test_bake(device, poisoned, use):
    maps = [worlds.box(lights=[(2, 2, 0.3)]), worlds.cluttered(2), worlds.polygon(3), worlds.halved_box()]
    assert_same_light(maps, device, use)


def test_bake_a_light_barely_before_a_wall(device, poisoned, use):
    rooms = [worlds.barely_lit(turn, far)[0] for turn, far in ((17.3, 2), (140, 30), (17.3, 240))]
    assert_same_light(rooms, device, use)


def assert_same_moves(core, steps, response, use, seed=0):
    """Holds if both move agents alike, step by step from the same state.

    Whether a disc that grazes a corner touches it is up to rounding, and all that follows is then different: a few
    are let off.
    """
    rng = np.random.default_rng(seed)
    alike = []
    for _ in range(steps):
        speeds = 10 ** rng.uniform(-1, 2, (*core.contacts.shape, 1))
        turns = rng.uniform(0, 2 * np.pi, core.contacts.shape)
        pushes = speeds * np.stack([np.cos(turns), np.sin(turns)], axis=-1)
        core.agents.velocities.copy_(torch.from_numpy(pushes))
        core.agents.angular_velocities.copy_(torch.from_numpy(rng.normal(0, 90, core.contacts.shape)))
        copy = twin(core)
        core.contacts[:] = 12345
        befores = [each.agents.positions.clone() for each in (core, copy)]
        ways = [torch.full_like(before, torch.nan) for before in befores]
        use(triton)
        progress = physics.advance(core, response=response, displacements=ways[0]).cpu()
        use(numba)
        expected = physics.advance(copy, response=response, displacements=ways[1])
        for each, before, way, kernels in zip((core, copy), befores, ways, (triton, numba), strict=True):
            assert torch.equal(way, kernels.turned(each.agents.positions - before, each.agents.angles, -1))
        same = torch.isclose(progress, expected, atol=1e-4)
        for name, atol in {'positions': 1e-4, 'velocities': 1e-3}.items():
            mine, known = getattr(core.agents, name).cpu(), getattr(copy.agents, name)
            same &= torch.isclose(mine, known, atol=atol, rtol=1e-4).all(-1)
        same &= core.contacts.cpu() == copy.contacts
        alike.append(same.float().mean().item())
        assert progress.isfinite().all()
        turned = (core.agents.angles.cpu() - copy.agents.angles + 180) % 360 - 180
        assert turned.abs().max() < 1e-3
        assert torch.equal(core.turn.cpu(), copy.turn)
    assert np.mean(alike) > 0.98


@pytest.mark.parametrize('response', physics.RESPONSES)
@pytest.mark.parametrize('num_envs, num_agents', [(1, 1), (3, 2), (2, 3)])
def test_advance(num_envs, num_agents, response, device, poisoned, use):
    assert_same_moves(small_core(num_envs, num_agents, device), 3, response, use)


@pytest.mark.parametrize('response', physics.RESPONSES)
@pytest.mark.parametrize('num_envs, num_agents, num_markers', [(3, 1, 1), (2, 2, 5), (1, 3, 33)])
def test_advance_among_solid_markers(num_envs, num_agents, num_markers, response, device, poisoned, use):
    core = small_core(num_envs, num_agents, device, seed=1, num_markers=num_markers, solid=True)
    rng = np.random.default_rng(1)
    offsets = rng.uniform(-3, 3, (num_envs, num_markers, 2))
    core.markers.positions.copy_(core.agents.positions[:, :1] + torch.from_numpy(offsets).to(core.device))
    core.markers.radii.copy_(torch.from_numpy(rng.uniform(0.02, 0.3, (num_envs, num_markers))))
    gaps = (core.agents.positions[:, :, None] - core.markers.positions[:, None]).norm(dim=-1) - core.markers.radii[
        :, None
    ]
    core.markers.visible.copy_((gaps > AGENT_RADIUS + 0.01).all(dim=1))
    assert_same_moves(core, 3, response, use, seed=1)


def test_advance_keeps_discs_out_of_walls(device, use):
    """Crowded into a small room, and pushed hard."""
    geometry = worlds.polygon(7, radius=0.6)
    core = worlds.core_at([geometry], [[(9.7, 10), (10.2, 10)]] * 2, [[0, 0]] * 2, device=device)
    use(triton)
    rng = np.random.default_rng(0)
    for _ in range(4):
        core.agents.velocities.copy_(torch.from_numpy(rng.normal(0, 30, (2, 2, 2))))
        physics.advance(core)
        points = array(core.agents.positions)
        assert oracle.clearances(points.reshape(-1, 2), geometry.walls).min() > AGENT_RADIUS - 1e-5
        assert np.linalg.norm(points[:, 0] - points[:, 1], axis=-1).min() > 2 * AGENT_RADIUS - 1e-5


# Larger, on a GPU


@pytest.mark.gpu
@pytest.mark.parametrize('num_agents, cameras', [(1, Cameras()), (3, Cameras(res=33, subsample=3, fov=70))])
def test_render_many_houses(num_agents, cameras, device, poisoned, use):
    core = worlds.scattered(worlds.houses(16), 64, num_agents, device=device, clearance=0.15)
    assert_same_views(core, cameras, use)


@pytest.mark.gpu
def test_bake_many_houses(device, poisoned, use):
    assert_same_light(worlds.houses(16), device, use)


@pytest.mark.gpu
@pytest.mark.parametrize('response', physics.RESPONSES)
@pytest.mark.parametrize('num_agents', [1, 3])
def test_advance_in_many_houses(num_agents, response, device, poisoned, use):
    core = Core(Scenery.pack(worlds.houses(16), num_agents=num_agents, device=device), num_envs=300)
    assert_same_moves(core, 20, response, use)


@pytest.mark.gpu
@pytest.mark.parametrize(
    'num_envs, cameras',
    [(2**20, Cameras()), (2**31 // (3 * 256) + 8, Cameras(res=256, subsample=1)), (2**31 // 256 + 8, Cameras())],
)
def test_more_values_than_an_int32_can_count(num_envs, cameras, device):
    """The first env and the last see the same, though the last one's pixels or rays lie beyond 2^31 values."""
    core = Core(Scenery.pack([worlds.box(lights=[(2, 2, 0.3)])], device=device), num_envs=num_envs)
    core.agents.positions[-1], core.agents.angles[-1] = core.agents.positions[0], core.agents.angles[0]
    core.agents.velocities[[0, -1]] = 3
    physics.advance(core)
    view = rendering.render(core, cameras, per_ray=True)
    assert torch.equal(core.agents.positions[-1], core.agents.positions[0])
    for name in ('rgb', 'depth', 'distances', 'lines', 'locations'):
        assert torch.equal(getattr(view, name)[-1], getattr(view, name)[0])
    assert view.distances[-1].isfinite().all()
    seen = SeenTexels.none(core)
    rendering.render(core, cameras, seen=seen)
    assert seen.found[-1] == unpacked(seen.bits[-1:]).sum() > 0


@pytest.mark.gpu
def test_a_step_never_waits_for_the_gpu(device):
    core, cameras = small_core(30, 2, device), Cameras(mounts=[(0, 0, 0), (0, 0, 180)])
    rendering.render(core, cameras)  # compiles
    physics.advance(core)
    torch.cuda.synchronize()
    torch.cuda.set_sync_debug_mode('error')
    try:
        physics.advance(core)
        rendering.render(core, cameras)
    finally:
        torch.cuda.set_sync_debug_mode('default')


@pytest.mark.gpu
def test_a_step_can_be_captured(device):
    """What a replayed CUDA graph gives is what the operations give."""
    core, cameras = small_core(30, 2, device), Cameras()
    core.agents.velocities.normal_(generator=torch.Generator(device).manual_seed(0))
    for _ in range(2):  # compiles
        physics.advance(core)
        rendering.render(core, cameras)
    eager = twin(core, core.scenery)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        physics.advance(core)
        view = rendering.render(core, cameras)
    for _ in range(3):
        graph.replay()
        physics.advance(eager)
        expected = rendering.render(eager, cameras)
    torch.testing.assert_close(core.agents.positions, eager.agents.positions)
    torch.testing.assert_close(view.rgb, expected.rgb)


def test_skipping_boxes_of_walls_changes_no_picture(device, use, monkeypatch):
    use(triton)
    core = small_core(5, 2, device)
    cameras, views = Cameras(res=16, subsample=2, fov=100), []
    monkeypatch.setattr(launching, 'MOST_RAYS', 0)
    for skip in (True, False):
        monkeypatch.setattr(launching, 'SKIP', skip)
        views.append(rendering.render(core, cameras, per_ray=True))
    for name in ('distances', 'lines', 'locations', 'rgb', 'depth'):
        torch.testing.assert_close(*(getattr(view, name) for view in views), rtol=0, atol=0, equal_nan=True)


def test_skipping_boxes_of_walls_changes_no_move(device, use):
    """Without cell lists, and with boxes that hold everything, no wall is skipped."""
    use(triton)
    core = small_core(5, 2, device)
    boxes = core.scenery.wall_boxes.boxes
    everything = torch.tensor([-1e9, -1e9, 1e9, 1e9], device=device).expand_as(boxes.vals).contiguous()
    bounds = replace(core.scenery.wall_boxes, boxes=Ragged(everything, boxes.widths))
    scenery = replace(core.scenery, wall_boxes=bounds)
    vars(scenery)['near_walls'] = replace(core.scenery.near_walls, furthest=-1.0)
    all_tried = twin(core, scenery)
    core.agents.velocities.uniform_(-6, 6, generator=core.generator)  # some stay within the lists
    all_tried.agents.velocities.copy_(core.agents.velocities)
    progress = [physics.advance(each) for each in (core, all_tried)]
    assert torch.equal(*progress)
    assert torch.equal(core.agents.positions, all_tried.agents.positions)
    assert torch.equal(core.agents.velocities, all_tried.agents.velocities)


@pytest.mark.parametrize('num_agents', [1, 3])
@pytest.mark.parametrize('lanes', [1, 2])
def test_teams_of_any_width_make_the_same_moves(lanes, num_agents, device, poisoned, use, monkeypatch):
    use(triton)
    core = small_core(5, num_agents, device)
    other = twin(core, core.scenery)
    for speed in (1, 3, 6):
        core.agents.velocities.uniform_(-speed, speed, generator=core.generator)
        other.agents.velocities.copy_(core.agents.velocities)
        made = []
        for each, width in ((core, 4), (other, lanes)):
            monkeypatch.setattr(collisions, 'lanes_for', lambda core, width=width: width)
            made.append(physics.advance(each))
        assert torch.equal(*made) and torch.equal(core.contacts, other.contacts)
        assert torch.equal(core.agents.positions, other.agents.positions)
        assert torch.equal(core.agents.velocities, other.agents.velocities)


@pytest.mark.parametrize(
    'num_envs, num_agents, lanes', [(1, 1, 4), (128, 1, 4), (129, 1, 2), (257, 1, 1), (10**9, 1, 1), (10**9, 2, 4)]
)
def test_teams_have_fewer_lanes_where_there_are_many(num_envs, num_agents, lanes):
    core = SimpleNamespace(num_envs=num_envs, num_agents=num_agents, device=torch.device('cpu'))
    assert collisions.lanes_for(core) == lanes


def test_agents_far_apart_move_as_if_alone(device, use):
    """Two stand side by side, and two out of everybody's reach, who needn't wait for their turn."""
    use(triton)
    places = [(1.2, 1.2), (1.45, 1.2), (3, 1.2), (4.5, 3.5)]
    room = worlds.box(spawns=places)
    together = worlds.core_at([room], [places], [[0] * 4], device=device)
    alone = worlds.core_at([room], np.reshape(places, (4, 1, 2)), [[0]] * 4, device=device)
    pushes = torch.tensor([[1.0, 0.5], [-1.0, 0], [0, -3.0], [3.0, 1.0]], device=device)
    together.agents.velocities[0], alone.agents.velocities[:, 0] = pushes, pushes
    for core in (together, alone):
        physics.advance(core)
    moved, expected = together.agents.positions[0], alone.agents.positions[:, 0]
    assert torch.equal(moved[2:], expected[2:])
    assert (together.contacts[0, :2] >= 0).any()  # those two met
    assert not torch.equal(moved[:2], expected[:2])
