"""What physics doesn't depend on, and what it must withstand."""

import math
from dataclasses import replace
from functools import cache

import numpy as np
import oracle
import pytest
import torch
import worlds

from benchmarks.proofs import behaviour, checking, course, maps
from megastep import numba, triton
from megastep.maps.geometry import Geometry
from megastep.world import physics, wall_boxes
from megastep.world.core import Core
from megastep.world.scenery import Scenery

STATE = ('positions', 'velocities', 'angles', 'angular_velocities')


def copied(core, *, scenery=None, envs=None):
    """A core in the same state, of all its envs or of some of them; in another scenery if one is given."""
    envs = torch.arange(core.num_envs) if envs is None else torch.as_tensor(envs)
    map_ids = core.map_ids[envs.to(core.device)]
    copy = Core(scenery or core.scenery, num_envs=len(envs), fps=core.fps, map_ids=map_ids)
    for name in STATE:
        getattr(copy.agents, name).copy_(getattr(core.agents, name)[envs.to(core.device)])
    copy.turn.copy_(core.turn[envs.to(core.device)])
    return copy


@cache
def geometries():
    """Generated maps of each family, a star and a 64-gon."""
    return [*map(maps.dark, maps.families(3)), maps.star(5), maps.polygon(64)]


def crowd(num_envs=200, num_agents=2, device='cpu', seed=0, floorplans=None):
    """Agents pushed about for a while in maps, by default `geometries`, where they began in one place."""
    scenery = Scenery.pack(floorplans or geometries(), num_agents=num_agents, device=device)
    core = Core(scenery, num_envs=num_envs, seed=seed)
    for velocities in pushes(core, 5, seed=seed):
        core.agents.velocities.copy_(velocities)
        physics.advance(core)
    return core


def pushes(core, steps, *, seed=0, top_speed=20.0):
    """Velocities for each of some steps, of every size."""
    rng = np.random.default_rng(seed)
    for _ in range(steps):
        turns, sizes = rng.uniform(0, 2 * np.pi, core.agents.angles.shape), rng.uniform(-3, 0, core.agents.angles.shape)
        speeds = top_speed * 10**sizes
        velocities = np.stack([speeds * np.cos(turns), speeds * np.sin(turns)], axis=-1)
        yield torch.from_numpy(velocities).float().to(core.device)


def assert_same_course(core, other, carry=lambda points: points, steps=40, **options):
    """Holds if two cores take bit for bit the same course, but for what ``carry`` does to vectors."""
    assert torch.equal(carry(core.agents.positions), other.agents.positions)
    touched = 0
    for velocities in pushes(core, steps, **options):
        core.agents.velocities.copy_(velocities)
        other.agents.velocities.copy_(carry(velocities))
        progress = physics.advance(core), physics.advance(other)
        assert torch.equal(*progress)
        for name in ('positions', 'velocities'):
            assert torch.equal(carry(getattr(core.agents, name)), getattr(other.agents, name))
        touched += (core.contacts >= 0).sum()
    assert touched > 0.2 * steps * core.agents.angles.numel()


# Bit for bit


def carried(core, carry):
    """The same core in a world that is turned or mirrored about the origin."""
    geometries = [*map(unchecked, core.scenery.walls, core.scenery.spawns)]
    scenery = Scenery.pack(geometries, num_agents=core.num_agents, device=core.device)
    scenery.walls.vals.copy_(carry(core.scenery.walls.vals))
    scenery = replace(scenery, wall_boxes=wall_boxes.build(scenery.walls))
    other = copied(core, scenery=scenery)
    other.agents.positions.copy_(carry(core.agents.positions))
    return other


def unchecked(walls, spawns):
    """A floorplan of a scenery's walls."""
    return Geometry.unchecked(
        walls=walls.double().cpu().numpy(),
        spawns=spawns.double().cpu().numpy(),
        lights=np.empty((0, 3)),
        doors=np.empty((0, 2, 2)),
        rooms=(),
    )


SYMMETRIES = {
    'a quarter turn': lambda points: torch.stack([-points[..., 1], points[..., 0]], dim=-1),
    'half a turn': lambda points: -points,
    'a mirror': lambda points: torch.stack([-points[..., 0], points[..., 1]], dim=-1),
    'the other diagonal': lambda points: torch.stack([points[..., 1], points[..., 0]], dim=-1),
}


