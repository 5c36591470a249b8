"""Every env can be varied by keywords: what is seen, how large agents are, how well they sense and act, how fast."""

import math
from functools import partial
from itertools import cycle

import numpy as np
import pytest
import torch
from gymnasium.spaces import Box, Dict, Discrete
from gymnasium.vector import AutoresetMode
from rollouts import FEW_RAYS, equal, leaves
from worlds import arenas, box, houses

from envs import Deathmatch, Explorer, Foraging, Minimal, PointGoal, Racing, Waypoint
from megastep import mapgen
from megastep.env.cuda_graph.capturing import Watch
from megastep.env.goals import RandomGoals
from megastep.env.motion import MOTIONS, Unicycle
from megastep.env.navigation import GeodesicField
from megastep.env.navigation_metrics import GoalTracker
from megastep.env.noise import ObservationNoise
from megastep.env.variation import make_world
from megastep.maps import geodesics
from megastep.maps.geometry import AGENT_RADIUS
from megastep.testing import check_env
from megastep.world import physics, rendering
from megastep.world.cameras import Cameras

TASKS = [Minimal, Explorer, PointGoal, Waypoint, Deathmatch, Racing, Foraging]
MAPS = {
    Deathmatch: arenas(2),
    Racing: mapgen.generate('track', 2, seed=0),
}
NOISE = {'depth_noise': 0.1, 'pixel_dropout': 0.1, 'action_noise': 0.1, 'action_lag': 2}
SHORT = {Minimal: {'shortest': 2, 'longest': 6}, Explorer: {'patience': 0.2}}


def make(task, device='cpu', num_envs=8, **options):
    options = {'cameras': FEW_RAYS, **options}
    return task(MAPS.get(task, houses(2)), num_envs, device, **options)


def short(task, **options):
    """An env of short episodes."""
    return make(task, **{**SHORT.get(task, {'time_limit': 0.6}), **options})


def stepped(env, steps=1, seed=0):
    """What comes out of some steps of random actions."""
    env.reset(seed=seed)
    env.action_space.seed(seed)
    return [env.step(env.action_space.sample()) for _ in range(steps)]


@pytest.mark.parametrize('task', TASKS)
def test_every_env_takes_what_evaluations_vary(task):
    env = make(task, fov=90, fps=5, depth_noise=0.1, action_lag=2, light=0.5, agent_radius=0.12, colours=9)
    (*_, (observations, *_)) = stepped(env, 4)
    assert (env.cameras.fov, env.core.fps, env.core.agent_radius) == (90, 5, 0.12)
    assert all(values.isfinite().all() for values in leaves(observations))


@pytest.mark.parametrize('task, mode', zip(TASKS, cycle(AutoresetMode)))
def test_noise_keeps_what_vector_envs_promise(task, mode, device):
    check_env(short(task, device=device, autoreset_mode=mode, **NOISE))


@pytest.mark.parametrize('motion', [name for name in MOTIONS if name != 'simple'])
@pytest.mark.parametrize('task', [Minimal, Deathmatch])
def test_motions_keep_what_vector_envs_promise(task, motion, device):
    check_env(short(task, device=device, motion=motion))


@pytest.mark.parametrize('task', TASKS)
def test_every_env_takes_any_motion(task):
    env = make(task, motion=partial(Unicycle, speed=0.5))
    assert isinstance(env.single_action_space, Box) and env.motion.max_speed == 0.5
    begin = env.core.agents.positions.clone()
    stepped(env, 0)
    begin = env.core.agents.positions.clone()
    env.step(torch.tensor([[9.0, 0.0]]).expand(env.num_envs, 2))
    walked = (env.core.agents.positions - begin).norm(dim=-1)
    assert walked.max().item() == pytest.approx(0.05, rel=1e-3)
    with pytest.raises(ValueError, match=r"motion must be one of 'simple', .*, got 'swim'"):
        make(task, motion='swim')


