import pytest
import torch
from oracle import clearances, inside
from worlds import box, core_at, houses

from megastep.core import Core
from megastep.geometry import AGENT_RADIUS
from megastep.scenery import Scenery
from megastep.spawning import RandomLifespans, RandomSpawns

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


def test_spawns_are_free_and_apart():
    core = moving_core(60, num_agents=3)
    RandomSpawns(core)(all_of(core))
    for env, number in enumerate(core.map_ids.tolist()):
        places, walls = core.agents.positions[env].double().numpy(), houses(2)[number].walls
        assert inside(places, walls).all()
        assert (clearances(places, walls) > AGENT_RADIUS - 1e-5).all()
        assert len({tuple(place) for place in places.tolist()}) == 3


def test_spawns_are_anywhere_facing_any_way_at_rest():
    spawns = [(2, 2), (3, 3), (4, 2)]
    core = moving_core(200, num_agents=1, maps=[box(spawns=spawns)])
    RandomSpawns(core)(all_of(core))
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
    RandomSpawns(core)(mask)
    for name in STATE:
        after = getattr(core.agents, name)
        assert torch.equal(after[~mask], before[name][~mask])
        assert not torch.equal(after[mask], before[name][mask])
        assert after.data_ptr() == places[name]  # written in place
    assert (core.contacts[~mask] == 3).all()
    assert (core.contacts[mask] == -1).all()


def still_core(num_envs, seed=0):
    return core_at([box()], [[(3, 3)]] * num_envs, [[0]] * num_envs, seed=seed)


def test_first_lives_are_spread_from_one_step_to_the_longest():
    lifespans = RandomLifespans(still_core(2000), shortest=15, longest=20).lifespans
    assert set(lifespans.tolist()) == set(range(1, 21))


def test_later_lives_last_from_the_shortest_to_the_longest():
    lives = RandomLifespans(still_core(2000), shortest=15, longest=20)
    mask = torch.arange(2000) > 0
    first = lives.lifespans[0].clone()
    lives.restart(mask)
    assert set(lives.lifespans[1:].tolist()) == set(range(15, 21))
    assert lives.lifespans[0] == first


def test_a_lone_env_has_nothing_to_be_spread_from():
    spans = {RandomLifespans(still_core(1, seed=seed), 15, 20).lifespans.item() for seed in range(60)}
    assert spans == set(range(15, 21))


def test_lives_end_when_their_steps_are_up():
    lives = RandomLifespans(still_core(50), shortest=3, longest=9)
    expected, resets = lives.lifespans.clone(), torch.zeros(50, dtype=torch.bool)
    lived, ends = torch.zeros(50, dtype=torch.int64), 0
    for _ in range(100):
        lived = torch.where(resets, 0, lived + 1)
        done = lives(resets)
        assert torch.equal(lives.lifespans[~resets], expected[~resets])
        expected = lives.lifespans.clone()
        assert torch.equal(done, lived >= expected)
        assert (lived <= 9).all()
        ends, resets = ends + int(done.sum()), done
    assert ends > 50


def test_without_resets_a_step_is_only_counted():
    lives = RandomLifespans(still_core(5), shortest=4, longest=4)
    spans = lives.lifespans.clone()
    lives()
    assert lives.ages.tolist() == [1] * 5
    assert torch.equal(lives.lifespans, spans)


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