@pytest.mark.parametrize('symmetry', SYMMETRIES)
def test_turned_by_a_right_angle_or_mirrored_the_course_is_the_same(symmetry, device):
    core, carry = crowd(device=device), SYMMETRIES[symmetry]
    assert_same_course(core, carried(core, carry), carry)


def test_envs_do_not_depend_on_their_order(device):
    core = crowd(device=device)
    order = torch.from_numpy(np.random.default_rng(0).permutation(core.num_envs)).to(device)
    other = copied(core, envs=order)
    for velocities in pushes(core, 40):
        core.agents.velocities.copy_(velocities)
        other.agents.velocities.copy_(velocities[order])
        assert torch.equal(physics.advance(core)[order], physics.advance(other))
        assert torch.equal(core.agents.positions[order], other.agents.positions)


def shuffled(geometry, seed=0):
    order = np.random.default_rng(seed).permutation(len(geometry.walls))
    return Geometry(walls=geometry.walls[order], spawns=geometry.spawns)


def test_walls_do_not_depend_on_their_order(device):
    core = crowd(device=device)
    scenery = Scenery.pack([shuffled(geometry) for geometry in geometries()], num_agents=2, device=device)
    assert_same_course(core, copied(core, scenery=scenery))


@pytest.mark.parametrize('push', [(5.0, 5.0), (0.3, 0.3), (100.0, 100.0)])
def test_nor_where_two_are_met_at_once(push, device):
    """Along the diagonal into a corner, both walls are met at the same time and equally head-on."""
    ends = []
    for seed in range(6):
        core = worlds.one(shuffled(maps.box(4, 4), seed), 4.75, 4.75, 0, device=device)
        for _ in range(4):
            core.agents.velocities[0, 0] = torch.tensor(push)
            physics.advance(core)
        ends.append(core.agents.positions[0, 0].tolist())
    assert ends == ends[:1] * 6


def test_an_env_does_not_depend_on_how_many_there_are(device):
    core = crowd(num_envs=4096, num_agents=3, device=device)
    alone = {env: copied(core, envs=[env]) for env in (0, 1, 2047, 4095)}
    for velocities in pushes(core, 20):
        core.agents.velocities.copy_(velocities)
        physics.advance(core)
        for env, other in alone.items():
            other.agents.velocities.copy_(velocities[env : env + 1])
            physics.advance(other)
            assert torch.equal(other.agents.positions[0], core.agents.positions[env])
            assert torch.equal(other.agents.velocities[0], core.agents.velocities[env])


@pytest.mark.parametrize('first', [True, False])
def test_walls_out_of_reach_change_nothing(first, device):
    """Another room, far away, whose walls come before a map's own or after them."""
    core = crowd(device=device)
    far = maps.box(3, 3, left=200).walls
    more = [np.concatenate([far, g.walls] if first else [g.walls, far]) for g in geometries()]
    more = [Geometry(walls=walls, spawns=g.spawns) for walls, g in zip(more, geometries(), strict=True)]
    assert_same_course(core, copied(core, scenery=Scenery.pack(more, num_agents=2, device=device)))


def test_a_course_taken_again_is_the_same(device):
    core = crowd(device=device)
    assert_same_course(core, copied(core))


def test_every_process_takes_the_same_course():
    assert course.digests(2) == [course.digest()] * 2


# Up to rounding


def offsets(core, other, carry, steps=20, top_speed=5.0):
    """How far apart, in metres, two cores' agents are after a step from the same state, over many states.

    Not after several: a course among corners is chaotic, and soon tells the smallest difference.
    """
    apart = []
    for velocities in pushes(core, steps, top_speed=top_speed):
        core.agents.velocities.copy_(velocities)
        other.agents.positions.copy_(carry(core.agents.positions))
        other.agents.velocities.copy_(carry(velocities) - carry(torch.zeros_like(velocities)))
        other.turn.copy_(core.turn)
        physics.advance(core)
        physics.advance(other)
        apart.append((carry(core.agents.positions) - other.agents.positions.double()).norm(dim=-1))
    return torch.stack(apart)


def transformed(turn, shift):
    """What a rotation about (5, 5) and a translation make of points, in float64."""
    rotation, middle = torch.from_numpy(oracle.rotation(turn)), 5
    return lambda points: (
        (points.double() - middle) @ rotation.to(points.device).T + middle + torch.tensor(shift, device=points.device)
    )


