import math

import pytest
import torch
from worlds import box, core_at, one

from megastep.env.motion import ACTIONS, MomentumMovement, SimpleMovement
from megastep.world import physics

HALL = box(1, 1, 21, 21)
STAY, FORWARD, BACKWARD, LEFT, RIGHT, TURN_LEFT, TURN_RIGHT = range(7)
FACING_NORTH = {
    STAY: (0, 0, 0),
    FORWARD: (0, 2, 0),
    BACKWARD: (0, -2, 0),
    LEFT: (-2, 0, 0),
    RIGHT: (2, 0, 0),
    TURN_LEFT: (0, 0, 180),
    TURN_RIGHT: (0, 0, -180),
}


def moves(core):
    """The first agent's velocity and angular velocity."""
    return [*core.agents.velocities[0, 0].tolist(), core.agents.angular_velocities[0, 0].item()]


def walked(core, movement, action, seconds):
    """Takes one action again and again, and moves; says how fast the agent ends up."""
    for _ in range(round(seconds * core.fps)):
        movement.step(torch.tensor([action]))
        physics.advance(core)
    return moves(core)


@pytest.mark.parametrize('action, expected', FACING_NORTH.items(), ids=ACTIONS)
def test_simple_movement_of_an_agent_that_faces_north(action, expected):
    core = one(HALL, 10, 10, 90)
    SimpleMovement(core).step(torch.tensor([action]))
    assert moves(core) == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize('action, expected', FACING_NORTH.items(), ids=ACTIONS)
def test_momentum_pushes_the_way_simple_movement_moves(action, expected):
    core = one(HALL, 10, 10, 90)
    MomentumMovement(core, acceleration=2, angular_acceleration=180, decay=0).step(torch.tensor([action]))
    assert moves(core) == pytest.approx([value / core.fps for value in expected], abs=1e-5)


@pytest.mark.parametrize('angle', [0, 37, 135, -160])
def test_forward_is_the_way_the_agent_faces(angle):
    core = one(HALL, 10, 10, angle)
    SimpleMovement(core, speed=3).step(torch.tensor([FORWARD]))
    radians = math.radians(angle)
    assert moves(core) == pytest.approx([3 * math.cos(radians), 3 * math.sin(radians), 0], abs=1e-5)


@pytest.mark.parametrize('fps', [1, 4, 10, 60])
def test_simple_movement_goes_as_far_in_a_second_at_any_fps(fps):
    core = one(HALL, 10, 10, 0, fps=fps)
    walked(core, SimpleMovement(core, speed=2), FORWARD, seconds=1)
    assert core.agents.positions[0, 0].tolist() == pytest.approx([12, 10], abs=1e-4)
    walked(core, SimpleMovement(core, turn_speed=50), TURN_LEFT, seconds=1)
    assert core.agents.angles.item() == pytest.approx(50, abs=1e-3)


@pytest.mark.parametrize('fps', [2, 10, 60])
def test_momentum_gathers_as_much_speed_at_any_fps(fps):
    core = one(HALL, 10, 10, 0, fps=fps)
    movement = MomentumMovement(core, acceleration=5, angular_acceleration=90, decay=2)
    assert walked(core, movement, FORWARD, seconds=0.5)[0] == pytest.approx(5 / 2 * (1 - math.exp(-1)), rel=1e-5)
    core.agents.velocities.zero_()
    assert walked(core, movement, TURN_RIGHT, seconds=0.5)[2] == pytest.approx(-45 * (1 - math.exp(-1)), rel=1e-5)


@pytest.mark.parametrize('fps', [2, 10, 60])
def test_momentum_tends_to_the_same_speed_at_any_fps(fps):
    core = one(HALL, 2, 10, 0, fps=fps)
    speeds = walked(core, MomentumMovement(core, acceleration=3, decay=2), FORWARD, seconds=8)
    assert speeds == pytest.approx([1.5, 0, 0], abs=1e-4)


@pytest.mark.parametrize('fps', [2, 10, 60])
def test_momentum_dies_away_as_quickly_at_any_fps(fps):
    core = one(HALL, 10, 10, 0, fps=fps)
    core.agents.velocities[0, 0] = torch.tensor([3.0, -1.0])
    core.agents.angular_velocities[0, 0] = 100
    left = math.exp(-2.5)
    assert walked(core, MomentumMovement(core, decay=2.5), STAY, seconds=1) == pytest.approx(
        [3 * left, -left, 100 * left], rel=1e-5
    )


def test_without_decay_nothing_slows_down():
    core = one(HALL, 5, 10, 0)
    movement = MomentumMovement(core, acceleration=2, decay=0)
    walked(core, movement, FORWARD, seconds=1)
    assert walked(core, movement, STAY, seconds=1) == pytest.approx([2, 0, 0], rel=1e-5)


@pytest.mark.parametrize('movement', [SimpleMovement, MomentumMovement])
def test_no_action_means_stay(movement):
    """An env makes -1 of every number that stands for no action: see `test_actions`."""
    core = one(HALL, 10, 10, 0)
    movement(core).step(torch.tensor([-1]))
    assert moves(core) == [0, 0, 0]


@pytest.mark.parametrize('dtype', [torch.uint8, torch.int8, torch.int32, torch.int64])
def test_any_integer_dtype_will_do(dtype):
    core = one(HALL, 10, 10, 0)
    SimpleMovement(core).step(torch.tensor([FORWARD], dtype=dtype))
    assert moves(core) == pytest.approx([2, 0, 0])


@pytest.mark.parametrize('movement', [SimpleMovement, MomentumMovement])
@pytest.mark.parametrize('shape', [(6,), (2, 3)])
def test_each_agent_takes_its_own_action(movement, shape):
    core = core_at(
        [box(1, 1, 21, 21, spawns=[(5, 5), (10, 10), (15, 15)])],
        positions=[[(5, 5), (10, 10), (15, 15)]] * 2,
        angles=[[0, 0, 0]] * 2,
    )
    part = movement(core)
    part.step(torch.tensor([FORWARD, LEFT, TURN_LEFT, STAY, RIGHT, BACKWARD]).reshape(shape))
    signs = torch.cat([core.agents.velocities, core.agents.angular_velocities[..., None]], dim=-1).sign()
    assert signs.reshape(6, 3).tolist() == [[1, 0, 0], [0, 1, 0], [0, 0, 1], [0, 0, 0], [0, -1, 0], [-1, 0, 0]]
    assert part.space.n == 7


@pytest.mark.parametrize('speed', [-1, math.inf, math.nan])
def test_rejects_impossible_speeds(speed):
    core = one(HALL, 10, 10, 0)
    for name in ('speed', 'turn_speed'):
        with pytest.raises(ValueError, match=f'{name} must be at least 0 and finite, got {speed}'):
            SimpleMovement(core, **{name: speed})
    for name in ('acceleration', 'angular_acceleration', 'decay'):
        with pytest.raises(ValueError, match=f'{name} must be at least 0 and finite, got {speed}'):
            MomentumMovement(core, **{name: speed})
