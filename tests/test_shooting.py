import numpy as np
import pytest
import torch
from worlds import box, core_at, halved_box

from megastep import rendering
from megastep.core import Cameras
from megastep.rendering import View
from megastep.shooting import EVENTS, Aim, Combat, bearings, in_sight

WIDE = Cameras(res=90, fov=90, subsample=2)
HALL = box(1, 1, 21, 5, spawns=[(2 + i, 3) for i in range(8)])


def aimed(core, cameras=WIDE, **options):
    """Whom each agent has within its aim."""
    aim = Aim(core, cameras, **options)
    aim(rendering.render(core, cameras, per_ray=True))
    return aim.targets.tolist()


def facing(bearing, *, distance=3.0, **options):
    """Two agents, the first facing +x and the second so many degrees to the left of that."""
    radians = np.radians(bearing)
    places = [(5, 3), (5 + distance * np.cos(radians), 3 + distance * np.sin(radians))]
    return core_at([HALL], [places], [[0, 0]], **options)


@pytest.mark.parametrize('bearing, hit', [(0, True), (4.5, True), (-4.5, True), (8, False), (-8, False), (180, False)])
def test_an_aim_reaches_to_either_side(bearing, hit):
    assert aimed(facing(bearing), degrees=5)[0][0] == (1 if hit else -1)


@pytest.mark.parametrize('distance, hit', [(1, True), (3.9, True), (4.2, False)])
def test_an_aim_has_a_range(distance, hit):
    assert aimed(facing(0, distance=distance), max_range=4)[0][0] == (1 if hit else -1)


def test_an_aim_of_no_width_is_that_of_the_middle_rays():
    assert aimed(facing(0), degrees=0)[0][0] == 1
    assert aimed(facing(2.5), degrees=0)[0][0] == -1
    for rays, middle in ((7, [3, 3]), (8, [3, 4])):
        aim = Aim(facing(0), Cameras(res=rays, subsample=1), degrees=0)
        assert [aim.first, aim.last] == middle


def test_the_agent_nearest_to_the_middle_is_aimed_at():
    core = core_at([HALL], [[(5, 3), (8, 3.25), (9, 2.9)]], [[0, 180, 180]])
    assert aimed(core, degrees=10)[0] == [2, 0, 0]


def test_walls_protect():
    core = core_at([halved_box()], [[(2, 2.5), (4, 2.5)], [(2, 1.5), (4, 1.5)]], [[0, 180]] * 2)
    assert aimed(core, degrees=1) == [[-1, -1], [1, 0]]


def test_an_aim_is_along_the_first_camera():
    ring = Cameras(res=20, fov=90, subsample=2, mounts=((0, 0, 180), (0, 0, 0)))
    core = core_at([HALL], [[(5, 3), (8, 3)]], [[180, 0]])
    assert aimed(core, ring)[0] == [1, 0]
    rig = {'rear': Cameras(res=20, fov=90, mounts=((0, 0, 180),)), 'front': WIDE}
    assert aimed(core, rig)[0] == [1, 0]


