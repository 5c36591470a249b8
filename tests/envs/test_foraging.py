"""Foraging pays for each item once, to one agent, and items come back elsewhere."""

import math
import warnings
from functools import partial

import gymnasium
import numpy as np
import pytest
import torch
from gymnasium.vector import AutoresetMode
from megastep.envs.foraging import Items
from rollouts import FEW_RAYS, copied, equal, rollout
from worlds import box, houses

from envs import Foraging
from megastep.maps.geometry import AGENT_RADIUS
from megastep.testing import check_env
from megastep.world import rendering
from megastep.world.cameras import Cameras

STAY, FORWARD, LEFT, RIGHT = 0, 1, 5, 6
NEVER = 1e9  # seconds: items don't come back
ROOM = box(1, 1, 11, 11, spawns=[(x, y) for x in (2, 4, 6, 8, 10) for y in (2, 4, 6, 8, 10)])


def foraging(num_envs=4, maps=None, device='cpu', **options):
    maps = [ROOM] if maps is None else maps
    env = Foraging(maps, num_envs, device, **{'cameras': FEW_RAYS, 'regrowth': NEVER, **options})
    env.reset(seed=0)
    return env


def lay(env, items, agents):
    """Lays items out and puts agents in their places, the same in every env."""
    markers = env.core.markers
    markers.visible[:] = False
    markers.visible[:, : len(items)] = True
    markers.positions[:, : len(items)] = torch.tensor(items, device=env.device).float()
    env.core.agents.positions[:] = torch.tensor(agents, device=env.device).float()
    env.core.agents.angles.zero_()


def stay(env):
    return env.step(torch.zeros(env.num_envs, dtype=torch.int64, device=env.device))


def test_make_vec():
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        env = gymnasium.make_vec('envs:megastep/Foraging-v0', num_envs=3, maps=houses(2), device='cpu')
        env.reset(seed=0)
        env.step(torch.zeros(3, dtype=torch.int64))
        assert env.core.num_markers == 12 and env.core.markers.visible[:, 3:].any()
        env.close()


def test_an_item_that_is_touched_is_taken_once(device):
    env = foraging(device=device)
    lay(env, [(5, 5), (9, 9)], [(5, 5 + AGENT_RADIUS + 0.149)])
    _, rewards, terminated, truncated, info = stay(env)
    assert rewards.tolist() == info['items'].tolist() == [1] * 4
    assert not (terminated | truncated).any()
    assert env.core.markers.visible[0, :3].tolist() == [False, True, False]
    _, rewards, *_, info = stay(env)
    assert rewards.tolist() == [0] * 4 and info['items'].tolist() == [1] * 4


def test_an_item_that_is_not_quite_touched_stays(device):
    env = foraging(device=device)
    lay(env, [(5, 5)], [(5, 5 + AGENT_RADIUS + 0.151)])
    assert stay(env)[1].tolist() == [0] * 4
    assert env.core.markers.visible[:, 0].all()


def test_several_at_once_pay_each(device):
    env = foraging(device=device)
    lay(env, [(5, 5), (5.2, 5), (5, 5)], [(5.1, 5)])
    assert stay(env)[1].tolist() == [3] * 4
    assert not env.core.markers.visible.any()


class Poisoned(Foraging):
    """With a second kind of items, which cost."""

    def __init__(self, *args, num_poisons=2, num_items=3, **options):
        food, poison = slice(0, num_items), slice(num_items, num_items + num_poisons)
        super().__init__(*args, num_items=poison.stop, items=partial(Items, which=food), **options)
        self.poisons = Items(self.core, which=poison, radius=0.3, colour=(1, 0, 1), regrowth=math.inf)

    def _act(self, actions):
        super()._act(actions)
        self._gains = self._gains - self.poisons.step()


def test_several_kinds_of_items_are_parts_of_other_markers(device):
    env = Poisoned([ROOM], 4, device, cameras=FEW_RAYS, regrowth=NEVER)
    env.reset(seed=0)
    assert env.core.markers.radii[0].tolist() == pytest.approx([0.15] * 3 + [0.3] * 2)
    assert env.core.markers.colours[0, :, 2].tolist() == [0, 0, 0, 1, 1]
    lay(env, [(5, 5), (9, 9), (9, 2), (5, 5.4), (9, 5)], [(5, 5)])
    _, rewards, *_, info = stay(env)
    assert rewards.tolist() == [0] * 4 and info['items'].tolist() == [1] * 4
    assert (env.items.visible[0].tolist(), env.poisons.visible[0].tolist()) == ([False, True, True], [False, True])
    assert env.poisons.taken.tolist() == [[1]] * 4


