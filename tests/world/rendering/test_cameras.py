"""Agents may carry cameras of several kinds, and everything that looks at a view follows."""

import numpy as np
import pytest
import torch
from gymnasium.spaces import Box, Dict
from rollouts import actions_of, make
from worlds import houses, scattered

from envs import Explorer, Minimal
from megastep import Cameras, plotting
from megastep.env.sensors import RGB, Depth
from megastep.world import rendering
from megastep.world.cameras import by_name, num_pixels, num_rays
from megastep.world.seen_texels import SeenTexels
from megastep.world.snapshot import take_snapshot

FRONT, REAR = Cameras(res=12, fov=100), Cameras(res=5, subsample=1, mounts=((0, 0, 180), (0.05, 0, 90)))
EYES = {'front': FRONT, 'rear': REAR}
RING = Cameras(res=9, subsample=2, fov=120, mounts=[(0, 0, 0), (0, 0, 120), (0, 0, 240)])


@pytest.fixture(scope='module')
def core(device):
    return scattered(houses(3), num_envs=6, num_agents=2, device=device)


def test_each_kind_sees_what_it_sees_alone(core):
    views = rendering.render(core, EYES, per_ray=True)
    assert set(views) == {'front', 'rear'}
    for name, cameras in EYES.items():
        alone = rendering.render(core, cameras, per_ray=True)
        for field in ('rgb', 'depth', 'distances', 'lines'):
            assert torch.equal(getattr(views[name], field), getattr(alone, field))
    assert rendering.render(core, EYES)['rear'].lines is None


def test_sensors_have_a_picture_for_each_kind(core):
    views = rendering.render(core, EYES)
    for sensor, channels in ((RGB(core, EYES), (3,)), (Depth(core, EYES), ())):
        assert sensor.space == Dict(
            front=Box(0, 1, (1, *channels, 12), dtype=np.float32), rear=Box(0, 1, (2, *channels, 5), dtype=np.float32)
        )
        rows = sensor.observe(views)
        assert all(sensor.space.contains({name: rows[name][i].cpu().numpy() for name in rows}) for i in range(12))


def test_all_kinds_mark_what_they_see(core):
    """As many texels as if each had marked them after the other, and each counts once."""
    seen, known = SeenTexels.none(core), SeenTexels.none(core)
    rendering.render(core, EYES, seen=seen)
    for cameras in EYES.values():
        before = known.found.clone()
        rendering.render(core, cameras, seen=known)
        assert (known.found > before).any()
    assert torch.equal(seen.bits, known.bits) and torch.equal(seen.found, known.found)


def test_each_kind_may_return_rays_of_its_own(core):
    whole = rendering.render(core, EYES, per_ray=True)
    some = rendering.render(core, EYES, per_ray={'front': slice(3, 8), 'rear': False})
    assert torch.equal(some['front'].lines, whole['front'].lines[..., 3:8])
    assert some['rear'].lines is None


def test_a_ring_sees_all_around(core):
    """What a ring of three cameras marks is what one that turns on the spot does."""
    view = rendering.render(core, RING, per_ray=True)
    angles = core.agents.angles.clone()
    for camera in range(3):
        turned = rendering.render(core, Cameras(res=9, subsample=2, fov=120), per_ray=True)
        assert torch.equal(view.lines[:, :, camera], turned.lines[:, :, 0])
        core.agents.angles.add_(120)
    core.agents.angles.copy_(angles)


def test_a_snapshot_holds_each_kind(core):
    state = take_snapshot(core, EYES, 2)
    for name, cameras in EYES.items():
        alone = take_snapshot(core, cameras, 2)
        for field in ('eyes', 'ray_ends', 'rgb', 'depth'):
            np.testing.assert_array_equal(getattr(state, field)[name], getattr(alone, field))


def test_a_picture_shows_each_camera_by_name(core):
    first, second = (take_snapshot(core, EYES, env, reward=1.0) for env in (0, 5))
    plot = plotting.StatePlot(first)
    texts = {text.get_text() for text in plot.figure.texts}
    assert {f'agent {i}, {name}' for i in (0, 1) for name in ('front', 'rear, camera 0', 'rear, camera 1')} <= texts
    plot.update(second)
    np.testing.assert_array_equal(plot.frame(), plotting.StatePlot(second).frame())
    with pytest.raises(ValueError, match='must show 2 agents, front 1 cameras, 12 pixels; rear 2 cameras, 5 pixels'):
        plot.update(take_snapshot(core, FRONT, 0, reward=1.0))


@pytest.mark.parametrize('cameras', [EYES, RING, {'only': FRONT}])
@pytest.mark.parametrize('task', [Minimal, Explorer])
def test_tasks_follow(task, cameras, device):
    env = make(task, cameras=cameras, device=device)
    observations, _ = env.reset(seed=0)
    for step in range(3):
        observations = env.step(actions_of(env, step))[0]
    depth = observations if task is Minimal else observations['depth']
    rows = depth if isinstance(depth, dict) else {'': depth}
    kinds = by_name(cameras)
    assert {name: tuple(each.shape) for name, each in rows.items()} == {
        name: (5, kind.num_cameras, kind.res) for name, kind in kinds.items()
    }
    assert env.plot_state(env.snapshot(1)).axes


def test_explorer_pays_for_what_any_camera_sees_a_share_of_its_pixels():
    env = make(Explorer, cameras=EYES)
    assert num_pixels(EYES) == 12 + 2 * 5
    assert num_rays(EYES) == 48 + 2 * 5
    env.reset(seed=0)
    before = env._coverage.counts.clone()
    rewards = env.step(actions_of(env, 3))[1]
    torch.testing.assert_close(rewards * 22, (env._coverage.counts - before).float())


@pytest.mark.parametrize(
    'cameras, message',
    [
        ({}, 'cameras must have at least 1 kind, got 0'),
        ({'front': 3}, "cameras must be Cameras by name, got int by 'front'"),
        ({'': FRONT}, "cameras must be Cameras by name, got Cameras by ''"),
        ({0: FRONT}, 'cameras must be Cameras by name, got Cameras by 0'),
        ([FRONT], 'cameras must be Cameras, or Cameras by name, got list'),
    ],
)
def test_rejects_what_is_no_rig(cameras, message):
    with pytest.raises(ValueError, match=message):
        make(Minimal, cameras=cameras)


def test_a_rig_is_copied():
    cameras = dict(EYES)
    env = make(Minimal, cameras=cameras)
    cameras.clear()
    assert env.cameras == EYES
