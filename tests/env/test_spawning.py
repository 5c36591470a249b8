import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from oracle import clearances, inside
from twins import draw_on_cpu
from worlds import box, core_at, houses, scatter

from megastep import numba, triton
from megastep.env.coverage import Coverage
from megastep.env.goals import RandomGoals
from megastep.env.motion import DifferentialDrive
from megastep.env.spawning import FarSpawns, RandomLifespans, RandomSpawns
from megastep.maps.geometry import AGENT_RADIUS
from megastep.world import physics
from megastep.world.core import Core
from megastep.world.scenery import Scenery

STATE = ('positions', 'velocities', 'angles', 'angular_velocities')


def moving_core(num_envs, num_agents, maps=None, seed=0):
    """Agents that are on the move and touch something."""
    maps = houses(2) if maps is None else maps
    core = Core(Scenery.pack(maps, num_agents=num_agents, device='cpu'), num_envs=num_envs, seed=seed)
    core.agents.velocities.fill_(1)
    core.agents.angular_velocities.fill_(10)
    core.contacts.fill_(3)
    return core


def all_of(core):
    return torch.ones(core.num_envs, dtype=torch.bool)


PARTS = {
    'spawns': RandomSpawns,
    'far': FarSpawns,
    'lifespans': lambda core: RandomLifespans(core, 1, 5),
    'goals': lambda core: RandomGoals(core, houses(2)),
    'coverage': Coverage,
    'wheels': DifferentialDrive,
}


@pytest.mark.parametrize('part', PARTS.values(), ids=PARTS)
@pytest.mark.parametrize('mask, got', [
    (torch.zeros(3, dtype=torch.bool), r'torch.bool of shape \(3,\) on cpu'),
    (torch.arange(6), r'torch.int64 of shape \(6,\)'),
    ([True] * 6, r'\[True, True'),
])  # fmt: skip
def test_a_mask_that_is_none_is_refused(part, mask, got):
    """A kernel would read whatever lies there."""
    made = part(moving_core(6, num_agents=1))
    with pytest.raises(ValueError, match=rf'mask must be torch.bool of shape \(6,\) on cpu, got {got}'):
        made.reset(mask)


def test_agents_are_not_respawned_one_by_one_where_a_mask_is_of_envs():
    with pytest.raises(ValueError, match=r'mask must be torch.bool of shape \(6,\) on cpu, got .* \(6, 2\)'):
        RandomSpawns(moving_core(6, num_agents=2)).reset(torch.ones((6, 2), dtype=torch.bool))


def test_spawns_are_free_and_apart():
    core = moving_core(60, num_agents=3)
    RandomSpawns(core).reset(all_of(core))
    for env, number in enumerate(core.map_ids.tolist()):
        places, walls = core.agents.positions[env].double().numpy(), houses(2)[number].walls
        assert inside(places, walls).all()
        assert (clearances(places, walls) > AGENT_RADIUS - 1e-5).all()
        assert len({tuple(place) for place in places.tolist()}) == 3