@pytest.mark.parametrize('turn, shift', [(0, (37.31, 11.07)), (0.3, (20, 20)), (2.5, (30, 60.5)), (-1.1, (0, 30))])
def test_turned_and_moved_steps_are_the_same(turn, shift, device):
    """But for one in a thousand: a disc that grazes a corner by a hair is deflected by the hair's square root, so that
    rounding, of 4e-6 m at 60 m, may lead it off by a hundredth of the way that is left.
    """
    core, carry = crowd(device=device), transformed(turn, shift)
    apart = offsets(core, carried(core, carry), carry)
    assert (apart > 1e-4).double().mean() <= 1e-3
    assert apart.amax() <= 5e-3


def halved(geometry):
    """Each wall as two."""
    a, b = geometry.walls[:, 0], geometry.walls[:, 1]
    middle = (a + b) / 2
    walls = np.stack([a, middle, middle, b], axis=1).reshape(-1, 2, 2)
    return Geometry(walls=walls, spawns=geometry.spawns)


def test_walls_may_be_split(device):
    core = crowd(device=device)
    other = copied(core, scenery=Scenery.pack(list(map(halved, geometries())), num_agents=2, device=device))
    assert offsets(core, other, lambda points: points).amax() <= 1e-4


# Kernels


def test_both_kernels_make_the_same_steps():
    """Triton's, interpreted where there is no GPU, and Numba's, from the same states."""
    device = 'cuda' if torch.cuda.is_available() else 'cpu'
    core = crowd(num_envs=6, num_agents=2, floorplans=[maps.star(5), maps.polygon(9), maps.partitions()])
    scenery = Scenery.pack([maps.star(5), maps.polygon(9), maps.partitions()], num_agents=2, device=device)
    touched = 0
    for velocities in pushes(core, 4, top_speed=10.0):
        core.agents.velocities.copy_(velocities)
        other = moved_to(core, scenery)
        progress = [torch.full_like(world.agents.angles, torch.nan) for world in (core, other)]
        numba.advance(core, progress[0], None, slide=True)
        triton.advance(other, progress[1], None, slide=True)
        ways = velocities.norm(dim=-1) / core.fps
        assert (core.agents.positions - other.agents.positions.cpu()).abs().amax() <= 1e-5
        assert ((progress[0] - progress[1].cpu()).abs() * ways).amax() <= 1e-4
        assert (core.agents.velocities - other.agents.velocities.cpu()).abs().amax() <= 1e-3
        assert torch.equal(core.turn, other.turn.cpu())
        touched += int((core.contacts >= 0).sum())
    assert touched > 10


def moved_to(core, scenery):
    """A core in the same state in a scenery that may be on another device."""
    copy = Core(scenery, num_envs=core.num_envs, fps=core.fps, map_ids=core.map_ids)
    for name in STATE:
        getattr(copy.agents, name).copy_(getattr(core.agents, name))
    copy.turn.copy_(core.turn)
    return copy


# Behaviour


def test_a_policy_that_knows_nothing_slides_along_walls_and_through_doors():
    slide, stop = (behaviour.walk(response=response, steps=400) for response in physics.RESPONSES)
    assert slide.still < 0.35
    assert slide.entered >= 2 * stop.entered


# What it must withstand

BAD = [math.nan, math.inf, -math.inf]


@pytest.mark.parametrize('bad', BAD)
@pytest.mark.parametrize('axis', [0, 1])
def test_velocities_that_are_not_finite_count_as_none(bad, axis, device):
    core = crowd(num_envs=5, num_agents=3, device=device)
    core.agents.velocities.zero_()
    core.agents.velocities[3, 1, axis] = bad
    core.agents.velocities[3, 1, 1 - axis] = 2
    before = core.agents.positions.clone()
    for times in (1, 2):
        core.agents.velocities[3, 1, axis] = bad
        assert (physics.advance(core) == 1).all()
        assert torch.equal(core.agents.positions, before)
        assert (core.agents.velocities == 0).all()
        assert core.non_finite.nonzero().tolist() == [[3, 1]]
        assert core.non_finite.max() == times
    message = 'those of env 3, agent 1 were not, 2 times\\.'
    with pytest.raises(ValueError, match=message):
        core.check()
    core.check()
    assert (core.non_finite == 0).all()


