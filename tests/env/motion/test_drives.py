"""Motion by commands: paths in closed form, the same at any fps; limits; and what contact leaves."""

import math
from functools import partial

import numpy as np
import pytest
import torch
from worlds import box, core_at, one

from megastep.env import motion
from megastep.env.motion import Ackermann, DifferentialDrive, HolonomicVelocity, SimpleMovement, Unicycle
from megastep.world import physics

HALL = box(1, 1, 41, 41, spawns=[(20, 20), (10, 10), (30, 30), (10, 30)])
FPS = [5, 10, 20, 50]
INFINITE = math.inf


def hall(angle=0.0, device='cpu', fps=10):
    return one(HALL, 20, 20, angle, device=device, fps=fps)


def driven(core, part, commands, seconds):
    """Holds one agent's commands for some time."""
    actions = torch.tensor(np.array([commands]), dtype=torch.float32, device=core.device)
    for _ in range(round(seconds * core.fps)):
        part.step(actions)
        physics.advance(core)
    return pose(core)


def pose(core):
    """Where the first agent is from the middle of the hall, in metres, and which way it faces, in degrees."""
    x, y = (core.agents.positions[0, 0] - 20).tolist()
    return x, y, core.agents.angles[0, 0].item()


def assert_at(found, expected, metres=1e-4):
    """Agents keep their angles in float32, which rounds them by a hundred-thousandth of a degree in every step."""
    assert found[:2] == pytest.approx(expected[:2], abs=metres)
    assert (found[2] - expected[2] + 180) % 360 - 180 == pytest.approx(0, abs=3e-3)


def arc(velocity, turn_rate, seconds, angle=0.0):
    """Where a constant velocity in the frame of a body that turns leads: its integral."""
    omega = math.radians(turn_rate)
    turn = (np.exp(1j * omega * seconds) - 1) / (1j * omega) if omega else seconds
    end = velocity * turn * np.exp(1j * math.radians(angle))
    return end.real, end.imag, (angle + turn_rate * seconds + 180) % 360 - 180


def integrated(profile, seconds, per_second=20_000):
    """Where a speed and a turn rate in radians per second that change with time lead, by small steps in float64."""
    times = (np.arange(round(seconds * per_second)) + 0.5) / per_second
    speeds, rates = profile(times)
    headings = np.cumsum(rates) / per_second
    place = (speeds * np.exp(1j * (headings - rates / per_second / 2))).sum() / per_second
    return place.real, place.imag, (math.degrees(headings[-1]) + 180) % 360 - 180


def ramps(values, limit, each):
    """What follows commands that change after so many seconds, at a limited rate."""

    def at(times):
        knots, reached, since, now = [], [], 0.0, 0.0
        for value in values:
            until = since + abs(value - now) / limit
            knots, reached = [*knots, since], [*reached, now]
            if until < since + each:
                knots, reached, now = [*knots, until], [*reached, value], value
            else:
                now += math.copysign(limit * each, value - now)
            since += each
        return np.interp(times, [*knots, since], [*reached, now])

    return at


@pytest.mark.parametrize('fps', FPS)
@pytest.mark.parametrize('angle', [0, 130])
@pytest.mark.parametrize('speed, turn_rate', [(2, 0), (1.5, 90), (-1, 180), (2, -37), (0, 45), (1, 1e-4)])
def test_a_unicycle_ends_where_its_arc_ends(speed, turn_rate, angle, fps, device):
    core = hall(angle, device, fps)
    found = driven(core, Unicycle(core), (speed, turn_rate), seconds=2)
    assert_at(found, arc(speed, turn_rate, 2, angle))


@pytest.mark.parametrize('fps', FPS)
@pytest.mark.parametrize('velocity, turn_rate', [(1 + 1j, 0), (1j, 60), (-1 + 0.5j, -150), (0, 90)])
def test_a_holonomic_velocity_turns_with_the_agent(velocity, turn_rate, fps, device):
    core = hall(25, device, fps)
    command = (velocity.real, velocity.imag, turn_rate)
    found = driven(core, HolonomicVelocity(core), command, seconds=1)
    assert_at(found, arc(velocity, turn_rate, 1, 25))


