import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from worlds import box, houses, one, scattered

from megastep.env.sensors import IMU, RGB, Depth
from megastep.world import rendering
from megastep.world.cameras import Cameras

CAMERAS = Cameras(res=7, subsample=3, mounts=((0, 0, 90), (0.05, 0, 0)))


def test_each_agent_has_its_row():
    core = scattered(houses(2), num_envs=4, num_agents=3)
    view = rendering.render(core, CAMERAS)
    rgb, depth = RGB(core, CAMERAS).observe(view), Depth(core, CAMERAS).observe(view)
    assert rgb.shape == (12, 2, 3, 7) and depth.shape == (12, 2, 7)
    for env in range(4):
        for agent in range(3):
            assert torch.equal(rgb[3 * env + agent], view.rgb[env, agent])
            assert torch.equal(depth[3 * env + agent], view.depth[env, agent])


def test_colours_that_were_not_rendered_are_refused():
    core = scattered(houses(2), num_envs=1, num_agents=1)
    with pytest.raises(ValueError, match='the view must have colours, but was rendered with rgb=False'):
        RGB(core, CAMERAS).observe(rendering.render(core, CAMERAS, rgb=False))


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 99))
def test_what_is_sensed_lies_in_the_spaces(seed):
    core = scattered(houses(2), num_envs=4, num_agents=2, seed=seed)
    core.agents.velocities.normal_(std=100, generator=core.generator)
    view = rendering.render(core, CAMERAS)
    rgb, depth, imu = RGB(core, CAMERAS), Depth(core, CAMERAS), IMU(core)
    for space, rows in [(rgb.space, rgb.observe(view)), (depth.space, depth.observe(view)), (imu.space, imu.observe())]:
        assert len(rows) == 8
        assert all(space.contains(row.numpy()) for row in rows)


@pytest.mark.parametrize(
    'angle, velocity, expected',
    [
        (0, (2, 0), (2, 0)),
        (0, (0, 2), (0, 2)),
        (90, (0, 2), (2, 0)),
        (90, (2, 0), (0, -2)),
        (180, (1, 3), (-1, -3)),
        (45, (1, 1), (2**0.5, 0)),
    ],
)
def test_the_imu_measures_forward_and_leftward(angle, velocity, expected):
    core = one(box(), 3, 3, angle)
    core.agents.velocities[0, 0] = torch.tensor(velocity)
    assert IMU(core).observe()[0].tolist() == pytest.approx([*expected, 0], abs=1e-6)


def test_the_imu_measures_turns_per_second():
    core = one(box(), 3, 3, 20)
    core.agents.angular_velocities.fill_(-90)
    assert IMU(core).observe()[0].tolist() == [0, 0, -0.25]