def test_spawns_are_anywhere_facing_any_way_at_rest():
    spawns = [(2, 2), (3, 3), (4, 2)]
    core = moving_core(200, num_agents=1, maps=[box(spawns=spawns)])
    RandomSpawns(core).reset(all_of(core))
    assert {tuple(place) for place in core.agents.positions[:, 0].tolist()} == set(spawns)
    assert {int(angle // 90) for angle in core.agents.angles[:, 0].tolist()} == {-2, -1, 0, 1}
    assert core.agents.angles.abs().max() <= 180
    assert not core.agents.velocities.any() and not core.agents.angular_velocities.any()
    assert (core.contacts == -1).all()


def test_other_envs_stay_as_they_are():
    core = moving_core(8, num_agents=2)
    before = {name: getattr(core.agents, name).clone() for name in STATE}
    places = {name: getattr(core.agents, name).data_ptr() for name in STATE}
    mask = torch.tensor([True, False] * 4)
    RandomSpawns(core).reset(mask)
    for name in STATE:
        after = getattr(core.agents, name)
        assert torch.equal(after[~mask], before[name][~mask])
        assert not torch.equal(after[mask], before[name][mask])
        assert after.data_ptr() == places[name]  # written in place
    assert (core.contacts[~mask] == 3).all()
    assert (core.contacts[mask] == -1).all()


@pytest.mark.parametrize('num_agents', [1, 3])
def test_triton_and_numba_put_agents_in_the_same_places(num_agents, device):
    """The envs are more than a block and no multiple of it; what lies beyond them in memory stays as it is."""
    maps = [box(spawns=[(1.5 + 0.5 * i, 2) for i in range(count)]) for count in (3, 5, 4)]
    core = Core(Scenery.pack(maps, num_agents=num_agents, device=device), num_envs=131, seed=1)
    mask = torch.rand(131, device=device, generator=core.generator) < 0.6
    draw = core.random.draw()
    twin = Core(Scenery.pack(maps, num_agents=num_agents, device='cpu'), num_envs=131)
    for name in STATE:
        padded = torch.full((2 * 131, *getattr(core.agents, name).shape[1:]), 7.0, device=device)
        object.__setattr__(core.agents, name, padded[:131])
        getattr(twin.agents, name).fill_(7)
    triton.respawn(core, mask, draw)
    numba.respawn(twin, mask.cpu(), draw_on_cpu(draw))
    for name in STATE:
        found = getattr(core.agents, name)
        assert torch.equal(found.cpu(), getattr(twin.agents, name))
        assert (found._base[131:] == 7).all()
    assert torch.equal(
        core.contacts.cpu()[mask.cpu()], torch.full((int(mask.sum()), num_agents), -1, dtype=torch.int32)
    )


def still_core(num_envs, seed=0):
    return core_at([box()], [[(3, 3)]] * num_envs, [[0]] * num_envs, seed=seed)


def test_first_lives_are_spread_from_one_step_to_the_longest():
    left = RandomLifespans(still_core(2000), shortest=15, longest=20).left
    assert set(left.tolist()) == set(range(1, 21))


def test_later_lives_last_from_the_shortest_to_the_longest():
    core = still_core(2000)
    lives = RandomLifespans(core, shortest=15, longest=20)
    mask = torch.arange(2000) > 0
    first = lives.left[0].clone()
    physics.advance(core)
    lives.reset(mask)
    assert set(lives.left[1:].tolist()) == set(range(15, 21))
    assert lives.left[0] == first


def test_a_lone_env_has_nothing_to_be_spread_from():
    spans = {RandomLifespans(still_core(1, seed=seed), 15, 20).left.item() for seed in range(60)}
    assert spans == set(range(15, 21))


def test_lives_end_when_their_steps_are_up():
    core = still_core(50)
    lives = RandomLifespans(core, shortest=3, longest=9)
    left, ends = lives.left.clone(), 0
    for _ in range(100):
        physics.advance(core)
        over = lives.step()
        left -= 1
        assert torch.equal(lives.left, left)
        assert torch.equal(over, left <= 0)
        lives.reset(over)
        assert torch.equal(lives.left[~over], left[~over])
        assert ((lives.left[over] >= 3) & (lives.left[over] <= 9)).all()
        left, ends = lives.left.clone(), ends + int(over.sum())
    assert ends > 50


@pytest.mark.parametrize(
    'spans, message',
    [
        ((0, 5), 'shortest must be an integer of at least 1, got 0'),
        ((2.5, 5), 'shortest must be an integer of at least 1, got 2.5'),
        ((1, 0), 'longest must be an integer of at least 1, got 0'),
        ((6, 5), 'shortest must be at most longest, got 6 and 5'),
    ],
)
def test_rejects_impossible_lifespans(spans, message):
    with pytest.raises(ValueError, match=message):
        RandomLifespans(still_core(2), *spans)


GRID = [(1.5 + 0.5 * x, 1.5 + 0.5 * y) for x in range(7) for y in range(5)]


def far_core(num_envs=40, num_agents=4, spawns=GRID, seed=0):
    core = Core(Scenery.pack([box(spawns=spawns)], num_agents=num_agents, device='cpu'), num_envs=num_envs, seed=seed)
    core.agents.velocities.fill_(1)
    core.agents.angular_velocities.fill_(10)
    core.contacts.fill_(3)
    return core


def gaps(core):
    """How far each agent is from each other one, in metres: (env, agent, other)."""
    return torch.cdist(core.agents.positions, core.agents.positions) + torch.eye(core.num_agents) * 99


def test_far_spawns_are_the_furthest_of_all_candidates():
    core = far_core(num_envs=20, num_agents=2)
    core.agents.positions[:, 0] = torch.tensor([1.4, 1.4])
    mask = torch.tensor([[False, True]]).expand(20, 2)
    FarSpawns(core, candidates=len(GRID)).reset(mask)
    assert torch.allclose(core.agents.positions[:, 1], torch.tensor([4.5, 3.5]))
    FarSpawns(core, candidates=2).reset(mask)
    assert len(core.agents.positions[:, 1].unique(dim=0)) > 5


def test_far_spawns_leave_the_others_as_they_are():
    core = far_core()
    before = {name: getattr(core.agents, name).clone() for name in STATE}
    places = {name: getattr(core.agents, name).data_ptr() for name in STATE}
    mask = torch.rand(40, 4, generator=torch.Generator().manual_seed(0)) < 0.4
    FarSpawns(core).reset(mask)
    for name in STATE:
        after = getattr(core.agents, name)
        assert torch.equal(after[~mask], before[name][~mask])
        assert after.data_ptr() == places[name]
    assert not core.agents.velocities[mask].any() and not core.agents.angular_velocities[mask].any()
    assert (core.contacts[~mask] == 3).all() and (core.contacts[mask] == -1).all()


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10**6), num_agents=st.integers(1, 8), share=st.floats(0, 1))
def test_far_spawns_never_overlap(seed, num_agents, share):
    """The living stand anywhere, and some spawns are nearly the same."""
    generator = torch.Generator().manual_seed(seed)
    crowded = [*GRID[:10], *((x + 0.1, y) for x, y in GRID[:10])]
    core = far_core(num_envs=4, num_agents=num_agents, spawns=crowded, seed=seed)
    scatter(core, [box(1, 1, 4, 4)], seed)
    assert (gaps(core) > 2 * AGENT_RADIUS).all()
    FarSpawns(core).reset(torch.rand(4, num_agents, generator=generator) < share)
    assert (gaps(core) > 2 * AGENT_RADIUS).all()
    FarSpawns(core).reset(torch.ones(4, num_agents, dtype=torch.bool))
    assert (gaps(core) > 2 * AGENT_RADIUS).all()