@pytest.mark.parametrize('command', [(2, 2, 0), (-3, 4, 0), (2, 0, 0), (0, 0, 0)])
def test_a_velocity_is_no_longer_than_the_speed_in_any_direction(command):
    core = hall()
    HolonomicVelocity(core, speed=2).step(torch.tensor([command], dtype=torch.float32))
    clipped = np.clip(command[:2], -2, 2)
    expected = clipped / max(np.hypot(*clipped) / 2, 1)
    assert core.agents.velocities[0, 0].tolist() == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize('fps', FPS)
def test_wheels_without_inertia_drive_an_arc_at_once(fps, device):
    core = hall(0, device, fps)
    part = DifferentialDrive(core, acceleration=INFINITE, wheel_base=0.5)
    found = driven(core, part, (0.5, 1.0), seconds=1)
    assert_at(found, arc(0.75, math.degrees(1.0), 1))
    assert part.speeds.flatten().tolist() == [0.5, 1.0]


@pytest.mark.parametrize('fps', FPS)
def test_a_car_without_inertia_drives_a_circle_of_its_wheelbase_over_the_tangent(fps, device):
    core = hall(0, device, fps)
    part = Ackermann(core, acceleration=INFINITE, steering_speed=INFINITE, wheelbase=0.3)
    radius = 0.3 / math.tan(math.radians(20))
    around = 2 * math.pi * radius / 1.5  # seconds
    found = driven(core, part, (1.5, 20), seconds=around)
    done = round(around * fps) / fps
    assert_at(found, arc(1.5, 360 / around, done))
    assert found[:2] == pytest.approx((0, 0), abs=1.5 / fps)


@pytest.mark.parametrize('fps', FPS)
def test_wheels_gather_speed_at_their_acceleration(fps):
    core = hall(0, 'cpu', fps)
    part = DifferentialDrive(core, speed=2, acceleration=4)
    assert driven(core, part, (2, 2), seconds=0.4)[0] == pytest.approx(4 * 0.4**2 / 2, abs=1e-5)
    assert part.speeds.flatten().tolist() == pytest.approx([1.6, 1.6])
    assert driven(core, part, (2, 2), seconds=1)[0] == pytest.approx(2**2 / 4 / 2 + 2 * 0.9, abs=1e-4)
    assert part.speeds.flatten().tolist() == [2, 2]


@pytest.mark.parametrize('fps', FPS)
@pytest.mark.parametrize('seed', range(3))
def test_wheels_that_follow_commands_leave_one_path_at_any_fps(seed, fps, device):
    """Commands change every fifth of a second, and each wheel has reached its speed at a time of its own."""
    core, rng = hall(0, device, fps), np.random.default_rng(seed)
    part, commands = DifferentialDrive(core, speed=1.5, acceleration=5, wheel_base=0.3), rng.uniform(-1.5, 1.5, (8, 2))
    for command in commands:
        found = driven(core, part, command, seconds=0.2)
    left, right = (ramps(wheel, 5, 0.2) for wheel in commands.T)
    expected = integrated(lambda t: ((left(t) + right(t)) / 2, (right(t) - left(t)) / 0.3), 1.6)
    assert_at(found, expected)


@pytest.mark.parametrize('fps', FPS)
@pytest.mark.parametrize('seed', range(3))
def test_a_car_that_follows_commands_leaves_one_path_at_any_fps(seed, fps, device):
    core, rng = hall(0, device, fps), np.random.default_rng(seed)
    part = Ackermann(core, speed=3, acceleration=5, steering=40, steering_speed=200, wheelbase=0.25)
    commands = rng.uniform((-1, -40), (3, 40), (8, 2))
    for command in commands:
        found = driven(core, part, command, seconds=0.2)
    speed, steering = (ramps(values, limit, 0.2) for values, limit in zip(commands.T, (5, 200), strict=True))
    expected = integrated(lambda t: (speed(t), speed(t) * np.tan(np.radians(steering(t))) / 0.25), 1.6)
    assert_at(found, expected)


