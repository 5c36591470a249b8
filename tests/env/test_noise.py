"""Noise is as strong as it says, the same until the next step, and as the generator draws it."""

import math
from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from gymnasium.spaces import Box, Dict, Discrete, MultiBinary, MultiDiscrete, Tuple
from worlds import box, core_at

from megastep.env.noise import (
    NOISES,
    ActionLag,
    ActionNoise,
    Noises,
    ObservationNoise,
    OdometryDrift,
    depth_noise,
    pixel_dropout,
    rgb_noise,
)

PICTURES = {'rgb': Box(0, 1, (2, 3, 50)), 'depth': Box(0, 1, (2, 50)), 'imu': Box(-np.inf, np.inf, (3,))}
ROOM = box(1, 1, 9, 9, spawns=[(2, 2), (5, 5), (8, 8)])


def stub(observations=None, actions=None, num_envs=40, num_agents=2, fps=10, name=None, device='cpu'):
    """As much of an env as noise needs."""
    places = [[(2, 2), (8, 8)][:num_agents]] * num_envs
    core = core_at([ROOM], places, [[0] * num_agents] * num_envs, fps=fps, device=device)
    space = Dict(PICTURES) if observations is None else observations
    return SimpleNamespace(
        core=core,
        single_observation_space=space,
        single_action_space=Discrete(7) if actions is None else actions,
        observation_name=name,
    )


def seen(env, value=0.5):
    """Observations of one value."""
    rows = env.core.num_envs * env.core.num_agents
    fill = lambda space: torch.full((rows, *space.shape), value, device=env.core.device)  # noqa: E731
    space = env.single_observation_space
    return {name: fill(part) for name, part in space.items()} if isinstance(space, Dict) else fill(space)


def nobody(env):
    return torch.zeros(env.core.num_envs, dtype=torch.bool, device=env.core.device)


def observed(noise, env, value=0.5):
    noise.step(nobody(env))
    return noise.observe(seen(env, value))


def test_depth_is_off_by_a_share_of_the_distance(device):
    env = stub(device=device)
    for depth in (0.5, 0.9):
        found = observed(depth_noise(env, 0.1), env, depth)
        distances = 1 - found['depth']
        assert distances.mean().item() == pytest.approx(1 - depth, rel=0.01)
        assert distances.std().item() == pytest.approx(0.1 * (1 - depth), rel=0.05)
        assert (found['rgb'] == depth).all() and (found['imu'] == depth).all()


def test_colours_are_off_by_their_own_numbers(device):
    env = stub(device=device)
    found = observed(rgb_noise(env, 0.05), env)['rgb']
    assert found.mean().item() == pytest.approx(0.5, abs=2e-3)
    assert found.std().item() == pytest.approx(0.05, rel=0.05)
    assert len(found.unique()) > 0.9 * found.numel()


@pytest.mark.parametrize('value', [0.0, 1.0])
def test_pictures_stay_within_their_bounds(value):
    env = stub()
    for noise in (depth_noise(env, 3.0), rgb_noise(env, 3.0)):
        found = observed(noise, env, value)
        assert all(((found[name] >= 0) & (found[name] <= 1)).all() for name in ('rgb', 'depth'))


def test_pixels_drop_out_of_colours_and_depth_together(device):
    env = stub(device=device)
    found = observed(pixel_dropout(env, 0.2), env)
    dropped = found['depth'] == 0
    assert dropped.float().mean().item() == pytest.approx(0.2, abs=0.02)
    assert (found['depth'][~dropped] == 0.5).all()
    assert torch.equal(found['rgb'] == 0, dropped[:, :, None].expand_as(found['rgb']))


@pytest.mark.parametrize('amount, kept', [(0.0, 1.0), (1.0, 0.0)])
def test_no_pixels_or_all_may_drop_out(amount, kept):
    env = stub()
    assert (observed(pixel_dropout(env, amount), env, 1.0)['depth'] == kept).all()


@pytest.mark.parametrize('fps', [5, 20])
def test_odometry_wanders_as_far_in_a_second_at_any_fps(fps, device):
    env = stub(num_envs=2000, fps=fps, device=device)
    drift = OdometryDrift(env, 0.1)
    for _ in range(4 * fps):
        drift.step(nobody(env))
    found = drift.observe(seen(env))['imu'] - 0.5
    expected = 2 * 0.1 * torch.tensor([1, 1, 1 / (2 * math.pi)])
    torch.testing.assert_close(found.std(dim=0).cpu(), expected, rtol=0.05, atol=0)
    assert (found.mean(dim=0).cpu().abs() < 0.1 * expected).all()