@pytest.mark.parametrize(
    'motion, space',
    [
        ('simple', Discrete(14)),
        (
            'unicycle',
            Dict(motion=Box(-np.array([2, 180], np.float32), np.array([2, 180], np.float32)), trigger=Discrete(2)),
        ),
    ],
)
def test_a_trigger_goes_beside_any_motion(motion, space):
    env = make(Deathmatch, motion=motion, trigger=True, cooldown=0)
    assert env.single_action_space == space
    env.reset(seed=0)
    counts = []
    for shoots in (1, 0, 1):
        triggers = torch.full((8,), shoots)
        actions = triggers * 7 if motion == 'simple' else {'motion': torch.zeros(8, 2), 'trigger': triggers}
        counts.append(env.step(actions)[4]['shots'].unique().tolist())
    assert counts == [[1], [1], [2]]


@pytest.mark.parametrize('task', [Explorer, PointGoal])
def test_noise_of_nothing_is_none(task):
    amounts = dict.fromkeys(('depth_noise', 'rgb_noise', 'pixel_dropout', 'odometry_drift', 'action_lag'), 0)
    plain, noisy = make(task), make(task, **amounts)
    assert all(equal(one, other) for one, other in zip(stepped(plain, 5), stepped(noisy, 5), strict=True))
    assert plain.get_state().keys() == noisy.get_state().keys()


def test_an_action_taken_late_leads_where_it_would_have_led():
    late, prompt = (make(Minimal, action_lag=lag) for lag in (2, 0))
    late.reset(seed=0)
    prompt.reset(seed=0)
    actions = torch.randint(7, (6, 8), generator=torch.Generator().manual_seed(0))
    for number in range(8):
        late.step(actions[min(number, 5)])
        if number >= 2:
            prompt.step(actions[number - 2])
    assert torch.equal(late.core.agents.positions, prompt.core.agents.positions)
    assert torch.equal(late.core.agents.angles, prompt.core.agents.angles)


def test_what_a_task_decides_by_is_without_noise():
    """Noise is in what agents are told; rewards, infos and where agents are stay what they are."""
    plain, noisy = make(PointGoal), make(PointGoal, depth_noise=0.3, rgb_noise=0.3)
    plain.reset(seed=0)
    noisy.reset(seed=0)
    noisy.set_state({**noisy.get_state(), **{name: plain.get_state()[name] for name in plain.get_state()}})
    action = torch.ones(8, dtype=torch.int64)
    (seen, reward, *_, info), (blurred, other, *_, told) = plain.step(action), noisy.step(action)
    assert torch.equal(reward, other) and equal(info, told)
    assert torch.equal(seen['goal'], blurred['goal']) and (seen['depth'] != blurred['depth']).any()


def test_noise_of_ones_own_is_a_function_of_the_env():
    blind = partial(ObservationNoise, label='blind', changes={'rgb': lambda rgb, drawn: 0 * rgb})
    env = make(Explorer, noise=[blind])
    assert not stepped(env, 1)[0][0]['rgb'].any()
    assert not env.reset(seed=0)[0]['rgb'].any()


def test_fov_is_every_cameras():
    rig = {'front': Cameras(res=8), 'rear': Cameras(res=4, fov=60)}
    assert {kind.fov for kind in make(Explorer, cameras=rig, fov=75).cameras.values()} == {75}
    assert {kind.fov for kind in make(Explorer, cameras=rig).cameras.values()} == {130, 60}


def test_colours_change_without_changing_what_happens():
    one, other = make(Explorer), make(Explorer, colours=5)
    (seen, *_), (painted, *_) = (stepped(env)[0] for env in (one, other))
    assert torch.equal(seen['depth'], painted['depth']) and not torch.equal(seen['rgb'], painted['rgb'])
    assert equal(stepped(one)[0], stepped(make(Explorer, colours=0))[0])