@pytest.mark.parametrize(
    'part, commands, expected',
    [
        (Unicycle, (9, -900), (2, 0, -180)),
        (Unicycle, (-INFINITE, INFINITE), (-2, 0, 180)),
        (Unicycle, (math.nan, 90), (0, 0, 90)),
        (HolonomicVelocity, (0, -9, 0), (0, -2, 0)),
        (HolonomicVelocity, (math.nan, 1, math.nan), (0, 1, 0)),
        (partial(DifferentialDrive, acceleration=INFINITE), (5, INFINITE), (2, 0, 0)),
        (partial(DifferentialDrive, acceleration=INFINITE), (math.nan, math.nan), (0, 0, 0)),
        (partial(Ackermann, acceleration=INFINITE), (99, 0), (3, 0, 0)),
        (partial(Ackermann, acceleration=INFINITE), (-99, 0), (-1, 0, 0)),
        (partial(Ackermann, acceleration=INFINITE), (math.nan, math.nan), (0, 0, 0)),
    ],
)
def test_commands_are_clipped_and_nan_is_nothing(part, commands, expected):
    core = one(HALL, 20, 20, 0, fps=1e6)  # so short a step is straight
    made = part(core)
    made.step(torch.tensor([commands], dtype=torch.float32))
    agents = core.agents
    found = [*agents.velocities[0, 0].tolist(), agents.angular_velocities[0, 0].item()]
    assert found == pytest.approx(expected, abs=1e-3)
    assert made.max_speed == made.space.high[0]


@pytest.mark.parametrize('part', [DifferentialDrive, Ackermann])
def test_commands_that_are_no_numbers_spoil_nothing_that_lasts(part):
    core = hall()
    made = part(core)
    driven(core, made, (1, 1), seconds=1)
    driven(core, made, (math.nan, INFINITE), seconds=0.2)
    driven(core, made, (0, 0), seconds=1)
    assert all(math.isfinite(value) for value in pose(core))
    assert core.agents.velocities.abs().max() < 1e-6


def test_a_car_steers_no_further_than_it_can():
    core = hall()
    part = Ackermann(core, steering=30, steering_speed=INFINITE)
    part.step(torch.tensor([[1.0, 80.0]]))
    assert part.states[0, 0, 1] == 30


def test_a_car_that_stands_does_not_turn():
    core = hall()
    assert driven(core, Ackermann(core), (0, 30), seconds=1) == (0, 0, 0)


@pytest.mark.parametrize('part, commands', [(DifferentialDrive, (2, 2)), (Ackermann, (3, 0))])
def test_a_wall_ahead_stops_what_drives_into_it(part, commands):
    core = one(HALL, 40.5, 20, 0)
    made = part(core)
    driven(core, made, commands, seconds=2)
    assert core.agents.velocities[0, 0].tolist() == pytest.approx([0, 0], abs=1e-4)
    values = made.speeds if part is DifferentialDrive else made.states
    made.step(torch.tensor([[0.0, 0.0]]))
    assert values[0, 0].tolist() == pytest.approx([0, 0], abs=1e-4)  # nothing is left to brake
    assert core.agents.velocities[0, 0].tolist() == pytest.approx([0, 0], abs=1e-4)


def test_a_wall_at_45_degrees_takes_half_of_the_speed():
    core = one(HALL, 40.85, 20, 45)
    part = Ackermann(core, speed=2, acceleration=INFINITE)
    driven(core, part, (2, 0), seconds=0.2)
    assert core.agents.velocities[0, 0].tolist() == pytest.approx([0, math.sqrt(2)], abs=1e-3)
    part = Ackermann(core, speed=2, acceleration=1)
    part.states[0, 0, 0], part._drive.driven[0, 0] = 2, torch.tensor([math.sqrt(2), math.sqrt(2)])
    part.step(torch.tensor([[2.0, 0.0]]))
    assert part.states[0, 0, 0] == pytest.approx(1.1, abs=1e-3)  # the half, and a tenth of a second's acceleration


def test_contact_takes_the_wheels_common_speed_and_leaves_their_difference():
    core = hall()
    part = DifferentialDrive(core, acceleration=1e-6)
    part.speeds[0, 0], part._drive.driven[0, 0] = torch.tensor([0.5, 1.5]), torch.tensor([1.0, 0.0])
    core.agents.velocities.zero_()
    part.step(torch.tensor([[0.5, 1.5]]))
    assert part.speeds[0, 0].tolist() == pytest.approx([-0.5, 0.5], abs=1e-5)