def test_an_aim_agrees_with_every_ray():
    torch.manual_seed(0)
    places, angles = torch.rand(40, 5, 2) * torch.tensor([17.0, 3]) + torch.tensor([2.0, 1.5]), torch.rand(40, 5) * 360
    core = core_at([HALL], places, angles)
    view = rendering.render(core, WIDE, per_ray=True)
    aim = Aim(core, WIDE, degrees=12, max_range=6)
    aim(view)
    for lines, distances, target in zip(
        view.lines.reshape(-1, 180).tolist(), view.distances.reshape(-1, 180), aim.targets.flatten(), strict=True
    ):
        found = [
            (abs(bearing), line // 8)
            for bearing, line, distance in zip(bearings(WIDE), lines, distances, strict=True)
            if abs(bearing) <= 12 and 0 <= line < 40 and distance <= 6
        ]
        nearest = min(found, default=(0, -1))
        assert target in [agent for off_middle, agent in found or [nearest] if off_middle < nearest[0] + 1e-9]
    assert (aim.targets >= 0).sum() > 20
    assert torch.equal(in_sight(core, view), ((view.lines >= 0) & (view.lines < 40)).any(-1).any(-1))


@pytest.mark.parametrize(
    'options, message',
    [
        ({'degrees': -1}, 'aim must be from 0 to half the field of view, 45, got -1'),
        ({'degrees': 46}, 'aim must be from 0 to half the field of view, 45, got 46'),
        ({'max_range': 0}, 'max_range must be above 0 m and finite, got 0'),
        ({'max_range': np.inf}, 'max_range must be above 0 m and finite, got inf'),
    ],
)
def test_rejects_impossible_aims(options, message):
    with pytest.raises(ValueError, match=message):
        Aim(facing(0), WIDE, **options)


def test_an_aim_needs_rays():
    core = facing(0)
    view = rendering.render(core, WIDE)
    for use in (Aim(core, WIDE), lambda view: in_sight(core, view)):
        with pytest.raises(ValueError, match='view must have lines and distances, got none'):
            use(view)
    assert isinstance(view, View)


def crowd(num_agents, num_envs=1, **options):
    places = [[(2 + i, 3) for i in range(num_agents)]] * num_envs
    return core_at([HALL], places, [[0] * num_agents] * num_envs, **options)


def fire(combat, *targets, triggers=None):
    events = combat.fire(torch.tensor(targets), None if triggers is None else torch.tensor(triggers))
    return dict(zip(EVENTS, events.tolist(), strict=True))


def test_two_who_shoot_each_other_both_die():
    combat = Combat(crowd(2), health=1)
    events = fire(combat, [1, 0])
    assert all(events[name] == [[1, 1]] for name in EVENTS)
    assert combat.health.tolist() == [[0, 0]]


def test_a_kill_is_put_down_to_one_in_turn():
    core = crowd(4)
    combat, killers = Combat(core, health=1, cooldown=0), []
    for turn in range(4):
        core.turn.fill_(turn)
        events = fire(combat, [3, 3, -1, -1])
        assert (events['hits'], events['wounds'], events['deaths']) == ([[1, 1, 0, 0]], [[0, 0, 0, 2]], [[0, 0, 0, 1]])
        killers.append(events['kills'][0].index(1))
        assert sum(events['kills'][0]) == 1
        combat.restart(combat.health <= 0)
    assert killers == [0, 1, 0, 0]  # of agents 0 and 1 the first from agent `turn` on, round and round


def test_an_agent_takes_as_many_hits_as_it_has_health():
    combat, healths = Combat(crowd(2), health=3, cooldown=0), []
    while not healths or healths[-1] > 0:
        fire(combat, [1, -1])
        healths.append(combat.health[0, 1].item())
    assert healths == [2, 1, 0]
    combat.restart(torch.tensor([[False, True]]))
    assert combat.health.tolist() == [[3, 3]]


@pytest.mark.parametrize(
    'cooldown, fps, period', [(0, 10, 1), (0.1, 10, 1), (0.25, 10, 3), (0.5, 10, 5), (0.5, 20, 10)]
)
def test_shots_are_apart(cooldown, fps, period):
    combat = Combat(crowd(2, fps=fps), health=100, cooldown=cooldown)
    shots = [fire(combat, [1, -1])['shots'][0][0] for _ in range(3 * period)]
    assert shots == ([1] + [0] * (period - 1)) * 3


def test_what_is_observed():
    combat = Combat(crowd(2), health=4, cooldown=0.5)
    fire(combat, [1, -1])
    health, cooldown = combat.observe()
    assert health.tolist() == [[1.0], [0.75]]
    assert cooldown.flatten().tolist() == pytest.approx([0.8, 0])
    assert combat.space.contains(health[1].numpy())


def test_a_trigger_fires_at_nobody_too():
    combat = Combat(crowd(3), cooldown=0.5)
    events = fire(combat, [1, 2, -1], triggers=[[True, False, True]])
    assert (events['aims'], events['shots'], events['hits']) == ([[1, 1, 0]], [[1, 0, 1]], [[1, 0, 0]])
    assert combat.waits.tolist() == [[4, 0, 4]]


def test_every_wound_has_a_shooter():
    """Random targets for a while: each event is what counting one by one gives."""
    generator = torch.Generator().manual_seed(0)
    core = crowd(5, num_envs=30)
    combat = Combat(core, health=2, cooldown=0.2)
    for _ in range(40):
        core.turn.add_(1)
        targets = torch.randint(-1, 5, (30, 5), generator=generator)
        before, ready = combat.health.clone(), combat.waits == 0
        aims, shots, hits, wounds, kills, deaths = combat.fire(targets)
        assert torch.equal(aims == 1, targets >= 0)
        assert torch.equal(hits == 1, ready & (targets >= 0)) and torch.equal(shots, hits)
        counted = [[sum(t == victim for t in row) for victim in range(5)] for row in targets.where(ready, -1).tolist()]
        assert wounds.tolist() == counted
        assert torch.equal(combat.health, before - wounds)
        assert torch.equal(deaths == 1, combat.health <= 0)
        assert torch.equal(kills.sum(1), deaths.sum(1))
        assert (kills <= hits).all()
        combat.restart(combat.health <= 0)


@pytest.mark.parametrize(
    'options, message',
    [
        ({'health': 0}, 'health must be an integer of at least 1, got 0'),
        ({'health': 2.5}, 'health must be an integer of at least 1, got 2.5'),
        ({'cooldown': -1}, 'cooldown must be at least 0 s and finite, got -1'),
        ({'cooldown': np.nan}, 'cooldown must be at least 0 s and finite, got nan'),
    ],
)
def test_rejects_impossible_combat(options, message):
    with pytest.raises(ValueError, match=message):
        Combat(crowd(2), **options)