def test_other_kinds_of_items_are_in_states():
    check_env(Poisoned(houses(2), 4, 'cpu', cameras=FEW_RAYS, num_items=20, num_poisons=10, time_limit=2))


def test_walking_into_one_takes_it(device):
    """A step forward is 0.2 m, and it is touched from 0.256 m on."""
    env = foraging(device=device)
    lay(env, [(6, 5)], [(5, 5)])
    forward = torch.full((4,), FORWARD, device=env.device)
    paid = [env.step(forward)[1][0].item() for _ in range(5)]
    assert paid == [0, 0, 0, 1, 0]


def test_two_agents_cannot_both_have_one(device):
    """It goes to the nearer, and to the first of those as near."""
    env = foraging(num_agents=2, device=device)
    lay(env, [(5, 5)], [(4.85, 5), (5.12, 5)])
    assert stay(env)[1].tolist() == [0, 1, 0, 1]
    lay(env, [(5, 5)], [(4.75, 5), (5.25, 5)])
    assert stay(env)[1].tolist() == [1, 0, 1, 0]
    lay(env, [(5, 5), (7, 5)], [(4.9, 5), (7, 5.1)])
    _, rewards, *_, info = stay(env)
    assert rewards.tolist() == [1, 1, 1, 1]
    assert info['items'].tolist() == [2, 2, 2, 2]


def test_items_are_seen_until_they_are_taken(device):
    env = foraging(cameras=Cameras(res=1, fov=10, subsample=1), device=device)
    lay(env, [(7, 5)], [(5, 5)])
    view = rendering.render(env.core, env.cameras, per_ray=True)
    assert (view.lines == env.core.first_marker_line).all()
    np.testing.assert_allclose(view.distances.cpu().ravel(), 2 - 0.15, rtol=1e-5)
    red, green, blue = view.rgb.cpu()[:, 0, 0, :, 0].T
    assert (red > green).all() and (green > 0).all() and not blue.any()
    env.core.agents.positions[:] = torch.tensor([7.2, 5], device=device)
    stay(env)
    env.core.agents.positions[:] = torch.tensor([5, 5], device=device)
    assert (rendering.render(env.core, env.cameras, per_ray=True).lines < env.core.first_marker_line).all()


def test_items_lie_at_spawns_of_their_map():
    env = foraging(num_envs=16, maps=houses(2), num_items=7)
    markers = env.core.markers
    assert markers.visible.all()
    for i in range(16):
        spawns = env.core.scenery.spawns[int(env.core.map_ids[i])]
        assert (torch.cdist(markers.positions[i], spawns).amin(dim=1) < 0.01).all()  # it is quick, not exact


def test_items_come_back_elsewhere_after_a_while():
    """One in twenty steps, on average: of 100,000 draws 5,000, give or take 69."""
    env = foraging(num_envs=400, num_items=250, regrowth=2.0)
    markers = env.core.markers
    markers.visible[:] = False
    markers.positions[:] = 0
    env.core.agents.positions[:] = 1.2  # away from all spawns
    stay(env)
    assert abs(int(markers.visible.sum()) - 5000) < 5 * 69
    back = markers.positions[markers.visible]
    spawns = env.core.scenery.spawns[0]
    shares = (torch.cdist(back, spawns) < 0.01).float().mean(dim=0)
    assert (shares > 0.02).all() and (shares < 0.06).all()  # each as often as any, one in 25
    assert (markers.positions[~markers.visible] == 0).all()


def test_those_that_lie_there_stay():
    env = foraging(num_envs=8, regrowth=0.1)
    before = env.core.markers.positions.clone()
    env.core.agents.positions[:] = 1.2
    stay(env)
    assert torch.equal(env.core.markers.positions, before)


def test_an_episode_ends_in_time_and_the_next_has_new_items():
    env = foraging(num_envs=6, time_limit=0.3)
    lay(env, [(5, 5)], [(5, 5)])
    assert stay(env)[4]['items'].tolist() == [1] * 6
    stay(env)
    _, _, terminated, truncated, info = stay(env)
    assert truncated.all() and not terminated.any() and info['items'].tolist() == [1] * 6
    before = env.core.markers.positions.clone()
    info = stay(env)[4]
    assert not info['items'].any() and env.core.markers.visible.all()
    assert not torch.equal(env.core.markers.positions, before)


