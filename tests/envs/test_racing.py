"""Racing pays for progress around the track, and the scripted driver's laps are laps."""

import gymnasium
import numpy as np
import pytest
import torch
from floorplans.tracks import ring
from gymnasium.vector import AutoresetMode
from rollouts import FEW_RAYS, copied, equal

from envs import Racing
from envs.pursuit import Pursuit
from megastep import mapgen
from megastep.env.motion import Ackermann, Unicycle
from megastep.testing import check_env

TRACKS = mapgen.generate('track', 4, seed=7)


def racing(maps=TRACKS, num_envs=8, device='cpu', **options):
    """An env that pays 1 for a metre, unless told otherwise."""
    env = Racing(maps, num_envs, device, **{'cameras': FEW_RAYS, 'progress': 1.0, **options})
    env.reset(seed=0)
    return env


def driven(env, driver, steps):
    """The infos and rewards of some steps."""
    found = [env.step(driver()) for _ in range(steps)]
    return [step[4] for step in found], torch.stack([step[1] for step in found])


@pytest.mark.parametrize('lookahead', [0.6, 1.5])
def test_a_lap_by_the_driver_is_one_lap_on_every_track(lookahead):
    """A lap is complete as soon as the agent is where it began, and not before."""
    env = racing(time_limit=1000)
    begin, driver = env.core.agents.positions.clone(), Pursuit(env, lookahead=lookahead)
    furthest = torch.zeros(8)
    for _ in range(600):
        info = env.step(driver())[4]
        distance = (env.core.agents.positions - begin)[:, 0].norm(dim=-1)
        furthest = torch.maximum(furthest, distance)
        near = (distance < 0.4) & (furthest > 5)
        laps = info['laps_per_minute'] * info['episode']['length'] / 600
        assert (abs(laps - laps.round())[near] < 0.03).all()
        assert torch.equal(info['laps'], laps.floor().long())
        assert not info['collisions'].any()
    assert (info['laps'] >= 1).all()


def test_the_driver_is_nearly_as_fast_as_its_car():
    env = racing()
    infos, rewards = driven(env, Pursuit(env), 200)
    assert (rewards.sum(dim=0) / 20 > 0.93 * env.motion.max_speed).all()
    torch.testing.assert_close(rewards.sum(dim=0), infos[-1]['episode']['return'])


def test_pays_a_fifth_for_a_metre_unless_told_otherwise():
    metres, fifths = (racing(**options) for options in ({}, {'progress': 0.2}))
    usual = Racing(TRACKS, 8, 'cpu', cameras=FEW_RAYS)
    usual.reset(seed=0)
    paid = [driven(env, Pursuit(env), 20)[1] for env in (metres, fifths, usual)]
    torch.testing.assert_close(paid[1], paid[0] / 5)
    assert torch.equal(paid[2], paid[1])


def test_refuses_a_reward_that_is_not_finite():
    with pytest.raises(ValueError, match='progress must be finite, got inf'):
        racing(progress=float('inf'))


def test_who_drives_the_other_way_is_paid_less_than_nothing():
    env = racing()
    env.core.agents.angles.add_(180)
    agents, lines = env.core.agents, env.laps

    def backwards():
        """Follows the centre line behind."""
        offsets = lines.ahead(-0.8) - agents.positions
        bearings = torch.atan2(offsets[..., 1], offsets[..., 0]).rad2deg() - agents.angles
        return torch.stack([torch.full_like(bearings, 2.0), 2 * ((bearings + 180) % 360 - 180)], dim=-1).flatten(0, 1)

    infos, rewards = driven(env, backwards, 300)
    assert (rewards.sum(dim=0) < -45).all()
    assert not any(info['laps'].any() for info in infos)
    assert (infos[-1]['laps_per_minute'] < 0).all()


def test_to_and_fro_over_the_line_pays_nothing():
    env = racing(motion=lambda core: Ackermann(core, reverse_speed=3, acceleration=torch.inf))
    env.laps.at.zero_()  # the line begins here
    env.core.agents.positions.copy_(env.laps.ahead(0.0))
    along = env.laps.ahead(0.2) - env.laps.ahead(-0.2)
    env.core.agents.angles.copy_(torch.atan2(along[..., 1], along[..., 0]).rad2deg())
    total = torch.zeros(8)
    for number in range(40):
        actions = torch.tensor([[3.0 if number % 2 else -3.0, 0.0]]).expand(8, 2)
        total += env.step(actions)[1]
    assert total.abs().max() < 1e-3


def test_a_wall_costs_speed_and_is_counted():
    env = racing()
    infos, rewards = driven(env, lambda: torch.tensor([[3.0, 0.0]]).expand(8, 2), 100)
    assert (infos[-1]['collisions'] > 0).all()
    assert (rewards.sum(dim=0) < 25).all()


@pytest.mark.parametrize('mode', AutoresetMode)
def test_keeps_what_vector_envs_promise(mode, device):
    check_env(Racing(TRACKS, 6, device, cameras=FEW_RAYS, time_limit=0.6, autoreset_mode=mode))


def test_tracks_are_built_in_and_gymnasium_knows_it():
    env = gymnasium.make_vec('envs:megastep/Racing-v0', num_envs=16, device='cpu')
    assert env.core.scenery.num_maps == 8
    np.testing.assert_array_equal(env.single_action_space.high, [3, 30])
    env.reset(seed=0)
    info = env.step(env.action_space.sample())[4]
    assert set(info) == {'episode', '_episode', 'laps', 'laps_per_minute', 'collisions'}


def test_other_motions_drive_too():
    env = racing([ring()], motion='unicycle')
    _, rewards = driven(env, lambda: torch.tensor([[2.0, 12.7]]).expand(8, 2), 300)
    assert (rewards.sum(dim=0) > 50).all()


def test_a_driver_needs_a_car_and_something_to_look_at():
    with pytest.raises(ValueError, match='motion must be Ackermann for a Pursuit, got Unicycle'):
        Pursuit(racing(motion=Unicycle))
    with pytest.raises(ValueError, match='lookahead must be above 0, got 0'):
        Pursuit(racing(), lookahead=0)


@pytest.mark.gpu
@pytest.mark.parametrize('motion', ['holonomic', 'differential', 'unicycle', 'ackermann'])
def test_a_cuda_graph_replays_what_the_steps_do(motion):
    options = {'cameras': FEW_RAYS, 'time_limit': 2, 'motion': motion, 'depth_noise': 0.1, 'action_lag': 2}
    found = []
    for graph in (True, False):
        env = Racing(TRACKS, 64, 'cuda', cuda_graph=graph, **options)
        space, rng = env.single_action_space, np.random.default_rng(0)
        actions = [rng.uniform(space.low, space.high, (64, *space.shape)).astype(np.float32) for _ in range(50)]
        found.append([copied(env.reset(seed=3)), *(copied(env.step(action)) for action in actions)])
    assert all(equal(one, other) for one, other in zip(*found, strict=True))