def test_odometry_begins_without_a_bias():
    env = stub()
    drift, some = OdometryDrift(env, 0.1), nobody(env)
    some[:3] = True
    drift.step(nobody(env))
    drift.step(some)
    assert not drift.bias[:3].any() and drift.bias[3:].all()
    drift.reset(~some)
    assert not drift.bias.any()


@pytest.mark.parametrize('make', [depth_noise, rgb_noise, pixel_dropout, OdometryDrift])
def test_noise_is_the_same_until_the_next_step_and_then_another(make):
    env = stub()
    noise = make(env, 0.3)
    first, again = observed(noise, env), noise.observe(seen(env))
    other = observed(noise, env)
    assert all(torch.equal(first[name], again[name]) for name in PICTURES)
    assert any(not torch.equal(first[name], other[name]) for name in PICTURES)


@pytest.mark.parametrize('make', [depth_noise, rgb_noise, pixel_dropout])
def test_a_reset_draws_anew_in_its_envs_alone(make):
    env = stub()
    noise, some = make(env, 0.3), nobody(env)
    some[1::2] = True
    before = observed(noise, env)
    noise.reset(some)
    after = noise.observe(seen(env))
    name = 'rgb' if make is rgb_noise else 'depth'
    same = (before[name] == after[name]).flatten(1).all(dim=1).view(-1, 2)
    assert same[~some].all() and not same[some].any()


@pytest.mark.parametrize('name', NOISES)
def test_the_same_seed_draws_the_same_noise(name):
    found = []
    for _ in range(2):
        env = stub(num_envs=3)
        noises = Noises(env, [], {name: 1 if name == 'action_lag' else 0.5})
        for _ in range(3):
            actions = noises.act(torch.zeros(3, 2, dtype=torch.int64))
            noises.step(nobody(env))
        found.append([actions, *noises.observe(seen(env)).values(), *noises.state.values()])
    assert all(torch.equal(one, other) for one, other in zip(*found, strict=True))
    assert all(len(tensor) == 3 for tensor in noises.state.values())


def test_cameras_of_several_kinds_have_noise_of_their_own():
    kinds = Dict(front=Box(0, 1, (1, 8)), rear=Box(0, 1, (2, 4)))
    env = stub(Dict(depth=kinds))
    noises = Noises(env, [], {'depth_noise': 0.1, 'pixel_dropout': 0.5})
    noises.step(nobody(env))
    pictures = {name: torch.full((80, *part.shape), 0.5) for name, part in kinds.items()}
    found = noises.observe({'depth': pictures})['depth']
    assert {name: values.shape for name, values in found.items()} == {'front': (80, 1, 8), 'rear': (80, 2, 4)}
    assert all(
        (values != 0.5).all() and (values == 0).float().mean().item() == pytest.approx(0.5, abs=0.05)
        for values in found.values()
    )
    assert all((values == 0.5).all() for values in pictures.values())  # what was given stays as it was


def test_an_only_observation_goes_by_the_name_its_env_gives_it():
    env = stub(Box(0, 1, (1, 8)), name='depth')
    assert observed(depth_noise(env, 0.1), env).std() > 0.01
    with pytest.raises(ValueError, match='rgb_noise needs observations called rgb, got depth'):
        rgb_noise(env, 0.1)
    with pytest.raises(ValueError, match='depth_noise needs observations called depth, got one without a name'):
        depth_noise(stub(Box(0, 1, (1, 8))), 0.1)


def rounds(env, actions):
    """Actions as they are taken, one step after another."""
    lag, taken = ActionLag(env, 2), []
    for action in actions:
        taken.append(lag.act(action))
        lag.step(nobody(env))
    return lag, taken


def test_actions_come_some_steps_later(device):
    env = stub(num_envs=2, num_agents=1, device=device)
    actions = [torch.tensor([[number], [10 + number]], device=device) for number in range(5)]
    lag, taken = rounds(env, actions)
    assert [action[:, 0].tolist() for action in taken] == [[-1, -1], [-1, -1], [0, 10], [1, 11], [2, 12]]
    lag.step(torch.tensor([True, False], device=device))
    assert lag.act(actions[0])[:, 0].tolist() == [-1, 13]
    lag.reset(torch.tensor([False, True], device=device))
    assert lag.act(actions[0])[:, 0].tolist() == [-1, -1]