@pytest.mark.parametrize('bad', BAD)
def test_nor_do_angular_velocities(bad, device):
    core = crowd(num_envs=5, num_agents=3, device=device)
    core.agents.velocities.zero_()
    core.agents.angular_velocities[2, 0] = core.agents.angular_velocities[4, 2] = bad
    before = core.agents.angles.clone()
    physics.advance(core)
    torch.testing.assert_close(core.agents.angles, before)
    assert (core.agents.angular_velocities == 0).all()
    with pytest.raises(ValueError, match='env 2, agent 0 were not, 1 times, nor were those of 1 other agents'):
        core.check()


def test_others_move_on_beside_one_that_is_not_finite(device):
    core = crowd(num_envs=50, num_agents=1, device=device)
    other = copied(core)
    velocities = next(pushes(core, 1))
    for world in (core, other):
        world.agents.velocities.copy_(velocities)
    core.agents.velocities[7] = math.nan
    physics.advance(core)
    physics.advance(other)
    rest = torch.arange(50, device=device) != 7
    assert torch.equal(core.agents.positions[rest], other.agents.positions[rest])


@pytest.mark.parametrize(
    'name, bad', [('velocities', math.nan), ('velocities', math.inf), ('angular_velocities', -math.inf)]
)
def test_a_checked_core_raises_at_once_and_moves_nothing(name, bad, device):
    scenery = Scenery.pack([maps.box(3, 3)], num_agents=3, device=device)
    core = Core(scenery, num_envs=4, checked=True)
    core.agents.velocities[:] = 1
    physics.advance(core)
    before = core.agents.positions.clone()
    getattr(core.agents, name)[2, 1] = bad
    value = f'\\[{bad}, {bad}\\]' if name == 'velocities' else f'{bad}'
    with pytest.raises(ValueError, match=f'^{name} must be finite, got {value} for env 2, agent 1'):
        physics.advance(core)
    assert torch.equal(core.agents.positions, before)


@pytest.mark.parametrize('fps', [0.1, 10, 1000])
@pytest.mark.parametrize('speed', [1e5, 1e20, 1e38, 3.4e38])
def test_no_finite_speed_is_too_much(speed, fps, device):
    geometries = [maps.box(5, 5), maps.polygon(64), maps.star(5)]
    core = Core(Scenery.pack(geometries, device=device), num_envs=96, fps=fps)
    turns = torch.linspace(0, 6.28, 96, device=device)
    for turn in range(4):
        ways = torch.stack([(turns + turn).cos(), (turns + turn).sin()], dim=-1)
        core.agents.velocities[:, 0] = speed * ways
        progress = physics.advance(core)
        assert ((progress >= 0) & (progress <= 1)).all()
        assert core.agents.velocities.isfinite().all()
        standing = checking.Checker.of(core).standing(core)
        assert (standing.windings == 1).all()
        assert standing.clearances.min() >= core.agent_radius
    assert (core.non_finite == 0).all()
    assert (core.stops == 0).all()


@pytest.mark.parametrize('speed', [1e-7, 1e-18, 1e-20, 1e-22, 1e-25, 1e-36, 1e-39, 1e-44])
def test_velocities_next_to_nothing_touch_nothing(speed, device):
    """Momentum decays that far; the squares of such velocities are 0 in float32."""
    core = worlds.core_at([worlds.box()], [[(2, 2.1), (3.3, 2.7)]], [[0, 0]], device=device)
    before = core.agents.positions.clone()
    for turn in range(16):
        angle = 0.1 + turn * math.pi / 8
        core.agents.velocities[:] = speed * torch.tensor([math.cos(angle), math.sin(angle)], dtype=torch.float64)
        assert (physics.advance(core) == 1).all()
        assert (core.contacts == -1).all()
        assert (core.agents.positions - before).abs().max() <= 1e-6


def test_walls_beyond_500_m_are_refused():
    Scenery.pack([maps.box(5, 5, left=494)], device='cpu')
    with pytest.raises(ValueError, match='walls must lie within 500 m of the origin, got a coordinate of 501 m'):
        Scenery.pack([maps.box(5, 5, left=496)], device='cpu')


@pytest.mark.parametrize('response', ['bounce', '', None])
def test_unknown_responses_are_refused(response):
    core = worlds.one(worlds.box(), 2, 2, 0)
    with pytest.raises(ValueError, match=f'^response must be one of slide, stop, got {response!r}'):
        physics.advance(core, response=response)