@pytest.mark.parametrize('part', [DifferentialDrive, Ackermann])
@pytest.mark.parametrize(
    'mask, kept', [([True, False], [[0, 0], [1, 1]]), ([[False, True], [True, False]], [[1, 0], [0, 1]])]
)
def test_a_reset_stops_the_agents_in_its_mask(part, mask, kept):
    core = core_at([HALL], [[(10, 10), (30, 30)]] * 2, [[0, 0]] * 2)
    made = part(core)
    made.step(torch.ones(2, 2, 2))
    made.reset(torch.tensor(mask))
    values = made.speeds if part is DifferentialDrive else made.states
    assert (values.abs().sum(-1) > 0).int().tolist() == kept
    assert (made._drive.driven.abs().sum(-1) > 0).int().tolist() == kept


@pytest.mark.parametrize('part', [HolonomicVelocity, Unicycle, DifferentialDrive, Ackermann])
def test_each_agent_follows_its_own_command_in_either_shape(part, device):
    cores = [core_at([HALL], [[(10, 10), (30, 30)]] * 2, [[0, 90]] * 2, device=device) for _ in range(2)]
    made = [part(core) for core in cores]
    low, high = made[0].space.low, made[0].space.high
    commands = torch.from_numpy(np.random.default_rng(0).uniform(low, high, (2, 2, len(low))).astype(np.float32))
    made[0].step(commands.to(device))
    made[1].step(commands.flatten(0, 1).to(device))
    assert torch.equal(cores[0].agents.velocities, cores[1].agents.velocities)
    assert len(cores[0].agents.velocities.flatten(0, 1).unique(dim=0)) == 4


@pytest.mark.parametrize('name', motion.MOTIONS)
def test_every_motion_goes_by_its_name(name):
    core = hall()
    made = motion.make_motion(name, core)
    assert type(made) is motion.MOTIONS[name]
    assert made.max_speed == {'ackermann': 3}.get(name, 2)


def test_a_motion_may_be_a_function_of_the_core():
    core = hall()
    assert motion.make_motion(partial(Unicycle, speed=0.5), core).max_speed == 0.5
    assert isinstance(motion.make_motion(SimpleMovement, core), SimpleMovement)


@pytest.mark.parametrize(
    'asked, message',
    [
        ('tank', "motion must be one of 'simple', 'momentum', .*'ackermann', got 'tank'"),
        (7, 'motion must be a name or a function of the core, got int'),
        (lambda core: 7, 'motion must make a part with a space and a step, got int'),
    ],
)
def test_what_is_no_motion_is_refused(asked, message):
    with pytest.raises(ValueError, match=message):
        motion.make_motion(asked, hall())


@pytest.mark.parametrize(
    'part, options, message',
    [
        (HolonomicVelocity, {'speed': -1}, 'speed must be at least 0 and finite, got -1'),
        (Unicycle, {'turn_speed': math.nan}, 'turn_speed must be at least 0 and finite, got nan'),
        (Unicycle, {'speed': INFINITE}, 'speed must be at least 0 and finite, got inf'),
        (DifferentialDrive, {'speed': -2}, 'speed must be at least 0 and finite, got -2'),
        (DifferentialDrive, {'acceleration': 0}, 'acceleration must be above 0, got 0'),
        (DifferentialDrive, {'wheel_base': 0}, 'wheel_base must be above 0, got 0'),
        (DifferentialDrive, {'wheel_base': INFINITE}, 'wheel_base must be at least 0 and finite, got inf'),
        (Ackermann, {'reverse_speed': -1}, 'reverse_speed must be at least 0 and finite, got -1'),
        (Ackermann, {'acceleration': math.nan}, 'acceleration must be above 0, got nan'),
        (Ackermann, {'steering': 90}, 'steering must be below 90 degrees, got 90'),
        (Ackermann, {'steering_speed': 0}, 'steering_speed must be above 0, got 0'),
        (Ackermann, {'wheelbase': 0}, 'wheelbase must be above 0, got 0'),
    ],
)
def test_impossible_limits_are_refused(part, options, message):
    with pytest.raises(ValueError, match=message):
        part(hall(), **options)