@pytest.mark.parametrize(
    'space, nothing',
    [
        (Discrete(3), -1),
        (Discrete(3, start=4), 3),
        (MultiDiscrete([2, 3]), [-1, -1]),
        (MultiBinary(2), [0, 0]),
        (Box(-1, 1, (2,)), [0, 0]),
        (Box(1, 2, (2,)), [1, 1]),
        (Box(-9, -3, (1,), dtype=np.int64), [-3]),
    ],
)
def test_nothing_is_done_until_the_first_action_is_due(space, nothing):
    env = stub(actions=space, num_envs=1, num_agents=1)
    late = ActionLag(env, 1).act(torch.as_tensor(np.array(space.sample()))[None, None])
    assert late[0, 0].tolist() == nothing


def test_nested_actions_come_late_together():
    space = Dict(motion=Box(-1, 1, (2,)), trigger=Tuple([Discrete(2), Discrete(5)]))
    env = stub(actions=space, num_envs=1, num_agents=1)
    actions = {'motion': torch.full((1, 1, 2), 0.5), 'trigger': (torch.ones(1, 1).long(), torch.full((1, 1), 4))}
    _, (first, _, third) = rounds(env, [actions] * 3)
    assert (first['motion'] == 0).all() and [part.item() for part in first['trigger']] == [-1, -1]
    assert (third['motion'] == 0.5).all() and [part.item() for part in third['trigger']] == [1, 4]


def test_continuous_actions_are_off_by_a_share_of_half_their_box():
    env = stub(actions=Box(np.array([-1, 0], np.float32), np.array([1, 10], np.float32)), num_envs=4000)
    found = ActionNoise(env, 0.1).act(torch.tensor([0.0, 5.0]).expand(4000, 2, 2))
    torch.testing.assert_close(found.flatten(0, 1).std(dim=0), torch.tensor([0.1, 0.5]), rtol=0.05, atol=0)
    edge = ActionNoise(env, 0.1).act(torch.tensor([1.0, 0.0]).expand(4000, 2, 2))
    assert (edge[..., 0] <= 1).all() and (edge[..., 1] >= 0).all()


def test_discrete_actions_are_sometimes_any_other():
    env = stub(actions=Discrete(4, start=2), num_envs=4000)
    found = ActionNoise(env, 0.4).act(torch.full((4000, 2), 5))
    shares = torch.bincount(found.flatten(), minlength=6) / 8000
    assert shares.tolist() == pytest.approx([0, 0, 0.1, 0.1, 0.1, 0.7], abs=0.02)


def test_noise_of_ones_own_comes_after_that_by_name():
    env = stub(num_envs=2)
    blind = partial(ObservationNoise, label='blind', changes={'depth': lambda depth, drawn: 0 * depth})
    noises = Noises(env, [blind], {'depth_noise': 0.1, 'rgb_noise': 0})
    noises.begin(~nobody(env))
    assert set(noises.state) == {'depth_noise.drawn', 'noise0.drawn'}
    assert not noises.observe(seen(env))['depth'].any()


@pytest.mark.parametrize(
    'amounts, message',
    [
        ({'depth_noise': -0.1}, 'depth_noise must be at least 0 and finite, got -0.1'),
        ({'rgb_noise': math.nan}, 'rgb_noise must be at least 0 and finite, got nan'),
        ({'odometry_drift': math.inf}, 'odometry_drift must be at least 0 and finite, got inf'),
        ({'pixel_dropout': 1.1}, 'pixel_dropout must be from 0 to 1, got 1.1'),
        ({'action_noise': -1}, 'action_noise must be from 0 to 1, got -1'),
        ({'action_lag': 1.5}, 'action_lag must be an integer of at least 1, got 1.5'),
        ({'action_lag': 10**9}, 'action_lag must be at most 1,000 steps, got 1,000,000,000'),
    ],
)
def test_impossible_amounts_are_refused(amounts, message):
    with pytest.raises(ValueError, match=message):
        Noises(stub(), [], amounts)


def test_a_function_that_makes_no_noise_is_refused():
    with pytest.raises(ValueError, match='noise0 must have one of act, observe, step, got None'):
        Noises(stub(), [lambda env: None], {})


def test_noise_in_nothing_is_refused():
    env = stub(Dict(goal=Box(0, 1, (3,))), actions=Box(-np.inf, np.inf, (2,)))
    for name, sensed in {'depth_noise': 'depth', 'pixel_dropout': 'rgb or depth', 'odometry_drift': 'imu'}.items():
        with pytest.raises(ValueError, match=f'{name} needs observations called {sensed}, got goal'):
            Noises(env, [], {name: 0.1})
    with pytest.raises(ValueError, match='action_noise needs boxes with bounds, got Box'):
        Noises(env, [], {'action_noise': 0.1})