@pytest.mark.parametrize('spread', [0, 30])
def test_far_spawns_face_the_others(spread):
    core = far_core(num_agents=3)
    FarSpawns(core, spread=spread).reset(torch.ones(40, 3, dtype=torch.bool))
    positions = core.agents.positions
    towards = (positions.sum(1, keepdim=True) - positions) / 2 - positions
    bearings = torch.atan2(towards[..., 1], towards[..., 0]).rad2deg()
    off = (core.agents.angles - bearings + 180) % 360 - 180
    assert off.abs().max() <= spread + 0.01
    assert spread == 0 or off.abs().max() > 0.8 * spread


def test_far_spawns_face_anywhere_by_default():
    core = far_core(num_envs=100)
    FarSpawns(core).reset(torch.ones(100, 4, dtype=torch.bool))
    assert {int(angle // 90) for angle in core.agents.angles.flatten().tolist()} == {-2, -1, 0, 1}


def test_far_spawns_serve_every_map():
    maps = [box(spawns=GRID[:3]), box(6, 1, 10, 4, spawns=[(7, 2), (8, 2), (9, 2), (7, 3), (8, 3)])]
    core = Core(Scenery.pack(maps, num_agents=3, device='cpu'), num_envs=20)
    FarSpawns(core).reset(torch.ones(20, 3, dtype=torch.bool))
    for number, places in zip(core.map_ids.tolist(), core.agents.positions.tolist(), strict=True):
        assert set(map(tuple, places)) <= {tuple(spawn) for spawn in maps[number].spawns.tolist()}


@pytest.mark.parametrize(
    'options, message',
    [
        ({'candidates': 3}, 'candidates must be an integer of at least 4, got 3'),
        ({'candidates': 4.0}, 'candidates must be an integer of at least 4, got 4.0'),
        ({'spread': -1}, 'spread must be from 0 to 180 degrees, got -1'),
        ({'spread': 181}, 'spread must be from 0 to 180 degrees, got 181'),
    ],
)
def test_rejects_impossible_far_spawns(options, message):
    with pytest.raises(ValueError, match=message):
        FarSpawns(far_core(num_envs=1), **options)


def test_far_spawns_need_room():
    maps = [box(spawns=GRID), box(spawns=[(2, 2), (2.1, 2), (2.2, 2), (3, 2)])]
    core = Core(Scenery.pack(maps, num_agents=4, device='cpu'), num_envs=2)
    with pytest.raises(ValueError, match=r'map 1 has \d spawns 0\.42 m apart, too few for 4 agents'):
        FarSpawns(core)