def test_a_reset_of_some_leaves_the_others():
    env = foraging(num_envs=4, autoreset_mode=AutoresetMode.DISABLED)
    lay(env, [(5, 5)], [(5, 5)])
    stay(env)
    env.reset(options={'reset_mask': torch.tensor([True, False, False, True])})
    assert env.items.taken.ravel().tolist() == [0, 1, 1, 0]
    assert env.core.markers.visible.all(dim=1).tolist() == [True, False, False, True]


def test_the_same_seed_is_the_same_episode():
    assert equal(rollout(foraging(), 8, seed=3), rollout(foraging(), 8, seed=3))
    assert not equal(rollout(foraging(), 8, seed=3), rollout(foraging(), 8, seed=4))


@pytest.mark.parametrize('num_agents', [1, 2])
def test_a_state_has_the_items(num_agents):
    env = foraging(num_agents=num_agents, maps=houses(2), regrowth=1.0)
    generator = torch.Generator().manual_seed(0)
    actions = [torch.randint(7, (4,), generator=generator) for _ in range(20)]
    for action in actions[:5]:
        env.step(action)
    state = env.get_state()
    assert set(state['items']) == {'taken'}
    assert {'marker_positions', 'marker_radii', 'marker_colours', 'marker_visible'} < set(state['core'])
    first = [copied(env.step(action)) for action in actions]
    env.core.markers.positions.zero_()
    env.core.markers.visible[:] = False
    env.set_state(state)
    assert equal(first, [copied(env.step(action)) for action in actions])


@pytest.mark.parametrize('num_agents', [1, 2])
@pytest.mark.parametrize('mode', list(AutoresetMode))
def test_check_env(num_agents, mode):
    options = {'num_agents': num_agents, 'cameras': FEW_RAYS, 'time_limit': 0.5, 'autoreset_mode': mode}
    check_env(Foraging(houses(2), 8, 'cpu', **options))


@pytest.mark.gpu
def test_check_env_on_a_gpu():
    check_env(Foraging(houses(2), 16, 'cuda', num_agents=2, cameras=FEW_RAYS, time_limit=0.5))


@pytest.mark.gpu
def test_a_cuda_graph_steps_as_python_does():
    graphed, eager = (
        Foraging(houses(2), 16, 'cuda', num_agents=2, cameras=FEW_RAYS, regrowth=1.0, cuda_graph=graph)
        for graph in (True, False)
    )
    assert equal(rollout(graphed, 20), rollout(eager, 20))


def test_snapshots_show_the_items():
    env = foraging(num_agents=2)
    lay(env, [(5, 5), (7, 7)], [(5, 5), (9, 3)])
    stay(env)
    snapshot = env.snapshot(1)
    assert snapshot.overlays[0].positions.tolist() == [[7, 7]]
    assert env.plot_state(snapshot).axes


def greedy(env):
    """Walks to the nearest item that is there, as if there were no walls."""
    agents, markers = env.core.agents, env.core.markers
    offsets = markers.positions - agents.positions
    distances = offsets.norm(dim=-1).masked_fill(~markers.visible, torch.inf)
    chosen = offsets[torch.arange(len(offsets)), distances.argmin(dim=1)]
    bearings = torch.atan2(chosen[:, 1], chosen[:, 0]).rad2deg() - agents.angles[:, 0]
    off = (bearings + 180) % 360 - 180
    return torch.where(off.abs() < 10, FORWARD, torch.where(off > 0, LEFT, RIGHT))


def test_who_knows_where_items_lie_takes_three_times_as_many():
    scores, generator = [], torch.Generator().manual_seed(0)
    for script in (greedy, lambda env: torch.randint(7, (env.num_envs,), generator=generator)):
        env = foraging(num_envs=32, regrowth=10.0)
        for _ in range(300):
            info = env.step(script(env))[4]
        assert info['_episode'].all()
        scores.append(info['items'].double().mean().item())
    assert scores[0] > 3 * scores[1] > 0


@pytest.mark.parametrize(
    'options, message',
    [
        ({'num_items': 0}, 'num_items must be an integer of at least 1, got 0'),
        ({'regrowth': 0}, 'regrowth must be above 0, got 0'),
        ({'num_agents': 9}, 'num_agents must be an integer from 1 to 8, got 9'),
        ({'num_agents': 3}, 'num_envs must be a multiple of num_agents, 3, got 4'),
    ],
)
def test_rejects(options, message):
    with pytest.raises(ValueError, match=message):
        foraging(**options)
