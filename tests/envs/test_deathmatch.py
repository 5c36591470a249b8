import gymnasium
import numpy as np
import pytest
import torch
from gymnasium.vector import AutoresetMode
from oracle import clearances, inside
from rollouts import copied, equal
from torch.utils._python_dispatch import TorchDispatchMode
from worlds import box, halved_box

from envs import Deathmatch, Minimal
from envs.gunner import Gunner
from megastep.env.combat import EVENTS
from megastep.env.cuda_graph.capturing import obstacle
from megastep.maps.geometry import AGENT_RADIUS
from megastep.testing import check_env
from megastep.world.cameras import Cameras

FEW_RAYS = Cameras(res=16, fov=100, subsample=4)
STAY, FORWARD, SHOOT = 0, 1, 7
HALL = box(1, 1, 11, 5, spawns=[(2 + i % 8, 2 + i // 8) for i in range(16)])


def make(num_envs=8, **options):
    return Deathmatch(num_envs=num_envs, device='cpu', **{'cameras': FEW_RAYS, 'maps': [HALL], **options})


def random_actions(env, seed):
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(int(env.single_action_space.n), (env.num_envs,), generator=generator)


def place(env, positions, angles):
    """Puts every world's agents at these places, and lets them look."""
    env.core.agents.positions.copy_(torch.tensor(positions).expand_as(env.core.agents.positions))
    env.core.agents.angles.copy_(torch.tensor(angles).expand_as(env.core.agents.angles))
    env._observe()


def duel(**options):
    """Two agents that face each other."""
    env = make(num_envs=2, num_agents=2, **options)
    env.reset(seed=0)
    place(env, [[4.0, 3.0], [7.0, 3.0]], [0.0, 180.0])
    return env


def stay(env):
    _, rewards, _, _, info = env.step(torch.zeros(env.num_envs, dtype=torch.int64))
    return rewards.tolist(), {name: info[name].tolist() for name in EVENTS}


def test_every_agent_is_a_row():
    env = gymnasium.make_vec('envs:megastep/Deathmatch-v0', num_envs=6, num_agents=3, maps=[HALL], device='cpu')
    assert (env.num_envs, env.core.num_envs, env.core.num_agents) == (6, 2, 3)
    observations, _ = env.reset(seed=0)
    info = env.step(random_actions(env, 0))[4]
    assert info['world'].tolist() == [0, 0, 0, 1, 1, 1]
    assert {name: values.shape[0] for name, values in observations.items()} == dict.fromkeys(observations, 6)
    assert list(env.single_observation_space) == ['rgb', 'depth', 'imu', 'health', 'cooldown']


def test_maps_are_built_in():
    assert Deathmatch(num_envs=8, device='cpu').core.scenery.num_maps == 8


@pytest.mark.parametrize('options', [{}, {'trigger': True}, {'num_agents': 2, 'cooldown': 0}, {'num_agents': 8}])
def test_observations_lie_in_their_spaces(options):
    env = make(num_envs=16, **options)
    observations, _ = env.reset(seed=0)
    for step in range(40):
        arrays = {name: values.numpy() for name, values in observations.items()}
        assert env.observation_space.contains(arrays)
        assert env.single_observation_space.contains({name: values[3] for name, values in arrays.items()})
        observations = env.step(random_actions(env, step))[0]


def test_a_duel_in_slow_motion():
    """Both shoot every fifth step, at once, and take the same; the third wound of each kills both."""
    env = duel(health=3, cooldown=0.5, aim_reward=0.0)
    pays, kills = [], []
    for _ in range(11):
        (left, right), events = stay(env)
        assert left == pytest.approx(right)
        pays.append(left)
        kills.append(events['kills'])
    assert pays == pytest.approx([0] * 11)  # as much dealt as received
    assert kills == [[0, 0]] * 10 + [[1, 1]]
    assert events == {
        'aims': [11, 11],
        'shots': [3, 3],
        'hits': [3, 3],
        'wounds': [3, 3],
        'kills': [1, 1],
        'deaths': [1, 1],
    }
    assert env._combat.health.tolist() == [[3, 3]]


def one_sided(**options):
    """The second agent looks away."""
    env = duel(**options)
    place(env, [[4.0, 3.0], [7.0, 3.0]], [0.0, 0.0])
    return env


def test_rewards_are_what_the_parameters_say():
    env = one_sided(health=2, cooldown=0, hit_reward=3.0, kill_reward=5.0, aim_reward=0.5, sight_reward=0.25)
    assert stay(env)[0] == pytest.approx([1.5 + 0.05 + 0.025, -1.5])
    rewards, events = stay(env)
    sight = 0.025 * env._sighted[0].numpy()
    assert rewards == pytest.approx([1.5 + 5 + 0.05, -1.5 - 5] + sight)
    assert (events['kills'], events['deaths']) == ([1, 0], [0, 1])


def test_the_classic_reward_is_1_for_a_hit():
    env = one_sided(reward='classic', health=2, cooldown=0)
    assert [stay(env)[0], stay(env)[0]] == [[1, 0], [1, 0]]


def test_the_dead_are_put_far_away_and_the_others_play_on():
    env = one_sided(health=1)
    before = env.core.agents.positions[0, 0].clone()
    observations = env.step(torch.zeros(2, dtype=torch.int64))[0]
    assert torch.equal(env.core.agents.positions[0, 0], before)
    assert (env.core.agents.positions[0, 1] - before).norm() > 3
    assert observations['health'].tolist() == [[1], [1]]
    assert observations['cooldown'].flatten().tolist() == pytest.approx([0.8, 0])
    assert env.lengths.tolist() == [1]


def test_walls_protect():
    env = Deathmatch([halved_box()], num_envs=2, device='cpu', num_agents=2, cameras=FEW_RAYS)
    env.reset(seed=0)
    place(env, [[2.0, 2.5], [4.0, 2.5]], [0.0, 180.0])
    assert stay(env)[1]['shots'] == [0, 0]
    place(env, [[2.0, 1.5], [4.0, 1.5]], [0.0, 180.0])
    assert stay(env)[1]['shots'] == [1, 1]


def test_a_trigger_shoots_and_moves():
    env = duel(trigger=True, cooldown=0, aim_reward=0.0)
    assert env.single_action_space.n == 14
    info = env.step(torch.tensor([STAY, SHOOT + FORWARD]))[4]
    assert (info['shots'].tolist(), info['wounds'].tolist()) == ([0, 1], [1, 0])
    assert env.core.agents.positions[0, 1, 0] < 7 and env.core.agents.positions[0, 0, 0] == 4


@pytest.mark.parametrize('trigger', [False, True])
def test_numbers_of_no_action_do_nothing(trigger):
    env = duel(trigger=trigger, max_range=0.5)
    before = env.core.agents.positions.clone()
    info = env.step(torch.tensor([99, -1]))[4]
    assert torch.equal(env.core.agents.positions, before)
    assert info['shots'].tolist() == [0, 0]


def test_all_is_accounted_for():
    """No wound without a shooter, no death without a kill: by the counts, and by the health that is left."""
    env = make(num_envs=48, num_agents=4, health=2, cooldown=0.2, time_limit=6, aim=20.0)
    env.reset(seed=0)
    last, health, over, deaths = dict.fromkeys(EVENTS, torch.zeros(12, 4)), env._combat.health.clone(), None, 0
    for step in range(150):
        _, _, _, truncated, info = env.step(random_actions(env, step))
        total = {name: info[name].view(12, 4) for name in EVENTS}
        begun = torch.zeros(12, dtype=torch.bool) if over is None else over
        now = {name: total[name] - last[name] for name in EVENTS}
        for name in ('hits', 'kills'):
            other = {'hits': 'wounds', 'kills': 'deaths'}[name]
            assert torch.equal(total[name].sum(1), total[other].sum(1))
        assert all((total[name][begun] == 0).all() for name in EVENTS)
        left = health - now['wounds']
        expected = torch.where((left <= 0) | begun[:, None], 2, left)
        assert torch.equal(env._combat.health.double(), expected.double())
        assert torch.equal((now['deaths'] == 1)[~begun], (left <= 0)[~begun])
        last, health, over = total, env._combat.health.clone(), truncated.view(12, 4)[:, 0]
        deaths += int(now['deaths'][~begun].sum())
        assert truncated.any() == (step % 61 == 59)
    assert deaths > 50


def test_nobody_leaves_and_nobody_overlaps():
    maps = [HALL, halved_box()]
    env = Deathmatch(maps, num_envs=32, device='cpu', num_agents=2, cameras=FEW_RAYS, health=1, cooldown=0, aim=30.0)
    env.reset(seed=0)
    for step in range(100):
        env.step(random_actions(env, step))
        places = env.core.agents.positions.double()
        assert (torch.pdist(places[0]) > 2 * AGENT_RADIUS - 1e-4).all()
        for number in (0, 1):
            points = places[env.core.map_ids == number].flatten(0, 1).numpy()
            assert inside(points, maps[number].walls).all()
            assert (clearances(points, maps[number].walls) > AGENT_RADIUS - 1e-4).all()
    assert env._score.counts[EVENTS.index('deaths')].sum() > 50


def test_a_gunner_beats_random_agents():
    """In duels of 20 seconds, by more than 3 to 1, from what it observes alone."""
    env = Deathmatch(num_envs=64, device='cpu', num_agents=2, cameras=Cameras(res=64, fov=100, subsample=2))
    gunner, scripted = Gunner(env), torch.arange(64) % 2 == 0
    observations, _ = env.reset(seed=0)
    for step in range(200):
        actions = torch.where(scripted, gunner(observations), random_actions(env, step))
        observations, *_, info = env.step(actions)
    kills = [info['kills'][rows].sum().item() for rows in (scripted, ~scripted)]
    assert kills[0] > 3 * kills[1] and kills[0] > 40


def test_a_gunner_pulls_the_trigger():
    env = duel(trigger=True, cooldown=0, cameras=Cameras(res=128, fov=100, subsample=4))
    actions = Gunner(env)(env._observe())
    assert (actions >= SHOOT).all()
    place(env, [[4.0, 3.0], [7.0, 3.0]], [180.0, 0.0])
    assert (Gunner(env)(env._observe()) < SHOOT).all()


def test_a_gunner_needs_cameras_of_one_kind():
    env = make(cameras={'front': FEW_RAYS, 'rear': FEW_RAYS})
    with pytest.raises(ValueError, match=r"cameras must be of one kind for a Gunner, got \['front', 'rear'\]"):
        Gunner(env)


@pytest.mark.parametrize('mode', list(AutoresetMode))
@pytest.mark.parametrize('graph', [False, pytest.param(True, marks=pytest.mark.gpu)])
def test_it_keeps_its_promises(mode, graph, device):
    eyes = {'front': Cameras(res=4, subsample=2), 'sides': Cameras(res=1, mounts=((0, 0, 90), (0, 0, -90)))}
    options = {'cameras': eyes, 'aim': 20.0, 'health': 1, 'cooldown': 0, 'time_limit': 0.5, 'device': device}
    env = Deathmatch([HALL], num_envs=8, trigger=True, autoreset_mode=mode, cuda_graph=graph, **options)
    check_env(env, steps=60)


class Counter(TorchDispatchMode):
    """Counts the operations that launch something on a GPU, and notes those that a CUDA graph can't hold."""

    def __init__(self):
        super().__init__()
        self.launches, self.obstacles = 0, []

    def __torch_dispatch__(self, operator, types, args=(), kwargs=None):
        if cause := obstacle(operator, args, kwargs or {}):
            self.obstacles.append(cause)
        named = operator.overloadpacket.__name__
        views = any(alias.alias_info and not alias.alias_info.is_write for alias in operator._schema.returns)
        self.launches += not views and 'empty' not in named and named != '_unsafe_view'
        return operator(*args, **(kwargs or {}))


def counted(env):
    env.reset(seed=0)
    actions = torch.zeros(env.num_envs, dtype=torch.int64)
    with Counter() as counter:
        env._episode_runner.advance(actions)
    return counter


@pytest.mark.parametrize('options', [{}, {'trigger': True, 'sight_reward': 1.0}])
def test_a_step_is_few_launches_and_none_waits(options):
    """On a CPU the physics read the turn, which they don't on a GPU; nothing else may wait."""
    counter, plain = counted(make(**options)), counted(Minimal(num_envs=2, device='cpu'))
    assert counter.obstacles == plain.obstacles
    assert counter.launches <= (105 if options else 90)


def test_the_same_seed_is_the_same_game():
    def game():
        env = make(num_envs=16, health=1)
        return [copied(env.reset(seed=3)), *(copied(env.step(random_actions(env, i))) for i in range(40))]

    assert equal(game(), game())


def test_its_state_goes_on_as_it_was():
    env = make(num_envs=16, health=2, aim=20.0)
    env.reset(seed=0)
    for step in range(20):
        env.step(random_actions(env, step))
    state = env.get_state()
    first = [copied(env.step(random_actions(env, i))) for i in range(20)]
    env.set_state(state)
    assert equal(first, [copied(env.step(random_actions(env, i))) for i in range(20)])


def test_a_reset_of_some_worlds_leaves_the_others_alone():
    env = make(num_envs=16, cooldown=0, aim=30.0, time_limit=0.5)
    env.reset(seed=0)
    for step in range(4):
        env.step(random_actions(env, step))
    positions, tally = env.core.agents.positions.clone(), env._score.counts.clone()
    mask = torch.arange(16) < 4
    env.reset(options={'reset_mask': mask})
    assert torch.equal(env.core.agents.positions[1:], positions[1:])
    assert torch.equal(env._score.counts[:, 1:], tally[:, 1:]) and not env._score.counts[:, 0].any()
    assert tally[:, 0].any()
    truncated = env.step(random_actions(env, 4))[3]
    assert torch.equal(truncated, ~mask)


def test_its_picture_has_health_and_shots():
    env = duel(health=4)
    stay(env)
    for _ in range(4):
        stay(env)
    state = env.snapshot(0)
    health, shots, deaths = state.overlays
    assert (deaths.meaning, deaths.agents.tolist()) == ('death', [False, False])
    assert health.values.tolist() == [0.75, 0.75]
    np.testing.assert_allclose(shots.ends, [[[4, 3], [7, 3]], [[7, 3], [4, 3]]], atol=1e-6)
    assert (state.values['hits'], state.values['kills']) == (2, 0)
    assert env.plot_state(state).axes
    stay(env)
    assert np.isnan(env.snapshot(0).overlays[1].ends).all()
    while not env.snapshot(0).overlays[2].agents.any():
        stay(env)
    assert env.snapshot(0).overlays[2].agents.tolist() == [True, True]


@pytest.mark.parametrize(
    'options, message',
    [
        ({'num_agents': 1}, 'num_agents must be an integer from 2 to 8, got 1'),
        ({'num_agents': 9}, 'num_agents must be an integer from 2 to 8, got 9'),
        ({'num_envs': 6}, 'num_envs must be a multiple of num_agents, 4, got 6'),
        ({'num_envs': 0}, 'num_envs must be a multiple of num_agents, 4, got 0'),
        ({'reward': 'sparse'}, "reward must be one of 'shaped', 'classic', got 'sparse'"),
        ({'time_limit': 0}, 'time_limit must be above 0 s and finite, got 0'),
        ({'maps': [HALL, box()]}, 'map 1 has 3 spawns, too few for 4 agents'),
        ({'hit_reward': np.nan}, 'hit_reward must be finite, got nan'),
    ],
)
def test_rejects_what_makes_no_game(options, message):
    with pytest.raises(ValueError, match=message):
        make(**options)