def test_a_palette_is_all_the_colours_there_are():
    grey = stepped(make(Explorer, palette='grey'))[0][0]['rgb']
    assert (grey.amax(dim=-2) - grey.amin(dim=-2)).max() < 5e-3
    red = stepped(make(Explorer, palette=[(1.0, 0, 0)]))[0][0]['rgb']
    assert red[..., 0, :].any() and not red[..., 1:, :].any()


def test_half_the_light_is_half_of_what_lamps_give():
    room = box(lights=[(3, 2.5, 0.2)])
    full, half, none = (make_world([room], 1, 'cpu', cameras=FEW_RAYS, light=light).core for light in (1, 0.5, 0))
    lamps = [rendering.bake(core.scenery) - 0.1 for core in (full, half, none)]
    torch.testing.assert_close(lamps[1], lamps[0] / 2)
    assert lamps[0].min() > 0.01 and not lamps[2].abs().max() > 1e-6


@pytest.mark.parametrize('radius', [0.02, 0.08, 0.15])
def test_an_agent_stops_at_its_own_radius_from_a_wall(radius, device):
    core, cameras, _ = make_world([box()], 1, device, cameras=Cameras(res=8), agent_radius=radius)
    core.agents.positions[0, 0] = torch.tensor([3.0, 2.5])
    core.agents.angles.zero_()
    core.agents.velocities[0, 0] = torch.tensor([50.0, 0.0])
    physics.advance(core)
    assert core.agents.positions[0, 0, 0].item() == pytest.approx(5 - radius, abs=2e-4)
    view = rendering.render(core, cameras, per_ray=True)
    assert view.distances[0, 0, 0].min().item() == pytest.approx(radius, rel=0.2, abs=1e-3)
    assert view.depth.max().item() == pytest.approx(1, abs=0.02)


def test_an_agents_outline_is_as_much_smaller():
    usual, small = (
        make_world([box()], 1, 'cpu', cameras=FEW_RAYS, agent_radius=radius).core
        for radius in (AGENT_RADIUS, AGENT_RADIUS / 2)
    )
    torch.testing.assert_close(small.scenery.outline, usual.scenery.outline / 2)


@pytest.mark.parametrize('radius', [0.05, 0.15])
def test_paths_are_those_of_agents_so_large(radius):
    env = make(PointGoal, agent_radius=radius, nearest=2, furthest=30)
    goals = env._goals.current
    for number, (env_map, start, goal) in enumerate(
        zip(env.core.map_ids.tolist(), goals.starts, goals.spawns, strict=True)
    ):
        geometry = houses(2)[env_map]
        lengths = geodesics.distances(geometry.walls, geometry.spawns, radius)
        (begin,) = np.flatnonzero((geometry.spawns.astype(np.float32) == start[0].numpy()).all(axis=1))
        assert goals.lengths[number, 0].item() == pytest.approx(lengths[begin, goal.item()], rel=1e-6)
        assert env._tracker.remaining[number].item() == goals.lengths[number].item()
    stepped(env, 3)


def test_a_field_for_agents_of_another_size_is_refused(tmp_path):
    field = GeodesicField.pack(houses(2), 'cpu', agent_radius=0.05)
    field.save(tmp_path / 'field')
    for found in (field, GeodesicField.load(tmp_path / 'field', houses(2), 'cpu')):
        with pytest.raises(ValueError, match=r'field must be for agents of radius 0.106066 m, got one for 0.05 m'):
            make(PointGoal, geodesic_field=found)
        make(PointGoal, geodesic_field=found, agent_radius=0.05)
    core = make_world(houses(2), 2, 'cpu', cameras=FEW_RAYS, agent_radius=0.05).core
    GoalTracker(core, RandomGoals(core, houses(2)), field)


@pytest.mark.parametrize('fps', [2, 10, 25])
@pytest.mark.parametrize('task', [PointGoal, Deathmatch, Racing])
def test_a_time_limit_is_in_seconds(task, fps):
    env = make(task, fps=fps, time_limit=2)
    truncated = [step[3] for step in stepped(env, 2 * fps)]
    assert truncated[-1].all() and not any(each.any() for each in truncated[:-1])


@pytest.mark.parametrize('fps', [5, 20])
def test_patience_is_in_seconds_and_so_is_what_is_bought(fps):
    env = make(Explorer, fps=fps, patience=1)
    env.reset(seed=0)
    env._coverage.counts.fill_(10)
    ends = [env.step(torch.zeros(8).long())[3].all().item() for _ in range(2 * fps + 1)]
    assert ends.index(True) + 1 == pytest.approx(2 * fps, abs=1 + fps / 10)


def test_any_env_can_be_ended_sooner():
    env = make(Minimal, time_limit=0.3)
    assert stepped(env, 3)[-1][3].all()


@pytest.mark.parametrize('task', TASKS)
@pytest.mark.parametrize(
    'options, message',
    [
        ({'fov': 180}, 'fov must be between 0 and 180 degrees, got 180'),
        ({'light': -1}, 'light must be at least 0 and finite, got -1'),
        ({'agent_radius': 0}, 'agent_radius must be at least 0.01 m and finite, got 0'),
        ({'agent_radius': math.nan}, 'agent_radius must be at least 0.01 m and finite, got nan'),
        ({'agent_radius': 0.4}, r'agent_radius must be at most the clearance of every spawn, 0.\d+ m of spawn \d+ of'),
        ({'palette': 'neon'}, "palette must be one of 'standard', 'grey', got 'neon'"),
        ({'palette': [(1, 2, 0)]}, 'palette must be linear RGB from 0 to 1, got 0 to 2'),
        ({'palette': [1, 0]}, r'palette must be a name or colours of shape \(colour, 3\), got \(2,\)'),
        ({'depth_noise': -1}, 'depth_noise must be at least 0 and finite, got -1'),
        ({'action_lag': -1}, 'action_lag must be an integer of at least 1, got -1'),
        ({'time_limit': 0}, 'time_limit must be above 0 s and finite, got 0'),
    ],
)  # fmt: skip
def test_impossible_variations_are_refused(task, options, message):
    with pytest.raises(ValueError, match=message):
        make(task, **options)


@pytest.mark.parametrize('options', [{'fov': 'wide'}, {'light': 'dim'}, {'fps': '10'}, {'agent_radius': None}])
def test_what_is_no_number_is_refused(options):
    ((name, value),) = options.items()
    with pytest.raises(ValueError, match=f'{name} must be a number, got {value!r}'):
        make(Explorer, **options)


@pytest.mark.parametrize('task', TASKS)
def test_unknown_options_are_refused(task):
    message = f"{task.__name__} has no option 'gravity'; it has .*cameras, .*fov, .*depth_noise, .*palette, .*noise"
    with pytest.raises(TypeError, match=message):
        make(task, gravity=9.81)


@pytest.mark.parametrize('motion', MOTIONS)
def test_motion_and_noise_never_wait_and_replace_nothing_that_is_kept(motion):
    env = make(Racing, motion=motion, rgb_noise=0.1, odometry_drift=0.1, **NOISE)
    env.reset(seed=0)
    actions, _ = env._action_batch.cleaned(env._action_batch.tensors(env.action_space.sample()))
    mask, observations = torch.arange(8) % 2 == 0, env._observe()
    with Watch(env.device) as watch:
        env.motion.step(env._noise.act(actions))
        env.laps.step()
        env.motion.reset(mask)
        env.laps.reset(mask)
        env._noise.step(mask)
        env._noise.observe(observations)
        env.laps.ahead(1.0)
    replaced = [source for source in watch.sources.values() if source.storage.expired()]
    assert not replaced


@pytest.mark.gpu
@pytest.mark.parametrize('task', TASKS)
def test_a_cuda_graph_replays_noise(task):
    found = []
    for graph in (True, False):
        env = make(task, 'cuda', 64, cuda_graph=graph, **NOISE)
        found.append(stepped(env, 40, seed=3))
    assert all(equal(one, other) for one, other in zip(*found, strict=True))
